// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "cell.hpp"
#include "row_format.hpp"
#include "row_troubles.hpp"
#include "rows/csv_rows.hpp"
#include "rows/dialect.hpp"
#include "rows/foreign_text.hpp"
#include "rows/instrument_text.hpp"
#include "rows/json_rows.hpp"
#include "rows/named_rows.hpp"
#include "rows/protocol_rows.hpp"
#include "rows/row_state.hpp"
#include "rows/table_head.hpp"
#include "rows/text_code.hpp"

namespace hanami::inline HANAMI_ISA {

/// The one reader of rows: takes text line by line, as files and pipes give it, and gives rows of
/// named cells. What a `row_format` does not say the first lines do: CSV with any usual separator,
/// quotes, decimal sign, comments, with a header or none, with other text before it and units below
/// it, or with the name of its column in each field (temp:20.5); or JSON objects, one a line or
/// over several, nested, in lists, behind a topic, inside of one object, or lists of values; or
/// names beside values, on one line (temp=20.5 hum=58, Temp: 20.5 C, Hum: 58 %) or a line each.
/// Where the format says so, lines are of InfluxDB's line protocol.
///
///     row_reader reader;
///     while (std::getline(stream, line)) {
///       for (reader.feed(line); reader.next();) { reader.cells() ... }
///     }
///     for (reader.finish(); reader.next();) { ... }
///
/// Fields have numbers in the order in which they appear, and names. They may come in any order,
/// late, vanish and return; a new header in the middle is followed. A damaged cell costs no row and
/// a damaged line no other line: both are counted in `troubles`. Not safe from several threads.
class row_reader {
 public:
  static constexpr std::size_t no_field = static_cast<std::size_t>(-1);

  row_reader() : row_reader(row_format{}) {}
  /// Throws `errc::invalid_argument` for signs that cannot be.
  explicit row_reader(row_format format) : format_(std::move(format)) {
    check(format_);
    state_.max_fields = format_.max_fields;
  }

  /// Takes the next line, with or without its end. Rows come from `next`, which must have returned
  /// false; the text must live as long as they are looked at. `cut`: it is the beginning of a line
  /// too long to be read, and is left out.
  void feed(std::string_view line, bool cut = false) {
    ++state_.line;
    if (cut) {
      if (const char* file = state_.line == 1 ? detail::foreign_file(line) : nullptr) {
        refusal_ = file;
        return;
      }
      ++state_.lost;
      state_.troubles.add("a line is too long; it is left out", {state_.line}, line);
      return;
    }
    if (line.ends_with('\n')) {
      line.remove_suffix(1);
    }
    if (state_.line == 1) {
      code_ = detail::code_of(line);
      arrows_ = detail::has_arrow(line);
    }
    if (arrows_ || code_ != detail::text_code::bytes || line.empty() ||
        !detail::is_digit(line.front())) {
      line = undress(line);
    }
    if (decided_ || !refusal_.empty()) {
      fed_ = line;
      has_fed_ = decided_;
      return;
    }
    wait(line);
  }

  /// No line is at hand at the moment: what waits becomes rows now if it is clear how to read it. A
  /// reader of a live stream calls it before it waits itself, so that a row is there as soon as its
  /// line is.
  void settle() {
    if (!decided_ && refusal_.empty()) {
      decide(false);
    }
  }

  /// The input ends: decides by what is there.
  void finish() {
    if (!decided_ && refusal_.empty()) {
      decide(true);
    }
    ended_ = true;
  }

  /// Goes to the next row; false where more lines are needed.
  bool next() {
    while (decided_) {
      if (json_ && rows_of_json_.next(state_)) {
        return true;
      }
      std::string_view line;
      if (!take_line(line)) {
        return std::exchange(ended_, false) && finish_rows();
      }
      if (json_) {
        rows_of_json_.take(line, state_);
      } else if (in_protocol() ? rows_of_protocol_.take(line, state_)
                 : named_      ? rows_by_name_.take(line, state_)
                               : take_csv(line)) {
        if (sampled_.step > 0) {
          time_row();
        }
        return true;
      }
    }
    return false;
  }

  /// The cells of the row, one a field, `absent` where the row has none.
  std::span<const row_cell> cells() const noexcept { return state_.cells; }
  /// The names of all fields so far.
  const std::vector<std::string>& fields() const noexcept { return state_.fields.names(); }
  /// The number of a field, or `no_field`.
  std::size_t field(std::string_view name) const {
    const std::uint32_t found = state_.fields.find(name);
    return found == detail::row_fields::none ? no_field : found;
  }
  /// Whether a field has had a number so far.
  bool numeric(std::size_t field) const noexcept {
    return state_.fields.numeric(static_cast<std::uint32_t>(field));
  }

  /// The line in which the row begins, from 1.
  std::uint64_t line() const noexcept { return state_.row_line; }
  /// Where a cell of the row begins; with CSV only.
  row_position position(std::size_t field) const noexcept {
    const auto [column, lines] = rows_of_csv_.place_of(state_.cells[field]);
    return {state_.row_line + lines, column + 1};
  }
  /// Fields of the last line and of a whole row, with CSV.
  std::size_t width() const noexcept { return rows_of_csv_.taken(); }
  std::size_t whole_width() const noexcept { return rows_of_csv_.width(); }

  /// Whether it is known how the rows stand.
  bool decided() const noexcept { return decided_; }
  /// Whether each row names its own fields, as JSON does, once decided.
  bool names_itself() const noexcept { return json_ || named_ || in_protocol(); }
  /// Whether the names stand in a header, once decided.
  bool headed() const noexcept { return headed_; }
  /// The separator, quote and signs of CSV, once decided.
  const detail::dialect& dialect() const noexcept { return rows_of_csv_.how(); }

  /// Why the text is no table, once that is clear; empty: nothing is wrong so far.
  const std::string& refusal() const noexcept { return refusal_; }

  /// What has been wrong so far, by kind; whoever reads the rows may add to it.
  row_troubles& troubles() noexcept { return state_.troubles; }
  const row_troubles& troubles() const noexcept { return state_.troubles; }
  /// Lines that should have been rows and are none.
  std::uint64_t lost_lines() const noexcept { return state_.lost; }
  /// Lines fed so far.
  std::uint64_t lines() const noexcept { return state_.line - waiting_.size(); }

  /// Between rows only: cells are not kept.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(format_, state_, rows_of_csv_, rows_of_json_, rows_by_name_, waiting_, first_waiting_,
            waiting_from_, waiting_bytes_, clear_lines_, refusal_, decided_, json_, named_, headed_,
            sampled_, time_field_, arrows_, quoted_lines_, code_);
    archive.require(code_ <= detail::text_code::utf16_big, "text in no code");
    archive.require(!(sampled_.step > 0) || time_field_ < state_.fields.size(),
                    "a time in no field");
    archive.require(rows_of_csv_.fits(state_.fields), "a column of no field");
    archive.require(first_waiting_ <= waiting_.size(), "more lines done than there are");
  }

 private:
  bool in_protocol() const noexcept { return format_.syntax == row_syntax::line_protocol; }

  static constexpr std::size_t enough_lines = 24;
  static constexpr std::size_t most_lines = 2000;
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;

  /// The same line in UTF-8, without a byte order mark, as also stands where files are joined, and
  /// without the box or the brackets around its row.
  std::string_view undress(std::string_view line) {
    if (code_ != detail::text_code::bytes) {
      line = detail::decode_line(line, code_, state_.line == 1, decoded_);
    }
    line.remove_prefix(line.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    line = detail::without_escapes(line);
    if (quoted_lines_) {
      return detail::unquoted_line(line, unboxed_);
    }
    if (arrows_) {
      detail::replace_arrow(line, unboxed_);
      return unboxed_;
    }
    if (detail::is_boxed(line)) {
      detail::unbox(line, unboxed_);
      return unboxed_;
    }
    return detail::without_brackets(line);
  }

  void wait(std::string_view line) {
    waiting_.emplace_back(line);
    waiting_bytes_ += line.size();
    const bool counts = state_.line > format_.skip_lines && !detail::is_blank_line(line) &&
                        !detail::is_comment(line, '#') && !detail::declares(line, "@attribute") &&
                        !detail::declares(line, "@relation");
    clear_lines_ += counts ? 1 : 0;
    if (detail::ends_preamble(waiting_.front(), line)) {
      clear_lines_ = 0;
    }
    if (clear_lines_ >= enough_lines || waiting_.size() >= most_lines ||
        waiting_bytes_ >= most_bytes) {
      decide(true);
    }
  }

  /// What waited for more lines, of which there are none. True where it is a row.
  bool finish_rows() {
    if (named_) {
      return rows_by_name_.finish(state_);
    }
    json_ ? rows_of_json_.finish(state_) : rows_of_csv_.finish(state_);
    return false;
  }

  bool take_csv(std::string_view line) {
    const bool returns = line.ends_with('\r'); // part of a quoted field that goes on
    line.remove_suffix(returns ? 1 : 0);
    return rows_of_csv_.take(line, returns, state_);
  }

  bool take_line(std::string_view& line) {
    if (first_waiting_ < waiting_.size()) {
      line_ = std::move(waiting_[to_size(first_waiting_++)]);
      state_.line = waiting_from_ + first_waiting_;
      if (first_waiting_ == waiting_.size()) {
        waiting_.clear();
        first_waiting_ = 0;
      }
      line = line_;
      return true;
    }
    line = fed_;
    return std::exchange(has_fed_, false);
  }

  /// Finds out how the rows stand. Without `whole` only if that is clear.
  void decide(bool whole) {
    std::size_t begin = to_size(std::min<std::uint64_t>(format_.skip_lines, waiting_.size()));
    auto first = std::find_if_not(waiting_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  waiting_.end(), detail::is_blank_line);
    if (first == waiting_.end()) {
      if (whole) {
        refusal_ = "there is no row in it";
      }
      return;
    }
    begin = static_cast<std::size_t>(first - waiting_.begin());
    if (const char* file = detail::foreign_file(*first)) {
      refusal_ = file;
      return;
    }
    if (const char* text =
            format_.separator == found_sign ? detail::foreign_text(waiting_, begin) : nullptr) {
      refusal_ = std::string("it is no table: ") + text;
      return;
    }
    if (in_protocol()) {
      begin_rows(begin);
      return;
    }
    const std::size_t above = begin;
    const std::size_t after = detail::preamble_of(waiting_, begin);
    if (after > begin) {
      if (!whole && waiting_.size() < after + 2) {
        return; // there may be another part of it
      }
      first = std::find_if_not(waiting_.begin() + static_cast<std::ptrdiff_t>(after),
                               waiting_.end(), detail::is_blank_line);
      if (first == waiting_.end()) {
        refusal_ = whole ? "there is no row in it" : "";
        return;
      }
      begin = static_cast<std::size_t>(first - waiting_.begin());
    }
    const bool declared = after > above && detail::declares(waiting_[after - 1], "@data");
    if (after > above && !declared) {
      detail::drop_comments(waiting_, begin);
      state_.troubles.add("lines before the table are left out",
                          {state_.line - waiting_.size() + 1 + above}, waiting_[above],
                          trouble_weight::note);
    }
    row_format format = format_;
    if (declared && format.comment == found_sign) {
      format.comment = '%';
    }
    if (first->starts_with("sep=") && detail::trim_blanks(*first).size() <= 5 &&
        first->size() >= 5) { // of a spreadsheet
      format.separator = format.separator == found_sign ? (*first)[4] : format.separator;
      format.syntax = row_syntax::csv;
      ++begin;
    }
    if (format.syntax == row_syntax::json ||
        (format.syntax == row_syntax::automatic && mostly_json(begin))) {
      json_ = true;
      const auto begins = [](std::string_view line) {
        return line.starts_with('{') || line.starts_with("[{");
      };
      const auto begun = std::count_if(waiting_.begin() + static_cast<std::ptrdiff_t>(begin),
                                       waiting_.end(), begins);
      const bool single = begun == 1 && (whole || waiting_.size() > begin + 1);
      rows_of_json_ = detail::json_rows(format_.max_row_bytes, single);
      begin_rows(begin);
      return;
    }
    if (format.syntax == row_syntax::automatic && format.separator == found_sign) {
      const detail::naming how = detail::named_rows::find(waiting_, begin, whole);
      named_ = how != detail::naming::none;
      if (named_) {
        rows_by_name_ = detail::named_rows(how, format_.max_row_bytes);
        begin_rows(begin);
        return;
      }
      if (!whole && detail::named_rows::may_be_pairs(waiting_, begin)) {
        return;
      }
    }
    decide_csv(begin, format, whole);
  }

  void decide_csv(std::size_t begin, const row_format& format, bool whole) {
    detail::table_guess guess = detail::find_table(waiting_, begin, format);
    for (const detail::sample_row& row : guess.rows) {
      if (row.cells.size() > format.max_fields) {
        refusal_ = "line " + std::to_string(row.first_line + 1) + ": the row has more than " +
                   std::to_string(format.max_fields) + " fields";
        return;
      }
    }
    if (guess.width == 1 && format.separator == found_sign && !quoted_lines_ &&
        detail::is_quoted(guess) && detail::hides_rows(guess)) {
      quoted_lines_ = true;
      for (std::size_t i = begin; i < waiting_.size(); ++i) {
        std::string plain;
        waiting_[i] = std::string(detail::unquoted_line(waiting_[i], plain));
      }
      decide_csv(begin, format, whole);
      return;
    }
    if (!is_table(guess, format.separator != found_sign, whole)) {
      if (whole) {
        refusal_ = detail::why_no_table(guess, waiting_, begin);
      }
      return;
    }
    if (begin_instrument(guess, format)) {
      return;
    }
    detail::table_head head = detail::head_finder(guess, waiting_, format).find();
    if (guess.how.blanks == detail::blank_use::clocks &&
        !head.present) { // a header may name dates and times of day apart
      detail::dialect apart = guess.how;
      apart.blanks = detail::blank_use::words;
      detail::table_guess other =
          detail::guess_table(waiting_, begin, apart, {format.decimal, format.thousands});
      detail::table_head its = detail::head_finder(other, waiting_, format).find();
      if (its.present) {
        guess = std::move(other);
        head = std::move(its);
      }
    }
    if (!whole && (head.first_line >= waiting_.size() || detail::may_be_header(guess, head))) {
      return; // the next line tells more
    }
    if (head.skipped > 0) {
      state_.troubles.add("lines before the table are left out",
                          {state_.line - waiting_.size() + 1 + begin}, waiting_[begin],
                          trouble_weight::note);
    }
    waiting_from_ = state_.line - waiting_.size();
    headed_ = head.present;
    rows_of_csv_ = detail::csv_rows(guess.how, missing_by_custom(guess, head));
    const std::uint64_t here =
        std::exchange(state_.line, waiting_from_ + 1 + (headed_ ? head.header_line : 0));
    rows_of_csv_.begin_table(head.names, head.present, state_);
    state_.line = here;
    begin_rows(head.first_line);
  }

  /// The format with the number that files of hourly weather, which have no header, hold for what
  /// is missing.
  row_format missing_by_custom(const detail::table_guess& guess, const detail::table_head& head) {
    constexpr std::size_t columns_of_weather = 12;
    row_format format = format_;
    if (!head.present && guess.how.separator == ' ' && guess.width == columns_of_weather &&
        head.names[3] == "hour") {
      format.missing.emplace_back("-9999");
      state_.troubles.add("-9999 is taken as missing, as in all files of ISD-Lite",
                          {state_.line - waiting_.size() + 1 + head.first_line}, {},
                          trouble_weight::note);
    }
    return format;
  }

  /// Begins rows beside settings, or below a first time and a rate, as instruments write them.
  bool begin_instrument(const detail::table_guess& guess, const row_format& format) {
    if (format.header != row_header::automatic) {
      return false;
    }
    const std::size_t settings = detail::columns_of_settings(guess);
    sampled_ = detail::find_sampling(guess);
    const bool sampled = sampled_.step > 0;
    if (settings == 0 && !sampled) {
      return false;
    }
    const std::size_t first = guess.rows[sampled ? 2 : 0].first_line;
    std::vector<std::string> names(guess.width);
    if (settings > 0) {
      names = detail::names_beside_settings(guess, settings);
    }
    state_.troubles.add(sampled ? "the first rows are a time and a rate; times of rows follow "
                                  "from them"
                                : "settings beside the rows are left out",
                        {state_.line - waiting_.size() + 1 + guess.rows[0].first_line},
                        waiting_[guess.rows[0].first_line], trouble_weight::note);
    if (sampled) {
      time_field_ = state_.fields.add("time", state_.max_fields);
    }
    headed_ = settings > 0;
    rows_of_csv_ = detail::csv_rows(guess.how, format_);
    rows_of_csv_.begin_table(names, headed_, state_, settings);
    begin_rows(first);
    return true;
  }

  /// A row is there: gives it the time that follows from its number.
  void time_row() {
    const double time = sampled_.next(time_text_);
    state_.set(time_field_, time_text_, detail::number_cell(time), 0);
  }

  void begin_rows(std::size_t first) {
    waiting_from_ = state_.line - waiting_.size();
    first_waiting_ = first;
    decided_ = true;
    if (first_waiting_ == waiting_.size()) {
      waiting_.clear();
      first_waiting_ = 0;
    }
  }

  bool mostly_json(std::size_t begin) const {
    std::size_t json = 0;
    std::size_t other = 0;
    for (std::size_t i = begin; i < waiting_.size(); ++i) {
      if (detail::looks_like_json(waiting_[i])) {
        ++json;
      } else if (json == 0 && !detail::is_blank_line(waiting_[i])) {
        ++other; // of what follows much may be inside of an object
      }
    }
    return json > other;
  }

  row_format format_;
  detail::row_state state_;
  detail::csv_rows rows_of_csv_;
  detail::json_rows rows_of_json_;
  detail::named_rows rows_by_name_;
  detail::protocol_rows rows_of_protocol_;
  std::vector<std::string> waiting_; ///< the first lines, until it is known how to read them
  std::uint64_t first_waiting_ = 0;  ///< of those: not taken yet
  std::uint64_t waiting_from_ = 0;   ///< lines before them
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t clear_lines_ = 0; ///< of those that wait: neither blank nor comments
  detail::text_code code_ = detail::text_code::bytes;
  detail::sampled_rows sampled_; ///< how times follow from numbers of rows
  std::uint32_t time_field_ = 0; ///< that these times are in
  std::string time_text_;
  std::string line_;    ///< one that waited
  std::string decoded_; ///< one of UTF-16
  std::string unboxed_; ///< one out of a drawn box
  std::string_view fed_;
  bool has_fed_ = false;
  bool decided_ = false;
  bool json_ = false;
  bool named_ = false;
  bool headed_ = false;
  bool ended_ = false;
  bool quoted_lines_ = false; ///< each line is one field in quotes, which holds the row
  bool arrows_ = false;       ///< lines begin with a time and ->
  std::string refusal_;       ///< why the text is no table
};

} // namespace hanami
