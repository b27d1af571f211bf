// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "../foundation/concepts.hpp"
#include "../structure/activity.hpp"
#include "activation.hpp"
#include "lanes.hpp"
#include "loss.hpp"
#include "sections.hpp"
#include "spiking.hpp"

/// From the values of one sample to the answers of the outputs.

namespace hanami {

/// Which weights answer: the ones that learn, or their running average.
enum class weight_set : std::uint8_t { current, average };

/// What `place_inputs` found among the values.
struct input_findings {
  bool infinite = false;
  bool new_negative = false; ///< an input had its first negative value
};

/// Copies the values of one sample to their places, split by sign. NaN becomes silence.
template <class Real>
input_findings place_inputs(const network<Real>& net, std::span<const Real> values,
                            activity<Real>& act) noexcept {
  input_findings found;
  for (std::size_t i = 0; i < net.plan.inputs.size(); ++i) {
    const input_plan& input = net.plan.inputs[i];
    const Real* from = values.data() + input.first;
    Real* positive = act.sources.data() + input.offset;
    Real least = 0;
    Real most = 0;
    for (std::size_t k = 0; k < input.size; ++k) {
      const Real x = from[k];
      positive[k] = x > Real{0} ? x : Real{0};
      least = x < least ? x : least;
      most = x > most ? x : most;
    }
    constexpr Real finite = std::numeric_limits<Real>::max();
    found.infinite = found.infinite || most > finite || least < -finite;
    if (least < Real{0} || net.negative_inputs[i] != 0) {
      found.new_negative = found.new_negative || net.negative_inputs[i] == 0;
      Real* negative = positive + net.plan.negative_part;
      for (std::size_t k = 0; k < input.size; ++k) {
        negative[k] = from[k] < Real{0} ? -from[k] : Real{0};
      }
    }
  }
  return found;
}

/// Marks, once for all bricks of a hexagon, which of its sources send.
template <class Real>
void find_active(const network<Real>& net, hexagon_id id, activity<Real>& act) noexcept {
  const auto& chunks = net.hexagons[index_of(id)].chunks;
  auto& active = act.active[index_of(id)];
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    active[c] = static_cast<std::uint16_t>(positive_bits(act.sources.data() + chunks[c].offset) &
                                           chunks[c].mask);
  }
}

/// Work of one brick: list its active steps, add them up, activate. Writes only its own list and
/// its own neurons, so that bricks of one level may run at the same time.
template <class Real>
struct forward_brick {
  const network<Real>& net;
  activity<Real>& act;
  weight_set weights;

  void operator()(std::size_t index) const noexcept {
    const auto& b = net.bricks[index];
    if (b.retired) {
      // An older sample may have left something.
      std::fill_n(act.sources.data() + net.neurons_of(index), net.lanes(), Real{0});
      return;
    }
    list_steps(net, index, act);
    const auto& list = act.lists[index];
    const bool average = weights == weight_set::average && net.averaging();
    const Real* tiles = average ? net.tiles.average() : net.tiles.weights();
    const Real* bias = average ? b.average_bias.data() : b.bias.data();
    Real* potentials = act.sources.data() + net.neurons_of(index);
    with_lanes(net.lanes(), [&](auto lanes) {
      accumulate<lanes()>(tiles, list.phi.data(), list.slot.data(), list.count, bias, potentials);
      if (!act.potentials.empty()) {
        const std::size_t at = index * lanes();
        spike(net.plan.settings, lanes(), potentials, act.potentials.data() + at,
              act.resting.data() + at, act.took.data() + at);
      }
      with_activation(net.plan.settings.activation, [&](auto activate) {
        for (std::size_t lane = 0; lane < lanes(); ++lane) {
          potentials[lane] = decltype(activate)::potential(potentials[lane]);
        }
      });
    });
  }
};

/// sums[o] += weights of `Count` output nodes times the potentials of one brick.
template <std::size_t Count, class Real>
void read_brick(const Real* weights, const Real* potentials, std::size_t groups, std::size_t size,
                simd<Real>* sums) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  simd<Real> sum[Count];
  for (std::size_t o = 0; o < Count; ++o) {
    sum[o] = sums[o];
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const Real* row = weights + g * size * chunk_width;
    for (std::size_t part = 0; part < chunk_width; part += width) {
      const simd<Real> a = simd_load(potentials + g * chunk_width + part);
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

/// Inner sums of one output, before its answer function: bias + weights * potentials.
template <class Real>
void read_output(const network<Real>& net, std::size_t index, weight_set weights,
                 activity<Real>& act) noexcept {
  const auto& layer = net.outputs[index];
  const auto& plan = net.plan.outputs[index];
  const bool average = weights == weight_set::average && net.averaging();
  const Real* w = average ? layer.average_weights.data() : layer.weights.data();
  const Real* bias = average ? layer.average_bias.data() : layer.bias.data();
  const std::size_t groups = net.lanes() / chunk_width;
  const std::size_t block = net.lanes() * plan.size;
  for (std::size_t first = 0; first < plan.size;) {
    const std::size_t left = plan.size - first;
    simd<Real> sums[8] = {};
    const auto read = [&](auto count) {
      for (std::size_t k = 0; k < layer.bricks.size(); ++k) {
        read_brick<count()>(w + k * block + first * chunk_width,
                            act.sources.data() + net.neurons_of(layer.bricks[k]), groups, plan.size,
                            sums);
      }
      for (std::size_t o = 0; o < count(); ++o) {
        act.answer[plan.first + first + o] = bias[first + o] + simd_sum<Real>(sums[o]);
      }
      first += count();
    };
    if (left >= 8) {
      read(std::integral_constant<std::size_t, 8>{});
    } else if (left >= 4) {
      read(std::integral_constant<std::size_t, 4>{});
    } else if (left >= 2) {
      read(std::integral_constant<std::size_t, 2>{});
    } else {
      read(std::integral_constant<std::size_t, 1>{});
    }
  }
}

/// One level of hexagons: all their bricks, once their sources are known.
template <class Real, executor Executor>
void forward_level(const network<Real>& net, const std::vector<hexagon_id>& level,
                   weight_set weights, activity<Real>& act, const Executor& run) {
  for (const hexagon_id id : level) {
    const auto& bricks = net.hexagons[index_of(id)].bricks;
    const forward_brick<Real> work{net, act, weights};
    run.for_each(bricks.size(), bricks.size() * net.lanes() * 256,
                 [&](std::size_t i) { work(bricks[i]); });
  }
}

/// Inner sums of all outputs into `act.answer`.
template <class Real>
void forward_outputs(const network<Real>& net, weight_set weights, activity<Real>& act) noexcept {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    read_output(net, o, weights, act);
  }
}

/// A whole inference of the values placed in `act`: grows nothing, writes only `act`. Answers are
/// in the units of the targets.
template <class Real, executor Executor>
void infer_placed(const network<Real>& net, weight_set weights, activity<Real>& act,
                  const Executor& run) {
  for (const auto& level : net.plan.levels) {
    for (const hexagon_id id : level) {
      find_active(net, id, act);
    }
    forward_level(net, level, weights, act, run);
  }
  forward_outputs(net, weights, act);
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    answer_output(net, o, act);
  }
}

} // namespace hanami
