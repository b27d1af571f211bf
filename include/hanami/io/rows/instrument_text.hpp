// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.hpp"
#include "sampled_rows.hpp"

/// What instruments write before and beside their rows: settings, and the first time and the rate
/// instead of times.

namespace hanami::inline HANAMI_ISA::detail {

/// Whether a line begins with a word that ARFF declares columns with, in letters of any case.
inline bool declares(std::string_view line, std::string_view word) noexcept {
  lower_text<16> small;
  line = trim_blanks(line);
  return small.of(line.substr(0, word.size())) == word &&
         (line.size() == word.size() || is_blank(line[word.size()]));
}

/// Whether `line` ends a part of what stands before the rows of LabVIEW, of which `first` is the
/// first line, or of ARFF.
inline bool ends_preamble(std::string_view first, std::string_view line) noexcept {
  return (first.starts_with("LabVIEW Measurement") && line.starts_with("***End_of_Header***")) ||
         declares(line, "@data");
}

/// The line behind what stands before the rows; `begin` where there is nothing of that kind.
inline std::size_t preamble_of(const std::vector<std::string>& lines, std::size_t begin) {
  std::size_t after = begin;
  for (std::size_t i = begin; i < lines.size(); ++i) {
    after = ends_preamble(lines[begin], lines[i]) ? i + 1 : after;
  }
  return after;
}

/// Takes the column of comments, which most rows lack, from the rows of LabVIEW, whose names stand
/// in line `begin`.
inline void drop_comments(std::vector<std::string>& lines, std::size_t begin) {
  constexpr std::string_view name = "\tComment";
  std::string& names = lines[begin];
  const std::size_t at = names.rfind(name);
  if (at == std::string::npos ||
      trim_blanks(std::string_view(names).substr(at)) != name.substr(1)) {
    return;
  }
  names.resize(at);
  for (std::size_t i = begin + 1; i < lines.size(); ++i) {
    const std::size_t end = lines[i].find_last_not_of("\t\r");
    lines[i].resize(end == std::string::npos ? 0 : end + 1);
  }
}

/// How many columns at the left hold settings of the instrument in the first rows, and nothing
/// later: Record Length,2500,,-0.0002,0.004 of oscilloscopes. 0: none do.
inline std::size_t columns_of_settings(const table_guess& guess) {
  std::size_t columns = guess.width;
  const auto typed = [&](const std::string& cell) { return is_typed(cell, guess.how.signs()); };
  for (const sample_row& row : guess.rows) {
    if (row.cells.size() != guess.width) {
      return 0;
    }
    std::size_t right = guess.width; // cells from here on are numbers
    while (right > 0 && (typed(row.cells[right - 1]) ||
                         (right == guess.width && row.cells[right - 1].empty()))) {
      --right;
    }
    columns = std::min(columns, guess.width);
    if (right > 0 && row.cells[right - 1].empty() && right < guess.width) {
      columns = std::min(columns, right); // the gap before the numbers
    }
  }
  if (columns < 2 || columns >= guess.width || guess.rows.size() < 4) {
    return 0;
  }
  const auto& first = guess.rows.front().cells;
  const bool set = !first[0].empty() && !typed(first[0]) && typed(first[1]);
  const auto numbers = [&](const sample_row& row) {
    return typed(row.cells[columns]) && row.cells[columns - 1].empty();
  };
  return set && std::all_of(guess.rows.begin(), guess.rows.end(), numbers) ? columns : 0;
}

/// The names of all columns where some at the left hold settings: the time, and what the settings
/// call the source.
inline std::vector<std::string> names_beside_settings(const table_guess& guess,
                                                      std::size_t settings) {
  std::vector<std::string> names(guess.width);
  names[settings] = "time";
  for (const sample_row& row : guess.rows) {
    if (row.cells[0] == "Source" && settings + 1 < names.size()) {
      names[settings + 1] = row.cells[1];
    }
  }
  const auto empty = [&](const sample_row& row) { return row.cells[names.size() - 1].empty(); };
  while (std::all_of(guess.rows.begin(), guess.rows.end(), empty)) {
    names.pop_back();
  }
  return names;
}

/// What the first two rows say instead of a header, as wearable sensors write it: the time of the
/// first row, in seconds since 1970, and rows a second, once for each column.
inline sampled_rows find_sampling(const table_guess& guess) {
  const std::vector<sample_row>& rows = guess.rows;
  if (guess.first > 0 || rows.size() < 3) {
    return {};
  }
  const auto same = [](const sample_row& row) {
    return std::adjacent_find(row.cells.begin(), row.cells.end(), std::not_equal_to<>()) ==
           row.cells.end();
  };
  const auto number = [&](std::size_t row) {
    const cell found = parse_cell(rows[row].cells.front(), guess.how.signs());
    return found.kind == cell_kind::number && found.unit.empty() ? found.value : 0;
  };
  const double first = number(0);
  const double rate = number(1);
  const bool fits =
      rows[0].cells.size() == guess.width && rows[1].cells.size() == guess.width && same(rows[0]) &&
      same(rows[1]) && first > 5e8 && first < 1e10 && rate >= 0.01 && rate <= 1e5 &&
      rows[1].cells.front().find('.') != std::string::npos &&
      std::all_of(rows.begin() + 2, rows.end(), [&](const sample_row& row) {
        return std::all_of(row.cells.begin(), row.cells.end(), [&](const std::string& text) {
          return std::abs(parse_cell(text).value) < first / 10;
        });
      });
  return fits ? sampled_rows{first, 1 / rate, 0} : sampled_rows{};
}

} // namespace hanami::detail
