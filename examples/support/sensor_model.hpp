// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>

#include "sensor_lines.hpp"

namespace example {

/// What decides how a stream is learned; kept in its checkpoints.
struct sensor_settings {
  std::uint32_t window = 12;           ///< last changes that are inputs; 0: only the newest row
  std::vector<std::uint32_t> horizons; ///< rows ahead; empty: one row and one day
  double step = 0;                     ///< seconds from row to row; 0: found from the first times
  double alarms_per_day = 1.0 / 30;
  std::uint64_t seed = 1;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(window, horizons, step, alarms_per_day, seed);
  }
};

/// Learns the columns of a stream and answers, in one of two ways: with a window, a forecaster with
/// experts and clusters for each column; without, one cluster for all columns, many times as fast.
class sensor_model {
 public:
  sensor_model(std::size_t columns, sensor_settings settings)
      : settings_(std::move(settings)),
        nothing_(columns, std::numeric_limits<double>::quiet_NaN()) {
    hanami::forecast_options options = hanami::forecast_options_for(settings_.step);
    if (!settings_.horizons.empty()) {
      options.horizons = settings_.horizons;
    }
    options.seed = settings_.seed;
    hanami::anomaly_options alarms;
    alarms.rows_per_day = settings_.step > 0 ? 86400 / settings_.step : 1440;
    alarms.false_alarms_per_day = settings_.alarms_per_day;
    if (settings_.window == 0) {
      fast_.emplace(columns, alarms, settings_.seed);
      horizons_ = {1};
    } else {
      options.history.lags = settings_.window;
      forecaster_.emplace(columns, options);
      detector_.emplace(columns, alarms);
      horizons_ = options.horizons;
    }
  }

  /// Takes the next row; rows that by their times are missing before it count as empty ones.
  hanami::anomaly observe(const sensor_row& row) {
    for (std::uint32_t gap = clock_.missing_before(row.time); gap > 0; --gap) {
      observe(nothing_, row.time - gap * clock_.step());
      ++gaps_;
    }
    return observe(row.values, row.time);
  }

  hanami::forecast predict(std::size_t column, std::size_t horizon) const noexcept {
    return fast_ ? fast_->predict(column) : forecaster_->predict(column, horizon);
  }
  /// Usual change of a column from row to row, in its units; 0 if not known.
  double scale(std::size_t column) const noexcept {
    return fast_ ? fast_->scale(column) : forecaster_->history(column).scale();
  }

  const std::vector<std::uint32_t>& horizons() const noexcept { return horizons_; }
  const sensor_settings& settings() const noexcept { return settings_; }
  std::uint64_t gaps() const noexcept { return gaps_; } ///< rows missing by their times
  std::size_t bytes() const noexcept { return fast_ ? fast_->bytes() : forecaster_->bytes(); }

  /// To be read into a model of the same columns and settings.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(clock_, gaps_);
    if (fast_) {
      archive(*fast_);
    } else {
      archive(*forecaster_, *detector_);
    }
  }

 private:
  hanami::anomaly observe(std::span<const double> values, double time) {
    if (fast_) {
      return fast_->observe(values);
    }
    forecaster_->observe(values, time);
    return detector_->observe(*forecaster_);
  }

  sensor_settings settings_;
  std::vector<double> nothing_;
  std::vector<std::uint32_t> horizons_;
  std::optional<hanami::row_forecaster> fast_;
  std::optional<hanami::forecaster> forecaster_;
  std::optional<hanami::anomaly_detector> detector_;
  hanami::row_clock clock_;
  std::uint64_t gaps_ = 0;
};

} // namespace example
