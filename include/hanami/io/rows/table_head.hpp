// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.hpp"
#include "loose_names.hpp"

/// Where a table begins in the first lines, and what its columns are called.

namespace hanami::inline HANAMI_ISA::detail {

/// Finds the header among the rows of a guess.
class head_finder : loose_names {
 public:
  head_finder(const table_guess& guess, const std::vector<std::string>& lines,
              const row_format& format)
      : loose_names(guess, lines), format_(format) {
    for (const sample_row& row : guess_.rows) {
      has_typed_.push_back(std::any_of(row.cells.begin(), row.cells.end(),
                                       [&](const std::string& cell) { return typed(cell); }));
    }
    const auto typed_from = std::find(has_typed_.begin(), has_typed_.end(), true);
    of_words_ = typed_from == has_typed_.end();
  }

  table_head find() const {
    const std::size_t first = first_of_table();
    const std::size_t width = guess_.rows[first].cells.size();
    table_head head;
    std::size_t row = first; // the first one below the header
    if (format_.header == row_header::absent || !find_names(first, width, head, row)) {
      head.names.resize(width);
    }
    while (head.present && row < guess_.rows.size() && is_units(row, width)) {
      if (const std::string& unit = text(row, 0); is_time_unit(unit)) {
        head.names[0] +=
            unit.starts_with('(') || unit.starts_with('[') ? ' ' + unit : " (" + unit + ')';
      }
      ++row;
    }
    if (head.present && is_time_shaped(head.names[0]) && guess_.how.separator == ' ') {
      head.names[0] = "time";
    }
    drop_empty_end(row, head.names);
    head.first_line = row < guess_.rows.size() ? guess_.rows[row].first_line : lines_.size();
    const std::size_t begin =
        head.present ? std::min(head.header_line, guess_.rows[first].first_line) : head.first_line;
    head.skipped = static_cast<std::size_t>(
        std::count_if(guess_.rows.begin(), guess_.rows.end(),
                      [&](const sample_row& r) { return r.first_line < begin; }));
    return head;
  }

 private:
  /// The names of the columns, and in `row` where the rows begin; false where there are none.
  bool find_names(std::size_t first, std::size_t width, table_head& head, std::size_t& row) const {
    const bool told = format_.header == row_header::present;
    if (!told && find_declared(first, width, head)) {
      return head.present = true;
    }
    if (told || is_header(first, width)) {
      const std::size_t names = told ? first : last_header(first);
      head.names = guess_.rows[names].cells;
      head.header_line = guess_.rows[names].first_line;
      row = names + 1;
    } else if (first > 0 && is_narrow_header(first - 1, width)) {
      head.names = spread(guess_.rows[first - 1].cells, first, width);
      head.header_line = guess_.rows[first - 1].first_line;
    } else if (first > 0 && is_wide_header(first - 1, width)) { // rows lack cells
      head.names = guess_.rows[first - 1].cells;
      head.header_line = guess_.rows[first - 1].first_line;
    } else if (is_index_header(first, width)) {
      head.names = guess_.rows[first - 2].cells;
      head.names.insert(head.names.begin(), guess_.rows[first - 1].cells.front());
      head.header_line = guess_.rows[first - 2].first_line;
    } else {
      return find_barred(first, width, head) || find_commented(first, width, head) ||
             find_dated(first, width, head);
    }
    return head.present = true;
  }

  /// The last row of words above which words are where below there are numbers in each column:
  /// what stands above is no table, as settings of an oscilloscope. 0: there is none.
  std::size_t last_row_of_words() const {
    const std::size_t width = guess_.width;
    const auto numbers = [&](const sample_row& row) {
      return row.cells.size() == width &&
             std::all_of(row.cells.begin(), row.cells.end(), [&](const auto& c) {
               return !word(c) && (typed(c) || row.cells.size() > 2);
             });
    };
    std::size_t row = guess_.rows.size();
    while (row > 0 && numbers(guess_.rows[row - 1])) {
      --row;
    }
    if (row < 2 || row + 3 > guess_.rows.size() || width < 2) {
      return 0;
    }
    --row;
    const auto& names = guess_.rows[row].cells;
    const auto begins_with_word = [&](const sample_row& r) {
      return word(r.cells[0]) || r.cells[0].empty();
    };
    const bool clear =
        names.size() == width &&
        std::all_of(names.begin(), names.end(), [&](const auto& c) { return word(c); }) &&
        std::all_of(guess_.rows.begin(), guess_.rows.begin() + static_cast<std::ptrdiff_t>(row),
                    begins_with_word) &&
        std::find(has_typed_.begin(), has_typed_.end(), true) <
            has_typed_.begin() + static_cast<std::ptrdiff_t>(row);
    return clear ? row : 0;
  }

  /// The first row of the table: an earlier, smaller table with a header of its own counts too.
  std::size_t first_of_table() const {
    if (const std::size_t row = last_row_of_words(); row > guess_.first) {
      return row;
    }
    for (std::size_t row = guess_.first; row < std::min(guess_.first + 3, guess_.rows.size());
         ++row) { // below the name of a machine
      if (guess_.rows[row].cells.size() == guess_.width && is_timed_header(row)) {
        return row;
      }
    }
    for (std::size_t row = 0; row + 2 < guess_.first; ++row) {
      const std::size_t width = guess_.rows[row].cells.size();
      const bool body =
          guess_.rows[row + 1].cells.size() == width && guess_.rows[row + 2].cells.size() == width;
      if (width > 1 && body && is_header(row, width)) {
        const auto is_typed_cell = [&](const std::string& cell) { return typed(cell); };
        const auto& cells = guess_.rows[row + 1].cells;
        if (std::all_of(cells.begin(), cells.end(), is_typed_cell)) {
          return row;
        }
      }
    }
    return guess_.first;
  }

  /// What the rows below `row` hold in a column.
  struct column_body {
    std::size_t typed = 0;
    std::size_t words = 0;
    std::size_t wholes = 0; ///< of the typed ones: whole numbers
    std::size_t topics = 0; ///< of the words
    bool repeats = false;   ///< one of them is the cell above

    bool is_typed() const noexcept { return typed > 0 && typed > 4 * words; }
  };
  column_body body_of(std::size_t row, std::size_t width, std::size_t column) const {
    column_body body;
    for (std::size_t i = row + 1; i < guess_.rows.size(); ++i) {
      if (guess_.rows[i].cells.size() != width || (!of_words_ && !has_typed_[i])) {
        continue; // headers come again, and units below them
      }
      const auto& cells = guess_.rows[i].cells;
      if (width > 2 && is_time_shaped(text(row, 0)) && word(cells.back()) &&
          std::equal(cells.begin() + 1, cells.end(), guess_.rows[row].cells.begin() + 1)) {
        continue; // with another time
      }
      const std::string& cell = text(i, column);
      body.typed += typed(cell) ? 1U : 0U;
      body.words += word(cell) ? 1U : 0U;
      body.topics += word(cell) && is_topic(cell) ? 1U : 0U;
      body.wholes += is_whole(cell) ? 1U : 0U;
      body.repeats = body.repeats || cell == text(row, column);
    }
    return body;
  }
  /// Whether a row names what the rows below it hold.
  bool is_header(std::size_t row, std::size_t width) const {
    std::size_t names = 0;   // words above numbers
    std::size_t data = 0;    // numbers above numbers
    std::size_t wholes = 0;  // of those: whole numbers, as of years
    std::size_t words = 0;   // words above words
    std::size_t repeats = 0; // of those: words that come again
    std::size_t fractions = 0;
    std::size_t below = 0;
    for (std::size_t column = 0; column < width; ++column) {
      const std::string& cell = text(row, column);
      const column_body body = body_of(row, width, column);
      below += body.typed + body.words;
      fractions += body.typed > body.wholes ? 1 : 0;
      if (word(cell)) {
        names += body.is_typed() ? 1U : 0U;
        words += body.is_typed() ? 0U : 1U;
        const bool topic = is_topic(cell) && body.topics > 0; // one of many, it may come late
        repeats += !body.is_typed() && (body.repeats || topic) ? 1U : 0U;
      } else if (typed(cell)) {
        data += 1;
        wholes += is_whole(cell) ? 1U : 0U;
      }
    }
    if (below == 0) {
      return words > 0 && data == 0;
    }
    if (data == 0) {
      return names > 0 || 2 * repeats < words;
    }
    const bool numbered = wholes == data && distinct(row);
    const column_body front = body_of(row, width, 0);
    if (names > 0 && data == 1 && is_timed_header(row)) {
      return true;
    }
    if (names > 0) { // time,10,20
      return word(text(row, 0)) && front.is_typed() && !is_time_shaped(text(row, 0));
    }
    if (missing(text(row, 0)) && front.typed > 0 && numbered) { // of an index without a name
      return fractions + 1 >= width;
    }
    if (words > 0 && word(text(row, 0)) && repeats == 0) { // region,2019,2020
      return numbered && fractions >= data;
    }
    return is_count(row) && fractions == width && width > 1;
  }

  /// 12:00:01 CPU %user %idle, as sysstat writes it: a time and names.
  bool is_timed_header(std::size_t row) const {
    const auto& cells = guess_.rows[row].cells;
    return guess_.how.separator == ' ' && cells.size() > 2 && is_time_shaped(cells[0]) &&
           std::all_of(cells.begin() + 1, cells.end(), [&](const auto& c) { return word(c); }) &&
           distinct(row);
  }

  /// Of several lines of words before the rows, of which all may be headers: the last one that does
  /// not hold units or phrases.
  std::size_t last_header(std::size_t first) const {
    std::size_t header = first;
    if (of_words_) {
      return header;
    }
    const std::size_t width = guess_.rows[first].cells.size();
    for (std::size_t row = first + 1; row < guess_.rows.size() && !has_typed_[row]; ++row) {
      const auto& cells = guess_.rows[row].cells;
      const auto is_name = [&](const std::string& cell) {
        return word(cell) && std::none_of(cell.begin(), cell.end(), is_blank);
      };
      const auto units = std::count_if(cells.begin(), cells.end(), is_unit_word);
      if (cells.size() == width && std::all_of(cells.begin(), cells.end(), is_name) &&
          distinct(row) && 2 * static_cast<std::size_t>(units) < width) {
        header = row;
      }
    }
    return header;
  }

  /// Whether a word is a unit in which instruments write times, other than seconds.
  static bool is_time_unit(std::string_view word) {
    static constexpr auto units = std::to_array<std::string_view>(
        {"ms", "us", "\xC2\xB5s", "ns", "msec", "usec", "min", "minutes", "h", "hours", "hrs",
         "milliseconds", "microseconds", "nanoseconds"});
    const std::size_t end = word.find_last_not_of(")]") + 1;
    const std::size_t first = word.find_first_not_of("([");
    return first < end &&
           std::find(units.begin(), units.end(), word.substr(first, end - first)) != units.end();
  }

  /// Whether a word is the width and kind of a field, as USGS writes them: 5s, 20d, 14n.
  static bool is_field_format(std::string_view cell) noexcept {
    const std::size_t digits = std::min(cell.find_first_not_of("0123456789"), cell.size());
    return digits > 0 && digits + 1 == cell.size() &&
           std::string_view("sdn").find(cell.back()) != std::string_view::npos;
  }

  /// Whether a word is one of a unit, or of what programs write below names.
  static bool is_unit_word(std::string_view cell) {
    static constexpr auto known = std::to_array<std::string_view>(
        {"s",       "ms",        "us",    "ns",     "sec",     "secs",    "seconds", "min",
         "minutes", "h",         "hours", "days",   "%",       "percent", "c",       "degc",
         "degf",    "celsius",   "f",     "k",      "v",       "volt",    "volts",   "mv",
         "a",       "ma",        "amp",   "w",      "watt",    "kw",      "wh",      "kwh",
         "hz",      "khz",       "mhz",   "pa",     "hpa",     "kpa",     "bar",     "mbar",
         "psi",     "m",         "mm",    "cm",     "km",      "mph",     "kg",      "g",
         "l",       "ppm",       "ppb",   "db",     "dbm",     "rpm",     "lx",      "lux",
         "deg",     "rad",       "n",     "j",      "ts",      "rn",      "smp",     "avg",
         "max",     "tot",       "std",   "string", "float",   "double",  "int",     "long",
         "bytes",   "ohm",       "unit",  "units",  "f64",     "f32",     "i64",     "i32",
         "i16",     "u8",        "u32",   "u64",    "str",     "bool",    "date",    "varchar",
         "bigint",  "timestamp", "int64", "int32",  "float64", "integer", "boolean"});
    lower_text<8> small;
    const std::string_view text = small.of(cell);
    return is_field_format(cell) || cell.find_first_of("/%[(\xC2\xB0") != std::string_view::npos ||
           std::find(known.begin(), known.end(), text) != known.end();
  }

  bool distinct(std::size_t row) const {
    std::vector<std::string> cells = guess_.rows[row].cells;
    std::sort(cells.begin(), cells.end());
    return std::adjacent_find(cells.begin(), cells.end()) == cells.end();
  }

  /// 0, 1, 2, ...: what writers put over columns without names.
  bool is_count(std::size_t row) const {
    const auto& cells = guess_.rows[row].cells;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i] != std::to_string(i) && cells[i] != std::to_string(i + 1)) {
        return false;
      }
    }
    return cells.front() != cells.back();
  }

  /// Whether a row is a header with fewer names than the rows below have cells: one less, for the
  /// names of the rows, or all but empty cells at the end.
  bool is_narrow_header(std::size_t row, std::size_t width) const {
    const auto& cells = guess_.rows[row].cells;
    if (cells.size() >= width ||
        std::any_of(cells.begin(), cells.end(), [&](const auto& c) { return !word(c); })) {
      return false;
    }
    return cells.size() + 1 == width || empty_from(row + 1, cells.size());
  }

  bool is_wide_header(std::size_t row, std::size_t width) const {
    const auto& cells = guess_.rows[row].cells;
    return width > 1 && cells.size() > width &&
           std::all_of(cells.begin(), cells.end(), [&](const auto& c) { return word(c); });
  }

  /// Names of a narrow header over all columns. What rows begin with has no name then, but where
  /// it ends in a colon it is the time.
  std::vector<std::string> spread(std::vector<std::string> names, std::size_t row,
                                  std::size_t width) const {
    if (!empty_from(row, names.size())) {
      names.insert(names.begin(), guess_.rows[row].keyed ? "time" : "");
    }
    names.resize(width);
    return names;
  }

  /// Whether a row below the header holds the units: words over columns of numbers only, and
  /// numbers, which are settings then, where nothing else stands below the name.
  bool is_units(std::size_t row, std::size_t width) const {
    if (guess_.rows[row].cells.size() != width) {
      return false;
    }
    const auto& cells = guess_.rows[row].cells;
    if (width > 1 && std::all_of(cells.begin(), cells.end(), is_field_format)) {
      return true;
    }
    std::size_t over = 0;
    std::size_t units = 0;
    std::size_t words = 0; // over words
    for (std::size_t column = 0; column < width; ++column) {
      const column_body body = body_of(row, width, column);
      const std::string& cell = text(row, column);
      if (typed(cell) && body.typed > 0) {
        return false;
      }
      words += word(cell) && body.words > 0 ? 1U : 0U;
      over += word(cell) && body.is_typed() ? 1U : 0U;
      units += word(cell) && body.is_typed() && is_unit_word(cell) ? 1U : 0U;
    }
    return over > 0 && (words == 0 || units > words);
  }

  /// A last column without a name in which nothing stands is none.
  void drop_empty_end(std::size_t row, std::vector<std::string>& names) const {
    while (names.size() > 1 && names.back().empty() && empty_from(row, names.size() - 1)) {
      names.pop_back();
    }
  }

  const row_format& format_;
  std::vector<bool> has_typed_; ///< whether a row has a number or a time
  bool of_words_ = false;       ///< no row has
};

/// Whether the only row of all may yet turn out to be a header, like region,2019,2020.
inline bool may_be_header(const table_guess& guess, const table_head& head) {
  const auto typed = [&](const std::string& cell) {
    return is_typed(cell, guess.how.signs()) && !std::all_of(cell.begin(), cell.end(), is_digit);
  };
  const auto& cells = guess.rows[guess.first].cells;
  return !head.present && guess.rows.size() == guess.first + 1 &&
         std::none_of(cells.begin(), cells.end(), typed) &&
         (cells[0] == "0" || cells[0] == "1" || !is_typed(cells[0], {}));
}

} // namespace hanami::detail
