// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../foundation/random.hpp"
#include "../structure/activity.hpp"
#include "chains.hpp"
#include "forward.hpp"

/// Growth while training: sections where a source is active for the first time, steps (see
/// `chains.hpp`) and bricks where the loss stays high. Everything is a function of the seed and the
/// samples. Growing steps never changes what the network answers.

namespace hanami {

namespace detail {

/// Keys of the random streams; a stream never serves two purposes.
enum class stream : std::uint64_t { section_weights = 1, output_weights, connections, rehearsal };

constexpr std::uint64_t stream_key(stream purpose, std::uint64_t index,
                                   std::uint64_t generation = 0) noexcept {
  return (static_cast<std::uint64_t>(purpose) << 56) + (generation << 32) + index;
}

/// Whether a source connects to a brick: always where it stands next to it, less often the further
/// away it stands.
template <class Real>
bool draws_connection(const network<Real>& net, std::size_t index, const source_chunk& chunk,
                      std::size_t i) noexcept {
  return chunk.distance == 1 ||
         random_unit(net.seed, stream_key(stream::connections, index, net.bricks[index].generation),
                     chunk.offset + i) *
                 static_cast<float>(chunk.distance) <
             1.0f;
}

/// A section's first step: border at the potential (1 for neurons), small random weights.
template <class Real>
bool grow_first_step(network<Real>& net, std::size_t index, const source_chunk& chunk,
                     std::size_t c, std::size_t i, Real potential) {
  const tile_slot slot = acquire_tile(net);
  if (slot == no_tile) {
    return false;
  }
  auto& b = net.bricks[index];
  const std::size_t local = c * chunk_width + i;
  const std::size_t step = local * b.max_steps;
  b.have[c] = static_cast<std::uint16_t>(b.have[c] | (1U << i));
  b.inverse_width[step] = chunk.is_neuron ? Real{1} : inverse_of(potential);
  b.slot[step] = slot;
  watch_new_section(b.watch[c], i);
  if (b.max_steps > 1) {
    b.lower[step] = 0;
    b.steps[local] = 1;
    forget_extremes(b, local);
  }
  const Real scale =
      Real(0.5) * std::sqrt(Real{3} / static_cast<Real>(std::max<std::uint32_t>(b.most_active, 1)));
  const std::uint64_t key = stream_key(stream::section_weights, index, b.generation);
  Real* weight = net.tiles.tile(slot);
  for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
    weight[lane] = scale * static_cast<Real>(random_signed_unit(
                               net.seed, key, (chunk.offset + i) * net.lanes() + lane));
  }
  if (net.averaging()) {
    std::copy_n(weight, net.lanes(), net.tiles.average_tile(slot));
  }
  ++net.growth.sections_grown;
  return true;
}

/// Sources of a brick that are active and neither have a section nor are denied one, in a chunk.
template <class Real>
std::uint32_t missing_sections(const brick<Real>& b, const std::vector<std::uint16_t>& active,
                               std::size_t c) noexcept {
  return static_cast<std::uint32_t>(active[c] & ~(b.have[c] | b.closed[c]));
}

/// Denies sections to the missing sources that draw no connection. Returns how many sources are
/// active and not denied.
template <class Real>
std::size_t draw_connections(network<Real>& net, std::size_t index,
                             const std::vector<std::uint16_t>& active) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  std::size_t connected = 0;
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t rest = missing_sections(b, active, c); rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      if (!draws_connection(net, index, chunks[c], i)) {
        b.closed[c] = static_cast<std::uint16_t>(b.closed[c] | (1U << i));
      }
    }
    connected += static_cast<std::size_t>(
        std::popcount(static_cast<std::uint32_t>(active[c] & ~b.closed[c])));
  }
  return connected;
}

/// Sections of one brick for sources that are active for the first time.
template <class Real>
void grow_sections(network<Real>& net, std::size_t index, const activity<Real>& act) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = act.active[index_of(b.hexagon)];
  std::uint32_t missing = 0;
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    missing |= missing_sections(b, active, c);
  }
  if (missing == 0) {
    return;
  }
  b.most_active =
      std::max(b.most_active, static_cast<std::uint32_t>(draw_connections(net, index, active)));
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t rest = missing_sections(b, active, c); rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      if (!grow_first_step(net, index, chunks[c], c, i, act.sources[chunks[c].offset + i])) {
        return;
      }
    }
  }
}

/// Gives every hexagon that `from` feeds the chunks of brick `index` of it.
template <class Real>
void announce_brick(network<Real>& net, hexagon_id from, std::size_t index) {
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    if (!net.plan.hexagons[h].holds_bricks) {
      continue;
    }
    for (const hexagon_link& link : net.plan.hexagons[h].fed_by) {
      if (link.from != from) {
        continue;
      }
      for (std::size_t lane = 0; lane < net.lanes(); lane += chunk_width) {
        net.hexagons[h].chunks.push_back({static_cast<std::uint32_t>(net.neurons_of(index) + lane),
                                          0xffff, true, link.distance});
      }
      for (const std::uint32_t b : net.hexagons[h].bricks) {
        net.bricks[b].resize_chunks(net.hexagons[h].chunks.size());
      }
    }
  }
}

/// Random output weights for brick `index`: uniform within +-sqrt(3 / neurons read).
template <class Real>
void connect_outputs(network<Real>& net, hexagon_id from, std::size_t index, bool silent) {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    const auto& plan = net.plan.outputs[o];
    if (!std::binary_search(plan.reads.begin(), plan.reads.end(), from)) {
      continue;
    }
    auto& layer = net.outputs[o];
    const auto found =
        std::find(layer.bricks.begin(), layer.bricks.end(), static_cast<std::uint32_t>(index));
    const auto block = static_cast<std::size_t>(found - layer.bricks.begin());
    if (found == layer.bricks.end()) {
      layer.bricks.push_back(static_cast<std::uint32_t>(index));
    }
    const std::size_t size = net.lanes() * plan.size;
    layer.weights.reserve(layer.bricks.size() * size);
    layer.weights.resize(layer.bricks.size() * size);
    const std::size_t read = std::max<std::size_t>(
        layer.bricks.size(), plan.reads.size() * net.plan.settings.initial_bricks);
    const Real scale =
        silent ? Real{0} : std::sqrt(Real{3} / static_cast<Real>(read * net.lanes()));
    const std::uint64_t key =
        stream_key(stream::output_weights, index, net.bricks[index].generation);
    for (std::size_t k = 0; k < size; ++k) {
      layer.weights[block * size + k] =
          scale * static_cast<Real>(random_signed_unit(net.seed, key, (o << 32) + k));
    }
    if (net.averaging()) {
      layer.average_weights.reserve(layer.weights.size());
      layer.average_weights.resize(layer.weights.size());
      std::copy_n(layer.weights.begin() + static_cast<std::ptrdiff_t>(block * size), size,
                  layer.average_weights.begin() + static_cast<std::ptrdiff_t>(block * size));
    }
  }
}

} // namespace detail

/// Bytes that one more brick of hexagon `id` takes before it has any section: its own, and what the
/// bricks that it feeds need for its neurons.
template <class Real>
std::size_t brick_bytes(const network<Real>& net, hexagon_id id) noexcept {
  const std::size_t copies = net.averaging() ? 2 : 1;
  std::size_t sum =
      2 * sizeof(brick<Real>) + copies * net.lanes() * sizeof(Real) +
      net.hexagons[index_of(id)].chunks.size() * brick<Real>::chunk_bytes(net.plan[id].max_steps);
  for (const auto& output : net.plan.outputs) {
    sum += copies * net.lanes() * output.size * sizeof(Real);
  }
  const std::size_t chunks = net.lanes() / chunk_width;
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    const auto& plan = net.plan.hexagons[h];
    if (std::any_of(plan.fed_by.begin(), plan.fed_by.end(),
                    [&](const hexagon_link& link) { return link.from == id; })) {
      sum += chunks * (2 * sizeof(source_chunk) +
                       net.hexagons[h].bricks.size() * brick<Real>::chunk_bytes(plan.max_steps));
    }
  }
  return sum;
}

/// Adds a brick to hexagon `id`. `silent` bricks start with output weights 0: the answers stay as
/// they are until the brick learns. False where the memory limit says no.
template <class Real>
bool grow_brick(network<Real>& net, hexagon_id id, bool silent) {
  if (net.bytes() + brick_bytes(net, id) > net.memory_limit()) {
    ++net.growth.growth_denied;
    return false;
  }
  auto& here = net.hexagons[index_of(id)];
  const auto retired = std::find_if(here.bricks.begin(), here.bricks.end(),
                                    [&](std::uint32_t b) { return net.bricks[b].retired; });
  const std::size_t index = retired == here.bricks.end() ? net.bricks.size() : *retired;
  if (retired == here.bricks.end()) {
    net.bricks.emplace_back();
    here.bricks.push_back(static_cast<std::uint32_t>(index));
    detail::announce_brick(net, id, index);
  }
  brick<Real> fresh;
  fresh.hexagon = id;
  fresh.max_steps = net.plan.hexagons[index_of(id)].max_steps;
  fresh.generation = retired == here.bricks.end() ? 0 : net.bricks[index].generation + 1;
  fresh.bias.resize(net.lanes());
  if (net.averaging()) {
    fresh.average_bias.resize(net.lanes());
  }
  fresh.resize_chunks(here.chunks.size());
  net.bricks[index] = std::move(fresh);
  detail::connect_outputs(net, id, index, silent);
  ++net.growth.bricks_grown;
  net.shape_version = next_shape_version();
  return true;
}

/// Growth of one level of hexagons for the sources as they are, before its forward pass.
template <class Real>
void grow_level(network<Real>& net, const std::vector<hexagon_id>& level, activity<Real>& act) {
  for (const hexagon_id id : level) {
    find_active(net, id, act);
    const auto& active = act.active[index_of(id)];
    if (std::all_of(active.begin(), active.end(), [](std::uint16_t bits) { return bits == 0; })) {
      continue;
    }
    if (net.hexagons[index_of(id)].bricks.empty()) {
      for (std::uint32_t k = 0; k < net.plan.settings.initial_bricks; ++k) {
        grow_brick(net, id, false);
      }
      act.fit_to_learn(net);
    }
    for (const std::uint32_t index : net.hexagons[index_of(id)].bricks) {
      if (net.bricks[index].retired) {
        continue;
      }
      detail::grow_sections(net, index, act);
      grow_chains(net, index, act);
    }
  }
}

/// The forward pass of training on the values placed in `act`: every level of hexagons grows for
/// the sources as they are, and answers. Leaves the inner sums of the outputs in `act.answer`.
template <class Real, executor Executor>
void grow_forward(network<Real>& net, activity<Real>& act, const Executor& run) {
  const forward_brick<Real> work{net, act, weight_set::current};
  for (std::size_t level = 0; level < net.plan.levels.size(); ++level) {
    grow_level(net, net.plan.levels[level], act);
    const auto& bricks = act.level_bricks[level];
    run.for_each(bricks.size(), touched_bytes(net, bricks, act),
                 [&](std::size_t i) { work(bricks[i]); });
  }
  forward_outputs(net, weight_set::current, act, run);
}

/// Adds up how wrong the neurons of every hexagon were, after a backward pass.
template <class Real>
void note_errors(network<Real>& net, const activity<Real>& act) noexcept {
  for (auto& here : net.hexagons) {
    double sum = 0;
    for (const std::uint32_t index : here.bricks) {
      const Real* delta = act.deltas.data() + index * net.lanes();
      Real squares = 0;
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        squares += delta[lane] * delta[lane];
      }
      sum += static_cast<double>(squares);
    }
    if (!here.bricks.empty()) {
      const double more = sum / static_cast<double>(here.bricks.size() * net.lanes());
      if (std::isfinite(here.error_sum + more)) {
        here.error_sum += more;
      }
    }
  }
}

/// The hexagon with the largest sum of errors gets a brick, if any still may; all sums are halved.
template <class Real>
bool grow_where_wrong(network<Real>& net) {
  std::size_t worst = net.hexagons.size();
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    const auto& here = net.hexagons[h];
    const auto living = std::count_if(here.bricks.begin(), here.bricks.end(),
                                      [&](std::uint32_t b) { return !net.bricks[b].retired; });
    if (here.bricks.empty() ||
        living >= static_cast<std::ptrdiff_t>(net.plan.settings.max_bricks)) {
      continue;
    }
    if (worst == net.hexagons.size() || here.error_sum > net.hexagons[worst].error_sum) {
      worst = h;
    }
  }
  for (auto& here : net.hexagons) {
    here.error_sum /= 2;
  }
  return worst != net.hexagons.size() &&
         grow_brick(net, hexagon_id{static_cast<std::uint32_t>(worst)}, true);
}

/// Gives the hexagons that read input `index` its negative parts, too: it has had a negative value.
template <class Real>
void open_negative_input(network<Real>& net, std::size_t index) {
  const input_plan& input = net.plan.inputs[index];
  net.negative_inputs[index] = 1;
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    if (!net.plan.hexagons[h].holds_bricks) {
      continue;
    }
    auto& here = net.hexagons[h];
    for (source_chunk chunk : net.plan.hexagons[h].input_chunks) {
      if (chunk.offset < input.offset || chunk.offset >= input.offset + input.size) {
        continue;
      }
      chunk.offset += net.plan.negative_part;
      here.chunks.push_back(chunk);
    }
    for (const std::uint32_t b : here.bricks) {
      net.bricks[b].resize_chunks(here.chunks.size());
    }
  }
  net.shape_version = next_shape_version();
}

} // namespace hanami
