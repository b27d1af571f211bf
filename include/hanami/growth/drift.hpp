// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "../config.hpp"
#include "../foundation/multiply_add.hpp"

namespace hanami::inline HANAMI_ISA {

/// Notices that a stream has changed: what is lost on the samples of late against what is usual.
/// Losses far above the usual count as eight times as much, so that outliers are no change; but not
/// `bounded` ones, whose tail is part of the data: there the noise has to be exceeded by more.
class drift_detector {
 public:
  /// Takes the loss of the next sample, before it is learned from; 0 (nothing known, nothing wrong)
  /// is passed over. True once for a change; then the watch begins anew.
  HANAMI_HOST_DEVICE bool note(double loss, bool bounded = false) noexcept {
    if (!(loss > 0)) {
      return false;
    }
    ++seen_;
    const double share = 1.0 / static_cast<double>(std::min(seen_, std::uint64_t{usual_window}));
    const double counted = seen_ > recent_window && !bounded ? std::min(loss, 8 * usual_) : loss;
    recent_ +=
        (counted - recent_) / static_cast<double>(std::min(seen_, std::uint64_t{recent_window}));
    usual_ = multiply_add(share, counted - usual_, usual_);
    square_ = multiply_add(share, multiply_add(counted, counted, -square_), square_);
    if (seen_ < 2 * usual_window) {
      return false; // what is usual is not known yet
    }
    const double noise =
        std::sqrt(std::max(0.0, multiply_add(-usual_, usual_, square_)) / (2 * recent_window));
    if (recent_ < multiply_add(1.5, usual_, (bounded ? 8 : 5) * noise)) {
      return false;
    }
    const std::uint64_t changes = changes_ + 1;
    *this = {};
    changes_ = changes;
    return true;
  }

  std::uint64_t changes() const noexcept { return changes_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(recent_, usual_, square_, seen_, changes_);
  }

 private:
  static constexpr std::uint64_t recent_window = 64;
  static constexpr std::uint64_t usual_window = 1024;

  double recent_ = 0; ///< exponential means of losses
  double usual_ = 0;
  double square_ = 0; ///< of their squares
  std::uint64_t seen_ = 0;
  std::uint64_t changes_ = 0;
};

} // namespace hanami
