// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "table_guess.hpp"

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

inline constexpr const char* exposed_values =
    "these are values of one moment, for Prometheus: ask it for their course, as "
    "/api/v1/query_range gives it";

/// Whether a line is a name with labels and a value, for Prometheus: load{host="a"} 0.21.
inline bool is_exposed_value(std::string_view line) noexcept {
  line = trim_blanks(line);
  const std::size_t end = line.find_first_of(" {");
  const std::size_t labels = line.rfind('}');
  if (end == std::string_view::npos || end == 0 || !is_letter(line.front())) {
    return false;
  }
  const bool labelled = line[end] == '{';
  if (labelled && (labels == std::string_view::npos || line.find("=\"", end) > labels)) {
    return false;
  }
  const std::string_view value = trim_blanks(line.substr(labelled ? labels + 1 : end));
  return labelled && parse_cell(value.substr(0, value.find(' '))).kind == cell_kind::number;
}

/// Whether a line is a series of Graphite: its name, start, end and step, and behind | its values.
inline bool is_raw_series(std::string_view line) noexcept {
  const std::size_t bar = line.find('|');
  std::size_t numbers = 0;
  for (std::size_t at = line.substr(0, bar).find(','); at < bar; at = line.find(',', at + 1)) {
    const std::size_t end = std::min(line.find(',', at + 1), bar);
    const std::string_view word = line.substr(at + 1, end - at - 1);
    numbers += !word.empty() && std::all_of(word.begin(), word.end(), is_digit) ? 1U : 0U;
  }
  return bar != std::string_view::npos && numbers == 3 &&
         line.find_first_not_of("0123456789", line.rfind(',', bar) + 1) == bar;
}

/// Whether lines from `begin` on declare a relation whose rows hold pairs of index and value.
inline bool is_sparse_relation(const std::vector<std::string>& lines, std::size_t begin) {
  for (std::size_t i = begin; i + 1 < lines.size(); ++i) {
    lower_text<8> small;
    if (small.of(trim_blanks(lines[i])) == "@data") {
      return trim_blanks(lines[i + 1]).starts_with('{');
    }
  }
  return false;
}

/// What a text is whose lines from `begin` on are none of a table; null: it may have rows.
inline const char* foreign_text(const std::vector<std::string>& lines, std::size_t begin) {
  static constexpr auto texts = std::to_array<known_beginning>({
      {"<", "XML or HTML: take its table out as CSV, as pandas.read_html and read_xml do"},
      {"# HELP ", exposed_values},
      {"# TYPE ", exposed_values},
      {"$G", "these are sentences of NMEA: let gpsd read them, as gpspipe -w does"},
      {"-- MySQL", "SQL: let a database give its rows, as mysql --batch does"},
      {"-- MariaDB", "SQL: let a database give its rows, as mysql --batch does"},
      {"-- PostgreSQL", "SQL: let a database give its rows, as psql --csv does"},
      {"INSERT INTO", "SQL: let a database give its rows, as CSV"},
      {"CREATE TABLE", "SQL: let a database give its rows, as CSV"},
      {"top - ",
       "it is what top prints: pidstat -h -r -u 1 gives a row for each process, vmstat -t 1 "
       "one for each moment"},
      {"total        used        free", "it is what free prints: vmstat -t 1 or sar -r 1 gives one "
                                        "row for each moment"},
      {"avg-cpu:", "it is what iostat prints of processors and devices together: iostat -d gives "
                   "rows of devices, sar -u 1 and mpstat 1 of processors"},
      {"{ _id: ObjectId(", "it is what mongosh prints: mongoexport gives JSON and CSV"},
      {"put ", "these are commands for OpenTSDB: its answers are read, as JSON"},
  });
  std::string_view line = trim_blanks(lines[begin]);
  if (line.starts_with("Linux ")) { // sysstat names the machine first
    const auto next =
        std::find_if_not(lines.begin() + static_cast<std::ptrdiff_t>(begin) + 1, lines.end(),
                         [](const std::string& text) {
                           return trim_blanks(text).empty() || is_time_shaped(trim_blanks(text));
                         });
    line = next == lines.end() ? line : trim_blanks(*next);
  }
  if (line.empty()) { // blanks that a line may consist of
    return nullptr;
  }
  for (const known_beginning& text : texts) {
    const bool sentence = text.begin != "$G" || (line.size() > 6 && line[6] == ',');
    const bool names = line.find(">,<") != std::string_view::npos ||
                       line.find(">\t<") != std::string_view::npos; // <DATE>,<TIME>
    const bool tag =
        text.begin != "<" ||
        (!names && line.size() > 1 && (is_letter(line[1]) || line[1] == '!' || line[1] == '?'));
    if (line.starts_with(text.begin) && sentence && tag &&
        (text.begin != "put " || line.find('=') != std::string_view::npos)) {
      return text.what;
    }
  }
  if (line.find_first_of("\x1e\x1f") != std::string_view::npos && line.front() != '\x1e') {
    return "its fields and rows end in the control characters 31 and 30: let the program write "
           "another separator, as sqlite3 -csv";
  }
  if (line.front() == '@' && is_sparse_relation(lines, begin)) {
    return "its rows are sparse ({index value, ...}, as of ARFF): write all columns out, as CSV";
  }
  if (is_raw_series(line)) {
    return "its lines are series (name,start,end,step|values, as of Graphite): ask for format=json";
  }
  const std::size_t second = std::min(begin + 1, lines.size() - 1);
  if (is_exposed_value(line) || is_exposed_value(lines[second])) {
    return exposed_values;
  }
  if (is_sparse_row(line) && is_sparse_row(trim_blanks(lines[second]))) {
    return "its rows are sparse (index:value, as of libsvm): write all columns out, as CSV";
  }
  if (is_feature_row(line) && is_feature_row(trim_blanks(lines[second]))) {
    return "its rows are features of Vowpal Wabbit: write columns, as CSV";
  }
  return nullptr;
}

/// Why a text has no table, of which `guess` is the best guess.
inline std::string why_no_table(const table_guess& guess, const std::vector<std::string>& lines,
                                std::size_t begin) {
  if (guess.rows.empty()) {
    return "it is no table: it has no row";
  }
  const bool pairs = std::all_of(guess.rows.begin(), guess.rows.end(), [](const auto& row) {
    return std::any_of(row.cells.begin(), row.cells.end(),
                       [](const std::string& cell) { return cell.find('=') != std::string::npos; });
  });
  return std::string("it is no table: its lines are neither fields with one separator between "
                     "them, as many on each line, nor JSON objects") +
         (pairs ? "; of pairs of name=value all of a line is read, or nothing, and InfluxDB's line "
                  "protocol is not: export CSV"
                : "") +
         "; line " + std::to_string(begin + 1) + " is " + quote_for_message(lines[begin]);
}

} // namespace hanami::detail
