// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <hanami/io/json_text.hpp>

#include "text.hpp"

namespace support {

/// One column of a table: what people read above it, what it is called in JSON, and how many digits
/// stand behind the point.
struct column {
  std::string heading;
  std::string key;
  int decimals = 0;
};

/// Text, a number, or several; a number that is not finite was not measured.
using cell = std::variant<std::string, double, std::vector<double>>;

/// Something worth knowing beside a table.
struct fact {
  std::string key;
  cell value;

  fact(std::string name, cell what) : key(std::move(name)), value(std::move(what)) {}
  template <std::integral Number>
  fact(std::string name, Number count) : fact(std::move(name), cell(static_cast<double>(count))) {}
};

/// One flat JSON object, numbers to six digits; what was not measured is left out.
inline std::string json_object(std::span<const fact> facts) {
  std::string members;
  const auto put = [&](const std::string& key, const std::string& value) {
    members += (members.empty() ? "\n  " : ",\n  ") + hanami::json_string(key) + ": " + value;
  };
  for (const fact& f : facts) {
    if (const auto* words = std::get_if<std::string>(&f.value)) {
      put(f.key, hanami::json_string(*words));
    } else if (const auto* several = std::get_if<std::vector<double>>(&f.value)) {
      std::string list;
      for (const double value : *several) {
        list += (list.empty() ? "" : ", ") + formatted("%.6g", value);
      }
      put(f.key, "[" + list + "]");
    } else if (const double value = std::get<double>(f.value); std::isfinite(value)) {
      put(f.key, formatted("%.6g", value));
    }
  }
  return "{" + members + "\n}";
}

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
      std::vector<fact> facts;
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        facts.emplace_back(columns_[c].key, row[c]);
      }
      text += (text.empty() ? "" : ",\n") + json_object(facts);
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
        text += (text.empty() ? "" : " ") + formatted("%.*f", columns_[c].decimals, value);
      }
      return text;
    }
    const double value = std::get<double>(row[c]);
    if (!std::isfinite(value)) {
      return "-";
    }
    if (columns_[c].decimals == 0 && value >= 0) {
      return with_commas(static_cast<std::uint64_t>(std::llround(value)));
    }
    return formatted("%.*f", columns_[c].decimals, value);
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
inline void print_report(const std::vector<fact>& facts, const std::vector<table>& tables,
                         bool json) {
  if (!json) {
    for (const table& t : tables) {
      t.print();
    }
    return;
  }
  std::printf("{\n\"facts\": %s", json_object(facts).c_str());
  for (const table& t : tables) {
    std::printf(",\n%s: %s", hanami::json_string(t.key()).c_str(), t.to_json().c_str());
  }
  std::printf("\n}\n");
}

/// The middle one of some numbers; of an even count the mean of the two in the middle.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

} // namespace support
