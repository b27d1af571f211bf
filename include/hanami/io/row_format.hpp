// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

enum class row_syntax : std::uint8_t {
  automatic,
  csv,          ///< fields of a line, with any separator
  json,         ///< objects
  line_protocol ///< of InfluxDB; never found, has to be said
};

enum class row_header : std::uint8_t {
  automatic, ///< the first line of the table is a header if it names what the others hold
  present,
  absent ///< columns are called column_1, column_2, ...
};

/// A sign of a `row_format` that the first lines tell.
inline constexpr char found_sign = '\0';
/// A sign that there is none of.
inline constexpr char no_sign = '\n';

/// How rows stand in lines of text, as far as it is known beforehand; `row_reader` finds the rest
/// from the first lines.
struct row_format {
  row_syntax syntax = row_syntax::automatic;
  char separator = found_sign; ///< ' ': any run of blanks
  char decimal = found_sign;   ///< '.' or ','
  char thousands = found_sign; ///< found only where numbers leave no doubt, like 1,234.5
  char quote = found_sign;     ///< doubled inside a quoted field
  char comment = found_sign;   ///< lines that begin with it are no rows; '/': with //
  row_header header = row_header::automatic;
  std::vector<std::string> missing = {}; ///< words for it, beside those that `parse_cell` knows
  std::uint64_t skip_lines = 0;          ///< before the table begins
  std::uint64_t max_fields = 65536;
  std::uint64_t max_row_bytes = std::uint64_t{1} << 22; ///< of a row of several lines

  template <class Archive>
  void serialize(Archive& archive) {
    archive(syntax, separator, decimal, thousands, quote, comment, header, missing, skip_lines,
            max_fields, max_row_bytes);
  }
};

/// Throws `errc::invalid_argument` where signs cannot be what they are told to be.
inline void check(const row_format& format) {
  const auto refuse = [](const char* what) { raise(errc::invalid_argument, what); };
  const auto one_of = [](char sign, std::string_view signs) {
    return signs.find(sign) != std::string_view::npos;
  };
  const auto letter_or_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  const char separator = format.separator;
  if (separator != found_sign && (letter_or_digit(separator) || one_of(separator, "\"'\r\n+-."))) {
    refuse("a separator is one byte like , ; | a blank or a tab: no quote, line break, sign, "
           "point, digit or letter");
  }
  if (format.decimal != found_sign && !one_of(format.decimal, ".,")) {
    refuse("a decimal sign is . or ,");
  }
  if (format.decimal != found_sign && format.decimal == format.thousands) {
    refuse("the decimal sign and the sign between thousands must differ");
  }
  if (format.thousands != found_sign && format.thousands != no_sign &&
      !one_of(format.thousands, "., '_")) {
    refuse("the sign between thousands is one of . , ' _ or a blank");
  }
  if (format.quote != found_sign && (letter_or_digit(format.quote) || format.quote == separator)) {
    refuse("a quote is a sign like \" or ', and not the separator");
  }
  if (format.comment != found_sign && letter_or_digit(format.comment)) {
    refuse("lines of comment begin with a sign like # ; % or /");
  }
}

} // namespace hanami
