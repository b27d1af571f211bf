// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../algorithm/forward.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../structure/workspace.hpp"
#include "bricks.hpp"
#include "centre.hpp"
#include "chains.hpp"

/// Growth while training: sections where a presynaptic node is active for the first time, steps
/// (see `chains.hpp`), and further sections where chains are full. Everything is a function of the
/// seed and the samples.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Whether a presynaptic node connects to a brick: where it stands next to it, less often the
/// further away it stands; of the two sides of a dense column, as `hears_side` says.
template <class Real, class Weight>
bool draws_connection(const network<Real, Weight>& net, std::size_t index,
                      const presynaptic_chunk& chunk, std::size_t i) noexcept {
  const auto& b = net.bricks[index];
  const std::uint64_t place = chunk.offset + i;
  if (b.max_steps == 1 && ((chunk.centred >> i) & 1U) != 0) {
    const std::size_t negative_part = net.topology.negative_part;
    const bool negative = place >= negative_part;
    if (!hears_side(net.seed, index, b.replacements, negative ? place - negative_part : place,
                    negative)) {
      return false;
    }
  }
  return chunk.distance == 1 ||
         random_unit(net.seed, random_key(random_stream::connections, index, b.replacements),
                     place) *
                 static_cast<float>(chunk.distance) <
             1.0f;
}

/// A section's first step: border at the activation (1 for neurons), small random weights.
template <class Real, class Weight>
bool grow_first_step(network<Real, Weight>& net, std::size_t index, const presynaptic_chunk& chunk,
                     std::size_t c, std::size_t i, Real activation) {
  const tile_slot slot = acquire_tile(net);
  if (slot == no_tile) {
    return false;
  }
  auto& b = net.bricks[index];
  const std::size_t local = c * chunk_width + i;
  const std::size_t step = local * b.max_steps;
  b.have[c] = static_cast<std::uint16_t>(b.have[c] | (1U << i));
  ++b.sections;
  b.inverse_width[step] = chunk.is_neuron ? Real{1} : inverse_of(activation);
  b.slot[step] = slot;
  start_border(b.border_states[c], i);
  if (b.max_steps > 1) {
    b.lower[step] = 0;
    b.steps[local] = 1;
    forget_extremes(b, local);
  }
  const Real scale = first_weight_bound<Real>(b.most_active);
  const std::uint64_t key = random_key(random_stream::section_weights, index, b.replacements);
  Weight* weight = net.tiles.tile(slot);
  for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
    weight[lane] =
        static_cast<Weight>(scale * static_cast<Real>(random_signed_unit(
                                        net.seed, key, (chunk.offset + i) * net.lanes() + lane)));
  }
  if (net.averaging()) {
    std::copy_n(weight, net.lanes(), net.tiles.average_tile(slot));
  }
  ++net.growth.sections_grown;
  return true;
}

/// Sources of a brick that are active and neither have a section nor are denied one, in a chunk.
inline std::uint32_t missing_sections(std::uint16_t active, std::uint16_t have,
                                      std::uint16_t closed) noexcept {
  return static_cast<std::uint32_t>(active & ~(have | closed));
}

/// Whether there are any. Asked for every brick and sample.
template <class Real>
bool misses_sections(const brick<Real>& b, const std::uint16_t* active) noexcept {
  const std::uint16_t* have = b.have.data();
  const std::uint16_t* closed = b.closed.data();
  const std::size_t chunks = b.chunks();
  std::uint32_t missing = 0;
  for (std::size_t c = 0; c < chunks; ++c) {
    missing |= missing_sections(active[c], have[c], closed[c]);
  }
  return missing != 0;
}

/// Calls `body(chunk, i)` for the missing sections, in order, until it returns false.
template <class Real, class Body>
void for_each_missing(const brick<Real>& b, const std::vector<std::uint16_t>& active,
                      const Body& body) {
  bool more = true;
  for_each_active_stretch(active, [&](std::size_t first, std::size_t end) {
    for (std::size_t c = first; c < end && more; ++c) {
      for (std::uint32_t rest = missing_sections(active[c], b.have[c], b.closed[c]);
           rest != 0 && more; rest &= rest - 1) {
        more = body(c, static_cast<std::size_t>(std::countr_zero(rest)));
      }
    }
  });
}

/// Denies sections to the missing presynaptic nodes that draw no connection. Returns how many
/// presynaptic nodes are active and not denied.
template <class Real, class Weight>
std::size_t draw_connections(network<Real, Weight>& net, std::size_t index,
                             const std::vector<std::uint16_t>& active) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  for_each_missing(b, active, [&](std::size_t c, std::size_t i) {
    if (!draws_connection(net, index, chunks[c], i)) {
      b.closed[c] = static_cast<std::uint16_t>(b.closed[c] | (1U << i));
    }
    return true;
  });
  std::size_t connected = 0;
  for_each_active_stretch(active, [&](std::size_t first, std::size_t end) {
    for (std::size_t c = first; c < end; ++c) {
      connected += static_cast<std::size_t>(
          std::popcount(static_cast<std::uint32_t>(active[c] & ~b.closed[c])));
    }
  });
  return connected;
}

/// Sections of one brick for presynaptic nodes that are active for the first time.
template <class Real, class Weight>
void grow_sections(network<Real, Weight>& net, std::size_t index, const workspace<Real>& ws) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = ws.active[index_of(b.hexagon)];
  b.most_active =
      std::max(b.most_active, static_cast<std::uint32_t>(draw_connections(net, index, active)));
  for_each_missing(b, active, [&](std::size_t c, std::size_t i) {
    return grow_first_step(net, index, chunks[c], c, i, ws.activations[chunks[c].offset + i]);
  });
}

/// A place for one more section: a brick, and the presynaptic node as the brick's hexagon knows it.
struct section_place {
  std::size_t brick = 0;
  std::size_t chunk = 0;
  std::size_t i = 0;
};

/// Calls `body(place, distance)` for every brick within reach of `presynaptic node`, not next to
/// it, that has drawn no connection to it.
template <class Real, class Weight, class Body>
void for_each_unconnected(const network<Real, Weight>& net, std::size_t source, const Body& body) {
  for (const hexagon& here : net.hexagons) {
    for (std::size_t c = 0; c < here.chunks.size(); ++c) {
      const presynaptic_chunk& chunk = here.chunks[c];
      const std::size_t i = source - chunk.offset;
      if (chunk.distance == 1 || i >= chunk_width || ((chunk.mask >> i) & 1U) == 0) {
        continue;
      }
      for (const std::uint32_t index : here.bricks) {
        if (!net.bricks[index].retired && ((net.bricks[index].closed[c] >> i) & 1U) != 0) {
          body(section_place{index, c, i}, chunk.distance);
        }
      }
    }
  }
}

/// A full chain cannot take all that `presynaptic node` sends: a section in another brick, drawn at
/// random, the nearer the likelier.
template <class Real, class Weight>
void grow_elsewhere(network<Real, Weight>& net, std::size_t source, const workspace<Real>& ws) {
  float chances = 0;
  for_each_unconnected(net, source, [&](const section_place&, std::uint16_t distance) {
    chances += 1.0f / static_cast<float>(distance);
  });
  float left = chances * random_unit(net.seed, random_key(random_stream::left_over, source),
                                     net.growth.sections_grown);
  bool found = false;
  section_place place;
  for_each_unconnected(net, source, [&](const section_place& candidate, std::uint16_t distance) {
    if (left >= 0) {
      place = candidate;
      found = true;
    }
    left -= 1.0f / static_cast<float>(distance);
  });
  if (found) {
    auto& b = net.bricks[place.brick];
    const presynaptic_chunk chunk = net.hexagons[index_of(b.hexagon)].chunks[place.chunk];
    if (grow_first_step(net, place.brick, chunk, place.chunk, place.i, ws.activations[source])) {
      b.closed[place.chunk] = static_cast<std::uint16_t>(b.closed[place.chunk] & ~(1U << place.i));
    }
  }
}

} // namespace detail

/// Growth of one level of hexagons for the presynaptic nodes as they are, before its forward pass.
template <class Real, class Weight>
void grow_level(network<Real, Weight>& net, const std::vector<hexagon_id>& level,
                workspace<Real>& ws) {
  for (const hexagon_id id : level) {
    find_active(net, id, ws);
    const auto& active = ws.active[index_of(id)];
    if (std::all_of(active.begin(), active.end(), [](std::uint16_t bits) { return bits == 0; })) {
      continue;
    }
    if (net.hexagons[index_of(id)].bricks.empty()) {
      for (std::uint32_t k = 0; k < net.topology.settings.initial_bricks; ++k) {
        grow_brick(net, id, false);
      }
      ws.fit_to_learn(net);
    }
    for (const std::uint32_t index : net.hexagons[index_of(id)].bricks) {
      const auto& b = net.bricks[index];
      if (b.retired) {
        continue;
      }
      if (!net.full && detail::misses_sections(b, active.data())) {
        detail::grow_sections(net, index, ws);
      }
      grow_chains(net, index, ws,
                  [&](std::size_t source) { detail::grow_elsewhere(net, source, ws); });
    }
  }
}

/// The forward pass of training on the values placed in `ws`: every level of hexagons grows for
/// the presynaptic nodes as they are, and answers. Leaves the inner sums of the outputs in
/// `ws.prediction`.
template <class Real, class Weight, executor Executor, phase_observer Observer = no_observer>
void grow_forward(network<Real, Weight>& net, workspace<Real>& ws, const Executor& run,
                  Observer observe = {}) {
  const forward_brick<Real, Weight, Observer> work{net, ws, weight_set::current, observe};
  for (std::size_t level = 0; level < net.topology.levels.size(); ++level) {
    grow_level(net, net.topology.levels[level], ws);
    observe(phase::growth);
    const auto& bricks = ws.level_bricks[level];
    run.for_each(bricks.size(), touched_bytes(net, bricks, ws),
                 [&](std::size_t i) { work(bricks[i]); });
  }
  forward_outputs(net, weight_set::current, ws, run);
}

} // namespace hanami
