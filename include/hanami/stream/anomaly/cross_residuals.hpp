// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "../running.hpp"
#include "running_covariance.hpp"

namespace hanami::inline HANAMI_ISA {

/// One number of each column, a row of them at a time: by how much each is off from what those of
/// the other columns say. Columns are taken in groups of 32 neighbours, so that time and memory
/// grow with their number, not its square.
class cross_residuals {
 public:
  /// `least`: the size below which numbers are as good as none; usual sizes are not smaller.
  explicit cross_residuals(double least = 0) noexcept : least_(least) {}

  /// A group that gets more columns begins anew.
  void add_columns(std::size_t count) {
    groups_.resize(scales_.size() / most); // those that are full
    scales_.resize(scales_.size() + count, running_scale(3000, 4));
    values_.resize(scales_.size());
    residuals_.resize(scales_.size(), nothing);
    for (std::size_t first = groups_.size() * most; first < scales_.size(); first += most) {
      groups_.emplace_back(std::min(most, scales_.size() - first), remembered, ridge);
    }
  }

  /// NaN: none in this row.
  void observe(std::span<const double> values) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      observe(groups_[g], values, g * most);
    }
  }

  /// In usual sizes of the column's number; NaN where it cannot be told.
  double residual(std::size_t column) const noexcept { return residuals_[column]; }

  /// The usual size of the column's number.
  double scale(std::size_t column) const noexcept { return scales_[column].value(); }

  std::size_t bytes() const noexcept {
    std::size_t sum = scales_.size() * (sizeof(running_scale) + 2 * sizeof(double));
    for (const running_covariance& g : groups_) {
      sum += sizeof(g) + g.bytes();
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (running_scale& s : scales_) {
      archive(s);
    }
    for (running_covariance& g : groups_) {
      archive(g);
    }
  }

 private:
  static constexpr std::size_t most = 32;
  static constexpr double remembered = 2000; ///< rows
  static constexpr double ridge = 0.002;
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  void observe(running_covariance& group, std::span<const double> values, std::size_t first) {
    const std::size_t n = group.size();
    const std::span<double> x(values_.data() + first, n);
    std::size_t known = 0;
    for (std::size_t i = 0; i < n; ++i) {
      running_scale& scale = scales_[first + i];
      const double value = values[first + i];
      residuals_[first + i] = nothing;
      x[i] = nothing;
      if (!std::isnan(value)) {
        if (const double usual = std::max(scale.value(), least_); usual > 0) {
          x[i] = std::clamp(value / usual, -20.0, 20.0);
          ++known;
        }
        scale.add(value);
      }
    }
    if (known < 1) {
      return;
    }
    if (group.ready()) {
      const std::span<double> told(residuals_.data() + first, n);
      std::copy(x.begin(), x.end(), told.begin());
      group.fill(x);
      std::array<double, most> off{};
      group.residuals(x, off);
      for (std::size_t i = 0; i < n; ++i) {
        told[i] = std::isnan(told[i]) ? nothing : off[i];
      }
    } else {
      group.fill(x);
    }
    for (double& value : x) {
      value = std::clamp(value, -5.0, 5.0);
    }
    group.add(x);
  }

  double least_;
  std::vector<running_scale> scales_;
  std::vector<double> values_;
  std::vector<double> residuals_;
  std::vector<running_covariance> groups_;
};

} // namespace hanami
