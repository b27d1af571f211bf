// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// How unusual a value is in the history of its own stream: the probability of a value at least as
/// large, by rank where it lies below the largest 5 %, by the tail of those where it lies above
/// (peaks over threshold: Pickands 1975; on streams: Siffer et al. 2017). The tail is taken for
/// exponential, and its mean for as uncertain as the few values that it is known from leave it:
/// what is predicted then falls like a power at first (Aitchison and Dunsmore 1975) and is no
/// surprise too soon.
///
/// Values must not be negative. The last 2,000 are remembered; a new one counts as at most the 95th
/// percentile plus eight times the tail's mean, so that a few wild ones do not widen the tail.
class tail_probability {
 public:
  explicit tail_probability(std::size_t window = 2000) : recent_(window) {}

  /// -log10 of the probability by the values so far; 0 as long as there are too few.
  double surprise(double value) const noexcept {
    if (!ready()) {
      return 0;
    }
    const std::size_t tail = tail_begin();
    const auto threshold = static_cast<double>(sorted_[tail]);
    const auto n = static_cast<double>(sorted_.size());
    if (value > threshold) {
      const auto beyond = static_cast<double>(sorted_.size() - tail);
      const double excess = excess_ > 0 ? (value - threshold) / excess_ : 0;
      return std::log10(n / beyond) + beyond * std::log10(1 + excess / beyond);
    }
    const auto above =
        sorted_.end() - std::lower_bound(sorted_.begin(), sorted_.end(), narrow(value));
    return std::max(0.0, std::log10(n / static_cast<double>(above)));
  }

  /// Surprise by the values so far, then the value becomes one of them.
  double add(double value) {
    const double found = surprise(value);
    if (ready() && excess_ > 0) {
      value = std::min(value, static_cast<double>(sorted_[tail_begin()]) + 8 * excess_);
    }
    if (recent_.full()) {
      const float oldest = recent_[recent_.size() - 1];
      sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), oldest));
    }
    const float kept = narrow(value);
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), kept), kept);
    recent_.push(kept);
    fit_tail();
    return found;
  }

  /// Whether there are enough values to tell.
  bool ready() const noexcept { return sorted_.size() >= least; }
  /// Held beside the object itself.
  std::size_t bytes() const noexcept {
    return recent_.bytes() + sorted_.capacity() * sizeof(float);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(recent_);
    if constexpr (Archive::reading) {
      sorted_.clear();
      for (std::size_t i = 0; i < recent_.size(); ++i) {
        archive.require(!std::isnan(recent_[i]), "a history that is no numbers");
        sorted_.push_back(recent_[i]);
      }
      std::sort(sorted_.begin(), sorted_.end());
      fit_tail();
    }
  }

 private:
  static constexpr std::size_t least = 40;

  static float narrow(double value) noexcept {
    return static_cast<float>(
        std::min(value, static_cast<double>(std::numeric_limits<float>::max())));
  }

  std::size_t tail_begin() const noexcept { return sorted_.size() - sorted_.size() / 20 - 1; }

  void fit_tail() noexcept {
    if (sorted_.empty()) {
      excess_ = 0;
      return;
    }
    const std::size_t tail = tail_begin();
    double sum = 0;
    for (std::size_t i = tail + 1; i < sorted_.size(); ++i) {
      sum += static_cast<double>(sorted_[i] - sorted_[tail]);
    }
    excess_ = sum / static_cast<double>(std::max<std::size_t>(sorted_.size() - tail - 1, 1));
  }

  last_values<float> recent_;
  std::vector<float> sorted_; ///< the same
  double excess_ = 0;         ///< mean height of the tail over its threshold
};

} // namespace hanami
