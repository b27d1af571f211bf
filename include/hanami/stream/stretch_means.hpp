// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Means of a stream over stretches of equal length, never more than 512: where there would be
/// more, two neighbours become one. What a curve over a stream without an end is drawn from.
class stretch_means {
 public:
  /// A value that is not finite counts as a row without one.
  void add(double value) {
    if (std::isfinite(value)) {
      sum_ += value;
      ++count_;
    }
    if (++rows_ < stretch_) {
      return;
    }
    means_.push_back(count_ > 0 ? sum_ / static_cast<double>(count_) : nothing);
    sum_ = 0;
    rows_ = count_ = 0;
    if (means_.size() == most) {
      halve();
    }
  }

  /// Appends the row at the end of each stretch and its mean; stretches without a value are left
  /// out, and so is the one that has not ended.
  void points(std::vector<double>& rows, std::vector<double>& means) const {
    for (std::size_t i = 0; i < means_.size(); ++i) {
      if (!std::isnan(means_[i])) {
        rows.push_back(static_cast<double>((i + 1) * stretch_));
        means.push_back(means_[i]);
      }
    }
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(means_, stretch_, rows_, count_, sum_);
    archive.require(means_.size() < most && rows_ < stretch_, "means of no stream");
  }

 private:
  static constexpr std::size_t most = 512;
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  void halve() {
    for (std::size_t i = 0; i < most / 2; ++i) {
      const double a = means_[2 * i];
      const double b = means_[2 * i + 1];
      means_[i] = std::isnan(a) ? b : std::isnan(b) ? a : (a + b) / 2;
    }
    means_.resize(most / 2);
    stretch_ *= 2;
  }

  std::vector<double> means_;
  std::uint64_t stretch_ = 1;
  std::uint64_t rows_ = 0;  ///< of the stretch that has not ended
  std::uint64_t count_ = 0; ///< of them with a value
  double sum_ = 0;
};

} // namespace hanami
