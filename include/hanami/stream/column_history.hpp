// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "column_guard.hpp"
#include "local_clock.hpp"
#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// How far back a column looks.
struct history_options {
  std::uint32_t lags = 12;   ///< last changes that are inputs
  std::uint32_t season = 0;  ///< rows of a period, 0: none
  std::uint32_t seasons = 7; ///< periods looked back

  /// Rows that must be kept to make the inputs for a horizon.
  std::size_t rows(std::uint32_t horizon) const noexcept {
    const std::size_t periods = season == 0 ? 0 : (horizon + season - 1) / season + seasons;
    return std::max<std::size_t>(lags + 2, periods * season + 2);
  }
};

/// The history of one column, freed of its unit: its path, the sum of all changes, each divided by
/// about the usual size of a change. That unit stays as long as it is right within a factor of
/// four: the path returns where the column does. A column that is rescaled or shifted continues
/// almost where it was. Rows without a credible value are NaN.
class column_history {
 public:
  column_history() = default;
  explicit column_history(std::size_t rows) : path_(rows) {}

  validity add(double value) {
    const bool started = guard_.started();
    const double before = guard_.last();
    const validity found = guard_.judge(value);
    if (found == validity::restart) {
      path_.clear();
      mean_ = running_mean(mean_rows);
      held_ = 0;
    }
    jump_ = found == validity::new_level ? std::numeric_limits<double>::infinity() : 0;
    measure(found);
    if (found == validity::taken && started && unit_ > 0) {
      jump_ = (value - before) / unit_;
      held_ += jump_;
    }
    known_ = found != validity::missing && found != validity::rejected;
    silent_ = known_ ? 0 : silent_ + 1;
    if (known_ || path_.size() > 0) {
      path_.push(known_ ? held_ : nothing);
    }
    if (known_) {
      mean_.add(held_);
    }
    if (falls_asleep()) {
      path_.clear();
    }
    return found;
  }

  bool started() const noexcept { return guard_.started(); }
  /// Whether it has begun, and been silent for so long that what is known of it but its level may
  /// be forgotten.
  bool asleep() const noexcept { return started() && silent_ >= patience; }
  /// Whether that is so since this row.
  bool falls_asleep() const noexcept { return started() && silent_ == patience; }
  /// How far off the last rejected value was, in the column's units.
  double rejected_by() const noexcept { return guard_.rejected_by(); }
  /// Held beside the object itself.
  std::size_t bytes() const noexcept { return guard_.bytes() + path_.bytes(); }

  /// The change of the path with the newest row; infinite for a new level.
  double jump() const noexcept { return jump_; }
  bool known() const noexcept { return known_; } ///< whether the newest row has a value
  double path() const noexcept { return held_; } ///< the newest that is known
  double slow_mean() const noexcept { return mean_.mean(); }
  double last() const noexcept { return guard_.last(); }         ///< in the column's units
  double standing() const noexcept { return guard_.standing(); } ///< where the next one is expected
  double scale() const noexcept { return unit_; }                ///< units per step of the path
  /// Usual size of a change from row to row, in the column's units.
  double usual_change() const noexcept { return guard_.change_scale(); }

  /// The path `ago` rows ago, NaN where it is not known.
  double path(std::size_t ago) const noexcept { return ago < path_.size() ? path_[ago] : nothing; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(guard_, path_, mean_, held_, unit_, young_, known_, jump_, silent_);
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  /// The first 100 values, and those of a new level, say what the unit is.
  void measure(validity found) noexcept {
    if (found == validity::new_level || found == validity::restart) {
      young_ = 0;
    }
    const double usual = guard_.change_scale();
    if (young_ < 100 || usual > 4 * unit_ || 4 * usual < unit_) {
      unit_ = usual;
    }
    young_ += young_ < 100 && found == validity::taken ? 1 : 0;
  }

  static constexpr double mean_rows = 2000;
  static constexpr std::uint64_t patience = 20000; ///< rows

  column_guard guard_;
  last_values<double> path_;
  running_mean mean_{mean_rows};
  double held_ = 0;
  double unit_ = 0;         ///< of the column, a step of the path
  std::uint32_t young_ = 0; ///< values since the unit has begun, up to 100
  double jump_ = 0;
  bool known_ = false;
  std::uint64_t silent_ = 0;
};

/// Inputs of one forecast. The first `basic` of them are 1, the last changes and the level; the
/// first `linear` are for every expert; the others, hour and weekday, are not quantities to be
/// weighted.
class history_inputs {
 public:
  history_inputs() = default;
  history_inputs(history_options options, std::uint32_t horizon)
      : options_(options), horizon_(horizon) {}

  std::size_t basic() const noexcept { return std::size_t{2} + options_.lags; }
  std::size_t linear() const noexcept {
    return basic() + (options_.season > 0 ? options_.seasons + 2 : 0) + harmonics;
  }
  std::size_t size() const noexcept { return linear() + local_clock::dial - harmonics; }
  std::uint32_t horizon() const noexcept { return horizon_; }

  /// The change from the newest row to the horizon, one period ago; 0 where it is not known.
  double seasonal_change(const column_history& of, const local_clock& clock) const noexcept {
    const double then =
        options_.season > 0 ? of.path(ago(first_period(), horizon_, clock)) : nothing;
    return std::isnan(then) ? 0 : then - of.path();
  }

  /// Writes `size()` inputs, NaN where missing.
  void make(const column_history& of, const local_clock& clock, std::vector<double>& to) const {
    to.clear();
    to.push_back(1);
    for (std::size_t i = 0; i < options_.lags; ++i) {
      to.push_back(of.path(i) - of.path(i + 1));
    }
    to.push_back((of.path() - of.slow_mean()) / 8);
    if (options_.season > 0) {
      add_seasons(of, clock, to);
    }
    to.insert(to.end(), clock.shown().begin(), clock.shown().end());
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::size_t harmonics = 6;

  std::size_t first_period() const noexcept {
    return (horizon_ + options_.season - 1) / options_.season;
  }
  /// Rows since the row that shows the same time of the season as the row `ahead` rows from now,
  /// `periods` before it; one period more where that is yet to come, because clocks will be turned.
  std::size_t ago(std::size_t periods, std::uint32_t ahead,
                  const local_clock& clock) const noexcept {
    const std::size_t rows = periods * options_.season - ahead;
    const std::int64_t turned = static_cast<std::int64_t>(rows) - clock.moved(rows, ahead);
    return static_cast<std::size_t>(turned < 0 ? turned + options_.season : turned);
  }

  void add_seasons(const column_history& of, const local_clock& clock,
                   std::vector<double>& to) const {
    double sum = 0;
    double count = 0;
    for (std::size_t k = 0; k < options_.seasons; ++k) {
      const std::size_t then = ago(first_period() + k, horizon_, clock);
      const double change = of.path(then) - of.path(ago(first_period() + k, 0, clock));
      to.push_back(change);
      if (const double level = of.path(then); !std::isnan(level)) {
        sum += level;
        ++count;
      }
    }
    to.push_back((of.path(ago(first_period(), horizon_, clock)) - of.path()) / 4);
    to.push_back(count > 0 ? (sum / count - of.path()) / 4 : nothing);
  }

  history_options options_;
  std::uint32_t horizon_ = 1;
};

} // namespace hanami
