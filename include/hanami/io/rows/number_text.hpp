// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <system_error>
#include <version>

#include "../../config.hpp"

/// Numbers at the beginning of a text, rightly rounded and independent of any locale.

namespace hanami::inline HANAMI_ISA::detail {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Converts digits with an optional point and exponent, rightly rounded; infinite beyond double.
inline double convert_digits(const char* first, const char* last, bool above_one) {
  double value = 0;
#if defined(__cpp_lib_to_chars)
  if (std::from_chars(first, last, value).ec == std::errc::result_out_of_range) {
    return above_one ? std::numeric_limits<double>::infinity() : 0.0;
  }
#else // a standard library that cannot: its streams can
  std::istringstream text(std::string(first, last));
  text.imbue(std::locale::classic());
  if (!(text >> value)) {
    return above_one ? std::numeric_limits<double>::infinity() : 0.0;
  }
#endif
  return value;
}

/// Takes digits at the beginning of a text: where they end. `value` goes on by them, modulo 2^64.
HANAMI_INLINE const char* take_digits(const char* at, const char* const last,
                                      std::uint64_t& value) {
  if constexpr (std::endian::native == std::endian::little) { // eight at once: no branch a digit
    static constexpr std::array<std::uint64_t, 9> powers = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    constexpr std::uint64_t each = 0x0101010101010101U;
    while (last - at >= 8) {
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, at, 8);
      const std::uint64_t low = bytes ^ each * '0'; // digits are 0 to 9 now
      const std::uint64_t others = ((low + each * (0x7f - 9)) | low) & each * 0x80;
      const int count = std::countr_zero(others) / 8; // 8 where there are none
      if (count == 0) {
        return at;
      }
      std::uint64_t digits = low << (8 * (8 - count)); // the first one is the lowest byte
      digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ffU;
      digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffffU;
      digits = (digits * 10000 + (digits >> 32)) & 0xffffffffU;
      value = value * powers[static_cast<std::size_t>(count)] + digits;
      at += count;
      if (count < 8) {
        return at;
      }
    }
  }
  for (; at != last && is_digit(*at); ++at) {
    value = value * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  return at;
}

/// The powers of ten that double holds exactly: a whole number times or by one is rounded once.
inline constexpr std::array<double, 23> exact_powers = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::uint64_t most_exact = std::uint64_t{1} << 53;

/// Takes a number as most are, like -12.5: where it ends, `first` where there is none of that kind.
HANAMI_INLINE const char* take_plain_number(const char* const first, const char* const last,
                                            char decimal, double& value) {
  const bool negative = first != last && *first == '-';
  const char* const begin = first + (negative ? 1 : 0);
  std::uint64_t digits = 0;
  const char* at = take_digits(begin, last, digits);
  std::ptrdiff_t count = at - begin;
  std::ptrdiff_t fraction = 0;
  if (at != last && *at == decimal) {
    const char* const behind = at + 1;
    at = take_digits(behind, last, digits);
    fraction = at - behind;
    count += fraction;
  }
  if (count == 0 || count > 19 || digits > most_exact) {
    return first;
  }
  const double whole = static_cast<double>(static_cast<std::int64_t>(digits)) /
                       exact_powers[static_cast<std::size_t>(fraction)];
  value = negative ? -whole : whole;
  return at;
}

/// Takes a number at the beginning of a text: where it ends, `first` if there is none.
inline const char* take_number(const char* const first, const char* const last, char decimal,
                               double& value) {
  const char* at = first;
  const bool negative = at != last && *at == '-';
  at += at != last && (*at == '-' || *at == '+') ? 1 : 0;
  const char* const begin = at;
  std::uint64_t digits = 0;
  at = take_digits(at, last, digits);
  std::ptrdiff_t count = at - begin;
  std::ptrdiff_t fraction = 0;
  const char* const point = at;
  if (at != last && *at == decimal) {
    at = take_digits(at + 1, last, digits);
    fraction = at - point - 1;
    count += fraction;
  }
  if (count == 0) {
    return first;
  }
  std::ptrdiff_t exponent = 0;
  if (at != last && (*at == 'e' || *at == 'E')) {
    const char* power = at + 1;
    const bool down = power != last && *power == '-';
    power += power != last && (*power == '-' || *power == '+') ? 1 : 0;
    const char* const digit = power;
    for (; power != last && is_digit(*power); ++power) {
      exponent = std::min<std::ptrdiff_t>(exponent * 10 + (*power - '0'), 1'000'000);
    }
    if (power != digit) {
      at = power;
      exponent = down ? -exponent : exponent;
    }
  }
  const std::ptrdiff_t scale = exponent - fraction;
  if (count <= 19 && digits <= most_exact && scale >= -22 && scale <= 22) {
    const auto whole = static_cast<double>(digits);
    value = scale < 0 ? whole / exact_powers[static_cast<std::size_t>(-scale)]
                      : whole * exact_powers[static_cast<std::size_t>(scale)];
  } else {
    const char* const nonzero =
        std::find_if(begin, at, [](char c) { return c >= '1' && c <= '9'; });
    const std::ptrdiff_t leading = nonzero < point
                                       ? point - nonzero
                                       : point + 1 - nonzero; // digits before the point, or zeros
    const bool above_one = leading + exponent > 0;
    if (decimal == '.' || point == at || *point != decimal) {
      value = convert_digits(begin, at, above_one);
    } else {
      std::string plain(begin, at);
      plain[static_cast<std::size_t>(point - begin)] = '.';
      value = convert_digits(plain.data(), plain.data() + plain.size(), above_one);
    }
  }
  value = negative ? -value : value;
  return at;
}

} // namespace hanami::detail
