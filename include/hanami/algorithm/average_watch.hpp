// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../config.hpp"

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Whether the averaged weights lag behind the current ones. Averages are better wherever targets
/// are noisy, and worse while a level wanders or a relation changes. Both answer the same samples;
/// where the average has lately lost more, by twice what chance explains, the current weights
/// answer.
class average_watch {
 public:
  /// Takes the loss of the current weights on the next sample. How many samples it would stand for
  /// in a comparison: each of the few large losses, which tell most, for itself, and of the others
  /// every eighth for eight; 0: no comparison.
  std::uint32_t weight_of(double loss, std::uint64_t number) noexcept {
    losses_ = std::min(losses_ + 1, window);
    const bool large = loss > 4 * usual_;
    usual_ += (std::min(loss, 64 * usual_ + loss / 8) - usual_) / static_cast<double>(losses_);
    return large ? 1U : number % period == 0 ? period : 0U;
  }

  /// Takes the losses of both on a sample that stands for `weight`.
  void note(double current, double average, std::uint32_t weight) noexcept {
    const double more = average - current;
    if (!std::isfinite(more)) {
      return;
    }
    seen_ = std::min(seen_ + weight, long_window);
    const auto share = [&](std::uint64_t most) {
      return static_cast<double>(weight) / static_cast<double>(std::min(seen_, most));
    };
    mean_ += share(window) * (more - mean_);
    square_ += share(long_window) * (more * more - square_);
    const double chance =
        2 * std::sqrt(square_ * period / static_cast<double>(std::min(seen_, window)));
    lags_ = seen_ >= window / 4 && mean_ > chance;
  }

  bool lags() const noexcept { return lags_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(losses_, usual_, seen_, mean_, square_, lags_);
  }

 private:
  static constexpr std::uint32_t period = 8;
  static constexpr std::uint64_t window = 512; ///< in samples
  static constexpr std::uint64_t long_window = 8192;

  std::uint64_t losses_ = 0; ///< up to the window
  double usual_ = 0;         ///< mean of the losses
  std::uint64_t seen_ = 0;   ///< samples compared, up to the long window
  double mean_ = 0;          ///< of what the average has lost more
  double square_ = 0;        ///< of its squares
  bool lags_ = false;
};

} // namespace hanami
