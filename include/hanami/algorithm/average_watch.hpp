// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../config.hpp"
#include "../foundation/multiply_add.hpp"

namespace hanami::inline HANAMI_ISA {

/// How long the averaged weights remember, and whether they or the current ones answer. Averages
/// are better wherever targets are noisy, and worse while a level wanders or a relation changes.
/// Both predict some of the samples, before these are learned from; whichever has lately lost less
/// answers. Where the average surely loses more, its window is halved, and where it does not, it
/// grows with the stream: so it comes to be as long as the stream stays the same. Measured on ten
/// generated streams and endless MNIST: who halves it at less takes chance for a change, which
/// costs MNIST 0.1 points.
class average_watch {
 public:
  /// Takes the loss of the current weights on the next sample. How many samples it would stand for
  /// in a comparison: each of the few large losses, which tell most, for itself, and of the others
  /// every eighth for eight; 0: no comparison.
  HANAMI_HOST_DEVICE std::uint32_t weight_of(double loss, std::uint64_t number) noexcept {
    losses_ = std::min(losses_ + 1, std::uint64_t{recent});
    const bool large = loss > 4 * usual_;
    usual_ += (std::min(loss, multiply_add(64, usual_, loss / 8)) - usual_) /
              static_cast<double>(losses_);
    return large ? 1U : number % period == 0 ? period : 0U;
  }

  /// Takes the losses of both on a sample that stands for `weight`. Losses of values, whose tails
  /// are heavy, decide slowly: by twice what chance explains, and their window is their own.
  HANAMI_HOST_DEVICE void note(double current, double average, std::uint32_t weight,
                               bool values = false) noexcept {
    const double more = average - current;
    constexpr double finite = std::numeric_limits<double>::max();
    if (!(more <= finite && more >= -finite)) {
      return;
    }
    const std::uint64_t usual = values ? 4 * usual_window : usual_window;
    seen_ = std::min(seen_ + weight, usual);
    since_ += weight;
    const auto follow = [&](double& mean, double value, std::uint64_t most) {
      const double share =
          std::min(1.0, static_cast<double>(weight) / static_cast<double>(std::min(seen_, most)));
      mean = multiply_add(share, value - mean, mean);
    };
    follow(mean_, more, recent);
    follow(square_, more * more, usual);
    const double chance =
        std::sqrt(square_ * period / static_cast<double>(std::min(seen_, std::uint64_t{recent})));
    if (values) {
      lags_ = seen_ >= recent / 4 && mean_ > 2 * chance;
      return;
    }
    const bool shown = seen_ >= recent / 8;
    const bool worse = shown && mean_ > 1.25 * chance;
    const bool better = shown && mean_ <= 0;
    lags_ = worse || (lags_ && !better);
    leads_ = better || (leads_ && !worse);
    if (mean_ > 2 * chance && seen_ >= recent / 4 && since_ >= patience) {
      window_ /= 2;
      since_ = 0;
      seen_ = recent / 8; // what it was worth with the longer window counts for little
    }
  }

  /// Whether the average has lately lost more than the current weights.
  HANAMI_HOST_DEVICE bool lags() const noexcept { return lags_; }
  /// Whether it has shown that it loses no more. Not for values.
  HANAMI_HOST_DEVICE bool leads() const noexcept { return leads_; }
  /// Whether the average has ever been updated.
  HANAMI_HOST_DEVICE bool taken() const noexcept { return window_ > 0; }

  /// The window of an update that comes `passed` samples after the last one, in samples; at most
  /// `most`.
  HANAMI_HOST_DEVICE double next_window(std::uint64_t passed, double most) noexcept {
    const auto least = static_cast<double>(passed);
    window_ = std::max(window_, least);
    if (!lags_) {
      window_ = std::min(window_ + least / 4, std::max(most, least));
    }
    return window_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(losses_, usual_, seen_, since_, mean_, square_, window_, lags_, leads_);
  }

 private:
  static constexpr std::uint32_t period = 8;
  static constexpr std::uint64_t recent = 512; ///< in samples, as are all windows
  static constexpr std::uint64_t usual_window = 2048;
  static constexpr std::uint64_t patience = 200; ///< from one halving to the next

  std::uint64_t losses_ = 0; ///< up to `recent`
  double usual_ = 0;         ///< mean of the losses
  std::uint64_t seen_ = 0;   ///< samples compared, up to `usual_window`
  std::uint64_t since_ = 0;  ///< samples compared since the window was halved
  double mean_ = 0;          ///< of what the average has lost more
  double square_ = 0;        ///< of its squares
  double window_ = 0;        ///< of the average; 0: never updated
  bool lags_ = false;
  bool leads_ = false;
};

} // namespace hanami
