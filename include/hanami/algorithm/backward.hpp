// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../foundation/random_streams.hpp"
#include "../structure/workspace.hpp"
#include "activation.hpp"
#include "borders.hpp"
#include "forward.hpp"
#include "lanes.hpp"
#include "phases.hpp"
#include "spiking.hpp"
#include "straight.hpp"

/// From the errors of the outputs back to every active weight: plain gradient descent, one sample
/// at a time, through the steps that the forward pass has listed. First the gradients of all
/// neurons, then the corrections of all weights.

namespace hanami::inline HANAMI_ISA {

/// The learning rates of one sample.
template <class Real>
struct step_rates {
  Real weight = 0;      ///< of sections and outputs
  Real bias = 0;        ///< of neurons
  Real output_bias = 0; ///< of outputs
  bool fan_in =
      true; ///< sections learn faster in bricks that hear few presynaptic nodes: `fan_in_gain`
  std::uint64_t number = 0; ///< of this correction: weights of 16 bits are rounded by it
};

/// What a brick makes of the learning rate. The fewer presynaptic nodes it hears at once, the
/// larger its steps may be: sqrt(350 / active), 2 at most; a half where it hears neurons, which
/// move while they learn themselves. Measured on held-out digits: bricks that see a window gain 0.1
/// points, those that see a whole picture (350 active pixels) stay as they are, and two hexagons in
/// a row gain 0.2.
template <class Real>
HANAMI_HOST_DEVICE Real fan_in_gain(bool hears_neurons, std::uint32_t most_active) noexcept {
  if (hears_neurons) {
    return Real(0.5);
  }
  const auto active = static_cast<Real>(std::max<std::uint32_t>(most_active, 1));
  return std::min(Real{2}, std::sqrt(Real{350} / active));
}

template <class Real, class Weight>
Real fan_in_gain(const network<Real, Weight>& net, const brick<Real>& b) noexcept {
  return fan_in_gain<Real>(!net.topology[b.hexagon].fed_by.empty(), b.most_active);
}

/// The same for linear outputs. Of many sections that are rarely active (categories, words), each
/// learns in few samples what the output weights, which all share, cannot keep: their steps are
/// larger, by a quarter of how rare they are.
template <class Real>
Real rare_gain(const brick<Real>& b) noexcept {
  const auto active = static_cast<Real>(std::max<std::uint32_t>(b.most_active, 1));
  return std::clamp(static_cast<Real>(b.sections) / active / 4, Real{1}, Real{64});
}

/// Calls `body(o)` for the nodes of an output that have an error, in order; for all, where they are
/// few.
template <class Real, class Body>
HANAMI_INLINE void for_each_wrong(const Real* errors, std::size_t size, const Body& body) noexcept {
  std::size_t first = 0;
  if (size >= many_classes) {
    for (; first + chunk_width <= size; first += chunk_width) {
      const std::uint32_t wrong = chunk_bits_above(Real{0}, [&](std::size_t k) {
        const simd<Real> error = simd_load(errors + first + k);
        return error > simd<Real>{} ? error : -error;
      });
      for (std::uint32_t rest = wrong; rest != 0; rest &= rest - 1) {
        body(first + static_cast<std::size_t>(std::countr_zero(rest)));
      }
    }
  }
  for (; first < size; ++first) {
    body(first);
  }
}

/// gradient += errors * weights, for one brick of one output.
template <class Real>
void add_output_gradients(const Real* weights, const Real* errors, std::size_t size,
                          std::size_t lanes, Real* gradient) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  for (std::size_t lane = 0; lane < lanes; lane += width) {
    simd<Real> sum = simd_load(gradient + lane);
    const Real* w = weights + lane / chunk_width * size * chunk_width + lane % chunk_width;
    for_each_wrong(errors, size, [&](std::size_t o) {
      sum += simd_fill(errors[o]) * simd_load(w + o * chunk_width);
    });
    simd_store(gradient + lane, sum);
  }
}

/// weights -= rate * errors * activations, for one brick of one output.
template <class Real>
void correct_output_block(Real* weights, const Real* errors, std::size_t size, std::size_t lanes,
                          const Real* activations, Real rate) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  for (std::size_t lane = 0; lane < lanes; lane += width) {
    const simd<Real> step = simd_fill(rate) * simd_load(activations + lane);
    Real* w = weights + lane / chunk_width * size * chunk_width + lane % chunk_width;
    for_each_wrong(errors, size, [&](std::size_t o) {
      Real* at = w + o * chunk_width;
      simd_store(at, simd_load(at) - simd_fill(errors[o]) * step);
    });
  }
}

/// Work of one brick: its gradients, from the outputs that read it and from the bricks it feeds
/// (they are already there), and what it passes back to the neurons that feed it. Writes only what
/// belongs to the brick, so that bricks of one level may run at the same time.
template <class Real, class Weight>
struct gradient_brick {
  const network<Real, Weight>& net;
  workspace<Real>& ws;

  void operator()(std::size_t index) const noexcept {
    const auto& b = net.bricks[index];
    if (b.retired) {
      return;
    }
    Real* gradient = ws.hidden_gradients.data() + index * net.lanes();
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layer = net.outputs[o];
      const auto found = std::find(layer.bricks.begin(), layer.bricks.end(), index);
      if (found != layer.bricks.end()) {
        const auto& layout = net.topology.outputs[o];
        const auto block = static_cast<std::size_t>(found - layer.bricks.begin());
        add_output_gradients(layer.weights.data() + block * net.lanes() * layout.size,
                             ws.output_gradients.data() + layout.first, layout.size, net.lanes(),
                             gradient);
      }
    }
    through_activation(index, gradient);
    const auto& list = ws.lists[index];
    if (list.count > list.input_count) {
      with_lanes(net.lanes(), [&](auto lanes) {
        if (ws.memory.spikes(index)) {
          pass_back_taken<lanes()>(index, gradient);
        } else {
          pass_back<lanes()>(index, gradient);
        }
      });
    }
  }

 private:
  void through_activation(std::size_t index, Real* gradient) const noexcept {
    const Real* activations = ws.activations.data() + net.neurons_of(index);
    with_activation(net.topology.settings.activation, [&](auto activate) {
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        gradient[lane] *= decltype(activate)::derivative(activations[lane]);
      }
    });
  }

  /// Sources hear only of those neurons that have taken what they sent.
  template <std::size_t Lanes>
  void pass_back_taken(std::size_t index, const Real* gradient) const noexcept {
    const std::uint8_t* took = ws.memory.took.data() + index * Lanes;
    alignas(64) Real taken[Lanes];
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      taken[lane] = took[lane] != 0 ? gradient[lane] : Real{0};
    }
    pass_back<Lanes>(index, taken);
  }

  /// The part of every feeding neuron, in the order of the chunks, apart from other bricks' parts.
  template <std::size_t Lanes>
  void pass_back(std::size_t index, const Real* gradient) const noexcept {
    const auto& b = net.bricks[index];
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    const auto& active = ws.active[index_of(b.hexagon)];
    Real* part = ws.presynaptic_gradients[index].data();
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      if (!chunks[c].is_neuron) {
        continue;
      }
      std::fill_n(part, chunk_width, Real{0});
      for (std::uint32_t rest = active[c] & b.have[c]; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        const std::size_t step = (c * chunk_width + i) * b.max_steps;
        part[i] = dot_lanes<Lanes>(net.tiles.tile(b.slot[step]), gradient) * b.inverse_width[step];
      }
      part += chunk_width;
    }
  }
};

/// Work of one brick once all gradients are known: its borders follow its presynaptic nodes, its
/// weights and those of the outputs that read it are corrected. Writes only what belongs to the
/// brick.
template <class Real, class Weight, class Observer = no_observer>
struct correct_brick {
  network<Real, Weight>& net;
  workspace<Real>& ws;
  step_rates<Real> rates;
  [[no_unique_address]] Observer observe = {};

  void operator()(std::size_t index) const noexcept {
    auto& b = net.bricks[index];
    if (b.retired) {
      return;
    }
    track_borders(net, index, ws);
    observe(phase::borders);
    correct_outputs(index);
    observe(phase::output_weights);
    const Real* gradient = ws.hidden_gradients.data() + index * net.lanes();
    const bool spikes = ws.memory.spikes(index);
    for (std::size_t lane = 0; lane < net.lanes() && !spikes; ++lane) {
      b.bias[lane] -= rates.bias * gradient[lane];
    }
    const Real rate = rates.weight * (rates.fan_in ? fan_in_gain(net, b) : rare_gain(b));
    const auto& list = ws.lists[index];
    const weight_rounding<Weight> round(random_bits(
        net.seed, detail::random_key(detail::random_stream::rounding, index), rates.number));
    with_lanes(net.lanes(), [&](auto lanes) {
      if (spikes) {
        update_traced<lanes()>(net.tiles.weights(), ws.memory, index, rate,
                               static_cast<Real>(std::max(b.most_active, 1U)), gradient, round);
        return;
      }
      update_tiles<lanes()>(net.tiles.weights(), list.phi.data(), list.slot.data(), list.count,
                            rate, gradient, round);
    });
    observe(phase::weights);
  }

 private:
  void correct_outputs(std::size_t index) const noexcept {
    const Real* activations = ws.activations.data() + net.neurons_of(index);
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      auto& layer = net.outputs[o];
      const auto found = std::find(layer.bricks.begin(), layer.bricks.end(), index);
      if (found != layer.bricks.end()) {
        const auto& layout = net.topology.outputs[o];
        const auto block = static_cast<std::size_t>(found - layer.bricks.begin());
        correct_output_block(layer.weights.data() + block * net.lanes() * layout.size,
                             ws.output_gradients.data() + layout.first, layout.size, net.lanes(),
                             activations, rates.weight);
      }
    }
  }
};

/// Adds what the bricks of one hexagon pass back to the gradients of the neurons that feed it, in
/// the order of the bricks, whoever computed them first.
template <class Real, class Weight>
void collect_presynaptic_gradients(const network<Real, Weight>& net, hexagon_id id,
                                   workspace<Real>& ws) noexcept {
  const auto& here = net.hexagons[index_of(id)];
  for (const std::uint32_t index : here.bricks) {
    if (ws.lists[index].count == ws.lists[index].input_count || net.bricks[index].retired) {
      continue;
    }
    const Real* part = ws.presynaptic_gradients[index].data();
    for (const presynaptic_chunk& chunk : here.chunks) {
      if (!chunk.is_neuron) {
        continue;
      }
      Real* gradient = ws.hidden_gradients.data() + (chunk.offset - net.topology.neurons_begin);
      for (std::size_t i = 0; i < chunk_width; ++i) {
        gradient[i] += part[i];
      }
      part += chunk_width;
    }
  }
}

/// First half of the backward pass: the gradients of all neurons for the errors in
/// `ws.output_gradients`.
template <class Real, class Weight, executor Executor>
void find_hidden_gradients(const network<Real, Weight>& net, workspace<Real>& ws,
                           const Executor& run) {
  std::fill(ws.hidden_gradients.begin(), ws.hidden_gradients.end(), Real{0});
  const gradient_brick<Real, Weight> work{net, ws};
  for (std::size_t level = net.topology.levels.size(); level-- > 0;) {
    const auto& bricks = ws.level_bricks[level];
    run.for_each(bricks.size(), touched_bytes(net, bricks, ws),
                 [&](std::size_t i) { work(bricks[i]); });
    for (const hexagon_id id : net.topology.levels[level]) {
      collect_presynaptic_gradients(net, id, ws);
    }
  }
}

/// Rates for linear outputs, whose targets are bounded by nothing: one step along the whole
/// gradient that would mend the share `step_size` of the errors, were the network linear in its
/// weights (the step of normalised least mean squares, Nagumo and Noda 1967, over all weights at
/// once). To be asked between `find_hidden_gradients` and `correct_weights`.
template <class Real, class Weight>
step_rates<Real> whole_gradient_rates(const network<Real, Weight>& net, const workspace<Real>& ws,
                                      Real step_size, Real bias_share) noexcept {
  Real outputs = 1 + straight_squares(net.centres, straight_of(net, ws));
  Real hidden = 0;
  for (const auto& bricks : ws.level_bricks) {
    for (const std::uint32_t index : bricks) {
      const auto& list = ws.lists[index];
      outputs += sum_of_squares(ws.activations.data() + net.neurons_of(index), net.lanes());
      const Real* gradient = ws.hidden_gradients.data() + index * net.lanes();
      hidden += ws.memory.spikes(index)
                    ? traced_squares(ws.memory, index, net.lanes(), gradient)
                    : (rare_gain(net.bricks[index]) * sum_of_squares(list.phi.data(), list.count) +
                       bias_share) *
                          sum_of_squares(gradient, net.lanes());
    }
  }
  const Real errors = sum_of_squares(ws.output_gradients.data(), ws.output_gradients.size());
  const Real rate = step_size / (errors > Real{0} ? outputs + hidden / errors : outputs);
  return {rate, bias_share * rate, rate, false, 0};
}

/// Second half of the backward pass: corrects all weights by the gradients and errors in `ws`.
template <class Real, class Weight, executor Executor, phase_observer Observer = no_observer>
void correct_weights(network<Real, Weight>& net, const step_rates<Real>& rates, workspace<Real>& ws,
                     const Executor& run, Observer observe = {}) {
  const correct_brick<Real, Weight, Observer> work{net, ws, rates, observe};
  for (const auto& bricks : ws.level_bricks) {
    run.for_each(bricks.size(), 2 * touched_bytes(net, bricks, ws),
                 [&](std::size_t i) { work(bricks[i]); });
  }
  const auto sources = straight_of(net, ws);
  const Real straight = rates.fan_in
                            ? rates.weight * straight_gain(straight_squares(net.centres, sources))
                            : rates.weight;
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    const auto& layout = net.topology.outputs[o];
    correct_straight(net.centres, sources, straight, ws.output_gradients.data() + layout.first,
                     layout.size, net.outputs[o].straight.data());
    for (std::size_t k = 0; k < layout.size; ++k) {
      net.outputs[o].bias[k] -= rates.output_bias * ws.output_gradients[layout.first + k];
    }
  }
}

} // namespace hanami
