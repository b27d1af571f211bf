// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

/// What a stream is usually predicted with: linear learners over the last values of a column. Each
/// has `predict(input)` and `learn(input, target)`.

namespace peers {

/// Normalised least mean squares (Nagumo and Noda 1967).
class nlms {
 public:
  explicit nlms(std::size_t inputs, double rate = 0.02) : rate_(rate), weights_(inputs) {}

  double predict(std::span<const double> input) const {
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * input[i];
    }
    return sum;
  }

  void learn(std::span<const double> input, double target) {
    double power = 1e-8;
    for (const double x : input) {
      power += x * x;
    }
    const double step = rate_ * (target - predict(input)) / power;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] += step * input[i];
    }
  }

 private:
  double rate_;
  std::vector<double> weights_;
};

/// Recursive least squares with exponential forgetting.
class rls {
 public:
  explicit rls(std::size_t inputs, double forgetting = 0.9995)
      : forgetting_(forgetting), weights_(inputs), gain_(inputs), inverse_(inputs * inputs) {
    for (std::size_t i = 0; i < inputs; ++i) {
      inverse_[i * inputs + i] = 1;
    }
  }

  double predict(std::span<const double> input) const {
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * input[i];
    }
    return sum;
  }

  void learn(std::span<const double> input, double target) {
    const std::size_t n = weights_.size();
    double power = forgetting_;
    for (std::size_t i = 0; i < n; ++i) {
      gain_[i] = 0;
      for (std::size_t k = 0; k < n; ++k) {
        gain_[i] += inverse_[i * n + k] * input[k];
      }
      power += gain_[i] * input[i];
    }
    const double wrong = target - predict(input);
    for (std::size_t i = 0; i < n; ++i) {
      weights_[i] += gain_[i] / power * wrong;
      for (std::size_t k = 0; k < n; ++k) {
        inverse_[i * n + k] = (inverse_[i * n + k] - gain_[i] * gain_[k] / power) / forgetting_;
      }
    }
  }

 private:
  double forgetting_;
  std::vector<double> weights_;
  std::vector<double> gain_;
  std::vector<double> inverse_;
};

/// Linear regression by AdaGrad (Duchi, Hazan and Singer 2011) on inputs and target that are
/// standardised by their running mean and deviation.
class adagrad_linear {
 public:
  explicit adagrad_linear(std::size_t inputs, double rate = 0.05)
      : rate_(rate), weights_(inputs + 1), squares_(inputs + 1, 1e-8), means_(inputs + 1),
        deviations_(inputs + 1), standard_(inputs + 1) {}

  double predict(std::span<const double> input) {
    standardise(input);
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      sum += weights_[i] * standard_[i];
    }
    return means_.back() + sum * deviation(weights_.size() - 1);
  }

  void learn(std::span<const double> input, double target) {
    ++seen_;
    for (std::size_t i = 0; i < input.size(); ++i) {
      follow(i, input[i]);
    }
    follow(input.size(), target);
    const double unit = deviation(input.size());
    const double wrong = (predict(input) - target) / unit;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const double slope = wrong * standard_[i];
      squares_[i] += slope * slope;
      weights_[i] -= rate_ * slope / std::sqrt(squares_[i]);
    }
  }

 private:
  void follow(std::size_t i, double value) {
    const double off = value - means_[i];
    means_[i] += off / seen_;
    deviations_[i] += (off * (value - means_[i]) - deviations_[i]) / seen_;
  }
  double deviation(std::size_t i) const { return std::sqrt(std::max(deviations_[i], 1e-12)); }

  void standardise(std::span<const double> input) {
    for (std::size_t i = 0; i < input.size(); ++i) {
      standard_[i] = (input[i] - means_[i]) / deviation(i);
    }
    standard_.back() = 1;
  }

  double rate_;
  double seen_ = 0;
  std::vector<double> weights_;
  std::vector<double> squares_;
  std::vector<double> means_;      ///< the last is the target's
  std::vector<double> deviations_; ///< squared
  std::vector<double> standard_;
};

} // namespace peers
