// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "field_text.hpp"
#include "json_object.hpp"
#include "json_series.hpp"
#include "row_state.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Rows that stand in columns: lists of values, equally long, in one object, as in
/// {"time": [1, 2], "celsius": [20.5, 20.7]}. Not safe from several threads.
class json_columns {
 public:
  /// Takes the columns of the object that begins at `at`, a brace, and moves `at` behind it; false
  /// where its rows do not stand so: two lists or more of at least two values each, a third of the
  /// object, with no number or time beside them, as a row would have. `labelled`: words beside the
  /// lists go into each row.
  bool take(std::string_view text, std::size_t& at, bool labelled) {
    columns_.clear();
    labels_.clear();
    row_ = 0;
    std::vector<found_list> lists;
    std::vector<std::string> parents_of_values;
    json_object walker;
    std::size_t end = at;
    const auto see = [&](std::string_view path, std::string_view value, const cell& found) {
      if (found.kind == cell_kind::number || is_time_shaped(value)) {
        parents_of_values.emplace_back(parent_of(path));
      } else if (labelled && found.kind != cell_kind::missing) {
        labels_.emplace_back(std::string(path), std::pair(std::string(value), found));
      }
    };
    const auto see_list = [&](std::string_view path) {
      const auto [from, to] = walker.list();
      if (begins_values(text, from)) {
        lists.push_back({std::string(path), from, to});
      }
    };
    if (walker.walk(text, end, see, see_list) != json_end::whole) {
      return false;
    }
    const auto longest =
        std::max_element(lists.begin(), lists.end(), [](const found_list& a, const found_list& b) {
          return a.to - a.from < b.to - b.from;
        });
    if (longest == lists.end()) {
      return false;
    }
    const std::string parent(parent_of(longest->path));
    if (std::find(parents_of_values.begin(), parents_of_values.end(), parent) !=
        parents_of_values.end()) {
      return false;
    }
    std::size_t size = 0;
    for (const found_list& list : lists) {
      if (parent_of(list.path) == parent && add_column(text, list, parent.size())) {
        size += list.to - list.from;
      }
    }
    const bool rows = columns_.size() > 1 && columns_.front().values.size() > 1 &&
                      std::all_of(columns_.begin(), columns_.end(), [&](const json_column& c) {
                        return c.values.size() == columns_.front().values.size();
                      });
    if (!rows || 3 * size < end - at) {
      columns_.clear();
      return false;
    }
    at = end;
    return true;
  }

  /// Takes an object of columns whose values are named by the row they are in, or of rows that are
  /// named so, as data frames are written: {"a": {"0": 1, "1": 2}, "b": ...} or
  /// {"0": {"a": 1, "b": ...}, ...}; the names of rows are whole numbers or times. False for
  /// others.
  bool take_keyed(std::string_view text, std::size_t& at) {
    columns_.clear();
    labels_.clear();
    row_ = 0;
    std::vector<std::string> keys;
    std::unordered_map<std::string, std::size_t> places; // of keys
    std::unordered_map<std::string, std::size_t> known;  // columns
    bool fits = true;
    const auto see = [&](std::string_view path, std::string_view value, const cell& found) {
      std::size_t dot = path.find('.');
      while (dot != std::string_view::npos && !is_key(path.substr(dot + 1))) {
        dot = path.find('.', dot + 1);
      }
      const bool behind = dot != std::string_view::npos;
      if (!behind) { // names of rows may have points in them
        for (dot = path.rfind('.');
             dot != std::string_view::npos && dot > 0 && !is_key(path.substr(0, dot));) {
          dot = path.rfind('.', dot - 1);
        }
      }
      if (dot == std::string_view::npos || dot == 0) {
        fits = false;
        return;
      }
      const std::string_view before = path.substr(0, dot);
      const std::string_view after = path.substr(dot + 1);
      const auto [key, fresh] =
          places.try_emplace(std::string(behind ? after : before), keys.size());
      if (fresh) {
        keys.push_back(key->first);
      }
      const auto [place, first] =
          known.try_emplace(std::string(behind ? before : after), columns_.size());
      if (first) {
        columns_.push_back({place->first, {}});
      }
      auto& values = columns_[place->second].values;
      fits = fits && values.size() <= key->second;
      values.resize(key->second);
      values.emplace_back(value, found);
    };
    std::size_t end = at;
    const bool whole = json_object().walk(text, end, see, [&](std::string_view) {
      fits = false;
    }) == json_end::whole;
    if (!whole || !fits || keys.size() < 2 || columns_.empty()) {
      columns_.clear();
      return false;
    }
    for (json_column& c : columns_) {
      c.values.resize(keys.size());
    }
    json_column index{"index", {}};
    for (std::string& key : keys) {
      const cell found = parse_cell(key);
      index.values.emplace_back(std::move(key), found);
    }
    if (!is_count(index)) {
      columns_.insert(columns_.begin(), std::move(index));
    }
    at = end;
    return true;
  }

  /// Takes an object of which one list names the columns, one the rows, and one holds the rows, as
  /// data frames are split: {"columns": ["a"], "index": [0, 1], "data": [[1], [2]]}.
  bool take_split(std::string_view text, std::size_t& at) {
    columns_.clear();
    labels_.clear();
    row_ = 0;
    std::vector<found_list> lists;
    json_object walker;
    std::size_t end = at;
    const auto ignore = [](std::string_view, std::string_view, const cell&) {};
    const auto see_list = [&](std::string_view path) {
      lists.push_back({std::string(path), walker.list().first, walker.list().second});
    };
    if (walker.walk(text, end, ignore, see_list) != json_end::whole) {
      return false;
    }
    const auto find = [&](std::string_view path) {
      return std::find_if(lists.begin(), lists.end(),
                          [&](const found_list& list) { return list.path == path; });
    };
    const auto names = find("columns");
    const auto index = find("index");
    const auto data = find("data");
    if (names == lists.end() || index == lists.end() || data == lists.end() ||
        !add_column(text, *index, 0) || !add_column(text, *names, 0)) {
      columns_.clear();
      return false;
    }
    const auto called = std::move(columns_.back().values);
    columns_.pop_back();
    for (const auto& [name, found] : called) {
      columns_.push_back({name, {}});
    }
    bool fits = true;
    json_object outer;
    const auto no_name = [](std::size_t) { return std::string_view(); };
    const auto see_row = [&](std::string_view) {
      std::size_t column = 0;
      std::size_t from = outer.list().first;
      const auto see = [&](std::string_view, std::string_view value, const cell& found) {
        if (++column < columns_.size()) {
          columns_[column].values.emplace_back(value, found);
        }
      };
      json_object().walk_list(text, from, no_name, see, [&](std::string_view) { fits = false; });
      fits = fits && column == called.size();
    };
    std::size_t from = data->from;
    outer.walk_list(text, from, no_name, ignore, see_row);
    if (!fits || columns_.size() < 2 ||
        columns_.front().values.size() != columns_.back().values.size()) {
      columns_.clear();
      return false;
    }
    if (is_count(columns_.front())) {
      columns_.erase(columns_.begin());
    }
    at = end;
    return true;
  }

  /// Takes a document of series, a column each.
  bool take_series(std::string_view text, std::size_t& at) {
    columns_ = json_series().take(text, at);
    labels_.clear();
    row_ = 0;
    return !columns_.empty();
  }

  /// Calls `set(name, text, cell)` for each cell of the next row; false behind the last one.
  template <class Set>
  bool next(Set set) {
    if (columns_.empty() || row_ == columns_.front().values.size()) {
      columns_.clear();
      return false;
    }
    for (const auto& [name, label] : labels_) {
      set(std::string_view(name), std::string_view(label.first), label.second);
    }
    for (const json_column& c : columns_) {
      set(std::string_view(c.name), std::string_view(c.values[row_].first), c.values[row_].second);
    }
    ++row_;
    return true;
  }

 private:
  struct found_list {
    std::string path;
    std::size_t from; ///< its brackets
    std::size_t to;
  };
  static std::string_view parent_of(std::string_view path) noexcept {
    const std::size_t dot = path.rfind('.');
    return path.substr(0, dot == std::string_view::npos ? 0 : dot);
  }

  /// Whether rows are only numbered: 0, 1, 2, ...
  static bool is_count(const json_column& index) {
    for (std::size_t i = 0; i < index.values.size(); ++i) {
      if (index.values[i].first != std::to_string(i)) {
        return false;
      }
    }
    return true;
  }

  /// Whether a name is one of a row: a whole number or a time.
  static bool is_key(std::string_view name) noexcept {
    return !name.empty() &&
           (std::all_of(name.begin(), name.end(), is_digit) || is_time_shaped(name));
  }

  /// False for a list that has lists in it.
  bool add_column(std::string_view text, const found_list& list, std::size_t parent) {
    json_column made;
    made.name = list.path.substr(parent == 0 ? 0 : parent + 1);
    bool flat = true;
    std::size_t at = list.from;
    const auto no_name = [](std::size_t) { return std::string_view(); };
    const auto see = [&](std::string_view path, std::string_view value, const cell& found) {
      flat = flat && path.empty();
      made.values.emplace_back(value, found);
    };
    const auto see_list = [&](std::string_view) { flat = false; };
    const bool whole = json_object().walk_list(text, at, no_name, see, see_list) == json_end::whole;
    if (whole && flat) {
      columns_.push_back(std::move(made));
    }
    return whole && flat;
  }

  std::vector<json_column> columns_;
  std::vector<std::pair<std::string, std::pair<std::string, cell>>> labels_; ///< of all rows
  std::size_t row_ = 0;                                                      ///< the next one
};

} // namespace hanami::detail
