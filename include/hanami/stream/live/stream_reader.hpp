// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "../../io/row_reader.hpp"
#include "../time_column.hpp"

namespace hanami::inline HANAMI_ISA {

/// How lines are read as rows of a stream; what is not said is found.
struct stream_reader_options {
  row_format format;
  time_options time;
  std::vector<std::string> columns; ///< to learn; empty: every field of numbers but time and key
  std::string by;                   ///< field that tells streams apart: a device's name, a topic
};

/// One row of a stream. Its texts are good until the reader goes on.
struct stream_row {
  double time = std::numeric_limits<double>::quiet_NaN(); ///< seconds, NaN: not known
  std::string_view time_text;                             ///< as it stands in the line
  std::string_view key;                                   ///< what the field `by` holds
  /// The columns that the row has, in the order in which they appeared; NaN: a missing value.
  std::vector<std::pair<std::string_view, double>> values;
};

/// Rows of a stream from lines of text as they come: CSV of any dialect or JSON, as `row_reader`
/// reads them, with the time found among the fields. Text is left out.
///
///     hanami::stream_reader reader;
///     hanami::keyed_streams streams;
///     while (std::getline(stream, line)) {
///       for (reader.feed(line); reader.next();) {
///         const hanami::stream_row& row = reader.row();
///         streams[row.key].observe(row.values, row.time);
///       }
///     }
///     for (reader.finish(); reader.next();) { ... }
///
/// The first rows, 10 to 32, are waited for: they tell which field is the time, in which unit, and
/// which fields are text. Not safe from several threads.
class stream_reader {
 public:
  stream_reader() = default;
  /// Throws `errc::invalid_argument` for signs, forms or units that cannot be.
  explicit stream_reader(stream_reader_options options)
      : rows_(std::move(options.format)), time_(options.time), wanted_(std::move(options.columns)),
        by_(std::move(options.by)) {}

  /// Takes the next line, whose text must live until `next` has returned false. `cut`: it is the
  /// beginning of one too long to be read.
  void feed(std::string_view line, bool cut = false) { rows_.feed(line, cut); }

  /// No line is at hand at the moment: what waits becomes rows now if that is clear enough.
  void settle() {
    rows_.settle();
    idle_ = true;
  }

  /// The input ends, or another file begins: what waits becomes rows.
  void finish() {
    rows_.finish();
    idle_ = ended_ = true;
  }

  /// Goes to the next row; false where more lines are needed. Throws `errc::invalid_data` where a
  /// field that was asked for is not in the header.
  bool next() {
    for (;;) {
      if (!chosen_) {
        if (rows_.next()) {
          hold();
        } else if (!first_.empty() && (ended_ || (idle_ && first_.size() >= least_rows))) {
          choose();
        } else {
          idle_ = ended_ = false;
          return false;
        }
      } else if (!first_.empty()) {
        last_ = std::move(first_.front());
        first_.pop_front();
        if (take(last_.cells, last_.line, false)) {
          return true;
        }
      } else if (!rows_.next()) {
        idle_ = ended_ = false;
        return false;
      } else if (take(rows_.cells(), rows_.line(), true)) {
        return true;
      }
    }
  }

  const stream_row& row() const noexcept { return row_; }

  /// Whether the time and the columns have been found: the first rows are there.
  bool begun() const noexcept { return chosen_; }
  bool timed() const noexcept { return time_.timed(); }
  /// One sentence: which field is the time, and how it is read.
  std::string time_description() const { return time_.description(rows_.fields()); }
  /// Columns so far that have had a value, or were asked for.
  const std::vector<std::string>& columns() const noexcept { return columns_; }
  /// Whether columns were asked for by name.
  bool columns_given() const noexcept { return !wanted_.empty(); }
  /// The names of fields that hold text and are left out.
  std::vector<std::string> texts() const {
    std::vector<std::string> names;
    for (std::size_t f = 0; f < fields_.size(); ++f) {
      if (fields_[f].use == field_use::unknown && fields_[f].texts > 0) {
        names.push_back(rows_.fields()[f]);
      }
    }
    return names;
  }
  /// All fields so far.
  const std::vector<std::string>& fields() const noexcept { return rows_.fields(); }

  /// What has been wrong so far, by kind.
  const row_troubles& troubles() const noexcept { return rows_.troubles(); }
  /// The same, which are forgotten.
  row_troubles take_troubles() { return std::exchange(rows_.troubles(), {}); }
  /// Lines that should have been rows and are none.
  std::uint64_t lost_lines() const noexcept { return rows_.lost_lines(); }
  std::uint64_t lines() const noexcept { return rows_.lines(); }
  /// Why the text is no table, once that is clear; empty: nothing is wrong so far.
  const std::string& refusal() const noexcept { return rows_.refusal(); }

  /// Between rows, when it has begun.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, time_, wanted_, by_, columns_, fields_);
    archive.require(
        fields_.size() <= rows_.fields().size() &&
            std::all_of(fields_.begin(), fields_.end(),
                        [&](const field_state& field) { return field.use <= field_use::left_out; }),
        "a field that is not there");
    if constexpr (Archive::reading) {
      chosen_ = true;
      first_.clear();
      key_ = by_.empty() ? row_reader::no_field : rows_.field(by_);
    }
  }

 private:
  static constexpr std::size_t least_rows = 10;

  enum class field_use : std::uint8_t { unknown, column, time, key, left_out };

  struct field_state {
    field_use use = field_use::unknown;
    std::uint32_t numbers = 0; ///< seen before it became a column
    std::uint32_t texts = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(use, numbers, texts);
    }
  };

  struct held_row {
    std::uint64_t line = 0;
    std::vector<row_cell> cells;
    std::vector<std::string> texts; ///< of the cells
  };

  void hold() {
    const std::span<const row_cell> cells = rows_.cells();
    held_row& held = first_.emplace_back();
    held.line = rows_.line();
    held.cells.assign(cells.begin(), cells.end());
    for (const row_cell& cell : cells) {
      held.texts.emplace_back(cell.text);
    }
    for (std::size_t i = 0; i < held.cells.size(); ++i) {
      held.cells[i].text = held.texts[i]; // stays where it is when the row is moved
    }
    time_.look(rows_.fields(), cells);
    if (first_.size() >= time_column::most_looks ||
        (first_.size() >= least_rows && time_.sure(rows_.fields()))) {
      choose();
    }
  }

  void choose() {
    if (!rows_.names_itself() &&
        (rows_.dialect().separator == ';' || rows_.dialect().decimal == ',')) {
      time_.prefer_day_first(); // as in all countries whose spreadsheets write so
    }
    time_.choose(rows_.fields());
    chosen_ = true;
    if (time_.backwards() && first_.size() >= least_rows) {
      rows_.troubles().add("times run backwards and rows are learned as they come; reversed, as by "
                           "tac, they would be learned in the order of time",
                           {first_.front().line}, {}, trouble_weight::note);
    }
    for (const std::string& name : wanted_) {
      if (!rows_.names_itself() && rows_.field(name) == row_reader::no_field) {
        refuse_unknown(name);
      }
      columns_.push_back(name);
    }
    if (!by_.empty() && !rows_.names_itself() && rows_.field(by_) == row_reader::no_field) {
      refuse_unknown(by_);
    }
    fit_fields();
    for (const held_row& held : first_) {
      for (std::size_t f = 0; f < held.cells.size(); ++f) {
        count(fields_[f], held.cells[f]);
      }
    }
    note_key();
    const bool drop_single = has_other_messages();
    const std::vector<row_cell>& last = first_.back().cells;
    for (std::size_t f = 0; f < fields_.size(); ++f) {
      const bool again =
          !drop_single || fields_[f].numbers > 1 || (f < last.size() && has_value(last[f].kind));
      if (fields_[f].use == field_use::unknown && fields_[f].numbers > fields_[f].texts && again) {
        admit(f);
      }
    }
  }

  /// Says so where most of the first rows share their times with others, and a field of words tells
  /// those apart: they are of several devices, in one stream.
  void note_key() {
    constants_.clear();
    if (!by_.empty() || !time_.timed()) {
      return;
    }
    const auto is_word = [](const row_cell& cell) { return cell.kind == cell_kind::text; };
    const auto is_number = [](const row_cell& cell) { // of a processor or a slave
      return cell.kind == cell_kind::vague || cell.kind == cell_kind::text ||
             (!cell.text.empty() && std::all_of(cell.text.begin(), cell.text.end(),
                                                [](char c) { return c >= '0' && c <= '9'; }));
    };
    for (std::size_t f = 0; f < fields_.size(); ++f) {
      if (tells_apart(f, is_word, true)) {
        return;
      }
    }
    for (std::size_t f = 0; f < fields_.size(); ++f) {
      if (fields_[f].use != field_use::time && tells_apart(f, is_number, false)) {
        return;
      }
    }
  }

  /// Whether what stands in a field tells rows of one time apart, in cells that fit, which then has
  /// been said. `of_words`: these are words, and a field of one
  /// word so far is kept in mind.
  template <class Fits>
  bool tells_apart(std::size_t f, Fits fits, bool of_words) {
    std::vector<std::pair<std::string, std::string>> seen; // times and words
    std::vector<std::string> words;
    for (const held_row& row : first_) {
      if (fields_[f].use == field_use::unknown && f < row.cells.size() && fits(row.cells[f])) {
        seen.emplace_back(time_.text(row.cells), row.texts[f]);
        words.push_back(row.texts[f]);
      }
    }
    std::sort(seen.begin(), seen.end());
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    if (of_words && words.size() == 1 && seen.size() == first_.size()) {
      constants_.emplace_back(f, words.front());
    }
    const std::size_t cells = seen.size();
    const bool distinct = std::adjacent_find(seen.begin(), seen.end()) == seen.end();
    seen.erase(std::unique(seen.begin(), seen.end(),
                           [](const auto& a, const auto& b) { return a.first == b.first; }),
               seen.end());
    // numbers that tell rows apart come again at each time
    const bool again = of_words || cells + words.size() > seen.size() * words.size();
    if (!(distinct && again && words.size() > 1 && first_.size() >= 2 * words.size() &&
          4 * seen.size() <= 3 * first_.size())) {
      return false;
    }
    rows_.troubles().add("several rows have one time and differ in '" + rows_.fields()[f] +
                             "', which --by would keep apart",
                         {first_.front().line}, {}, trouble_weight::note);
    return true;
  }

  /// Says so where times begin anew with another word in a field that has held one word so far.
  void note_stack(std::span<const row_cell> cells, std::uint64_t line) {
    first_time_ = std::isnan(first_time_) ? row_.time : first_time_;
    if (!(row_.time <= first_time_ && last_time_ > first_time_)) {
      last_time_ = row_.time;
      return;
    }
    for (const auto& [field, word] : constants_) {
      if (field < cells.size() && cells[field].kind == cell_kind::text &&
          cells[field].text != word) {
        rows_.troubles().add("times begin anew where '" + rows_.fields()[field] +
                                 "' changes; --by would keep such series apart",
                             {line}, cells[field].text, trouble_weight::note);
        break;
      }
    }
    constants_.clear();
  }

  /// Whether a few of the first rows have no number that any other has: messages of another kind,
  /// such as a version.
  bool has_other_messages() const {
    const auto others = std::count_if(first_.begin(), first_.end(), [&](const held_row& row) {
      for (std::size_t f = 0; f < row.cells.size(); ++f) {
        if (has_value(row.cells[f].kind) && fields_[f].numbers > 1) {
          return false;
        }
      }
      return true;
    });
    return others > 0 && first_.size() >= least_rows * static_cast<std::size_t>(others);
  }

  [[noreturn]] void refuse_unknown(const std::string& name) const {
    std::string known;
    for (const std::string& field : rows_.fields()) {
      known += (known.empty() ? "" : ", ") + field;
    }
    raise(errc::invalid_data, "there is no column '" + name + "'; there are " + known);
  }

  /// Decides what fields that are new are for.
  void fit_fields() {
    const std::vector<std::string>& names = rows_.fields();
    time_.add_fields(names);
    for (std::size_t f = fields_.size(); f < names.size(); ++f) {
      fields_.emplace_back();
    }
    for (std::size_t f = 0; f < names.size(); ++f) {
      field_use& use = fields_[f].use;
      if (names[f] == by_ && !by_.empty()) {
        use = field_use::key;
      } else if (std::find(wanted_.begin(), wanted_.end(), names[f]) != wanted_.end()) {
        use = field_use::column;
      } else if (time_.is_time(f)) {
        use = field_use::time;
      } else if (!wanted_.empty()) {
        use = field_use::left_out;
      }
    }
    key_ = by_.empty() ? row_reader::no_field : rows_.field(by_);
  }

  static void count(field_state& field, const row_cell& cell) noexcept {
    if (field.use == field_use::unknown) {
      field.numbers += has_value(cell.kind) || cell.kind == cell_kind::infinite ? 1U : 0U;
      field.texts += cell.kind == cell_kind::text ? 1U : 0U;
    }
  }

  void admit(std::size_t field) {
    fields_[field].use = field_use::column;
    columns_.push_back(rows_.fields()[field]);
  }

  /// Makes a row of cells; false if it is none. `fresh`: its cells have not been counted.
  bool take(std::span<const row_cell> cells, std::uint64_t line, bool fresh) {
    if (fields_.size() < cells.size()) {
      fit_fields();
    }
    row_.values.clear();
    bool any = !rows_.names_itself() && !columns_.empty();
    for (std::size_t f = 0; f < cells.size(); ++f) {
      if (fields_[f].use == field_use::unknown && fresh) {
        count(fields_[f], cells[f]);
        if (has_value(cells[f].kind) && fields_[f].numbers > fields_[f].texts) {
          admit(f);
        }
      }
      if (fields_[f].use == field_use::column && cells[f].kind != cell_kind::absent) {
        any = true;
        take_cell(f, cells[f], line);
      }
    }
    if (!any) {
      rows_.troubles().add("there is no number to learn; it is left out", {line}, {},
                           trouble_weight::note);
      return false;
    }
    row_.key = key_ < cells.size() ? detail::trim_blanks(cells[key_].text) : std::string_view();
    if (row_.key.empty() && !by_.empty()) {
      rows_.troubles().add("the row has no '" + by_ + "' and is left out", {line});
      return false;
    }
    take_time(cells, line);
    return true;
  }

  void take_cell(std::size_t field, const row_cell& cell, std::uint64_t line) {
    row_.values.emplace_back(rows_.fields()[field], cell.value);
    if (cell.kind == cell_kind::text) {
      rows_.troubles().add("no number in column '" + rows_.fields()[field] + "', a missing value",
                           {line}, cell.text);
    }
  }

  void take_time(std::span<const row_cell> cells, std::uint64_t line) {
    row_.time = std::numeric_limits<double>::quiet_NaN();
    row_.time_text = {};
    if (!time_.timed()) {
      return;
    }
    const row_time read = time_.read(cells);
    row_.time = read.seconds;
    if (!constants_.empty()) {
      note_stack(cells, line);
    }
    row_.time_text = detail::trim_blanks(time_.text(cells));
    if (read.what == row_time::state::unreadable) {
      rows_.troubles().add("a time cannot be read, the row counts without; " +
                               std::string(time_column::readable),
                           {line}, row_.time_text);
    } else if (read.corrected && !corrected_) {
      corrected_ = true;
      rows_.troubles().add("day and month of earlier times were taken for each other", {line},
                           row_.time_text, trouble_weight::note);
    }
  }

  row_reader rows_;
  time_column time_;
  std::vector<std::string> wanted_;
  std::string by_;
  std::vector<std::string> columns_;
  std::vector<field_state> fields_;
  std::size_t key_ = row_reader::no_field;
  std::deque<held_row> first_; ///< rows until it is known how to take them
  held_row last_;
  stream_row row_;
  std::vector<std::pair<std::size_t, std::string>> constants_; ///< fields of one word so far
  double first_time_ = std::numeric_limits<double>::quiet_NaN();
  double last_time_ = std::numeric_limits<double>::quiet_NaN();
  bool chosen_ = false;
  bool idle_ = false;
  bool ended_ = false;
  bool corrected_ = false;
};

} // namespace hanami
