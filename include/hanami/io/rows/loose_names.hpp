// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "table_guess.hpp"

/// Names of columns that do not stand in the row above the others.

namespace hanami::inline HANAMI_ISA::detail {

struct table_head {
  std::vector<std::string> names; ///< one a column; empty: it has no name
  bool present = false;           ///< whether they stand in a header
  std::size_t skipped = 0;        ///< lines of other text before the table
  std::size_t header_line = 0;    ///< from 0, where there is a header
  std::size_t first_line = 0;     ///< of the rows
};

/// Looks for names of columns around the rows of a guess: declared one by one, in lines of comment,
/// between bars, or such as the rows themselves tell.
class loose_names {
 public:
  loose_names(const table_guess& guess, const std::vector<std::string>& lines)
      : guess_(guess), lines_(lines), signs_(guess.how.signs()) {}

  /// Names that lines before the rows declare one by one, as ARFF does: @attribute NAME TYPE.
  bool find_declared(std::size_t first, std::size_t width, table_head& head) const {
    constexpr std::string_view word = "@attribute";
    std::vector<std::string> names;
    for (std::size_t i = 0; i < guess_.rows[first].first_line; ++i) {
      const std::string_view line = trim_blanks(lines_[i]);
      lower_text<word.size()> small;
      if (line.size() > word.size() && small.of(line.substr(0, word.size())) == word &&
          is_blank(line[word.size()])) {
        const std::string_view rest = trim_blanks(line.substr(word.size()));
        const bool quoted = rest.front() == '\'' || rest.front() == '"';
        const std::size_t end = quoted ? rest.find(rest.front(), 1) : rest.find_first_of(" \t");
        const std::size_t from = quoted ? 1 : 0;
        names.emplace_back(rest.substr(from, std::min(end, rest.size()) - from));
        head.header_line = i;
      }
    }
    if (names.size() != width) {
      return false;
    }
    head.names = std::move(names);
    return true;
  }

  /// Whether the name of the first column stands alone below those of the others, as pandas prints.
  bool is_index_header(std::size_t first, std::size_t width) const {
    if (first < 2 || width < 2 || guess_.rows[first - 1].cells.size() != 1 ||
        guess_.rows[first - 2].cells.size() + 1 != width) {
      return false;
    }
    const auto& others = guess_.rows[first - 2].cells;
    return word(guess_.rows[first - 1].cells[0]) &&
           std::all_of(others.begin(), others.end(), [&](const auto& c) { return word(c); });
  }

  /// Names between bars in a line before the rows, which have blanks between cells, as tables of
  /// astronomers do; below it types, units and the word for missing values may stand.
  bool find_barred(std::size_t first, std::size_t width, table_head& head) const {
    if (guess_.how.separator != ' ') {
      return false;
    }
    for (std::size_t i = guess_.rows[first].first_line; i > 0; --i) {
      const std::string_view line = trim_blanks(lines_[i - 1]);
      if (line.size() < 3 || line.front() != '|' || line.back() != '|') {
        break;
      }
      std::vector<std::string> names;
      for (std::size_t at = 0; at + 1 < line.size();) {
        const std::size_t end = line.find('|', at + 1);
        names.emplace_back(trim_blanks(line.substr(at + 1, end - at - 1)));
        at = end;
      }
      if (names.size() == width) {
        head.names = std::move(names); // further up stand the names
        head.header_line = i - 1;
        head.present = true;
      }
    }
    return head.present;
  }

  /// Names of columns that have none and hold a year, a month, a day and mostly an hour, in order.
  bool find_dated(std::size_t first, std::size_t width, table_head& head) const {
    static constexpr std::array<const char*, 6> parts = {"year", "month",  "day",
                                                         "hour", "minute", "second"};
    static constexpr std::array<std::array<double, 2>, 6> range = {
        {{1700, 2200}, {1, 12}, {1, 31}, {0, 24}, {0, 59}, {0, 59}}};
    const auto number = [&](std::size_t row, std::size_t column) {
      const std::string& cell = text(row, column);
      return is_whole(cell) ? parse_cell(cell).value : -1;
    };
    std::size_t count = std::min(width, parts.size()); // of those that may be
    for (std::size_t row = first; row < guess_.rows.size(); ++row) {
      if (guess_.rows[row].cells.size() != width) {
        return false;
      }
      for (std::size_t part = 0; part < count; ++part) {
        const double value = number(row, part);
        count = value < range[part][0] || value > range[part][1] ? part : count;
      }
    }
    const auto later = [&](std::size_t row, std::size_t known) {
      for (std::size_t part = 0; part < known; ++part) {
        if (number(row, part) != number(row - 1, part)) {
          return number(row, part) > number(row - 1, part);
        }
      }
      return false;
    };
    const auto in_order = [&](std::size_t known) {
      for (std::size_t row = first + 1; row < guess_.rows.size(); ++row) {
        if (!later(row, known)) {
          return false;
        }
      }
      return true;
    };
    std::size_t known = 3;
    while (known <= count && !in_order(known)) {
      ++known; // as few as tell rows apart: others may look like minutes
    }
    const auto next_month = [&](std::size_t row) {
      return 12 * number(row, 0) + number(row, 1) ==
             12 * number(row - 1, 0) + number(row - 1, 1) + 1;
    };
    if (known > count && count >= 2) { // or months alone, without a gap
      known = 2;
      for (std::size_t row = first + 1; row < guess_.rows.size(); ++row) {
        known = next_month(row) ? known : count + 1;
      }
    }
    if (known > count || known == width || guess_.rows.size() < first + 4) {
      return false;
    }
    head.names.assign(width, "");
    std::copy_n(parts.begin(), known, head.names.begin());
    return true;
  }

  /// A header in lines of comment before the rows.
  bool find_commented(std::size_t first, std::size_t width, table_head& head) const {
    const char sign = guess_.how.comment;
    std::string plain;
    std::size_t others = 0; // lines of other text between
    for (std::size_t i = guess_.rows[first].first_line; i > 0; --i) {
      if (!is_comment(lines_[i - 1], sign)) {
        break;
      }
      std::string_view line = trim_blanks(lines_[i - 1]);
      line.remove_prefix(std::min(line.find_first_not_of(sign), line.size()));
      std::vector<std::string> names;
      for_fields(line, guess_.how, plain,
                 [&](const field_text& field) { names.emplace_back(trim_blanks(field.text)); });
      const bool fits =
          names.size() == width || (names.size() < width && empty_from(first, names.size()));
      const bool prose = guess_.how.separator == ' ' && others > 1;
      if (fits && !prose && (width > 1 || word(names[0]))) {
        names.resize(width);
        head.present = true;
        head.header_line = i - 1;
        head.names = std::move(names); // further up stand the names, below them units
      } else if (head.present) {
        break;
      } else if (!trim_blanks(line).empty()) {
        ++others;
      }
    }
    return head.present;
  }

 protected:
  const std::string& text(std::size_t row, std::size_t column) const {
    return guess_.rows[row].cells[column];
  }
  bool typed(std::string_view cell) const { return is_typed(cell, signs_); }
  static bool missing(std::string_view cell) {
    const cell_kind kind = parse_cell(cell).kind;
    return kind == cell_kind::missing || kind == cell_kind::vague;
  }
  bool word(std::string_view cell) const { return !typed(cell) && !missing(cell); }

  static bool is_whole(std::string_view cell) {
    return !cell.empty() && std::all_of(cell.begin(), cell.end(), is_digit);
  }

  /// Whether no row from `row` on has text behind its first cells.
  bool empty_from(std::size_t row, std::size_t column) const {
    for (; row < guess_.rows.size(); ++row) {
      const auto& cells = guess_.rows[row].cells;
      for (std::size_t i = column; i < cells.size(); ++i) {
        if (!cells[i].empty()) {
          return false;
        }
      }
    }
    return true;
  }

  const table_guess& guess_;
  const std::vector<std::string>& lines_;
  number_signs signs_;
};

} // namespace hanami::detail
