// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../foundation/ids.hpp"
#include "../foundation/memory.hpp"
#include "../foundation/simd.hpp"
#include "tile_pool.hpp"

namespace hanami {

/// A brick: the neurons of one unit of growth and all sections that feed them.
///
/// Sections are stored as structures of arrays over the local sources of the hexagon: source `i` of
/// chunk `c` is local source `16 c + i`. A brick whose sections have one step keeps its border as
/// an inverse width and its weights as one slot. Longer chains have `max_steps` places per local
/// source, of which `steps` are taken, in ascending order: step k covers [lower, lower +
/// 1/inverse_width).
template <class Real>
struct brick {
  hexagon_id hexagon{};
  std::uint32_t max_steps = 1;   ///< of a section
  std::uint32_t most_active = 0; ///< sources active at once, the most seen so far
  bool retired = false;          ///< emptied by reduction; its place waits for a new brick
  std::uint64_t generation =
      0; ///< how many bricks have stood at this place: part of their random key

  std::vector<std::uint16_t> have;    ///< per chunk: which sources have a section
  std::vector<std::uint16_t> closed;  ///< per chunk: which sources shall not get one
  aligned_vector<Real> inverse_width; ///< per step
  aligned_vector<Real> lower;         ///< per step; empty for one-step bricks, where it is 0
  aligned_vector<tile_slot> slot;     ///< per step
  std::vector<std::uint8_t> steps;    ///< per local source; empty for one-step bricks
  aligned_vector<Real> bias;          ///< per neuron
  aligned_vector<Real> average_bias;  ///< per neuron, while averaging

  /// What the border rule remembers of each section, until it is frozen: bits 0..6 count
  /// activations (wrapped above 64), bit 7 tells whether a potential up to four borders came since
  /// the last check; `high` is the largest potential since then.
  std::vector<std::uint8_t> age;
  aligned_vector<Real> high;

  std::size_t chunks() const noexcept { return have.size(); }

  /// Makes room for the sources of `count` chunks in all.
  void resize_chunks(std::size_t chunk_count) {
    const std::size_t locals = chunk_count * chunk_width;
    have.resize(chunk_count);
    closed.resize(chunk_count);
    inverse_width.resize(locals * max_steps);
    slot.resize(locals * max_steps, no_tile);
    resize_borders(locals);
    if (max_steps > 1) {
      lower.resize(locals * max_steps);
      steps.resize(locals);
    }
  }

  /// Gives back what only learning needs.
  void freeze() {
    std::vector<std::uint8_t>().swap(age);
    aligned_vector<Real>().swap(high);
  }
  /// Goes on learning; no section is young any more.
  void thaw() { resize_borders(chunks() * chunk_width); }

  void reserve_chunks(std::size_t chunk_count) {
    const std::size_t locals = chunk_count * chunk_width;
    have.reserve(chunk_count);
    closed.reserve(chunk_count);
    inverse_width.reserve(locals * max_steps);
    slot.reserve(locals * max_steps);
    age.reserve(locals);
    high.reserve(locals);
    if (max_steps > 1) {
      lower.reserve(locals * max_steps);
      steps.reserve(locals);
    }
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
           allocated_bytes(bias) + allocated_bytes(average_bias) + allocated_bytes(age) +
           allocated_bytes(high);
  }

  void shrink_to_fit() {
    have.shrink_to_fit();
    closed.shrink_to_fit();
    inverse_width.shrink_to_fit();
    lower.shrink_to_fit();
    slot.shrink_to_fit();
    steps.shrink_to_fit();
    age.shrink_to_fit();
    high.shrink_to_fit();
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(hexagon, max_steps, most_active, retired, generation, have, closed, inverse_width,
            lower, slot, steps, bias, average_bias, age, high);
  }

 private:
  static constexpr std::uint8_t grown_up = 80;

  void resize_borders(std::size_t locals) {
    age.resize(locals, grown_up);
    high.resize(locals);
  }
};

} // namespace hanami
