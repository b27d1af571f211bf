// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../algorithm/borders.hpp"
#include "../algorithm/forward.hpp"
#include "../foundation/multiply_add.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../structure/network.hpp"
#include "bricks.hpp"
#include "folds.hpp"

/// Dense columns are measured from their centre. To a network that learns sample by sample, what is
/// common to all samples is a direction in which every step goes, and nothing is to be learned: a
/// temperature in kelvin, bits as 0 and 1. Sparse columns stay as they are, so that their zeros
/// cost nothing.
///
/// A column of which the first 16 known values are all active is dense. Of the others it is known
/// after 32 values: dense is what is active in more than a third of them, in an input that is so
/// as a whole (pictures are not, though their middle is: there a zero is silence). The centre never
/// moves again; the sections of the column, which have learned little so far, begin anew on both
/// sides of it. Where the memory limit leaves no room for them, all stays as it is.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Whether a brick of one-step sections hears this side of a centred column: half of the bricks
/// hear both, the others one of them, so that two sides cost one and a half times the weights.
/// `place` is that of the positive side.
HANAMI_HOST_DEVICE inline bool hears_side(std::uint64_t seed, std::uint64_t index,
                                          std::uint64_t replacements, std::uint64_t place,
                                          bool negative) noexcept {
  const float draw =
      random_unit(seed, random_key(random_stream::sides, index, replacements), place);
  return negative ? draw < 0.75f : draw >= 0.25f;
}

/// Of the columns of the inputs, which are known to be dense.
struct dense_rule {
  static constexpr std::uint32_t early = 16;      ///< values: dense where all are active
  static constexpr std::uint32_t late = 32;       ///< values: dense above a third
  static constexpr std::uint32_t patience = 1024; ///< samples: what is undecided then stays sparse

  template <class Real>
  static bool above_a_third(const column_watch<Real>& watch) noexcept {
    return 3 * std::uint64_t{watch.active} > watch.known;
  }

  /// Whether the columns of an input are active in more than a third of their values on average.
  template <class Real>
  static bool input_dense(std::span<const column_watch<Real>> columns) noexcept {
    double shares = 0;
    for (const auto& watch : columns) {
      shares += watch.known == 0 ? 0.0 : static_cast<double>(watch.active) / watch.known;
    }
    return 3 * shares > static_cast<double>(columns.size());
  }

  /// Whether the column is decided now, and dense; `input_dense` tells of its whole input.
  template <class Real, class InputDense>
  static bool decide(column_watch<Real>& watch, const InputDense& input_dense) {
    if (watch.known == early && watch.active == watch.known) {
      watch.decided = true;
      return true;
    }
    if (watch.known >= late) {
      watch.decided = true;
      return above_a_third(watch) && input_dense();
    }
    return false;
  }
};

/// Takes a section away as if it had never grown; its weights begin anew at the next activation.
template <class Real, class Weight>
void forget_section(network<Real, Weight>& net, brick<Real>& b, std::size_t c, std::size_t i) {
  const std::size_t local = c * chunk_width + i;
  const std::uint32_t steps = b.step_count(local);
  const auto others = static_cast<std::uint16_t>(~(1U << i));
  b.closed[c] = static_cast<std::uint16_t>(b.closed[c] & others);
  if (steps == 0) {
    return;
  }
  for (std::uint32_t k = 0; k < steps; ++k) {
    tile_slot& slot = b.slot[local * b.max_steps + k];
    net.tiles.release(slot);
    slot = no_tile;
  }
  b.have[c] = static_cast<std::uint16_t>(b.have[c] & others);
  --b.sections;
  if (b.max_steps > 1) {
    b.steps[local] = 0;
  }
  ++net.growth.sections_removed;
  net.growth.steps_removed += steps;
  net.full = false;
}

/// Gives the columns of input `index` for which `dense` (per value of the input) says so two sides.
template <class Real, class Weight>
void open_two_sides(network<Real, Weight>& net, std::size_t index,
                    const std::vector<std::uint8_t>& dense) {
  const input_layout& input = net.topology.inputs[index];
  if (net.negative_inputs[index] == 0) {
    open_negative_input(net, index);
  }
  for (hexagon& here : net.hexagons) {
    for (std::size_t c = 0; c < here.chunks.size(); ++c) {
      presynaptic_chunk& chunk = here.chunks[c];
      const std::size_t side =
          chunk.offset >= net.topology.negative_part ? net.topology.negative_part : 0;
      const std::size_t first = chunk.offset - side - input.offset; // of the 16, in the input
      if (chunk.is_neuron || first >= input.size) {
        continue;
      }
      for (std::uint32_t rest = chunk.mask; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        if (dense[first + i] == 0) {
          continue;
        }
        chunk.centred = static_cast<std::uint16_t>(chunk.centred | (1U << i));
        for (const std::uint32_t b : here.bricks) {
          if (!net.bricks[b].retired) {
            forget_section(net, net.bricks[b], c, i);
          }
        }
      }
    }
  }
}

/// Whether the memory limit leaves room for both sides of an input, about.
template <class Real, class Weight>
bool has_room_for_two_sides(network<Real, Weight>& net, const input_layout& input) {
  constexpr std::size_t section_bytes = 48;
  std::size_t needed = net.centres.at.empty() ? net.topology.input_size * sizeof(Real) : 0;
  for (const auto& b : net.bricks) {
    needed += input.size * (section_bytes + b.max_steps * sizeof(tile_slot));
  }
  return net.has_room(needed);
}

/// Lays the straight way from column `k` of an input to all outputs, where the memory limit lets
/// it.
template <class Real, class Weight>
void open_straight_way(network<Real, Weight>& net, const input_layout& input, std::size_t k) {
  auto& centres = net.centres;
  const std::size_t copies = net.averaging() ? 2 : 1;
  if (!net.has_room(copies * net.topology.output_size * sizeof(Real))) {
    ++net.growth.growth_denied;
    return;
  }
  centres.places.push_back(static_cast<std::uint32_t>(input.offset + k));
  centres.units.emplace_back();
  centres.unit_watches.resize(centres.columns());
  if (may_fold(net)) {
    centres.folds.push_back({static_cast<std::uint32_t>(input.first + k), false, {}});
  }
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    auto& layer = net.outputs[o];
    layer.straight.resize(centres.columns() * net.topology.outputs[o].size);
    layer.average_straight.resize(net.averaging() ? layer.straight.size() : 0);
  }
}

/// Changes the unit of a column on the straight way, but none of the answers: only where the column
/// has become another one by its scale, what it had taught is forgotten.
template <class Real, class Weight>
void set_unit(network<Real, Weight>& net, std::size_t column, Real middle, Real inverse) noexcept {
  straight_unit<Real>& unit = net.centres.units[column];
  constexpr Real most = straight_unit<Real>::most_spreads;
  Real share = unit.inverse_spread / inverse;
  Real move = (middle - unit.middle) * unit.inverse_spread;
  constexpr Real another = 256; // spreads
  if (!(share <= another && std::abs(move) <= another)) {
    share = move = 0;
  }
  const Real reach = most / 4 / inverse; // only scales that change beyond all measure are beyond it
  unit.lowest = std::max(unit.lowest, -reach);
  unit.highest = std::min(unit.highest, reach);
  unit.middle = std::clamp(middle, -reach, reach);
  unit.inverse_spread = inverse;
  const auto follow = [&](Real* weights, Real* bias, std::size_t size) {
    for (std::size_t k = 0; k < size; ++k) {
      bias[k] = multiply_add(weights[k], move, bias[k]);
      weights[k] = std::clamp(weights[k] * share, -most, most);
    }
  };
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    auto& layer = net.outputs[o];
    const std::size_t size = net.topology.outputs[o].size;
    follow(layer.straight.data() + column * size, layer.bias.data(), size);
    if (net.averaging()) {
      follow(layer.average_straight.data() + column * size, layer.average_bias.data(), size);
    }
  }
}

/// Notes how far the placed values lie from their centres, until it is known how far they usually
/// do.
template <class Real, class Weight>
void watch_units(network<Real, Weight>& net, const Real* activations) {
  auto& centres = net.centres;
  bool known = true;
  for (std::size_t j = 0; j < centres.unit_watches.size(); ++j) {
    auto& watch = centres.unit_watches[j];
    if (watch.decided()) {
      continue;
    }
    const std::size_t place = centres.places[j];
    watch.note(activations[place] - activations[net.topology.negative_part + place],
               centres.units[j]);
    if (watch.values % 3 == 0 && watch.squares > 0) {
      const double spread = std::sqrt(watch.squares / watch.values);
      set_unit(net, j, static_cast<Real>(watch.mean), inverse_of(static_cast<Real>(spread)));
    }
    known = known && watch.decided();
  }
  if (known || centres.seen >= dense_rule::patience) {
    std::vector<straight_watch<Real>>().swap(centres.unit_watches);
  }
}

} // namespace detail

/// Notes the values of a sample, which must be finite or NaN, as long as any column is undecided.
/// True where columns have turned out to be dense: the sample must be placed anew. Linear in the
/// values while it watches, and in the sections of what it centres. Neurons that spike take zeros
/// for silence: nothing is centred there.
template <class Real, class Weight>
bool centre_dense_inputs(network<Real, Weight>& net, std::span<const Real> values) {
  auto& centres = net.centres;
  if (centres.watched.empty()) {
    return false;
  }
  const bool last = centres.seen >= detail::dense_rule::patience;
  bool any = false;
  bool undecided = false;
  std::vector<std::uint8_t> dense;
  for (std::size_t index = 0; index < net.topology.inputs.size(); ++index) {
    const input_layout& input = net.topology.inputs[index];
    const std::span watched(centres.watched.data() + input.first, input.size);
    std::optional<bool> known_dense;
    const auto input_dense = [&] {
      if (!known_dense) {
        known_dense = detail::dense_rule::input_dense<Real>(watched);
      }
      return *known_dense;
    };
    dense.clear();
    for (std::size_t k = 0; k < input.size; ++k) {
      auto& watch = watched[k];
      const Real value = values[input.first + k];
      if (watch.decided) {
        continue;
      }
      if (!std::isnan(value)) {
        watch.note(value);
      }
      if (detail::dense_rule::decide(watch, input_dense)) {
        if (!detail::has_room_for_two_sides(net, input)) {
          ++net.growth.growth_denied;
          continue;
        }
        dense.resize(input.size);
        dense[k] = 1;
        centres.at.resize(net.topology.input_size);
        centres.at[input.first + k] = watch.centre();
        detail::open_straight_way(net, input, k);
      }
      undecided = undecided || !watch.decided;
    }
    if (!dense.empty()) {
      detail::open_two_sides(net, index, dense);
      any = true;
    }
  }
  if (last || !undecided) {
    std::vector<column_watch<Real>>().swap(centres.watched);
  }
  return any;
}

/// Watches the columns of a sample, whose values must be finite or NaN and have been placed in
/// `ws`, as long as there is anything to be found out: what is dense, in which units it counts on
/// the straight way, and how it is folded there. Places the sample anew where that has changed.
template <class Real, class Weight>
void watch_inputs(network<Real, Weight>& net, std::span<const Real> values, workspace<Real>& ws) {
  if (!net.centres.watching()) {
    return;
  }
  ++net.centres.seen;
  bool changed = centre_dense_inputs(net, values);
  if (!net.centres.folds_known()) {
    detail::watch_folds(net, values, net.centres.seen >= detail::dense_rule::patience);
  }
  changed = open_folds(net) || changed;
  if (changed) {
    ws.fit_to_learn(net);
    place_inputs(net, values, ws);
  }
  if (!net.centres.unit_watches.empty()) {
    detail::watch_units(net, ws.activations.data());
  }
}

} // namespace hanami
