// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <utility>

#include "calendar.hpp"
#include "running.hpp"
#include "time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

/// The clock on the wall beside a stream's rows: what it shows at the newest row, and by how many
/// rows it was moved since earlier ones. Where a day is a season, the same hour of the day before
/// is a row nearer or farther after a night in which clocks were turned.
class local_clock {
 public:
  local_clock() = default;
  /// For rows `step` seconds apart, the last `rows` of which are remembered. A clock of a zone
  /// where none is turned, or of rows whose step is not known (0), never moves.
  local_clock(time_zone zone, double step, std::size_t rows)
      : zone_(std::move(zone)), step_(zone_.turns() ? step : 0), ahead_(step_ > 0 ? rows : 0) {}

  /// The next row: its time, seconds of UTC, NaN if it is not known.
  void advance(double utc) {
    now_ = zone_.to_local(utc);
    show();
    if (step_ > 0) {
      utc_ = std::isfinite(utc) ? utc : utc_ + step_;
      ahead_.push(rows_ahead(utc_));
    }
  }

  /// Local time of the newest row in seconds, NaN if it is not known.
  double now() const noexcept { return now_; }

  /// What the newest row's time gives as inputs: sine and cosine of the time of day, of twice that,
  /// and of the time of week, then hour and weekday; NaN if it is not known.
  static constexpr std::size_t dial = 8;
  std::span<const double, dial> shown() const noexcept { return shown_; }

  /// By how many rows it will have been moved forward from the row `ago` rows ago to the one
  /// `horizon` rows from now.
  std::int64_t moved(std::size_t ago, std::uint32_t horizon) const noexcept {
    return ago < ahead_.size() ? rows_ahead(utc_ + horizon * step_) - ahead_[ago] : 0;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(utc_, now_, ahead_);
    if constexpr (Archive::reading) {
      show();
    }
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  void show() noexcept {
    if (!std::isfinite(now_)) {
      shown_.fill(nothing);
      return;
    }
    const calendar now = calendar_of(now_);
    const double day = 2 * std::numbers::pi * now.hour / 24;
    const double week = 2 * std::numbers::pi * now.weekday / 7;
    shown_ = {std::sin(day),  std::cos(day),  std::sin(2 * day), std::cos(2 * day),
              std::sin(week), std::cos(week), now.hour,          now.weekday};
  }

  std::int64_t rows_ahead(double utc) const noexcept {
    return static_cast<std::int64_t>(std::llround(zone_.offset(utc) / step_));
  }

  time_zone zone_;
  double step_ = 0; ///< 0: it never moves
  double utc_ = 0;
  double now_ = nothing;
  std::array<double, dial> shown_{nothing, nothing, nothing, nothing,
                                  nothing, nothing, nothing, nothing};
  last_values<std::int64_t> ahead_; ///< of UTC, in rows
};

} // namespace hanami
