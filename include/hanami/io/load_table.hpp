// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../foundation/attempt.hpp"
#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "dataset.hpp"
#include "file.hpp"
#include "rows/table_survey.hpp"

/// Tables from CSV of any dialect and from JSON objects, as `row_reader` reads them: `load_table`
/// gives a dataset, `table_rows` row by row what is too large for memory.

namespace hanami::inline HANAMI_ISA {

/// Rows of floats from a table that has been surveyed, one at a time. Not for two threads at once.
class table_rows {
 public:
  /// Reads the text of the survey again, from its beginning. The stream is not owned; the survey
  /// is copied.
  table_rows(std::istream& stream, const table_survey& survey)
      : survey_(survey), options_(quiet(survey.options())), source_(stream, options_),
        columns_(survey.columns()), dictionaries_(columns_.size()) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      for (const std::string& category : columns_[i].categories) {
        dictionaries_[i].emplace(category, dictionaries_[i].size());
      }
      open_.push_back(columns_[i].categories.empty());
    }
  }

  /// The columns that are read, with the categories met so far: category `i` is the value `i`.
  const std::vector<table_column>& columns() const noexcept { return columns_; }

  /// The next row, NaN where a value is missing; false at the end. `row` has `columns().size()`
  /// floats. Throws `errc::invalid_data` with line and column for too many categories.
  bool read(std::span<float> row) {
    HANAMI_ASSERT(row.size() == columns_.size(), "one float a column");
    if (!source_.next()) {
      return false;
    }
    const auto cells = source_.rows().cells();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t field = survey_.field(i);
      row[i] = field >= cells.size() ? missing
               : survey_.of_text(i)  ? category(i, cells[field])
                                     : number(cells[field]);
    }
    return true;
  }

  /// The line at which the row last read begins; 0 before the first.
  std::uint64_t line() const noexcept { return source_.rows().line(); }

 private:
  static constexpr float missing = std::numeric_limits<float>::quiet_NaN();

  /// The troubles have been told.
  table_options quiet(table_options options) {
    options.troubles = options.troubles == nullptr ? nullptr : &again_;
    return options;
  }

  static float number(const row_cell& cell) noexcept {
    const bool known = cell.kind == cell_kind::number || cell.kind == cell_kind::truth;
    const auto value = known ? static_cast<float>(cell.value) : missing;
    return std::isinf(value) ? missing : value;
  }

  float category(std::size_t column, const row_cell& cell) {
    if (cell.kind == cell_kind::missing || cell.kind == cell_kind::absent) {
      return missing;
    }
    std::string text(detail::trim_blanks(cell.text));
    if (cell.kind == cell_kind::number && survey_.of_numbers(column)) {
      std::array<char, 32> digits;
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), cell.value).ptr;
      text.assign(digits.data(), end);
    }
    auto& known = dictionaries_[column];
    const auto found = known.find(text);
    if (found != known.end()) {
      return static_cast<float>(found->second);
    }
    if (!open_[column]) {
      if (survey_.options().troubles != nullptr) {
        survey_.options().troubles->add("a word is none of the categories of its column; it is "
                                        "missing",
                                        {source_.rows().line()}, text);
      }
      return missing;
    }
    if (known.size() >= std::min(options_.max_categories, std::size_t{1} << 24)) {
      const std::size_t field = survey_.field(column);
      detail::fail_table(
          source_.rows().names_itself() ? row_position{line(), 0} : source_.rows().position(field),
          "column " + detail::quote_for_message(columns_[column].name) + ": " +
              detail::quote_for_message(text) + " is one category too many; at most " +
              std::to_string(options_.max_categories) + " are accepted");
    }
    columns_[column].categories.push_back(text);
    known.emplace(std::move(text), known.size());
    return static_cast<float>(known.size() - 1);
  }

  const table_survey survey_;
  row_troubles again_;
  table_options options_;
  detail::table_source source_;
  std::vector<table_column> columns_;
  std::vector<std::unordered_map<std::string, std::size_t>> dictionaries_;
  std::vector<bool> open_; ///< whether a column takes new categories
};

namespace detail {

inline table_dataset read_table(std::istream& first, std::istream& second,
                                const table_options& options, table_layout layout) {
  const table_survey survey(first, options);
  table_rows rows(second, survey);
  std::vector<float> row(survey.columns().size());
  std::vector<float> values;
  values.reserve(to_size(survey.rows()) * row.size());
  while (rows.read(row)) {
    values.insert(values.end(), row.begin(), row.end());
  }
  return table_dataset(rows.columns(), std::move(values), std::move(layout));
}

} // namespace detail

/// A whole table as a dataset. A cell is a number, `true` or `false` (1 or 0), or missing and then
/// NaN; a column of text holds classes. Throws what `table_survey`, `table_rows` and
/// `table_dataset` throw, `errc::file_error` for a stream that fails.
inline table_dataset load_table(std::istream& stream, const table_options& options = {},
                                table_layout layout = {}) {
  if (stream.rdbuf() == nullptr || stream.fail()) {
    raise(errc::file_error, "the stream of rows cannot be read");
  }
  std::string text;
  detail::text_lines lines(stream, std::numeric_limits<std::uint32_t>::max());
  while (lines.next()) {
    text += lines.line();
    text += '\n';
  }
  std::istringstream first(text);
  std::istringstream second(text);
  return detail::read_table(first, second, options, std::move(layout));
}

/// The same from a file, which is read twice; the errors begin with its path, and one that cannot
/// be opened is `errc::file_error`.
inline table_dataset load_table(const std::filesystem::path& path,
                                const table_options& options = {}, table_layout layout = {}) {
  std::ifstream first = detail::open_file(path);
  std::ifstream second = detail::open_file(path);
  return detail::naming_file(
      path, [&] { return detail::read_table(first, second, options, std::move(layout)); });
}

#if HANAMI_EXCEPTIONS
/// The same without throwing: on failure nothing, `code` is set and `message`, if any, says why.
inline std::optional<table_dataset> load_table(const std::filesystem::path& path,
                                               const table_options& options, table_layout layout,
                                               std::error_code& code,
                                               std::string* message = nullptr) {
  return detail::attempt(code, message,
                         [&] { return load_table(path, options, std::move(layout)); });
}
#endif

} // namespace hanami
