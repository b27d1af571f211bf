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
    return value > threshold() ? surprise_beyond(value, mean_excess())
                               : surprise_at(place_of(narrow(value)));
  }

  /// Surprise by the values so far, then the value becomes one of them.
  double add(double value) {
    const bool far = ready() && value > threshold();
    double found = 0;
    if (far) {
      const double excess = mean_excess();
      found = surprise_beyond(value, excess);
      value = excess > 0 ? std::min(value, threshold() + 8 * excess) : value;
    }
    const float kept = narrow(value);
    const std::size_t place = place_of(kept);
    if (ready() && !far) {
      found = surprise_at(place);
    }
    keep(kept, place);
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
    }
  }

 private:
  static constexpr std::size_t least = 40;

  static float narrow(double value) noexcept {
    return static_cast<float>(
        std::min(value, static_cast<double>(std::numeric_limits<float>::max())));
  }

  std::size_t tail_begin() const noexcept { return sorted_.size() - sorted_.size() / 20 - 1; }

  /// What the tail begins with.
  double threshold() const noexcept { return static_cast<double>(sorted_[tail_begin()]); }

  /// Mean height of the tail over its threshold.
  double mean_excess() const noexcept {
    const double low = threshold();
    const std::size_t first = tail_begin() + 1;
    double sum = 0;
    for (std::size_t i = first; i < sorted_.size(); ++i) {
      sum += static_cast<double>(sorted_[i]) - low;
    }
    return sum / static_cast<double>(std::max<std::size_t>(sorted_.size() - first, 1));
  }

  double surprise_beyond(double value, double mean) const noexcept {
    const auto beyond = static_cast<double>(sorted_.size() - tail_begin());
    const double excess = mean > 0 ? (value - threshold()) / mean : 0;
    return std::log10(static_cast<double>(sorted_.size()) / beyond) +
           beyond * std::log10(1 + excess / beyond);
  }

  /// Of a value that is as large as the one at this place.
  double surprise_at(std::size_t place) const noexcept {
    return std::log10(static_cast<double>(sorted_.size()) /
                      static_cast<double>(sorted_.size() - place));
  }

  std::size_t place_of(float value) const noexcept {
    return static_cast<std::size_t>(std::lower_bound(sorted_.begin(), sorted_.end(), value) -
                                    sorted_.begin());
  }

  /// Puts a value where it belongs, in place of the oldest if there is no more room.
  void keep(float value, std::size_t place) {
    const auto at = sorted_.begin() + static_cast<std::ptrdiff_t>(place);
    if (!recent_.full()) {
      sorted_.insert(at, value);
    } else {
      const auto gone =
          sorted_.begin() + static_cast<std::ptrdiff_t>(place_of(recent_[recent_.size() - 1]));
      if (gone < at) {
        *std::move(gone + 1, at, gone) = value;
      } else {
        std::move_backward(at, gone, gone + 1);
        *at = value;
      }
    }
    recent_.push(value);
  }

  last_values<float> recent_;
  std::vector<float> sorted_; ///< the same
};

} // namespace hanami
