// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "field_text.hpp"
#include "json_columns.hpp"
#include "json_object.hpp"
#include "row_state.hpp"
#include "sampled_rows.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Rows in JSON objects: one a line, several, one over several lines, in lists or not, also in the
/// list that is most of the first object. Rows may be lists of values, too, then the first one may
/// name them, and their values may stand in columns, one list each. Words before an object are a
/// field "topic", a time before those "received_time". Not safe from several threads.
class json_rows {
 public:
  json_rows() = default;
  /// `single`: the first object is the only one, as far as can be seen.
  json_rows(std::uint64_t max_row_bytes, bool single)
      : max_row_bytes_(max_row_bytes), single_(single) {}

  /// Takes a line; `next` then gives its rows. The text must live until the next line comes.
  void take(std::string_view line, row_state& state) {
    line = trim_end(line);
    if (!pending_.empty()) {
      if (line.starts_with('{') && is_list_of_rows()) {
        state.troubles.add("what is around a list of objects is left out", {pending_line_},
                           pending_, trouble_weight::note);
        pending_.clear();
      } else if (line.starts_with('{') && !spread_ && is_whole(line)) {
        drop_pending(state); // the line before was cut
      } else {
        const bool closed = follow(line);
        pending_ += '\n';
        pending_ += line;
        if (closed) {
          record_ = std::exchange(pending_, {});
          begin(record_, pending_line_);
        } else if (pending_.size() > max_row_bytes_) {
          drop_pending(state);
        }
        return;
      }
    }
    begin(line, state.line);
  }

  /// Goes to the next row of what was taken; false where there is none.
  bool next(row_state& state) {
    if (next_of_columns(state)) {
      return true;
    }
    if (!begun_ && single_ && at_ == 0 && take_series(state)) {
      return next_of_columns(state);
    }
    while (at_ < text_.size()) {
      if (!around_.empty() && at_ >= around_.back().list_end) {
        at_ = around_.back().end;
        labels_.resize(around_.back().labels);
        around_.pop_back();
        continue;
      }
      const char c = text_[at_];
      if (is_blank(c) || c == ',' || (c == '[' && !begins_values(text_, at_)) || c == ']' ||
          c == '\n' || c == '\x1e' || c == ';') {
        ++at_;
        continue;
      }
      if (c == '}' && text_.find_first_not_of("]}, \t", at_) == std::string_view::npos) {
        return false; // the end of what was around a list
      }
      if (c != '{' && c != '[' && !skip_topic(state)) {
        return false;
      }
      const std::uint64_t here = std::exchange(state.line, line_);
      const std::size_t first = at_;
      if (text_[at_] == '{' && !begun_ && single_ && columns_.take_split(text_, at_)) {
        begun_ = in_columns_ = true;
        state.line = here;
        return next_of_columns(state);
      }
      if (text_[at_] == '{' && unwrap(state)) {
        state.line = here;
        continue;
      }
      if (text_[at_] == '{' && (!begun_ || in_columns_) &&
          (columns_.take(text_, at_, !single_) || (single_ && columns_.take_keyed(text_, at_)))) {
        begun_ = in_columns_ = true;
        state.line = here;
        return next_of_columns(state);
      }
      if (text_[at_] == '{' && skip_action()) {
        state.line = here;
        continue;
      }
      const bool names = text_[at_] == '[' && take_names();
      const json_end end = names ? json_end::whole : walk(state);
      state.line = here;
      if (end == json_end::whole) {
        begun_ = true;
        if (any_ && !names) {
          return true;
        }
        continue;
      }
      if (end == json_end::open) {
        hold(first, state);
      } else {
        lose("a line is no JSON object; it is left out", text_, state);
      }
    }
    return false;
  }

  void finish(row_state& state) { drop_pending(state); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(max_row_bytes_, single_, begun_, in_columns_, wrapped_, names_, pending_, pending_line_,
            depth_, in_string_, spread_, steps_);
  }

 private:
  static std::string_view trim_end(std::string_view line) noexcept {
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    return line;
  }

  /// What is around a list of rows.
  struct wrapping {
    std::size_t list_end;
    std::size_t end;    ///< of the object
    std::size_t labels; ///< known before it
  };

  /// Whether the object that is open has begun a list of the rows.
  bool is_list_of_rows() const noexcept {
    return pending_.ends_with('[') && pending_.find('\n') == std::string::npos;
  }

  static bool is_whole(std::string_view line) {
    json_object one;
    std::size_t at = 0;
    const auto ignore = [](std::string_view, std::string_view = {}, cell = {}) {};
    return one.walk(line, at, ignore, ignore) == json_end::whole;
  }

  void begin(std::string_view text, std::uint64_t line) noexcept {
    text_ = text;
    line_ = line;
    at_ = 0;
    around_.clear();
    labels_.clear();
    topic_ = received_ = {};
  }

  /// The number of the field of this path, which may be new; `near` is where it is looked for
  /// first.
  std::uint32_t number_of(std::string_view path, std::uint32_t& near, row_state& state) const {
    std::uint32_t field = state.fields.find(path, near);
    if (field == row_fields::none) {
      field = state.fields.add(path, state.max_fields);
      if (field == row_fields::none) {
        state.troubles.add("there are too many fields; new ones are left out", {line_}, path);
      } else {
        state.cells.resize(state.fields.size());
      }
    }
    near = field + 1;
    return field;
  }

  /// Takes a document of series that stands in this text.
  bool take_series(row_state& state) {
    at_ = std::min(text_.find_first_not_of(" \t\r\n\x1e"), text_.size());
    if (at_ == text_.size() || (text_[at_] != '{' && text_[at_] != '[') ||
        !columns_.take_series(text_, at_)) {
      at_ = 0;
      return false;
    }
    state.troubles.add("series are columns, a row each time; what is around them is left out",
                       {line_}, text_, trouble_weight::note);
    begun_ = true;
    return true;
  }

  bool next_of_columns(row_state& state) {
    std::uint32_t near = 0;
    bool begun = false;
    return columns_.next([&](std::string_view name, std::string_view text, const cell& found) {
      if (!std::exchange(begun, true)) {
        state.begin_row();
      }
      if (const std::uint32_t field = number_of(name, near, state); field != row_fields::none) {
        state.set(field, text, found, 0);
      }
    });
  }

  json_end walk(row_state& state) {
    state.begin_row();
    any_ = false;
    std::uint32_t near = 0;
    for (const auto& [name, text] :
         {std::pair{std::string_view("received_time"), received_}, {"topic", topic_}}) {
      if (const std::uint32_t field =
              text.empty() ? row_fields::none : number_of(name, near, state);
          field != row_fields::none) {
        state.set(field, text, parse_cell(text), 0);
      }
    }
    for (const auto& [name, text] : labels_) {
      if (const std::uint32_t field = number_of(name, near, state); field != row_fields::none) {
        state.set(field, text, parse_cell(text), 0);
      }
    }
    const auto see = [&](std::string_view path, std::string_view text, const cell& found) {
      const std::uint32_t field = number_of(path, near, state);
      if (field == row_fields::none) {
        return;
      }
      if (state.cells[field].kind != cell_kind::absent) {
        state.troubles.add("an object has a member twice; the last one counts", {line_}, path,
                           trouble_weight::note);
      }
      any_ = true;
      state.set(field, text, found, 0);
    };
    const auto see_list = [&](std::string_view path) {
      state.troubles.add("lists are left out", {line_}, path, trouble_weight::note);
    };
    if (text_[at_] == '{') {
      return object_.walk(text_, at_, see, see_list);
    }
    if (steps_.step > 0) {
      if (const std::uint32_t field = number_of("time", near, state); field != row_fields::none) {
        const double time = steps_.next(time_text_);
        state.set(field, time_text_, number_cell(time), 0);
      }
    }
    return object_.walk_list(
        text_, at_, [&](std::size_t i) { return name_of(i); }, see, see_list);
  }

  std::string name_of(std::size_t place) const {
    return place < names_.size() ? names_[place] : "column_" + std::to_string(place + 1);
  }

  /// Takes a list of words, the first row or the same as that: they are the names of the values in
  /// those that follow.
  bool take_names() {
    if (begun_ && names_.empty()) {
      return false;
    }
    std::vector<std::string> words;
    std::size_t at = at_;
    bool all = true;
    const auto see = [&](std::string_view, std::string_view text, const cell& found) {
      all = all && found.kind == cell_kind::text && !is_time_shaped(text);
      words.emplace_back(text);
    };
    const auto see_list = [&](std::string_view) { all = false; };
    const json_end end = json_object().walk_list(
        text_, at, [](std::size_t) { return std::string_view(); }, see, see_list);
    if (end != json_end::whole || !all || words.empty() || (begun_ && words != names_)) {
      return false;
    }
    begun_ = true;
    names_ = std::move(words);
    at_ = at;
    return true;
  }

  /// An object whose rows are in a list in it: goes to the rows and leaves out the others. The
  /// first object tells: it has no number or time beside that list, as a row has, or is the only
  /// one and mostly that list.
  bool unwrap(row_state& state) {
    if (begun_ && wrapped_.empty()) {
      return false;
    }
    json_object walker;
    std::size_t end = at_;
    std::size_t values = 0;
    std::size_t words = 0; // where a list of them begins
    std::pair<std::size_t, std::size_t> rows;
    std::string path;
    double first = std::numeric_limits<double>::quiet_NaN(); // of lists of values one a step
    double step_of_rows = std::numeric_limits<double>::quiet_NaN();
    const bool several = !around_.empty() || !single_; // then words tell their rows apart
    std::vector<std::pair<std::string, std::string>> labels;
    const auto see = [&](std::string_view member, std::string_view text, const cell& found) {
      const bool value = found.kind == cell_kind::number || is_time_shaped(text);
      const std::string_view last = member.substr(member.rfind('.') + 1);
      first = last == "start" && found.value > 5e8 ? found.value : first;
      step_of_rows = last == "step" ? found.value : step_of_rows;
      values += value ? 1U : 0U;
      if (several && !value && found.kind != cell_kind::missing) {
        labels.emplace_back(member, text);
      }
    };
    const auto see_list = [&](std::string_view member) {
      const auto [from, to] = walker.list();
      const std::size_t next = text_.find_first_not_of(" \t\r\n", from + 1);
      if ((text_[next] == '{' || text_[next] == '[') && to - from > rows.second - rows.first) {
        rows = {from, to};
        path = member;
      }
      words = text_[next] == '"' ? from : words;
    };
    if (walker.walk(text_, end, see, see_list) != json_end::whole) {
      return false;
    }
    const bool stepped = std::isfinite(first) && std::isfinite(step_of_rows) && step_of_rows > 0;
    const bool most = stepped || 2 * (rows.second - rows.first) > end - at_;
    const auto known = std::find(wrapped_.begin(), wrapped_.end(), path);
    if (path.empty() || (begun_ ? known == wrapped_.end() : values > 0 && (!single_ || !most))) {
      return false;
    }
    if (known == wrapped_.end()) {
      wrapped_.push_back(std::move(path));
    }
    state.troubles.add("what is around a list of objects is left out", {line_},
                       text_.substr(at_, rows.first - at_), trouble_weight::note);
    if (words > 0 && text_[text_.find_first_not_of(" \t\r\n", rows.first + 1)] == '[') {
      at_ = words;
      take_names();
    }
    if (stepped) {
      steps_ = {first, step_of_rows, 0};
    }
    around_.push_back({rows.second, end, labels_.size()});
    labels_.insert(labels_.end(), labels.begin(), labels.end());
    at_ = rows.first + 1;
    return true;
  }

  /// Whether the object only says what to do with the one that follows, as in requests of
  /// Elasticsearch: {"index": {"_id": "1"}}. Goes behind it then.
  bool skip_action() {
    const std::string_view rest = text_.substr(at_);
    const std::size_t name = rest.find('"');
    const std::string_view word = name == std::string_view::npos
                                      ? rest
                                      : rest.substr(name + 1, rest.find('"', name + 1) - name - 1);
    if (word != "index" && word != "create" && word != "update" && word != "delete") {
      return false;
    }
    std::size_t end = at_;
    std::size_t members = 0;
    bool only = true;
    const auto see = [&](std::string_view path, std::string_view, const cell&) {
      ++members;
      only = only && path.starts_with(word) && path.substr(word.size()).starts_with("._");
    };
    const auto see_list = [&](std::string_view) { only = false; };
    const bool whole = json_object().walk(text_, end, see, see_list) == json_end::whole;
    const bool empty = members == 0 && rest.find_first_of(":") < rest.find("{}");
    if (!whole || !only || (members == 0 && !empty)) {
      return false;
    }
    at_ = end;
    return true;
  }

  /// Goes to the object behind the first words of a line.
  bool skip_topic(row_state& state) {
    const std::size_t brace = text_.find('{', at_);
    if (brace == std::string_view::npos || at_ > 0) {
      lose(at_ > 0 ? "text behind a JSON object is left out"
                   : "a line is no JSON object; it is left out",
           text_.substr(at_), state, at_ == 0);
      return false;
    }
    topic_ = trim_blanks(text_.substr(at_, brace - at_));
    at_ = brace;
    std::size_t end = topic_.find_first_of(" \t");
    const std::size_t second = topic_.find_first_of(" \t", topic_.find_first_not_of(" \t", end));
    if (is_time_shaped(topic_.substr(0, second)) && end < second &&
        topic_.substr(end, second - end).find(':') != std::string_view::npos) {
      end = second; // a date and a clock
    }
    const std::string_view before = topic_.substr(0, end);
    const cell number = parse_cell(before);
    if (is_time_shaped(before) || (number.kind == cell_kind::number && number.value > 1e8)) {
      received_ = before;
      topic_ = trim_blanks(topic_.substr(before.size()));
    }
    return true;
  }

  void lose(std::string_view what, std::string_view example, row_state& state, bool lost = true) {
    state.lost += lost ? 1 : 0;
    state.troubles.add(what, {line_}, example);
    at_ = text_.size();
  }

  /// Keeps an object that goes on in the next line.
  void hold(std::size_t first, row_state& state) {
    const std::string_view part = text_.substr(first);
    depth_ = 0;
    in_string_ = false;
    if (follow(part)) {
      lose("a line is no JSON object; it is left out", text_, state);
      return;
    }
    pending_ = part;
    pending_line_ = line_;
    spread_ = part.ends_with('{') || part.ends_with(',') || part.ends_with('[');
    at_ = text_.size();
  }

  /// Counts the braces that are open; true where the first one is closed.
  bool follow(std::string_view part) noexcept {
    bool closed = false;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const char c = part[i];
      if (in_string_) {
        i += c == '\\' ? 1U : 0U;
        in_string_ = c != '"';
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (c == '}' || c == ']') {
        closed = closed || --depth_ == 0;
      }
    }
    return closed;
  }

  void drop_pending(row_state& state) {
    if (!pending_.empty()) {
      ++state.lost;
      state.troubles.add("a JSON object is not closed; it is left out", {pending_line_}, pending_);
      pending_.clear();
    }
  }

  json_object object_;
  json_columns columns_; ///< whose rows are being given
  std::uint64_t max_row_bytes_ = 0;
  bool single_ = false;
  bool begun_ = false;               ///< a row has been there
  bool in_columns_ = false;          ///< and was one of an object of columns
  std::vector<std::string> wrapped_; ///< paths of the lists of rows in objects
  std::vector<std::string> names_;   ///< of the values in lists
  std::string pending_;              ///< the beginning of an object that is not closed yet
  std::uint64_t pending_line_ = 0;
  std::int64_t depth_ = 0; ///< braces that are open in it
  bool in_string_ = false;
  bool spread_ = false; ///< it is written over several lines

  std::string record_;
  std::string_view text_; ///< what rows are taken from
  sampled_rows steps_;    ///< how times follow from numbers of lists
  std::string time_text_;
  std::string_view topic_;
  std::string_view received_; ///< a time before the topic
  std::uint64_t line_ = 0;
  std::size_t at_ = 0;
  bool any_ = false;                                        ///< the last object had a member
  std::vector<wrapping> around_;                            ///< lists of rows that are open
  std::vector<std::pair<std::string, std::string>> labels_; ///< beside them
};

} // namespace hanami::detail
