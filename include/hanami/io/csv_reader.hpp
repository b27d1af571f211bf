// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../foundation/attempt.hpp"
#include "../foundation/error.hpp"
#include "csv_parser.hpp"
#include "dataset.hpp"
#include "file.hpp"

/// Numbers and categories from CSV: `csv_reader` gives them row by row, `load_table` as a dataset.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Text of a file for a message: cut, and without control characters.
inline std::string quote_for_message(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string shown(text.substr(0, longest));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return '"' + shown + (text.size() > longest ? "...\"" : "\"");
}

inline std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

enum class csv_cell_kind : std::uint8_t { number, missing, text, out_of_range };

struct csv_cell {
  csv_cell_kind kind;
  float value = 0.0f;
};

inline bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

inline bool is_missing_word(std::string_view text) {
  return text.empty() || equal_ignoring_case(text, "na") || equal_ignoring_case(text, "nan") ||
         equal_ignoring_case(text, "null");
}

/// A number too small for a float is 0 (or a subnormal), one too large is out of range.
inline csv_cell parse_extreme_number(std::string_view text) {
  long double wide = 0.0L;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), wide);
  if (parsed.ec != std::errc() || std::fabs(wide) > 1.0L)
    return {csv_cell_kind::out_of_range};
  return {csv_cell_kind::number, static_cast<float>(wide)};
}

inline csv_cell parse_csv_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-')
    text.remove_prefix(1);
  float value = 0.0f;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ptr != text.data() + text.size() || parsed.ec == std::errc::invalid_argument)
    return {csv_cell_kind::text};
  if (parsed.ec == std::errc::result_out_of_range)
    return parse_extreme_number(text);
  if (std::isnan(value)) // spelled like -nan
    return {csv_cell_kind::missing, std::numeric_limits<float>::quiet_NaN()};
  if (std::isinf(value))
    return {csv_cell_kind::out_of_range};
  return {csv_cell_kind::number, value};
}

inline csv_cell parse_csv_cell(std::string_view field) {
  const std::string_view text = trim_blanks(field);
  if (is_missing_word(text))
    return {csv_cell_kind::missing, std::numeric_limits<float>::quiet_NaN()};
  if (equal_ignoring_case(text, "true"))
    return {csv_cell_kind::number, 1.0f};
  if (equal_ignoring_case(text, "false"))
    return {csv_cell_kind::number, 0.0f};
  return parse_csv_number(text);
}

inline bool looks_like_csv_header(const csv_parser& row) {
  bool text = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const csv_cell_kind kind = parse_csv_cell(row.field(i)).kind;
    if (kind == csv_cell_kind::number || kind == csv_cell_kind::out_of_range)
      return false;
    text = text || kind == csv_cell_kind::text;
  }
  return text;
}

} // namespace detail

/// Rows of floats from a CSV stream, one at a time. A cell is a number (`1`, `+1.5`, `1e5`, with
/// blanks around it), `true` or `false` (1 or 0), or missing and then NaN (nothing, `NA`, `nan`,
/// `null`); case does not matter. A categorical column holds any text instead, and what stands in a
/// column that is not read does not matter. Not for two threads at once.
class csv_reader {
 public:
  /// Reads the first row. Throws `errc::invalid_data` where there is none or column names repeat,
  /// `errc::invalid_argument` for a column in `options` that is not there, or categorical but not
  /// read, and what `csv_parser` throws. The stream is not owned.
  explicit csv_reader(std::istream& stream, const csv_options& options = {})
      : parser_(stream, options),
        max_categories_(std::min(options.max_categories, std::size_t{1} << 24)) {
    if (!parser_.next())
      throw error(errc::invalid_data,
                  "line 1: the CSV has no rows; expected a header or a row of numbers");
    first_line_ = parser_.position(0).line;
    guessed_ = options.header == csv_header::automatic;
    header_ =
        guessed_ ? detail::looks_like_csv_header(parser_) : options.header == csv_header::present;
    pending_ = !header_;
    width_ = parser_.size();
    name_columns();
    choose_columns(options.columns);
    choose_categorical(options.categorical);
  }

  /// The columns that are read. Names and, for categorical ones, the categories met so far:
  /// category `i` is the value `i`.
  const std::vector<table_column>& columns() const noexcept { return columns_; }

  /// The next row, NaN where a value is missing; false at the end of the stream. `row` has
  /// `columns().size()` floats. Throws `errc::invalid_data` with line, column and column name.
  bool read(std::span<float> row) {
    HANAMI_ASSERT(row.size() == columns_.size(), "one float a column");
    if (!pending_ && !parser_.next())
      return false;
    pending_ = false;
    line_ = parser_.position(0).line;
    check_width();
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = dictionaries_[i] ? read_category(i) : read_number(i);
    return true;
  }

  /// The line at which the row last read begins; 0 before the first.
  std::size_t line() const noexcept { return line_; }

 private:
  using dictionary = std::unordered_map<std::string, std::size_t>;

  void name_columns() {
    std::unordered_map<std::string_view, std::size_t> seen;
    columns_.resize(width_);
    for (std::size_t i = 0; i < width_; ++i) {
      if (header_)
        columns_[i].name = detail::trim_blanks(parser_.field(i));
      if (columns_[i].name.empty())
        columns_[i].name = "column_" + std::to_string(i + 1);
      const auto [other, fresh] = seen.emplace(columns_[i].name, i);
      if (!fresh)
        detail::fail_csv(parser_.position(i),
                         "the column name " + detail::quote_for_message(columns_[i].name) +
                             " is also that of field " + std::to_string(other->second + 1));
    }
  }

  std::size_t find_column(const std::string& name, const char* purpose) const {
    const auto found = std::find_if(columns_.begin(), columns_.end(),
                                    [&](const table_column& c) { return c.name == name; });
    if (found == columns_.end())
      throw error(errc::invalid_argument, "no column \"" + name + "\" " + purpose + "; the " +
                                              std::to_string(columns_.size()) +
                                              " columns begin with " +
                                              detail::quote_for_message(columns_[0].name));
    return static_cast<std::size_t>(found - columns_.begin());
  }

  void choose_columns(const std::vector<std::string>& names) {
    std::vector<table_column> chosen;
    for (const std::string& name : names) {
      const std::size_t field = find_column(name, "to read");
      if (std::find(fields_.begin(), fields_.end(), field) == fields_.end()) {
        fields_.push_back(field);
        chosen.push_back(columns_[field]);
      }
    }
    if (!names.empty()) {
      columns_ = std::move(chosen);
      return;
    }
    fields_.resize(width_);
    std::iota(fields_.begin(), fields_.end(), std::size_t{0});
  }

  void choose_categorical(const std::vector<std::string>& names) {
    dictionaries_.resize(columns_.size());
    for (const std::string& name : names)
      dictionaries_[find_column(name, "to take as categorical")].emplace();
  }

  void check_width() const {
    if (parser_.size() == width_)
      return;
    const std::size_t last = std::min(parser_.size(), width_ + 1) - 1;
    detail::fail_csv(parser_.position(last),
                     "the row has " + std::to_string(parser_.size()) + " fields, " +
                         (header_ ? "the header" : "the first row") + " in line " +
                         std::to_string(first_line_) + " has " + std::to_string(width_));
  }

  float read_number(std::size_t index) const {
    const detail::csv_cell cell = detail::parse_csv_cell(text_of(index));
    if (cell.kind == detail::csv_cell_kind::text)
      fail_cell(index,
                "is not a number; accepted are numbers, true, false, and nothing, NA, nan or "
                "null for a missing value");
    if (cell.kind == detail::csv_cell_kind::out_of_range)
      fail_cell(index, "is infinite or beyond the range of a float, +-3.4e38");
    return cell.value;
  }

  float read_category(std::size_t index) {
    const std::string_view text = detail::trim_blanks(text_of(index));
    if (detail::is_missing_word(text))
      return std::numeric_limits<float>::quiet_NaN();
    const auto [entry, fresh] =
        dictionaries_[index]->try_emplace(std::string(text), columns_[index].categories.size());
    if (fresh) {
      if (columns_[index].categories.size() >= max_categories_)
        fail_cell(index, "is one category too many; at most " + std::to_string(max_categories_) +
                             " are accepted");
      columns_[index].categories.emplace_back(text);
    }
    return static_cast<float>(entry->second);
  }

  std::string_view text_of(std::size_t index) const { return parser_.field(fields_[index]); }

  [[noreturn]] void fail_cell(std::size_t index, const std::string& what) const {
    const csv_position place = parser_.position(fields_[index]);
    const bool doubtful = guessed_ && !header_ && place.line == first_line_;
    detail::fail_csv(place,
                     "column " + detail::quote_for_message(columns_[index].name) + ": " +
                         detail::quote_for_message(text_of(index)) + " " + what +
                         (doubtful ? "; if this line is the header, set csv_header::present" : ""));
  }

  csv_parser parser_;
  std::vector<table_column> columns_;
  std::vector<std::size_t> fields_;                     ///< of the row, one a column
  std::vector<std::optional<dictionary>> dictionaries_; ///< one a column, set if categorical
  std::size_t max_categories_;
  std::size_t width_ = 0; ///< fields of a row
  std::size_t first_line_ = 1;
  std::size_t line_ = 0;
  bool guessed_ = false;
  bool header_ = false;
  bool pending_ = false; ///< the row in the parser is data that `read` has not given yet
};

/// A whole CSV stream as a dataset. Throws what `csv_reader` and `table_dataset` throw.
inline table_dataset load_table(std::istream& stream, const csv_options& options = {},
                                table_layout layout = {}) {
  csv_reader reader(stream, options);
  const std::size_t width = reader.columns().size();
  std::vector<float> row(width);
  std::vector<float> values;
  while (reader.read(row))
    values.insert(values.end(), row.begin(), row.end());
  return table_dataset(reader.columns(), std::move(values), std::move(layout));
}

/// The same from a file; the errors begin with its path, and one that cannot be opened is
/// `errc::file_error`.
inline table_dataset load_table(const std::filesystem::path& path, const csv_options& options = {},
                                table_layout layout = {}) {
  std::ifstream stream = detail::open_file(path);
  return detail::naming_file(path, [&] { return load_table(stream, options, std::move(layout)); });
}

/// The same without throwing: on failure nothing, `code` is set and `message`, if any, says why.
inline std::optional<table_dataset> load_table(const std::filesystem::path& path,
                                               const csv_options& options, table_layout layout,
                                               std::error_code& code,
                                               std::string* message = nullptr) {
  return detail::attempt(code, message,
                         [&] { return load_table(path, options, std::move(layout)); });
}

} // namespace hanami
