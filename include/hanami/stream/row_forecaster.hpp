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

namespace hanami {

/// The fast and small forecaster: one cluster for all columns, which sees the newest row and
/// nothing before it, and predicts the next row. A few microseconds a row of eight columns, where
/// `forecaster` takes as much for each column. Values are judged by the same guards.
///
/// A value; memory is bounded. Not safe from several threads.
class row_forecaster {
 public:
  /// Throws `errc::invalid_argument` for no columns or more than 10,000, or for rates not above 0.
  explicit row_forecaster(std::size_t columns, anomaly_options alarms = {}, std::uint64_t seed = 1)
      : network_(plan_of(columns), learning(seed)), rule_(alarms), columns_(columns),
        input_(columns), target_(columns), answer_(columns) {}

  /// Takes the next row: judges it by what was predicted for it, learns from it, predicts the next.
  /// Throws `errc::invalid_argument` for another number of values, and has then changed nothing.
  anomaly observe(std::span<const double> values) {
    if (values.size() != columns_.size()) {
      raise(errc::invalid_argument, "a row of " + std::to_string(values.size()) +
                                        " values; the forecaster takes " +
                                        std::to_string(columns_.size()));
    }
    const anomaly found = judge(values);
    if (rows_ > 0) {
      network_.train(input_, target_);
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      input_[c] = columns_[c].known ? static_cast<float>(columns_[c].guard.last()) : nothing;
    }
    const auto answer = network_.infer(input_, answering_);
    std::copy(answer.begin(), answer.end(), answer_.begin());
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
    const double value = c.guard.last() + reachable(index);
    return {value, value + std::min(c.low.value(), 0.0), value + std::max(c.high.value(), 0.0)};
  }

  std::size_t columns() const noexcept { return columns_.size(); }
  /// Usual size of a change of a column from row to row, in its units; 0 if not known yet.
  double scale(std::size_t index) const noexcept { return columns_[index].guard.change_scale(); }
  const cluster& network() const noexcept { return network_; }
  std::size_t bytes() const noexcept {
    return sizeof(*this) + network_.bytes() + columns_.size() * sizeof(column);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t n = columns_.size();
    archive(network_, rule_, surprises_, input_, answer_, rows_);
    for (column& c : columns_) {
      archive(c.guard, c.errors, c.low, c.high, c.known);
    }
    archive.require(input_.size() == n && answer_.size() == n, "rows of another length");
  }

 private:
  static constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

  struct column {
    column_guard guard;
    running_scale errors;
    running_quantile low{0.1};
    running_quantile high{0.9};
    bool known = false; ///< whether the newest row has a value
  };

  static cluster_template plan_of(std::size_t columns) {
    if (columns < 1 || columns > 10000) {
      raise(errc::invalid_argument, "a row forecaster needs 1 to 10000 columns");
    }
    cluster_settings settings;
    settings.brick_size = 32;
    settings.max_bricks = 1;
    settings.max_steps = 8;
    const auto size = static_cast<std::uint32_t>(columns);
    return template_builder()
        .settings(settings)
        .hexagons({{1, 1, 1}, {3, 1, 1}})
        .input("row", {1, 1, 1}, size)
        .output("change", {3, 1, 1}, size, output_kind::linear)
        .build();
  }

  static learning_options learning(std::uint64_t seed) {
    learning_options options;
    options.seed = seed;
    options.skip_values = 0.05;
    return options;
  }

  /// The predicted change, held within what the column usually does.
  double reachable(std::size_t c) const noexcept {
    const double most = 20 * columns_[c].guard.change_scale();
    const auto change = static_cast<double>(answer_[c]);
    return std::isfinite(change) ? std::clamp(change, -most, most) : 0;
  }

  anomaly judge(std::span<const double> values) {
    anomaly found;
    double most = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      column& c = columns_[i];
      const bool known_before = c.known;
      const double before = c.guard.last();
      const double expected = before + reachable(i);
      const reading as = c.guard.judge(values[i]);
      c.known = as == reading::taken || as == reading::new_level;
      const bool learns = as == reading::taken && known_before;
      target_[i] = learns ? static_cast<float>(c.guard.last() - before) : nothing;
      double strangeness = as == reading::rejected || as == reading::new_level ? 100 : 0;
      if (learns) {
        const double wrong = c.guard.last() - expected;
        strangeness = c.errors.value() > 0 ? std::abs(wrong) / c.errors.value() : 0;
        c.errors.add(wrong);
        c.low.add(wrong);
        c.high.add(wrong);
      }
      if (strangeness > most) {
        most = strangeness;
        found.column = i;
        found.expected = expected;
        found.seen = values[i];
      }
    }
    const double surprise = surprises_.add(most);
    found.probability = std::pow(10.0, -surprise);
    found.alarm = rule_.judge(surprise);
    return found;
  }

  cluster network_;
  alarm_rule rule_;
  tail_probability surprises_;
  std::vector<column> columns_;
  std::vector<float> input_;
  std::vector<float> target_;
  std::vector<float> answer_; ///< predicted changes
  activity<float> answering_;
  std::uint64_t rows_ = 0;
};

} // namespace hanami
