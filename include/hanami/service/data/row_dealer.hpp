// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../../foundation/random.hpp"
#include "../base/refusal.hpp"

namespace hanami::service::data::detail {

/// Deals rows to parts of given shares: in order or, with a seed, at random, where each part gets
/// exactly as many (selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2, S).
class row_dealer {
 public:
  /// Throws `invalid_value` for shares that make no sense and for parts without a row.
  row_dealer(std::span<const double> shares, std::uint64_t rows, std::optional<std::uint64_t> seed)
      : seed_(seed), rows_(rows) {
    constexpr double slack = 1e-9; // thirds are not exact
    double sum = 0;
    std::uint64_t dealt = 0;
    for (const double share : shares) {
      if (!(share > 0) || share > 1) {
        throw invalid_value("a share of " + std::to_string(share) +
                            "; accepted are shares above 0, together at most 1");
      }
      sum += share;
      const auto end = static_cast<std::uint64_t>(
          std::floor(std::min(sum, 1.0) * static_cast<double>(rows) + 0.5));
      if (end <= dealt) {
        throw invalid_value("part " + std::to_string(left_.size() + 1) + " would have no row of " +
                            std::to_string(rows));
      }
      left_.push_back(end - dealt);
      dealt = end;
    }
    if (sum > 1 + slack) {
      throw invalid_value("the shares are " + std::to_string(sum) +
                          " together; accepted are at most 1");
    }
    left_.push_back(rows - dealt); // to no part
  }

  /// Rows of each part, before the first is dealt; behind them those of none.
  const std::vector<std::uint64_t>& left() const noexcept { return left_; }

  /// The part of the next row, of which there is one; the number of parts: of none.
  std::size_t next() {
    std::uint64_t place = 0; // among the rows that are left
    if (seed_) {
      const double unit = static_cast<double>(random_bits(*seed_, 0, row_) >> 11) * 0x1p-53;
      place = std::min(static_cast<std::uint64_t>(unit * static_cast<double>(rows_ - row_)),
                       rows_ - row_ - 1);
    }
    ++row_;
    std::size_t part = 0;
    while (place >= left_[part]) {
      place -= left_[part++];
    }
    --left_[part];
    return part;
  }

 private:
  std::optional<std::uint64_t> seed_;
  std::uint64_t rows_;
  std::uint64_t row_ = 0;
  std::vector<std::uint64_t> left_;
};

} // namespace hanami::service::data::detail
