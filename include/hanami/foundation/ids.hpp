// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Position of a hexagon in its template: the order of the text, and of every list of hexagons.
enum class hexagon_id : std::uint32_t {};

/// The plain number behind a strong id, for indexing.
template <class Id>
constexpr std::size_t index_of(Id id) noexcept {
  return static_cast<std::size_t>(id);
}

} // namespace hanami
