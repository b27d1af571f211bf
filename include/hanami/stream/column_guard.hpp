// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a column guard makes of a value.
enum class validity : std::uint8_t {
  taken,
  missing,  ///< NaN, infinite or beyond 1e30
  rejected, ///< too far away to be believed; the last value taken still stands
  new_level ///< taken, but the change to it means nothing: the stream has moved
};

/// Judges the raw values of one column before anything learns from them. A value is rejected if it
/// is both 30 times the usual change away from the last one and 10 times the usual spread away from
/// the slow mean. The third rejected value in a row that is nearer to the one before it than to the
/// last value taken is believed: a new level. Nothing is rejected among the first 8 values, or in a
/// column that has never changed; the first 8 of a new level may be off by twice the jump to it.
class column_guard {
 public:
  validity judge(double value) noexcept {
    if (!(std::abs(value) <= most)) {
      return validity::missing;
    }
    if (std::abs(value - last_) > reach() &&
        std::abs(value - level_.mean()) > 10 * level_.spread()) {
      return doubt(value);
    }
    take(value);
    return validity::taken;
  }

  bool started() const noexcept { return taken_ > 0; }
  /// The last value taken.
  double last() const noexcept { return last_; }
  /// Usual size of a change from one row to the next, in the column's units.
  double change_scale() const noexcept { return change_.value(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(change_, recent_, level_, moved_, last_, jump_, doubted_, doubts_, taken_);
  }

 private:
  /// How far from the last value nothing is doubted.
  double reach() const noexcept {
    const double usual = 30 * change_.value();
    if (taken_ < 8) { // of a level that is hardly known
      return std::max(usual, 2 * jump_);
    }
    return usual > 0 ? usual : std::numeric_limits<double>::infinity();
  }

  validity doubt(double value) noexcept {
    const bool consistent = doubts_ > 0 && std::abs(value - doubted_) < std::abs(value - last_) / 2;
    doubts_ = consistent ? doubts_ + 1 : 1;
    const double way = value - doubted_;
    doubted_ = value;
    if (doubts_ < 3) {
      return validity::rejected;
    }
    if (way != 0) {
      change_.forget(0);
      change_.add(way);
    }
    jump_ = std::abs(value - last_);
    recent_.forget(0);
    moved_ = 0;
    level_.restart(value);
    doubts_ = 0;
    last_ = value;
    taken_ = 1;
    return validity::new_level;
  }

  void take(double value) noexcept {
    if (taken_ > 0) {
      follow(value - last_);
    }
    level_.add(value);
    last_ = value;
    doubts_ = 0;
    ++taken_;
  }

  /// Where 200 rows have changed by less than a sixteenth of the usual size, that is the usual size
  /// from now on: forgetting the old one would take thousands of rows. A sensor that is stuck tells
  /// nothing.
  void follow(double change) noexcept {
    change_.add(change);
    recent_.add(change);
    moved_ += change != 0 ? 1 : 0;
    if (recent_.seen() < recent_rows) {
      return;
    }
    if (moved_ > 100 && recent_.value() * 16 < change_.value()) {
      change_.adopt(recent_);
    }
    recent_.forget(0);
    moved_ = 0;
  }

  static constexpr double most = 1e30; ///< no measurement; its changes still fit into a float
  static constexpr double recent_rows = 200;

  running_scale change_;
  running_scale recent_{recent_rows}; ///< of up to 200 rows
  running_mean level_;
  std::uint32_t moved_ = 0; ///< of them, rows with any change
  double last_ = 0;
  double jump_ = std::numeric_limits<double>::infinity(); ///< to the present level
  double doubted_ = 0;                                    ///< the last value rejected
  std::uint32_t doubts_ = 0;
  std::uint64_t taken_ = 0; ///< since the last new level
};

} // namespace hanami
