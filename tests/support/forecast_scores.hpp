// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hanami/stream/forecaster.hpp>

#include "linear_learners.hpp"
#include "sensor_files.hpp"

/// Forecasts, ours and the peers', of the same rows in the same run, each scored before anything
/// learns from the row.

namespace support {

/// A recording as sensors deliver it, and what it would have been.
struct delivery {
  recording seen;
  std::vector<std::vector<double>> truth; ///< in the first units of the column
  std::vector<std::vector<double>> unit;  ///< what the truth was multiplied with
  std::vector<std::vector<char>> clean;   ///< whether the value was delivered as it is
};

inline delivery deliver_clean(recording all) {
  delivery made;
  made.truth = all.rows;
  for (const auto& row : all.rows) {
    made.unit.emplace_back(row.size(), 1.0);
    made.clean.emplace_back(row.size(), char{1});
  }
  made.seen = std::move(all);
  return made;
}

/// 1 value in 1,000 times 1e6, 5 % missing, the first column times 1,000 from the middle on.
inline delivery deliver_dirty(recording all) {
  delivery made = deliver_clean(std::move(all));
  auto& rows = made.seen.rows;
  for (std::size_t t = 0; t < rows.size(); ++t) {
    for (std::size_t c = 0; c < rows[t].size(); ++c) {
      if (c == 0 && t >= rows.size() / 2) {
        made.unit[t][c] = 1000;
        rows[t][c] *= 1000;
      }
      const float draw = hanami::random_unit(5, c, t);
      if (draw < 0.001f) {
        rows[t][c] *= 1e6;
      } else if (draw < 0.051f) {
        rows[t][c] = std::numeric_limits<double>::quiet_NaN();
      }
      made.clean[t][c] = draw < 0.051f ? 0 : 1;
    }
  }
  return made;
}

/// Mean errors of one predictor: geometric mean over the columns of its error over persistence's,
/// for every horizon.
struct forecast_score {
  std::string name;
  std::vector<double> mae;
  std::vector<double> rmse;
};

/// The peers of one column and horizon, on the last `window` values (held where a value is missing
/// or rejected by the same guard that the forecaster uses).
class peer_track {
 public:
  static constexpr std::size_t window = 12;
  static constexpr std::array<const char*, 8> names = {
      "persistence", "seasonal persistence", "NLMS level",    "NLMS change",
      "RLS level",   "RLS change",           "AdaGrad level", "AdaGrad change"};

  explicit peer_track(std::size_t horizon, std::size_t season)
      : horizon_(horizon), season_(season) {}

  /// `held`: the column so far. Returns what each predicts for `horizon` rows ahead.
  std::array<double, 8> advance(std::span<const double> held) {
    const std::size_t now = held.size() - 1;
    if (now >= horizon_ + window) {
      const std::size_t then = now - horizon_;
      fill(held.first(then + 1));
      const double change = held[now] - held[then];
      nlms_level_.learn(level_, held[now]);
      nlms_change_.learn(change_, change);
      rls_level_.learn(level_, held[now]);
      rls_change_.learn(change_, change);
      adagrad_level_.learn(level_, held[now]);
      adagrad_change_.learn(change_, change);
    }
    if (now < window) {
      std::array<double, 8> same{};
      same.fill(held[now]);
      return same;
    }
    fill(held);
    const double last = held[now];
    const std::size_t back =
        season_ > 0 ? (horizon_ + season_ - 1) / season_ * season_ - horizon_ : 0;
    return {last,
            held[now >= back ? now - back : now],
            nlms_level_.predict(level_),
            last + nlms_change_.predict(change_),
            rls_level_.predict(level_),
            last + rls_change_.predict(change_),
            adagrad_level_.predict(level_),
            last + adagrad_change_.predict(change_)};
  }

 private:
  void fill(std::span<const double> held) {
    for (std::size_t i = 0; i < window; ++i) {
      const std::size_t at = held.size() - 1 - i;
      level_[i] = held[at];
      change_[i] = held[at] - held[at - 1];
    }
    level_[window] = change_[window] = 1;
  }

  std::size_t horizon_;
  std::size_t season_;
  std::vector<double> level_ = std::vector<double>(window + 1);
  std::vector<double> change_ = std::vector<double>(window + 1);
  peers::nlms nlms_level_{window + 1};
  peers::nlms nlms_change_{window + 1};
  peers::rls rls_level_{window + 1};
  peers::rls rls_change_{window + 1};
  peers::adagrad_linear adagrad_level_{window + 1};
  peers::adagrad_linear adagrad_change_{window + 1};
};

/// Least squares that forget slowly over the very inputs that the forecaster makes of a column.
class same_inputs_peer {
 public:
  same_inputs_peer(const hanami::history_options& of, std::uint32_t horizon)
      : inputs_(of, horizon), rls_(inputs_.linear()) {}

  double advance(const hanami::column_history& of, const hanami::local_clock& clock) {
    if (made_.size() == inputs_.horizon()) {
      if (of.known() && made_.front().known) {
        rls_.learn(made_.front().inputs, of.path() - made_.front().path);
      }
      made_.pop_front();
    }
    one& now = made_.emplace_back();
    inputs_.make(of, clock, now.inputs);
    now.inputs.resize(inputs_.linear());
    for (double& input : now.inputs) {
      input = std::isnan(input) ? 0 : std::clamp(input, -30.0, 30.0);
    }
    now.path = of.path();
    now.known = of.known();
    return of.last() + of.scale() * rls_.predict(now.inputs);
  }

 private:
  struct one {
    std::vector<double> inputs;
    double path = 0;
    bool known = false;
  };

  hanami::history_inputs inputs_;
  peers::rls rls_;
  std::deque<one> made_; ///< whose truth is not known yet
};

/// All predictors over one delivery.
class forecast_run {
 public:
  forecast_run(const delivery& of, hanami::forecast_options options)
      : of_(of), options_(std::move(options)), with_(columns(), options_),
        without_(columns(), without_networks(options_)), guards_(columns()), held_(columns()) {
    for (std::size_t i = 0; i < columns() * horizons(); ++i) {
      const std::uint32_t horizon = options_.horizons[i % horizons()];
      peers_.emplace_back(horizon, options_.history.season);
      same_inputs_.emplace_back(options_.history, horizon);
    }
    for (const char* name : peer_track::names) {
      names_.emplace_back(name);
    }
    for (const char* name :
         {"RLS, same inputs", "expert: linear", "expert: cluster", "mix without clusters", "mix"}) {
      names_.emplace_back(name);
    }
    sums_.resize(columns() * horizons() * names_.size());
    asked_.resize(of.truth.size() * columns() * horizons() * names_.size());
    intervals_.resize(of.truth.size() * columns() * horizons());
    covered_.resize(horizons() * phases);
  }

  /// Forecasts from the first 1,000 rows are not scored.
  std::vector<forecast_score> scores() {
    for (std::size_t t = 0; t < of_.truth.size(); ++t) {
      with_.observe(of_.seen.rows[t], of_.seen.times[t]);
      without_.observe(of_.seen.rows[t], of_.seen.times[t]);
      clock_.advance(of_.seen.times[t]);
      for (std::size_t c = 0; c < columns(); ++c) {
        guards_[c].judge(of_.seen.rows[t][c]);
        held_[c].push_back(guards_[c].last());
        for (std::size_t h = 0; h < horizons(); ++h) {
          ask(t, c, h);
          if (t >= first_scored + options_.horizons[h]) {
            score(t, c, h);
          }
        }
      }
    }
    return summary();
  }

  std::size_t forecaster_bytes() const { return with_.bytes(); }
  /// errors[column][predictor] of one horizon, mean absolute; for comparisons between runs.
  double mae(std::size_t c, std::size_t h, std::size_t who) const {
    const sum& s = sums_[place(c, h) + who];
    return s.absolute / s.count;
  }
  double rmse(std::size_t c, std::size_t h, std::size_t who) const {
    const sum& s = sums_[place(c, h) + who];
    return std::sqrt(s.squared / s.count);
  }
  /// Geometric mean over the columns of a predictor's mean absolute error over that of the best
  /// baseline, chosen in hindsight for each column.
  double mae_over_best(std::size_t h, std::size_t who) const {
    return over_best(h, who, [this](auto... of) { return mae(of...); });
  }
  /// The same of root mean squares.
  double rmse_over_best(std::size_t h, std::size_t who) const {
    return over_best(h, who, [this](auto... of) { return rmse(of...); });
  }
  /// Smallest and largest share, over the hours of the day (or parts of 24 rows), of truths inside
  /// their intervals.
  std::pair<double, double> coverage(std::size_t h) const {
    std::pair<double, double> found{1, 0};
    for (std::size_t p = 0; p < phases; ++p) {
      const share& s = covered_[h * phases + p];
      found.first = std::min(found.first, s.inside / s.count);
      found.second = std::max(found.second, s.inside / s.count);
    }
    return found;
  }
  std::size_t columns() const { return of_.truth.front().size(); }
  std::size_t horizons() const { return options_.horizons.size(); }
  std::size_t predictors() const { return names_.size(); }

 private:
  static constexpr std::size_t first_scored = 1000;
  static constexpr std::size_t phases = 24;
  static constexpr std::size_t baselines = peer_track::names.size() + 1; ///< in front

  struct share {
    double inside = 0;
    double count = 0;
  };

  template <class Error>
  double over_best(std::size_t h, std::size_t who, const Error& error) const {
    double logs = 0;
    for (std::size_t c = 0; c < columns(); ++c) {
      double best = error(c, h, std::size_t{0});
      for (std::size_t other = 1; other < baselines; ++other) {
        best = std::min(best, error(c, h, other));
      }
      logs += std::log(error(c, h, who) / best);
    }
    return std::exp(logs / static_cast<double>(columns()));
  }

  struct sum {
    double absolute = 0;
    double squared = 0;
    double count = 0;
  };

  static hanami::forecast_options without_networks(hanami::forecast_options options) {
    options.networks = false;
    return options;
  }

  std::size_t place(std::size_t c, std::size_t h) const {
    return (c * horizons() + h) * names_.size();
  }
  double* asked(std::size_t t, std::size_t c, std::size_t h) {
    return asked_.data() + t * columns() * horizons() * names_.size() + place(c, h);
  }

  void ask(std::size_t t, std::size_t c, std::size_t h) {
    double* to = asked(t, c, h);
    const auto theirs = peers_[c * horizons() + h].advance(held_[c]);
    to = std::copy(theirs.begin(), theirs.end(), to);
    *to++ = same_inputs_[c * horizons() + h].advance(with_.history(c), clock_);
    *to++ = with_.predict(c, h, hanami::expert::linear);
    *to++ = with_.predict(c, h, hanami::expert::network);
    *to++ = without_.predict(c, h).value;
    const hanami::forecast said = with_.predict(c, h);
    *to = said.value;
    intervals_[(t * columns() + c) * horizons() + h] = {said.low, said.high};
  }

  void score(std::size_t t, std::size_t c, std::size_t h) {
    const std::size_t then = t - options_.horizons[h];
    if (of_.clean[t][c] == 0 || of_.clean[then][c] == 0 || of_.unit[t][c] != of_.unit[then][c]) {
      return;
    }
    const double* said = asked(then, c, h);
    const auto& [low, high] = intervals_[(then * columns() + c) * horizons() + h];
    const double time = of_.seen.times[t];
    const auto hour = static_cast<std::size_t>(
        std::isfinite(time) ? hanami::calendar_of(time).hour : static_cast<double>(t % phases));
    share& by_hour = covered_[h * phases + std::min(hour, phases - 1)];
    const double seen = of_.truth[t][c] * of_.unit[t][c];
    by_hour.inside += seen >= low && seen <= high ? 1 : 0;
    ++by_hour.count;
    for (std::size_t who = 0; who < names_.size(); ++who) {
      const double wrong = said[who] / of_.unit[t][c] - of_.truth[t][c];
      sum& s = sums_[place(c, h) + who];
      s.absolute += std::abs(wrong);
      s.squared += wrong * wrong;
      ++s.count;
    }
  }

  std::vector<forecast_score> summary() const {
    std::vector<forecast_score> all;
    for (std::size_t who = 0; who < names_.size(); ++who) {
      forecast_score& s = all.emplace_back();
      s.name = names_[who];
      for (std::size_t h = 0; h < horizons(); ++h) {
        double absolute = 0;
        double squared = 0;
        for (std::size_t c = 0; c < columns(); ++c) {
          absolute += std::log(mae(c, h, who) / mae(c, h, 0));
          squared += std::log(rmse(c, h, who) / rmse(c, h, 0));
        }
        s.mae.push_back(std::exp(absolute / static_cast<double>(columns())));
        s.rmse.push_back(std::exp(squared / static_cast<double>(columns())));
      }
    }
    return all;
  }

  const delivery& of_;
  hanami::forecast_options options_;
  hanami::forecaster with_;
  hanami::forecaster without_;
  std::vector<hanami::column_guard> guards_;
  std::vector<std::vector<double>> held_;
  std::vector<peer_track> peers_;
  std::vector<same_inputs_peer> same_inputs_;
  hanami::local_clock clock_;
  std::vector<std::pair<double, double>> intervals_; ///< for each row, column and horizon
  std::vector<share> covered_;                       ///< for each horizon and hour
  std::vector<std::string> names_;
  std::vector<sum> sums_;
  std::vector<double> asked_;
};

} // namespace support
