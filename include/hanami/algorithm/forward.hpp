// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../foundation/executor.hpp"
#include "../structure/workspace.hpp"
#include "activation.hpp"
#include "folds.hpp"
#include "lanes.hpp"
#include "loss.hpp"
#include "phases.hpp"
#include "sections.hpp"
#include "spiking.hpp"
#include "straight.hpp"

/// From the values of one sample to the answers of the outputs.

namespace hanami::inline HANAMI_ISA {

/// Which weights answer: the ones that learn, or their running average.
enum class weight_set : std::uint8_t { current, average };

/// What `place_inputs` found among the values.
struct input_findings {
  bool infinite = false;
  bool new_negative = false; ///< an input had its first negative value
};

namespace detail {

/// The extremes of some values, 0 included; NaN is not a value.
template <class Real>
struct value_extremes {
  Real least = 0;
  Real most = 0;

  void include(Real x) noexcept {
    least = x < least ? x : least;
    most = x > most ? x : most;
  }

  /// By halves: lane after lane would wait for each.
  void include_lanes(simd<Real> low, simd<Real> high) noexcept {
    alignas(simd_bytes) Real lows[simd_width<Real>];
    alignas(simd_bytes) Real highs[simd_width<Real>];
    simd_store(lows, low);
    simd_store(highs, high);
    for (std::size_t half = simd_width<Real> / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) {
        lows[i] = lows[i + half] < lows[i] ? lows[i + half] : lows[i];
        highs[i] = highs[i + half] > highs[i] ? highs[i + half] : highs[i];
      }
    }
    include(lows[0]);
    include(highs[0]);
  }
};

/// positive[k] = max(values[k], 0), NaN being 0.
template <class Real>
value_extremes<Real> place_positive(const Real* values, std::size_t count,
                                    Real* positive) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  const simd<Real> zero{};
  simd<Real> least{};
  simd<Real> most{};
  std::size_t k = 0;
  for (; k + width <= count; k += width) {
    const simd<Real> x = simd_load(values + k);
    simd_store(positive + k, x > zero ? x : zero);
    least = x < least ? x : least;
    most = x > most ? x : most;
  }
  value_extremes<Real> found;
  if (k > 0) {
    found.include_lanes(least, most);
  }
  for (; k < count; ++k) {
    positive[k] = values[k] > Real{0} ? values[k] : Real{0};
    found.include(values[k]);
  }
  return found;
}

/// positive[k] = max(values[k] - centres[k], 0), negative[k] = max(centres[k] - values[k], 0), both
/// finite and NaN being 0. Extremes are those of the values.
template <class Real>
value_extremes<Real> place_centred(const Real* values, const Real* centres, std::size_t count,
                                   Real* positive, Real* negative) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  constexpr Real most = std::numeric_limits<Real>::max();
  const simd<Real> zero{};
  const simd<Real> top = simd_fill(most);
  value_extremes<Real> found;
  std::size_t k = 0;
  simd<Real> lowest{};
  simd<Real> highest{};
  for (; k + width <= count; k += width) {
    const simd<Real> x = simd_load(values + k);
    lowest = x < lowest ? x : lowest;
    highest = x > highest ? x : highest;
    const simd<Real> above = x - simd_load(centres + k);
    const simd<Real> below = zero - above;
    const simd<Real> up = above > zero ? above : zero;
    const simd<Real> down = below > zero ? below : zero;
    simd_store(positive + k, up < top ? up : top);
    simd_store(negative + k, down < top ? down : top);
  }
  if (k > 0) {
    found.include_lanes(lowest, highest);
  }
  for (; k < count; ++k) {
    found.include(values[k]);
    const Real above = values[k] - centres[k];
    positive[k] = above > Real{0} ? std::min(above, most) : Real{0};
    negative[k] = above < Real{0} ? std::min(-above, most) : Real{0};
  }
  return found;
}

} // namespace detail

/// Copies the values of one sample to their places among the presynaptic nodes, split by sign, or
/// at the centres of their columns, and folds those that are folded. NaN becomes silence.
/// `negative_inputs`, `centres` and `negative_part` as in the network and its layout.
template <class Real>
input_findings place_inputs(const std::vector<input_layout>& inputs,
                            const std::vector<std::uint8_t>& negative_inputs,
                            const input_centres<Real>& centres, std::size_t negative_part,
                            std::span<const Real> values, Real* sources, Real* waves) noexcept {
  constexpr Real finite = std::numeric_limits<Real>::max();
  input_findings found;
  fold_columns(centres, values, waves);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const input_layout& input = inputs[i];
    const Real* from = values.data() + input.first;
    const Real* centre = centres.from(input.first);
    Real* positive = sources + input.offset;
    Real* negative = positive + negative_part;
    const bool centred = centre != nullptr && negative_inputs[i] != 0;
    const auto extremes = centred
                              ? detail::place_centred(from, centre, input.size, positive, negative)
                              : detail::place_positive(from, input.size, positive);
    found.infinite = found.infinite || extremes.most > finite || extremes.least < -finite;
    if (!centred && (extremes.least < Real{0} || negative_inputs[i] != 0)) {
      found.new_negative = found.new_negative || negative_inputs[i] == 0;
      for (std::size_t k = 0; k < input.size; ++k) {
        negative[k] = from[k] < Real{0} ? -from[k] : Real{0};
      }
    }
  }
  return found;
}

template <class Real, class Weight>
input_findings place_inputs(const network<Real, Weight>& net, std::span<const Real> values,
                            workspace<Real>& ws) noexcept {
  return place_inputs(net.topology.inputs, net.negative_inputs, net.centres,
                      net.topology.negative_part, values, ws.activations.data(), ws.waves.data());
}

/// What stands on the straight way of the sample placed in `ws`.
template <class Real, class Weight>
straight_sources<Real> straight_of(const network<Real, Weight>& net,
                                   const workspace<Real>& ws) noexcept {
  return {ws.activations.data(), net.topology.negative_part, ws.waves.data()};
}

/// Marks, once for all bricks of a hexagon, which of its presynaptic nodes send.
template <class Real, class Weight>
void find_active(const network<Real, Weight>& net, hexagon_id id, workspace<Real>& ws) noexcept {
  const presynaptic_chunk* chunk = net.hexagons[index_of(id)].chunks.data();
  const std::size_t count = net.hexagons[index_of(id)].chunks.size();
  std::uint16_t* active = ws.active[index_of(id)].data();
  const Real* sources = ws.activations.data();
  for (std::size_t c = 0; c < count; ++c) {
    active[c] =
        static_cast<std::uint16_t>(positive_bits(sources + chunk[c].offset) & chunk[c].mask);
  }
}

/// Work of one brick: list its active steps, add them up, activate. Writes only its own list and
/// its own neurons, so that bricks of one level may run at the same time.
template <class Real, class Weight, class Observer = no_observer>
struct forward_brick {
  const network<Real, Weight>& net;
  workspace<Real>& ws;
  weight_set weights;
  [[no_unique_address]] Observer observe = {};

  void operator()(std::size_t index) const noexcept {
    const auto& b = net.bricks[index];
    if (b.retired) {
      // An older sample may have left something.
      std::fill_n(ws.activations.data() + net.neurons_of(index), net.lanes(), Real{0});
      return;
    }
    list_steps(net, index, ws);
    observe(phase::list);
    const auto& list = ws.lists[index];
    const bool average = weights == weight_set::average && net.averaging();
    const Weight* tiles = average ? net.tiles.average() : net.tiles.weights();
    const Real* bias = average ? b.average_bias.data() : b.bias.data();
    Real* activations = ws.activations.data() + net.neurons_of(index);
    with_lanes(net.lanes(), [&](auto lanes) {
      accumulate<lanes()>(tiles, list.phi.data(), list.slot.data(), list.count, bias, activations);
      observe(phase::accumulate);
      if (ws.memory.spikes(index)) {
        spike(ws.memory, index, lanes(), activations);
      }
      with_activation(net.topology.settings.activation, [&](auto activate) {
        for (std::size_t lane = 0; lane < lanes(); ++lane) {
          activations[lane] = decltype(activate)::activate(activations[lane]);
        }
      });
    });
    observe(phase::activate);
  }
};

/// sums[o] += weights of `Count` output nodes times the activations of one brick.
template <std::size_t Count, class Real>
void read_brick(const Real* weights, const Real* activations, std::size_t groups, std::size_t size,
                simd<Real>* sums) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  simd<Real> sum[Count];
  for (std::size_t o = 0; o < Count; ++o) {
    sum[o] = sums[o];
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const Real* row = weights + g * size * chunk_width;
    for (std::size_t part = 0; part < chunk_width; part += width) {
      const simd<Real> a = simd_load(activations + g * chunk_width + part);
#pragma GCC unroll 8
      for (std::size_t o = 0; o < Count; ++o) {
        sum[o] += a * simd_load(row + o * chunk_width + part);
      }
    }
  }
  for (std::size_t o = 0; o < Count; ++o) {
    sums[o] = sum[o];
  }
}

/// Work of one group of bricks that an output reads: their part of its inner sums. Groups are the
/// same on every executor, and so is the order in which their parts are added.
template <class Real, class Weight>
struct read_group {
  const network<Real, Weight>& net;
  workspace<Real>& ws;
  weight_set weights;
  std::size_t output;

  static constexpr std::size_t bricks = 16;

  static std::size_t count(const output_layer<Real>& layer) noexcept {
    return (layer.bricks.size() + bricks - 1) / bricks;
  }

  void operator()(std::size_t group) const noexcept {
    const std::size_t size = net.topology.outputs[output].size;
    for (std::size_t first = 0; first < size;) {
      const std::size_t left = size - first;
      if (left >= 8) {
        first += read<8>(group, first);
      } else if (left >= 4) {
        first += read<4>(group, first);
      } else if (left >= 2) {
        first += read<2>(group, first);
      } else {
        first += read<1>(group, first);
      }
    }
  }

 private:
  template <std::size_t Count>
  std::size_t read(std::size_t group, std::size_t first) const noexcept {
    const auto& layer = net.outputs[output];
    const std::size_t size = net.topology.outputs[output].size;
    const bool average = weights == weight_set::average && net.averaging();
    const Real* w = average ? layer.average_weights.data() : layer.weights.data();
    const std::size_t end = std::min((group + 1) * bricks, layer.bricks.size());
    simd<Real> sums[Count] = {};
    for (std::size_t k = group * bricks; k < end; ++k) {
      read_brick<Count>(w + (k * net.lanes() * size + first * chunk_width),
                        ws.activations.data() + net.neurons_of(layer.bricks[k]),
                        net.lanes() / chunk_width, size, sums);
    }
    Real* part = ws.output_parts[output].data() + group * size + first;
    for (std::size_t o = 0; o < Count; ++o) {
      part[o] = simd_sum<Real>(sums[o]);
    }
    return Count;
  }
};

/// Inner sums of one output, before its answer function: bias + weights * activations, and what
/// comes on the straight way.
template <class Real, class Weight, executor Executor>
void read_output(const network<Real, Weight>& net, std::size_t index, weight_set weights,
                 workspace<Real>& ws, const Executor& run) {
  const auto& layer = net.outputs[index];
  const auto& layout = net.topology.outputs[index];
  const std::size_t groups = read_group<Real, Weight>::count(layer);
  run.for_each(groups, layer.weights.size() * sizeof(Real),
               read_group<Real, Weight>{net, ws, weights, index});
  const bool average = weights == weight_set::average && net.averaging();
  const Real* bias = average ? layer.average_bias.data() : layer.bias.data();
  Real* answer = ws.prediction.data() + layout.first;
  std::copy_n(bias, layout.size, answer);
  const Real* part = ws.output_parts[index].data();
  for (std::size_t group = 0; group < groups; ++group, part += layout.size) {
    for (std::size_t o = 0; o < layout.size; ++o) {
      answer[o] += part[o];
    }
  }
  add_straight(net.centres, straight_of(net, ws),
               average ? layer.average_straight.data() : layer.straight.data(), layout.size,
               answer);
}

/// Inner sums of all outputs into `ws.prediction`.
template <class Real, class Weight, executor Executor>
void forward_outputs(const network<Real, Weight>& net, weight_set weights, workspace<Real>& ws,
                     const Executor& run) {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    read_output(net, o, weights, ws, run);
  }
}

/// A whole inference of the values placed in `ws`: grows nothing, writes only `ws`. Answers are
/// in the units of the targets.
template <class Real, class Weight, executor Executor, phase_observer Observer = no_observer>
void infer_placed(const network<Real, Weight>& net, weight_set weights, workspace<Real>& ws,
                  const Executor& run, Observer observe = {}) {
  const forward_brick<Real, Weight, Observer> work{net, ws, weights, observe};
  for (std::size_t level = 0; level < net.topology.levels.size(); ++level) {
    for (const hexagon_id id : net.topology.levels[level]) {
      find_active(net, id, ws);
    }
    observe(phase::active);
    const auto& bricks = ws.level_bricks[level];
    run.for_each(bricks.size(), touched_bytes(net, bricks, ws),
                 [&](std::size_t i) { work(bricks[i]); });
  }
  forward_outputs(net, weights, ws, run);
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    predict_output(net, o, ws);
  }
  observe(phase::outputs);
}

} // namespace hanami
