// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "../../foundation/error.hpp"
#include "../dataset.hpp"
#include "../row_reader.hpp"
#include "text_lines.hpp"

namespace hanami::inline HANAMI_ISA {

/// How a table is read.
struct table_options {
  row_format format = {}; ///< what the first lines do not tell
  /// Names of the columns to read, in this order; the others may hold anything. Empty: all.
  std::vector<std::string> columns = {};
  /// Names of the columns that hold classes even where they are written as numbers; a column of
  /// text always does. Classes are numbered as they appear, 1 and 1.0 are one.
  std::vector<std::string> categorical = {};
  std::size_t max_categories = std::size_t{1} << 16; ///< per column; at most 2^24, exact in float
  /// Columns whose kind and categories are known, as those of another table: a word that is none of
  /// a column's categories is missing.
  std::vector<table_column> known = {};
  /// Where damage is counted. Without, the first one is refused, with its line and column; with it
  /// a damaged cell is missing and a damaged line no row.
  row_troubles* troubles = nullptr;
};

namespace detail {

[[noreturn]] inline void fail_table(row_position at, const std::string& what) {
  raise(errc::invalid_data, at.text() + what);
}

/// Rows of a whole text, one after another.
class table_source {
 public:
  table_source(std::istream& stream, const table_options& options)
      : lines_(stream, options.format.max_row_bytes), reader_(options.format),
        strict_(options.troubles == nullptr) {}

  /// Throws `errc::invalid_data` for a text that is no table, and for damage where that is refused.
  bool next() {
    for (;;) {
      const bool more = reader_.next();
      check();
      if (more || ended_) {
        return more;
      }
      if (lines_.next()) {
        reader_.feed(lines_.line());
      } else {
        reader_.finish();
        ended_ = true;
      }
    }
  }

  row_reader& rows() noexcept { return reader_; }
  const row_reader& rows() const noexcept { return reader_; }

 private:
  void check() {
    if (!reader_.refusal().empty()) {
      fail_table({}, reader_.refusal());
    }
    for (; seen_ < reader_.troubles().all().size(); ++seen_) {
      const row_trouble& trouble = reader_.troubles().all()[seen_];
      if (strict_ && trouble.weight == trouble_weight::damage) {
        fail_table(trouble.first, trouble.what.substr(0, trouble.what.find(';')) +
                                      (trouble.example.empty() ? "" : ": " + trouble.example));
      }
    }
  }

  text_lines lines_;
  row_reader reader_;
  std::size_t seen_ = 0; ///< troubles
  bool strict_;
  bool ended_ = false;
};

/// Whether digits stand behind a zero, as in 007: a name rather than a number.
inline bool is_padded(std::string_view text) noexcept {
  text = trim_blanks(text);
  return text.size() > 1 && text[0] == '0' && is_digit(text[1]);
}

} // namespace detail

/// The first look at a table, which is read twice: how many rows it has, what its columns are
/// called, and which of them hold numbers and which text. A column holds text if its first known
/// cell does. Memory does not grow with the text. Not for two threads at once.
class table_survey {
 public:
  /// Reads all of the stream. Throws `errc::invalid_data`, with line and column, for a text that is
  /// no table, text in a column of numbers, numbers beyond float, and whole numbers that float
  /// would make equal to their neighbours; `errc::invalid_argument` for a column in `options` that
  /// is not there.
  table_survey(std::istream& stream, const table_options& options) : options_(options) {
    detail::table_source source(stream, options);
    while (source.next()) {
      ++rows_;
      see(source.rows());
    }
    fields_ = source.rows().fields();
    seen_.resize(fields_.size());
    headed_ = source.rows().headed() || source.rows().names_itself();
    if (options_.troubles != nullptr) {
      for (const row_trouble& trouble : source.rows().troubles().all()) {
        options_.troubles->take(trouble);
      }
    }
    choose_columns();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      decide(i);
    }
  }

  std::uint64_t rows() const noexcept { return rows_; }
  /// The columns to read; categories are not known yet.
  const std::vector<table_column>& columns() const noexcept { return columns_; }
  /// The field of a column.
  std::size_t field(std::size_t column) const noexcept { return places_[column]; }
  /// Whether a column holds text, and whether all of it are numbers.
  bool of_text(std::size_t column) const noexcept { return text_[column] != 0; }
  bool of_numbers(std::size_t column) const noexcept {
    const seen_field& seen = seen_[places_[column]];
    return seen.texts + seen.words + seen.vague + seen.truths == 0 && !seen.padded;
  }
  const table_options& options() const noexcept { return options_; }

 private:
  struct seen_field {
    std::uint64_t numbers = 0;
    std::uint64_t truths = 0;
    std::uint64_t words = 0; ///< yes, no, on, off
    std::uint64_t texts = 0;
    std::uint64_t vague = 0;
    bool begins_with_text = false;
    bool padded = false;
    row_position text_at; ///< the first text
    std::string text;
    bool narrowed = false;    ///< a number is beyond float and not beyond double
    row_position infinite_at; ///< the first number beyond float
    std::string infinite;
    double last = std::numeric_limits<double>::quiet_NaN();
    std::uint64_t steps = 0;  ///< neighbours that differ
    std::uint64_t merged = 0; ///< of those: equal in float
    row_position merged_at;
    std::string merged_text;
    bool merged_wholes = false;

    std::uint64_t known() const noexcept { return numbers + truths + words + texts; }
  };

  void see(const row_reader& rows) {
    const std::size_t fields = rows.cells().size();
    if (seen_.size() < fields) {
      seen_.resize(fields);
    }
    for (std::size_t i = 0; i < fields; ++i) {
      see(rows, i, rows.cells()[i], seen_[i]);
    }
  }

  static row_position place(const row_reader& rows, std::size_t field) {
    return rows.names_itself() ? row_position{rows.line(), 0} : rows.position(field);
  }

  static void see(const row_reader& rows, std::size_t field, const row_cell& cell,
                  seen_field& seen) {
    switch (cell.kind) {
    case cell_kind::number:
      ++seen.numbers;
      seen.padded = seen.padded || detail::is_padded(cell.text);
      see_number(rows, field, cell, seen);
      break;
    case cell_kind::infinite:
      note_infinite(rows, field, cell, seen);
      ++seen.numbers;
      break;
    case cell_kind::truth:
      ++seen.truths;
      break;
    case cell_kind::word:
    case cell_kind::text:
      seen.begins_with_text = seen.begins_with_text || seen.known() == 0;
      if (seen.words + seen.texts == 0) {
        seen.text_at = place(rows, field);
        seen.text = detail::quote_for_message(cell.text);
      }
      ++(cell.kind == cell_kind::word ? seen.words : seen.texts);
      break;
    case cell_kind::vague:
      ++seen.vague;
      break;
    default:
      break;
    }
  }

  static void note_infinite(const row_reader& rows, std::size_t field, const row_cell& cell,
                            seen_field& seen) {
    if (seen.infinite.empty()) {
      seen.infinite_at = place(rows, field);
      seen.infinite = detail::quote_for_message(cell.text);
    }
  }

  static void see_number(const row_reader& rows, std::size_t field, const row_cell& cell,
                         seen_field& seen) {
    const auto narrow = static_cast<float>(cell.value);
    if (std::isinf(narrow)) {
      seen.narrowed = true;
      note_infinite(rows, field, cell, seen);
      return;
    }
    const double before = std::exchange(seen.last, cell.value);
    if (std::isnan(before) || before == cell.value) {
      return;
    }
    ++seen.steps;
    if (narrow == static_cast<float>(before)) {
      const bool wholes = std::trunc(before) == before && std::trunc(cell.value) == cell.value;
      if (seen.merged++ == 0 || (wholes && !seen.merged_wholes)) {
        seen.merged_at = place(rows, field);
        seen.merged_text = detail::quote_for_message(cell.text);
        seen.merged_wholes = wholes;
      }
    }
  }

  std::size_t find(const std::string& name, const char* purpose) const {
    const auto found = std::find(fields_.begin(), fields_.end(), name);
    if (found == fields_.end()) {
      std::string known;
      for (std::size_t i = 0; i < fields_.size() && known.size() < 200; ++i) {
        const bool parted = fields_[i].find(',') != std::string::npos;
        known += (i == 0 ? "" : ", ") + (parted ? '"' + fields_[i] + '"' : fields_[i]);
      }
      raise(errc::invalid_argument, "no column \"" + name + "\" " + purpose + "; there " +
                                        (fields_.size() == 1 ? "is " : "are ") + known +
                                        hint_of_separator());
    }
    return static_cast<std::size_t>(found - fields_.begin());
  }

  /// What a single column may hide.
  std::string hint_of_separator() const {
    if (fields_.size() == 1) {
      for (const char sign : {';', '\t', '|', ',', ' '}) {
        if (fields_[0].find(sign) != std::string::npos) {
          return std::string("; is the separator ") +
                 (sign == '\t'  ? "a tab"
                  : sign == ' ' ? "a blank"
                                : std::string("\"") + sign + '"') +
                 "?";
        }
      }
    }
    return {};
  }

  void choose_columns() {
    for (const std::string& name : options_.columns.empty() ? fields_ : options_.columns) {
      const std::size_t field = find(name, "to read");
      if (std::find(places_.begin(), places_.end(), field) == places_.end()) {
        places_.push_back(field);
        columns_.push_back({fields_[field], {}});
      }
    }
    text_.resize(columns_.size());
    for (const std::string& name : options_.categorical) {
      const std::size_t field = find(name, "to take as categorical");
      const auto place = std::find(places_.begin(), places_.end(), field);
      if (place == places_.end()) {
        raise(errc::invalid_argument, "the column \"" + name + "\" is categorical and not read");
      }
      text_[static_cast<std::size_t>(place - places_.begin())] = 1;
    }
  }

  const table_column* known(const std::string& name) const {
    const auto found = std::find_if(options_.known.begin(), options_.known.end(),
                                    [&](const table_column& c) { return c.name == name; });
    return found == options_.known.end() ? nullptr : &*found;
  }

  /// Finds out what a column holds, and whether it may.
  void decide(std::size_t column) {
    const seen_field& seen = seen_[places_[column]];
    const std::string& name = columns_[column].name;
    if (const table_column* const same = known(name)) {
      columns_[column].categories = same->categories;
      text_[column] = same->categories.empty() ? 0 : 1;
    } else if (text_[column] == 0 && seen.begins_with_text &&
               seen.texts + seen.words >= seen.numbers + seen.truths) {
      text_[column] = 1;
    }
    if (text_[column] != 0) {
      return;
    }
    const std::string where = "column " + detail::quote_for_message(name) + ": ";
    if (seen.texts + seen.words > 0) {
      trouble(
          seen.text_at,
          where + seen.text +
              " is not a number; accepted are numbers, true, false, and nothing, NA, nan, null, "
              "? or the like for a missing value" +
              (headed_ ? "" : " (no header was found)"));
    }
    if (!seen.infinite.empty() && (options_.troubles == nullptr || seen.narrowed)) {
      trouble(seen.infinite_at,
              where + seen.infinite + " is infinite or beyond the range of a float, +-3.4e38");
    }
    if (seen.merged_wholes || 2 * seen.merged > seen.steps) {
      detail::fail_table(seen.merged_at,
                         where + seen.merged_text +
                             " is another value than the one before it and the same as a float, "
                             "which holds 24 bits: subtract the first value of the column from all "
                             "of them, or leave the column out");
    }
  }

  void trouble(row_position at, const std::string& what) {
    if (options_.troubles == nullptr) {
      detail::fail_table(at, what);
    }
    options_.troubles->add(what, at);
  }

  table_options options_;
  std::uint64_t rows_ = 0;
  std::vector<std::string> fields_;
  std::vector<seen_field> seen_; ///< one a field
  bool headed_ = false;
  std::vector<table_column> columns_;
  std::vector<std::size_t> places_; ///< the field of each column
  std::vector<std::uint8_t> text_;  ///< whether a column holds text
};

} // namespace hanami
