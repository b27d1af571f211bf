// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "../../config.hpp"
#include "words.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a text says: seconds since 1970-01-01 00:00 by the clocks that wrote it, or UTC.
struct time_reading {
  std::int64_t seconds = 0; ///< of a text without date since midnight, without year in 2001
  double part = 0;          ///< of a second, 0 to below 1
  bool dated = true;
  bool yearless = false;
  bool clocked = true; ///< it says more than a date
  bool utc = false;    ///< its offset from UTC was known and has been taken off
};

namespace detail {

/// The numbers that a text holds.
struct time_numbers {
  std::int32_t year = 0, month = 1, day = 1, day_of_year = 0, week = 0, weekday = 1;
  std::int32_t days = 0, hour = 0, minute = 0, second = 0, half = -1, offset = 0;
  std::int64_t epoch = 0;
  double part = 0;    ///< of a second
  double minutes = 0; ///< part of a minute, where there are no seconds
  bool zoned = false;
};

/// A text, taken from the front.
class time_text {
 public:
  explicit time_text(std::string_view text) noexcept : text_(text) {}

  bool done() const noexcept { return text_.empty(); }
  char next() const noexcept { return text_.empty() ? '\0' : text_.front(); }
  std::string_view rest() const noexcept { return text_; }
  void skip(std::size_t count = 1) noexcept { text_.remove_prefix(count); }
  void skip_blanks() noexcept {
    while (is_blank(next())) {
      skip();
    }
  }

  bool take(char c) noexcept {
    if (text_.empty() || text_.front() != c) {
      return false;
    }
    skip();
    return true;
  }

  template <class Number>
  bool take_number(std::size_t most, Number& value) noexcept {
    std::size_t digits = 0;
    Number sum = 0;
    while (digits < text_.size() && digits < most && is_digit(text_[digits])) {
      sum = static_cast<Number>(sum * 10 + (text_[digits++] - '0'));
    }
    value = sum;
    skip(digits);
    return digits > 0;
  }

  /// The digits behind a decimal sign, however many: 18 of them count.
  bool take_fraction(double& part) noexcept {
    double unit = 1;
    std::int64_t sum = 0;
    std::size_t digits = 0;
    for (; is_digit(next()); skip(), ++digits) {
      if (digits < 18) {
        sum = sum * 10 + (next() - '0');
        unit *= 10;
      }
    }
    part = static_cast<double>(sum) / unit;
    if (part >= 1) { // rounded up
      part = 1 - 1e-16;
    }
    return digits > 0;
  }

  bool take_signed_fraction(double& part) noexcept {
    if ((next() == '.' || next() == ',') && text_.size() > 1 && is_digit(text_[1])) {
      skip();
      return take_fraction(part);
    }
    return false;
  }

  /// Letters, and a dot behind them.
  std::string_view take_word() noexcept {
    std::size_t size = 0;
    while (size < text_.size() && in_word(text_[size])) {
      ++size;
    }
    const std::string_view word = text_.substr(0, size);
    skip(size);
    return word;
  }

 private:
  std::string_view text_;
};

/// `Z`, `UTC`, `CEST`, `+02`, `+0200`, `+02:00`, `GMT+2`, `UTC-03:30`, `Z+0100`.
inline bool take_zone(time_text& text, std::int32_t& offset) noexcept {
  time_text at = text;
  offset = 0;
  const std::string_view word = at.take_word();
  std::string_view sign = word;
  if (!word.empty() && !word.starts_with("\xe2\x88\x92")) { // a minus that typesetters use
    const auto known = zone_of(word);
    if (!known) {
      return false;
    }
    offset = *known;
    text = at;
    const std::string_view rest = at.rest(); // some programs write Z+0100
    const bool more = rest.size() >= 5 && (rest[0] == '+' || rest[0] == '-') && is_digit(rest[1]);
    if (*known != 0 || (lower(word.front()) == 'z' && !more)) {
      return true;
    }
    sign = {};
  }
  bool negative = !sign.empty();
  if (sign.empty() && !at.take('+')) {
    negative = at.take('-');
    if (!negative) {
      return !word.empty();
    }
  }
  std::int32_t hours = 0;
  std::int32_t minutes = 0;
  std::int32_t seconds = 0;
  if (!at.take_number(2, hours)) {
    return !word.empty();
  }
  const bool colon = at.take(':');
  if (at.take_number(2, minutes)) {
    if ((!colon || at.take(':')) && is_digit(at.next())) {
      at.take_number(2, seconds);
    }
  } else if (colon) {
    return false;
  }
  if (hours > 23 || minutes > 59 || seconds > 59) {
    return false;
  }
  offset = (negative ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
  text = at;
  return true;
}

/// Days from 1970-01-01 to the date that the numbers are of; nothing where there is no such date.
inline std::optional<std::int64_t> days_of(const time_numbers& n) noexcept {
  using namespace std::chrono;
  const auto days_to = [](std::int32_t y, unsigned m, unsigned d) {
    return std::int64_t{sys_days{year{y} / month{m} / day{d}}.time_since_epoch().count()};
  };
  if (n.week > 0) {
    const std::int64_t fourth = days_to(n.year, 1, 4); // is in the first week
    const std::int64_t monday = fourth - (fourth + 3) % 7;
    return n.week <= 53 && n.weekday >= 1 && n.weekday <= 7
               ? std::optional(monday + std::int64_t{7} * (n.week - 1) + n.weekday - 1)
               : std::nullopt;
  }
  if (n.day_of_year > 0) {
    const std::int32_t most = year{n.year}.is_leap() ? 366 : 365;
    return n.day_of_year <= most ? std::optional(days_to(n.year, 1, 1) + n.day_of_year - 1)
                                 : std::nullopt;
  }
  if (n.month < 1 || n.month > 12 || n.day < 1 || n.day > 31) {
    return std::nullopt;
  }
  const year_month_day date{year{n.year}, month{static_cast<unsigned>(n.month)},
                            day{static_cast<unsigned>(n.day)}};
  return date.ok() ? std::optional(std::int64_t{sys_days{date}.time_since_epoch().count()})
                   : std::nullopt;
}

} // namespace detail

} // namespace hanami
