// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../running.hpp"
#include "running_covariance.hpp"

namespace hanami::inline HANAMI_ISA {

/// How far the shape of the last rows of a column is from what shapes usually are: the Mahalanobis
/// distance of the last 16 means over so many rows each (principal components of subsequences, each
/// by its own variance). What is strange counts for less in what is usual.
class window_shape {
 public:
  explicit window_shape(std::uint32_t stride = 1) : stride_(stride) {}

  /// The next value, of the order of 1; whether a distance comes of it.
  bool add(double value) {
    sum_ += value;
    if (++count_ < stride_) {
      return false;
    }
    last_.push(sum_ / static_cast<double>(stride_));
    sum_ = 0;
    count_ = 0;
    if (!last_.full()) {
      return false;
    }
    std::array<double, points> window{};
    for (std::size_t i = 0; i < points; ++i) {
      window[i] = last_[i];
    }
    const bool told = covariance_.ready();
    double weight = 1;
    if (told) {
      distance_ = covariance_.distance(window);
      weight = std::min(1.0, 4 / std::max(distance_, 1e-9));
    }
    covariance_.add(window, weight);
    return told;
  }

  /// Of the last `rows`.
  std::size_t rows() const noexcept { return points * stride_; }
  double distance() const noexcept { return distance_; } ///< the newest; 1 is usual
  std::size_t bytes() const noexcept { return last_.bytes() + covariance_.bytes(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(last_, covariance_, sum_, count_, distance_);
    archive.require(count_ < stride_, "a shape of other rows");
  }

 private:
  static constexpr std::size_t points = 16;

  std::uint32_t stride_ = 1;
  last_values<double> last_{points};
  running_covariance covariance_{points, 3000, 1e-3};
  double sum_ = 0;
  std::uint32_t count_ = 0;
  double distance_ = 1;
};

} // namespace hanami
