// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../foundation/bfloat16.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../structure/network.hpp"
#include "schedule.hpp"

/// Running averages of all weights: a stream without an end keeps a learning rate, and its noise,
/// for ever; the average answers without it (Polyak and Juditsky 1992).

namespace hanami::inline HANAMI_ISA {

/// Starts averaging at the weights as they are, or ends it and gives the memory back.
template <class Real, class Weight>
void set_averaging(network<Real, Weight>& net, bool on) {
  net.tiles.set_averaging(on);
  const auto set = [on](const auto& weights, auto& average) {
    if (on) {
      average.reserve(weights.capacity());
      average.assign(weights.begin(), weights.end());
    } else {
      aligned_vector<Real>().swap(average);
    }
  };
  for (auto& b : net.bricks) {
    set(b.bias, b.average_bias);
  }
  for (auto& o : net.outputs) {
    set(o.weights, o.average_weights);
    set(o.bias, o.average_bias);
    set(o.straight, o.average_straight);
  }
}

namespace detail {
template <class Real>
void approach(Real* average, const Real* weights, std::size_t count, Real share) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    average[i] += share * (weights[i] - average[i]);
  }
}

/// The same for all tiles.
template <class Real, class Weight>
void approach(tile_pool<Weight>& tiles, Real share, const weight_rounding<Weight>& round) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  for (tile_slot slot = 0; slot < tiles.slot_end(); ++slot) {
    const Weight* weights = tiles.tile(slot);
    Weight* average = tiles.average_tile(slot);
    const auto noise = round.of_tile(slot);
    for (std::size_t lane = 0; lane < tiles.lanes(); lane += width) {
      const simd<Real> old = load_weights(average + lane);
      const simd<Real> now = load_weights(weights + lane);
      round.store(average + lane, old + share * (now - old), noise, lane / width);
    }
  }
}

} // namespace detail

/// How far an average over `window` samples goes towards the weights, `passed` samples after its
/// last update.
template <class Real>
HANAMI_HOST_DEVICE Real average_share(double window, std::uint64_t passed) noexcept {
  const auto share = static_cast<double>(passed) / window;
  return share < 1 ? static_cast<Real>(share) : Real{1};
}

/// average += share (weights - average). `number`: no two updates have the same; weights of 16 bits
/// are rounded by it.
template <class Real, class Weight>
void update_average(network<Real, Weight>& net, Real share, std::uint64_t number) noexcept {
  detail::approach(
      net.tiles, share,
      weight_rounding<Weight>(random_bits(
          net.seed, detail::random_key(detail::random_stream::average_rounding, 0), number)));
  for (auto& b : net.bricks) {
    detail::approach(b.average_bias.data(), b.bias.data(), b.bias.size(), share);
  }
  for (auto& o : net.outputs) {
    detail::approach(o.average_weights.data(), o.weights.data(), o.weights.size(), share);
    detail::approach(o.average_bias.data(), o.bias.data(), o.bias.size(), share);
    detail::approach(o.average_straight.data(), o.straight.data(), o.straight.size(), share);
  }
}

/// Makes the averaged weights the weights.
template <class Real, class Weight>
void adopt_average(network<Real, Weight>& net) noexcept {
  std::copy_n(net.tiles.average(), net.tiles.slot_end() * net.lanes(), net.tiles.weights());
  for (auto& b : net.bricks) {
    b.bias = b.average_bias;
  }
  for (auto& o : net.outputs) {
    o.weights = o.average_weights;
    o.bias = o.average_bias;
    o.straight = o.average_straight;
  }
}

} // namespace hanami
