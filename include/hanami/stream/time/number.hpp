// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../foundation/error.hpp"
#include "pattern.hpp"
#include "words.hpp"

/// Times that are written as numbers: seconds and their like since some day.

namespace hanami::inline HANAMI_ISA::detail {

constexpr std::array<std::int64_t, 19> powers_of_ten = [] {
  std::array<std::int64_t, 19> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) {
    powers[i] = powers[i - 1] * 10;
  }
  return powers;
}();

/// A number as it is written, exactly: `digits` times ten to the `exponent`.
struct decimal {
  std::int64_t digits = 0;
  std::int32_t exponent = 0;
  std::uint32_t places = 0; ///< behind the decimal sign, as written

  double value() const noexcept {
    const auto n = static_cast<double>(digits);
    const auto size = static_cast<std::size_t>(std::abs(exponent));
    if (size < powers_of_ten.size()) {
      const auto power = static_cast<double>(powers_of_ten[size]);
      return exponent < 0 ? n / power : n * power;
    }
    return n * std::pow(10.0, exponent);
  }
};

/// A time with plain blanks where others stand, of which programs put one before AM and PM: the
/// text itself where it has none, else `plain`.
inline std::string_view with_plain_blanks(std::string_view text, std::string& plain) {
  constexpr std::array<std::string_view, 2> others{"\xC2\xA0", "\xE2\x80\xAF"};
  if (text.find_first_of("\xC2\xE2") == std::string_view::npos) {
    return text;
  }
  plain = text;
  for (const std::string_view other : others) {
    for (std::size_t at = plain.find(other); at != std::string::npos; at = plain.find(other, at)) {
      plain.replace(at, other.size(), " ");
    }
  }
  return plain;
}

/// A time without what stands around it: blanks, quotes, brackets, `@` in front, `:` behind.
inline std::string_view bare_time(std::string_view text) noexcept {
  const auto around = [](char c) {
    return is_blank(c) || c == '"' || c == '\'' || c == '\r' || c == '\0';
  };
  for (;;) {
    while (!text.empty() && (around(text.front()) || text.front() == '@')) {
      text.remove_prefix(1);
    }
    while (!text.empty() && (around(text.back()) || text.back() == ':')) {
      text.remove_suffix(1);
    }
    const bool bracketed = text.size() > 1 && ((text.front() == '[' && text.back() == ']') ||
                                               (text.front() == '(' && text.back() == ')'));
    if (!bracketed) {
      return text;
    }
    text = text.substr(1, text.size() - 2);
  }
}

/// A whole text that is a number, with a dot or a comma as decimal sign; an `s` for seconds may
/// follow, apart or not. Digits beyond the eighteenth are rounded off. Nothing for anything else,
/// nor for what no double holds.
inline std::optional<decimal> read_decimal(std::string_view text) noexcept {
  decimal number;
  if (text.size() < 19 && std::all_of(text.begin(), text.end(), is_digit) && !text.empty()) {
    for (const char c : text) {
      number.digits = number.digits * 10 + (c - '0');
    }
    return number;
  }
  time_text at(text);
  const bool negative = at.take('-');
  if (!negative) {
    at.take('+');
  }
  bool some = false;
  bool fraction = false;
  for (;; at.skip()) {
    if (!fraction && (at.next() == '.' || at.next() == ',')) {
      fraction = true;
      continue;
    }
    if (!is_digit(at.next())) {
      break;
    }
    some = true;
    number.places += fraction ? 1U : 0U;
    if (number.digits < powers_of_ten.back() / 10 * 9) {
      number.digits = number.digits * 10 + (at.next() - '0');
      number.exponent -= fraction ? 1 : 0;
    } else {
      number.exponent += fraction ? 0 : 1;
    }
  }
  if (some && (at.next() == 'e' || at.next() == 'E')) {
    at.skip();
    const bool small = at.take('-');
    if (!small) {
      at.take('+');
    }
    std::int32_t exponent = 0;
    if (!at.take_number(4, exponent)) {
      return std::nullopt;
    }
    number.exponent += small ? -exponent : exponent;
  }
  at.skip_blanks();
  if (some && at.next() == 's') {
    at.skip();
  }
  number.digits = negative ? -number.digits : number.digits;
  const bool small = std::abs(number.exponent) < 19 || std::isfinite(number.value());
  return some && at.done() && small ? std::optional(number) : std::nullopt;
}

/// What the numbers of a column count, and from when on.
struct time_unit {
  std::string_view name;  ///< as it may be given
  std::string_view words; ///< as it is said
  std::int32_t power;     ///< of ten, of a second; 1: `seconds` says it
  double seconds;         ///< a unit has so many; 0: a year
  std::int64_t zero;      ///< seconds from 1970-01-01 00:00 to the number 0
};

inline constexpr std::array time_units = std::to_array<time_unit>(
    {{"s", "seconds", 0, 1, 0},
     {"ms", "milliseconds", -3, 1e-3, 0},
     {"us", "microseconds", -6, 1e-6, 0},
     {"ns", "nanoseconds", -9, 1e-9, 0},
     {"min", "minutes", 1, 60, 0},
     {"h", "hours", 1, 3600, 0},
     {"d", "days", 1, 86400, 0},
     {"year", "years", 1, 0, 0},
     {"excel", "days of a spreadsheet, since 1899-12-30", 1, 86400, -2209161600},
     {"julian", "Julian days", 1, 86400, -210866760000},
     {"mjd", "modified Julian days", 1, 86400, -3506716800},
     {"matlab", "days since the year 0", 1, 86400, -62167305600},
     {"filetime", "units of 100 ns since 1601", -7, 1e-7, -11644473600},
     {"webkit", "microseconds since 1601", -6, 1e-6, -11644473600},
     {"ticks", "units of 100 ns since the year 1", -7, 1e-7, -62135596800},
     {"ntp", "seconds since 1900", 0, 1, -2208988800},
     {"cocoa", "seconds since 2001", 0, 1, 978307200}});

inline const time_unit* find_unit(std::string_view name) noexcept {
  const auto* const found = std::find_if(time_units.begin(), time_units.end(),
                                         [&](const time_unit& u) { return u.name == name; });
  return found == time_units.end() ? nullptr : found;
}

/// A unit by any of its names; null for what is none. What names of columns say counts, too.
inline const time_unit* unit_of_word(std::string_view word) noexcept {
  static constexpr std::array words = std::to_array<word_value>(
      {{"s", 0},          {"sec", 0},         {"second", 0},       {"seconds", 0},
       {"secs", 0},       {"sekunden", 0},    {"unix", 0},         {"ms", 1},
       {"msec", 1},       {"msecs", 1},       {"milli", 1},        {"millis", 1},
       {"millisec", 1},   {"millisecond", 1}, {"milliseconds", 1}, {"us", 2},
       {"µs", 2},         {"μs", 2},          {"usec", 2},         {"usecs", 2},
       {"micro", 2},      {"micros", 2},      {"microsecond", 2},  {"microseconds", 2},
       {"ns", 3},         {"nsec", 3},        {"nano", 3},         {"nanos", 3},
       {"nanosecond", 3}, {"nanoseconds", 3}, {"min", 4},          {"mins", 4},
       {"minute", 4},     {"minutes", 4},     {"minuten", 4},      {"h", 5},
       {"hr", 5},         {"hrs", 5},         {"hour", 5},         {"hours", 5},
       {"stunden", 5},    {"d", 6},           {"day", 6},          {"days", 6},
       {"tage", 6},       {"year", 7},        {"years", 7},        {"yr", 7},
       {"jahr", 7},       {"excel", 8},       {"julian", 9},       {"jd", 9},
       {"mjd", 10},       {"matlab", 11},     {"datenum", 11},     {"filetime", 12},
       {"webkit", 13},    {"ticks", 14},      {"ntp", 15},         {"cocoa", 16}});
  const auto found = value_of(words, word);
  return found ? &time_units[static_cast<std::size_t>(*found)] : nullptr;
}

/// The time that a number of units is; nothing beyond some ten million years.
inline std::optional<time_reading> reading_of(const decimal& number,
                                              const time_unit& unit) noexcept {
  constexpr double most = 3e14;
  time_reading said;
  said.utc = true;
  const std::int32_t exponent = number.exponent + unit.power;
  if (unit.power == 0 && exponent == 0) {
    said.seconds = number.digits;
  } else if (unit.power <= 0 && exponent >= -18 && exponent < 0) {
    const std::int64_t power = powers_of_ten[static_cast<std::size_t>(-exponent)];
    std::int64_t rest = number.digits % power;
    said.seconds = number.digits / power;
    if (rest < 0) {
      rest += power;
      --said.seconds;
    }
    said.part = static_cast<double>(rest) / static_cast<double>(power);
  } else {
    double seconds = number.value() * unit.seconds;
    if (unit.seconds == 0) {
      const double year = std::floor(number.value());
      if (!(std::abs(year) < 30000)) {
        return std::nullopt;
      }
      const auto begin = [](double y) {
        time_numbers n;
        n.year = static_cast<std::int32_t>(y);
        return 86400.0 * static_cast<double>(days_of(n).value_or(0));
      };
      seconds = begin(year) + (number.value() - year) * (begin(year + 1) - begin(year));
      said.utc = false;
    }
    if (!(std::abs(seconds) < most)) {
      return std::nullopt;
    }
    said.seconds = static_cast<std::int64_t>(std::floor(seconds));
    said.part = seconds - std::floor(seconds);
  }
  if (said.part >= 1) {
    said.part = 1 - 1e-16;
  }
  if (std::abs(static_cast<double>(said.seconds)) > most) {
    return std::nullopt;
  }
  said.seconds += unit.zero;
  return said;
}

/// What is known about a column of numbers before one looks at them.
struct number_hints {
  const time_unit* unit = nullptr; ///< that its name says
  bool dates = false;              ///< its name says that it holds dates
};

/// Finds the unit of the first numbers of a column by their size and by how regular they are.
class unit_finder {
 public:
  unit_finder(std::span<const decimal> numbers, number_hints hints) : hints_(hints) {
    for (const decimal& number : numbers) {
      const double value = number.value();
      if (!values_.empty() && value != values_.back()) {
        steps_.push_back(std::abs(value - values_.back()));
      }
      values_.push_back(value);
      largest_ = std::max(largest_, std::abs(value));
      places_ = std::max(places_, number.places);
    }
    std::sort(steps_.begin(), steps_.end());
  }

  /// Of a number that says a time of this age by itself, not one since some start.
  static const time_unit* by_size(double size) noexcept {
    struct range {
      double from, to;
      std::string_view unit;
    };
    static constexpr std::array ranges = std::to_array<range>({{1e8, 4.3e9, "s"},
                                                               {1e11, 4.3e12, "ms"},
                                                               {1e14, 4.3e15, "us"},
                                                               {1.2e16, 1.6e16, "webkit"},
                                                               {1.25e17, 1.6e17, "filetime"},
                                                               {6.3e17, 6.7e17, "ticks"},
                                                               {1e17, 4.3e18, "ns"}});
    const auto* const found = std::find_if(ranges.begin(), ranges.end(), [&](const range& r) {
      return size >= r.from && size < r.to;
    });
    return found == ranges.end() ? nullptr : detail::find_unit(found->unit);
  }

  const time_unit& find() const noexcept {
    if (const time_unit* const size = by_size(largest_)) {
      const bool said = hints_.unit != nullptr && hints_.unit->seconds < size->seconds * 1.5 &&
                        hints_.unit->seconds > 0;
      return said ? *hints_.unit : *size;
    }
    if (hints_.unit != nullptr && !(hints_.unit->seconds == 86400 && hints_.unit->zero == 0)) {
      return *hints_.unit;
    }
    if (all_in(1500, 2300) && longest_step() <= 1) {
      return *detail::find_unit("year");
    }
    struct range {
      double from, to;
      std::string_view unit;
    };
    for (const range& days :
         {range{2.4e6, 2.5e6, "julian"}, range{2e4, 6e4, "excel"}, range{6.9e5, 7.9e5, "matlab"}}) {
      if (all_in(days.from, days.to) && counts_days()) {
        return *detail::find_unit(days.unit);
      }
    }
    if (hints_.unit != nullptr) {
      return *hints_.unit;
    }
    const bool recent = all_in(1e4, 2.5e4) && counts_days();
    return *detail::find_unit(recent ? "d" : "s");
  }

  /// Whether the numbers say by their size alone that they are times of this age.
  bool absolute() const noexcept { return by_size(largest_) != nullptr; }

 private:
  bool all_in(double from, double to) const noexcept {
    return !values_.empty() && std::all_of(values_.begin(), values_.end(), [&](double value) {
      return value >= from && value < to;
    });
  }
  double longest_step() const noexcept { return steps_.empty() ? 0 : steps_.back(); }

  /// Steps are parts of a day that make whole seconds and are no round decimals; or whole days,
  /// where the name says that these are dates.
  bool counts_days() const noexcept {
    if (steps_.empty()) {
      return hints_.dates;
    }
    const double step = steps_[steps_.size() / 2];
    const double seconds = step * 86400;
    const double known = 86400 * std::pow(10.0, -static_cast<double>(places_));
    const bool whole = std::abs(seconds - std::round(seconds)) <= std::max(2 * known, 1e-3);
    const bool round = std::abs(step * 1000 - std::round(step * 1000)) < 1e-6 * step * 1000;
    const bool parts = places_ >= 3 && step < 2 && known < 30 && seconds >= 0.5 && whole && !round;
    return longest_step() <= 400 && (parts || hints_.dates);
  }

  number_hints hints_;
  std::vector<double> values_;
  std::vector<double> steps_; ///< ascending
  double largest_ = 0;
  std::uint32_t places_ = 0;
};

} // namespace hanami::detail
