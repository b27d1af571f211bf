// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../algorithm/sections.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../foundation/simd.hpp"
#include "../structure/workspace.hpp"

/// Neurons that nothing wakes any more begin anew. When a stream changes, many a neuron that served
/// what was before falls silent for good: no gradient reaches it. After some such changes next to
/// none are left (Dohare et al.: Loss of plasticity in deep continual learning, Nature 632, 2024).

namespace hanami::inline HANAMI_ISA {

/// Notes which neurons are active for the sample in `ws`.
template <class Real, class Weight>
void note_active(network<Real, Weight>& net, const workspace<Real>& ws) noexcept {
  for (std::size_t index = 0; index < net.bricks.size(); ++index) {
    const Real* activations = ws.activations.data() + net.neurons_of(index);
    for (std::size_t lane = 0; lane < net.lanes(); lane += chunk_width) {
      net.bricks[index].active_lanes[lane / chunk_width] |=
          static_cast<std::uint16_t>(positive_bits(activations + lane));
    }
  }
}

namespace detail {

/// New weights for the silent lanes of a section, spread over its steps; returns to `offset` what
/// they add on average if the activations of the presynaptic node are spread over the steps.
template <class Real, class Weight>
void redraw_section(network<Real, Weight>& net, std::size_t index, const presynaptic_chunk& chunk,
                    std::size_t c, std::size_t i, std::span<const std::uint32_t> lanes,
                    Real* offset) noexcept {
  const auto& b = net.bricks[index];
  const std::size_t local = c * chunk_width + i;
  const std::size_t steps = b.step_count(local);
  const Real scale = first_weight_bound<Real>(b.most_active);
  const std::uint64_t key = random_key(random_stream::renewed_weights, index);
  for (const std::uint32_t lane : lanes) {
    const Real weight =
        scale *
        static_cast<Real>(random_signed_unit(net.seed, key + (net.growth.neurons_reset << 24),
                                             (chunk.offset + i) * net.lanes() + lane));
    offset[lane] += chunk.is_neuron ? Real{0} : weight / 2;
    for (std::size_t k = 0; k < steps; ++k) {
      const tile_slot slot = b.slot[local * b.max_steps + k];
      net.tiles.tile(slot)[lane] = static_cast<Weight>(weight / static_cast<Real>(steps));
      if (net.averaging()) {
        net.tiles.average_tile(slot)[lane] = net.tiles.tile(slot)[lane];
      }
    }
  }
}

/// Outputs and bricks that read the silent lanes of brick `index` begin to listen at 0: answers
/// stay as they are.
template <class Real, class Weight>
void unlearn_lanes(network<Real, Weight>& net, std::size_t index,
                   std::span<const std::uint32_t> lanes) noexcept {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    auto& layer = net.outputs[o];
    const auto found =
        std::find(layer.bricks.begin(), layer.bricks.end(), static_cast<std::uint32_t>(index));
    if (found == layer.bricks.end()) {
      continue;
    }
    const std::size_t size = net.topology.outputs[o].size;
    const auto first = static_cast<std::size_t>(found - layer.bricks.begin()) * net.lanes() * size;
    for (const std::uint32_t lane : lanes) {
      for (std::size_t node = 0; node < size; ++node) {
        const std::size_t at =
            first + (lane / chunk_width * size + node) * chunk_width + lane % chunk_width;
        layer.weights[at] = 0;
        if (net.averaging()) {
          layer.average_weights[at] = 0;
        }
      }
    }
  }
  for (auto& b : net.bricks) {
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      const std::size_t lane_of_chunk = chunks[c].offset - net.neurons_of(index);
      if (!chunks[c].is_neuron || lane_of_chunk >= net.lanes()) {
        continue;
      }
      for (const std::uint32_t lane : lanes) {
        const std::size_t i = lane - lane_of_chunk;
        if (i < chunk_width && ((b.have[c] >> i) & 1U) != 0) {
          const tile_slot slot = b.slot[(c * chunk_width + i) * b.max_steps];
          std::fill_n(net.tiles.tile(slot), net.lanes(), Weight{});
          if (net.averaging()) {
            std::fill_n(net.tiles.average_tile(slot), net.lanes(), Weight{});
          }
        }
      }
    }
  }
}

} // namespace detail

/// Draws the weights of all neurons anew that no noted sample woke, so that about half of them are
/// active at any sample; then the notes begin anew. Answers stay as they are. Spiking neurons are
/// left alone: they may wait for long.
template <class Real, class Weight>
void reset_dormant_neurons(network<Real, Weight>& net) noexcept {
  for (std::size_t index = 0; index < net.bricks.size(); ++index) {
    auto& b = net.bricks[index];
    std::array<std::uint32_t, most_lanes> lane_list;
    std::size_t silent = 0;
    for (std::uint32_t lane = 0; lane < net.lanes(); ++lane) {
      if (((b.active_lanes[lane / chunk_width] >> (lane % chunk_width)) & 1U) == 0) {
        lane_list[silent++] = lane;
      }
    }
    b.active_lanes = {};
    if (b.retired || silent == 0 || net.topology[b.hexagon].spiking.spikes()) {
      continue;
    }
    const std::span<const std::uint32_t> lanes(lane_list.data(), silent);
    std::array<Real, most_lanes> offset{};
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      for (std::uint32_t rest = b.have[c]; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        detail::redraw_section(net, index, chunks[c], c, i, lanes, offset.data());
      }
    }
    for (const std::uint32_t lane : lanes) {
      b.bias[lane] = -offset[lane];
      if (net.averaging()) {
        b.average_bias[lane] = -offset[lane];
      }
    }
    detail::unlearn_lanes(net, index, lanes);
    net.growth.neurons_reset += silent;
  }
}

} // namespace hanami
