// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "alarm_rule.hpp"
#include "forecaster.hpp"
#include "tail_probability.hpp"

namespace hanami::inline HANAMI_ISA {

/// Mean of the last values of a stream.
class recent_mean {
 public:
  explicit recent_mean(std::size_t window) : values_(window) {}

  double add(double value) noexcept {
    values_.push(value);
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      sum += values_[i];
    }
    return sum / static_cast<double>(values_.size());
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(values_);
  }

 private:
  last_values<double> values_;
};

/// Gathers what is strange about one column into one number: errors of its forecasts, each as a
/// surprise in its own history, singly and as means over several rows; changes of its volatility;
/// values outside the range so far.
class column_anomaly_score {
 public:
  /// `error`, `season_error`: of the forecasts over the shortest and the longest horizon whose
  /// truth came with this row, NaN for none. `path`, `change`: where the column is and by how much
  /// it moved, in the units of the path.
  double add(double error, double season_error, double path, double change) {
    double sum = 0;
    if (!std::isnan(error)) {
      for (signal& s : errors_) {
        sum += 0.25 * std::min(s.add(std::abs(error)), 8.0);
      }
    }
    if (!std::isnan(season_error)) {
      for (signal& s : season_errors_) {
        sum += 0.5 * std::min(s.add(season_error), 8.0);
      }
    }
    for (volatility& r : volatility_) {
      sum += 0.25 * r.add(std::abs(change));
    }
    sum += outside(path);
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (signal& s : errors_) {
      archive(s);
    }
    for (signal& s : season_errors_) {
      archive(s);
    }
    for (volatility& r : volatility_) {
      archive(r);
    }
    archive(spread_, low_, high_, rows_);
  }

 private:
  /// Surprise of the mean over some rows.
  struct signal {
    explicit signal(std::size_t rows) : mean(rows) {}
    double add(double value) { return history.add(std::abs(mean.add(value))); }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(mean, history);
    }

    recent_mean mean;
    tail_probability history;
  };

  /// Surprise at how much recent changes differ in size from earlier ones, either way.
  struct volatility {
    explicit volatility(std::size_t rows) : mean(rows) {}
    double add(double size) {
      usual.add(size);
      const double now = mean.add(size);
      const double low = 1e-3 * usual.value() + 1e-12;
      return history.add(std::abs(std::log((now + low) / (usual.value() + low))));
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(mean, usual, history);
    }

    recent_mean mean;
    running_scale usual;
    tail_probability history;
  };

  double outside(double path) noexcept {
    spread_.add(path);
    if (rows_++ == 0) {
      low_ = high_ = path;
    }
    const double beyond = std::max({0.0, path - high_, low_ - path});
    low_ = std::min(low_, path);
    high_ = std::max(high_, path);
    return spread_.spread() > 0 && rows_ > 100 ? std::min(4.0, 4 * beyond / spread_.spread()) : 0;
  }

  std::array<signal, 3> errors_{signal(5), signal(20), signal(40)};
  std::array<signal, 3> season_errors_{signal(1), signal(10), signal(40)};
  std::array<volatility, 2> volatility_{volatility(24), volatility(72)};
  running_mean spread_;
  double low_ = 0;
  double high_ = 0;
  std::uint64_t rows_ = 0;
};

/// What is strange about a row.
struct anomaly {
  double probability = 1; ///< of a row at least as strange if nothing is wrong
  bool alarm = false;
  std::size_t column = 0; ///< the strangest one
  double expected = 0;    ///< its forecast for this row
  double seen = 0;        ///< the last value it took
};

/// Scores rows by what a forecaster got wrong about them. Strictly online: a row is judged by the
/// rows before it. The columns' scores are turned into probabilities by the history of their own
/// scores (`tail_probability`), and so is the largest of them for the row as a whole.
///
/// A value; memory is bounded. Not safe from several threads.
class anomaly_detector {
 public:
  /// For forecasters of so many columns. Throws `errc::invalid_argument` for rates that are not
  /// above 0.
  explicit anomaly_detector(std::size_t columns, anomaly_options options = {})
      : columns_(columns), surprises_(columns), rule_(options) {}

  /// Goes with `forecaster::add_columns`.
  void add_columns(std::size_t count) {
    columns_.resize(columns_.size() + count);
    surprises_.resize(columns_.size());
  }

  /// To be called after every `forecaster::observe`, with the same forecaster.
  template <class Cluster>
  anomaly observe(const basic_forecaster<Cluster>& of) {
    double most = 0;
    anomaly found;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      surprises_[c] = judge(of, c);
      if (surprises_[c] > most) {
        most = surprises_[c];
        found.column = c;
      }
    }
    const double surprise = columns_.size() == 1 ? most : all_.add(most);
    found.probability = std::pow(10.0, -surprise);
    found.alarm = rule_.judge(surprise);
    const column_history& strangest = of.history(found.column);
    found.seen = strangest.last();
    found.expected = strangest.last() - strangest.scale() * error_of(of, found.column, 0);
    return found;
  }

  /// -log10 of the probability below which a row is an alarm now.
  double threshold() const noexcept { return rule_.threshold(); }

  /// Probability of the newest value of column `index` alone.
  double probability(std::size_t index) const noexcept {
    return std::pow(10.0, -surprises_[index]);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (column& c : columns_) {
      archive(c.anomaly_score, c.scores, c.before);
    }
    const std::size_t n = surprises_.size();
    archive(surprises_, all_, rule_);
    archive.require(surprises_.size() == n, "anomalies of another number of columns");
  }

 private:
  struct column {
    column_anomaly_score anomaly_score;
    tail_probability scores{4000};
    double before = 0; ///< the path at the last row
  };

  template <class Cluster>
  static double error_of(const basic_forecaster<Cluster>& of, std::size_t c,
                         std::size_t h) noexcept {
    const double wrong = of.track(c, h).error();
    return std::isnan(wrong) ? 0 : wrong;
  }

  template <class Cluster>
  double judge(const basic_forecaster<Cluster>& of, std::size_t c) {
    const column_history& history = of.history(c);
    if (!history.known()) {
      return of.validities()[c] == validity::rejected ? 12 : 0;
    }
    column& here = columns_[c];
    const double season = of.horizons() > 1 ? of.track(c, of.horizons() - 1).error()
                                            : std::numeric_limits<double>::quiet_NaN();
    const double score = here.anomaly_score.add(of.track(c, 0).error(), season, history.path(),
                                                history.path() - here.before);
    here.before = history.path();
    return here.scores.add(score);
  }

  std::vector<column> columns_;
  std::vector<double> surprises_;
  tail_probability all_{4000};
  alarm_rule rule_;
};

} // namespace hanami
