// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../foundation/simd.hpp"
#include "../structure/workspace.hpp"

/// What the sections of a brick do with the activations of their presynaptic nodes: the list of
/// active steps.

namespace hanami::inline HANAMI_ISA {

/// The first weights of a section are drawn from +- this: half of sqrt(3 / n), with n the most
/// presynaptic nodes of its brick that were active at once.
template <class Real>
HANAMI_HOST_DEVICE Real first_weight_bound(std::uint32_t most_active) noexcept {
  return Real(0.5) *
         std::sqrt(Real{3} / static_cast<Real>(std::max<std::uint32_t>(most_active, 1)));
}

/// Neuron presynaptic nodes pass everything above their border on: their activations drift while
/// they learn.
template <class Real>
inline constexpr Real open_above = std::numeric_limits<Real>::max();

/// Adds the active steps of one chain to the list: full ones with phi `limit`, the last one in
/// part. How many are active cannot be foreseen: all are written, and those that are silent
/// overwritten by the next chain, or left behind the list.
template <class Real>
HANAMI_INLINE std::size_t list_chain(const brick<Real>& b, std::size_t local, Real activation,
                                     Real limit, Real* phi, tile_slot* slot) noexcept {
  const std::size_t begin = local * b.max_steps;
  const std::uint32_t open =
      share_steps(activation, b.lower.data() + begin, b.inverse_width.data() + begin,
                  b.slot.data() + begin, limit, b.step_count(local), phi, slot);
  return static_cast<std::size_t>(std::countr_one(open));
}

/// Lists the active one-step sections of a brick that no neuron feeds. No branches: whether a chunk
/// is silent cannot be foreseen. What the loop needs stands in locals: what it writes might be the
/// brick, for all that the compiler knows.
template <class Real>
std::size_t list_inputs(const brick<Real>& b, const std::vector<presynaptic_chunk>& chunks,
                        const std::uint16_t* active, const Real* sources,
                        step_list<Real>& list) noexcept {
  const presynaptic_chunk* chunk = chunks.data();
  const std::uint16_t* have = b.have.data();
  const Real* inverse_width = b.inverse_width.data();
  const tile_slot* slot = b.slot.data();
  Real* phi_to = list.phi.data();
  tile_slot* slot_to = list.slot.data();
  std::size_t count = 0;
  for_each_active_stretch({active, chunks.size()}, [&](std::size_t first, std::size_t end) {
    std::size_t listed = count;
    for (std::size_t c = first; c < end; ++c) {
      const std::uint32_t mask = active[c] & have[c];
      const std::size_t local = c * chunk_width;
      listed += compress_steps(mask, sources + chunk[c].offset, inverse_width + local, slot + local,
                               Real{1}, phi_to + listed, slot_to + listed);
    }
    count = listed;
  });
  return count;
}

/// Lists the active steps of the presynaptic nodes of one kind, inputs or neurons, from place
/// `count` on. Returns where the list ends.
template <class Real>
std::size_t list_sources(const brick<Real>& b, const std::vector<presynaptic_chunk>& chunks,
                         const std::uint16_t* active, const Real* sources, bool neurons,
                         step_list<Real>& list, std::size_t count) noexcept {
  const Real limit = neurons ? open_above<Real> : Real{1};
  Real* phi_to = list.phi.data();
  tile_slot* slot_to = list.slot.data();
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    const std::uint32_t mask = active[c] & b.have[c];
    if (mask == 0 || chunks[c].is_neuron != neurons) {
      continue;
    }
    const Real* x = sources + chunks[c].offset;
    const std::size_t local = c * chunk_width;
    if (b.max_steps == 1) {
      count += compress_steps(mask, x, b.inverse_width.data() + local, b.slot.data() + local, limit,
                              phi_to + count, slot_to + count);
      continue;
    }
    for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      count += list_chain(b, local + i, x[i], limit, phi_to + count, slot_to + count);
    }
  }
  return count;
}

/// Lists the active steps of brick `index` for the presynaptic nodes as they are: inputs first,
/// neurons second, since the backward pass treats them differently.
template <class Real, class Weight>
void list_steps(const network<Real, Weight>& net, std::size_t index, workspace<Real>& ws) noexcept {
  const auto& b = net.bricks[index];
  auto& list = ws.lists[index];
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const std::uint16_t* active = ws.active[index_of(b.hexagon)].data();
  const Real* sources = ws.activations.data();
  const bool fed_by_neurons = !net.topology[b.hexagon].fed_by.empty();
  const std::size_t inputs = b.max_steps == 1 && !fed_by_neurons
                                 ? list_inputs(b, chunks, active, sources, list)
                                 : list_sources(b, chunks, active, sources, false, list, 0);
  const std::size_t count =
      fed_by_neurons ? list_sources(b, chunks, active, sources, true, list, inputs) : inputs;
  list.input_count = static_cast<std::uint32_t>(inputs);
  list.count = static_cast<std::uint32_t>(count);
}

} // namespace hanami
