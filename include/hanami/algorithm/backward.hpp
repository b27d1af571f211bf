// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../structure/activity.hpp"
#include "activation.hpp"
#include "borders.hpp"
#include "forward.hpp"
#include "lanes.hpp"

/// From the errors of the outputs back to every active weight: plain gradient descent, one sample
/// at a time, through the steps that the forward pass has listed.

namespace hanami {

/// The learning rates of one sample, and how far it may move unbounded answers: the output weights
/// and the section weights may each change a linear output by `reach` times its error at most (1
/// would mend the error at once). Without that bound linear outputs diverge where many sources or
/// large potentials meet (the step of normalised least mean squares, Nagumo and Noda 1967). Classes
/// and probabilities are bounded by themselves, and learn worse with it.
template <class Real>
struct step_rates {
  Real weight = 0;
  Real bias = 0;
  Real reach = Real(0.5);
};

/// The fewer sources a brick hears at once, the larger its steps may be: sqrt(350 / active), 2 at
/// most. Measured on held-out digits: bricks that see a window gain 0.1 points, those that see a
/// whole picture (350 active pixels) stay as they are.
template <class Real>
Real fan_in_gain(const brick<Real>& b) noexcept {
  const auto active = static_cast<Real>(std::max<std::uint32_t>(b.most_active, 1));
  return std::min(Real{2}, std::sqrt(Real{350} / active));
}

template <class Real>
Real sum_of_squares(const Real* values, std::size_t count) noexcept {
  Real sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += values[i] * values[i];
  }
  return sum;
}

/// delta += errors * weights; weights -= rate * errors * potentials, for one brick of one output.
template <class Real>
void correct_output_block(Real* weights, const Real* errors, std::size_t size, std::size_t lanes,
                          const Real* potentials, Real rate, Real* delta) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  for (std::size_t g = 0; g < lanes / chunk_width; ++g) {
    for (std::size_t part = 0; part < chunk_width; part += width) {
      const std::size_t lane = g * chunk_width + part;
      const simd<Real> step = simd_fill(rate) * simd_load(potentials + lane);
      simd<Real> sum = simd_load(delta + lane);
      Real* w = weights + g * size * chunk_width + part;
      for (std::size_t o = 0; o < size; ++o, w += chunk_width) {
        const simd<Real> error = simd_fill(errors[o]);
        const simd<Real> weight = simd_load(w);
        sum += error * weight;
        simd_store(w, weight - error * step);
      }
      simd_store(delta + lane, sum);
    }
  }
}

/// Work of one brick: take its delta from the outputs that read it (and from the bricks it feeds,
/// already there), pass it on to the neurons that feed it, correct its weights. Writes only what
/// belongs to the brick, so that bricks of one level may run at the same time.
template <class Real>
struct backward_brick {
  network<Real>& net;
  activity<Real>& act;
  step_rates<Real> rates;
  Real bricks_learning = 1; ///< that share the reach
  Real error_energy = 0;    ///< squared errors of all outputs, summed
  bool bounded = false;     ///< whether the reach is to be kept: an output is linear

  void operator()(std::size_t index) const noexcept {
    auto& b = net.bricks[index];
    if (b.retired) {
      return;
    }
    watch_sources(net, index, act);
    Real* delta = act.deltas.data() + index * net.lanes();
    const Real* potentials = act.sources.data() + net.neurons_of(index);
    correct_outputs(index, potentials, delta);
    through_activation(index, potentials, delta);
    const auto& list = act.lists[index];
    const Real share = share_within_reach(b, list, delta);
    const Real rate = rates.weight * fan_in_gain(b) * share;
    const Real bias_rate = rates.bias * share;
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      b.bias[lane] -= bias_rate * delta[lane];
    }
    with_lanes(net.lanes(), [&](auto lanes) {
      if (list.count > list.input_count) {
        pass_back<lanes()>(index, delta);
      }
      update_tiles<lanes()>(net.tiles.weights(), list.phi.data(), list.slot.data(), list.count,
                            rate, delta);
    });
  }

 private:
  /// The share of the rates that keeps the sections of this brick within their part of the reach.
  Real share_within_reach(const brick<Real>& b, const step_list<Real>& list,
                          const Real* delta) const noexcept {
    if (!bounded) {
      return Real{1};
    }
    const Real drive =
        rates.weight * fan_in_gain(b) * sum_of_squares(list.phi.data(), list.count) + rates.bias;
    const Real effect = drive * sum_of_squares(delta, net.lanes()) * bricks_learning;
    const Real allowed = rates.reach * error_energy;
    return effect > allowed ? allowed / effect : Real{1};
  }

  void correct_outputs(std::size_t index, const Real* potentials, Real* delta) const noexcept {
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      auto& layer = net.outputs[o];
      const auto found = std::find(layer.bricks.begin(), layer.bricks.end(), index);
      if (found == layer.bricks.end()) {
        continue;
      }
      const auto& plan = net.plan.outputs[o];
      const auto block = static_cast<std::size_t>(found - layer.bricks.begin());
      correct_output_block(layer.weights.data() + block * net.lanes() * plan.size,
                           act.errors.data() + plan.first, plan.size, net.lanes(), potentials,
                           act.output_rates[o], delta);
    }
  }

  void through_activation(std::size_t index, const Real* potentials, Real* delta) const noexcept {
    with_activation(net.plan.settings.activation, [&](auto activate) {
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        delta[lane] *= decltype(activate)::slope(potentials[lane]);
      }
    });
    if (act.potentials.empty()) {
      return;
    }
    const std::uint8_t* took = act.took.data() + index * net.lanes();
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      if (took[lane] == 0) {
        delta[lane] = 0;
      }
    }
  }

  /// The part of every feeding neuron, in the order of the chunks, apart from other bricks' parts.
  template <std::size_t Lanes>
  void pass_back(std::size_t index, const Real* delta) const noexcept {
    const auto& b = net.bricks[index];
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    const auto& active = act.active[index_of(b.hexagon)];
    Real* part = act.source_deltas[index].data();
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      if (!chunks[c].is_neuron) {
        continue;
      }
      std::fill_n(part, chunk_width, Real{0});
      for (std::uint32_t rest = active[c] & b.have[c]; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        const std::size_t step = (c * chunk_width + i) * b.max_steps;
        part[i] = dot_lanes<Lanes>(net.tiles.tile(b.slot[step]), delta) * b.inverse_width[step];
      }
      part += chunk_width;
    }
  }
};

/// Adds what the bricks of one hexagon pass back to the deltas of the neurons that feed it, in the
/// order of the bricks, whoever computed them first.
template <class Real>
void collect_source_deltas(const network<Real>& net, hexagon_id id, activity<Real>& act) noexcept {
  const auto& here = net.hexagons[index_of(id)];
  for (const std::uint32_t index : here.bricks) {
    if (act.lists[index].count == act.lists[index].input_count || net.bricks[index].retired) {
      continue;
    }
    const Real* part = act.source_deltas[index].data();
    for (const source_chunk& chunk : here.chunks) {
      if (!chunk.is_neuron) {
        continue;
      }
      Real* delta = act.deltas.data() + (chunk.offset - net.plan.neurons_begin);
      for (std::size_t i = 0; i < chunk_width; ++i) {
        delta[i] += part[i];
      }
      part += chunk_width;
    }
  }
}

/// The rate of each output for the potentials it reads, within reach.
template <class Real>
void limit_output_rates(const network<Real>& net, const step_rates<Real>& rates,
                        activity<Real>& act) noexcept {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    act.output_rates[o] = rates.weight;
    if (net.plan.outputs[o].kind != output_kind::linear) {
      continue;
    }
    Real energy = 1;
    for (const std::uint32_t index : net.outputs[o].bricks) {
      energy += sum_of_squares(act.sources.data() + net.neurons_of(index), net.lanes());
    }
    act.output_rates[o] = std::min(rates.weight, rates.reach / energy);
  }
}

/// The whole backward pass for the errors in `act.errors`. Output biases learn here, too.
template <class Real, executor Executor>
void backward(network<Real>& net, step_rates<Real> rates, activity<Real>& act,
              const Executor& run) {
  std::fill(act.deltas.begin(), act.deltas.end(), Real{0});
  limit_output_rates(net, rates, act);
  const Real energy = sum_of_squares(act.errors.data(), act.errors.size());
  const auto learning = static_cast<Real>(net.bricks.size());
  const bool bounded =
      std::any_of(net.plan.outputs.begin(), net.plan.outputs.end(),
                  [](const output_plan& o) { return o.kind == output_kind::linear; });
  const backward_brick<Real> work{net, act, rates, learning, energy, bounded};
  for (std::size_t level = net.plan.levels.size(); level-- > 0;) {
    const auto& bricks = act.level_bricks[level];
    run.for_each(bricks.size(), 3 * touched_bytes(net, bricks, act),
                 [&](std::size_t i) { work(bricks[i]); });
    for (const hexagon_id id : net.plan.levels[level]) {
      collect_source_deltas(net, id, act);
    }
  }
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    const auto& plan = net.plan.outputs[o];
    for (std::size_t k = 0; k < plan.size; ++k) {
      net.outputs[o].bias[k] -= rates.bias * act.errors[plan.first + k];
    }
  }
}

} // namespace hanami
