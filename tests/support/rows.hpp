// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/io/archive.hpp>
#include <hanami/io/row_reader.hpp>

#include "support/skip.hpp"

namespace hanami_test {

/// One row that was read: cells as text, values and kinds, one a field of that time.
struct read_row {
  std::uint64_t line = 0;
  std::vector<std::string> texts;
  std::vector<double> values;
  std::vector<hanami::cell_kind> kinds;
};

/// All that a reader gave for a text.
struct read_rows {
  hanami::row_reader reader;
  std::vector<read_row> rows;

  /// Takes what the reader has now.
  void take() {
    while (reader.next()) {
      read_row row;
      row.line = reader.line();
      for (const hanami::row_cell& cell : reader.cells()) {
        row.texts.emplace_back(cell.text);
        row.values.push_back(cell.value);
        row.kinds.push_back(cell.kind);
      }
      rows.push_back(std::move(row));
    }
  }
  void feed(std::string_view line) {
    reader.feed(line);
    take();
  }
  void finish() {
    reader.finish();
    take();
  }

  /// The values of a field in all rows; NaN where it has none.
  std::vector<double> column(std::string_view name) const {
    const std::size_t field = reader.field(name);
    std::vector<double> values;
    for (const read_row& row : rows) {
      values.push_back(field < row.values.size() ? row.values[field]
                                                 : std::numeric_limits<double>::quiet_NaN());
    }
    return values;
  }
  /// The texts of all fields, row by row.
  std::vector<std::vector<std::string>> texts() const {
    std::vector<std::vector<std::string>> all;
    for (const read_row& row : rows) {
      all.push_back(row.texts);
    }
    return all;
  }
};

/// Reads lines; before line `stop` the reader is written to an archive, and another one goes on.
inline read_rows read_lines(const std::vector<std::string>& lines,
                            std::size_t stop = static_cast<std::size_t>(-1)) {
  read_rows got;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == stop) {
      hanami::archive_writer to;
      to(got.reader);
      got.reader = hanami::row_reader();
      hanami::archive_reader from(to.bytes());
      from(got.reader);
      if (!from.at_end()) {
        throw std::logic_error("a reader does not read all that one has written");
      }
    }
    got.feed(lines[i]);
  }
  got.finish();
  return got;
}

/// Reads a whole text, as from a file; `live`: as from a pipe whose lines come one at a time.
inline read_rows read(std::string_view text, hanami::row_format format = {}, bool live = false) {
  read_rows result{hanami::row_reader(std::move(format)), {}};
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    result.feed(text.substr(0, end));
    if (live) {
      result.reader.settle();
      result.take();
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  result.finish();
  return result;
}

/// The folder of recorded cases, empty where `HANAMI_CASES_DIR` does not name one: then the test is
/// skipped.
inline std::filesystem::path cases_folder() {
  const char* const folder = std::getenv("HANAMI_CASES_DIR");
  if (folder == nullptr || *folder == '\0') {
    skip("HANAMI_CASES_DIR names no folder of cases");
    return {};
  }
  return folder;
}

} // namespace hanami_test
