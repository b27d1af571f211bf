// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../foundation/random.hpp"
#include "../structure/activity.hpp"

/// Growth while training: sections where a source is active for the first time, borders that follow
/// the first values, steps where a potential leaves its border or lies well inside a wide step,
/// bricks where the loss stays high. Everything is a function of the seed and the samples. Growing
/// steps never changes what the network answers.

namespace hanami {

namespace detail {

/// Keys of the random streams; a stream never serves two purposes.
enum class stream : std::uint64_t { section_weights = 1, output_weights, connections, rehearsal };

constexpr std::uint64_t stream_key(stream purpose, std::uint64_t index,
                                   std::uint64_t generation = 0) noexcept {
  return (static_cast<std::uint64_t>(purpose) << 56) + (generation << 32) + index;
}

/// An inverse that, like its own inverse, stays finite for the smallest and the largest borders.
template <class Real>
Real inverse_of(Real width) noexcept {
  using limits = std::numeric_limits<Real>;
  return Real{1} / std::clamp(width, limits::min() * 4, limits::max() / 8);
}

/// A tile of zeros, or `no_tile` where the memory limit says no.
template <class Real>
tile_slot grow_tile(network<Real>& net) {
  if (net.full) {
    return no_tile;
  }
  const std::size_t more = net.tiles.growth_bytes();
  if (more > 0 && net.bytes() + more > net.plan.settings.memory_limit) {
    net.full = true;
    ++net.growth.growth_denied;
    return no_tile;
  }
  return net.tiles.acquire();
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

/// Where one-step borders move: see `follow_border`.
template <class Real>
void move_border(brick<Real>& b, std::size_t step, Real border) noexcept {
  b.inverse_width[step] = inverse_of(border);
}

/// Cuts step `k` of a chain at `at`: weights shared in proportion, so that nothing changes but the
/// resolution. Needs room in the chain. False where memory has run out, or where rounding leaves
/// nothing to cut.
template <class Real>
bool split_step(network<Real>& net, brick<Real>& b, std::size_t local, std::size_t k, Real at) {
  const std::size_t begin = local * b.max_steps;
  if (!(at > b.lower[begin + k]) || (k + 1 < b.steps[local] && !(at < b.lower[begin + k + 1]))) {
    return false;
  }
  const tile_slot added = grow_tile(net);
  if (added == no_tile) {
    return false;
  }
  for (std::size_t j = b.steps[local]; j > k + 1; --j) {
    b.lower[begin + j] = b.lower[begin + j - 1];
    b.inverse_width[begin + j] = b.inverse_width[begin + j - 1];
    b.slot[begin + j] = b.slot[begin + j - 1];
  }
  const Real lower = b.lower[begin + k];
  const Real width = Real{1} / b.inverse_width[begin + k];
  const Real share = (at - lower) / width;
  b.inverse_width[begin + k] = inverse_of(at - lower);
  b.lower[begin + k + 1] = at;
  b.inverse_width[begin + k + 1] = inverse_of(width - (at - lower));
  b.slot[begin + k + 1] = added;
  ++b.steps[local];
  ++net.growth.steps_grown;
  const auto divide = [&](Real* below, Real* above) {
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      above[lane] = (Real{1} - share) * below[lane];
      below[lane] *= share;
    }
  };
  divide(net.tiles.tile(b.slot[begin + k]), net.tiles.tile(added));
  if (net.averaging()) {
    divide(net.tiles.average_tile(b.slot[begin + k]), net.tiles.average_tile(added));
  }
  return true;
}

/// One more step above the last border, of weights 0.
template <class Real>
void extend_chain(network<Real>& net, brick<Real>& b, std::size_t local, Real upper,
                  Real potential) {
  const tile_slot added = grow_tile(net);
  if (added == no_tile) {
    return;
  }
  const std::size_t step = local * b.max_steps + b.steps[local];
  b.lower[step] = upper;
  b.inverse_width[step] = inverse_of(potential - upper);
  b.slot[step] = added;
  ++b.steps[local];
  ++net.growth.steps_grown;
}

inline constexpr std::uint8_t low_bit = 0x80;

/// One more activation; wraps from 112 back to 97, so that "young" never returns.
inline std::uint8_t count_up(std::uint8_t age) noexcept {
  return static_cast<std::uint8_t>((age & 0x7f) == 112 ? (age & low_bit) | 97 : age + 1);
}

/// What a section that was active does about its first border `first`:
/// - while young (16 activations, one step) the border is the largest potential seen;
/// - every 16 activations a border that lies far above all of them comes down (an outlier came
///   first), and one that lies far below all of them goes up (the range has changed).
enum class border_move : std::uint8_t { none, to_high, to_potential, split_at_high };

template <class Real>
border_move follow_border(brick<Real>& b, std::size_t local, Real potential, Real first,
                          std::uint32_t steps) noexcept {
  std::uint8_t& age = b.age[local];
  age = count_up(age);
  const int count = age & 0x7f;
  border_move move = border_move::none;
  if (steps == 1 && count <= 16 && potential > first) {
    first = potential;
    move = border_move::to_potential;
  }
  b.high[local] = std::max(b.high[local], potential);
  if (potential <= 4 * first) {
    age = static_cast<std::uint8_t>(age | low_bit);
  }
  if (count % 16 != 0) {
    return move;
  }
  if (b.high[local] < first / 4) {
    if (steps == 1 && (count <= 64 || b.max_steps == 1)) {
      move = border_move::to_high;
    } else if (steps < b.max_steps) {
      move = border_move::split_at_high;
    }
  } else if (b.max_steps == 1 && (age & low_bit) == 0) {
    move = border_move::to_high;
  }
  return move;
}

/// A new span of 16 activations begins after each check.
template <class Real>
void forget_extremes(brick<Real>& b, std::size_t local) noexcept {
  if ((b.age[local] & 0x7f) % 16 != 0) {
    return;
  }
  b.high[local] = 0;
  b.age[local] = static_cast<std::uint8_t>(b.age[local] & ~low_bit);
}

/// Border rule and step growth of one section that is active with `potential`.
template <class Real>
void grow_section(network<Real>& net, brick<Real>& b, std::size_t local, Real potential) {
  const std::size_t begin = local * b.max_steps;
  const std::uint32_t steps = b.step_count(local);
  switch (follow_border(b, local, potential, Real{1} / b.inverse_width[begin], steps)) {
  case border_move::to_potential:
    move_border(b, begin, potential);
    break;
  case border_move::to_high:
    move_border(b, begin, b.high[local]);
    break;
  case border_move::split_at_high:
    split_step(net, b, local, 0, b.high[local]);
    break;
  case border_move::none:
    break;
  }
  forget_extremes(b, local);
  if (steps == b.max_steps || b.step_count(local) == b.max_steps) {
    return;
  }
  const std::size_t last = begin + b.steps[local] - 1;
  const Real upper = b.lower[last] + Real{1} / b.inverse_width[last];
  if (potential > upper + upper / 10) {
    extend_chain(net, b, local, upper, potential);
    return;
  }
  for (std::size_t k = 0; k < b.steps[local]; ++k) {
    const Real share = (potential - b.lower[begin + k]) * b.inverse_width[begin + k];
    if (share < Real{1}) {
      if (share > Real(0.2) && share < Real(0.8)) {
        split_step(net, b, local, k, potential);
      }
      return;
    }
  }
}

/// A section's first step: border at the potential (1 for neurons), small random weights.
template <class Real>
bool grow_first_step(network<Real>& net, std::size_t index, const source_chunk& chunk,
                     std::size_t c, std::size_t i, Real potential) {
  const tile_slot slot = grow_tile(net);
  if (slot == no_tile) {
    return false;
  }
  auto& b = net.bricks[index];
  const std::size_t local = c * chunk_width + i;
  const std::size_t step = local * b.max_steps;
  b.have[c] = static_cast<std::uint16_t>(b.have[c] | (1U << i));
  b.inverse_width[step] = chunk.is_neuron ? Real{1} : inverse_of(potential);
  b.slot[step] = slot;
  b.age[local] = 0;
  b.high[local] = 0;
  if (b.max_steps > 1) {
    b.lower[step] = 0;
    b.steps[local] = 1;
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

/// Sections of one brick for sources that are active for the first time.
template <class Real>
void grow_sections(network<Real>& net, std::size_t index, const activity<Real>& act) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = act.active[index_of(b.hexagon)];
  std::size_t connected = 0;
  bool wanted = false;
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t rest = active[c] & ~b.have[c] & ~b.closed[c]; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      if (draws_connection(net, index, chunks[c], i)) {
        wanted = true;
      } else {
        b.closed[c] = static_cast<std::uint16_t>(b.closed[c] | (1U << i));
      }
    }
    connected += static_cast<std::size_t>(
        std::popcount(static_cast<std::uint32_t>(active[c] & ~b.closed[c])));
  }
  b.most_active = std::max(b.most_active, static_cast<std::uint32_t>(connected));
  if (!wanted) {
    return;
  }
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    for (std::uint32_t rest = active[c] & ~b.have[c] & ~b.closed[c]; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      if (!grow_first_step(net, index, chunks[c], c, i, act.sources[chunks[c].offset + i])) {
        return;
      }
    }
  }
}

/// Border rule and step growth of every active section of inputs; neurons keep the border 1.
template <class Real>
void follow_borders(network<Real>& net, std::size_t index, const activity<Real>& act) {
  auto& b = net.bricks[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = act.active[index_of(b.hexagon)];
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    if (chunks[c].is_neuron) {
      continue;
    }
    const Real* x = act.sources.data() + chunks[c].offset;
    for (std::uint32_t rest = active[c] & b.have[c]; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      grow_section(net, b, c * chunk_width + i, x[i]);
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
      layer.average_weights.resize(layer.weights.size());
      std::copy_n(layer.weights.begin() + static_cast<std::ptrdiff_t>(block * size), size,
                  layer.average_weights.begin() + static_cast<std::ptrdiff_t>(block * size));
    }
  }
}

} // namespace detail

/// Bytes that one more brick of hexagon `id` takes before it has any section.
template <class Real>
std::size_t brick_bytes(const network<Real>& net, hexagon_id id) noexcept {
  const std::size_t locals = net.hexagons[index_of(id)].chunks.size() * chunk_width;
  std::size_t sum = sizeof(brick<Real>) + net.lanes() * 2 * sizeof(Real) +
                    locals * (3 * sizeof(Real) + sizeof(tile_slot) + 2) *
                        net.plan.hexagons[index_of(id)].max_steps;
  for (const auto& output : net.plan.outputs) {
    sum += net.lanes() * output.size * sizeof(Real);
  }
  return sum;
}

/// Adds a brick to hexagon `id`. `silent` bricks start with output weights 0: the answers stay as
/// they are until the brick learns. False where the memory limit says no.
template <class Real>
bool grow_brick(network<Real>& net, hexagon_id id, bool silent) {
  if (net.bytes() + brick_bytes(net, id) > net.plan.settings.memory_limit) {
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
      detail::follow_borders(net, index, act);
    }
  }
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
