// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../../examples/support/json.hpp"
#include "../../examples/support/text.hpp"

namespace bench {

/// One column of a table: what people read above it, what it is called in JSON, and how many digits
/// stand behind the point.
struct column {
  std::string heading;
  std::string key;
  int decimals = 0;
};

/// Text, a number, or several; a number that is not finite was not measured.
using cell = std::variant<std::string, double, std::vector<double>>;

/// Rows of measured values, for people or as JSON.
class table {
 public:
  table(std::string key, std::string title, std::vector<column> columns)
      : key_(std::move(key)), title_(std::move(title)), columns_(std::move(columns)) {}

  /// One cell for each column.
  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }

  const std::string& key() const noexcept { return key_; }

  void print() const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      std::size_t width = columns_[c].heading.size();
      for (const auto& row : rows_) {
        width = std::max(width, text_of(row, c).size());
      }
      widths.push_back(width);
    }
    std::printf("%s\n", title_.c_str());
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      print_cell(columns_[c].heading, widths[c], left_aligned(c));
    }
    for (const auto& row : rows_) {
      std::printf("\n");
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        print_cell(text_of(row, c), widths[c], left_aligned(c));
      }
    }
    std::printf("\n\n");
  }

  /// An array with one object a row; what was not measured is left out.
  std::string to_json() const {
    std::string text;
    for (const auto& row : rows_) {
      example::json_object object;
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (const auto* words = std::get_if<std::string>(&row[c])) {
          object.add(columns_[c].key, *words);
        } else if (const auto* several = std::get_if<std::vector<double>>(&row[c])) {
          object.add(columns_[c].key, std::span<const double>(*several));
        } else if (const double value = std::get<double>(row[c]); std::isfinite(value)) {
          object.add(columns_[c].key, value);
        }
      }
      text += (text.empty() ? "" : ",\n") + object.text();
    }
    return "[" + text + "]";
  }

 private:
  bool left_aligned(std::size_t c) const {
    return !rows_.empty() && !std::holds_alternative<double>(rows_.front()[c]);
  }

  std::string text_of(const std::vector<cell>& row, std::size_t c) const {
    if (const auto* words = std::get_if<std::string>(&row[c])) {
      return *words;
    }
    if (const auto* several = std::get_if<std::vector<double>>(&row[c])) {
      std::string text;
      for (const double value : *several) {
        text += (text.empty() ? "" : " ") + example::formatted("%.*f", columns_[c].decimals, value);
      }
      return text;
    }
    const double value = std::get<double>(row[c]);
    if (!std::isfinite(value)) {
      return "-";
    }
    if (columns_[c].decimals == 0 && value >= 0) {
      return example::with_commas(static_cast<std::uint64_t>(std::llround(value)));
    }
    return example::formatted("%.*f", columns_[c].decimals, value);
  }

  static void print_cell(const std::string& text, std::size_t width, bool left) {
    std::printf(left ? "  %-*s" : "  %*s", static_cast<int>(width), text.c_str());
  }

  std::string key_;
  std::string title_;
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// Prints tables one below the other, or one JSON object with a member for each, behind the facts
/// that belong to all.
inline void print_report(const example::json_object& facts, const std::vector<table>& tables,
                         bool json) {
  if (!json) {
    for (const table& t : tables) {
      t.print();
    }
    return;
  }
  std::printf("{\n\"facts\": %s", facts.text().c_str());
  for (const table& t : tables) {
    std::printf(",\n%s: %s", example::json_string(t.key()).c_str(), t.to_json().c_str());
  }
  std::printf("\n}\n");
}

/// The middle one of some numbers; of an even count the mean of the two in the middle.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

} // namespace bench
