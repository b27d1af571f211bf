// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "calendar.hpp"
#include "time_format.hpp"
#include "time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

/// One row of a stream, as it stands in a line of text.
struct stream_row {
  double time = std::numeric_limits<double>::quiet_NaN(); ///< seconds, NaN: not given
  std::string_view time_text;                             ///< as it stands in the line
  std::vector<double> values;                             ///< NaN: missing
};

/// Takes rows from lines of CSV or from flat JSON objects: which fields are the time and the
/// columns the first line decides. It is a JSON object, or else a CSV header, or else CSV without
/// one (columns are then called column_1, ...). The time is the field called `time`, or, if that is
/// empty, the first one with a name like time, timestamp or date. Fields that are empty, or say
/// null, NA, NULL or ?, are missing values. Not safe from several threads.
class row_lines {
 public:
  row_lines() = default;
  /// `columns`: their names; empty: all but the time. With a zone times become UTC, otherwise they
  /// are seconds of the clocks that the stream keeps (the two ways of `parse_time`).
  explicit row_lines(std::string time, std::vector<std::string> columns = {},
                     std::optional<time_zone> zone = {})
      : time_(std::move(time)), columns_(std::move(columns)), zoned_(zone.has_value()),
        zone_(std::move(zone).value_or(time_zone())) {}

  /// Looks at the first line. True if that was a header and holds no row. Throws
  /// `errc::invalid_data` where a column that is wanted is not there.
  bool begin(std::string_view line) {
    json_ = !line.empty() && line.front() == '{';
    bool header = false;
    std::vector<std::string> names;
    if (json_) {
      for_members(line, [&](std::string_view key, std::string_view) { names.emplace_back(key); });
    } else {
      const std::vector<std::string_view> fields = split(line);
      header = is_header(line);
      for (std::size_t i = 0; i < fields.size(); ++i) {
        const bool dated = !header && i == 0 && !is_number(fields[i]);
        names.push_back(header  ? std::string(unquoted(fields[i]))
                        : dated ? std::string("time")
                                : std::string("column_") + std::to_string(i + 1));
      }
    }
    choose(names);
    return header;
  }

  /// Whether a line can be a header of CSV: no field is a number or empty.
  static bool is_header(std::string_view line) {
    const std::vector<std::string_view> fields = split(line);
    return !line.starts_with('{') && std::none_of(fields.begin(), fields.end(), is_number);
  }

  const std::vector<std::string>& columns() const noexcept { return columns_; }
  bool timed() const noexcept { return !time_.empty(); }

  /// Takes a line apart, after `begin`. Returns what is wrong with it, or nothing. Texts of the row
  /// live as long as the line.
  std::string read(std::string_view line, stream_row& row) {
    row.values.assign(columns_.size(), std::numeric_limits<double>::quiet_NaN());
    row.time = std::numeric_limits<double>::quiet_NaN();
    row.time_text = {};
    std::string wrong = json_ ? read_json(line, row) : read_csv(line, row);
    if (wrong.empty() && !std::isnan(row.time)) {
      last_time_ = row.time;
    }
    return wrong;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(time_, columns_, places_, json_, zoned_, zone_, last_time_);
    archive.require(std::all_of(places_.begin(), places_.end(),
                                [&](std::uint32_t place) {
                                  return place >= ignored || place < columns_.size();
                                }),
                    "a field of no column");
  }

 private:
  static constexpr std::uint32_t is_time = 0xffffffff;
  static constexpr std::uint32_t ignored = 0xfffffffe;

  static std::string_view unquoted(std::string_view field) {
    while (!field.empty() && field.front() == ' ') {
      field.remove_prefix(1);
    }
    while (!field.empty() && field.back() == ' ') {
      field.remove_suffix(1);
    }
    return field.size() >= 2 && field.front() == '"' && field.back() == '"'
               ? field.substr(1, field.size() - 2)
               : field;
  }

  static std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    for (;;) {
      const std::size_t comma = line.find(',');
      fields.push_back(line.substr(0, comma));
      if (comma == std::string_view::npos) {
        return fields;
      }
      line.remove_prefix(comma + 1);
    }
  }

  static bool is_number(std::string_view field) {
    double value = 0;
    return field.empty() || number(field, value);
  }

  /// A number, or a word for one that is missing.
  static bool number(std::string_view field, double& value) {
    const auto [stop, code] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (code == std::errc() && stop == field.data() + field.size()) {
      return true;
    }
    const std::string_view word = unquoted(field);
    if (word.size() != field.size()) {
      return number(word, value);
    }
    value = std::numeric_limits<double>::quiet_NaN();
    return word.empty() || word == "null" || word == "NA" || word == "NULL" || word == "?";
  }

  static bool named_like_time(std::string_view name) {
    return name == "time" || name == "timestamp" || name == "date" || name == "datetime" ||
           name == "ts" || name == "Time" || name == "Timestamp" || name == "Date";
  }

  void choose(const std::vector<std::string>& names) {
    if (time_.empty()) {
      const auto found = std::find_if(names.begin(), names.end(), named_like_time);
      time_ = found == names.end() ? "" : *found;
    } else {
      require(names, time_);
    }
    if (columns_.empty()) {
      columns_ = names;
      std::erase(columns_, time_);
    }
    drop_repeated();
    for (const std::string& column : columns_) {
      require(names, column);
    }
    if (columns_.empty()) {
      raise(errc::invalid_data, "the first line names no column of values");
    }
    for (const std::string& name : names) {
      const auto found = std::find(columns_.begin(), columns_.end(), name);
      places_.push_back(name == time_ && !time_.empty() ? is_time
                        : found == columns_.end()
                            ? ignored
                            : static_cast<std::uint32_t>(found - columns_.begin()));
    }
  }

  /// Of fields with one name the last one of a line counts.
  void drop_repeated() {
    std::vector<std::string> once;
    for (std::string& column : columns_) {
      if (std::find(once.begin(), once.end(), column) == once.end()) {
        once.push_back(std::move(column));
      }
    }
    columns_ = std::move(once);
  }

  static void require(const std::vector<std::string>& names, const std::string& wanted) {
    if (std::find(names.begin(), names.end(), wanted) == names.end()) {
      std::string known;
      for (const std::string& name : names) {
        known += (known.empty() ? "" : ", ") + name;
      }
      raise(errc::invalid_data, "there is no column '" + wanted + "'; the first line has " + known);
    }
  }

  std::string put(std::uint32_t place, std::string_view field, stream_row& row) const {
    if (place == ignored) {
      return {};
    }
    if (place == is_time) {
      row.time_text = unquoted(field);
      row.time = zoned_ ? parse_time(row.time_text, zone_, last_time_) : parse_time(row.time_text);
      return std::isnan(row.time) ? "no time: " + shown(field) : std::string();
    }
    return number(field, row.values[place])
               ? std::string()
               : "no number in column '" + columns_[place] + "': " + shown(field);
  }

  /// A field as it may be printed: short, no control characters.
  static std::string shown(std::string_view field) {
    std::string text(field.substr(0, 40));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32; }, '?');
    return "'" + text + (field.size() > 40 ? "...'" : "'");
  }

  std::string read_csv(std::string_view line, stream_row& row) const {
    const char* at = line.data();
    const char* const end = at + line.size();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const char* stop = at;
      if (places_[i] < ignored) { // the fast path: a bare number
        const auto [after, code] = std::from_chars(at, end, row.values[places_[i]]);
        stop = code == std::errc() ? after : at;
      }
      if (stop == at || (stop != end && *stop != ',')) {
        stop = std::find(at, end, ',');
        const std::string_view field(at, static_cast<std::size_t>(stop - at));
        if (std::string wrong = put(places_[i], field, row); !wrong.empty()) {
          return wrong;
        }
      }
      const bool last = i + 1 == places_.size();
      if (last != (stop == end)) {
        return last ? "too many fields" : "too few fields";
      }
      at = stop + (last ? 0 : 1);
    }
    return {};
  }

  std::string read_json(std::string_view line, stream_row& row) const {
    std::string wrong;
    const bool whole = for_members(line, [&](std::string_view key, std::string_view value) {
      std::uint32_t place = ignored;
      if (key == time_ && !time_.empty()) {
        place = is_time;
      } else if (const auto found = std::find(columns_.begin(), columns_.end(), key);
                 found != columns_.end()) {
        place = static_cast<std::uint32_t>(found - columns_.begin());
      }
      if (wrong.empty()) {
        wrong = put(place, value, row);
      }
    });
    return whole ? wrong : "not a flat JSON object";
  }

  /// Calls `see(key, value)` for the members of a flat object; false where the line is none.
  template <class See>
  static bool for_members(std::string_view line, See see) {
    std::size_t at = 0;
    const auto skip = [&] {
      while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) {
        ++at;
      }
      return at < line.size() ? line[at] : '\0';
    };
    const auto text = [&] { // from quote to quote, both included
      const std::size_t first = at++;
      while (at < line.size() && line[at] != '"') {
        at += line[at] == '\\' ? 2U : 1U;
      }
      at = std::min(at + 1, line.size() + 1);
      return line.substr(first, at - first);
    };
    if (skip() != '{') {
      return false;
    }
    ++at;
    for (;;) {
      if (skip() != '"') {
        return false;
      }
      const std::string_view key = text();
      if (key.size() < 2 || skip() != ':') {
        return false;
      }
      ++at;
      const std::size_t first = (skip(), at);
      std::string_view value;
      if (skip() == '"') {
        value = text();
      } else {
        at = std::min(line.find_first_of(",} \t", at), line.size());
        value = line.substr(first, at - first);
      }
      if (value.empty() || value.front() == '{' || value.front() == '[') {
        return false;
      }
      see(key.substr(1, key.size() - 2), value);
      const char next = skip();
      ++at;
      if (next == '}') {
        return skip() == '\0';
      }
      if (next != ',') {
        return false;
      }
    }
  }

  std::string time_;
  std::vector<std::string> columns_;
  std::vector<std::uint32_t> places_; ///< of the fields of a line of CSV
  bool json_ = false;
  bool zoned_ = false;
  time_zone zone_;
  double last_time_ = -std::numeric_limits<double>::infinity(); ///< of the rows so far
};

} // namespace hanami
