// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../foundation/executor.hpp"
#include "../foundation/random.hpp"
#include "../foundation/simd.hpp"
#include "../structure/workspace.hpp"
#include "lanes.hpp"

/// Neurons that remember: each of the last inputs is still in their potentials, the older the less,
/// and who has taken an input rests. Where answers hang on the present sample as much, a plain
/// hexagon beside the spiking one sees it sharply.

namespace hanami::inline HANAMI_ISA {

/// One cycle of spiking neurons, those of brick `index`:
///
///     v <- v / cooldown                                      every cycle
///     v <- v + z, then rest for refractory_time - 1 cycles   where z > fire_threshold and the
///                                                            neuron does not rest
///
/// The activation then sees v in place of z. `refractory_time` 1 never rests, n takes input every
/// n-th cycle at most; every integer is exact. A resting neuron still answers with what is left of
/// its potential. On return `sums` holds v, and `took` tells whose input counted in this cycle.
/// Spiking neurons learn no bias: one above the threshold would set them off in silence, and what
/// they then rest through is lost.
template <class Real>
void spike(neuron_memory<Real>& memory, std::size_t index, std::size_t lanes, Real* sums) noexcept {
  const Real threshold = memory.threshold[index];
  const Real* keep = memory.keep.data() + index * lanes;
  const std::uint32_t* refractory_time = memory.refractory_time.data() + index * lanes;
  Real* potentials = memory.potentials.data() + index * lanes;
  std::uint32_t* resting = memory.resting.data() + index * lanes;
  std::uint8_t* took = memory.took.data() + index * lanes;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const bool rests = resting[lane] > 0;
    const bool takes = !rests && sums[lane] > threshold;
    const Real v = potentials[lane] * keep[lane] + (takes ? sums[lane] : Real{0});
    resting[lane] = rests ? resting[lane] - 1 : (takes ? refractory_time[lane] - 1 : 0);
    took[lane] = takes ? 1 : 0;
    potentials[lane] = v;
    sums[lane] = v;
  }
}

/// Work of one brick after the forward pass of training: its eligibility traces follow,
///
///     e <- e / cooldown + phi     per step and lane, phi only where the neuron took its input,
///
/// so that e = dv/dw at any time: the exact gradient of the potential by the weight over all that
/// the neuron has seen, without looking back (Williams and Zipser 1989, for units that feed only
/// themselves). What an older potential of a feeding neuron has left behind is not followed
/// further back (Bellec et al. 2020: e-prop). Writes only what belongs to the brick.
template <class Real, class Weight>
struct follow_traces {
  const network<Real, Weight>& net;
  workspace<Real>& ws;

  void operator()(std::size_t index) const noexcept {
    if (net.bricks[index].retired || !ws.memory.spikes(index)) {
      return;
    }
    with_lanes(net.lanes(), [&](auto lanes) { follow<lanes()>(index); });
  }

 private:
  /// What a trace is forgotten at.
  static constexpr Real nothing = Real(1e-6);

  template <std::size_t Lanes>
  void follow(std::size_t index) const noexcept {
    auto& memory = ws.memory;
    Real took[Lanes];
    bool any = false;
    const Real* keep = memory.keep.data() + index * Lanes;
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      took[lane] = static_cast<Real>(memory.took[index * Lanes + lane]);
      any = any || took[lane] > Real{0};
    }
    fade<Lanes>(index, keep);
    const auto& list = ws.lists[index];
    for (std::size_t s = 0; any && s < list.count; ++s) {
      add_step<Lanes>(memory.traced[index], list.slot[s], list.phi[s], took);
    }
  }

  /// Older traces fade; those of sections that have lost or changed their tiles are forgotten.
  template <std::size_t Lanes>
  void fade(std::size_t index, const Real* keep) const noexcept {
    auto& memory = ws.memory;
    const auto& b = net.bricks[index];
    const Real slowest = *std::max_element(keep, keep + Lanes);
    memory.traced[index].clear();
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      for (std::uint32_t rest = b.have[c]; rest != 0; rest &= rest - 1) {
        const std::size_t local =
            c * chunk_width + static_cast<std::size_t>(std::countr_zero(rest));
        const std::uint64_t owner = random_bits(index, b.replacements, local);
        for (std::size_t k = 0; k < b.step_count(local); ++k) {
          const tile_slot slot = b.slot[local * b.max_steps + k];
          const bool ours = memory.trace_owner[slot] == owner;
          memory.trace_owner[slot] = owner;
          fade_tile<Lanes>(memory.traced[index], slot, ours ? slowest : Real{0}, keep);
        }
      }
    }
  }

  template <std::size_t Lanes>
  void fade_tile(std::vector<tile_slot>& traced, tile_slot slot, Real slowest,
                 const Real* keep) const noexcept {
    Real& strongest = ws.memory.strongest[slot];
    if (strongest == Real{0}) {
      return;
    }
    Real* trace = ws.memory.traces.data() + std::size_t{slot} * Lanes;
    strongest *= slowest;
    if (strongest < nothing) {
      strongest = 0;
      std::fill_n(trace, Lanes, Real{0});
      return;
    }
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      trace[lane] *= keep[lane];
    }
    traced.push_back(slot);
  }

  template <std::size_t Lanes>
  void add_step(std::vector<tile_slot>& traced, tile_slot slot, Real phi,
                const Real* took) const noexcept {
    Real& strongest = ws.memory.strongest[slot];
    if (strongest == Real{0}) {
      traced.push_back(slot);
    }
    strongest += phi;
    Real* trace = ws.memory.traces.data() + std::size_t{slot} * Lanes;
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      trace[lane] += phi * took[lane];
    }
  }
};

/// sums[lane] = the squares of all traces of brick `index`.
template <std::size_t Lanes, class Real>
void add_squares(const neuron_memory<Real>& memory, std::size_t index, Real* sums) noexcept {
  std::fill_n(sums, Lanes, Real{0});
  for (const tile_slot slot : memory.traced[index]) {
    const Real* trace = memory.traces.data() + std::size_t{slot} * Lanes;
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
      sums[lane] += trace[lane] * trace[lane];
    }
  }
}

/// The squared gradient of a spiking brick: the sum over its lanes of gradient^2 times the squares
/// of their traces.
template <class Real>
Real traced_squares(const neuron_memory<Real>& memory, std::size_t index, std::size_t lanes,
                    const Real* gradient) noexcept {
  return with_lanes(lanes, [&](auto constant) {
    Real squares[constant()];
    add_squares<constant()>(memory, index, squares);
    Real sum = 0;
    for (std::size_t lane = 0; lane < constant(); ++lane) {
      sum += squares[lane] * gradient[lane] * gradient[lane];
    }
    return sum;
  });
}

/// weight[lane] -= rate * gradient[lane] * trace[lane] for every step with traces. No lane goes
/// further than `most` sources, all active and without memory, would take it.
template <std::size_t Lanes, class Real, class Weight>
void update_traced(Weight* tiles, const neuron_memory<Real>& memory, std::size_t index, Real rate,
                   Real most, const Real* gradient, const weight_rounding<Weight>& round) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  alignas(64) Real step[Lanes];
  add_squares<Lanes>(memory, index, step);
  for (std::size_t lane = 0; lane < Lanes; ++lane) {
    step[lane] = rate * gradient[lane] * (step[lane] > most ? most / step[lane] : Real{1});
  }
  for (const tile_slot slot : memory.traced[index]) {
    Weight* weight = tiles + std::size_t{slot} * Lanes;
    const Real* trace = memory.traces.data() + std::size_t{slot} * Lanes;
    const auto noise = round.of_tile(slot);
    for (std::size_t v = 0; v < Lanes / width; ++v) {
      round.store(weight + v * width,
                  load_weights(weight + v * width) -
                      simd_load(step + v * width) * simd_load(trace + v * width),
                  noise, v);
    }
  }
}

/// The traces of all bricks after the forward pass of training on a sample: what spiking neurons
/// learn from later.
template <class Real, class Weight, executor Executor>
void follow_all_traces(const network<Real, Weight>& net, workspace<Real>& ws, const Executor& run) {
  ws.memory.fit_traces(net);
  const follow_traces<Real, Weight> work{net, ws};
  for (const auto& bricks : ws.level_bricks) {
    run.for_each(bricks.size(), 2 * touched_bytes(net, bricks, ws),
                 [&](std::size_t i) { work(bricks[i]); });
  }
}

} // namespace hanami
