// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "field_text.hpp"

/// The first lines of a text, split in one way, and how much that looks like a table.

namespace hanami::inline HANAMI_ISA::detail {

/// Whether a line is a comment. A first field like #N/A makes it none.
inline bool is_comment(std::string_view line, char sign) noexcept {
  line = trim_blanks(line);
  if (line.empty() || line.front() != sign) {
    return false;
  }
  if (sign == '/') {
    return line.starts_with("//");
  }
  const std::string_view word = line.substr(0, line.find_first_of(",;\t|"));
  return sign != '#' || word.size() == line.size() || word.size() < 2 ||
         parse_cell(word).kind != cell_kind::missing;
}

/// A row of the first lines, cell by cell, and the lines that it stands in.
struct sample_row {
  std::size_t first_line = 0;
  std::size_t last_line = 0;
  bool after_break = false; ///< a blank line or a comment stands before it
  bool keyed = false;       ///< a colon stands behind its first cell
  bool quoted = false;      ///< a field stands in quotes
  std::vector<std::string> cells;
};

/// Splits the lines from `begin` on that are neither blank nor comments nor drawn.
inline std::vector<sample_row> split_sample(const std::vector<std::string>& lines,
                                            std::size_t begin, const dialect& how) {
  constexpr std::size_t longest = 20; // lines of one quoted field
  constexpr std::size_t most_cells = std::size_t{1} << 18;
  std::size_t cells = 0;
  std::vector<sample_row> rows;
  bool broken = true;
  std::string plain;
  for (std::size_t i = begin; i < lines.size() && cells < most_cells; ++i) {
    if (is_blank_line(lines[i]) || is_comment(lines[i], how.comment) || is_drawn_line(lines[i]) ||
        is_row_count(lines[i])) {
      broken = true;
      continue;
    }
    sample_row row{i, i, broken, false, false, {}};
    broken = false;
    std::string line = lines[i];
    const auto split = [&] {
      row.cells.clear();
      return for_fields(line, how, plain, [&](const field_text& field) {
        row.cells.emplace_back(trim_blanks(field.text));
        row.keyed = row.keyed || field.key;
        row.quoted = row.quoted || field.quoted;
      });
    };
    bool open = split();
    while (open && row.last_line + 1 < lines.size() && row.last_line < i + longest) {
      line += '\n' + lines[++row.last_line];
      open = split();
    }
    if (open) { // a quote that belongs to the text
      row.last_line = i;
      line = lines[i];
      split();
    }
    i = row.last_line;
    cells += row.cells.size();
    rows.push_back(std::move(row));
  }
  return rows;
}

/// How many numbers of some rows speak for one or the other sign.
class sign_votes {
 public:
  void see(const std::vector<std::string>& cells) {
    wholes_.resize(std::max(wholes_.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      see(cells[i], wholes_[i]);
    }
  }

  /// The signs that explain most numbers; those given stay.
  number_signs signs(number_signs given) const {
    number_signs found = given;
    if (given.decimal == found_sign && given.thousands == '.') {
      found.decimal = ',';
    } else if (given.decimal == found_sign) {
      const bool apart = std::any_of(wholes_.begin(), wholes_.end(), [](const whole_numbers& w) {
        return w.plain > 0 && w.grouped > 0; // 950 and 1,020 in one column
      });
      const bool grouped = grouped_by_comma_ > 0 || given.thousands == ',' || apart;
      const bool comma = lists_ == 0 && (commas_ > points_ ||
                                         (commas_ + points_ == 0 && doubtful_ > 0 && !grouped));
      found.decimal = comma && given.thousands != ',' ? ',' : '.';
      const bool only_groups = doubtful_ > 0 && commas_ == 0 && points_ > 0; // 1,234 and 5.6
      if (given.thousands == found_sign && found.decimal == '.' && (grouped || only_groups)) {
        found.thousands = ',';
      }
    }
    if (given.thousands == found_sign && found.decimal == ',' && grouped_by_point_ > 0) {
      found.thousands = '.';
    }
    if (given.thousands == found_sign && found.decimal == '.' && grouped_by_comma_ > 0) {
      found.thousands = ',';
    }
    if (given.thousands == found_sign && found.thousands == '\0' && grouped_by_blank_ > 0) {
      found.thousands = ' ';
    }
    if (found.thousands == no_sign) {
      found.thousands = '\0';
    }
    return found;
  }

 private:
  struct whole_numbers {
    std::size_t plain = 0;   ///< 1 to 3 digits
    std::size_t grouped = 0; ///< 1,020: may be a thousand or a fraction
  };

  /// Whether a number begins with a zero and another digit.
  static bool is_padded_number(std::string_view text) {
    text.remove_prefix(text.front() == '+' || text.front() == '-' ? 1 : 0);
    return text.size() > 2 && text[0] == '0' && is_digit(text[1]);
  }

  static bool is_number(std::string_view text, char decimal) {
    double value = 0;
    const char* const last = text.data() + text.size();
    return !text.empty() && take_number(text.data(), last, decimal, value) == last;
  }

  void see(std::string_view text, whole_numbers& whole) {
    if (const std::size_t end = text.find_last_of("0123456789") + 1;
        end > 0 && end < text.size() &&
        (is_unit(text.substr(end)) || !scale_of(trim_blanks(text.substr(end))).base.empty())) {
      text = text.substr(0, end); // without its unit
    }
    std::string joined;
    if (ungroup(text, ' ', joined) && joined.find_first_of(".,") != std::string::npos) {
      ++grouped_by_blank_;
      text = joined;
    }
    const auto commas = std::count(text.begin(), text.end(), ',');
    const auto points = std::count(text.begin(), text.end(), '.');
    std::string plain;
    if (commas == 0 && points == 0) {
      whole.plain += text.size() <= 3 && is_number(text, '.') ? 1U : 0U;
    } else if (commas == 0 && points == 1) {
      points_ += is_number(text, '.') ? 1U : 0U;
    } else if (commas == 1 && points == 0 && is_padded_number(text)) {
      ++lists_; // +0123,1: a number and a flag, in fields of one width
    } else if (commas == 1 && points == 0) {
      const bool group = ungroup(text, ',', plain) && is_number(plain, '.') && text.front() != '0';
      if (is_number(text, ',')) {
        (group ? doubtful_ : commas_) += 1;
        whole.grouped += group ? 1 : 0;
      }
    } else if (ungroup(text, ',', plain) && is_number(plain, '.')) {
      ++grouped_by_comma_;
      points_ += static_cast<std::size_t>(points);
    } else if (ungroup(text, '.', plain) && is_number(plain, ',')) {
      ++grouped_by_point_;
      commas_ += static_cast<std::size_t>(commas) + 1;
    }
  }

  std::size_t commas_ = 0; ///< numbers with a decimal comma
  std::size_t points_ = 0;
  std::size_t lists_ = 0;
  std::size_t doubtful_ = 0; ///< decimal commas, or commas between thousands
  std::size_t grouped_by_comma_ = 0;
  std::size_t grouped_by_point_ = 0;
  std::size_t grouped_by_blank_ = 0;
  std::vector<whole_numbers> wholes_; ///< of each column
};

/// The most likely table in the first lines.
struct table_guess {
  dialect how;
  std::vector<sample_row> rows;
  std::size_t width = 0;
  std::size_t first = 0; ///< of the rows: the first of that width
  double score = 0;      ///< 0: there is none
  double typed = 0;      ///< share of the cells that are numbers, truth values or times
  double alike = 0;      ///< share of the rows from `first` on that have that width
};

/// Rates rows of one width as a table.
inline void rate(table_guess& guess, std::size_t width) {
  const std::vector<sample_row>& rows = guess.rows;
  const auto fits = [&](const sample_row& row) { return row.cells.size() == width; };
  const auto first = std::find_if(rows.begin(), rows.end(), fits);
  if (first == rows.end()) {
    return;
  }
  const auto repeats = [&](const sample_row& row) { // a header that comes again
    return width > 2 && !is_typed(first->cells.back(), guess.how.signs()) &&
           std::equal(row.cells.begin() + 1, row.cells.end(), first->cells.begin() + 1);
  };
  std::size_t typed = 0;
  std::size_t cells = 0;
  std::size_t pairs = 0;
  std::size_t parted = 0; // with a sign inside that parts fields elsewhere
  for (auto row = first; row != rows.end(); ++row) {
    if (!fits(*row) || (row != first && repeats(*row))) {
      continue;
    }
    for (const std::string& text : row->cells) {
      const cell_kind kind = parse_cell(text, guess.how.signs()).kind;
      const std::size_t sign = text.find('=');
      cells += kind != cell_kind::missing && kind != cell_kind::vague ? 1 : 0;
      const bool is = is_typed(text, guess.how.signs());
      typed += is ? 1U : 0U;
      parted += text.find_first_of(",;\t|") != std::string::npos && (!is || width == 1) ? 1U : 0U;
      pairs += sign != std::string::npos && sign > 0 && is_letter(text.front()) ? 1U : 0U;
    }
  }
  const auto count = static_cast<double>(std::count_if(first, rows.end(), fits));
  const double share = cells == 0 ? 0 : static_cast<double>(typed) / static_cast<double>(cells);
  // rows of numbers that would be left out speak against it
  const auto data = [&](const sample_row& row) {
    return row.cells.size() > 1 &&
           std::any_of(row.cells.begin(), row.cells.end(),
                       [&](const std::string& c) { return is_typed(c, guess.how.signs()); });
  };
  const auto left_out = 2 * std::count_if(rows.begin(), first, data);
  const double alike = count / static_cast<double>(rows.end() - first + left_out);
  const double before =
      static_cast<double>(first - rows.begin()) / static_cast<double>(rows.size());
  const double all = count / static_cast<double>(rows.size()) * (1 - before / 4);
  const bool of_pairs = 3 * pairs > cells && width > 1; // name=value name=value
  const double single = 2 * parted > cells ? 0.15 : 0.5;
  const double doubt = width == 1 ? single : guess.how.separator == ' ' ? 0.7 : 1.0;
  const double fields = static_cast<double>(std::min<std::size_t>(width, 9)) / 100; // the more
  const double whole =
      cells == 0 ? 1 : 1 - 0.95 * static_cast<double>(parted) / static_cast<double>(cells);
  const double score = of_pairs ? 0 : all * alike * (0.1 + share + fields) * doubt * whole;
  if (score > guess.score) {
    guess.width = width;
    guess.first = static_cast<std::size_t>(first - rows.begin());
    guess.score = score;
    guess.typed = share;
    guess.alike = alike;
  }
}

/// The columns in which numbers have the letters of prefixes behind them, or m beside bare numbers,
/// which are thousandths then and neither metres nor minutes.
inline std::vector<std::uint8_t> factored_columns(const std::vector<sample_row>& rows,
                                                  number_signs signs) {
  constexpr std::uint8_t factor = 1;
  constexpr std::uint8_t bare = 2;
  constexpr std::uint8_t thousandth = 4;
  std::vector<std::uint8_t> seen;
  for (const sample_row& row : rows) {
    seen.resize(std::max(seen.size(), row.cells.size()));
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const std::string& text = row.cells[i];
      const bool number = !text.empty() && (is_digit(text.front()) || text.front() == '-');
      const cell found = number ? parse_cell(text, signs) : cell{};
      const bool bare_number =
          found.kind == cell_kind::number && found.unit.empty() && found.value != 0;
      const std::uint8_t is = is_factor(found.unit) ? factor
                              : found.unit == "m"   ? thousandth
                              : bare_number         ? bare
                                                    : std::uint8_t{0};
      seen[i] = static_cast<std::uint8_t>(seen[i] | is);
    }
  }
  for (std::uint8_t& column : seen) {
    column =
        (column & factor) != 0 || column == (bare | thousandth) ? std::uint8_t{1} : std::uint8_t{0};
  }
  return seen;
}

inline table_guess guess_table(const std::vector<std::string>& lines, std::size_t begin,
                               const dialect& how, number_signs given) {
  table_guess guess{how, split_sample(lines, begin, how), 0, 0, 0, 0, 0};
  sign_votes votes;
  std::vector<std::size_t> widths;
  for (const sample_row& row : guess.rows) {
    votes.see(row.cells);
    widths.push_back(row.cells.size());
  }
  const number_signs signs = votes.signs(given);
  guess.how.decimal = signs.decimal;
  guess.how.thousands = signs.thousands;
  guess.how.factored = factored_columns(guess.rows, signs);
  std::sort(widths.begin(), widths.end());
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  for (const std::size_t width : widths) {
    rate(guess, width);
  }
  return guess;
}

} // namespace hanami::detail
