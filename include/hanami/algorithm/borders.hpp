// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../foundation/simd.hpp"
#include "../structure/workspace.hpp"

/// The border rule: where the first step of a section ends. A border begins at the first potential
/// and is the largest one while the section is young (its first 16 activations). Every 16
/// activations it is checked: if all potentials since the last check lie far below it (an outlier
/// came first) or far above it (the range has changed), it starts anew at the present one.
///
/// The memory of the rule is kept in bits, one for each of the 16 sections of a chunk, so that a
/// chunk costs a few instructions however many of its sources are active.

namespace hanami::detail {

/// An inverse that, like its own inverse, stays finite for the smallest and the largest borders.
template <class Real>
HANAMI_HOST_DEVICE Real inverse_of(Real width) noexcept {
  using limits = std::numeric_limits<Real>;
  return Real{1} / std::clamp(width, limits::min() * 4, limits::max() / 8);
}

/// The same 16 bits in all four planes.
constexpr std::uint64_t in_all_planes(std::uint32_t bits) noexcept {
  return bits * std::uint64_t{0x0001000100010001};
}

/// Counts one activation of the sections in `active`: a ripple-carry adder for all 16 at once.
/// Returns those that are due for a check: every sixteenth time.
HANAMI_HOST_DEVICE HANAMI_INLINE std::uint32_t count_activations(border_watch& watch,
                                                                 std::uint32_t active) noexcept {
  const std::uint64_t c = watch.count;
  const std::uint64_t carry1 = active & c;
  const std::uint64_t carry2 = carry1 & (c >> 16);
  const std::uint64_t carry3 = carry2 & (c >> 32);
  watch.count = c ^ (active | carry1 << 16 | carry2 << 32 | carry3 << 48);
  return static_cast<std::uint32_t>(carry3 & (c >> 48));
}

/// Makes the sections in `bits` young, as if they were new.
constexpr void make_young(border_watch& watch, std::uint32_t bits) noexcept {
  const std::uint64_t all = in_all_planes(bits);
  watch.count &= ~all;
  watch.state &= ~(all & (border_watch::near | border_watch::low));
  watch.state |= bits;
}

/// Nothing is known yet of section `i`.
constexpr void watch_new_section(border_watch& watch, std::size_t i) noexcept {
  const std::uint32_t bit = 1U << i;
  watch.state &= ~(in_all_planes(bit) & border_watch::settled);
  make_young(watch, bit);
}

constexpr bool is_young(const border_watch& watch, std::size_t i) noexcept {
  return ((watch.state >> i) & 1U) != 0;
}
constexpr bool is_settled(const border_watch& watch, std::size_t i) noexcept {
  return ((watch.state >> (16 + i)) & 1U) != 0;
}

/// After a check of the sections in `checked`: no longer young, and settled from the second on.
constexpr void pass_check(border_watch& watch, std::uint32_t checked) noexcept {
  const std::uint64_t again = checked & ~watch.state;
  watch.state &= ~(in_all_planes(checked) & ~border_watch::settled);
  watch.state |= again << 16;
}

/// Where the potentials of 16 sources lie: a bit for each that is above its border, above a quarter
/// of it, above four times as much.
struct border_shares {
  std::uint32_t above;
  std::uint32_t near;
  std::uint32_t far;
};

/// Moves the borders of the active sections of 16 sources, all of one step.
template <class Real>
HANAMI_HOST_DEVICE HANAMI_INLINE void move_borders(border_watch& watch, std::uint32_t active,
                                                   border_shares shares, const Real* potential,
                                                   Real* inverse_width) noexcept {
  const auto [above, near, far] = shares;
  const auto grown = static_cast<std::uint32_t>(active & above & watch.state);
  watch.state |= std::uint64_t{active & near} << 32 | std::uint64_t{active & (~far | grown)} << 48;
  const std::uint32_t checked = count_activations(watch, active);
  std::uint32_t moved = grown;
  if (checked != 0) {
    const std::uint64_t in_place = (watch.state >> 32) & (watch.state >> 48);
    const auto misplaced = static_cast<std::uint32_t>(checked & ~in_place);
    pass_check(watch, checked);
    make_young(watch, misplaced);
    moved |= misplaced;
  }
  for (; moved != 0; moved &= moved - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(moved));
    inverse_width[i] = inverse_of(potential[i]);
  }
}

template <class Real>
HANAMI_INLINE void follow_borders(border_watch& watch, std::uint32_t active, const Real* potential,
                                  Real* inverse_width) noexcept {
  const border_shares shares{share_bits(potential, inverse_width, Real{1}),
                             share_bits(potential, inverse_width, Real(0.25)),
                             share_bits(potential, inverse_width, Real{4})};
  move_borders(watch, active, shares, potential, inverse_width);
}

} // namespace hanami::detail

namespace hanami {

/// What a brick notes of the sources of a sample that it learns from: how many are active at once,
/// and where the borders of its sections lie, if they have one step (chains are for `grow_chains`;
/// borders of neurons stay at 1). Writes only the brick.
template <class Real, class Weight>
void watch_sources(network<Real, Weight>& net, std::size_t index,
                   const activity<Real>& act) noexcept {
  auto& b = net.bricks[index];
  const auto& here = net.hexagons[index_of(b.hexagon)];
  const auto& active = act.active[index_of(b.hexagon)];
  int count = 0;
  for_each_active_stretch(active, [&](std::size_t first, std::size_t end) {
    for (std::size_t c = first; c < end; ++c) {
      const std::uint32_t bits = active[c] & b.have[c];
      count += std::popcount(bits);
      if (bits != 0 && b.max_steps == 1 && !here.chunks[c].is_neuron) {
        detail::follow_borders(b.watch[c], bits, act.sources.data() + here.chunks[c].offset,
                               b.inverse_width.data() + c * chunk_width);
      }
    }
  });
  b.most_active = std::max(b.most_active, static_cast<std::uint32_t>(count));
}

} // namespace hanami
