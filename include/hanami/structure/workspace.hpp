// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../foundation/memory.hpp"
#include "network.hpp"
#include "neuron_memory.hpp"

namespace hanami::inline HANAMI_ISA {

/// The active steps of one brick for one sample: packed pairs of a share and a tile. Written by the
/// forward pass, read again by the backward pass.
template <class Real>
struct step_list {
  aligned_vector<Real> phi;
  aligned_vector<tile_slot> slot;
  std::uint32_t count = 0;
  std::uint32_t input_count = 0; ///< the first so many belong to inputs, the rest to neurons
};

/// What a network does right now, apart from what it knows: activations, active lists, answers, and
/// for spiking clusters the memory of every neuron. One activity serves one stream of samples; many
/// may run over one network at the same time. Not to be shared between threads.
template <class Real>
struct workspace {
  aligned_vector<Real> activations;      ///< activations, placed as `topology` says
  aligned_vector<Real> waves;            ///< of folded columns, see `algorithm/folds.hpp`
  aligned_vector<Real> hidden_gradients; ///< loss gradients of all neurons, brick after brick
  std::vector<std::vector<std::uint16_t>> active; ///< per hexagon and chunk
  std::vector<step_list<Real>> lists;             ///< per brick
  std::vector<aligned_vector<Real>>
      presynaptic_gradients;                            ///< per brick: for the neurons that feed it
  std::vector<std::vector<std::uint32_t>> level_bricks; ///< per level: the bricks that run at once
  aligned_vector<Real> prediction;                      ///< all outputs in a row
  std::vector<aligned_vector<Real>> output_parts;       ///< per output: sums of groups of bricks
  aligned_vector<Real>
      output_gradients;           ///< loss gradients of the outputs, in the outputs' inner units
  neuron_memory<Real> memory;     ///< of spiking neurons
  shape_identity fitted;          ///< the shape that `fit` has seen
  shape_identity fitted_to_learn; ///< the one that `fit_to_learn` has seen

  /// Follows the network's growth: room for answers. Allocates only when it has grown since the
  /// last call.
  template <class Weight>
  void fit(const network<Real, Weight>& net) {
    if (fitted == net.shape) {
      return;
    }
    fitted.forget(); // until all of it fits
    activations.resize(net.presynaptic_count());
    waves.resize(net.centres.waves());
    active.resize(net.hexagons.size());
    for (std::size_t h = 0; h < active.size(); ++h) {
      active[h].resize(net.hexagons[h].chunks.size());
    }
    lists.resize(net.bricks.size());
    for (std::size_t b = 0; b < lists.size(); ++b) {
      fit_list(net, b);
    }
    fit_levels(net);
    prediction.resize(net.topology.output_size);
    output_parts.resize(net.outputs.size());
    for (std::size_t o = 0; o < output_parts.size(); ++o) {
      output_parts[o].resize((net.outputs[o].bricks.size() + 1) * net.topology.outputs[o].size);
    }
    memory.fit(net);
    fitted = net.shape;
  }

  /// The same with room for the backward pass.
  template <class Weight>
  void fit_to_learn(const network<Real, Weight>& net) {
    if (fitted_to_learn == net.shape) {
      return;
    }
    fit(net);
    fitted_to_learn.forget(); // until all of it fits
    output_gradients.resize(net.topology.output_size);
    hidden_gradients.resize(net.bricks.size() * net.lanes());
    presynaptic_gradients.resize(net.bricks.size());
    for (std::size_t b = 0; b < presynaptic_gradients.size(); ++b) {
      const auto& chunks = net.hexagons[index_of(net.bricks[b].hexagon)].chunks;
      const auto neurons =
          std::count_if(chunks.begin(), chunks.end(),
                        [](const presynaptic_chunk& chunk) { return chunk.is_neuron; });
      presynaptic_gradients[b].resize(static_cast<std::size_t>(neurons) * chunk_width);
      memory.reserve_traced(b, lists[b].slot.size());
    }
    fitted_to_learn = net.shape;
  }

  std::size_t bytes() const noexcept {
    std::size_t sum =
        allocated_bytes(activations) + allocated_bytes(waves) + allocated_bytes(hidden_gradients) +
        allocated_bytes(prediction) + allocated_bytes(output_gradients) + allocated_bytes(active) +
        allocated_bytes(lists) + allocated_bytes(level_bricks) + allocated_bytes(output_parts) +
        allocated_bytes(presynaptic_gradients) + memory.bytes();
    for (const auto& a : active) {
      sum += allocated_bytes(a);
    }
    for (const auto& bricks : level_bricks) {
      sum += allocated_bytes(bricks);
    }
    for (const auto& parts : output_parts) {
      sum += allocated_bytes(parts);
    }
    for (const auto& l : lists) {
      sum += allocated_bytes(l.phi) + allocated_bytes(l.slot);
    }
    for (const auto& d : presynaptic_gradients) {
      sum += allocated_bytes(d);
    }
    return sum;
  }

 private:
  template <class Weight>
  void fit_levels(const network<Real, Weight>& net) {
    level_bricks.resize(net.topology.levels.size());
    for (std::size_t level = 0; level < level_bricks.size(); ++level) {
      level_bricks[level].clear();
      for (const hexagon_id id : net.topology.levels[level]) {
        const auto& bricks = net.hexagons[index_of(id)].bricks;
        level_bricks[level].insert(level_bricks[level].end(), bricks.begin(), bricks.end());
      }
    }
  }

  template <class Weight>
  void fit_list(const network<Real, Weight>& net, std::size_t b) {
    const auto& brick = net.bricks[b];
    std::size_t sources_of_brick = 0;
    for (const auto& chunk : net.hexagons[index_of(brick.hexagon)].chunks) {
      sources_of_brick += static_cast<std::size_t>(std::popcount(chunk.mask));
    }
    const std::size_t room = sources_of_brick * brick.max_steps + chunk_width;
    lists[b].phi.resize(room);
    lists[b].slot.resize(room);
  }
};

/// About how much memory the active steps of some bricks touch, judged by their last lists.
template <class Real, class Weight>
std::size_t touched_bytes(const network<Real, Weight>& net,
                          const std::vector<std::uint32_t>& bricks,
                          const workspace<Real>& ws) noexcept {
  std::size_t steps = 0;
  for (const std::uint32_t index : bricks) {
    steps += ws.lists[index].count;
  }
  return steps * net.lanes() * sizeof(Weight);
}

/// Calls `body(first, end)` for stretches of chunks, in order; all in which any presynaptic node
/// sends. `active` as in `activity`. Where a few of very many inputs are active, the rest costs
/// next to nothing.
template <class Body>
void for_each_active_stretch(std::span<const std::uint16_t> active, const Body& body) {
  constexpr std::size_t stretch = 64;
  if (active.size() <= stretch) {
    body(std::size_t{0}, active.size()); // looking would cost more than it saves
    return;
  }
  for (std::size_t first = 0; first < active.size(); first += stretch) {
    const std::size_t end = std::min(first + stretch, active.size());
    std::uint32_t any = 0;
    for (std::size_t c = first; c < end; ++c) {
      any |= active[c];
    }
    if (any != 0) {
      body(first, end);
    }
  }
}

} // namespace hanami
