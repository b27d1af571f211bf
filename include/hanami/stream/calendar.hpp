// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>

#include "../config.hpp"

/// Times of rows: seconds since 1970-01-01 00:00, in whatever zone the stream keeps; NaN is "not
/// known".

namespace hanami::inline HANAMI_ISA {

struct calendar {
  double hour = 0;    ///< of the day, 0 to below 24
  double weekday = 0; ///< of the week, 0 (Monday) to below 7
};

inline calendar calendar_of(double seconds) noexcept {
  constexpr double day = 86400;
  const double in_day = seconds - std::floor(seconds / day) * day;
  const double in_week = seconds + 3 * day - std::floor((seconds + 3 * day) / (7 * day)) * 7 * day;
  return {in_day / 3600, in_week / day};
}

/// Seconds of a time of the system's clock, which is UTC.
template <class Duration>
double seconds_of(std::chrono::sys_time<Duration> time) noexcept {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// Measures time in rows. The usual step between rows is the median of the first nine;
/// a gap of several steps is as many rows without values.
class row_clock {
 public:
  /// Rows missing between the last row and this one, at most `most`. 0 while the step is not
  /// known, and where time stands still or runs backwards.
  std::uint32_t missing_before(double time, std::uint32_t most = 10000) noexcept {
    const double gap = time - last_;
    if (!std::isfinite(time)) {
      return 0;
    }
    const bool first = std::isnan(last_);
    last_ = time;
    if (first || !(gap > 0)) {
      return 0;
    }
    if (known_ < steps_.size()) {
      steps_[known_++] = gap;
      std::sort(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(known_));
      return 0;
    }
    const double rows = std::round(gap / step()) - 1;
    return static_cast<std::uint32_t>(std::clamp(rows, 0.0, static_cast<double>(most)));
  }

  /// Seconds from row to row, 0 if not known.
  double step() const noexcept { return known_ == 0 ? 0 : steps_[known_ / 2]; }
  /// Whether the step will stay what it is.
  bool settled() const noexcept { return known_ == steps_.size(); }

  template <class Archive>
  void serialize(Archive& archive) {
    for (double& s : steps_) {
      archive(s);
    }
    archive(known_, last_);
    archive.require(known_ <= steps_.size(), "more steps than a clock keeps");
  }

 private:
  std::array<double, 9> steps_{};
  std::uint32_t known_ = 0;
  double last_ = std::numeric_limits<double>::quiet_NaN();
};

/// Seconds from row to row by the times of the first rows, ten of them or more; 0 if not known.
inline double step_of(std::span<const double> times) noexcept {
  row_clock clock;
  for (const double time : times) {
    clock.missing_before(time);
  }
  return clock.step();
}

/// Rows of a day at this many seconds a row, if that makes a season (4 to 2,000 rows); otherwise 0.
inline std::uint32_t rows_of_day(double step) noexcept {
  const double rows = step > 0 ? std::round(86400 / step) : 0;
  return rows >= 4 && rows <= 2000 ? static_cast<std::uint32_t>(rows) : 0;
}

} // namespace hanami
