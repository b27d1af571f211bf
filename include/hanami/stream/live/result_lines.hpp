// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../../io/csv_writer.hpp"
#include "../../io/json_text.hpp"
#include "../stream_model.hpp"
#include "plain_number.hpp"

namespace hanami::inline HANAMI_ISA {

/// What stream models say, a line for each row: as CSV (a column's forecasts in fields
/// `celsius_ahead_1`, `celsius_ahead_1_low`, `celsius_ahead_1_high`) or as JSON objects with the
/// same names. Numbers have as many decimals as show a thousandth of the column's usual change;
/// what is not known is empty or null. CSV begins with a header; where a row has forecasts that the
/// header does not name, a new header comes before it, which names the old ones, too. A value; not
/// safe from several threads.
class result_lines {
 public:
  result_lines() = default;
  /// With `key`, the name of a field that tells streams apart, lines have that field, too.
  explicit result_lines(bool json, std::string_view key = {}) : json_(json), key_(key) {
    constexpr std::array<std::string_view, 6> taken = {"row",   "time",     "score",
                                                       "alarm", "expected", "seen"};
    if (std::find(taken.begin(), taken.end(), key) != taken.end()) {
      key_ = "by_" + key_;
    }
  }

  /// Appends a line: what `model` said when it took its row number `row`, the last one or one
  /// before. `time` and `key` as they came, or empty.
  void append(std::string& to, std::uint64_t row, std::string_view time, std::string_view key,
              const stream_model& model, const stream_result& said) {
    if (model.columns() != columns_ || model.horizons() != horizons_) {
      fit(model);
    }
    if (!json_ && names_.size() != named_) {
      append_header(to);
    }
    writer out{to, json_};
    to += json_ ? "{\"row\":" : "";
    out.number(static_cast<double>(row), 0);
    out.key(",\"time\":");
    out.text(time);
    if (!key_.empty()) {
      out.key(',' + json_string(key_) + ':');
      out.text(key);
    }
    for (std::size_t n = 0; n < names_.size(); ++n) {
      const std::size_t column = places_[n].column;
      const std::size_t horizon = places_[n].horizon;
      if (column == nowhere) {
        to += json_ ? "" : ",,,";
        continue;
      }
      const std::size_t at = column * said.horizons + horizon; // if it was forecast then
      const bool known = horizon < said.horizons && at < said.forecasts.size();
      const forecast& ahead = known ? said.forecasts[at] : unknown;
      const int decimals = places_[n].decimals.of(model.scale(column));
      const std::array values = {ahead.value, ahead.low, ahead.high};
      for (std::size_t i = 0; i < values.size(); ++i) {
        to += json_ ? std::string_view(keys_[3 * n + i]) : std::string_view();
        out.number(values[i], decimals, json_ ? '\0' : ',');
      }
    }
    const anomaly& found = said.anomaly;
    out.key(",\"score\":");
    out.number(found.score, 3);
    if (found.alarm) {
      const int decimals = decimal_places().of(model.scale(found.column));
      out.key(",\"alarm\":");
      out.text(model.columns()[found.column]);
      out.key(",\"expected\":");
      out.number(found.expected, decimals);
      out.key(",\"seen\":");
      out.number(found.seen, decimals);
    } else {
      to += json_ ? R"(,"alarm":null,"expected":null,"seen":null)" : ",,,";
    }
    to += json_ ? "}\n" : "\n";
  }

  /// Headers appended since the first line or `begin`.
  std::uint64_t headers() const noexcept { return headers_; }
  /// The next line is the first one of another output: it gets a header.
  void begin() noexcept {
    headers_ = 0;
    named_ = nowhere;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(json_, key_, names_, headers_);
    if constexpr (Archive::reading) {
      columns_.clear();
      horizons_.clear();
      keys_.clear();
      numbers_.clear();
      for (std::size_t n = 0; n < names_.size(); ++n) {
        archive.require(numbers_.emplace(names_[n], n).second, "two forecasts of one name");
        add_keys(names_[n]);
      }
      named_ = headers_ > 0 ? names_.size() : nowhere;
    }
  }

 private:
  struct writer {
    std::string& to;
    bool json;

    void key(std::string_view name) {
      if (json) {
        to += name;
      } else {
        to += ',';
      }
    }

    void text(std::string_view value) {
      if (!json) {
        append_csv_field(to, value);
      } else {
        to += value.empty() ? "null" : json_string(value);
      }
    }

    /// Behind `lead`, if that is a sign.
    void number(double value, int decimals, char lead = '\0') {
      if (lead != '\0') {
        to += lead;
      }
      append_plain_number(to, value, decimals, json ? "null" : "");
    }
  };

  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr forecast unknown = {nan, nan, nan};
  static constexpr std::array<std::string_view, 3> ends = {"", "_low", "_high"};

  struct place {
    std::size_t column = nowhere;
    std::size_t horizon = 0; ///< an index
    decimal_places decimals;
  };

  /// Where in this model's results what each name stands for is found; names that are new join.
  void fit(const stream_model& model) {
    columns_ = model.columns();
    horizons_ = model.horizons();
    places_.assign(names_.size(), {});
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      for (std::size_t h = 0; h < horizons_.size(); ++h) {
        const std::string name = columns_[c] + "_ahead_" + std::to_string(horizons_[h]);
        const auto [known, fresh] = numbers_.try_emplace(name, names_.size());
        if (fresh) {
          names_.push_back(name);
          add_keys(name);
          places_.emplace_back();
        }
        places_[known->second] = {c, h, {}};
      }
    }
  }

  void add_keys(const std::string& name) {
    for (const std::string_view end : ends) {
      keys_.push_back(json_ ? ',' + json_string(name + std::string(end)) + ':' : std::string());
    }
  }

  void append_header(std::string& to) {
    to += "row,time";
    if (!key_.empty()) {
      to += ',';
      append_csv_field(to, key_);
    }
    for (const std::string& name : names_) {
      for (const std::string_view end : ends) {
        to += ',';
        append_csv_field(to, name + std::string(end));
      }
    }
    to += ",score,alarm,expected,seen\n";
    named_ = names_.size();
    ++headers_;
  }

  bool json_ = false;
  std::string key_;
  std::vector<std::string> names_; ///< of all forecasts so far: celsius_ahead_1
  std::unordered_map<std::string, std::size_t> numbers_; ///< of the names
  std::vector<std::string> keys_;                        ///< three for each name, as JSON has them
  std::size_t named_ = nowhere;                          ///< names in the last header
  std::uint64_t headers_ = 0;
  std::vector<std::string> columns_; ///< of the model of the last line,
  std::vector<std::uint32_t> horizons_;
  std::vector<place> places_; ///< and for each name its place in that model's results
};

} // namespace hanami
