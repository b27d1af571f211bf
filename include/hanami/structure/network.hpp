// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../foundation/bfloat16.hpp"
#include "../foundation/error.hpp"
#include "../fwd.hpp"
#include "../template/validation.hpp"
#include "brick.hpp"
#include "input_centres.hpp"
#include "shape_identity.hpp"
#include "target_record.hpp"
#include "tile_pool.hpp"
#include "topology.hpp"
#include "topology_maker.hpp"

namespace hanami::inline HANAMI_ISA {

/// What stands in one hexagon, and the presynaptic nodes it reads.
struct hexagon {
  std::vector<presynaptic_chunk>
      chunks; ///< grows with the bricks that feed it and with negative inputs
  std::vector<std::uint32_t> bricks; ///< indices into the network's bricks
  double error_sum = 0;              ///< mean squared gradient per brick, summed: who needs a brick
};

/// An output and its dense weights: one block per brick it reads, in the order of `bricks`, laid
/// out as [16 lanes][output node][lane], so that forward, gradient and update are sequential
/// passes.
template <class Real>
struct output_layer {
  std::vector<std::uint32_t> bricks; ///< indices into the network's bricks
  aligned_vector<Real> weights;
  aligned_vector<Real> bias;
  aligned_vector<Real> average_weights;
  aligned_vector<Real> average_bias;
  aligned_vector<Real> straight; ///< [column, then wave][node], see `algorithm/straight.hpp`
  aligned_vector<Real> average_straight;
  /// Running location and spread of each target (linear outputs): answers are in their units.
  std::vector<Real> location;
  std::vector<Real> spread;
  std::vector<target_record<Real>> targets; ///< per node

  std::size_t bytes() const noexcept {
    return allocated_bytes(bricks) + allocated_bytes(weights) + allocated_bytes(bias) +
           allocated_bytes(average_weights) + allocated_bytes(average_bias) +
           allocated_bytes(straight) + allocated_bytes(average_straight) +
           allocated_bytes(location) + allocated_bytes(spread) + allocated_bytes(targets);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(bricks, weights, bias, average_weights, average_bias, straight, average_straight,
            location, spread, targets);
  }
};

/// Events since the cluster was made.
struct growth_statistics {
  std::uint64_t sections_grown = 0;
  std::uint64_t steps_grown = 0; ///< beyond the first one of a section: extensions and splits
  std::uint64_t bricks_grown = 0;
  std::uint64_t growth_denied = 0; ///< by the memory limit
  std::uint64_t steps_removed = 0;
  std::uint64_t sections_removed = 0;
  std::uint64_t bricks_removed = 0;
  std::uint64_t neurons_reset = 0; ///< silent ones, after a stream has changed

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sections_grown, steps_grown, bricks_grown, growth_denied, steps_removed,
            sections_removed, bricks_removed, neurons_reset);
  }
};

/// Everything a cluster has grown and learned: plain state, walked by the algorithms. What changes
/// from sample to sample stands in `activity`, apart from it. `Real` is what is computed with,
/// `Weight` what the weights of the steps are stored as: the same, or `bfloat16`.
template <class Real, class Weight>
struct network {
  hanami::topology topology;
  std::uint64_t seed = 1;
  tile_pool<Weight> tiles;
  std::vector<hexagon> hexagons; ///< by hexagon_id
  std::vector<brick<Real>> bricks;
  std::vector<output_layer<Real>> outputs;
  std::vector<std::uint8_t> negative_inputs; ///< per input: whether values below 0, or below the
                                             ///< centre of their column, have places
  input_centres<Real> centres;
  /// Changes whenever bricks, chunks or outputs are added, before they are; equal only for networks
  /// of equal shape.
  shape_identity shape = shape_identity::fresh();
  bool compacted = false; ///< bricks have given back what only learning needs
  bool full = false;      ///< the memory limit has refused growth, and nothing was given back since
  /// Most bytes beside the template's own limit: the part of a budget that others share.
  std::size_t allowance = std::numeric_limits<std::size_t>::max();
  /// Growth that only the allowance has refused, in bytes; 0: none, or as much was allowed since.
  std::size_t refused_bytes = 0;
  /// Checks between two renewals of a chain (`algorithm/chains.hpp`), set before each sample.
  std::uint32_t renewal_checks = 64;
  growth_statistics growth;

  std::size_t lanes() const noexcept { return topology.settings.brick_size; }
  bool averaging() const noexcept { return tiles.averaging(); }
  std::uint64_t memory_limit() const noexcept {
    return std::min<std::uint64_t>(topology.settings.memory_limit, allowance);
  }
  /// Whether it may take so many bytes more; notes what only the allowance refuses.
  bool has_room(std::size_t more) noexcept {
    const std::size_t wanted = bytes_learning() + more;
    if (wanted > memory_limit() && wanted <= topology.settings.memory_limit) {
      refused_bytes = std::max(refused_bytes, more);
    }
    return wanted <= memory_limit();
  }
  /// Place of a brick's first neuron in the array of presynaptic nodes.
  std::uint32_t neurons_of(std::size_t brick_index) const noexcept {
    return static_cast<std::uint32_t>(topology.neurons_begin + brick_index * lanes());
  }
  std::size_t presynaptic_count() const noexcept {
    return topology.neurons_begin + bricks.size() * lanes() + chunk_width;
  }

  /// Bricks give back what only learning needs, until `resume`.
  void compact() {
    for (auto& b : bricks) {
      b.compact();
    }
    compacted = true;
  }
  void resume() {
    for (auto& b : bricks) {
      b.resume();
    }
    compacted = false;
  }

  /// Gives memory back that was reserved for growth and is not used.
  void shrink_to_fit() {
    tiles.shrink_to_fit();
    bricks.shrink_to_fit();
    for (auto& b : bricks) {
      b.shrink_to_fit();
    }
    for (auto& h : hexagons) {
      h.chunks.shrink_to_fit();
      h.bricks.shrink_to_fit();
    }
    for (auto& o : outputs) {
      o.weights.shrink_to_fit();
      o.average_weights.shrink_to_fit();
      o.bricks.shrink_to_fit();
    }
  }

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + topology.bytes() + tiles.bytes() + allocated_bytes(bricks) +
                      allocated_bytes(hexagons) + allocated_bytes(outputs) + centres.bytes();
    for (const auto& b : bricks) {
      sum += b.bytes();
    }
    for (const auto& h : hexagons) {
      sum += allocated_bytes(h.chunks) + allocated_bytes(h.bricks);
    }
    for (const auto& o : outputs) {
      sum += o.bytes();
    }
    return sum;
  }

  /// Bytes that a tile takes beside the network where neurons remember (`neuron_memory`): its
  /// traces, the strongest and whose they are.
  std::size_t trace_bytes() const noexcept {
    return topology.spikes() ? (lanes() + 1) * sizeof(Real) + sizeof(std::uint64_t) : 0;
  }
  /// With the traces: what the memory limit is for.
  std::size_t bytes_learning() const noexcept { return bytes() + tiles.capacity() * trace_bytes(); }

  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (Archive::reading) {
      shape = shape_identity::fresh();
    }
    bool full_alone = full && refused_bytes == 0; // what others leave is not the network's own
    archive(seed, negative_inputs, centres, compacted, full_alone, growth, tiles, bricks);
    if constexpr (Archive::reading) {
      full = full_alone;
    }
    for (auto& h : hexagons) {
      archive(h.chunks, h.bricks, h.error_sum);
    }
    for (auto& o : outputs) {
      archive(o);
    }
  }
};

/// A tile of zeros for one more step, or `no_tile` where the memory limit says no.
template <class Real, class Weight>
tile_slot acquire_tile(network<Real, Weight>& net) {
  if (net.full) {
    return no_tile;
  }
  const std::size_t more = net.tiles.growth_tiles();
  if (more > 0 && !net.has_room(more * (net.tiles.tile_bytes() + net.trace_bytes()))) {
    net.full = true;
    ++net.growth.growth_denied;
    return no_tile;
  }
  return net.tiles.acquire();
}

/// An empty network: hexagons without bricks, outputs that read nothing yet.
template <class Real, class Weight = Real>
network<Real, Weight> make_network(const cluster_template& from, std::uint64_t seed) {
  network<Real, Weight> net;
  validate(from);
  net.topology = make_topology(from);
  net.seed = seed;
  net.tiles = tile_pool<Weight>(net.topology.settings.brick_size);
  net.hexagons.resize(net.topology.hexagons.size());
  net.negative_inputs.resize(net.topology.inputs.size());
  if (!net.topology.spikes()) { // to neurons that spike, zeros are silence
    net.centres.watched.resize(net.topology.input_size);
  }
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    if (net.topology.hexagons[h].holds_bricks) {
      net.hexagons[h].chunks = net.topology.hexagons[h].input_chunks;
    }
  }
  for (const auto& output : net.topology.outputs) {
    auto& layer = net.outputs.emplace_back();
    layer.bias.resize(output.size);
    if (output.kind == output_kind::linear) {
      layer.location.resize(output.size);
      layer.spread.resize(output.size);
      layer.targets.resize(output.size);
    }
  }
  return net;
}

} // namespace hanami
