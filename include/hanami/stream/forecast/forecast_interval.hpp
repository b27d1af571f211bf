// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../running.hpp"

namespace hanami::inline HANAMI_ISA {

/// Where four truths in five lie around a forecast. Errors are measured in their usual size at the
/// truth's phase of the day, and their quantiles are followed in that unit (`running_quantiles`).
/// Each phase then widens or narrows its bounds by how often truths have missed them as they were
/// drawn: adaptive conformal inference (Gibbs and Candes 2021), a sequence for each phase, so that
/// each has its four in five in the long run, whatever the errors do. Memory is taken with the
/// 48th truth.
class forecast_interval {
 public:
  static constexpr std::size_t phases = 24;

  /// Beside the forecast: `low` not above 0, `high` not below.
  struct bounds {
    float low = 0;
    float high = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(low, high);
    }
  };

  forecast_interval() = default;
  explicit forecast_interval(std::uint32_t horizon) : horizon_(horizon) {}

  /// Bounds for a truth in that phase, 0..23.
  bounds ask(std::size_t phase) const noexcept {
    const double unit = usual(phase) * caution();
    const double low = unit * (quantiles_.low() - (of_.empty() ? 0 : of_[phase].below));
    const double high = unit * (quantiles_.high() + (of_.empty() ? 0 : of_[phase].above));
    return {static_cast<float>(std::min(low, 0.0)), static_cast<float>(std::max(high, 0.0))};
  }

  /// The truth in that phase lay `error` above its forecast, for which `said` was drawn.
  void learn(std::size_t phase, double error, bounds said) {
    const double unit = usual(phase);
    all_.add(error);
    ++truths_;
    const double relative = unit > 0 ? error / unit : 0;
    quantiles_.add(relative);
    if (truths_ < before_phases) {
      return;
    }
    of_.resize(phases);
    one_phase& here = of_[phase];
    here.size.add(error);
    // What is corrected shows one horizon later, in so many truths of this phase.
    const double rate = 0.1 / (1 + horizon_ / static_cast<double>(phases));
    const auto follow = [rate](double& by, bool missed) {
      by = std::clamp(by + rate * ((missed ? 1 : 0) - 0.1), -2.0, 6.0);
    };
    follow(here.below, error < static_cast<double>(said.low));
    follow(here.above, error > static_cast<double>(said.high));
  }

  std::size_t bytes() const noexcept { return of_.capacity() * sizeof(one_phase); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(all_, quantiles_, truths_, of_);
    archive.require(of_.empty() || of_.size() == phases, "intervals of other phases");
  }

 private:
  static constexpr std::uint64_t before_phases = 48;

  struct one_phase {
    running_scale size{100};
    double below = 0; ///< the bounds are farther by, in usual sizes
    double above = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(size, below, above);
    }
  };

  /// Usual size of errors in a phase; one that has seen few is taken for like the others.
  double usual(std::size_t phase) const noexcept {
    if (of_.empty()) {
      return all_.value();
    }
    constexpr double others = 5;
    const running_scale& here = of_[phase].size;
    return (here.seen() * here.value() + others * all_.value()) / (here.seen() + others);
  }

  /// Truths that overlap say little more than one: quantiles of a few are too near, by about what
  /// Student's t is wider than the normal distribution.
  double caution() const noexcept {
    return 1 + 1.3 / std::max(static_cast<double>(truths_) / horizon_, 1.0);
  }

  std::uint32_t horizon_ = 1;
  running_scale all_;
  running_quantiles quantiles_{0.1, 0.9};
  std::uint64_t truths_ = 0;
  std::vector<one_phase> of_; ///< none, or of all phases
};

} // namespace hanami
