// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <limits>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "../algorithm/sample_check.hpp"

namespace hanami::inline HANAMI_ISA {

/// How good predictions of values were, counted one by one, each value in its own unit. Missing
/// truths (NaN) are not counted.
class regression_scores {
 public:
  /// Notes a sample of one or several values. Throws `errc::invalid_argument` where truth and
  /// prediction, or two samples, are not of one size.
  void add(std::span<const float> truth, std::span<const float> predicted) {
    if (values_.empty()) {
      values_.resize(predicted.size());
    }
    detail::check_size(truth.size(), values_.size(), "truth");
    detail::check_size(predicted.size(), values_.size(), "prediction");
    for (std::size_t k = 0; k < truth.size(); ++k) {
      if (!std::isnan(truth[k])) {
        values_[k].add(static_cast<double>(truth[k]), static_cast<double>(predicted[k]));
      }
    }
  }
  void add(float truth, float predicted) {
    add(std::span<const float>(&truth, 1), std::span<const float>(&predicted, 1));
  }

  /// Values of a sample; 0 before the first.
  std::size_t size() const noexcept { return values_.size(); }
  /// Truths of value `k` that were there.
  std::uint64_t samples(std::size_t k = 0) const noexcept {
    return k < values_.size() ? values_[k].count : 0;
  }

  /// Mean absolute error of value `k`, in its unit; NaN where none was counted.
  double mae(std::size_t k = 0) const noexcept { return mean(k, &one::absolute); }
  /// Root of the mean squared error of value `k`, in its unit.
  double rmse(std::size_t k = 0) const noexcept { return std::sqrt(mean(k, &one::square)); }
  /// Mean of prediction - truth: above 0, predictions are too high.
  double bias(std::size_t k = 0) const noexcept { return mean(k, &one::over); }

  /// Share of the variance that the predictions explain: 1 is perfect, 0 as good as always the
  /// mean.
  double r2(std::size_t k = 0) const noexcept {
    if (k >= values_.size() || !(values_[k].spread > 0)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return 1 - values_[k].square / values_[k].spread;
  }

  /// Mean absolute error over that of the rule "as the sample before": below 1 is better than it.
  double mae_against_last(std::size_t k = 0) const noexcept {
    if (k >= values_.size() || !(values_[k].step > 0)) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return values_[k].absolute_followed / values_[k].step;
  }

  friend std::ostream& operator<<(std::ostream& stream, const regression_scores& of) {
    return stream << to_string(of);
  }
  /// A line a value.
  friend std::string to_string(const regression_scores& of) {
    std::ostringstream text;
    text << std::setprecision(4);
    for (std::size_t k = 0; k < of.size(); ++k) {
      if (of.size() > 1) {
        text << "value " << k + 1 << ": ";
      }
      text << "mean absolute error " << of.mae(k) << " over " << of.samples(k) << ", rmse "
           << of.rmse(k) << ", r2 " << of.r2(k) << ", against the last value "
           << of.mae_against_last(k) << '\n';
    }
    return text.str();
  }

 private:
  struct one {
    std::uint64_t count = 0;
    double absolute = 0;
    double square = 0;
    double over = 0;
    double mean = 0;
    double spread = 0; ///< sum of squares around the mean (Welford 1962)
    double last = 0;
    double step = 0;              ///< sum of |truth - the one before|
    double absolute_followed = 0; ///< errors of those with one before them

    void add(double truth, double predicted) noexcept {
      const double wrong = predicted - truth;
      if (count > 0) {
        step += std::abs(truth - last);
        absolute_followed += std::abs(wrong);
      }
      last = truth;
      ++count;
      absolute += std::abs(wrong);
      square += wrong * wrong;
      over += wrong;
      const double off = truth - mean;
      mean += off / static_cast<double>(count);
      spread += off * (truth - mean);
    }
  };

  double mean(std::size_t k, double one::*sum) const noexcept {
    return samples(k) == 0 ? std::numeric_limits<double>::quiet_NaN()
                           : values_[k].*sum / static_cast<double>(values_[k].count);
  }

  std::vector<one> values_;
};

} // namespace hanami
