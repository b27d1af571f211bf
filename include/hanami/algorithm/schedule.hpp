// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// How often, in samples, what is not done for every sample is done.
namespace cadence {
inline constexpr std::uint64_t moving = 5000;        ///< so long an endless stream counts as new
inline constexpr std::uint64_t note_active = 8;      ///< looks at which neurons are active
inline constexpr std::uint64_t reset_dormant = 1000; ///< new weights for those that never were
inline constexpr std::uint64_t average = 1000;       ///< updates of the averaged weights
inline constexpr std::uint64_t average_values = 200; ///< the same where outputs are linear
inline constexpr std::uint64_t prune = 5000;         ///< rounds of pruning in an endless stream
inline constexpr std::uint64_t prune_rounds = 10;    ///< in a task; in an endless stream, until
                                                     ///< every brick was opened again
inline constexpr std::uint64_t prune_begin = 50;     ///< in a task: a round every 1/50 of it
} // namespace cadence

/// The learning rate over time, as a share of where it begins, and what is due when. With a known
/// length the rate falls linearly to zero; in an endless stream with the square root of the samples
/// seen, to a quarter.
struct learning_schedule {
  std::uint64_t planned = 0; ///< samples of the task in all; 0: no end is known
  std::uint64_t seen = 0;    ///< samples of the task so far

  HANAMI_HOST_DEVICE bool endless() const noexcept { return planned == 0; }

  /// Whether an endless stream has begun or changed not long ago.
  HANAMI_HOST_DEVICE bool moving() const noexcept { return endless() && seen < cadence::moving; }

  HANAMI_HOST_DEVICE double share() const noexcept {
    const auto t = static_cast<double>(seen);
    if (endless()) {
      return std::max(0.25, 1.0 / std::sqrt(1.0 + t / 5000.0));
    }
    return seen >= planned ? 0.0 : 1.0 - t / static_cast<double>(planned);
  }

  // What is due now that `seen` samples have been learned from.
  HANAMI_HOST_DEVICE bool note_active_due() const noexcept {
    return moving() && seen % cadence::note_active == 0;
  }
  HANAMI_HOST_DEVICE bool reset_dormant_due() const noexcept {
    return moving() && seen % cadence::reset_dormant == 0;
  }
  HANAMI_HOST_DEVICE bool average_due() const noexcept { return seen % cadence::average == 0; }
};

} // namespace hanami
