// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

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

/// Rows of a day at this many seconds a row, if that makes a season (4 to 2,000 rows); otherwise 0.
inline std::uint32_t rows_of_day(double step) noexcept {
  const double rows = step > 0 ? std::round(86400 / step) : 0;
  return rows >= 4 && rows <= 2000 ? static_cast<std::uint32_t>(rows) : 0;
}

} // namespace hanami
