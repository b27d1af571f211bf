// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../foundation/bfloat16.hpp"
#include "../foundation/simd.hpp"
#include "../structure/network.hpp"
#include "chains.hpp"

/// Reduction: the steps that carry least go, their tiles are used again.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Calls `body(brick, chunk, i, local)` for every section of the network, in order.
template <class Network, class Body>
void for_each_section(Network& net, Body&& body) {
  for (auto& b : net.bricks) {
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      for (std::uint32_t rest = b.have[c]; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        body(b, c, i, c * chunk_width + i);
      }
    }
  }
}

template <class Real, class Weight>
Real squared_norm(const Weight* weights, std::size_t lanes) noexcept {
  simd<Real> sum{};
  for (std::size_t lane = 0; lane < lanes; lane += simd_width<Real>) {
    const simd<Real> w = load_weights(weights + lane);
    sum += w * w;
  }
  return simd_sum<Real>(sum);
}

/// Takes the whole section away and closes its place, so that it does not grow again at once.
template <class Real, class Weight>
void remove_section(network<Real, Weight>& net, brick<Real>& b, std::size_t c, std::size_t i) {
  const auto bit = static_cast<std::uint16_t>(1U << i);
  b.have[c] = static_cast<std::uint16_t>(b.have[c] & ~bit);
  --b.sections;
  b.closed[c] = static_cast<std::uint16_t>(b.closed[c] | bit);
  const std::size_t step = (c * chunk_width + i) * b.max_steps;
  net.tiles.release(b.slot[step]);
  b.slot[step] = no_tile;
  if (b.max_steps > 1) {
    b.steps[c * chunk_width + i] = 0;
  }
  ++net.growth.sections_removed;
  ++net.growth.steps_removed;
}

/// Gives back all that a brick without sections holds; its place waits for a new brick.
template <class Real, class Weight>
void retire_brick(network<Real, Weight>& net, std::size_t index) {
  auto& b = net.bricks[index];
  b.retired = true;
  ++net.growth.bricks_removed;
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    auto& layer = net.outputs[o];
    const std::size_t block = net.lanes() * net.topology.outputs[o].size;
    for (std::size_t k = 0; k < layer.bricks.size(); ++k) {
      if (layer.bricks[k] != index) {
        continue;
      }
      const auto clear = [&](aligned_vector<Real>& weights) {
        if (!weights.empty()) {
          std::fill_n(weights.data() + k * block, block, Real{0});
        }
      };
      clear(layer.weights);
      clear(layer.average_weights);
    }
  }
}

} // namespace detail

/// Steps of all sections.
template <class Real, class Weight>
std::size_t count_steps(const network<Real, Weight>& net) noexcept {
  return net.tiles.size();
}

/// Removes the `count` steps with the smallest weight norm (ties: in order). `norms` is scratch
/// space; it is left with capacity for the next round.
template <class Real, class Weight>
void remove_weakest(network<Real, Weight>& net, std::size_t count, std::vector<Real>& norms) {
  const std::size_t steps = count_steps(net);
  count = std::min(count, steps);
  if (count == 0) {
    return;
  }
  // Twice: first in the order of the steps, since merging changes norms, then to be sorted.
  norms.clear();
  norms.reserve(2 * steps);
  detail::for_each_section(net, [&](brick<Real>& b, std::size_t, std::size_t, std::size_t local) {
    for (std::size_t k = 0; k < b.step_count(local); ++k) {
      const Weight* weights = net.tiles.tile(b.slot[local * b.max_steps + k]);
      const Real norm = detail::squared_norm<Real>(weights, net.lanes());
      norms.push_back(norm >= Real{0} ? norm : Real{0}); // what is no number goes first
    }
  });
  norms.insert(norms.end(), norms.begin(), norms.begin() + static_cast<std::ptrdiff_t>(steps));
  const auto sorted = norms.begin() + static_cast<std::ptrdiff_t>(steps);
  std::nth_element(sorted, sorted + static_cast<std::ptrdiff_t>(count - 1), norms.end());
  const Real threshold = norms[steps + count - 1];
  std::size_t ties =
      count - static_cast<std::size_t>(std::count_if(norms.begin(), sorted,
                                                     [&](Real norm) { return norm < threshold; }));
  std::size_t first = 0;
  detail::for_each_section(net,
                           [&](brick<Real>& b, std::size_t c, std::size_t i, std::size_t local) {
                             const std::size_t in_section = b.step_count(local);
                             for (std::size_t k = in_section; k-- > 0;) {
                               const Real norm = norms[first + k];
                               if (norm > threshold || (norm == threshold && ties == 0)) {
                                 continue;
                               }
                               ties -= norm == threshold ? 1U : 0U;
                               if (b.step_count(local) > 1) {
                                 detail::merge_step(net, b, local, k);
                               } else {
                                 detail::remove_section(net, b, c, i);
                               }
                             }
                             first += in_section;
                           });
  for (std::size_t index = 0; index < net.bricks.size(); ++index) {
    auto& b = net.bricks[index];
    if (!b.retired &&
        std::all_of(b.have.begin(), b.have.end(), [](std::uint16_t bits) { return bits == 0; })) {
      detail::retire_brick(net, index);
    }
  }
  net.full = false;
}

/// Lets the sections of every `every`-th brick, from brick `first` on, grow again where they were
/// removed: in a stream without an end what was useless may become useful.
template <class Real, class Weight>
void reopen_sections(network<Real, Weight>& net, std::size_t first, std::size_t every) noexcept {
  for (std::size_t index = first; index < net.bricks.size(); index += every) {
    auto& closed = net.bricks[index].closed;
    std::fill(closed.begin(), closed.end(), std::uint16_t{0});
  }
}

} // namespace hanami
