// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../structure/activity.hpp"
#include "activation.hpp"
#include "lanes.hpp"

/// From the errors of the outputs back to every active weight: plain gradient descent, one sample
/// at a time, through the steps that the forward pass has listed.

namespace hanami {

/// The learning rates of one sample.
template <class Real>
struct step_rates {
  Real weight = 0;
  Real bias = 0;
};

/// The fewer sources a brick hears at once, the larger its steps may be: sqrt(350 / active), 2 at
/// most. Measured on held-out digits: bricks that see a window gain 0.1 points, those that see a
/// whole picture (350 active pixels) stay as they are.
template <class Real>
Real fan_in_gain(const brick<Real>& b) noexcept {
  const auto active = static_cast<Real>(std::max<std::uint32_t>(b.most_active, 1));
  return std::min(Real{2}, std::sqrt(Real{350} / active));
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

  void operator()(std::size_t index) const noexcept {
    auto& b = net.bricks[index];
    if (b.retired) {
      return;
    }
    Real* delta = act.deltas.data() + index * net.lanes();
    const Real* potentials = act.sources.data() + net.neurons_of(index);
    correct_outputs(index, potentials, delta);
    through_activation(index, potentials, delta);
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      b.bias[lane] -= rates.bias * delta[lane];
    }
    with_lanes(net.lanes(), [&](auto lanes) {
      const auto& list = act.lists[index];
      if (list.count > list.input_count) {
        pass_back<lanes()>(index, delta);
      }
      update_tiles<lanes()>(net.tiles.weights(), list.phi.data(), list.slot.data(), list.count,
                            rates.weight * fan_in_gain(b), delta);
    });
  }

 private:
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
                           rates.weight, delta);
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

/// The whole backward pass for the errors in `act.errors`. Output biases learn here, too.
template <class Real, executor Executor>
void backward(network<Real>& net, step_rates<Real> rates, activity<Real>& act,
              const Executor& run) {
  std::fill(act.deltas.begin(), act.deltas.end(), Real{0});
  for (auto level = net.plan.levels.rbegin(); level != net.plan.levels.rend(); ++level) {
    for (const hexagon_id id : *level) {
      const auto& bricks = net.hexagons[index_of(id)].bricks;
      const backward_brick<Real> work{net, act, rates};
      run.for_each(bricks.size(), bricks.size() * net.lanes() * 512,
                   [&](std::size_t i) { work(bricks[i]); });
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
