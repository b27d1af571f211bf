// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// Values of one column that were rejected: how surprising the next one is, by how often there were
/// such that lay as far off. What is farther off than all before is at most as frequent as one in
/// all rows, and the rarer the farther: logarithms of distances have an exponential tail, with the
/// mean excess of the eight farthest.
class rejected_values {
 public:
  /// The next one, `distance` from the last value taken, `row` rows after the column began. Returns
  /// -log10 of the probability; of the first one nothing is known: 12.
  double add(double distance, std::uint64_t row) {
    const auto size = static_cast<float>(std::log10(std::max(distance, 1e-300)));
    const double found = surprise(size, row);
    values_.push({size, row});
    return found;
  }

  std::size_t bytes() const noexcept { return values_.bytes(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(values_);
  }

 private:
  struct rejected {
    float size = 0; ///< log10 of the distance
    std::uint64_t row = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(size, row);
    }
  };

  static constexpr double unknown = 12;
  static constexpr double least_excess = 0.02;
  static constexpr std::size_t highest = 8;

  double surprise(float size, std::uint64_t row) const {
    if (values_.size() == 0) {
      return unknown;
    }
    std::vector<float> sizes;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      sizes.push_back(values_[i].size);
    }
    const auto farther =
        std::count_if(sizes.begin(), sizes.end(), [&](float other) { return other >= size; });
    const std::uint64_t first = values_.full() ? values_[values_.size() - 1].row : 0;
    const double rows = static_cast<double>(std::max<std::uint64_t>(row - first, 1));
    const double found =
        std::log10(rows / static_cast<double>(std::max<std::ptrdiff_t>(farther, 1)));
    if (farther > 0) {
      return std::max(0.0, found);
    }
    const std::size_t k = std::min(highest, sizes.size() - 1);
    std::partial_sort(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(k + 1),
                      sizes.end(), std::greater<>());
    double sum = least_excess;
    for (std::size_t i = 0; i < k; ++i) {
      sum += static_cast<double>(sizes[i] - sizes[k]);
    }
    const double excess = sum / static_cast<double>(std::max<std::size_t>(k, 1));
    return found + 0.43429448190325182 * static_cast<double>(size - sizes[0]) / excess;
  }

  last_values<rejected> values_{200};
};

} // namespace hanami
