// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../config.hpp"

namespace hanami {

/// The learning rate over time, as a share of where it begins. With a known length it falls
/// linearly to zero; in an endless stream with the square root of the samples seen, to a quarter.
struct learning_schedule {
  std::uint64_t planned = 0; ///< samples of the task in all; 0: no end is known
  std::uint64_t seen = 0;    ///< samples of the task so far

  HANAMI_HOST_DEVICE bool endless() const noexcept { return planned == 0; }

  /// Whether an endless stream has begun or changed not long ago.
  HANAMI_HOST_DEVICE bool moving() const noexcept { return endless() && seen < 5000; }

  HANAMI_HOST_DEVICE double share() const noexcept {
    const auto t = static_cast<double>(seen);
    if (endless()) {
      return std::max(0.25, 1.0 / std::sqrt(1.0 + t / 5000.0));
    }
    return seen >= planned ? 0.0 : 1.0 - t / static_cast<double>(planned);
  }
};

} // namespace hanami
