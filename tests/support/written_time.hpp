// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hanami_test {

/// What stands behind a point or a comma in row `row` where so many digits are written.
inline std::int64_t fraction_of(std::int64_t row, int digits) {
  return digits == 3 ? row * 7 % 1000 : row * 7919 % 1000000;
}

/// Writes a time as `strftime` would: `%-d` without zeros in front, `%_d` with blanks, `%3` and
/// `%6` for so many digits of a fraction that differs from row to row, `%z` for +02:00 or -0330 in
/// turns.
inline std::string write_time(std::string_view form, std::int64_t seconds, std::int64_t row) {
  using namespace std::chrono;
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const sys_days date = floor<std::chrono::days>(sys_seconds{std::chrono::seconds{seconds}});
  const year_month_day ymd{date};
  const std::int64_t in_day = seconds - 86400 * date.time_since_epoch().count();
  std::string text;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      text += form[i];
      continue;
    }
    const char pad = form[++i] == '-' || form[i] == '_' ? form[i++] : '0';
    const auto number = [&](std::int64_t value, int width = 2) {
      const std::string digits = std::to_string(value);
      const auto missing = static_cast<std::size_t>(width) -
                           std::min(digits.size(), static_cast<std::size_t>(width));
      text += pad == '-' ? digits : std::string(missing, pad == '_' ? ' ' : '0') + digits;
    };
    switch (form[i]) {
    case 'Y':
      number(int{ymd.year()}, 4);
      break;
    case 'y':
      number(int{ymd.year()} % 100);
      break;
    case 'm':
      number(unsigned{ymd.month()});
      break;
    case 'd':
      number(unsigned{ymd.day()});
      break;
    case 'j':
      number((date - sys_days{ymd.year() / January / 1}).count() + 1, 3);
      break;
    case 'b':
      text += months[unsigned{ymd.month()} - 1];
      break;
    case 'a':
      text += days[weekday{date}.c_encoding()];
      break;
    case 'H':
      number(in_day / 3600);
      break;
    case 'I':
      number((in_day / 3600 + 11) % 12 + 1);
      break;
    case 'p':
      text += in_day < 43200 ? "AM" : "PM";
      break;
    case 'M':
      number(in_day / 60 % 60);
      break;
    case 'S':
      number(in_day % 60);
      break;
    case '3':
      number(fraction_of(row, 3), 3);
      break;
    case '6':
      number(fraction_of(row, 6), 6);
      break;
    default:
      text += row % 2 == 0 ? "+02:00" : "-0330";
    }
  }
  return text;
}

/// The time that `write_time` has written, as far as the form says it.
inline double said_time(std::string_view form, std::int64_t seconds, std::int64_t row) {
  const auto has = [&](std::string_view part) { return form.find(part) != std::string_view::npos; };
  double said = static_cast<double>(has("%S") ? seconds : seconds / 60 * 60);
  said += has("%3") ? static_cast<double>(fraction_of(row, 3)) / 1e3 : 0.0;
  said += has("%6") ? static_cast<double>(fraction_of(row, 6)) / 1e6 : 0.0;
  return said - (has("%z") ? (row % 2 == 0 ? 7200.0 : -12600.0) : 0.0);
}

} // namespace hanami_test
