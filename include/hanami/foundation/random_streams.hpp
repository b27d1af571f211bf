// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Keys of the random streams; a stream never serves two purposes.
enum class random_stream : std::uint64_t {
  section_weights = 1,
  output_weights,
  connections,
  rehearsal,
  left_over,
  rounding,
  average_rounding,
  renewed_weights,
  known_samples,
  sides
};

HANAMI_HOST_DEVICE constexpr std::uint64_t random_key(random_stream purpose, std::uint64_t index,
                                                      std::uint64_t version = 0) noexcept {
  return (static_cast<std::uint64_t>(purpose) << 56) + (version << 32) + index;
}

} // namespace hanami::detail
