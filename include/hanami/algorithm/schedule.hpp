// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hanami {

/// The learning rate over time. With a known length it falls linearly to zero; in an endless stream
/// it falls with the square root of the samples seen, to a quarter of where it began.
struct learning_schedule {
  double first_rate = 0.04;
  std::uint64_t planned = 0; ///< samples of the task in all; 0: no end is known
  std::uint64_t seen = 0;    ///< samples of the task so far

  bool endless() const noexcept { return planned == 0; }

  double rate() const noexcept {
    const auto t = static_cast<double>(seen);
    if (endless()) {
      return first_rate * std::max(0.25, 1.0 / std::sqrt(1.0 + t / 5000.0));
    }
    return seen >= planned ? 0.0 : first_rate * (1.0 - t / static_cast<double>(planned));
  }
};

} // namespace hanami
