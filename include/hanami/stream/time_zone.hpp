// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "../foundation/error.hpp"
#include "../io/file.hpp"
#include "time/daylight_rule.hpp"
#include "time/text.hpp"
#include "time/zone_file.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Seconds of `Z`, `UTC`, `+05:30`, `-0800` or `+01`; nothing for any other text.
inline std::optional<std::int32_t> fixed_offset(std::string_view name) noexcept {
  const bool named = name == "Z" || name == "z" || name == "UTC";
  time_text text(name);
  std::int32_t offset = 0;
  const bool sized = (name.size() == 3 || name.size() == 5 || name.size() == 6) &&
                     (name.front() == '+' || name.front() == '-') && is_digit(name[2]);
  const bool whole = (named || sized) && take_zone(text, offset) && text.done();
  return whole ? std::optional(offset) : std::nullopt;
}

/// The file of a zone's name; empty where the name is none of a file.
inline std::filesystem::path zone_path(const std::string& name) {
  const auto usual = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  };
  if (name.empty() || name.front() == '/' || !std::all_of(name.begin(), name.end(), usual)) {
    return {};
  }
  const char* const set = std::getenv("TZDIR");
  std::filesystem::path path(set != nullptr ? set : "/usr/share/zoneinfo");
  path /= name;
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) ? path : std::filesystem::path();
}

} // namespace detail

/// The clocks of a place: how far local time is ahead of UTC, daylight saving included. Times are
/// seconds from 1970-01-01 00:00 UTC on. A default one is UTC.
///
/// A value: it holds all it knows, and so does an archive of it, whatever becomes of the file it
/// came from.
class time_zone {
 public:
  time_zone() = default;

  /// Always so far ahead of UTC. Throws `errc::invalid_argument` for a day or more.
  explicit time_zone(std::chrono::seconds offset) {
    if (std::chrono::abs(offset) >= std::chrono::days(1)) {
      raise(errc::invalid_argument, "a time zone is less than a day ahead of UTC or behind it");
    }
    table_.rule = detail::daylight_rule(static_cast<std::int32_t>(offset.count()));
  }

  /// `Europe/Berlin`, as the files of the system name it (below $TZDIR or /usr/share/zoneinfo); an
  /// offset, `+05:30`; `UTC`; or a rule as POSIX writes it, `CET-1CEST,M3.5.0,M10.5.0/3`. Throws
  /// `errc::invalid_argument` for anything else, `errc::invalid_data` for a damaged file.
  explicit time_zone(const std::string& name) {
    if (const auto fixed = detail::fixed_offset(name)) {
      table_.rule = detail::daylight_rule(*fixed);
    } else if (const auto path = detail::zone_path(name); !path.empty()) {
      const auto bytes = read_file(path, std::size_t{1} << 20);
      table_ = detail::naming_file(path, [&] { return detail::zone_file(bytes).read(); });
    } else if (const auto rule = detail::daylight_rule::parse(name)) {
      table_.rule = *rule;
    } else {
      raise(errc::invalid_argument,
            "no time zone is called '" + name +
                "'; names like Europe/Berlin, where the system has its file, offsets like +05:30 "
                "and rules like CET-1CEST,M3.5.0,M10.5.0/3 are taken");
    }
  }

  /// Seconds that local time is ahead of UTC at `utc`, 0 where that is not a time before the year
  /// 5000. Logarithmic in the number of changes on record.
  std::int32_t offset(double utc) const noexcept {
    return std::abs(utc) < 95e9 ? table_.offset(static_cast<std::int64_t>(std::floor(utc))) : 0;
  }

  /// Whether clocks were or will ever be turned.
  bool turns() const noexcept { return table_.turns(); }

  double to_local(double utc) const noexcept { return utc + offset(utc); }

  /// An hour that is there twice in autumn is the first one, unless that would not be later than
  /// `after`. A time that spring leaves out is read by the clocks of before.
  double to_utc(double local,
                double after = -std::numeric_limits<double>::infinity()) const noexcept {
    constexpr double day = 86400;
    const double early = local - offset(local - day);
    const double late = local - offset(local + day);
    const bool is_early = to_local(early) == local;
    const bool is_late = to_local(late) == local;
    if (is_early && is_late) {
      return std::min(early, late) > after ? std::min(early, late) : std::max(early, late);
    }
    return is_late ? late : early;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(table_);
  }

 private:
  detail::zone_table table_;
};

} // namespace hanami
