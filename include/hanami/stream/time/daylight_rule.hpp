// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// A day of the year and a time on it, in the three ways of POSIX TZ.
struct yearly_date {
  enum class form : std::uint8_t {
    weekday,     ///< `Mm.w.d`: day d (0: Sunday) of week w (5: the last) of month m
    day_of_year, ///< `n`, 0..365, February 29 counted
    plain_day    ///< `Jn`, 1..365, February 29 never counted
  };
  form by = form::weekday;
  std::uint16_t day = 0;
  std::uint8_t month = 1;
  std::uint8_t week = 1;
  std::int32_t seconds = 7200; ///< after midnight, local time; may be negative or beyond the day

  /// Seconds from 1970 on, as if local time were UTC.
  std::int64_t in_year(int number) const noexcept {
    using namespace std::chrono;
    const std::chrono::year year(number);
    sys_days date = sys_days{year / January / 1};
    if (by == form::weekday) {
      const std::chrono::weekday wanted{day};
      const std::chrono::month at{month};
      date = week == 5 ? sys_days{year / at / wanted[last]} : sys_days{year / at / wanted[week]};
    } else if (by == form::day_of_year) {
      date += days{day};
    } else {
      date += days{day - 1 + (year.is_leap() && day >= 60 ? 1 : 0)};
    }
    return std::int64_t{86400} * date.time_since_epoch().count() + seconds;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(by, day, month, week, seconds);
    archive.require(by == form::weekday
                        ? month >= 1 && month <= 12 && week >= 1 && week <= 5 && day <= 6
                        : by <= form::plain_day && day <= 365,
                    "no day of a year");
  }
};

/// Local time by a rule that holds every year: `CET-1CEST,M3.5.0,M10.5.0/3`, `<-03>3`, as POSIX
/// writes it in TZ and RFC 8536 at the end of its files.
class daylight_rule {
 public:
  daylight_rule() = default;
  explicit daylight_rule(std::int32_t offset) noexcept : standard_(offset) {}

  /// Nothing for a text that is no such rule.
  static std::optional<daylight_rule> parse(std::string_view text) noexcept {
    daylight_rule rule;
    reader in{text};
    if (!in.name() || !in.offset(rule.standard_)) {
      return std::nullopt;
    }
    rule.standard_ = -rule.standard_; // POSIX counts to the west
    if (in.rest.empty()) {
      return rule;
    }
    rule.has_daylight_ = true;
    rule.daylight_ = rule.standard_ + 3600;
    if (!in.name()) {
      return std::nullopt;
    }
    if (!in.rest.empty() && in.rest.front() != ',') {
      if (!in.offset(rule.daylight_)) {
        return std::nullopt;
      }
      rule.daylight_ = -rule.daylight_;
    }
    const bool good = in.take(',') && in.date(rule.begin_) && in.take(',') && in.date(rule.end_) &&
                      in.rest.empty();
    return good ? std::optional(rule) : std::nullopt;
  }

  bool turns() const noexcept { return has_daylight_; }

  /// Seconds that local time is ahead of `utc`, seconds from 1970 on.
  std::int32_t offset(std::int64_t utc) const noexcept {
    if (!has_daylight_) {
      return standard_;
    }
    const std::chrono::sys_seconds local{std::chrono::seconds{utc + standard_}};
    const int year = static_cast<int>(
        std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(local)}.year());
    const std::int64_t begin = begin_.in_year(year) - standard_;
    const std::int64_t end = end_.in_year(year) - daylight_;
    const bool daylight = begin < end ? utc >= begin && utc < end : utc >= begin || utc < end;
    return daylight ? daylight_ : standard_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(standard_, daylight_, has_daylight_, begin_, end_);
  }

 private:
  /// Takes a rule apart from the front.
  struct reader {
    std::string_view rest;

    bool take(char wanted) noexcept {
      const bool there = !rest.empty() && rest.front() == wanted;
      rest.remove_prefix(there ? 1 : 0);
      return there;
    }

    /// Three letters or more, or anything in angle brackets.
    bool name() noexcept {
      const bool quoted = take('<');
      std::size_t size = 0;
      while (size < rest.size() && (quoted ? rest[size] != '>' : is_letter(rest[size]))) {
        ++size;
      }
      rest.remove_prefix(size);
      return size >= 3 && (!quoted || take('>'));
    }

    bool number(int most, int& value) noexcept {
      if (rest.empty() || rest.front() < '0' || rest.front() > '9') { // no second sign
        return false;
      }
      const auto [stop, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
      rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
      return code == std::errc() && value <= most;
    }

    /// `[+-]h[:m[:s]]`
    bool offset(std::int32_t& seconds, int most_hours = 24) noexcept {
      const bool negative = take('-');
      if (!negative) {
        take('+');
      }
      int part = 0;
      if (!number(most_hours, part)) {
        return false;
      }
      seconds = 3600 * part;
      for (const int unit : {60, 1}) {
        if (!take(':')) {
          break;
        }
        if (!number(59, part)) {
          return false;
        }
        seconds += unit * part;
      }
      seconds = negative ? -seconds : seconds;
      return true;
    }

    bool date(yearly_date& to) noexcept {
      int day = 0;
      if (take('M')) {
        int month = 0;
        int week = 0;
        if (!number(12, month) || !take('.') || !number(5, week) || !take('.') || !number(6, day) ||
            month < 1 || week < 1) {
          return false;
        }
        to.month = static_cast<std::uint8_t>(month);
        to.week = static_cast<std::uint8_t>(week);
      } else {
        to.by = take('J') ? yearly_date::form::plain_day : yearly_date::form::day_of_year;
        if (!number(365, day) || (to.by == yearly_date::form::plain_day && day < 1)) {
          return false;
        }
      }
      to.day = static_cast<std::uint16_t>(day);
      return !take('/') || offset(to.seconds, 167);
    }

    static bool is_letter(char c) noexcept {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
  };

  std::int32_t standard_ = 0; ///< seconds ahead of UTC
  std::int32_t daylight_ = 0;
  bool has_daylight_ = false;
  yearly_date begin_;
  yearly_date end_;
};

} // namespace hanami::detail
