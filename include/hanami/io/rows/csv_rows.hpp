// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dialect.hpp"
#include "row_state.hpp"
#include "table_head.hpp"
#include "text_code.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Rows in lines of separated fields, once their dialect is known. A new header is followed, a
/// quoted field may go over lines. Not safe from several threads.
class csv_rows {
 public:
  csv_rows() = default;
  csv_rows(const dialect& how, const row_format& given)
      : how_(how), missing_(given.missing), max_row_bytes_(given.max_row_bytes),
        follows_(given.header != row_header::absent) {}

  const dialect& how() const noexcept { return how_; }
  /// Fields of a whole row, and of the last one.
  std::size_t width() const noexcept { return places_.size(); }
  std::size_t taken() const noexcept { return taken_; }

  /// From here on columns have these names; those without one are called by their number. The first
  /// `left_out` are no fields.
  void begin_table(const std::vector<std::string>& names, bool header, row_state& state,
                   std::size_t left_out = 0) {
    std::vector<std::uint32_t> places(left_out, row_fields::none);
    fresh_from_ = state.fields.size();
    for (std::size_t i = left_out; i < names.size(); ++i) {
      std::string name = names[i].empty() ? "column_" + std::to_string(i + 1) : names[i];
      name = is_utf8(name) ? name : from_latin(name);
      std::replace(name.begin(), name.end(), '\n', ' '); // of a header over two lines
      const auto taken = [&](const std::string& wanted) {
        const std::uint32_t field = state.fields.find(wanted);
        return field != row_fields::none &&
               std::find(places.begin(), places.end(), field) != places.end();
      };
      if (taken(name)) {
        state.troubles.add(same_name, {state.line}, name);
        std::size_t number = 2;
        while (taken(name + '_' + std::to_string(number))) {
          ++number;
        }
        name += '_' + std::to_string(number);
      }
      const std::uint32_t field = state.fields.add(name, state.max_fields);
      if (field == row_fields::none) {
        state.troubles.add("there are too many columns; the last ones are left out", {state.line},
                           name);
      }
      places.push_back(field);
    }
    for (std::size_t i = 0; i < places.size() && i < how_.factored.size(); ++i) {
      if (how_.factored[i] != 0 && places[i] != row_fields::none) {
        state.fields.set_factored(places[i]);
      }
    }
    std::vector<std::uint32_t> sorted = places;
    std::sort(sorted.begin(), sorted.end());
    covers_ = state.fields.size() == places.size() &&
              std::unique(sorted.begin(), sorted.end()) == sorted.end() &&
              (sorted.empty() || sorted.back() != row_fields::none);
    places_ = std::move(places);
    headed_ = header;
    units_may_follow_ = header;
    front_typed_ = 0;
    state.cells.assign(state.fields.size(), row_cell{});
  }

  /// Takes a line. True where it is, or ends, a row.
  /// `returns`: it ended in a carriage return, which is none of it but within quotes.
  bool take(std::string_view line, bool returns, row_state& state) {
    if (!pending_.empty()) {
      return take_more(line, returns, state);
    }
    const bool begins_with_digit = !line.empty() && is_digit(line.front()); // then it is none of:
    if (!begins_with_digit && (is_blank_line(line) || is_comment(line, how_.comment) ||
                               (line.size() >= 3 && is_drawn_line(line)) || is_average(line))) {
      after_break_ = true;
      return false;
    }
    in_record_ = false;
    if (parse(line, state)) { // a quote is open
      pending_ = line;
      pending_ += returns ? "\r" : "";
      pending_line_ = state.line;
      pending_column_ = open_at_ + 1;
      return false;
    }
    return judge(line, state);
  }

  /// The input has ended: what was waited for does not come.
  void finish(row_state& state) {
    drop_pending(state);
    drop_held(state);
  }

  /// Where a field of the row begins: bytes into the line and lines into the row.
  std::pair<std::uint64_t, std::uint64_t> place_of(const row_cell& cell) const noexcept {
    const std::string_view before =
        std::string_view(record_).substr(0, in_record_ ? cell.offset : 0);
    const std::size_t end = before.rfind('\n');
    return {cell.offset - (end == std::string_view::npos ? 0 : end + 1),
            static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'))};
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(how_, missing_, max_row_bytes_, follows_, places_, fresh_from_, covers_, headed_,
            units_may_follow_, after_break_, front_typed_, pending_, pending_line_, pending_column_,
            held_, held_line_);
  }

  /// Whether all columns are fields.
  bool fits(const row_fields& fields) const {
    return (!covers_ || places_.size() == fields.size()) &&
           std::all_of(places_.begin(), places_.end(), [&](std::uint32_t place) {
             return place == row_fields::none || place < fields.size();
           });
  }

 private:
  static constexpr std::string_view same_name =
      "a column has the name of another one and gets a number behind it";

  /// Takes a line apart into the cells of the row. True where a quote is left open.
  bool parse(std::string_view line, row_state& state) {
    if (covers_) { // every cell is written below
      state.row_line = state.line;
    } else {
      state.begin_row();
    }
    plain_.clear();
    plain_.reserve(line.size());
    typed_ = words_ = extra_ = filled_ = 0;
    if (how_.blanks == blank_use::placed) {
      parse_placed(line, state);
      return false;
    }
    row_cell* const cells = state.cells.data();
    const std::uint32_t* const places = places_.data();
    const std::size_t columns = places_.size();
    std::size_t bare = 0;
    const char* const first = line.data();
    const char* const last = first + line.size();
    const char* at = first;
    const char separator = how_.separator;
    const char decimal = how_.decimal;
    const bool by_blanks = separator == ' ';
    const bool plain_numbers = missing_.empty();
    if (by_blanks) {
      at = std::find_if_not(at, last, is_blank);
    }
    for (std::size_t place = 0;; ++place) {
      const std::uint32_t field = place < columns ? places[place] : row_fields::none;
      double value = 0;
      const char* stop = take_plain_number(at, last, decimal, value);
      if (stop != at && how_.ends_field(stop, last) && plain_numbers && field != row_fields::none) {
        cells[field] = {value, // the fast path: a bare number
                        {at, static_cast<std::size_t>(stop - at)},
                        static_cast<std::uint32_t>(at - first),
                        cell_kind::number};
        state.fields.set_numeric(field);
        ++bare;
      } else {
        field_text text;
        stop = by_blanks && place == 0 ? take_bracketed(at, last, text) : at;
        if (stop == at) {
          stop = take_field(at, last, how_, plain_, text);
        }
        if (by_blanks && how_.blanks == blank_use::clocks) {
          stop = join_clock(stop, last, text);
        }
        if (by_blanks && place == 0) {
          drop_colon(text.text);
        }
        if (text.open) {
          open_at_ = static_cast<std::uint64_t>(at - first);
          return true;
        }
        take_text(place, field, text, static_cast<std::uint32_t>(at - first), state);
      }
      at = stop == last ? last : stop + 1;
      if (by_blanks) {
        at = std::find_if_not(at, last, is_blank);
      }
      if (stop == last || (by_blanks && at == last)) {
        taken_ = place + 1;
        break;
      }
    }
    if (taken_ < columns && columns == how_.places.size()) {
      parse_placed(line, state);
      return false;
    }
    typed_ += bare;
    filled_ += bare;
    for (std::size_t place = taken_; covers_ && place < columns; ++place) {
      cells[places[place]] = {};
    }
    return false;
  }

  /// The same for cells that stand below each other.
  void parse_placed(std::string_view line, row_state& state) {
    taken_ = typed_ = words_ = extra_ = filled_ = 0;
    for_placed_fields(line, how_.places, [&](std::string_view text) {
      const field_text field{trim_blanks(text), false, false, false};
      take_text(taken_, taken_ < places_.size() ? places_[taken_] : row_fields::none, field,
                static_cast<std::uint32_t>(text.data() - line.data()), state);
      ++taken_;
    });
    for (std::size_t place = taken_; covers_ && place < places_.size(); ++place) {
      state.cells[places_[place]] = {};
    }
  }

  void take_text(std::size_t place, std::uint32_t field, const field_text& text,
                 std::uint32_t offset, row_state& state) {
    filled_ += text.text.empty() && !text.quoted ? 0U : 1U;
    if (field == row_fields::none) {
      extra_ += place >= places_.size() && !trim_blanks(text.text).empty() ? 1U : 0U;
      return;
    }
    cell found = parse_cell(text.text, how_.signs());
    if (!missing_.empty() &&
        std::find(missing_.begin(), missing_.end(), trim_blanks(text.text)) != missing_.end()) {
      found = {};
    }
    typed_ += found.kind == cell_kind::number || found.kind == cell_kind::truth ||
                      found.kind == cell_kind::infinite
                  ? 1
                  : 0;
    words_ += found.kind == cell_kind::text || found.kind == cell_kind::word ? 1 : 0;
    state.set(field, text.text, found, offset);
  }

  /// What a line that has been taken apart is: a row, a header, units, or nothing.
  bool judge(std::string_view line, row_state& state) {
    const bool broken = std::exchange(after_break_, false);
    if (!held_.empty()) {
      const bool fits = taken_ == held_.size() && taken_ != places_.size() && typed_ > 0;
      if (fits) {
        begin_table(std::exchange(held_, {}), true, state);
        parse(line, state);
      } else {
        drop_held(state);
      }
    }
    if (filled_ == 0 && taken_ > 1) { // separators alone
      return false;
    }
    if ((taken_ != places_.size() || typed_ == 0 || broken) && is_row_count(line)) {
      after_break_ = true;
      return false;
    }
    if (follows_ && typed_ == 0 && words_ > 0 && is_head(line, broken, state)) {
      return false;
    }
    if (is_total(state)) {
      state.troubles.add("a row of totals is left out", {state.row_line}, line,
                         trouble_weight::note);
      return false;
    }
    units_may_follow_ = false;
    if (taken_ < places_.size() && typed_ == 0 && !has_time(state)) {
      ++state.lost;
      state.troubles.add("a line is no row; it is left out", {state.row_line}, line);
      return false;
    }
    if (taken_ < places_.size() && !ends_empty()) {
      state.troubles.add("the row has too few fields; those that lack are missing values",
                         {state.row_line}, line);
    } else if (extra_ > 0) {
      state.troubles.add("the row has too many fields; those at its end are left out",
                         {state.row_line}, line);
    }
    return true;
  }

  /// Whether the first word of the row says that it sums up the others, where those begin with
  /// numbers or times.
  bool is_total(const row_state& state) {
    static constexpr row_cell none{};
    const auto cell_at = [&](std::size_t place) -> const row_cell& {
      return places_[place] == row_fields::none ? none : state.cells[places_[place]];
    };
    const auto begins_with_digit = [](const row_cell& cell) {
      return cell.kind == cell_kind::number || (!cell.text.empty() && is_digit(cell.text.front()));
    };
    const row_cell& front = cell_at(0);
    if (front_typed_ == 0 && !front.text.empty()) {
      front_typed_ = begins_with_digit(front) ? 1 : 2;
    }
    if (front_typed_ != 1 || begins_with_digit(front)) {
      return false;
    }
    std::size_t place = 0;
    while (place + 1 < places_.size() && trim_blanks(cell_at(place).text).empty()) {
      ++place;
    }
    return is_total_word(cell_at(place).text);
  }

  static bool has_time(const row_state& state) {
    return std::any_of(state.cells.begin(), state.cells.end(), [](const row_cell& cell) {
      return cell.kind == cell_kind::text && is_time_shaped(trim_blanks(cell.text));
    });
  }

  /// Whether only fields lack that have no value anyway.
  bool ends_empty() const {
    return std::all_of(places_.begin() + static_cast<std::ptrdiff_t>(taken_), places_.end(),
                       [&](std::uint32_t place) { return place == row_fields::none; });
  }

  /// Whether a line without a number is a header, the same one or a new one, or the units below it.
  bool is_head(std::string_view line, bool broken, row_state& state) {
    std::size_t over_numbers = 0; // words in fields of numbers
    std::size_t over_nothing = 0; // words in fields that are new
    std::size_t numeric = 0;
    std::size_t known = 0;
    bool topic = false; // below which a word has been sent
    for (const std::uint32_t place : places_) {
      if (place != row_fields::none) {
        const row_cell& cell = state.cells[place];
        const bool is = state.fields.numeric(place);
        numeric += is ? 1 : 0;
        over_numbers += is && cell.kind == cell_kind::text ? 1 : 0;
        over_nothing += place >= fresh_from_ && cell.kind == cell_kind::text && !is ? 1 : 0;
        topic = topic || (!is && !headed_ && cell.kind == cell_kind::text && is_topic(cell.text));
        known += cell.text == state.fields.names()[place] ? 1U : 0U;
      }
    }
    if (topic || (known == 0 && over_numbers == 0 && taken_ == places_.size())) {
      return false; // words among words
    }
    std::vector<std::string> names = names_of(line);
    if (how_.separator == ' ' && is_time_shaped(names.front())) { // 12:00:01 CPU %user
      std::string time = std::exchange(names.front(), "time");
      if (!is_known_header(names, state) && !(broken && names.size() > 2)) {
        names.front() = std::move(time);
      }
    }
    if (is_known_header(names, state)) {
      units_may_follow_ = true;
      return true;
    }
    if (std::any_of(names.begin(), names.end(), is_time_shaped)) {
      return false;
    }
    const auto is_field = [&](const std::string& name) {
      return state.fields.find(name) != row_fields::none;
    };
    const bool names_fields = known > 0 || std::all_of(names.begin(), names.end(), is_field);
    if (units_may_follow_ && names.size() == places_.size() && over_numbers > 0 && !names_fields &&
        over_numbers + over_nothing == words_) {
      return true;
    }
    if (!can_be_header(names)) {
      return false;
    }
    const bool shares = std::any_of(names.begin(), names.end(), is_field);
    const bool same_width = names.size() == places_.size();
    if (names.size() > 1 && (shares || broken || !headed_) &&
        (!same_width || (numeric > 0 && over_numbers == numeric))) {
      begin_table(names, true, state);
      return true;
    }
    if (names.size() > 1 && !same_width) { // the next line tells
      held_ = names;
      held_line_ = state.line;
      return true;
    }
    return false;
  }

  /// What sysstat writes below its rows.
  bool is_average(std::string_view line) const noexcept {
    return how_.separator == ' ' &&
           (line.starts_with("Average:") || line.starts_with("Durchschn.:"));
  }

  std::vector<std::string> names_of(std::string_view line) {
    std::vector<std::string> names;
    std::string plain;
    for_fields(line, how_, plain,
               [&](const field_text& field) { names.emplace_back(trim_blanks(field.text)); });
    while (names.size() > 1 && names.back().empty()) {
      names.pop_back();
    }
    return names;
  }

  bool is_known_header(const std::vector<std::string>& names, const row_state& state) const {
    if (!headed_ || names.size() > places_.size()) {
      return false;
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] == row_fields::none) {
        continue;
      }
      const std::string& known = state.fields.names()[places_[i]];
      const std::string_view name = i < names.size() ? std::string_view(names[i]) : "";
      if (name != known && !(name.empty() && known.starts_with("column_")) &&
          !(!name.empty() && known.starts_with(name) && known[name.size()] == '_')) {
        return false;
      }
    }
    return true;
  }

  /// Whether all are words, each once.
  static bool can_be_header(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    const bool once = std::adjacent_find(names.begin(), names.end()) == names.end();
    return once && std::all_of(names.begin(), names.end(), [](const std::string& name) {
             const cell_kind kind = parse_cell(name).kind;
             return name.empty() || kind == cell_kind::text || kind == cell_kind::vague ||
                    kind == cell_kind::word;
           });
  }

  bool take_more(std::string_view line, bool returns, row_state& state) {
    std::string record = pending_ + '\n';
    record += line;
    const std::uint64_t here = std::exchange(state.line, pending_line_);
    const bool open = parse(record, state);
    const bool whole = !open && taken_ == places_.size();
    if (!whole &&
        (open ? record.size() > max_row_bytes_ || stands_alone(line) : stands_alone(line))) {
      state.line = here;
      drop_pending(state);
      return take(line, returns, state);
    }
    pending_ = std::move(record);
    if (open) {
      pending_ += returns ? "\r" : "";
      state.line = here;
      return false;
    }
    record_ = std::exchange(pending_, {});
    parse(record_, state); // views into what stays
    in_record_ = true;
    state.line = here;
    return judge(record_, state);
  }

  /// Whether a line is a whole row, so that a quote before it was left open by mistake.
  bool stands_alone(std::string_view line) {
    std::size_t fields = 0;
    std::size_t typed = 0;
    std::string plain;
    const bool open = for_fields(line, how_, plain, [&](const field_text& field) {
      ++fields;
      typed += is_typed(field.text, how_.signs()) ? 1U : 0U;
    });
    return !open && typed > 0 && fields > 1 && fields == places_.size();
  }

  void drop_pending(row_state& state) {
    if (!pending_.empty()) {
      ++state.lost;
      state.troubles.add("a quote is opened and never closed; the line is left out",
                         {pending_line_, pending_column_}, pending_);
      pending_.clear();
    }
  }

  void drop_held(row_state& state) {
    if (!held_.empty()) {
      ++state.lost;
      state.troubles.add("a line is no row; it is left out", {held_line_}, held_.front());
      held_.clear();
    }
  }

  dialect how_;
  std::vector<std::string> missing_;
  std::uint64_t max_row_bytes_ = 0;
  bool follows_ = true;               ///< headers that come later
  std::vector<std::uint32_t> places_; ///< the field of each column
  std::uint64_t fresh_from_ = 0;      ///< fields from here on have had no row yet
  bool covers_ = false;               ///< each field is one column
  bool headed_ = false;
  bool units_may_follow_ = false;
  bool after_break_ = false;
  std::uint8_t front_typed_ = 0; ///< 1: the first row began with a number or a time, 2: it did not
  std::string pending_;          ///< a row whose quote is open
  std::uint64_t pending_line_ = 0;
  std::uint64_t pending_column_ = 0;
  std::uint64_t open_at_ = 0;     ///< where the quote is that is open
  std::vector<std::string> held_; ///< what may be a new header
  std::uint64_t held_line_ = 0;

  std::string record_; ///< a row of several lines
  bool in_record_ = false;
  std::string plain_; ///< of fields with doubled quotes
  std::size_t taken_ = 0;
  std::size_t typed_ = 0;
  std::size_t words_ = 0;
  std::size_t extra_ = 0;  ///< fields behind the last column
  std::size_t filled_ = 0; ///< fields that are not empty
};

} // namespace hanami::detail
