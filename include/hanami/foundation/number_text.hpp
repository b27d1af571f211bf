// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <system_error>

#include "../config.hpp"

#if !defined(__cpp_lib_to_chars)
#include <cerrno>
#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#endif

/// Numbers from text, whatever the locale of the program: libc++ before 20 has no `std::from_chars`
/// for those with a fraction.

namespace hanami::inline HANAMI_ISA {

#if !defined(__cpp_lib_to_chars)

namespace detail {

/// The end of the longest number at the front, as `std::from_chars` understands one: no plus sign,
/// no blanks, no hexadecimal digits. `first` where there is none.
inline const char* end_of_number(const char* first, const char* last) noexcept {
  const auto skip_digits = [last](const char* at) {
    while (at != last && *at >= '0' && *at <= '9') {
      ++at;
    }
    return at;
  };
  const auto skip_word = [last](const char* at, std::string_view word) {
    for (const char c : word) {
      if (at == last || (*at | 0x20) != c) {
        return static_cast<const char*>(nullptr);
      }
      ++at;
    }
    return at;
  };
  const char* begin = first != last && *first == '-' ? first + 1 : first;
  for (const std::string_view word : {"infinity", "inf", "nan"}) {
    if (const char* end = skip_word(begin, word)) {
      return end;
    }
  }
  const char* end = skip_digits(begin);
  std::ptrdiff_t digits = end - begin;
  if (end != last && *end == '.') {
    const char* after = skip_digits(end + 1);
    digits += after - end - 1;
    end = after;
  }
  if (digits == 0) {
    return first;
  }
  if (end != last && (*end | 0x20) == 'e') {
    const char* exponent = end + 1;
    if (exponent != last && (*exponent == '+' || *exponent == '-')) {
      ++exponent;
    }
    if (const char* after = skip_digits(exponent); after != exponent) {
      end = after;
    }
  }
  return end;
}

} // namespace detail

/// Reads the number at the front of [first, last) as `std::from_chars` does: correctly rounded,
/// with a point; where the result is beyond `Real`, `value` stays and `ec` says
/// `result_out_of_range`.
template <std::floating_point Real>
std::from_chars_result parse_number(const char* first, const char* last, Real& value) {
  const char* end = detail::end_of_number(first, last);
  if (end == first) {
    return {first, std::errc::invalid_argument};
  }
  // The standard library's other function reads the decimal sign of the locale.
  std::string text(first, end);
  if (const auto point = text.find('.'); point != std::string::npos) {
    text.replace(point, 1, std::localeconv()->decimal_point);
  }
  const int before = errno;
  errno = 0;
  Real read{};
  if constexpr (sizeof(Real) == sizeof(float)) {
    read = std::strtof(text.c_str(), nullptr);
  } else {
    read = std::strtod(text.c_str(), nullptr);
  }
  const bool beyond = errno == ERANGE && (read == Real{0} || std::isinf(read));
  errno = before;
  if (beyond) {
    return {end, std::errc::result_out_of_range};
  }
  value = read;
  return {end, std::errc{}};
}

#else

/// Reads the number at the front of [first, last): `std::from_chars`.
template <std::floating_point Real>
std::from_chars_result parse_number(const char* first, const char* last, Real& value) noexcept {
  return std::from_chars(first, last, value);
}

#endif

/// The same for whole numbers.
template <std::integral Integer>
std::from_chars_result parse_number(const char* first, const char* last, Integer& value) noexcept {
  return std::from_chars(first, last, value);
}

} // namespace hanami
