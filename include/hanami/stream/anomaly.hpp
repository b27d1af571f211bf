// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "anomaly/alarm_rule.hpp"
#include "anomaly/column_signals.hpp"
#include "anomaly/cross_residuals.hpp"
#include "forecaster.hpp"

namespace hanami::inline HANAMI_ISA {

/// What is strange about a row.
struct anomaly {
  /// Ranks all rows, 0 to 30: the larger, the stranger. Of the order of -log10 of the probability
  /// of a row at least as strange if nothing is wrong; 1 is usual, 0 before anything can be told.
  double score = 0;
  bool alarm = false;     ///< as rare as asked for
  std::size_t column = 0; ///< the strangest one
  double expected = 0;    ///< its forecast for this row
  double seen = 0;        ///< the last value it took
};

/// Scores rows by what a forecaster got wrong about them. Strictly online: a row is judged by the
/// rows before it. Of each column's errors and level only what the other columns do not explain
/// counts (`cross_residuals`); it is weighed by its own history (`column_signals`). The strangest
/// column makes the row's score, with a share of what the rows just before it scored: what lasts is
/// stranger than what does not. When that is an alarm is learned from the scores (`alarm_rule`).
///
/// A value; memory is bounded, and taken for columns that have begun. Not safe from several
/// threads.
class anomaly_detector {
 public:
  /// For forecasters of so many columns. Throws `errc::invalid_argument` for rates that are not
  /// above 0.
  explicit anomaly_detector(std::size_t columns, anomaly_options options = {}) : rule_(options) {
    add_columns(columns);
  }

  /// Goes with `forecaster::add_columns`.
  void add_columns(std::size_t count) {
    columns_.resize(columns_.size() + count);
    surprises_.resize(columns_.size());
    errors_.add_columns(count);
    seasons_.add_columns(count);
    levels_.add_columns(count);
    for (std::vector<double>* row : {&error_, &season_, &level_}) {
      row->resize(columns_.size());
    }
  }

  /// To be called after every `forecaster::observe`, with the same forecaster.
  template <class Forecaster>
  anomaly observe(const Forecaster& of) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      prepare(of, c);
    }
    errors_.observe(error_);
    seasons_.observe(season_);
    levels_.observe(level_);
    double most = 0;
    anomaly found;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      surprises_[c] = judge(of, c);
      if (surprises_[c] > most) {
        most = surprises_[c];
        found.column = c;
      }
    }
    found.score = std::min(most + 0.25 * lately_, most_surprising);
    lately_ += (std::min(most, 3.0) - lately_) / 8;
    found.alarm = rule_.judge(found.score);
    const auto& strangest = of.history(found.column);
    const double wrong = error_[found.column];
    found.seen = strangest.last();
    found.expected = strangest.last() - strangest.scale() * (std::isnan(wrong) ? 0 : wrong);
    return found;
  }

  /// The score above which a row is an alarm now.
  double threshold() const noexcept { return rule_.threshold(); }
  /// Rows, or alarms, are to come at another rate from now on. Throws as the constructor.
  void follow(const anomaly_options& options) { rule_.follow(options); }

  /// How strange the newest value of column `index` alone is: the larger, the stranger.
  double strangeness(std::size_t index) const noexcept { return surprises_[index]; }

  /// Bytes held, about.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + 4 * surprises_.capacity() * sizeof(double) + errors_.bytes() +
                      seasons_.bytes() + levels_.bytes();
    for (const std::vector<watch>& c : columns_) {
      sum += sizeof(std::vector<watch>);
      for (const watch& w : c) {
        sum += sizeof(w) - sizeof(w.signals) + w.signals.bytes();
      }
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (std::vector<watch>& c : columns_) {
      archive(c);
      archive.require(c.size() <= 1, "a column that is watched twice");
    }
    const std::size_t n = surprises_.size();
    archive(errors_, seasons_, levels_, surprises_, lately_, rule_);
    archive.require(surprises_.size() == n, "anomalies of another number of columns");
  }

 private:
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  static constexpr double most_surprising = 30;

  struct watch {
    column_signals signals;
    slow_reference level;
    rejection_sizes rejections;
    double before = 0; ///< the path at the last row

    template <class Archive>
    void serialize(Archive& archive) {
      archive(signals, level, rejections, before);
    }
  };

  /// Begins or ends what is known of a column, and writes what its row says by itself.
  template <class Forecaster>
  void prepare(const Forecaster& of, std::size_t c) {
    const auto& history = of.history(c);
    std::vector<watch>& here = columns_[c];
    if (history.falls_asleep()) {
      here = std::vector<watch>();
    }
    error_[c] = season_[c] = level_[c] = nothing;
    if (!history.known()) {
      return;
    }
    const validity as = of.validities()[c];
    if (here.empty() || as == validity::restart) {
      here.assign(1, watch());
    }
    if (as == validity::new_level) {
      here[0].level = slow_reference();
    }
    error_[c] = of.track(c, 0).error();
    season_[c] = of.horizons() > 1 ? of.track(c, of.horizons() - 1).error() : nothing;
    level_[c] = here[0].level.distance(history.last());
  }

  template <class Forecaster>
  double judge(const Forecaster& of, std::size_t c) {
    const auto& history = of.history(c);
    std::vector<watch>& here = columns_[c];
    if (here.empty()) {
      return 0;
    }
    if (of.validities()[c] == validity::rejected) {
      const double size = history.rejected_by();
      const double unit =
          std::max(history.scale() * errors_.scale(c), here[0].rejections.least_unit(size));
      return unit > 0 ? here[0].signals.add_rejected(size / unit) : 0;
    }
    if (!history.known()) {
      return 0;
    }
    const double change = history.path() - here[0].before;
    here[0].before = history.path();
    here[0].level.add(history.last());
    return here[0].signals.add({errors_.residual(c), seasons_.residual(c), levels_.residual(c),
                                level_[c], history.path(), change});
  }

  std::vector<std::vector<watch>> columns_; ///< each none before its first value, then one
  cross_residuals errors_;
  cross_residuals seasons_;
  cross_residuals levels_{0.1}; ///< of usual distances
  std::vector<double> error_;   ///< of each column in the newest row, and so below
  std::vector<double> season_;
  std::vector<double> level_;
  std::vector<double> surprises_;
  double lately_ = 0; ///< exponential mean of what was strange
  alarm_rule rule_;
};

} // namespace hanami
