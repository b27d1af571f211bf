// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "table_guess.hpp"

/// What the first lines of a table say about its separator, its quote and the signs in its numbers.

namespace hanami::inline HANAMI_ISA::detail {

/// The comment sign that the first line shows, `#` if none.
inline char find_comment_sign(const std::vector<std::string>& lines, std::size_t begin) {
  for (std::size_t i = begin; i < lines.size(); ++i) {
    const std::string_view line = trim_blanks(lines[i]);
    if (line.empty()) {
      continue;
    }
    const bool apart = line.size() == 1 || is_blank(line[1]) || line[1] == line[0];
    if (line.starts_with("//")) {
      return '/';
    }
    if (apart && std::string_view(";%!").find(line.front()) != std::string_view::npos &&
        line.find_first_not_of(";, ") != std::string_view::npos) {
      return line.front();
    }
    return '#';
  }
  return '#';
}

/// Whether most rows have fields in the quotes of the guess.
inline bool is_quoted(const table_guess& guess) {
  const auto quoted = std::count_if(guess.rows.begin(), guess.rows.end(),
                                    [](const sample_row& row) { return row.quoted; });
  return quoted > 0 && 2 * static_cast<std::size_t>(quoted) >= guess.rows.size();
}

/// Whether the only cells are rows themselves: all have the sign that is between fields, at
/// least as often as the first one.
inline bool hides_rows(const table_guess& guess) {
  if (guess.rows.size() < 2) {
    return false;
  }
  for (const char sign : {',', ';', '\t'}) {
    const auto count = [&](const sample_row& row) {
      return row.cells.size() == 1 && row.quoted
                 ? std::count(row.cells[0].begin(), row.cells[0].end(), sign)
                 : 0;
    };
    const auto many = count(guess.rows.front());
    if (many > 0 && std::all_of(guess.rows.begin(), guess.rows.end(),
                                [&](const sample_row& row) { return count(row) >= many; })) {
      return true;
    }
  }
  return false;
}

/// Whether two columns of whole numbers below one name are one column of decimal commas.
inline bool is_one_column(const table_guess& guess) {
  if (guess.how.separator != ',' || guess.width != 2 || guess.first == 0 ||
      guess.rows[guess.first - 1].cells.size() != 1) {
    return false;
  }
  const auto whole = [](const sample_row& row) {
    return row.cells.size() == 2 && !row.quoted &&
           std::all_of(row.cells[1].begin(), row.cells[1].end(), is_digit) &&
           !row.cells[1].empty() && row.cells[0].find('.') == std::string::npos &&
           parse_cell(row.cells[0]).kind == cell_kind::number;
  };
  return std::all_of(guess.rows.begin() + static_cast<std::ptrdiff_t>(guess.first),
                     guess.rows.end(), whole);
}

/// Whether quotes stand behind a backslash and before more of a field, as Spark and MySQL write.
inline bool has_escaped_quotes(const std::vector<std::string>& lines, std::size_t begin,
                               char quote) {
  const std::string escaped{'\\', quote};
  for (std::size_t i = begin; i < lines.size(); ++i) {
    const std::size_t at = lines[i].find(escaped);
    if (at != std::string::npos && at + 2 < lines[i].size() &&
        (is_letter(lines[i][at + 2]) || is_digit(lines[i][at + 2]))) {
      return true;
    }
  }
  return false;
}

/// Whether a column below a word holds whole numbers with letters only, which alone may as well be
/// names: 250m, 21Mi.
inline bool has_lettered_column(const table_guess& guess) {
  const auto lettered = [](const std::string& text) {
    return !text.empty() && is_digit(text.front()) && parse_cell(text).kind == cell_kind::word;
  };
  for (std::size_t column = 0; column < guess.width; ++column) {
    const auto fits = [&](const sample_row& row) {
      return row.cells.size() == guess.width &&
             lettered(row.cells[column]) == (&row != &guess.rows.front());
    };
    if (guess.rows.size() > 1 && std::all_of(guess.rows.begin(), guess.rows.end(), fits)) {
      return true;
    }
  }
  return false;
}

/// Whether all lines from the first one on have as many fields apart by two blanks or more as that,
/// a header of words. What has quotes needs no such blanks.
inline bool is_wide_table(const table_guess& guess) {
  if (guess.how.blanks != blank_use::wide || guess.width < 2 || guess.first > 0 ||
      guess.alike < 1 || guess.rows.size() < 2 ||
      (guess.typed <= 0 && !has_lettered_column(guess)) ||
      std::any_of(guess.rows.begin(), guess.rows.end(),
                  [](const sample_row& row) { return row.quoted; })) {
    return false;
  }
  const std::vector<std::string>& head = guess.rows.front().cells;
  return std::none_of(head.begin(), head.end(),
                      [&](const std::string& name) { return is_typed(name, guess.how.signs()); });
}

/// Where the columns begin below the names in the first line, which are `least` blanks apart;
/// empty, where that is not clear.
inline std::vector<std::uint32_t>
places_of(const table_guess& guess, const std::vector<std::string>& lines, std::uint32_t least) {
  std::vector<std::string_view> printed;
  for (const sample_row& row : guess.rows) {
    printed.push_back(lines[row.first_line]);
  }
  const auto other = [&](const sample_row& row) { return row.cells.size() != guess.width; };
  const bool whole = guess.first > 0 && guess.width > 2 &&
                     std::none_of(guess.rows.begin() + static_cast<std::ptrdiff_t>(guess.first),
                                  guess.rows.end(), other);
  const bool apart = guess.width == 1 || (guess.how.separator == ' ' && !whole);
  return apart && printed.size() > 1 ? find_places(printed, least) : std::vector<std::uint32_t>();
}

/// Whether the rows of a guess stand below words and some column holds numbers or times alone, with
/// cells that are empty or have blanks in them.
inline bool is_placed_table(const table_guess& guess) {
  if (guess.first > 0 || guess.alike < 1 || guess.width < 3) {
    return false;
  }
  const std::vector<std::string>& head = guess.rows.front().cells;
  const auto typed = [&](const std::string& text) { return is_typed(text, guess.how.signs()); };
  if (std::any_of(head.begin(), head.end(),
                  [&](const std::string& name) { return name.empty() || typed(name); })) {
    return false;
  }
  std::size_t columns = 0; // of numbers or times
  for (std::size_t column = 0; column < guess.width; ++column) {
    std::size_t is = 0;
    std::size_t empty = 0;
    for (const sample_row& row : guess.rows) {
      is += typed(row.cells[column]) ? 1U : 0U;
      empty += parse_cell(row.cells[column]).kind == cell_kind::missing ? 1U : 0U;
    }
    columns += is > empty && is + empty + 1 == guess.rows.size() ? 1U : 0U;
  }
  return columns > 0;
}

/// Makes a guess of rows of many widths one below the header, if the first line holds names, each
/// once, and each row begins with a number or a time and has others. False where it is none.
inline bool make_ragged(table_guess& guess) {
  constexpr std::size_t least = 3; // names
  if (guess.how.separator == ' ' || guess.rows.size() < 4) {
    return false;
  }
  const auto typed = [&](const std::string& text) { return is_typed(text, guess.how.signs()); };
  std::vector<std::string> names = guess.rows.front().cells;
  std::sort(names.begin(), names.end());
  if (names.size() < least || names.front().empty() ||
      std::adjacent_find(names.begin(), names.end()) != names.end() ||
      std::any_of(names.begin(), names.end(), typed) ||
      !std::all_of(guess.rows.begin() + 1, guess.rows.end(), [&](const sample_row& row) {
        return row.cells.size() > 1 && typed(row.cells.front());
      })) {
    return false;
  }
  guess.width = names.size();
  guess.first = 0;
  guess.alike = guess.typed = guess.score = 1;
  return true;
}

/// The best table among all separators that may be meant; what `format` gives stays.
inline table_guess find_table(const std::vector<std::string>& lines, std::size_t begin,
                              const row_format& format) {
  dialect how;
  how.comment = format.comment != found_sign ? format.comment : find_comment_sign(lines, begin);
  how.quote = format.quote != found_sign ? format.quote : '"';
  how.escapes = has_escaped_quotes(lines, begin, how.quote);
  const number_signs given{format.decimal, format.thousands};
  std::string_view separators = ",;\t| ";
  if (format.separator != found_sign) {
    separators = {&format.separator, 1};
  }
  const auto best_of = [&](char quote) {
    table_guess best;
    best.how = how;
    for (const char separator : separators) {
      const bool blank = separator == ' ';
      for (const blank_use use : {blank ? blank_use::clocks : blank_use::words, blank_use::words}) {
        how.separator = separator;
        how.quote = quote;
        how.blanks = use;
        table_guess guess = guess_table(lines, begin, how, given);
        // a date and a clock are one field rather than two
        const bool parted = use == blank_use::words && best.how.blanks == blank_use::clocks;
        if ((blank && parted ? 0.95 : 1) * guess.score > best.score || best.rows.empty()) {
          best = std::move(guess);
        }
        if (!blank) {
          break;
        }
      }
    }
    if (separators.back() == ' ' && (best.first > 0 || best.alike < 1 || best.width == 1)) {
      how.separator = ' ';
      how.places = places_of(best, lines, 1);
      if (!how.places.empty()) {
        how.blanks = blank_use::placed;
        table_guess guess = guess_table(lines, begin, how, given);
        if (is_placed_table(guess)) {
          how.places.clear();
          return guess;
        }
        how.places.clear();
      }
      how.blanks = blank_use::wide;
      table_guess guess = guess_table(lines, begin, how, given);
      if (is_wide_table(guess)) {
        best = std::move(guess);
      }
    }
    for (const char separator : separators) {
      if (best.alike < 0.5 || best.width == 1 || best.first > 0) {
        how.separator = separator;
        how.blanks = blank_use::words;
        table_guess guess = guess_table(lines, begin, how, given);
        if (make_ragged(guess)) {
          return guess;
        }
      }
    }
    if (best.how.separator == ' ' && best.first == 0 && best.width > 2) {
      best.how.places = places_of(best, lines, 2); // later rows may have empty cells
      if (best.how.places.size() != best.width) {
        best.how.places.clear();
      }
    }
    return best;
  };
  table_guess best = best_of(how.quote);
  if (format.quote == found_sign && !is_quoted(best)) {
    table_guess quoted = best_of('\'');
    if (is_quoted(quoted) && quoted.score >= best.score) {
      return quoted;
    }
  }
  if (format.separator == found_sign && is_one_column(best)) {
    how = best.how;
    how.separator = ';';
    return guess_table(lines, begin, how, {',', '\0'});
  }
  return best;
}

/// Whether rows are a name and a number behind it, apart by blanks: topics and what was sent below
/// them, as `mosquitto_sub -v` writes. Below topics with strokes words may be sent, too; names
/// without come again, else they would be a list of one value each.
inline bool is_named_values(const table_guess& guess) {
  std::size_t rows = 0;
  std::size_t numbers = 0;
  std::size_t topics = 0;
  std::vector<std::string_view> names;
  for (std::size_t i = guess.first; i < guess.rows.size(); ++i) {
    const auto& cells = guess.rows[i].cells;
    if (cells.size() != 2) {
      continue;
    }
    const std::string& name = cells[0];
    const cell value = parse_cell(cells[1], guess.how.signs());
    if (name.empty() || is_typed(name, guess.how.signs()) ||
        name.find_first_of("=,;\"") != std::string::npos ||
        std::string_view(".!?)").find(name.back()) != std::string_view::npos) {
      return false;
    }
    const bool number = value.kind == cell_kind::number && value.unit.empty();
    if (rows++ == 0 && !number && !is_topic(name)) {
      continue; // a header
    }
    numbers += number ? 1U : 0U;
    topics += is_topic(name) ? 1U : 0U;
    names.push_back(name);
  }
  if (topics > 1 && topics == names.size()) {
    return guess.alike >= 0.5 && 2 * numbers >= topics;
  }
  std::sort(names.begin(), names.end());
  return guess.alike == 1 && numbers > 1 && numbers == names.size() &&
         std::adjacent_find(names.begin(), names.end()) != names.end();
}

/// Whether a guess is a table and no other text. Without `whole` more lines may come, and only what
/// is clear counts.
inline bool is_table(const table_guess& guess, bool given, bool whole) {
  if (guess.score <= 0) {
    return false;
  }
  if (given) { // whoever names the separator knows
    return whole || guess.typed > 0;
  }
  if (guess.width == 1) {
    const auto one_word = [](const sample_row& row) {
      return std::none_of(row.cells[0].begin(), row.cells[0].end(), is_blank);
    };
    const bool of_words = whole && guess.alike == 1 && guess.rows.size() > 1 &&
                          std::all_of(guess.rows.begin(), guess.rows.end(), one_word);
    return (guess.alike >= 0.5 && guess.typed >= 0.5) || of_words;
  }
  if (guess.how.separator == ' ') {
    return guess.how.blanks == blank_use::placed || is_wide_table(guess) ||
           (guess.alike >= 0.5 && guess.typed > 0.5) ||
           (guess.first == 0 && has_lettered_column(guess)) ||
           (guess.width == 2 && is_named_values(guess));
  }
  const bool of_text = whole && guess.alike >= 0.9;
  return guess.alike >= 0.5 && (guess.typed > 0 || of_text);
}

} // namespace hanami::detail
