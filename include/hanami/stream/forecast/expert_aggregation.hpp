// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "forecast_options.hpp"

namespace hanami::inline HANAMI_ISA {

/// Combines the predictions of several experts into one whose loss is in the long run no worse than
/// the best expert's and often better: polynomial weights with a rate for every expert (ML-Poly:
/// Gaillard, Stoltz and van Erven 2014). The loss is the absolute error for medians, the squared
/// one for means. Regrets are forgotten slowly, so that the weights follow a stream that changes.
class expert_aggregation {
 public:
  expert_aggregation() = default;
  explicit expert_aggregation(std::size_t experts, double forgetting = 0.999,
                              point_forecast point = point_forecast::median)
      : point_(point), forgetting_(forgetting), regrets_(experts), squares_(experts),
        weights_(experts, 1.0 / static_cast<double>(experts)) {}

  std::size_t size() const noexcept { return weights_.size(); }
  /// Shares of the experts in the next prediction; they add up to 1.
  std::span<const double> weights() const noexcept { return weights_; }

  double predict(std::span<const double> experts) const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * experts[i];
    }
    return sum;
  }

  /// `predicted` is what `predict` gave for these experts, in units where errors are of the
  /// order of 1.
  void learn(std::span<const double> experts, double predicted, double target) noexcept {
    const double wrong = predicted - target;
    const double slope = point_ == point_forecast::mean ? std::clamp(wrong, -8.0, 8.0)
                         : wrong > 0                    ? 1
                         : wrong < 0                    ? -1
                                                        : 0;
    const double most = 8 * std::max(std::abs(slope), 1.0);
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const double gained = std::clamp(slope * (predicted - experts[i]), -most, most);
      regrets_[i] = forgetting_ * regrets_[i] + gained;
      squares_[i] = forgetting_ * squares_[i] + gained * gained;
      weights_[i] = std::max(regrets_[i], 0.0) / (1 + squares_[i]);
      sum += weights_[i];
    }
    for (double& w : weights_) {
      w = sum > 0 ? w / sum : 1.0 / static_cast<double>(weights_.size());
    }
  }

  /// Nothing known about the experts holds any more: trusts the one at `place` until others gain.
  void restart(std::size_t place) noexcept {
    std::fill(regrets_.begin(), regrets_.end(), 0.0);
    std::fill(squares_.begin(), squares_.end(), 0.0);
    std::fill(weights_.begin(), weights_.end(), 0.0);
    regrets_[place] = weights_[place] = 1;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t n = weights_.size();
    archive(forgetting_, regrets_, squares_, weights_);
    archive.require(regrets_.size() == n && squares_.size() == n && weights_.size() == n,
                    "a mix of another number of experts");
  }

 private:
  point_forecast point_ = point_forecast::median;
  double forgetting_ = 0.999;
  std::vector<double> regrets_;
  std::vector<double> squares_;
  std::vector<double> weights_;
};

} // namespace hanami
