// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../foundation/simd.hpp"
#include "../structure/workspace.hpp"

/// The border rule: where the first step of a section ends. A border begins at the first activation
/// and is the largest one while the section is young (its first 16 activations). Every 16
/// activations it is checked: if all activations since the last check lie far below it (an outlier
/// came first) or far above it (the range has changed), it starts anew at the present one.
///
/// The memory of the rule is kept in bits, one for each of the 16 sections of a chunk, so that a
/// chunk costs a few instructions however many of its presynaptic nodes are active.

namespace hanami::inline HANAMI_ISA::detail {

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
HANAMI_HOST_DEVICE HANAMI_INLINE std::uint32_t count_activations(border_state& border,
                                                                 std::uint32_t active) noexcept {
  const std::uint64_t c = border.count;
  const std::uint64_t carry1 = active & c;
  const std::uint64_t carry2 = carry1 & (c >> 16);
  const std::uint64_t carry3 = carry2 & (c >> 32);
  border.count = c ^ (active | carry1 << 16 | carry2 << 32 | carry3 << 48);
  return static_cast<std::uint32_t>(carry3 & (c >> 48));
}

/// Makes the sections in `bits` young, as if they were new.
constexpr void make_young(border_state& border, std::uint32_t bits) noexcept {
  const std::uint64_t all = in_all_planes(bits);
  border.count &= ~all;
  border.state &= ~(all & (border_state::near | border_state::low));
  border.state |= bits;
}

/// Nothing is known yet of section `i`.
constexpr void start_border(border_state& border, std::size_t i) noexcept {
  const std::uint32_t bit = 1U << i;
  border.state &= ~(in_all_planes(bit) & border_state::settled);
  make_young(border, bit);
}

constexpr bool is_young(const border_state& border, std::size_t i) noexcept {
  return ((border.state >> i) & 1U) != 0;
}
constexpr bool is_settled(const border_state& border, std::size_t i) noexcept {
  return ((border.state >> (16 + i)) & 1U) != 0;
}

/// After a check of the sections in `checked`: no longer young, and settled from the second on.
constexpr void pass_check(border_state& border, std::uint32_t checked) noexcept {
  const std::uint64_t again = checked & ~border.state;
  border.state &= ~(in_all_planes(checked) & ~border_state::settled);
  border.state |= again << 16;
}

/// Activations, as shares of a border, that the border rule tells apart.
template <class Real>
inline constexpr Real full_share = Real{1};
template <class Real>
inline constexpr Real near_share = Real(0.25);
template <class Real>
inline constexpr Real far_share = Real{4};

/// Where the activations of 16 presynaptic nodes lie: a bit for each that is above its border,
/// above a quarter of it, above four times as much.
struct border_shares {
  std::uint32_t above;
  std::uint32_t near;
  std::uint32_t far;
};

/// Moves the borders of the active sections of 16 presynaptic nodes, all of one step.
template <class Real>
HANAMI_HOST_DEVICE HANAMI_INLINE void move_borders(border_state& border, std::uint32_t active,
                                                   border_shares shares, const Real* activation,
                                                   Real* inverse_width) noexcept {
  const auto [above, near, far] = shares;
  const auto grown = static_cast<std::uint32_t>(active & above & border.state);
  border.state |= std::uint64_t{active & near} << 32 | std::uint64_t{active & (~far | grown)} << 48;
  const std::uint32_t checked = count_activations(border, active);
  std::uint32_t moved = grown;
  if (checked != 0) {
    const std::uint64_t in_place = (border.state >> 32) & (border.state >> 48);
    const auto misplaced = static_cast<std::uint32_t>(checked & ~in_place);
    pass_check(border, checked);
    make_young(border, misplaced);
    moved |= misplaced;
  }
  for (; moved != 0; moved &= moved - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(moved));
    inverse_width[i] = inverse_of(activation[i]);
  }
}

template <class Real>
HANAMI_INLINE void follow_borders(border_state& border, std::uint32_t active,
                                  const Real* activation, Real* inverse_width) noexcept {
  const border_shares shares{share_bits(activation, inverse_width, full_share<Real>),
                             share_bits(activation, inverse_width, near_share<Real>),
                             share_bits(activation, inverse_width, far_share<Real>)};
  move_borders(border, active, shares, activation, inverse_width);
}

} // namespace hanami::detail

namespace hanami::inline HANAMI_ISA {

/// What a brick notes of the presynaptic nodes of a sample that it learns from: how many are active
/// at once, and where the borders of its sections lie, if they have one step (chains are for
/// `grow_chains`; borders of neurons stay at 1). Writes only the brick.
template <class Real, class Weight>
void track_borders(network<Real, Weight>& net, std::size_t index,
                   const workspace<Real>& ws) noexcept {
  auto& b = net.bricks[index];
  const auto& here = net.hexagons[index_of(b.hexagon)];
  const auto& active = ws.active[index_of(b.hexagon)];
  int count = 0;
  for_each_active_stretch(active, [&](std::size_t first, std::size_t end) {
    for (std::size_t c = first; c < end; ++c) {
      const std::uint32_t bits = active[c] & b.have[c];
      count += std::popcount(bits);
      if (bits != 0 && b.max_steps == 1 && !here.chunks[c].is_neuron) {
        detail::follow_borders(b.border_states[c], bits,
                               ws.activations.data() + here.chunks[c].offset,
                               b.inverse_width.data() + c * chunk_width);
      }
    }
  });
  b.most_active = std::max(b.most_active, static_cast<std::uint32_t>(count));
}

} // namespace hanami
