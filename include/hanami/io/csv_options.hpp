// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../foundation/error.hpp"

/// What `csv_parser`, `csv_reader` and `csv_writer` agree on.

namespace hanami::inline HANAMI_ISA {

enum class csv_header : std::uint8_t {
  automatic, ///< the first row is a header if it has text and no number, true or false
  present,
  absent ///< columns are called column_1, column_2, ...
};

struct csv_options {
  char separator = ',';
  csv_header header = csv_header::automatic;
  /// Names of the columns to read, in this order; the others may hold anything. Empty: all.
  std::vector<std::string> columns = {};
  /// Names of the columns whose text becomes a class index, numbered as the classes appear.
  std::vector<std::string> categorical = {};
  std::size_t max_field_bytes = std::size_t{1} << 16;
  std::size_t max_row_bytes = std::size_t{1} << 22;
  std::size_t max_columns = std::size_t{1} << 16;
  std::size_t max_categories = std::size_t{1} << 16; ///< per column; at most 2^24, exact in float
};

namespace detail {

inline void check_csv_separator(char separator) {
  const bool taken = std::string_view("\"\r\n+-.").find(separator) != std::string_view::npos ||
                     (separator >= '0' && separator <= '9') ||
                     (separator >= 'A' && separator <= 'Z') ||
                     (separator >= 'a' && separator <= 'z') || separator == '\0';
  if (taken)
    throw error(errc::invalid_argument,
                "a CSV separator is one byte like , ; | or a tab: no quote, line break, sign, "
                "point, digit or letter");
}

} // namespace detail

} // namespace hanami
