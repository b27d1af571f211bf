// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/stream/time_column.hpp>

#include "written_time.hpp"

namespace hanami_test {

using hanami::time_column;
using hanami::time_options;

using texts = std::vector<std::string>;

inline constexpr std::int64_t july = 1467331200; // 2016-07-01, a Friday
inline constexpr std::int64_t day = 86400;

/// Rows of text with names, and the times that a column makes of them.
struct table {
  texts names;
  std::vector<texts> rows;
  time_column column;

  explicit table(texts named, time_options options = {})
      : names(std::move(named)), column(std::move(options)) {}

  /// So many rows, whose cells `make` writes by their number.
  template <class Make>
  table& fill(std::int64_t count, Make make) {
    for (std::int64_t i = 0; i < count; ++i) {
      rows.push_back(make(i));
    }
    return *this;
  }

  /// Chooses by the first ten rows and reads all; NaN: not known.
  std::vector<double> times() {
    for (std::size_t i = 0; i < std::min<std::size_t>(rows.size(), 10); ++i) {
      column.look(names, rows[i]);
    }
    column.choose(names);
    std::vector<double> found;
    for (const texts& row : rows) {
      found.push_back(column.read(row).seconds);
    }
    return found;
  }
  std::string said() const { return column.description(names); }
};

/// Whether times begin there and are so far apart.
inline bool runs(const std::vector<double>& times, double start, double step,
                 double margin = 1e-6) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!(std::abs(times[i] - (start + step * static_cast<double>(i))) <= margin)) {
      UNSCOPED_INFO("row " << i << ": " << times[i] - start << " s after the start");
      return false;
    }
  }
  return !times.empty();
}

inline texts iso_and_value(std::int64_t i) {
  return {write_time("%Y-%m-%d %H:%M:%S", july + 60 * i, i), "20.5"};
}

inline std::string number(double value, int places) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", places, value);
  return text.data();
}

} // namespace hanami_test
