// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "../../foundation/error.hpp"
#include "../calendar.hpp"
#include "../column_history.hpp"
#include "../time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a single number for a value that is not known yet is to be.
enum class point_forecast : std::uint8_t {
  median, ///< small absolute errors
  mean    ///< small squared errors
};

/// Options of a forecaster.
struct forecast_options {
  std::vector<std::uint32_t> horizons = {1}; ///< rows ahead, each in 1..10000, ascending
  history_options history;
  /// `learning_options::step_size` for one row ahead. It is divided by horizon^0.8: targets that
  /// overlap repeat their errors.
  double step_size = 0.3;
  point_forecast point = point_forecast::median;
  bool networks = true;       ///< without: linear experts alone
  std::uint32_t neurons = 64; ///< of a cluster: 32, 64, 128 or 256
  std::uint64_t seed = 1;
  /// Whose clocks give hour and weekday, and turn the season where they are turned; for that the
  /// step in seconds must be known. Times are UTC then.
  time_zone zone;
  double step = 0;

  /// Throws `errc::invalid_argument` for what is out of range.
  void check() const {
    const auto require = [](bool good, const char* why) {
      if (!good) {
        raise(errc::invalid_argument, why);
      }
    };
    require(!horizons.empty() && horizons.front() >= 1 && horizons.back() <= 10000 &&
                std::adjacent_find(horizons.begin(), horizons.end(), std::greater_equal<>()) ==
                    horizons.end(),
            "horizons must be ascending numbers of rows from 1 to 10000");
    require(history.lags >= 1 && history.lags <= 1000, "lags must be in 1..1000");
    require(history.season <= 100000 && history.seasons >= 1 && history.seasons <= 100,
            "a season must be at most 100000 rows and 1 to 100 of them be looked back");
    require(step >= 0 && std::isfinite(step), "a step is a number of seconds, or 0");
    require(step_size > 0 && step_size <= 1, "step_size must be in (0, 1]");
    require(point == point_forecast::median || point == point_forecast::mean,
            "a point forecast is the median or the mean");
  }

  /// Whether forecasts over this horizon look at other columns. A day ahead what those did in the
  /// last rows is of no use, and costs time.
  bool sees_others(std::uint32_t horizon) const noexcept { return horizon <= history.lags; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(horizons, history.lags, history.season, history.seasons, step_size, point, networks,
            neurons, seed, zone, step);
  }
};

/// Options that suit rows `step` seconds apart (0: not known): forecasts one row ahead, and one day
/// ahead where a day makes a season.
inline forecast_options forecast_options_for(double step) {
  forecast_options options;
  options.step = step;
  options.history.season = rows_of_day(step);
  if (options.history.season > 1) {
    options.horizons = {1, options.history.season};
  }
  return options;
}

} // namespace hanami
