// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "../recursive_least_squares.hpp"
#include "../running.hpp"
#include "expert_aggregation.hpp"

namespace hanami::inline HANAMI_ISA {

/// Predicts the next change of one column from little: least squares over its last three changes,
/// its level and what a cluster says, mixed with that and with "nothing changes". All changes are
/// in units of the usual one. Constant work and memory, less than 0.2 us and 1 KB.
class last_changes {
 public:
  explicit last_changes(point_forecast point = point_forecast::median)
      : aggregation_(experts, 0.998, point) {}

  /// The column has come to `value`, with a change of `change`.
  void add(double value, double change) noexcept {
    std::rotate(inputs_.begin(), inputs_.begin() + 2, inputs_.begin() + 3);
    inputs_[0] = held(change);
    level_.add(value);
  }

  /// The column is at a new level: its changes before mean nothing.
  void restart(double value) noexcept {
    std::fill(inputs_.begin(), inputs_.end(), 0.0);
    level_.restart(value);
  }

  /// The change from `value` to the next one; `network` is what the cluster expects it to be,
  /// `unit` the usual change of the column.
  double predict(double value, double unit, double network) noexcept {
    inputs_[3] = unit > 0 ? held((value - level_.mean()) / (8 * unit)) : 0;
    inputs_[4] = network;
    said_ = {0, within_reach(linear_.predict(inputs_)), network};
    mixed_ = aggregation_.predict(said_);
    return mixed_;
  }

  /// The change that was predicted last has turned out to be `truth`.
  void learn(double truth) {
    aggregation_.learn(said_, mixed_, truth);
    linear_.learn(inputs_, truth);
  }

  std::size_t bytes() const noexcept { return linear_.bytes() + 3 * experts * sizeof(double); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(linear_, aggregation_, level_, inputs_, said_, mixed_);
  }

 private:
  static constexpr std::size_t experts = 3; ///< nothing changes, least squares, the cluster
  static constexpr std::size_t inputs = 5;

  static double held(double input) noexcept { return std::clamp(input, -30.0, 30.0); }
  static double within_reach(double change) noexcept {
    return std::isfinite(change) ? std::clamp(change, -20.0, 20.0) : 0;
  }

  recursive_least_squares linear_{inputs, 0.9995};
  expert_aggregation aggregation_;
  running_mean level_{2000};
  std::array<double, inputs> inputs_{}; ///< the last changes, the newest first, and two more
  std::array<double, experts> said_{};
  double mixed_ = 0;
};

} // namespace hanami
