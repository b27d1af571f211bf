// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// What is known about the numbers of a date without a word for each.
struct date_numbers {
  std::vector<std::string_view> digits; ///< up to three numbers
  char sign = '\0';                     ///< behind the first of them
  char sign_before = '\0';              ///< before it
  bool month_named = false;             ///< a word is the month
  bool clocked = false;                 ///< there is a time of day, too
  bool halves = false;                  ///< with AM or PM
  bool dotted = false;                  ///< with dots, as in countries where the day goes first

  std::size_t length(std::size_t k) const noexcept { return digits[k].size(); }
  int number(std::size_t k) const noexcept {
    int sum = 0;
    for (const char c : digits[k].substr(0, 6)) {
      sum = sum * 10 + (c - '0');
    }
    return sum;
  }
};

/// Orders beside the name of a month.
inline std::vector<std::string> orders_beside_month(const date_numbers& date) {
  if (date.digits.size() == 1) {
    if (date.length(0) == 4) {
      return {"Y"};
    }
    if (date.clocked) {
      return {"d"};
    }
    return date.sign_before == '-' ? std::vector<std::string>{"y", "d"} // Jan-16
                                   : std::vector<std::string>{"d", "y"};
  }
  if (date.length(0) == 4 || date.number(0) > 31) {
    return {date.length(0) == 4 ? "Yd" : "yd"};
  }
  return {date.length(1) == 4 ? "dY" : "dy", "yd"};
}

/// Which letters of `strptime` the numbers of a date can have, the likeliest order first: a dot and
/// a dash are for days that go first, a stroke for months; short years are of this age.
inline std::vector<std::string> orders_of(const date_numbers& date) {
  using orders = std::vector<std::string>;
  if (date.digits.empty()) {
    return {""};
  }
  if (date.month_named) {
    return orders_beside_month(date);
  }
  if (date.digits.size() == 2) {
    return date.length(0) == 4   ? orders{"Ym"}
           : date.length(1) == 4 ? orders{"mY"}
           : date.sign == '.'    ? orders{"dm", "md"}
                                 : orders{"md", "dm"};
  }
  if (date.length(0) == 4) {
    return {"Ymd"};
  }
  const bool day_first = (date.sign != '/' || date.dotted) && !date.halves;
  if (date.length(2) == 4) {
    return day_first ? orders{"dmY", "mdY"} : orders{"mdY", "dmY"};
  }
  const auto likely = [](int year) { return year >= 5 && year <= 40; };
  orders found = day_first ? orders{"dmy", "mdy"} : orders{"mdy", "dmy"};
  const bool dashed = date.sign == '-' || !likely(date.number(2));
  found.insert(dashed && likely(date.number(0)) ? found.begin() : found.end(), "ymd");
  return found;
}

} // namespace hanami::detail
