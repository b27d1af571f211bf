// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../base/refusal.hpp"
#include "data_file.hpp"

namespace hanami::service::data {

inline std::size_t index_of_largest(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

namespace detail {

/// Replaces the numbers of the classes `from` by those of the same names in `to`, -1 where there is
/// none.
class class_translation {
 public:
  class_translation(const std::vector<std::string>& from, const std::vector<std::string>& to) {
    std::unordered_map<std::string_view, float> numbers;
    for (std::size_t i = 0; i < to.size(); ++i) {
      numbers.emplace(to[i], static_cast<float>(i));
    }
    for (const std::string& name : from) {
      const auto found = numbers.find(name);
      numbers_.push_back(found == numbers.end() ? -1.0F : found->second);
    }
  }
  void apply(std::span<float> values) const {
    for (float& value : values) {
      if (value >= 0 && value < static_cast<float>(numbers_.size())) {
        value = numbers_[static_cast<std::size_t>(value)];
      }
    }
  }

 private:
  std::vector<float> numbers_;
};

} // namespace detail

/// The share of rows, 0..1, in which two columns agree. Columns of several values agree where the
/// largest value is at the same place, columns of one value where the values are equal to about six
/// digits, columns of classes where the classes have the same name.
inline double agreement(const data_reader& a, const data_column& of_a, const data_reader& b,
                        const data_column& of_b) {
  if (of_a.width() != of_b.width()) {
    throw invalid_value("columns of " + std::to_string(of_a.width()) + " and " +
                        std::to_string(of_b.width()) + " values cannot be compared");
  }
  if (of_a.classes.empty() != of_b.classes.empty()) {
    throw invalid_value("a column of classes cannot be compared with one of numbers");
  }
  const detail::class_translation names(of_a.classes, of_b.classes);
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
    names.apply(l);
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
