// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// Strange rows come in clumps, and a clump is one alarm: the mean number of rows in one (the
/// inverse of the extremal index, by runs: Smith and Weissman 1994).
class clump_size {
 public:
  /// A clump ends with `apart` rows none of which is strange.
  void add(bool is_strange, std::size_t apart) noexcept {
    ++since_;
    if (is_strange) {
      clumps_ += since_ > apart ? 1 : 0;
      ++rows_;
      since_ = 0;
    }
  }

  double mean_size() const noexcept {
    return static_cast<double>(rows_ + 1) / static_cast<double>(clumps_ + 1);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(since_, rows_, clumps_);
  }

 private:
  std::uint64_t since_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t clumps_ = 0;
};

/// When to raise an alarm.
struct anomaly_options {
  double rows_per_day = 24;
  double false_alarms_per_day =
      1.0 / 30; ///< expected where nothing happens; measured: 0.9 to 1.9 times as many
  std::uint32_t rest_rows = 0; ///< no second alarm within so many rows; 0: two days

  std::size_t rest() const noexcept {
    return rest_rows > 0 ? rest_rows
                         : static_cast<std::size_t>(std::clamp(2 * rows_per_day, 8.0, 5000.0));
  }
};

/// Turns surprises, row by row, into alarms that are as rare as asked for.
class alarm_rule {
 public:
  /// Throws `errc::invalid_argument` for rates that are not above 0.
  explicit alarm_rule(anomaly_options options = {}) : options_(options) {
    if (!(options.rows_per_day > 0) || !(options.false_alarms_per_day > 0)) {
      raise(errc::invalid_argument, "rows and false alarms a day must be numbers above 0");
    }
  }

  /// `surprise`: -log10 of the probability of a row at least as strange (`tail_probability`).
  bool judge(double surprise) noexcept {
    const bool alarm = rows_ >= quiet_until_ && surprise > 0 && surprise > threshold();
    clumps_.add(surprise > strange, options_.rest());
    if (alarm) {
      quiet_until_ = rows_ + options_.rest();
    }
    ++rows_;
    return alarm;
  }

  /// The surprise above which there is an alarm.
  double threshold() const noexcept {
    return -std::log10(clumps_.mean_size() * options_.false_alarms_per_day / options_.rows_per_day);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(clumps_, rows_, quiet_until_);
  }

 private:
  static constexpr std::uint64_t warm_up = 300; ///< rows without alarms at first
  static constexpr double strange = 2.0;        ///< surprise of one row in a hundred

  anomaly_options options_;
  clump_size clumps_;
  std::uint64_t rows_ = 0;
  std::uint64_t quiet_until_ = warm_up;
};

} // namespace hanami
