// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"
#include "csv_options.hpp"

/// CSV as of RFC 4180: rows of text from streams of any length, in constant memory. Blank lines are
/// skipped.

namespace hanami::inline HANAMI_ISA {

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

} // namespace detail

/// Rows of text from a stream, one at a time. Reads no byte beyond the end of the row, so that a
/// row of a live stream is there as soon as its line feed is. Not for two threads at once.
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

} // namespace hanami
