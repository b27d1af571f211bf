// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "../../cluster.hpp"
#include "../../template/builder.hpp"
#include "../calendar.hpp"
#include "../column_history.hpp"
#include "../recursive_least_squares.hpp"
#include "expert_aggregation.hpp"
#include "forecast_interval.hpp"
#include "forecast_options.hpp"
#include "open_forecasts.hpp"
#include "related_columns.hpp"

namespace hanami::inline HANAMI_ISA {

/// Whose predictions a forecast is made of.
enum class expert : std::uint8_t {
  persistence,   ///< nothing changes
  seasonal,      ///< like one period ago
  linear,        ///< recursive least squares that forget nothing
  linear_recent, ///< the same with forgetting 0.998
  linear_short,  ///< the same as `linear` on the last changes and the level alone
  stacked,       ///< least squares over the other experts' predictions
  network,       ///< a cluster
  network_beside ///< its other output, which learns what `linear` gets wrong
};

inline constexpr std::size_t expert_count = 8;
inline constexpr std::size_t linear_expert_count = 6; ///< those without the cluster, in front

/// What forecasts are made in, one after the other: nothing in it outlives a call.
struct forecast_scratch {
  std::vector<double> related; ///< inputs made of other columns
  std::vector<double> inputs;
  std::vector<double> linear;
  std::vector<float> network;
  workspace<float> inference;
};

/// One column, one horizon: predicts the change of the path with several experts, aggregates them,
/// and learns as soon as the truth is known. Everything is in units of the path. Its memory grows
/// with what it learns: `linear` and `linear_recent` begin with the 5th truth, the cluster with the
/// 32nd.
template <class Cluster>
class basic_forecast_track {
 public:
  basic_forecast_track(const forecast_options& options, std::uint32_t horizon, std::uint64_t seed)
      : inputs_(options.history, horizon),
        most_related_(options.sees_others(horizon)
                          ? related_columns::most * related_columns::inputs_each
                          : 0),
        seed_(seed), linear_(inputs_.linear() + most_related_, 1),
        linear_recent_(inputs_.linear() + most_related_, 0.998), linear_short_(inputs_.basic(), 1),
        stack_(expert_count - 2),
        aggregation_(options.networks ? expert_count : linear_expert_count, 0.998, options.point),
        interval_(horizon), open_(horizon, inputs_.size() + most_related_) {}

  /// Learns from the newest row of `of`, then predicts from there. `clock` shows that row's time;
  /// `in.related` what the related columns show, place by place.
  void advance(const column_history& of, const local_clock& clock, const forecast_options& options,
               forecast_scratch& in) {
    error_ = own_error_ = std::numeric_limits<double>::quiet_NaN();
    ++rows_;
    while (!open_.empty() && open_.front().row + inputs_.horizon() <= rows_) {
      if (of.known() && open_.front().row + inputs_.horizon() == rows_) {
        settle(open_.front(), of, clock, options, in);
      }
      open_.pop();
    }
    if (std::abs(of.jump()) > 15 * scale_.value()) { // what was usual may be over
      aggregation_.restart(place(expert::persistence));
    }
    ask(of, clock, options, in);
  }

  /// Change of the path over the horizon from the newest row on.
  double predicted() const noexcept { return newest_.mixed; }
  double predicted(expert who) const noexcept {
    const std::size_t i = place(who);
    return i < aggregation_.size() ? static_cast<double>(newest_.experts[i]) : 0;
  }
  std::span<const double> weights() const noexcept { return aggregation_.weights(); }
  /// One truth in ten lies farther below the prediction than `low`, which is not above 0, and one
  /// farther above than `high`.
  double low() const noexcept { return static_cast<double>(newest_.interval.low); }
  double high() const noexcept { return static_cast<double>(newest_.interval.high); }
  /// Error of the prediction whose truth came with the newest row; NaN where there is none.
  double error() const noexcept { return error_; }
  /// The same of the expert that knows least: what other columns may help with.
  double own_error() const noexcept { return own_error_; }

  /// The place of a related column has been given to another one.
  void replace_related(std::size_t place) noexcept {
    const std::size_t first = inputs_.linear() + place * related_columns::inputs_each;
    linear_.replace(first, related_columns::inputs_each);
    linear_recent_.replace(first, related_columns::inputs_each);
  }

  /// Gives back what takes much memory, for a column that is not heard of any more. Its intervals
  /// stay; should it come back, it is learned anew.
  void sleep() {
    linear_ = recursive_least_squares(inputs_.linear() + most_related_, 1);
    linear_recent_ = recursive_least_squares(inputs_.linear() + most_related_, 0.998);
    linear_short_ = recursive_least_squares(inputs_.basic(), 1);
    network_.reset();
    open_.clear();
    newest_ = {};
    learned_ = 0;
  }

  std::size_t bytes() const noexcept {
    return sizeof(*this) + linear_.bytes() + linear_recent_.bytes() + linear_short_.bytes() +
           stack_.bytes() + interval_.bytes() + open_.bytes() + (network_ ? network_->bytes() : 0);
  }

  template <class Archive>
  void serialize(Archive& archive, const forecast_options& options) {
    archive(linear_, linear_recent_, linear_short_, stack_, aggregation_, scale_, interval_,
            newest_, open_, error_, own_error_, rows_, learned_, related_);
    archive.require(related_ <= most_related_, "more related columns than there may be");
    if constexpr (Archive::reading) {
      network_.reset();
      add_network(options);
    }
    if (network_) {
      archive(*network_);
    }
  }

 private:
  using forecast_type = made_forecast<expert_count>;
  static constexpr std::uint64_t before_network = 32; ///< truths
  static constexpr std::uint64_t before_matrices = 4; ///< truths

  static cluster_template template_for(const forecast_options& options, std::size_t inputs) {
    cluster_settings settings;
    settings.brick_size = options.neurons;
    settings.max_bricks = 1;
    settings.max_steps = 4;
    return template_builder()
        .settings(settings)
        .hexagons({{1, 1, 1}, {3, 1, 1}})
        .input("history", {1, 1, 1}, static_cast<std::uint32_t>(inputs))
        .output("change", {3, 1, 1}, 2, output_kind::linear, {loss_kind::huber})
        .build();
  }

  /// As soon as there is something to be learned by it.
  void add_network(const forecast_options& options) {
    if (!options.networks || network_ || learned_ < before_network) {
      return;
    }
    learning_options learning;
    learning.seed = seed_;
    learning.step_size = options.step_size / std::pow(inputs_.horizon(), 0.8);
    learning.tolerance_values = 0;
    network_.emplace(template_for(options, inputs_.size() + most_related_), learning);
  }

  void settle(const forecast_type& made, const column_history& of, const local_clock& clock,
              const forecast_options& options, forecast_scratch& in) {
    const double truth = of.path() - made.path;
    error_ = truth - made.mixed;
    own_error_ = truth - static_cast<double>(made.experts[place(expert::linear_short)]);
    interval_.learn(phase_of(clock, options, 0), error_, made.interval);
    scale_.add(truth);
    if (made.turned) { // a day like no other
      return;
    }
    learn_aggregation(made, truth);
    const std::span<const float> inputs = open_.front_inputs();
    fill_linear(inputs, in);
    if (learned_ >= before_matrices) {
      linear_.learn(in.linear, truth);
      linear_recent_.learn(in.linear, truth);
    }
    linear_short_.learn(basic_inputs(in), truth);
    stack_.learn(stacked_of(made.experts), truth);
    ++learned_;
    add_network(options);
    if (network_) {
      const auto beside = static_cast<double>(made.experts[place(expert::linear)]);
      const std::array<float, 2> targets{static_cast<float>(truth),
                                         static_cast<float>(truth - beside)};
      in.network.assign(inputs.begin(), inputs.end());
      network_->train(in.network, targets);
    }
  }

  void learn_aggregation(const forecast_type& made, double truth) {
    const double unit = scale_.value() > 0 ? 1 / scale_.value() : 1;
    std::array<double, expert_count> scaled{};
    for (std::size_t i = 0; i < aggregation_.size(); ++i) {
      scaled[i] = static_cast<double>(made.experts[i]) * unit;
    }
    aggregation_.learn({scaled.data(), aggregation_.size()}, made.mixed * unit, truth * unit);
  }

  void ask(const column_history& of, const local_clock& clock, const forecast_options& options,
           forecast_scratch& in) {
    inputs_.make(of, clock, in.inputs);
    related_ = std::min(in.related.size(), most_related_);
    in.inputs.insert(in.inputs.end(), in.related.begin(),
                     in.related.begin() + static_cast<std::ptrdiff_t>(related_));
    in.inputs.resize(inputs_.size() + most_related_, std::numeric_limits<double>::quiet_NaN());
    fill_linear(in.inputs, in);
    std::array<double, expert_count> by{};
    by[place(expert::seasonal)] = inputs_.seasonal_change(of, clock);
    by[place(expert::linear)] = within_reach(linear_.predict(in.linear));
    by[place(expert::linear_recent)] = within_reach(linear_recent_.predict(in.linear));
    by[place(expert::linear_short)] = within_reach(linear_short_.predict(basic_inputs(in)));
    if (network_) {
      in.network.assign(in.inputs.begin(), in.inputs.end());
      const auto said = network_->infer(in.network, in.inference);
      by[place(expert::network)] = within_reach(static_cast<double>(said[0]));
      by[place(expert::network_beside)] =
          within_reach(by[place(expert::linear)] + static_cast<double>(said[1]));
    }
    by[place(expert::stacked)] = within_reach(stack_.predict(stacked_of(by)));
    newest_.row = rows_;
    newest_.path = of.path();
    newest_.interval = interval_.ask(phase_of(clock, options, inputs_.horizon()));
    newest_.turned = clock.moved(0, inputs_.horizon()) != 0;
    newest_.mixed = newest_.turned ? by[place(expert::seasonal)]
                                   : aggregation_.predict(std::span(by).first(aggregation_.size()));
    std::transform(by.begin(), by.end(), newest_.experts.begin(),
                   [](double said) { return static_cast<float>(said); });
    if (of.known()) {
      open_.push(newest_, in.inputs);
    }
  }

  static constexpr std::size_t place(expert who) noexcept { return static_cast<std::size_t>(who); }

  /// What the stacked expert is given: all but persistence, which is 0, and itself.
  template <class Number>
  static std::array<double, expert_count - 2>
  stacked_of(const std::array<Number, expert_count>& by) noexcept {
    const auto said = [&](expert who) { return static_cast<double>(by[place(who)]); };
    return {said(expert::seasonal),     said(expert::linear),  said(expert::linear_recent),
            said(expert::linear_short), said(expert::network), said(expert::network_beside)};
  }

  /// No expert may predict more than 20 usual changes: one that diverges does little harm.
  double within_reach(double change) const noexcept {
    const double most = 20 * scale_.value();
    return std::isfinite(change) ? std::clamp(change, -most, most) : 0;
  }

  /// Inputs without the raw hour and weekday, those of related columns behind the column's own.
  template <class Inputs>
  void fill_linear(const Inputs& inputs, forecast_scratch& in) const {
    const std::size_t own = inputs_.linear();
    const std::size_t left_out = inputs_.size() - own;
    in.linear.resize(own + related_);
    for (std::size_t i = 0; i < in.linear.size(); ++i) {
      const auto input = static_cast<double>(inputs[i < own ? i : i + left_out]);
      in.linear[i] = std::isnan(input) ? 0 : std::clamp(input, -30.0, 30.0);
    }
  }

  /// The hour of the row `ahead` rows from now, or in its place the part of the season.
  std::size_t phase_of(const local_clock& clock, const forecast_options& options,
                       std::uint32_t ahead) const noexcept {
    constexpr std::size_t phases = forecast_interval::phases;
    if (options.step > 0 && std::isfinite(clock.now())) {
      const double hour = calendar_of(clock.now() + ahead * options.step).hour;
      return std::min(static_cast<std::size_t>(hour), phases - 1);
    }
    const std::uint32_t season = options.history.season;
    return season > 1 ? (rows_ + ahead) % season * phases / season : 0;
  }

  std::span<const double> basic_inputs(const forecast_scratch& in) const noexcept {
    return std::span(in.linear).first(inputs_.basic());
  }

  history_inputs inputs_;
  std::size_t most_related_; ///< inputs made of related columns, at most
  std::uint64_t seed_;
  recursive_least_squares linear_;
  recursive_least_squares linear_recent_;
  recursive_least_squares linear_short_;
  recursive_least_squares stack_;
  std::optional<Cluster> network_;
  expert_aggregation aggregation_;
  running_scale scale_; ///< of the changes over the horizon
  forecast_interval interval_;
  forecast_type newest_;
  open_forecasts<expert_count> open_;
  double error_ = std::numeric_limits<double>::quiet_NaN();
  double own_error_ = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t rows_ = 0;
  std::uint64_t learned_ = 0; ///< truths
  std::size_t related_ = 0;   ///< inputs made of related columns
};

} // namespace hanami
