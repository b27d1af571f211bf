// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "../cell.hpp"
#include "field_text.hpp"
#include "row_state.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Rows in the line protocol of InfluxDB, one a line:
///
///     weather,station=north,room=2 celsius=21.5,count=3i,open=t,note="a b" 1770000000000000000
///
/// The measurement is a field "measurement", tags are text whatever they hold, the number at the
/// end is a field "time". Backslashes stand before commas, blanks and equals signs of names, and
/// before quotes and backslashes of texts. Not safe from several threads.
class protocol_rows {
 public:
  /// Whether the line is a row; one that is damaged is counted and left out.
  bool take(std::string_view line, row_state& state) {
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    while (!line.empty() && is_blank(line.front())) {
      line.remove_prefix(1);
    }
    if (line.empty() || line.front() == '#') {
      return false;
    }
    state.begin_row();
    unescaped_.clear();
    near_ = 0;
    rest_ = line;
    if (!take_series(state) || !take_fields(state) || !take_time(state)) {
      ++state.lost;
      state.troubles.add("a line is not of the line protocol (measurement,tag=x field=1 time); it "
                         "is left out",
                         {state.line}, line);
      return false;
    }
    return true;
  }

 private:
  /// What ends a name or a tag.
  static bool ends(char c) noexcept { return c == ',' || c == ' ' || c == '='; }

  /// The text up to a sign that ends it, without the backslashes.
  std::string_view take_name(bool equals_end) {
    std::size_t end = 0;
    bool escaped = false;
    while (end < rest_.size() && (!ends(rest_[end]) || (rest_[end] == '=' && !equals_end))) {
      const bool pair = rest_[end] == '\\' && end + 1 < rest_.size() && ends(rest_[end + 1]);
      escaped = escaped || pair;
      end += pair ? 2U : 1U;
    }
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return escaped ? without_backslashes(name, ends) : name;
  }

  template <class Escaped>
  std::string_view without_backslashes(std::string_view text, Escaped escaped) {
    std::string& made = unescaped_.emplace_back();
    for (std::size_t i = 0; i < text.size(); ++i) {
      i += text[i] == '\\' && i + 1 < text.size() && escaped(text[i + 1]) ? 1U : 0U;
      made += text[i];
    }
    return made;
  }

  bool take(char sign) {
    const bool there = !rest_.empty() && rest_.front() == sign;
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }

  bool take_series(row_state& state) {
    const std::string_view measurement = take_name(false);
    if (measurement.empty()) {
      return false;
    }
    set("measurement", measurement, {.kind = cell_kind::text}, state);
    while (take(',')) {
      const std::string_view name = take_name(true);
      if (name.empty() || !take('=')) {
        return false;
      }
      const std::string_view value = take_name(true);
      if (value.empty()) {
        return false;
      }
      set(name, value, {.kind = cell_kind::text}, state);
    }
    return take(' ');
  }

  bool take_fields(row_state& state) {
    while (take(' ')) {
    }
    do {
      const std::string_view name = take_name(true);
      if (name.empty() || !take('=') || !take_value(name, state)) {
        return false;
      }
    } while (take(','));
    return rest_.empty() || rest_.front() == ' ';
  }

  bool take_value(std::string_view name, row_state& state) {
    if (take('"')) {
      std::size_t end = 0;
      while (end < rest_.size() && rest_[end] != '"') {
        end += rest_[end] == '\\' ? 2U : 1U;
      }
      if (end >= rest_.size()) {
        return false;
      }
      const std::string_view text = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      const auto escaped = [](char c) { return c == '"' || c == '\\'; };
      set(name,
          text.find('\\') == std::string_view::npos ? text : without_backslashes(text, escaped),
          {.kind = cell_kind::text}, state);
      return true;
    }
    const std::size_t end = std::min(rest_.find_first_of(", "), rest_.size());
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (text == "t" || text == "T" || text == "f" || text == "F") {
      set(name, text, {.kind = cell_kind::truth, .value = text == "t" || text == "T" ? 1.0 : 0.0},
          state);
      return true;
    }
    if (text.size() > 1 && (text.back() == 'i' || text.back() == 'u')) { // integers
      text.remove_suffix(1);
    }
    const cell found = parse_cell(text);
    const bool number =
        (found.kind == cell_kind::number && found.unit.empty()) || found.kind == cell_kind::truth;
    if (number) {
      set(name, text, found, state);
    }
    return number;
  }

  /// In nanoseconds, or whatever its size says.
  bool take_time(row_state& state) {
    while (take(' ')) {
    }
    if (rest_.empty()) {
      return true;
    }
    const cell found = parse_cell(rest_);
    if (found.kind != cell_kind::number || !found.unit.empty()) {
      return false;
    }
    set("time", rest_, found, state);
    return true;
  }

  void set(std::string_view name, std::string_view text, const cell& found, row_state& state) {
    std::uint32_t field = state.fields.find(name, near_);
    if (field == row_fields::none) {
      field = state.fields.add(name, state.max_fields);
      if (field == row_fields::none) {
        state.troubles.add("there are too many fields; new ones are left out", {state.line}, name);
        return;
      }
      state.cells.resize(state.fields.size());
    }
    near_ = field + 1;
    state.set(field, text, found, 0);
  }

  std::string_view rest_;
  std::uint32_t near_ = 0;            ///< where the next field is looked for first
  std::deque<std::string> unescaped_; ///< texts of the row that had backslashes
};

} // namespace hanami::detail
