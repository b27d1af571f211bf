// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../foundation/ids.hpp"
#include "../foundation/memory.hpp"
#include "../foundation/simd.hpp"
#include "tile_pool.hpp"

namespace hanami::inline HANAMI_ISA {

/// Neurons of the largest bricks.
inline constexpr std::size_t most_lanes = 256;

/// What the border rule remembers of the 16 sections of a chunk, one bit each in four planes of 16
/// bits; see `algorithm/borders.hpp`.
struct border_state {
  std::uint64_t count = 0; ///< activations modulo 16: plane k holds bit k of all 16 counters
  std::uint64_t state = settled;

  static constexpr std::uint64_t young = 0xffff; ///< the border is the largest activation yet
  static constexpr std::uint64_t settled = young << 16; ///< the first activations are long ago
  static constexpr std::uint64_t near = young << 32;    ///< since the last check, some activation
                                                        ///< was above a quarter of the border,
  static constexpr std::uint64_t low = young << 48;     ///< and one below four borders

  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, state);
  }
};

/// What a chain of an input remembers of the activations of its presynaptic node, while it learns.
template <class Real>
struct chain_state {
  Real lowest = std::numeric_limits<Real>::max(); ///< since the last check of the first border
  Real highest = 0;
  std::uint32_t checks = 0; ///< since the last renewal
  std::uint32_t used = 0;   ///< bit k: an activation has ended in step k since then
  Real most = 0;            ///< the largest activation since then
  Real reach = 0;           ///< the second largest: the largest may be an outlier

  template <class Archive>
  void serialize(Archive& archive) {
    archive(lowest, highest, checks, used, most, reach);
  }
};

/// A brick: the neurons of one unit of growth and all sections that feed them.
///
/// Sections are stored as structures of arrays over the local presynaptic nodes of the hexagon:
/// presynaptic node `i` of chunk `c` is local presynaptic node `16 c + i`. A brick whose sections
/// have one step keeps its border as an inverse width and its weights as one slot. Longer chains
/// have `max_steps` places per local presynaptic node, of which `steps` are taken, in ascending
/// order: step k covers [lower, lower + 1/inverse_width).
template <class Real>
struct brick {
  hexagon_id hexagon{};
  std::uint32_t max_steps = 1;   ///< of a section
  std::uint32_t most_active = 0; ///< presynaptic nodes active at once, the most seen so far
  std::uint32_t sections = 0;    ///< bits in `have`
  bool retired = false;          ///< emptied by pruning; its place waits for a new brick
  std::uint64_t replacements =
      0; ///< how many bricks have stood at this place before: part of their random key

  std::vector<std::uint16_t> have;    ///< per chunk: which presynaptic nodes have a section
  std::vector<std::uint16_t> closed;  ///< per chunk: which presynaptic nodes shall not get one
  aligned_vector<Real> inverse_width; ///< per step
  aligned_vector<Real> lower;         ///< per step; empty for one-step bricks, where it is 0
  aligned_vector<tile_slot> slot;     ///< per step
  std::vector<std::uint8_t> steps;    ///< per local presynaptic node; empty for one-step bricks
  aligned_vector<Real> bias;          ///< per neuron
  aligned_vector<Real> average_bias;  ///< per neuron, while averaging

  std::array<std::uint16_t, most_lanes / chunk_width> active_lanes{}; ///< see `growth/dormant.hpp`
  std::vector<border_state> border_states;                            ///< per chunk, while learning
  std::vector<chain_state<Real>>
      chain_states; ///< per local presynaptic node of chains, while learning

  std::size_t chunks() const noexcept { return have.size(); }

  /// Makes room for the presynaptic nodes of `count` chunks in all, and no more.
  void resize_chunks(std::size_t chunk_count) {
    reserve_chunks(chunk_count);
    const std::size_t locals = chunk_count * chunk_width;
    have.resize(chunk_count);
    closed.resize(chunk_count);
    inverse_width.resize(locals * max_steps);
    slot.resize(locals * max_steps, no_tile);
    resize_borders(chunk_count);
    if (max_steps > 1) {
      lower.resize(locals * max_steps);
      steps.resize(locals);
    }
  }

  /// Gives back what only learning needs.
  void compact() {
    std::vector<border_state>().swap(border_states);
    std::vector<chain_state<Real>>().swap(chain_states);
  }
  /// Goes on learning; no section is young any more.
  void resume() { resize_borders(chunks()); }

  void reserve_chunks(std::size_t chunk_count) {
    const std::size_t locals = chunk_count * chunk_width;
    have.reserve(chunk_count);
    closed.reserve(chunk_count);
    inverse_width.reserve(locals * max_steps);
    slot.reserve(locals * max_steps);
    border_states.reserve(chunk_count);
    if (max_steps > 1) {
      chain_states.reserve(locals);
      lower.reserve(locals * max_steps);
      steps.reserve(locals);
    }
  }

  /// Bytes that a chunk takes in a brick that learns.
  static std::size_t chunk_bytes(std::uint32_t max_steps) noexcept {
    const std::size_t step = sizeof(Real) + sizeof(tile_slot);
    const std::size_t chain =
        max_steps > 1 ? max_steps * sizeof(Real) + sizeof(chain_state<Real>) + sizeof(std::uint8_t)
                      : 0;
    return 2 * sizeof(std::uint16_t) + sizeof(border_state) +
           chunk_width * (max_steps * step + chain);
  }

  std::uint32_t step_count(std::size_t local) const noexcept {
    if (((have[local / chunk_width] >> (local % chunk_width)) & 1U) == 0) {
      return 0;
    }
    return max_steps == 1 ? 1 : steps[local];
  }

  std::size_t bytes() const noexcept {
    return allocated_bytes(have) + allocated_bytes(closed) + allocated_bytes(inverse_width) +
           allocated_bytes(lower) + allocated_bytes(slot) + allocated_bytes(steps) +
           allocated_bytes(bias) + allocated_bytes(average_bias) + allocated_bytes(border_states) +
           allocated_bytes(chain_states);
  }

  void shrink_to_fit() {
    have.shrink_to_fit();
    closed.shrink_to_fit();
    inverse_width.shrink_to_fit();
    lower.shrink_to_fit();
    slot.shrink_to_fit();
    steps.shrink_to_fit();
    border_states.shrink_to_fit();
    chain_states.shrink_to_fit();
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(hexagon, max_steps, most_active, sections, retired, replacements, have, closed,
            inverse_width, lower, slot, steps, bias, average_bias, active_lanes, border_states,
            chain_states);
  }

 private:
  void resize_borders(std::size_t chunk_count) {
    border_states.resize(chunk_count);
    if (max_steps > 1) {
      chain_states.resize(chunk_count * chunk_width);
    }
  }
};

} // namespace hanami
