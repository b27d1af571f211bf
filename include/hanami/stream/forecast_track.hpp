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

/// One column, one horizon: predicts the change of the path with several experts, aggregates them,
/// and learns as soon as the truth is known. Everything is in units of the path.
template <class Cluster>
class basic_forecast_track {
 public:
  basic_forecast_track(const forecast_options& options, std::uint32_t horizon, std::uint64_t seed)
      : inputs_(options.history, horizon), linear_(inputs_.linear(), 1),
        linear_recent_(inputs_.linear(), 0.998), linear_short_(inputs_.basic(), 1),
        stack_(expert_count - 2),
        aggregation_(options.networks ? expert_count : linear_expert_count, 0.998),
        asked_(horizon + std::size_t{1}) {
    if (options.networks) {
      const cluster_template shape = template_for(options, inputs_.size());
      learning_options learning;
      learning.seed = seed;
      learning.step_size = options.step_size / std::pow(horizon, 0.8);
      learning.tolerance_values = 0;
      networks_.emplace_back(shape, learning);
      learning.seed = mix_bits(seed);
      networks_.emplace_back(shape, learning);
    }
  }

  /// Learns from the newest row of `of`, then predicts from there. `clock` shows that row's time.
  void advance(const column_history& of, const local_clock& clock) {
    if (asked_.full()) {
      settle(asked_[asked_.capacity() - 2], of);
    }
    if (std::abs(of.jump()) > 15 * scale_.value()) { // what was usual may be over
      aggregation_.restart(place(expert::persistence));
    }
    ask(of, clock);
  }

  /// Change of the path over the horizon from the newest row on.
  double predicted() const noexcept { return asked_.size() > 0 ? asked_[0].mixed : 0; }
  double predicted(expert who) const noexcept {
    const std::size_t i = place(who);
    return asked_.size() > 0 && i < aggregation_.size() ? asked_[0].experts[i] : 0;
  }
  std::span<const double> weights() const noexcept { return aggregation_.weights(); }
  /// A tenth of the errors (truth minus prediction) so far lay below `low`, a tenth above `high`.
  double low() const noexcept { return low_.value(); }
  double high() const noexcept { return high_.value(); }
  /// Error of the prediction whose truth came with the newest row; NaN where there is none.
  double error() const noexcept { return error_; }

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + 2 * inputs_.linear() * inputs_.linear() * sizeof(double) +
                      asked_.capacity() * (sizeof(question) + inputs_.size() * sizeof(double));
    for (const Cluster& c : networks_) {
      sum += c.bytes();
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t networks = networks_.size();
    archive(linear_, linear_recent_, linear_short_, stack_, aggregation_, scale_, low_, high_,
            asked_, error_);
    for (std::size_t i = 0; i < networks; ++i) {
      archive(networks_[i]);
    }
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      archive.require(asked_[i].inputs.size() == inputs_.size(), "inputs of another forecast");
    }
  }

 private:
  /// A prediction whose truth is not known yet.
  struct question {
    bool known = false;  ///< whether its row had a value
    bool turned = false; ///< clocks are turned between its row and the truth's
    double path = 0;
    double mixed = 0;
    std::array<double, expert_count> experts{};
    std::vector<double> inputs;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(known, turned, path, mixed, inputs);
      for (double& e : experts) {
        archive(e);
      }
    }
  };

  static cluster_template template_for(const forecast_options& options, std::size_t inputs) {
    cluster_settings settings;
    settings.brick_size = options.neurons;
    settings.max_bricks = 1;
    settings.max_steps = 8;
    return template_builder()
        .settings(settings)
        .hexagons({{1, 1, 1}, {3, 1, 1}})
        .input("history", {1, 1, 1}, static_cast<std::uint32_t>(inputs))
        .output("change", {3, 1, 1}, 1, output_kind::linear)
        .build();
  }

  std::span<const double> experts_of(const question& q) const noexcept {
    return {q.experts.data(), aggregation_.size()};
  }

  void settle(const question& q, const column_history& of) {
    error_ = std::numeric_limits<double>::quiet_NaN();
    if (!of.known() || !q.known) {
      return;
    }
    const double truth = of.path() - q.path;
    error_ = truth - q.mixed;
    low_.add(error_);
    high_.add(error_);
    scale_.add(truth);
    if (q.turned) { // a day like no other
      return;
    }
    learn_aggregation(q, truth);
    fill_linear(q.inputs);
    linear_.learn(linear_inputs_, truth);
    linear_recent_.learn(linear_inputs_, truth);
    linear_short_.learn(basic_inputs(), truth);
    stack_.learn(stacked_of(q.experts), truth);
    if (!networks_.empty()) {
      fill_network(q.inputs);
      teach(networks_[0], truth);
      teach(networks_[1], truth - q.experts[place(expert::linear)]);
    }
  }

  void learn_aggregation(const question& q, double truth) {
    const double unit = scale_.value() > 0 ? 1 / scale_.value() : 1;
    std::array<double, expert_count> scaled{};
    for (std::size_t i = 0; i < aggregation_.size(); ++i) {
      scaled[i] = q.experts[i] * unit;
    }
    aggregation_.learn({scaled.data(), aggregation_.size()}, q.mixed * unit, truth * unit);
  }

  void teach(Cluster& network, double truth) {
    const auto target = static_cast<float>(truth);
    network.train(network_inputs_, {&target, 1});
  }

  void ask(const column_history& of, const local_clock& clock) {
    question& q = asked_.next();
    q.known = of.known();
    q.path = of.path();
    inputs_.make(of, clock, q.inputs);
    fill_linear(q.inputs);
    auto& by = q.experts;
    by[place(expert::persistence)] = 0;
    by[place(expert::seasonal)] = inputs_.seasonal_change(of, clock);
    by[place(expert::linear)] = within_reach(linear_.predict(linear_inputs_));
    by[place(expert::linear_recent)] = within_reach(linear_recent_.predict(linear_inputs_));
    by[place(expert::linear_short)] = within_reach(linear_short_.predict(basic_inputs()));
    if (!networks_.empty()) {
      fill_network(q.inputs);
      by[place(expert::network)] = within_reach(inferred(0));
      by[place(expert::network_beside)] = within_reach(by[place(expert::linear)] + inferred(1));
    }
    by[place(expert::stacked)] = within_reach(stack_.predict(stacked_of(by)));
    q.turned = clock.moved(0, inputs_.horizon()) != 0;
    q.mixed = q.turned ? by[place(expert::seasonal)] : aggregation_.predict(experts_of(q));
  }

  static constexpr std::size_t place(expert who) noexcept { return static_cast<std::size_t>(who); }

  /// What the stacked expert is given: all but persistence, which is 0, and itself.
  static std::array<double, expert_count - 2>
  stacked_of(const std::array<double, expert_count>& by) noexcept {
    return {by[place(expert::seasonal)],      by[place(expert::linear)],
            by[place(expert::linear_recent)], by[place(expert::linear_short)],
            by[place(expert::network)],       by[place(expert::network_beside)]};
  }

  /// No expert may predict more than 20 usual changes: one that diverges does little harm.
  double within_reach(double change) const noexcept {
    const double most = 20 * scale_.value();
    return std::isfinite(change) ? std::clamp(change, -most, most) : 0;
  }

  double inferred(std::size_t network) {
    return static_cast<double>(networks_[network].infer(network_inputs_, workspace_)[0]);
  }

  void fill_linear(const std::vector<double>& inputs) {
    linear_inputs_.resize(inputs_.linear());
    for (std::size_t i = 0; i < linear_inputs_.size(); ++i) {
      linear_inputs_[i] = std::isnan(inputs[i]) ? 0 : std::clamp(inputs[i], -30.0, 30.0);
    }
  }

  std::span<const double> basic_inputs() const noexcept {
    return std::span(linear_inputs_).first(inputs_.basic());
  }

  void fill_network(const std::vector<double>& inputs) {
    network_inputs_.assign(inputs.begin(), inputs.end());
  }

  history_inputs inputs_;
  recursive_least_squares linear_;
  recursive_least_squares linear_recent_;
  recursive_least_squares linear_short_;
  recursive_least_squares stack_;
  std::vector<Cluster> networks_;
  expert_aggregation aggregation_;
  running_scale scale_; ///< of the changes over the horizon
  running_quantile low_{0.1};
  running_quantile high_{0.9};
  last_values<question> asked_;
  double error_ = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> linear_inputs_;
  std::vector<float> network_inputs_;
  workspace<float> workspace_;
};

} // namespace hanami
