// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>
#include <optional>
#include <ostream>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"
#include "dataset.hpp"

/// CSV as of RFC 4180, from streams of any length in constant memory: `csv_parser` gives rows of
/// text, `csv_reader` rows of floats with named columns, `load_table` a dataset in memory, and
/// `csv_writer` writes what they read. Blank lines are skipped. No object here may be used by two
/// threads at once.

namespace hanami {

enum class csv_header : std::uint8_t {
  automatic, ///< the first row is a header if it has text and no number, true or false
  present,
  absent ///< columns are called column_1, column_2, ...
};

struct csv_options {
  char separator = ',';
  csv_header header = csv_header::automatic;
  /// Names of the columns whose text becomes a class index, numbered as the classes appear.
  std::vector<std::string> categorical = {};
  std::size_t max_field_bytes = std::size_t{1} << 16;
  std::size_t max_row_bytes = std::size_t{1} << 22;
  std::size_t max_columns = std::size_t{1} << 16;
  std::size_t max_categories = std::size_t{1} << 16; ///< per column; at most 2^24, exact in float
};

/// Where something begins in a CSV file: the line and the byte in that line, both from 1.
struct csv_position {
  std::size_t line = 1;
  std::size_t column = 1;
};

namespace detail {

[[noreturn]] inline void fail_csv(csv_position at, const std::string& what) {
  throw error(errc::invalid_data, "line " + std::to_string(at.line) + ", column " +
                                      std::to_string(at.column) + ": " + what);
}

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

/// Rows of text from a stream, one at a time. Reads no byte beyond the end of the row, so that a
/// row of a live stream is there as soon as its line feed is.
class csv_parser {
 public:
  /// Throws `errc::invalid_argument` for a separator that cannot be one. The stream is not owned.
  explicit csv_parser(std::istream& stream, const csv_options& options = {})
      : stream_(&stream), separator_(options.separator), max_field_bytes_(options.max_field_bytes),
        max_row_bytes_(options.max_row_bytes), max_columns_(options.max_columns) {
    detail::check_csv_separator(separator_);
  }

  /// Goes to the next row; false at the end of the stream. Throws `errc::invalid_data` with line
  /// and column for broken quoting or a row over the limits, `errc::file_error` for a stream that
  /// fails.
  bool next() {
    if (stream_->rdbuf() == nullptr || stream_->fail())
      throw error(errc::file_error, "the CSV stream cannot be read");
    try {
      return next_row();
    } catch (const std::ios_base::failure& failure) {
      throw error(errc::file_error,
                  "line " + std::to_string(here_.line) +
                      ": the CSV stream cannot be read: " + failure.code().message());
    }
  }

  std::size_t size() const noexcept { return fields_.size(); }

  /// The text of a field without its quotes; valid until the next `next`.
  std::string_view field(std::size_t index) const noexcept {
    HANAMI_ASSERT(index < size(), "field index out of range");
    const std::size_t begin = index == 0 ? 0 : fields_[index - 1].end;
    return std::string_view(text_).substr(begin, fields_[index].end - begin);
  }

  /// Where a field begins, with its quote if it has one.
  csv_position position(std::size_t index) const noexcept {
    HANAMI_ASSERT(index < size(), "field index out of range");
    return fields_[index].position;
  }

 private:
  enum class state : std::uint8_t { start, plain, quoted, closed, carriage_return };
  struct field_end {
    std::size_t end; ///< in text_
    csv_position position;
  };
  using traits = std::char_traits<char>;

  bool next_row() {
    do {
      begin_row();
      if (at_start_ && !skip_byte_order_mark())
        state_ = state::plain;
      at_start_ = false;
      if (!read_row())
        return false;
    } while (blank_);
    return true;
  }

  void begin_row() {
    text_.clear();
    fields_.clear();
    field_at_ = here_;
    row_bytes_ = 0;
    state_ = state::start;
    blank_ = false;
  }

  /// UTF-8's byte order mark. False if the bytes are the beginning of other text, which is kept.
  bool skip_byte_order_mark() {
    for (const char expected : std::string_view("\xEF\xBB\xBF")) {
      if (stream_->rdbuf()->sgetc() != traits::to_int_type(expected))
        break;
      stream_->rdbuf()->sbumpc();
      text_.push_back(expected);
    }
    if (text_.size() == 3)
      text_.clear();
    here_.column += text_.size();
    return text_.empty();
  }

  /// One row to its line feed; false if the stream ends before a byte of it.
  bool read_row() {
    std::streambuf& buffer = *stream_->rdbuf();
    for (;;) {
      const traits::int_type got = buffer.sbumpc();
      if (traits::eq_int_type(got, traits::eof()))
        return end_of_stream();
      const char c = traits::to_char_type(got);
      if (++row_bytes_ > max_row_bytes_)
        detail::fail_csv(here_, "the row has more than " + std::to_string(max_row_bytes_) +
                                    " bytes; is a quote left open?");
      if (state_ == state::quoted ? take_quoted(c) : take_unquoted(c))
        return true;
      ++here_.column;
    }
  }

  /// Takes a byte inside quotes; never the end of a row.
  bool take_quoted(char c) {
    if (c == '"') {
      state_ = state::closed;
    } else {
      append(c);
      if (c == '\n') {
        ++here_.line;
        here_.column = 0; // the caller counts on to 1
      }
    }
    return false;
  }

  /// Takes a byte outside quotes; true at the end of a row.
  bool take_unquoted(char c) {
    if (state_ == state::carriage_return && c != '\n')
      detail::fail_csv(here_, "a carriage return without a line feed; lines end in LF or CRLF");
    if (c == '\n') {
      end_row();
      ++here_.line;
      here_.column = 1;
      return true;
    }
    if (c == separator_)
      end_field();
    else if (c == '\r')
      begin_carriage_return();
    else if (c == '"')
      take_quote();
    else if (state_ == state::closed)
      detail::fail_csv(here_, "text after a closing quote; a quote inside a field is doubled");
    else {
      append(c);
      state_ = state::plain;
    }
    return false;
  }

  void take_quote() {
    if (state_ == state::plain)
      detail::fail_csv(here_, "a quote inside a field without quotes; put the whole field in "
                              "quotes and double the quote");
    if (state_ == state::closed) // a doubled quote
      append('"');
    state_ = state::quoted;
  }

  void begin_carriage_return() {
    blank_ = state_ == state::start && fields_.empty();
    state_ = state::carriage_return;
  }

  void append(char c) {
    const std::size_t begin = fields_.empty() ? 0 : fields_.back().end;
    if (text_.size() - begin >= max_field_bytes_)
      detail::fail_csv(here_, "the field has more than " + std::to_string(max_field_bytes_) +
                                  " bytes; is a quote left open?");
    text_.push_back(c);
  }

  void end_field() {
    if (fields_.size() >= max_columns_)
      detail::fail_csv(here_, "the row has more than " + std::to_string(max_columns_) + " fields");
    fields_.push_back({text_.size(), field_at_});
    field_at_ = {here_.line, here_.column + 1};
    state_ = state::start;
  }

  void end_row() {
    blank_ = blank_ || (state_ == state::start && fields_.empty());
    end_field();
  }

  bool end_of_stream() {
    if (state_ == state::quoted)
      detail::fail_csv(field_at_, "the quote that opens here is never closed");
    if (state_ == state::start && fields_.empty())
      return false;
    end_row();
    return !blank_;
  }

  std::istream* stream_;
  char separator_;
  std::size_t max_field_bytes_;
  std::size_t max_row_bytes_;
  std::size_t max_columns_;

  std::string text_; ///< all fields of the row, one behind the other
  std::vector<field_end> fields_;
  csv_position here_;
  csv_position field_at_;
  std::size_t row_bytes_ = 0;
  state state_ = state::start;
  bool at_start_ = true;
  bool blank_ = false;
};

namespace detail {

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
/// `null`); case does not matter. A categorical column holds any text instead.
class csv_reader {
 public:
  /// Reads the first row. Throws `errc::invalid_data` where there is none or column names repeat,
  /// `errc::invalid_argument` for a categorical column that is not there, and what `csv_parser`
  /// throws. The stream is not owned.
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
    name_columns();
    choose_categorical(options.categorical);
  }

  /// Names and, for categorical columns, the categories met so far: category `i` is the value `i`.
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
    columns_.resize(parser_.size());
    dictionaries_.resize(parser_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
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

  void choose_categorical(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const auto found = std::find_if(columns_.begin(), columns_.end(),
                                      [&](const table_column& c) { return c.name == name; });
      if (found == columns_.end())
        throw error(errc::invalid_argument,
                    "no column \"" + name + "\" to take as categorical; the " +
                        std::to_string(columns_.size()) + " columns begin with " +
                        detail::quote_for_message(columns_[0].name));
      dictionaries_[static_cast<std::size_t>(found - columns_.begin())].emplace();
    }
  }

  void check_width() const {
    if (parser_.size() == columns_.size())
      return;
    const std::size_t last = std::min(parser_.size(), columns_.size() + 1) - 1;
    detail::fail_csv(parser_.position(last),
                     "the row has " + std::to_string(parser_.size()) + " fields, " +
                         (header_ ? "the header" : "the first row") + " in line " +
                         std::to_string(first_line_) + " has " + std::to_string(columns_.size()));
  }

  float read_number(std::size_t index) const {
    const detail::csv_cell cell = detail::parse_csv_cell(parser_.field(index));
    if (cell.kind == detail::csv_cell_kind::text)
      fail_cell(index,
                "is not a number; accepted are numbers, true, false, and nothing, NA, nan or "
                "null for a missing value");
    if (cell.kind == detail::csv_cell_kind::out_of_range)
      fail_cell(index, "is infinite or beyond the range of a float, +-3.4e38");
    return cell.value;
  }

  float read_category(std::size_t index) {
    const std::string_view text = detail::trim_blanks(parser_.field(index));
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

  [[noreturn]] void fail_cell(std::size_t index, const std::string& what) const {
    const bool doubtful = guessed_ && !header_ && parser_.position(index).line == first_line_;
    detail::fail_csv(parser_.position(index),
                     "column " + detail::quote_for_message(columns_[index].name) + ": " +
                         detail::quote_for_message(parser_.field(index)) + " " + what +
                         (doubtful ? "; if this line is the header, set csv_header::present" : ""));
  }

  csv_parser parser_;
  std::vector<table_column> columns_;
  std::vector<std::optional<dictionary>> dictionaries_; ///< one a column, set if categorical
  std::size_t max_categories_;
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
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    throw error(errc::file_error, "cannot read " + path.string() + ": it is a folder");
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    throw error(errc::file_error, "cannot open " + path.string());
  try {
    return load_table(stream, options, std::move(layout));
  } catch (const error& failure) {
    throw error(static_cast<errc>(failure.code().value()), path.string() + ": " + failure.what());
  }
}

/// Writes rows that `csv_reader` and every other reader understand: quotes only where they are
/// needed, LF at the end of a line, floats in the fewest digits that read back as the same float.
class csv_writer {
 public:
  /// Throws `errc::invalid_argument` for a separator that cannot be one. The stream is not owned.
  explicit csv_writer(std::ostream& stream, char separator = ',')
      : stream_(&stream), separator_(separator) {
    detail::check_csv_separator(separator);
  }

  csv_writer& field(std::string_view text) {
    begin_field();
    const std::array<char, 5> special = {separator_, '"', '\r', '\n', '\0'};
    if (text.find_first_of(special.data()) == std::string_view::npos) {
      row_ += text;
      return *this;
    }
    row_ += '"';
    for (const char c : text)
      row_.append(c == '"' ? 2 : 1, c);
    row_ += '"';
    return *this;
  }

  /// A number; `nan` for NaN. Throws `errc::invalid_argument` for an infinity.
  csv_writer& field(float value) {
    if (std::isinf(value))
      throw error(errc::invalid_argument, "an infinity cannot be written as CSV");
    begin_field();
    if (std::isnan(value)) {
      row_ += "nan";
      return *this;
    }
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    row_.append(digits.data(), end);
    return *this;
  }

  /// Throws `errc::file_error` if the stream does not take the row, `errc::invalid_argument` for a
  /// row without fields.
  void end_row() {
    if (fields_ == 0)
      throw error(errc::invalid_argument, "a CSV row needs at least one field");
    if (row_.empty()) // one empty field: a blank line would be no row
      row_ = "\"\"";
    row_ += '\n';
    stream_->write(row_.data(), static_cast<std::streamsize>(row_.size()));
    row_.clear();
    fields_ = 0;
    if (!*stream_)
      throw error(errc::file_error, "the CSV row cannot be written");
  }

  /// A row of strings or of floats.
  template <std::ranges::input_range Row>
  requires std::convertible_to<std::ranges::range_reference_t<Row>, std::string_view> ||
      std::convertible_to < std::ranges::range_reference_t<Row>,
  float > void row(const Row& fields) {
    for (const auto& value : fields)
      field(value);
    end_row();
  }

 private:
  void begin_field() {
    if (fields_++ > 0)
      row_ += separator_;
  }

  std::ostream* stream_;
  std::string row_;
  std::size_t fields_ = 0;
  char separator_;
};

} // namespace hanami
