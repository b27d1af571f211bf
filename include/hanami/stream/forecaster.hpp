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
#include "forecast/forecast_track.hpp"
#include "forecast/related_columns.hpp"

namespace hanami::inline HANAMI_ISA {

/// A value expected `horizon` rows from now, in the column's units.
struct forecast {
  double value = 0;
  double low = 0;  ///< one truth in ten lies below
  double high = 0; ///< one truth in ten lies above
};

/// Forecasts the columns of a stream of rows, from the first row on, and learns from every row
/// once. Each column and horizon has a small cluster and linear experts of its own, weighted by how
/// good they are (`forecast_track`); over a few rows they see the column's own past and the last
/// rows of those others that say most about it (`related_columns`). Values are raw: of any range,
/// NaN or infinite means missing, wild values are held back (`column_guard`), columns may begin
/// late, fall silent and come back.
///
/// A value: copies are independent. Memory is bounded by the options; a column takes next to
/// nothing before its first value, and what it needs for its level alone when it has been silent
/// for 20,000 rows. Not safe from several threads.
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
    for (std::size_t i = 0; i < count; ++i) {
      columns_.emplace_back(history_rows());
    }
    validities_.resize(columns(), validity::missing);
  }

  const forecast_options& options() const noexcept { return options_; }
  std::size_t columns() const noexcept { return columns_.size(); }
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
      validities_[c] = columns_[c].history.add(values[c]);
    }
    for (std::size_t c = 0; c < columns(); ++c) {
      advance(c);
    }
    ++rows_;
  }

  /// What the newest row's values were taken for.
  std::span<const validity> validities() const noexcept { return validities_; }

  /// The forecast from the newest row; NaN for a column that has not begun. `horizon` is an index
  /// into the options' horizons.
  forecast predict(std::size_t column, std::size_t horizon = 0) const noexcept {
    const column_history& of = history(column);
    if (!of.started()) {
      constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
      return {nothing, nothing, nothing};
    }
    const track_type& from = track(column, horizon);
    const double change = of.scale() * from.predicted();
    const auto [below, above] = std::minmax({of.last(), of.standing()});
    return {of.standing() + change, below + change + of.scale() * from.low(),
            above + change + of.scale() * from.high()};
  }

  /// The same of one expert alone.
  double predict(std::size_t column, std::size_t horizon, expert who) const noexcept {
    const column_history& of = history(column);
    return of.started() ? of.standing() + of.scale() * track(column, horizon).predicted(who)
                        : std::numeric_limits<double>::quiet_NaN();
  }

  const column_history& history(std::size_t column) const noexcept {
    return columns_[column].history;
  }
  /// Only for columns that have begun.
  const track_type& track(std::size_t column, std::size_t horizon) const noexcept {
    return columns_[column].tracks[horizon];
  }

  /// Bytes held, about.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + scratch_.inference.bytes();
    for (const learned_column& c : columns_) {
      sum += sizeof(c) + c.history.bytes() + c.related.bytes();
      for (const track_type& t : c.tracks) {
        sum += t.bytes();
      }
    }
    return sum;
  }

  /// Everything that it has learned; to be read into a forecaster made with the same options.
  template <class Archive>
  void serialize(Archive& archive) {
    for (std::size_t i = 0; i < columns(); ++i) {
      learned_column& c = columns_[i];
      archive(c.history);
      c.related.serialize(archive, columns());
      if constexpr (Archive::reading) {
        c.tracks.clear();
        if (c.history.started()) {
          make_tracks(i);
        }
      }
      for (track_type& t : c.tracks) {
        t.serialize(archive, options_);
      }
    }
    archive(rows_, clock_);
  }

 private:
  struct learned_column {
    explicit learned_column(std::size_t rows) : history(rows) {}

    column_history history;
    related_columns related;
    std::vector<track_type> tracks; ///< for each horizon; none before the first value
  };

  void make_tracks(std::size_t index) {
    std::vector<track_type>& tracks = columns_[index].tracks;
    tracks.clear();
    tracks.reserve(horizons());
    for (const std::uint32_t horizon : options_.horizons) {
      tracks.emplace_back(options_, horizon, random_bits(options_.seed, index, horizon));
    }
  }

  void advance(std::size_t index) {
    learned_column& c = columns_[index];
    if (c.history.falls_asleep()) {
      for (track_type& t : c.tracks) {
        t.sleep();
      }
      c.related = related_columns();
    }
    if (!c.history.started() || c.history.asleep()) {
      return;
    }
    if (c.tracks.empty() || validities_[index] == validity::restart) {
      c.related = related_columns();
      make_tracks(index);
    }
    show_related(c);
    for (track_type& t : c.tracks) {
      t.advance(c.history, clock_, options_, scratch_);
    }
    relate(index);
  }

  void show_related(const learned_column& c) {
    scratch_.related.clear();
    for (const std::uint32_t other : c.related.chosen()) {
      if (other == related_columns::none) {
        return;
      }
      const related_columns::inputs shown = related_columns::show(columns_[other].history);
      scratch_.related.insert(scratch_.related.end(), shown.begin(), shown.end());
    }
  }

  /// By what the shortest forecast got wrong: which of the others would have known.
  void relate(std::size_t index) {
    learned_column& c = columns_[index];
    const std::uint32_t horizon = options_.horizons.front();
    const double wrong = c.tracks.front().own_error();
    if (columns() < 2 || !options_.sees_others(horizon) || std::isnan(wrong)) {
      return;
    }
    const std::size_t place = c.related.learn(index, wrong, columns(), [&](std::uint32_t other) {
      return related_columns::show(columns_[other].history, horizon);
    });
    if (place < related_columns::most) {
      for (track_type& t : c.tracks) {
        t.replace_related(place);
      }
    }
  }

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
  std::vector<learned_column> columns_;
  std::vector<validity> validities_;
  local_clock clock_;
  std::uint64_t rows_ = 0;
  forecast_scratch scratch_;
};

} // namespace hanami
