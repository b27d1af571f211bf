// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "../foundation/memory.hpp"
#include "../foundation/random.hpp"

/// Hexagons in space: rows of hexagons shifted by half a hexagon in every second row, floors of
/// such planes on top of each other, shifted again in every second floor, so that every hexagon
/// touches twelve others, like spheres packed tightly.
///
///      the same floor (z)            the floor above (z + 1)       the floor below (z - 1)
///
///          5   0                            6                             9
///        4   o   1                          o                             o
///          3   2                          8   7                        11   10
///
/// In even floors the three neighbours above sit at (x, y), (x, y + 1) and (x - 1, y + 1) of the
/// shifted grid; in odd floors the picture is turned by half a turn, so that "is a neighbour of" is
/// symmetric everywhere.

namespace hanami::inline HANAMI_ISA {

/// Place of a hexagon: column x, row y, floor z. Any integers, negative ones too.
struct hex_position {
  std::int32_t x = 0;
  std::int32_t y = 0;
  std::int32_t z = 0;
  friend constexpr auto operator<=>(const hex_position&, const hex_position&) = default;
};

/// How many hexagons touch one.
inline constexpr std::size_t hex_neighbour_count = 12;

/// The neighbour of `at` on `side` (0..11, numbered as in the drawing above).
constexpr hex_position hex_neighbour(hex_position at, std::size_t side) noexcept {
  const std::int32_t shift = (at.y & 1) != 0 ? 0 : -1; // even rows stand half a hexagon to the left
  const std::int32_t turn = (at.z & 1) != 0 ? -1 : 1;  // odd floors look the other way
  const auto row = [&](std::int32_t dy, std::int32_t left_or_right) {
    return hex_position{at.x + shift + left_or_right, at.y + dy, at.z};
  };
  // Above and below: the touching hexagon itself and the two of the next row on one side of it.
  const auto floor = [&](std::int32_t dz, std::size_t which) {
    const hex_position same{at.x, at.y, at.z + dz};
    if (which == 0) {
      return same;
    }
    const std::int32_t right = which == 1 ? 1 : 0;
    return hex_position{at.x + shift + right, at.y + turn, at.z + dz};
  };
  switch (side) {
  case 0:
    return row(-1, 1);
  case 1:
    return {at.x + 1, at.y, at.z};
  case 2:
    return row(1, 1);
  case 3:
    return row(1, 0);
  case 4:
    return {at.x - 1, at.y, at.z};
  case 5:
    return row(-1, 0);
  case 6:
  case 7:
  case 8:
    return floor(1, side - 6);
  default:
    return floor(-1, side - 9);
  }
}

/// The twelve neighbours of `at`, by side.
constexpr std::array<hex_position, hex_neighbour_count> hex_neighbours(hex_position at) noexcept {
  std::array<hex_position, hex_neighbour_count> all{};
  for (std::size_t side = 0; side < all.size(); ++side) {
    all[side] = hex_neighbour(at, side);
  }
  return all;
}

} // namespace hanami

template <>
struct std::hash<hanami::hex_position> {
  std::size_t operator()(const hanami::hex_position& at) const noexcept {
    const auto bits = [](std::int32_t v) { return std::uint64_t{static_cast<std::uint32_t>(v)}; };
    return hanami::to_size(
        hanami::mix_bits(bits(at.x) ^ hanami::mix_bits(bits(at.y) ^ hanami::mix_bits(bits(at.z)))));
  }
};
