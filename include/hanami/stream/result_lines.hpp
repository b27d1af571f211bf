// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../io/json_text.hpp"
#include "stream_model.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a stream model says, a line for each row: as CSV (a column's forecasts in fields
/// `celsius_ahead_1`, `celsius_ahead_1_low`, `celsius_ahead_1_high`) or as JSON objects with the
/// same names. Numbers have as many decimals as show a thousandth of the column's usual change;
/// what is not known is empty or null. For a stream whose columns and horizons stay what they are.
class result_lines {
 public:
  result_lines() = default;
  /// For what this model forecasts now.
  result_lines(const stream_model& of, bool json) : columns_(of.columns()), json_(json) {
    for (const std::string& column : columns_) {
      for (const std::uint32_t horizon : of.horizons()) {
        const std::string name = column + "_ahead_" + std::to_string(horizon);
        for (const char* const end : {"", "_low", "_high"}) {
          keys_.push_back(json ? ',' + json_string(name + end) + ':' : ',' + name + end);
        }
      }
    }
  }

  /// The first line of CSV; empty for JSON.
  std::string header() const {
    if (json_) {
      return {};
    }
    std::string line = "row,time";
    for (const std::string& key : keys_) {
      line += key;
    }
    return line + ",probability,alarm,expected,seen\n";
  }

  /// Appends a line: what `model` said when it took row number `row`. `time` as it came, or empty.
  void append(std::string& to, std::uint64_t row, std::string_view time, const stream_model& model,
              const stream_result& said) const {
    writer out{to, json_};
    to += json_ ? "{\"row\":" : "";
    out.number(static_cast<double>(row), 0);
    out.key(",\"time\":");
    out.text(time);
    for (std::size_t c = 0, field = 0; c < columns_.size(); ++c) {
      const int decimals = decimals_for(model.scale(c));
      for (std::size_t h = 0; h < said.horizons; ++h) {
        const forecast& ahead = said.ahead(c, h);
        for (const double value : {ahead.value, ahead.low, ahead.high}) {
          out.key(keys_[field++]);
          out.number(value, decimals);
        }
      }
    }
    const anomaly& found = said.anomaly;
    out.key(",\"probability\":");
    out.number(found.probability, found.probability < 1e-3 ? 12 : 6);
    if (found.alarm) {
      const int decimals = decimals_for(model.scale(found.column));
      out.key(",\"alarm\":");
      out.text(columns_[found.column]);
      out.key(",\"expected\":");
      out.number(found.expected, decimals);
      out.key(",\"seen\":");
      out.number(found.seen, decimals);
    } else {
      to += json_ ? R"(,"alarm":null,"expected":null,"seen":null)" : ",,,";
    }
    to += json_ ? "}\n" : "\n";
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
        to += value;
      } else {
        to += value.empty() ? "null" : json_string(value);
      }
    }

    /// In plain decimals, without zeros at the end: many times as fast as the shortest text.
    void number(double value, int decimals) {
      static constexpr std::array<double, 13> powers = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                        1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
      if (std::isnan(value)) {
        to += json ? "null" : "";
        return;
      }
      char text[40];
      const double scaled = std::abs(value) * powers[static_cast<std::size_t>(decimals)];
      if (!(scaled < 1e15)) {
        to.append(text, std::to_chars(text, text + sizeof text, value).ptr);
        return;
      }
      auto digits = static_cast<std::uint64_t>(std::floor(scaled + 0.5));
      char* at = text + sizeof text;
      char* const end = at;
      const bool negative = value < 0 && digits > 0;
      int left = decimals;
      for (; left > 0 && digits % 10 == 0; --left) {
        digits /= 10;
      }
      for (bool point = left > 0; digits > 0 || point || at == end; digits /= 10) {
        *--at = static_cast<char>('0' + digits % 10);
        if (point && --left == 0) {
          *--at = '.';
          point = false;
          if (digits < 10) {
            *--at = '0';
          }
        }
      }
      if (negative) {
        *--at = '-';
      }
      to.append(at, end);
    }
  };

  static int decimals_for(double scale) noexcept {
    return scale > 0 ? static_cast<int>(std::clamp(3 - std::floor(std::log10(scale)), 0.0, 12.0))
                     : 6;
  }

  std::vector<std::string> columns_;
  std::vector<std::string> keys_; ///< of the forecasts' fields
  bool json_ = false;
};

} // namespace hanami
