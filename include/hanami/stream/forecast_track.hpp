// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "../template/builder.hpp"
#include "column_history.hpp"
#include "expert_aggregation.hpp"
#include "open_forecasts.hpp"
#include "recursive_least_squares.hpp"

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
  network_beside ///< a cluster that learns what `linear` gets wrong
};

inline constexpr std::size_t expert_count = 8;
inline constexpr std::size_t linear_expert_count = 6; ///< those without a cluster, in front

/// Options of a forecaster.
struct forecast_options {
  std::vector<std::uint32_t> horizons = {1}; ///< rows ahead, each in 1..10000, ascending
  history_options history;
  /// `learning_options::step_size` for one row ahead. It is divided by horizon^0.8: targets that
  /// overlap repeat their errors.
  double step_size = 0.3;
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
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(horizons, history.lags, history.season, history.seasons, step_size, networks, neurons,
            seed, zone, step);
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

/// What forecasts are made in, one after the other: nothing in it outlives a call.
struct forecast_scratch {
  std::vector<double> inputs;
  std::vector<double> linear;
  std::vector<float> network;
  workspace<float> inference;
};

/// One column, one horizon: predicts the change of the path with several experts, aggregates them,
/// and learns as soon as the truth is known. Everything is in units of the path. Its memory grows
/// with what it learns: `linear` and `linear_recent` begin with the 5th truth, the clusters with
/// the 32nd.
template <class Cluster>
class basic_forecast_track {
 public:
  basic_forecast_track(const forecast_options& options, std::uint32_t horizon, std::uint64_t seed)
      : inputs_(options.history, horizon), seed_(seed), linear_(inputs_.linear(), 1),
        linear_recent_(inputs_.linear(), 0.998), linear_short_(inputs_.basic(), 1),
        stack_(expert_count - 2),
        aggregation_(options.networks ? expert_count : linear_expert_count, 0.998),
        open_(horizon, inputs_.size()) {}

  /// Learns from the newest row of `of`, then predicts from there. `clock` shows that row's time.
  void advance(const column_history& of, const local_clock& clock, const forecast_options& options,
               forecast_scratch& in) {
    error_ = std::numeric_limits<double>::quiet_NaN();
    ++rows_;
    while (!open_.empty() && open_.front().row + inputs_.horizon() <= rows_) {
      if (of.known() && open_.front().row + inputs_.horizon() == rows_) {
        settle(open_.front(), of, options, in);
      }
      open_.pop();
    }
    if (std::abs(of.jump()) > 15 * scale_.value()) { // what was usual may be over
      aggregation_.restart(place(expert::persistence));
    }
    ask(of, clock, in);
  }

  /// Change of the path over the horizon from the newest row on.
  double predicted() const noexcept { return newest_.mixed; }
  double predicted(expert who) const noexcept {
    const std::size_t i = place(who);
    return i < aggregation_.size() ? static_cast<double>(newest_.experts[i]) : 0;
  }
  std::span<const double> weights() const noexcept { return aggregation_.weights(); }
  /// A tenth of the errors (truth minus prediction) so far lay below `low`, a tenth above `high`.
  double low() const noexcept { return low_.value(); }
  double high() const noexcept { return high_.value(); }
  /// Error of the prediction whose truth came with the newest row; NaN where there is none.
  double error() const noexcept { return error_; }

  /// Gives back what takes much memory, for a column that is not heard of any more. Its intervals
  /// stay; should it come back, it is learned anew.
  void sleep() {
    linear_ = recursive_least_squares(inputs_.linear(), 1);
    linear_recent_ = recursive_least_squares(inputs_.linear(), 0.998);
    linear_short_ = recursive_least_squares(inputs_.basic(), 1);
    networks_ = std::vector<Cluster>();
    open_.clear();
    newest_ = {};
    learned_ = 0;
  }

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + linear_.bytes() + linear_recent_.bytes() +
                      linear_short_.bytes() + stack_.bytes() + open_.bytes();
    for (const Cluster& c : networks_) {
      sum += c.bytes();
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive, const forecast_options& options) {
    archive(linear_, linear_recent_, linear_short_, stack_, aggregation_, scale_, low_, high_,
            newest_, open_, error_, rows_, learned_);
    if constexpr (Archive::reading) {
      networks_.clear();
      add_networks(options);
    }
    for (Cluster& c : networks_) {
      archive(c);
    }
  }

 private:
  using forecast_type = made_forecast<expert_count>;
  static constexpr std::uint64_t before_networks = 32; ///< truths
  static constexpr std::uint64_t before_matrices = 4;  ///< truths

  static cluster_template template_for(const forecast_options& options, std::size_t inputs) {
    cluster_settings settings;
    settings.brick_size = options.neurons;
    settings.max_bricks = 1;
    settings.max_steps = 8;
    return template_builder()
        .settings(settings)
        .hexagons({{1, 1, 1}, {3, 1, 1}})
        .input("history", {1, 1, 1}, static_cast<std::uint32_t>(inputs))
        .output("change", {3, 1, 1}, 1, output_kind::linear, {loss_kind::huber})
        .build();
  }

  /// As soon as there is something to be learned by them.
  void add_networks(const forecast_options& options) {
    if (!options.networks || !networks_.empty() || learned_ < before_networks) {
      return;
    }
    const cluster_template shape = template_for(options, inputs_.size());
    learning_options learning;
    learning.seed = seed_;
    learning.step_size = options.step_size / std::pow(inputs_.horizon(), 0.8);
    learning.tolerance_values = 0;
    networks_.reserve(2);
    networks_.emplace_back(shape, learning);
    learning.seed = mix_bits(seed_);
    networks_.emplace_back(shape, learning);
  }

  void settle(const forecast_type& made, const column_history& of, const forecast_options& options,
              forecast_scratch& in) {
    const double truth = of.path() - made.path;
    error_ = truth - made.mixed;
    low_.add(error_);
    high_.add(error_);
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
    add_networks(options);
    if (!networks_.empty()) {
      in.network.assign(inputs.begin(), inputs.end());
      teach(networks_[0], in, truth);
      teach(networks_[1], in, truth - static_cast<double>(made.experts[place(expert::linear)]));
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

  static void teach(Cluster& network, const forecast_scratch& in, double truth) {
    const auto target = static_cast<float>(truth);
    network.train(in.network, {&target, 1});
  }

  void ask(const column_history& of, const local_clock& clock, forecast_scratch& in) {
    inputs_.make(of, clock, in.inputs);
    fill_linear(in.inputs, in);
    std::array<double, expert_count> by{};
    by[place(expert::seasonal)] = inputs_.seasonal_change(of, clock);
    by[place(expert::linear)] = within_reach(linear_.predict(in.linear));
    by[place(expert::linear_recent)] = within_reach(linear_recent_.predict(in.linear));
    by[place(expert::linear_short)] = within_reach(linear_short_.predict(basic_inputs(in)));
    if (!networks_.empty()) {
      in.network.assign(in.inputs.begin(), in.inputs.end());
      by[place(expert::network)] = within_reach(inferred(0, in));
      by[place(expert::network_beside)] = within_reach(by[place(expert::linear)] + inferred(1, in));
    }
    by[place(expert::stacked)] = within_reach(stack_.predict(stacked_of(by)));
    newest_.row = rows_;
    newest_.path = of.path();
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

  double inferred(std::size_t network, forecast_scratch& in) const {
    return static_cast<double>(networks_[network].infer(in.network, in.inference)[0]);
  }

  template <class Inputs>
  void fill_linear(const Inputs& inputs, forecast_scratch& in) const {
    in.linear.resize(inputs_.linear());
    for (std::size_t i = 0; i < in.linear.size(); ++i) {
      const auto input = static_cast<double>(inputs[i]);
      in.linear[i] = std::isnan(input) ? 0 : std::clamp(input, -30.0, 30.0);
    }
  }

  std::span<const double> basic_inputs(const forecast_scratch& in) const noexcept {
    return std::span(in.linear).first(inputs_.basic());
  }

  history_inputs inputs_;
  std::uint64_t seed_;
  recursive_least_squares linear_;
  recursive_least_squares linear_recent_;
  recursive_least_squares linear_short_;
  recursive_least_squares stack_;
  std::vector<Cluster> networks_; ///< none, or two
  expert_aggregation aggregation_;
  running_scale scale_; ///< of the changes over the horizon
  running_quantile low_{0.1};
  running_quantile high_{0.9};
  forecast_type newest_;
  open_forecasts<expert_count> open_;
  double error_ = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t rows_ = 0;
  std::uint64_t learned_ = 0; ///< truths
};

} // namespace hanami
