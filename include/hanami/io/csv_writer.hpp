// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <ranges>
#include <string>
#include <string_view>

#include "../foundation/error.hpp"
#include "row_format.hpp"

namespace hanami::inline HANAMI_ISA {

/// Appends a field of CSV, in quotes where its text would otherwise be read as something else.
inline void append_csv_field(std::string& to, std::string_view text, char separator = ',') {
  const std::array<char, 4> special = {separator, '"', '\r', '\n'};
  if (text.find_first_of(std::string_view(special.data(), special.size())) ==
      std::string_view::npos) {
    to += text;
    return;
  }
  to += '"';
  for (const char c : text)
    to.append(c == '"' ? 2 : 1, c);
  to += '"';
}

/// Writes rows that `row_reader` and every other reader understand: quotes only where they are
/// needed, LF at the end of a line, floats in the fewest digits that read back as the same float.
class csv_writer {
 public:
  /// Throws `errc::invalid_argument` for a separator that cannot be one. The stream is not owned.
  explicit csv_writer(std::ostream& stream, char separator = ',')
      : stream_(&stream), separator_(separator) {
    check(row_format{.separator = separator});
  }

  csv_writer& field(std::string_view text) {
    begin_field();
    append_csv_field(row_, text, separator_);
    return *this;
  }

  /// A number; `nan` for NaN. Throws `errc::invalid_argument` for an infinity.
  csv_writer& field(float value) {
    if (std::isinf(value))
      raise(errc::invalid_argument, "an infinity cannot be written as CSV");
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
      raise(errc::invalid_argument, "a CSV row needs at least one field");
    if (row_.empty()) // one empty field: a blank line would be no row
      row_ = "\"\"";
    row_ += '\n';
    stream_->write(row_.data(), static_cast<std::streamsize>(row_.size()));
    row_.clear();
    fields_ = 0;
    if (!*stream_)
      raise(errc::file_error, "the CSV row cannot be written");
  }

  /// A row of strings or of floats.
  template <std::ranges::input_range Row>
  void row(const Row& fields) {
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
