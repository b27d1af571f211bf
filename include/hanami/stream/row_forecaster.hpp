// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "../template/builder.hpp"
#include "anomaly.hpp"
#include "forecast/last_changes.hpp"

namespace hanami::inline HANAMI_ISA {

/// The fast and small forecaster of the next row: one cluster for all columns, which sees the
/// newest row and nothing before it, and for each column a short linear prediction that knows what
/// the cluster says (`last_changes`). About 3 us a row of eight columns, where `forecaster` takes
/// some 4 us for each value and horizon. Values are judged by the same guards.
/// Columns that are added after the first rows share a cluster of their own: those that were there
/// forget nothing.
///
/// A value; memory is bounded. Not safe from several threads.
template <class Cluster>
class basic_row_forecaster {
 public:
  /// Throws `errc::invalid_argument` for no columns or more than 10,000, or for rates not above 0.
  explicit basic_row_forecaster(std::size_t columns, anomaly_options alarms = {},
                                std::uint64_t seed = 1,
                                point_forecast point = point_forecast::median)
      : rule_(alarms), changes_(point), seed_(seed) {
    if (columns < 1) {
      refuse();
    }
    add_columns(columns);
  }

  /// Adds columns behind those that are there. Throws `errc::invalid_argument` for more than 10,000
  /// in all, and has then changed nothing.
  void add_columns(std::size_t count) {
    if (count > most_columns - columns()) {
      refuse();
    }
    if (count == 0) {
      return;
    }
    if (rows_ < joining_rows) { // little is lost: all columns in one cluster
      blocks_.clear();
      blocks_.push_back(make_block(0, columns() + count));
    } else {
      blocks_.push_back(make_block(columns(), count));
    }
    columns_.resize(columns() + count);
    changes_.add_columns(count);
    for (std::vector<double>* row : {&value_, &unit_, &expected_, &change_, &moved_, &truth_}) {
      row->resize(columns());
    }
    input_.resize(columns(), nothing);
    target_.resize(columns(), nothing);
    prediction_.resize(columns());
  }

  /// Takes the next row: judges it by what was predicted for it, learns from it, predicts the next.
  /// Throws `errc::invalid_argument` for another number of values, and has then changed nothing.
  anomaly observe(std::span<const double> values) {
    if (values.size() != columns_.size()) {
      raise(errc::invalid_argument, "a row of " + std::to_string(values.size()) +
                                        " values; the forecaster takes " +
                                        std::to_string(columns_.size()));
    }
    const anomaly found = judge(values);
    for (block& b : blocks_) {
      advance(b);
    }
    for (std::size_t c = 0; c < columns(); ++c) {
      unit_[c] = columns_[c].guard.change_scale();
      expected_[c] = reachable(c);
    }
    changes_.predict(value_, unit_, expected_, change_);
    ++rows_;
    return found;
  }

  /// The next value of a column; NaN for one that has not begun.
  forecast predict(std::size_t index) const noexcept {
    const column& c = columns_[index];
    if (!c.guard.started()) {
      constexpr double none = std::numeric_limits<double>::quiet_NaN();
      return {none, none, none};
    }
    const double change = change_[index];
    const auto [below, above] = std::minmax({c.guard.last(), c.guard.standing()});
    return {c.guard.standing() + change, below + change + std::min(c.quantiles.low(), 0.0),
            above + change + std::max(c.quantiles.high(), 0.0)};
  }

  std::size_t columns() const noexcept { return columns_.size(); }
  /// Usual size of a change of a column from row to row, in its units; 0 if not known yet.
  double scale(std::size_t index) const noexcept { return columns_[index].guard.change_scale(); }
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + blocks_.size() * sizeof(block) + columns() * sizeof(column);
    for (const block& b : blocks_) {
      sum += b.network.bytes() + b.inference.bytes();
    }
    for (const column& c : columns_) {
      sum += c.guard.bytes();
    }
    return sum + changes_.bytes() + surprises_.bytes();
  }

  /// Rows, or alarms, are to come at another rate from now on. Throws as the constructor.
  void follow(const anomaly_options& alarms) { rule_.follow(alarms); }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t n = columns_.size();
    serialize_blocks(archive);
    archive(rule_, surprises_, input_, prediction_, rows_, changes_, unit_, change_);
    for (column& c : columns_) {
      archive(c.guard, c.errors, c.quantiles, c.known);
    }
    archive.require(input_.size() == n && prediction_.size() == n && unit_.size() == n &&
                        change_.size() == n,
                    "rows of another length");
  }

 private:
  static constexpr float nothing = std::numeric_limits<float>::quiet_NaN();
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::size_t most_columns = 10000;
  static constexpr std::uint64_t joining_rows = 100;

  /// Neighbouring columns that share a cluster.
  struct block {
    std::size_t first = 0;
    std::size_t size = 0;
    std::uint64_t rows = 0; ///< taken so far
    Cluster network;
    workspace<float> inference = {};
  };

  struct column {
    column_guard guard;
    /// Where hardly any row has an error, a few must still make it more than nothing.
    running_scale errors{1000, 100};
    running_quantiles quantiles{0.1, 0.9};
    bool known = false;  ///< whether the newest row has a value
    bool learns = false; ///< whether there is something to be learned from it
  };

  [[noreturn]] static void refuse() {
    raise(errc::invalid_argument, "a row forecaster needs 1 to 10000 columns");
  }

  block make_block(std::size_t first, std::size_t size) const {
    cluster_settings settings;
    settings.brick_size = 32;
    settings.max_bricks = 1;
    settings.max_steps = 8;
    const auto values = static_cast<std::uint32_t>(size);
    return {
        first, size, 0,
        Cluster(template_builder()
                    .settings(settings)
                    .hexagons({{1, 1, 1}, {3, 1, 1}})
                    .input("row", {1, 1, 1}, values)
                    .output("change", {3, 1, 1}, values, output_kind::linear, {loss_kind::huber})
                    .build(),
                learning(seed_))};
  }

  static learning_options learning(std::uint64_t seed) {
    learning_options options;
    options.seed = seed;
    options.tolerance_values = 0.05;
    return options;
  }

  /// Learns what the block's columns have done, then predicts what they will do.
  void advance(block& b) {
    const std::span<float> input(input_.data() + b.first, b.size);
    if (b.rows > 0) {
      b.network.train(input, {target_.data() + b.first, b.size});
    }
    for (std::size_t c = b.first; c < b.first + b.size; ++c) {
      const bool given = columns_[c].known && columns_[c].guard.settled();
      input_[c] = given ? static_cast<float>(columns_[c].guard.last()) : nothing;
    }
    const auto predicted = b.network.infer(input, b.inference);
    std::copy(predicted.begin(), predicted.end(), prediction_.data() + b.first);
    ++b.rows;
  }

  /// The sizes of the blocks, then their clusters.
  template <class Archive>
  void serialize_blocks(Archive& archive) {
    std::vector<std::uint64_t> sizes;
    for (const block& b : blocks_) {
      sizes.push_back(b.size);
    }
    archive(sizes);
    if constexpr (Archive::reading) {
      blocks_.clear();
      std::size_t first = 0;
      for (const std::uint64_t size : sizes) {
        archive.require(size >= 1 && size <= columns() - first, "blocks of other columns");
        blocks_.push_back(make_block(first, static_cast<std::size_t>(size)));
        first += blocks_.back().size;
      }
      archive.require(first == columns(), "blocks of other columns");
    }
    for (block& b : blocks_) {
      archive(b.rows, b.network);
    }
  }

  /// The predicted change, held within what the column usually does.
  double reachable(std::size_t c) const noexcept {
    const double most = 20 * columns_[c].guard.change_scale();
    const auto change = static_cast<double>(prediction_[c]);
    return std::isfinite(change) ? std::clamp(change, -most, most) : 0;
  }

  anomaly judge(std::span<const double> values) {
    anomaly found;
    double most = 0; // times its usual error that a column is off
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const double expected = columns_[i].guard.last() + change_[i];
      const validity as = take(i, values[i]);
      const bool doubted = as == validity::rejected || as == validity::new_level;
      const double by =
          doubted ? score(columns_[i], values[i] - expected) : taken_score(i, expected);
      if (by > most) {
        most = by;
        found.column = i;
        found.expected = expected;
        found.seen = values[i];
      }
    }
    changes_.add(value_, moved_, truth_);
    found.score = std::min(surprises_.add(most), 30.0);
    found.alarm = rule_.judge(found.score);
    return found;
  }

  /// Takes a column's next value: its guard's word, and what there is to be learned.
  validity take(std::size_t index, double value) {
    column& c = columns_[index];
    const bool known_before = c.known;
    const double before = c.guard.last();
    const validity as = c.guard.judge(value);
    if (as == validity::restart) {
      restart(index);
    }
    c.known = as != validity::missing && as != validity::rejected;
    c.learns = as == validity::taken && known_before;
    const double change = c.guard.last() - before;
    value_[index] = c.guard.last();
    if (as == validity::new_level) {
      changes_.begin_level(index, c.guard.last());
    }
    const bool moved = as == validity::taken && unit_[index] > 0;
    moved_[index] = moved ? change / unit_[index] : unknown;
    truth_[index] = c.learns ? moved_[index] : unknown;
    target_[index] = c.learns && c.guard.settled() ? static_cast<float>(change) : nothing;
    return as;
  }

  /// How many times its usual error a column is off, which becomes one of them.
  static double score(column& c, double wrong) noexcept {
    const double usual = c.errors.value();
    c.errors.add(wrong);
    return usual > 0 ? std::abs(wrong) / usual : 0;
  }

  /// The same of a value that was taken.
  double taken_score(std::size_t index, double expected) {
    column& c = columns_[index];
    if (!c.learns) {
      return 0;
    }
    const double wrong = c.guard.last() - expected;
    c.quantiles.add(wrong);
    return score(c, wrong);
  }

  /// What is known of a column is of values that were wild. So is what a young cluster has learned;
  /// an old one has seen enough of other columns to be kept.
  void restart(std::size_t index) {
    column& c = columns_[index];
    changes_.begin_anew(index, c.guard.last());
    c.errors = running_scale(1000, 100);
    c.quantiles = running_quantiles(0.1, 0.9);
    for (block& b : blocks_) {
      if (index >= b.first && index < b.first + b.size && b.rows < joining_rows) {
        b = make_block(b.first, b.size);
      }
    }
  }

  std::vector<block> blocks_; ///< of ascending columns, without a gap
  alarm_rule rule_;
  tail_probability surprises_;
  std::vector<column> columns_;
  last_changes changes_;
  std::vector<double> value_;    ///< of each column, the last one taken, and so below:
  std::vector<double> unit_;     ///< of changes, when one was last predicted
  std::vector<double> expected_; ///< change by the cluster
  std::vector<double> change_;   ///< that is predicted
  std::vector<double> moved_;    ///< change in units, NaN: none was taken
  std::vector<double> truth_;    ///< the same where it is to be learned
  std::vector<float> input_;
  std::vector<float> target_;
  std::vector<float> prediction_; ///< changes
  std::uint64_t seed_;
  std::uint64_t rows_ = 0;
};

} // namespace hanami
