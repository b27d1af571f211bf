// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "alarm_rule.hpp"
#include "column_anomaly_score.hpp"
#include "forecaster.hpp"
#include "rejected_values.hpp"
#include "tail_probability.hpp"

namespace hanami::inline HANAMI_ISA {

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
/// A value; memory is bounded, and taken for columns that have begun. Not safe from several
/// threads.
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
    found.alarm = rule_.judge(most);
    found.probability = probability_of(columns_.size() == 1 ? most : all_.add(most));
    const column_history& strangest = of.history(found.column);
    found.seen = strangest.last();
    found.expected = strangest.last() - strangest.scale() * error_of(of, found.column);
    return found;
  }

  /// -log10 of the probability below which a row is an alarm now.
  double threshold() const noexcept { return rule_.threshold(); }

  /// Probability of the newest value of column `index` alone.
  double probability(std::size_t index) const noexcept { return probability_of(surprises_[index]); }

  /// Bytes held, about.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + surprises_.capacity() * sizeof(double) + all_.bytes();
    for (const std::vector<watch>& c : columns_) {
      sum += sizeof(std::vector<watch>);
      for (const watch& w : c) {
        sum += sizeof(w) + w.anomaly_score.bytes() + w.scores.bytes() + w.rejected.bytes();
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
    archive(surprises_, all_, rule_);
    archive.require(surprises_.size() == n, "anomalies of another number of columns");
  }

 private:
  struct watch {
    column_anomaly_score anomaly_score;
    tail_probability scores{4000};
    rejected_values rejected;
    std::uint64_t first_row = 0;
    double before = 0; ///< the path at the last row

    template <class Archive>
    void serialize(Archive& archive) {
      archive(anomaly_score, scores, rejected, first_row, before);
    }
  };

  static double probability_of(double surprise) noexcept {
    return std::pow(10.0, -std::min(surprise, 12.0));
  }

  template <class Cluster>
  static double error_of(const basic_forecaster<Cluster>& of, std::size_t c) noexcept {
    const double wrong = of.history(c).started() ? of.track(c, 0).error() : 0;
    return std::isnan(wrong) ? 0 : wrong;
  }

  template <class Cluster>
  double judge(const basic_forecaster<Cluster>& of, std::size_t c) {
    const column_history& history = of.history(c);
    std::vector<watch>& here = columns_[c];
    if (of.validities()[c] == validity::rejected && !here.empty()) {
      return here[0].rejected.add(history.rejected_by(), of.rows() - here[0].first_row);
    }
    if (history.falls_asleep()) {
      here = std::vector<watch>();
    }
    if (!history.known()) {
      return 0;
    }
    if (here.empty() || of.validities()[c] == validity::restart) {
      here.assign(1, watch());
      here[0].first_row = of.rows();
    }
    const double season = of.horizons() > 1 ? of.track(c, of.horizons() - 1).error()
                                            : std::numeric_limits<double>::quiet_NaN();
    const double score = here[0].anomaly_score.add(of.track(c, 0).error(), season, history.path(),
                                                   history.path() - here[0].before);
    here[0].before = history.path();
    return here[0].scores.add(score);
  }

  std::vector<std::vector<watch>> columns_; ///< each none before its first value, then one
  std::vector<double> surprises_;
  tail_probability all_{4000};
  alarm_rule rule_;
};

} // namespace hanami
