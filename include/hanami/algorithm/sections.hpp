// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../foundation/simd.hpp"
#include "../structure/activity.hpp"

/// What the sections of a brick do with the potentials of their sources: the list of active steps.

namespace hanami {

/// Neuron sources pass everything above their border on: their potentials drift while they learn.
template <class Real>
inline constexpr Real open_above = std::numeric_limits<Real>::max();

/// Adds the active steps of one chain to the list: full ones with phi `limit`, the last one in
/// part.
template <class Real>
std::size_t list_chain(const brick<Real>& b, std::size_t local, Real potential, Real limit,
                       Real* phi, tile_slot* slot) noexcept {
  const std::size_t begin = local * b.max_steps;
  const std::size_t count = b.step_count(local);
  std::size_t k = 0;
  for (; k < count; ++k) {
    const Real share = (potential - b.lower[begin + k]) * b.inverse_width[begin + k];
    if (!(share > Real{0})) {
      break;
    }
    phi[k] = share < limit ? share : limit;
    slot[k] = b.slot[begin + k];
  }
  return k;
}

/// Lists the active steps of brick `index` for the sources as they are.
template <class Real>
void list_steps(const network<Real>& net, std::size_t index, activity<Real>& act) noexcept {
  const auto& b = net.bricks[index];
  auto& list = act.lists[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = act.active[index_of(b.hexagon)];
  const bool fed_by_neurons = !net.plan[b.hexagon].fed_by.empty();
  std::size_t count = 0;
  std::size_t inputs = 0;
  // Chunks of inputs and of neurons may alternate (a brick grows, then an input turns negative), so
  // that inputs are listed first and neurons second: the backward pass treats them differently.
  for (const bool neurons : {false, true}) {
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      const std::uint32_t mask = active[c] & b.have[c];
      if (mask == 0 || chunks[c].is_neuron != neurons) {
        continue;
      }
      const Real* x = act.sources.data() + chunks[c].offset;
      const Real limit = neurons ? open_above<Real> : Real{1};
      if (b.max_steps == 1) {
        const std::size_t at = c * chunk_width;
        count += compress_steps(mask, x, b.inverse_width.data() + at, b.slot.data() + at, limit,
                                list.phi.data() + count, list.slot.data() + count);
        continue;
      }
      for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(rest));
        count += list_chain(b, c * chunk_width + i, x[i], limit, list.phi.data() + count,
                            list.slot.data() + count);
      }
    }
    if (!neurons) {
      inputs = count;
    }
    if (!fed_by_neurons) {
      break;
    }
  }
  list.count = static_cast<std::uint32_t>(count);
  list.input_count = static_cast<std::uint32_t>(inputs);
}

} // namespace hanami
