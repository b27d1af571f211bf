// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <hanami/algorithm/phases.hpp>

#include <support/ticks.hpp>

namespace bench {

/// Adds up ticks by phase. A lap that is far longer than any phase (of 4,096 neurons: 40 us) is one
/// in which another process had the processor: it does not count.
class phase_clock {
 public:
  static constexpr double longest_lap = 1e-4; ///< seconds

  void start() noexcept { last_ = support::ticks(); }
  /// What has run since the last call belonged to `p`.
  void lap(hanami::phase p) noexcept {
    const std::uint64_t now = support::ticks();
    if (now - last_ < longest_) {
      ticks_[static_cast<std::size_t>(p)] += now - last_;
    }
    last_ = now;
  }
  double seconds(hanami::phase p) const {
    return support::seconds_per_tick() * static_cast<double>(ticks_[static_cast<std::size_t>(p)]);
  }
  double total() const {
    double sum = 0;
    for (std::size_t p = 0; p < hanami::phase_names.size(); ++p) {
      sum += seconds(static_cast<hanami::phase>(p));
    }
    return sum;
  }

 private:
  std::uint64_t longest_ = static_cast<std::uint64_t>(longest_lap / support::seconds_per_tick());
  std::uint64_t last_ = 0;
  std::array<std::uint64_t, hanami::phase_names.size()> ticks_{};
};

/// Tells a clock of the phases of `cluster::train` and `cluster::infer`. Reading the time costs
/// some 10 ns, in every phase of every brick.
struct phase_laps {
  phase_clock* clock;
  void operator()(hanami::phase ended) const noexcept { clock->lap(ended); }
};

} // namespace bench
