// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../base/refusal.hpp"
#include "data_file.hpp"

namespace hanami::service::data {

inline std::size_t index_of_largest(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// The share of rows, 0..1, in which two columns agree. Columns of several values agree where the
/// largest value is at the same place, columns of one value where the values are equal to about six
/// digits.
inline double agreement(const data_reader& a, const data_column& of_a, const data_reader& b,
                        const data_column& of_b) {
  if (of_a.width() != of_b.width()) {
    throw invalid_value("columns of " + std::to_string(of_a.width()) + " and " +
                        std::to_string(of_b.width()) + " values cannot be compared");
  }
  const std::uint64_t rows = std::min(a.layout().rows, b.layout().rows);
  const auto width = static_cast<std::size_t>(of_a.width());
  const std::uint64_t block = std::max<std::uint64_t>(1, 65536 / width);
  std::vector<float> left(block * width);
  std::vector<float> right(block * width);
  std::uint64_t equal = 0;
  for (std::uint64_t row = 0; row < rows; row += block) {
    const std::uint64_t count = std::min(block, rows - row);
    const std::span<float> l = std::span(left).first(count * width);
    const std::span<float> r = std::span(right).first(count * width);
    a.read(of_a, row, count, l);
    b.read(of_b, row, count, r);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto x = l.subspan(i * width, width);
      const auto y = r.subspan(i * width, width);
      const bool same = width > 1 ? index_of_largest(x) == index_of_largest(y)
                                  : std::abs(x[0] - y[0]) <= 1e-6F * std::abs(y[0]);
      equal += same ? 1U : 0U;
    }
  }
  return rows == 0 ? 0.0 : static_cast<double>(equal) / static_cast<double>(rows);
}

} // namespace hanami::service::data
