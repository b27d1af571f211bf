// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "../foundation/multiply_add.hpp"
#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// Recursive least squares (Plackett 1950; with forgetting: Haykin, Adaptive Filter Theory): the
/// linear prediction with the least squared error over all samples so far, weighted by
/// forgetting^age, one sample at a time. Errors count as three times their usual size at most, so
/// that one wild target does little. Work and memory grow with the square of the inputs.
class recursive_least_squares {
 public:
  recursive_least_squares() = default;
  /// At most `inputs` of them; `forgetting` in (0, 1], 1 forgets nothing. Inputs and target should
  /// be of the order of 1: weights start at 0 as if `ridge` samples had said so for each input.
  /// Memory is taken with the samples: those of more inputs than before begin with the others at 0.
  explicit recursive_least_squares(std::size_t inputs, double forgetting = 1, double ridge = 1)
      : inputs_(inputs), forgetting_(forgetting), limit_(1e3 / ridge), start_(1 / ridge) {}

  double predict(std::span<const double> input) const noexcept {
    double sum = 0;
    const std::size_t n = std::min(weights_.size(), input.size());
    for (std::size_t i = 0; i < n; ++i) {
      sum += weights_[i] * input[i];
    }
    return sum;
  }

  /// Of no fewer inputs than any sample before.
  void learn(std::span<const double> input, double target) {
    if (weights_.size() < input.size()) {
      grow(input.size());
    }
    const std::size_t n = weights_.size();
    std::fill(gain_.begin(), gain_.end(), 0.0);
    double* const gain = gain_.data();
    for (std::size_t k = 0; k < n; ++k) { // by columns, which are the rows
      const double* row = inverse_.data() + k * n;
      const double x = input[k];
      for (std::size_t i = 0; i < n; ++i) {
        gain[i] += row[i] * x;
      }
    }
    double power = forgetting_;
    for (std::size_t i = 0; i < n; ++i) {
      power += gain[i] * input[i];
    }
    if (!(power >= forgetting_)) { // rounding has eaten the matrix
      restart();
      return;
    }
    double wrong = target - predict(input);
    errors_.add(wrong);
    if (errors_.seen() >= 16) {
      wrong = std::clamp(wrong, -3 * errors_.value(), 3 * errors_.value());
    }
    const double grow = 1 / forgetting_;
    const double step = wrong / power;
    const double root = std::sqrt(grow / power);
    for (std::size_t i = 0; i < n; ++i) {
      weights_[i] += gain[i] * step;
      gain[i] *= root;
    }
    for (std::size_t i = 0; i < n; ++i) {
      double* row = inverse_.data() + i * n;
      const double less = -gain[i];
      // Symmetric to the last bit: what the halves differ by would grow with every sample.
      for (std::size_t k = 0; k < n; ++k) {
        row[k] = multiply_add(less, gain[k], row[k] * grow);
      }
    }
    hold();
  }

  /// The inputs from `first` on, `count` of them, mean something else from now on: their weights
  /// begin again, and what the others have learned beside them counts for a third.
  void replace(std::size_t first, std::size_t count) noexcept {
    const std::size_t n = weights_.size();
    for (double& entry : inverse_) {
      entry *= 3;
    }
    for (std::size_t i = first; i < std::min(first + count, n); ++i) {
      weights_[i] = 0;
      for (std::size_t k = 0; k < n; ++k) {
        inverse_[i * n + k] = inverse_[k * n + i] = 0;
      }
      inverse_[i * n + i] = start_;
    }
  }

  std::size_t bytes() const noexcept {
    return (weights_.capacity() + gain_.capacity() + inverse_.capacity()) * sizeof(double);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(forgetting_, limit_, weights_, inverse_, errors_);
    const std::size_t n = weights_.size();
    archive.require(n <= inputs_ && inverse_.size() == n * n,
                    "least squares over another number of inputs");
    gain_.resize(n);
  }

 private:
  void grow(std::size_t n) {
    const std::size_t before = weights_.size();
    std::vector<double> wider(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      if (i < before) {
        std::copy_n(inverse_.data() + i * before, before, wider.data() + i * n);
      } else {
        wider[i * n + i] = start_;
      }
    }
    weights_.resize(n);
    gain_.resize(n);
    inverse_ = std::move(wider);
  }

  void restart() noexcept {
    const std::size_t n = weights_.size();
    std::fill(inverse_.begin(), inverse_.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      inverse_[i * n + i] = start_;
    }
  }

  /// What no input excites any more must not grow without end.
  void hold() noexcept {
    const std::size_t n = weights_.size();
    for (std::size_t i = 0; i < n; ++i) {
      if (inverse_[i * n + i] > limit_) {
        const double less = std::sqrt(limit_ / inverse_[i * n + i]);
        for (std::size_t k = 0; k < n; ++k) {
          inverse_[i * n + k] *= less;
          inverse_[k * n + i] *= less;
        }
      }
    }
  }

  std::size_t inputs_ = 0;
  double forgetting_ = 1;
  double limit_ = 1;
  std::vector<double> weights_; ///< none before the first sample, and so the two below
  std::vector<double> gain_;
  std::vector<double> inverse_;
  double start_ = 1;
  running_scale errors_{100};
};

} // namespace hanami
