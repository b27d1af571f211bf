// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

namespace hanami::service {

/// Milliseconds since 1970, UTC.
inline std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Milliseconds of a clock that nobody sets, since an unknown moment: for how long something took.
inline std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

namespace detail {

inline std::tm utc(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

} // namespace detail

/// "2026-01-31T12:00:00.123Z" (RFC 3339).
inline std::string to_rfc3339(std::int64_t ms) {
  const std::tm t = detail::utc(ms);
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                   t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
                                   t.tm_sec, static_cast<int>(ms % 1000));
  return {text, static_cast<std::size_t>(length)};
}

/// "2026-01-31 12:00:00"; "-" for 0, as the reference writes what was not reached.
inline std::string to_plain_time(std::int64_t ms) {
  if (ms == 0) {
    return "-";
  }
  const std::tm t = detail::utc(ms);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &t);
  return {text, length};
}

} // namespace hanami::service
