// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// Values of one column that were rejected: how surprising the next one is, by how often there were
/// such that lay as far off. What has been farther off than all before is as rare as one in all
/// rows, and by how much it is so rarer still; distances count by their logarithm.
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
  static constexpr double least_spread = 0.05;

  double surprise(float size, std::uint64_t row) const noexcept {
    if (values_.size() == 0) {
      return unknown;
    }
    const std::uint64_t first = values_.full() ? values_[values_.size() - 1].row : 0;
    const double rows = static_cast<double>(std::max<std::uint64_t>(row - first, 1));
    double farther = 0;
    double largest = static_cast<double>(values_[0].size);
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      farther += values_[i].size >= size ? 1 : 0;
      largest = std::max(largest, static_cast<double>(values_[i].size));
      sum += static_cast<double>(values_[i].size);
    }
    const double spread = largest - sum / static_cast<double>(values_.size());
    const double beyond = std::max(0.0, static_cast<double>(size) - largest);
    return std::max(0.0, std::log10(rows / std::max(farther, 1.0)) +
                             0.43429448190325182 * beyond / std::max(spread, least_spread));
  }

  last_values<rejected> values_{200};
};

} // namespace hanami
