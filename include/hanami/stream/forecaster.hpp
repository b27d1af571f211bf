// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "forecast_track.hpp"

namespace hanami::inline HANAMI_ISA {

/// A value expected `horizon` rows from now, in the column's units.
struct forecast {
  double value = 0;
  double low = 0;  ///< one truth in ten lies below
  double high = 0; ///< one truth in ten lies above
};

/// Forecasts the columns of a stream of rows, from the first row on, and learns from every row
/// once. Each column and horizon has small clusters and linear experts of its own, weighted by how
/// good they are (`forecast_track`). Values are raw: of any range, NaN or infinite means missing,
/// wild values are held back (`column_guard`), columns may begin late, fall silent and come back.
///
/// A value: copies are independent. Memory is bounded by the options. Not safe from several
/// threads.
template <class Cluster>
class basic_forecaster {
 public:
  using track_type = basic_forecast_track<Cluster>;

  /// Throws `errc::invalid_argument` for no columns or options out of range.
  explicit basic_forecaster(std::size_t columns, forecast_options options = {})
      : options_(std::move(options)) {
    options_.check();
    check(columns);
    clock_ = local_clock(options_.zone, season_is_days() ? options_.step : 0, history_rows());
    add_columns(columns);
  }

  /// Adds columns behind those that are there, as if they had been there without a value from the
  /// first row on. Throws `errc::invalid_argument` for more columns than a forecaster may have, and
  /// has then changed nothing.
  void add_columns(std::size_t count) {
    check(columns() + count);
    for (std::size_t c = columns(), all = c + count; c < all; ++c) {
      histories_.emplace_back(history_rows());
      for (const std::uint32_t horizon : options_.horizons) {
        tracks_.emplace_back(options_, horizon, random_bits(options_.seed, c, horizon));
      }
    }
    validities_.resize(columns(), validity::missing);
  }

  const forecast_options& options() const noexcept { return options_; }
  std::size_t columns() const noexcept { return histories_.size(); }
  std::size_t horizons() const noexcept { return options_.horizons.size(); }
  std::uint64_t rows() const noexcept { return rows_; }

  /// Takes the next row: learns from it what was predicted for it, then predicts from it. `time` in
  /// seconds (`parse_time`), NaN if unknown; it gives hour and weekday by the clocks of the
  /// options' zone. Throws `errc::invalid_argument` for another number of values, and has then
  /// changed nothing.
  void observe(std::span<const double> values,
               double time = std::numeric_limits<double>::quiet_NaN()) {
    if (values.size() != columns()) {
      raise(errc::invalid_argument, "a row of " + std::to_string(values.size()) +
                                        " values; the forecaster takes " +
                                        std::to_string(columns()));
    }
    clock_.advance(time);
    for (std::size_t c = 0; c < columns(); ++c) {
      validities_[c] = histories_[c].add(values[c]);
      if (histories_[c].started()) {
        for (std::size_t h = 0; h < horizons(); ++h) {
          tracks_[c * horizons() + h].advance(histories_[c], clock_);
        }
      }
    }
    ++rows_;
  }

  /// What the newest row's values were taken for.
  std::span<const validity> validities() const noexcept { return validities_; }

  /// The forecast from the newest row; NaN for a column that has not begun. `horizon` is an index
  /// into the options' horizons.
  forecast predict(std::size_t column, std::size_t horizon = 0) const noexcept {
    const column_history& of = histories_[column];
    if (!of.started()) {
      constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
      return {nothing, nothing, nothing};
    }
    const track_type& from = tracks_[column * horizons() + horizon];
    const double value = of.last() + of.scale() * from.predicted();
    return {value, value + of.scale() * std::min(from.low(), 0.0),
            value + of.scale() * std::max(from.high(), 0.0)};
  }

  /// The same of one expert alone.
  double predict(std::size_t column, std::size_t horizon, expert who) const noexcept {
    const column_history& of = histories_[column];
    return of.last() + of.scale() * tracks_[column * horizons() + horizon].predicted(who);
  }

  const column_history& history(std::size_t column) const noexcept { return histories_[column]; }
  const track_type& track(std::size_t column, std::size_t horizon) const noexcept {
    return tracks_[column * horizons() + horizon];
  }

  /// Bytes held, about.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this);
    for (const track_type& t : tracks_) {
      sum += t.bytes();
    }
    return sum + columns() * (sizeof(column_history) + history_rows() * sizeof(double));
  }

  /// Everything that it has learned; to be read into a forecaster made with the same options.
  template <class Archive>
  void serialize(Archive& archive) {
    for (column_history& h : histories_) {
      archive(h);
    }
    for (track_type& t : tracks_) {
      archive(t);
    }
    archive(rows_, clock_);
  }

 private:
  std::size_t history_rows() const noexcept {
    return options_.history.rows(options_.horizons.back());
  }

  bool season_is_days() const noexcept {
    const std::uint32_t day = rows_of_day(options_.step);
    return day > 0 && options_.history.season > 0 && options_.history.season % day == 0;
  }

  static void check(std::size_t columns) {
    if (columns < 1 || columns > 100000) {
      raise(errc::invalid_argument, "a forecaster needs 1 to 100000 columns");
    }
  }

  forecast_options options_;
  std::vector<column_history> histories_;
  std::vector<track_type> tracks_; ///< horizons of column 0, of column 1, ...
  std::vector<validity> validities_;
  local_clock clock_;
  std::uint64_t rows_ = 0;
};

} // namespace hanami
