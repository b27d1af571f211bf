// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "field_text.hpp"

/// Files and texts that are no rows, known by what they begin with.

namespace hanami::inline HANAMI_ISA::detail {

/// A field of a sparse row, 7:0.5: the number before the colon; npos: it is none.
inline std::size_t sparse_index(std::string_view word) noexcept {
  const std::size_t colon = word.find(':');
  double value = 0;
  if (colon == std::string_view::npos || colon == 0 || colon > 9) {
    return std::string_view::npos;
  }
  std::size_t index = 0;
  for (const char c : word.substr(0, colon)) {
    if (!is_digit(c)) {
      return std::string_view::npos;
    }
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  const char* const last = word.data() + word.size();
  const char* const from = word.data() + colon + 1;
  return from != last && take_number(from, last, '.', value) == last ? index
                                                                     : std::string_view::npos;
}

/// Whether a line is a number and two or more indices with values, in order: 1 3:0.5 7:1.
inline bool is_sparse_row(std::string_view line) noexcept {
  std::string_view word = next_word(line.data(), line.data() + line.size());
  if (parse_cell(word).kind != cell_kind::number) {
    return false;
  }
  std::size_t last = 0;
  std::size_t count = 0;
  const char* const end = line.data() + line.size();
  for (;;) {
    word = trim_blanks(next_word(word.data() + word.size(), end));
    if (word.empty()) {
      return count > 1;
    }
    const std::size_t index = sparse_index(word);
    if (index == std::string_view::npos || (count > 0 && index <= last)) {
      return false;
    }
    last = index;
    ++count;
  }
}

/// Whether a line is one of Vowpal Wabbit: 1 |house price:0.5 rooms:3.
inline bool is_feature_row(std::string_view line) noexcept {
  const std::size_t bar = line.find('|');
  if (bar == std::string_view::npos || line.find(',') != std::string_view::npos) {
    return false;
  }
  const char* const end = line.data() + line.size();
  std::string_view word = line.substr(bar, 1);
  for (;;) {
    word = trim_blanks(next_word(word.data() + word.size(), end));
    const std::size_t colon = word.find(':');
    if (word.empty()) {
      return false;
    }
    if (colon != std::string_view::npos && colon > 0 && is_letter(word.front()) &&
        parse_cell(word.substr(colon + 1)).kind == cell_kind::number) {
      return true;
    }
  }
}

struct known_beginning {
  std::string_view begin;
  const char* what;
};

/// What a file is that begins with this line and is no text; null: it may be one.
inline const char* foreign_file(std::string_view line) noexcept {
  static constexpr auto files = std::to_array<known_beginning>({
      {"\x1f\x8b", "it is packed (gzip): unpack it first, as with zcat"},
      {"\xFD"
       "7zXZ",
       "it is packed (xz): unpack it first, as with xzcat"},
      {"\x28\xB5\x2F\xFD", "it is packed (zstd): unpack it first, as with zstdcat"},
      {"BZh9", "it is packed (bzip2): unpack it first, as with bzcat"},
      {"PK\x03\x04", "it is a ZIP archive or a document of a spreadsheet (xlsx, ods): unpack it, "
                     "or save the sheet as CSV"},
      {"\xD0\xCF\x11\xE0", "it is a document of a spreadsheet (xls): save the sheet as CSV"},
      {"SQLite format 3", "it is a database: give its rows, as sqlite3 -csv -header FILE "
                          "'select * from TABLE' does"},
      {"PAR1", "it is a Parquet file: convert it to CSV"},
      {"\x89HDF", "it is an HDF5 file: convert it to CSV"},
      {"TDSm", "it is a TDMS file: convert it to CSV"},
      {"MATLAB 5.0 MAT-file", "it is a MAT file: save it as CSV, as with writematrix"},
      {"Obj\x01", "it is an Avro file: convert it to JSON, as with avro-tools tojson"},
      {"\x93NUMPY", "it is an array of NumPy: save it as text, as with numpy.savetxt"},
  });
  for (const known_beginning& file : files) {
    if (line.starts_with(file.begin)) {
      return file.what;
    }
  }
  return line.find('\0') == std::string_view::npos
             ? nullptr
             : "it is no text: UTF-8, UTF-16 and codes of single bytes are read";
}

/// What a text is whose lines from `begin` on are none of a table; null: it may have rows.
inline const char* foreign_text(const std::vector<std::string>& lines, std::size_t begin) {
  static constexpr auto texts = std::to_array<known_beginning>({
      {"<", "XML or HTML: take its table out as CSV, as pandas.read_html and read_xml do"},
      {"# HELP ", "these are values of one moment, for Prometheus: ask it for their course, as "
                  "/api/v1/query_range gives it"},
      {"# TYPE ", "these are values of one moment, for Prometheus: ask it for their course, as "
                  "/api/v1/query_range gives it"},
      {"$G", "these are sentences of NMEA: let gpsd read them, as gpspipe -w does"},
      {"-- MySQL", "SQL: let a database give its rows, as mysql --batch does"},
      {"-- MariaDB", "SQL: let a database give its rows, as mysql --batch does"},
      {"-- PostgreSQL", "SQL: let a database give its rows, as psql --csv does"},
      {"INSERT INTO", "SQL: let a database give its rows, as CSV"},
      {"CREATE TABLE", "SQL: let a database give its rows, as CSV"},
      {"put ", "these are commands for OpenTSDB: its answers are read, as JSON"},
  });
  const std::string_view line = trim_blanks(lines[begin]);
  for (const known_beginning& text : texts) {
    const bool sentence = text.begin != "$G" || (line.size() > 6 && line[6] == ',');
    const bool tag = text.begin != "<" ||
                     (line.size() > 1 && (is_letter(line[1]) || line[1] == '!' || line[1] == '?'));
    if (line.starts_with(text.begin) && sentence && tag &&
        (text.begin != "put " || line.find('=') != std::string_view::npos)) {
      return text.what;
    }
  }
  const std::size_t second = std::min(begin + 1, lines.size() - 1);
  if (is_sparse_row(line) && is_sparse_row(trim_blanks(lines[second]))) {
    return "its rows are sparse (index:value, as of libsvm): write all columns out, as CSV";
  }
  if (is_feature_row(line) && is_feature_row(trim_blanks(lines[second]))) {
    return "its rows are features of Vowpal Wabbit: write columns, as CSV";
  }
  return nullptr;
}

} // namespace hanami::detail
