// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "field_text.hpp"
#include "json_object.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// A column of rows that stand in columns.
struct json_column {
  std::string name;
  std::vector<std::pair<std::string, cell>> values;
};

/// Series in one document of JSON, each with points of its own and labels around them, as databases
/// of time series export them. Points are pairs, [time, value] or [value, time], objects of a time
/// and a number, two lists side by side, or an object whose members are called by their times. Not
/// safe from several threads.
class json_series {
 public:
  /// Takes the document, an object or a list of objects, that begins at `at`, and moves `at` behind
  /// it: the rows are the times of all series, in order, and a column each series. Empty, where it
  /// is no such document: there are less than two series, of which one could be read otherwise, or
  /// their points are less than an eighth of it.
  std::vector<json_column> take(std::string_view text, std::size_t& at) {
    series_.clear();
    bytes_ = 0;
    hidden_ = false;
    const std::size_t end =
        text[at] == '{' ? see_object(text, at, {}, 0) : see_list(text, at, {}, 0);
    if (end == 0 || series_.empty() || (series_.size() == 1 && !hidden_) || 8 * bytes_ < end - at) {
      return {};
    }
    at = end;
    return columns();
  }

 private:
  static constexpr int deepest = 8;
  static constexpr std::size_t most_series = 65536;

  using labels = std::vector<std::pair<std::string, std::string>>; ///< paths and what they hold

  struct member_list {
    std::string path;
    std::size_t from; ///< its brackets
    std::size_t to;
  };
  struct series {
    std::string list; ///< path of its points
    labels around;
    std::vector<std::pair<std::string, std::pair<std::string, cell>>> points; ///< times, values
  };
  struct scalar {
    std::string path;
    std::string text;
    cell found;
  };

  static bool is_time(std::string_view text, const cell& found) noexcept {
    return is_time_shaped(text) || (found.kind == cell_kind::number && found.value > 1e8);
  }
  static std::string_view last_of(std::string_view path) noexcept {
    return path.substr(path.rfind('.') + 1); // all of it where there is none
  }

  /// Where the object ends; 0: it is malformed, or there are too many.
  std::size_t see_object(std::string_view text, std::size_t at, labels around, int depth) {
    std::vector<scalar> scalars;
    std::vector<member_list> lists;
    json_object walker;
    std::size_t end = at;
    const auto see = [&](std::string_view path, std::string_view value, const cell& found) {
      scalars.push_back({std::string(path), std::string(value), found});
    };
    const auto see_a_list = [&](std::string_view path) {
      const auto [from, to] = walker.list();
      lists.push_back({std::string(path), from, to});
    };
    if (depth > deepest || series_.size() > most_series ||
        walker.walk(text, end, see, see_a_list) != json_end::whole) {
      return 0;
    }
    if (depth > 0) { // else it is a frame of data
      take_keyed(scalars, around, end - at);
    }
    for (const scalar& s : scalars) {
      if (!is_time_shaped(s.text)) {
        around.emplace_back(s.path, s.text);
      }
    }
    if (depth == 0 || !take_parallel(text, lists, around)) {
      for (const member_list& list : lists) {
        labels inner = around;
        inner.emplace_back("", list.path);
        if (see_list(text, list.from, inner, depth + 1) == 0) {
          return 0;
        }
      }
    }
    return end;
  }

  /// Where the list ends; 0: it is malformed. Its points are a series, its objects are looked into.
  std::size_t see_list(std::string_view text, std::size_t at, const labels& around, int depth) {
    const std::size_t first = text.find_first_not_of(" \t\r\n", at + 1);
    std::size_t end = at;
    json_object walker;
    if (first == std::string_view::npos) {
      return 0;
    }
    if (text[first] != '{') {
      const std::size_t known = series_.size();
      const bool whole = text[first] == '[' ? take_pairs(text, at, end, around) : skip(text, end);
      bytes_ += series_.size() > known ? end - at : 0;
      return whole ? end : 0;
    }
    if (take_points(text, at, end, around)) {
      bytes_ += end - at;
      return end;
    }
    for (end = first; end < text.size() && text[end] == '{';) {
      end = see_object(text, end, around, depth + 1);
      if (end == 0) {
        return 0;
      }
      end = text.find_first_not_of(", \t\r\n", end);
    }
    return end < text.size() && text[end] == ']' ? end + 1 : 0;
  }

  static bool skip(std::string_view text, std::size_t& at) {
    const auto ignore = [](std::string_view, std::string_view = {}, cell = {}) {};
    const auto no_name = [](std::size_t) { return std::string_view(); };
    return json_object().walk_list(text, at, no_name, ignore, ignore) == json_end::whole;
  }

  /// Lists of two values each, a time and a number.
  bool take_pairs(std::string_view text, std::size_t at, std::size_t& end, const labels& around) {
    std::vector<std::pair<std::pair<std::string, cell>, std::pair<std::string, cell>>> pairs;
    json_object outer;
    bool fits = true;
    const auto no_name = [](std::size_t) { return std::string_view(); };
    const auto other = [&](std::string_view, std::string_view, const cell&) { fits = false; };
    const auto see_pair = [&](std::string_view) {
      std::vector<std::pair<std::string, cell>> values;
      std::size_t inner = outer.list().first;
      const auto see = [&](std::string_view, std::string_view value, const cell& found) {
        values.emplace_back(value, found);
      };
      const auto nested = [&](std::string_view) { fits = false; };
      json_object().walk_list(text, inner, no_name, see, nested);
      fits = fits && values.size() == 2;
      if (fits) {
        pairs.emplace_back(std::move(values[0]), std::move(values[1]));
      }
    };
    end = at;
    if (outer.walk_list(text, end, no_name, other, see_pair) != json_end::whole) {
      return false;
    }
    const auto times = [&](auto of) {
      return std::all_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
        return is_time((pair.*of).first, (pair.*of).second);
      });
    };
    using pair_type = typename decltype(pairs)::value_type;
    const bool in_order = times(&pair_type::first);
    if (!fits || pairs.size() < 2 || (!in_order && !times(&pair_type::second))) {
      return true;
    }
    series& made = add("", around);
    for (auto& [a, b] : pairs) {
      made.points.emplace_back(in_order ? a.first : b.first, in_order ? b : a);
    }
    return true;
  }

  /// Objects of one number and a time, or of several that are alike, beside words.
  bool take_points(std::string_view text, std::size_t at, std::size_t& end, const labels& around) {
    series made{"", around, {}};
    std::string path;
    end = text.find('{', at);
    while (end < text.size() && text[end] == '{') {
      std::string time;
      std::size_t numbers = 0;
      std::pair<std::string, cell> value;
      bool fits = true;
      const auto see = [&](std::string_view name, std::string_view word, const cell& found) {
        lower_text<16> small;
        const std::string_view called = small.of(last_of(name));
        const bool named = called == "ts" || called == "t" || called == "x" || called == "date" ||
                           called.ends_with("time") || called.ends_with("timestamp");
        if (is_time_shaped(word) || (named && is_time(word, found))) {
          time = time.empty() ? std::string(word) : time;
        } else if (has_value(found.kind) || found.kind == cell_kind::missing) {
          ++numbers;
          value = {std::string(word), found};
          path = path.empty() ? std::string(name) : path;
          fits = fits && path == name;
        }
      };
      const auto nested = [&](std::string_view) { fits = false; };
      if (json_object().walk(text, end, see, nested) != json_end::whole || !fits || numbers != 1 ||
          time.empty()) {
        return false;
      }
      made.points.emplace_back(std::move(time), std::move(value));
      end = text.find_first_not_of(", \t\r\n", end);
    }
    if (end >= text.size() || text[end] != ']' || made.points.size() < 2) {
      return false;
    }
    ++end;
    series_.push_back(std::move(made));
    return true;
  }

  /// Two lists of values side by side, equally long, of which one holds times.
  bool take_parallel(std::string_view text, const std::vector<member_list>& lists,
                     const labels& around) {
    std::vector<json_column> found;
    std::size_t size = 0;
    for (const member_list& list : lists) {
      const std::size_t first = text.find_first_not_of(" \t\r\n", list.from + 1);
      if (std::string_view("[]{").find(text[first]) == std::string_view::npos) {
        json_column made{list.path, {}};
        std::size_t at = list.from;
        const auto no_name = [](std::size_t) { return std::string_view(); };
        const auto see = [&](std::string_view, std::string_view value, const cell& c) {
          made.values.emplace_back(value, c);
        };
        const auto nested = [](std::string_view) {};
        json_object().walk_list(text, at, no_name, see, nested);
        size += list.to - list.from;
        found.push_back(std::move(made));
      }
    }
    const auto times = std::find_if(found.begin(), found.end(), [](const json_column& c) {
      return c.values.size() > 1 &&
             std::all_of(c.values.begin(), c.values.end(),
                         [](const auto& v) { return is_time(v.first, v.second); });
    });
    if (times == found.end() || found.size() < 2 ||
        std::any_of(found.begin(), found.end(), [&](const json_column& c) {
          return c.values.size() != times->values.size();
        })) {
      return false;
    }
    for (auto column = found.begin(); column != found.end(); ++column) {
      if (column != times) {
        series& made = add(found.size() > 2 ? column->name : "", around);
        for (std::size_t i = 0; i < column->values.size(); ++i) {
          made.points.emplace_back(times->values[i].first, column->values[i]);
        }
      }
    }
    bytes_ += size;
    hidden_ = true;
    return true;
  }

  /// Members that are called by their times, two or more below one path; they are no labels.
  void take_keyed(std::vector<scalar>& scalars, const labels& around, std::size_t size) {
    const auto parent_of = [](const scalar& s) {
      const std::size_t dot = s.path.rfind('.');
      return s.path.substr(0, dot == std::string::npos ? 0 : dot);
    };
    const auto is_key = [](const scalar& s) {
      const std::string_view name = last_of(s.path);
      return name.size() < s.path.size() && name.size() >= 9 &&
             std::all_of(name.begin(), name.end(), is_digit);
    };
    std::map<std::string, std::vector<const scalar*>> keyed;
    for (const scalar& s : scalars) {
      if (is_key(s)) {
        keyed[parent_of(s)].push_back(&s);
      }
    }
    for (const auto& [parent, members] : keyed) {
      if (members.size() > 1) {
        labels all = around;
        for (const scalar& s : scalars) {
          if (!is_key(s)) {
            all.emplace_back(s.path, s.text);
          }
        }
        all.emplace_back("", parent);
        series& made = add("", all);
        for (const scalar* s : members) {
          made.points.emplace_back(last_of(s->path), std::pair(s->text, s->found));
        }
        bytes_ += size / keyed.size();
        hidden_ = true;
      }
    }
    scalars.erase(std::remove_if(scalars.begin(), scalars.end(), is_key), scalars.end());
  }

  series& add(std::string_view list, const labels& around) {
    return series_.emplace_back(series{std::string(list), around, {}});
  }

  /// What a series is called: by the shortest of its names, else of its labels, that tells all of
  /// them apart, else by all that differ; a single one by what names it.
  std::vector<std::string> names() const {
    std::vector<std::string> paths; // of labels that all of them have
    for (const auto& label : series_.front().around) {
      const std::string& path = label.first;
      const bool everywhere = std::all_of(series_.begin(), series_.end(), [&](const series& s) {
        return find(s, path) != nullptr;
      });
      if (everywhere && std::find(paths.begin(), paths.end(), path) == paths.end()) {
        paths.push_back(path);
      }
    }
    const std::string* best = nullptr;
    std::pair<bool, std::size_t> least;
    std::vector<const std::string*> differ;
    for (const std::string& path : paths) {
      std::vector<std::string_view> texts;
      std::pair<bool, std::size_t> size{!is_name(path), 0};
      for (const series& s : series_) {
        texts.push_back(*find(s, path));
        size.second += texts.back().size();
      }
      std::sort(texts.begin(), texts.end());
      const auto end = std::unique(texts.begin(), texts.end());
      if (end == texts.end() && size.second > 0 && (best == nullptr || size < least)) {
        best = &path;
        least = size;
      }
      if (end > texts.begin() + 1) {
        differ.push_back(&path);
      }
    }
    std::vector<std::string> made;
    for (const series& s : series_) {
      std::string name;
      if (series_.size() == 1) {
        name = single_name(s);
      } else if (best != nullptr) {
        name = *find(s, *best);
      } else {
        for (const std::string* path : differ) {
          name += (name.empty() ? "" : " ") + *find(s, *path);
        }
      }
      name += s.list.empty() ? "" : (name.empty() ? "" : ".") + s.list;
      made.push_back(name.empty() ? "value" : name);
    }
    return made;
  }

  static std::string single_name(const series& s) {
    for (const bool by_list : {false, true}) {
      for (const auto& [path, text] : s.around) {
        if ((by_list ? path.empty() : is_name(path)) && !text.empty()) {
          return text;
        }
      }
    }
    return {};
  }

  /// Whether one of the members on a path is called like what names a series.
  static bool is_name(std::string_view path) {
    while (!path.empty()) {
      const std::string_view member = path.substr(0, path.find('.'));
      lower_text<16> small;
      const std::string_view word = small.of(member);
      for (const std::string_view known :
           {"__name__", "name", "target", "metric", "label", "title", "id", "key", "topic"}) {
        if (word == known) {
          return true;
        }
      }
      path.remove_prefix(std::min(member.size() + 1, path.size()));
    }
    return false;
  }

  static const std::string* find(const series& s, std::string_view path) {
    const auto found = std::find_if(s.around.rbegin(), s.around.rend(),
                                    [&](const auto& label) { return label.first == path; });
    return found == s.around.rend() ? nullptr : &found->second;
  }

  std::vector<json_column> columns() const {
    std::map<std::string_view, std::size_t, before> rows;
    for (const series& s : series_) {
      for (const auto& point : s.points) {
        rows.emplace(point.first, 0);
      }
    }
    std::vector<json_column> made(1, {"time", {}});
    for (auto& [time, row] : rows) {
      row = made[0].values.size();
      made[0].values.emplace_back(time, parse_cell(time));
    }
    const std::vector<std::string> called = names();
    for (std::size_t i = 0; i < series_.size(); ++i) {
      std::string name = called[i];
      const auto taken = [&] {
        return std::any_of(made.begin(), made.end(), [&](const auto& c) { return c.name == name; });
      };
      for (std::size_t number = 2; taken(); ++number) {
        name = called[i] + '_' + std::to_string(number);
      }
      json_column& column = made.emplace_back(json_column{std::move(name), {}});
      column.values.resize(rows.size());
      for (const auto& [time, value] : series_[i].points) {
        column.values[rows.find(time)->second] = value;
      }
    }
    return made;
  }

  /// The order of times in one form: shorter numbers first, then by their digits.
  struct before {
    bool operator()(std::string_view a, std::string_view b) const noexcept {
      const std::size_t whole_a = std::min(a.find('.'), a.size());
      const std::size_t whole_b = std::min(b.find('.'), b.size());
      return whole_a != whole_b ? whole_a < whole_b : a < b;
    }
  };

  std::vector<series> series_;
  std::size_t bytes_ = 0; ///< of the points
  bool hidden_ = false;   ///< a series stands so that no other reader would find it
};

} // namespace hanami::detail
