// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace hanami::service::data {

/// What the values of a column are like, over all its rows; of a column of several values, all of
/// them together.
struct column_statistics {
  std::uint64_t known = 0;   ///< values
  std::uint64_t missing = 0; ///< NaN
  double least = 0;          ///< of the known ones
  double most = 0;
  double mean = 0;
  double squares = 0; ///< sum of the squared distances from the mean (Welford 1962)
  /// Of a column of classes: how often each occurs.
  std::vector<std::uint64_t> counts{};

  /// Of the values as a whole, not of a sample of more.
  double standard_deviation() const noexcept {
    return known == 0 ? 0 : std::sqrt(squares / static_cast<double>(known));
  }

  void add(float value) noexcept {
    if (std::isnan(value)) {
      ++missing;
      return;
    }
    const auto x = static_cast<double>(value);
    least = known == 0 ? x : std::min(least, x);
    most = known == 0 ? x : std::max(most, x);
    ++known;
    const double off = x - mean;
    mean += off / static_cast<double>(known);
    squares += off * (x - mean);
  }

  /// The class `value`; NaN, and numbers that are of no class, are missing.
  void add_class(float value, std::size_t most_classes) {
    if (!(value >= 0) || value >= static_cast<float>(most_classes)) {
      ++missing;
      return;
    }
    const auto number = static_cast<std::size_t>(value);
    if (number >= counts.size()) {
      counts.resize(number + 1);
    }
    ++counts[number];
    ++known;
  }
};

} // namespace hanami::service::data
