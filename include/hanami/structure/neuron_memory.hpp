// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../foundation/memory.hpp"
#include "../foundation/random.hpp"
#include "network.hpp"

namespace hanami::inline HANAMI_ISA {

/// What spiking neurons have of their own and what they remember of older samples. Empty where no
/// hexagon spikes. Brick b has the neurons from b * lanes on.
template <class Real>
struct neuron_memory {
  // Drawn from the seed of the network, not kept in checkpoints.
  aligned_vector<Real> keep;                  ///< per neuron: 1 / cooldown
  std::vector<std::uint32_t> refractory_time; ///< per neuron
  std::vector<Real> threshold;                ///< per brick; below 0: its neurons do not spike

  // The state of the stream.
  aligned_vector<Real> potentials;    ///< per neuron: what is left of older inputs
  std::vector<std::uint32_t> resting; ///< per neuron: cycles until it takes input again
  std::vector<std::uint8_t> took;     ///< per neuron: whether this cycle's input counted

  // While learning: how much of each step is still in the potentials.
  aligned_vector<Real> traces;                ///< per tile of the network: one per lane
  std::vector<Real> strongest;                ///< per tile: no trace is larger; 0: all are 0
  std::vector<std::uint64_t> trace_owner;     ///< per tile: the section whose traces they are
  std::vector<std::vector<tile_slot>> traced; ///< per brick: tiles with traces, in order; derived

  bool empty() const noexcept { return threshold.empty(); }
  bool spikes(std::size_t brick) const noexcept {
    return !threshold.empty() && threshold[brick] >= Real{0};
  }

  /// Follows the network's growth; neurons that are new rest from nothing.
  template <class Weight>
  void fit(const network<Real, Weight>& net) {
    if (!net.topology.spikes()) {
      *this = {};
      return;
    }
    const std::size_t neurons = net.bricks.size() * net.lanes();
    keep.resize(neurons);
    refractory_time.resize(neurons);
    threshold.resize(net.bricks.size());
    potentials.resize(neurons);
    resting.resize(neurons);
    took.resize(neurons);
    for (std::size_t b = 0; b < net.bricks.size(); ++b) {
      if (net.bricks[b].retired) {
        std::fill_n(potentials.data() + b * net.lanes(), net.lanes(), Real{0});
        std::fill_n(resting.data() + b * net.lanes(), net.lanes(), 0U);
      }
      draw(net, b);
    }
  }

  /// Room for the traces of every tile, as much as the pool of tiles has itself: no more
  /// allocations than there.
  template <class Weight>
  void fit_traces(const network<Real, Weight>& net) {
    if (empty()) {
      return;
    }
    if (strongest.capacity() < net.tiles.capacity()) {
      traces.reserve(net.tiles.capacity() * net.lanes());
      strongest.reserve(net.tiles.capacity());
      trace_owner.reserve(net.tiles.capacity());
    }
    traces.resize(net.tiles.slot_end() * net.lanes());
    strongest.resize(net.tiles.slot_end());
    trace_owner.resize(net.tiles.slot_end());
    traced.resize(threshold.size());
  }

  /// Room for the tiles of a brick among the traced ones.
  void reserve_traced(std::size_t brick, std::size_t tiles) {
    if (!empty()) {
      traced.resize(threshold.size());
      traced[brick].reserve(tiles);
    }
  }

  std::size_t bytes() const noexcept {
    std::size_t sum = allocated_bytes(keep) + allocated_bytes(refractory_time) +
                      allocated_bytes(threshold) + allocated_bytes(potentials) +
                      allocated_bytes(resting) + allocated_bytes(took) + allocated_bytes(traces) +
                      allocated_bytes(strongest) + allocated_bytes(trace_owner) +
                      allocated_bytes(traced);
    for (const auto& tiles : traced) {
      sum += allocated_bytes(tiles);
    }
    return sum;
  }

  /// The state of the stream and the traces. Whether they fit the network is asked by `fits`.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(potentials, resting, traces, strongest, trace_owner);
  }

  /// Whether what was read belongs to the network that this has been fitted to.
  template <class Weight>
  bool fits(const network<Real, Weight>& net) const noexcept {
    const std::size_t neurons = empty() ? 0 : net.bricks.size() * net.lanes();
    const std::size_t tiles = strongest.size();
    return potentials.size() == neurons && resting.size() == neurons &&
           tiles <= net.tiles.slot_end() && traces.size() == tiles * net.lanes() &&
           trace_owner.size() == tiles && (tiles == 0 || !empty());
  }

 private:
  // Purposes of random streams, counted from the top; `algorithm/random_keys.hpp` has the others.
  static constexpr std::uint64_t cooldown_stream = std::uint64_t{255} << 56;
  static constexpr std::uint64_t refractory_stream = std::uint64_t{254} << 56;

  /// A number in [0, 1) for every lane. From a random begin, the lanes of a brick run through the
  /// points of a lattice (of the plastic number, Roberts 2018) that leaves no gaps in the plane of
  /// cooldowns and refractory times: a brick has some neurons of every kind.
  static double spread(std::uint64_t seed, std::uint64_t key, double stride,
                       std::size_t lane) noexcept {
    const double at =
        static_cast<double>(random_unit(seed, key, 0)) + stride * static_cast<double>(lane);
    return at - std::floor(at);
  }

  /// Cooldowns even over the orders of magnitude of the time that they remember, 1 / ln(cooldown)
  /// cycles; refractory times even over the whole numbers.
  template <class Weight>
  void draw(const network<Real, Weight>& net, std::size_t b) noexcept {
    const auto& of = net.topology[net.bricks[b].hexagon].spiking;
    threshold[b] = of.spikes() ? static_cast<Real>(of.fire_threshold) : Real{-1};
    const double first = std::log(of.cooldown.first);
    const double ratio = std::log(std::log(of.cooldown.last) / first);
    const auto times =
        static_cast<double>(of.refractory_time.last - of.refractory_time.first) + 1.0;
    const std::uint64_t key = (net.bricks[b].replacements << 32) + b;
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      const std::size_t neuron = b * net.lanes() + lane;
      const double pace = spread(net.seed, cooldown_stream + key, 0.7548776662466927, lane);
      const double rest = spread(net.seed, refractory_stream + key, 0.5698402909980532, lane);
      keep[neuron] = static_cast<Real>(of.cooldown.first == of.cooldown.last
                                           ? 1.0 / of.cooldown.first
                                           : std::exp(-first * std::exp(ratio * pace)));
      refractory_time[neuron] = of.refractory_time.first + static_cast<std::uint32_t>(times * rest);
    }
  }
};

} // namespace hanami
