// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Decimals that show a thousandth of a scale. They stay the same for a whole decade of scales:
/// the logarithm is taken only near or beyond the ends of the last one.
class decimal_places {
 public:
  int of(double scale) noexcept {
    if (!(scale > from_ && scale < to_)) {
      find(scale);
    }
    return count_;
  }

 private:
  void find(double scale) noexcept {
    if (!(scale > 0)) {
      count_ = 6;
      from_ = to_ = 0;
      return;
    }
    const double decade = std::floor(std::log10(scale));
    count_ = static_cast<int>(std::clamp(3 - decade, 0.0, 12.0));
    constexpr double end = 1e-9; // logarithms are rounded there
    from_ = std::pow(10.0, decade) * (1 + end);
    to_ = std::pow(10.0, decade + 1) * (1 - end);
  }

  double from_ = 0;
  double to_ = 0;
  int count_ = 6;
};

/// Appends a number in plain decimals, 0 to 12 of them, without zeros at the end: many times as
/// fast as the shortest text. Large numbers have that; what is not finite is `unknown`.
inline void append_plain_number(std::string& to, double value, int decimals,
                                std::string_view unknown) {
  static constexpr std::array<double, 13> powers = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                    1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
  char text[40];
  const double scaled = std::abs(value) * powers[static_cast<std::size_t>(decimals)];
  if (!(scaled < 1e15)) {
    if (!std::isfinite(value)) {
      to += unknown;
      return;
    }
    to.append(text, std::to_chars(text, text + sizeof text, value).ptr);
    return;
  }
  auto digits = static_cast<std::uint64_t>(std::floor(scaled + 0.5));
  char* at = text + sizeof text;
  char* const end = at;
  const bool negative = value < 0 && digits > 0;
  int left = decimals;
  for (; left > 0 && digits % 10 == 0; --left) {
    digits /= 10;
  }
  for (bool point = left > 0; digits > 0 || point || at == end; digits /= 10) {
    *--at = static_cast<char>('0' + digits % 10);
    if (point && --left == 0) {
      *--at = '.';
      point = false;
      if (digits < 10) {
        *--at = '0';
      }
    }
  }
  if (negative) {
    *--at = '-';
  }
  to.append(at, end);
}

} // namespace hanami
