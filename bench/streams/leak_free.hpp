// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hanami/stream/forecaster.hpp>

#include <support/linear_learners.hpp>
#include <support/report.hpp>
#include <support/sensor_files.hpp>

namespace bench {

inline constexpr std::size_t leak_free_warm_up = 4 * 30 * 24; ///< rows, and a month passed over
inline constexpr std::size_t leak_free_first = 5 * 30 * 24;
inline constexpr std::size_t leak_free_rows = 20 * 30 * 24;

/// Columns in deviations from their means over the warm-up.
inline void standardise(std::vector<std::vector<double>>& rows) {
  constexpr auto count = static_cast<double>(leak_free_warm_up);
  for (std::size_t c = 0; c < rows.front().size(); ++c) {
    double sum = 0;
    double squares = 0;
    for (std::size_t t = 0; t < leak_free_warm_up; ++t) {
      sum += rows[t][c] / count;
      squares += rows[t][c] * rows[t][c] / count;
    }
    const double deviation = std::sqrt(squares - sum * sum);
    for (std::vector<double>& row : rows) {
      row[c] = (row[c] - sum) / deviation;
    }
  }
}

/// Mean squared error over all columns and the rows 1 to `ahead` after each of the last 15 months
/// of 20, nothing learned from a row before it has come.
inline double leak_free_error(const support::recording& of, std::uint32_t ahead) {
  hanami::forecast_options options = hanami::forecast_options_for(3600);
  options.point = hanami::point_forecast::mean;
  options.horizons.clear();
  for (std::uint32_t h = 1; h <= ahead; ++h) {
    options.horizons.push_back(h);
  }
  const std::size_t columns = of.rows.front().size();
  hanami::forecaster f(columns, options);
  double sum = 0;
  double count = 0;
  for (std::size_t t = 0; t + 1 < of.rows.size(); ++t) {
    f.observe(of.rows[t], of.times[t]);
    for (std::size_t i = 0; i < columns * ahead; ++i) {
      const std::size_t then = t + 1 + i % ahead;
      if (then >= leak_free_first && then < of.rows.size()) {
        const double wrong = f.predict(i / ahead, i % ahead).value - of.rows[then][i / ahead];
        sum += wrong * wrong;
        ++count;
      }
    }
  }
  return sum / count;
}

/// The same one row ahead by recursive least squares on each column's last 12 values.
inline double leak_free_rls(const support::recording& of) {
  constexpr std::size_t window = 12;
  double sum = 0;
  double count = 0;
  for (std::size_t c = 0; c < of.rows.front().size(); ++c) {
    peers::rls learner(window + 1);
    std::vector<double> input(window + 1, 1.0);
    for (std::size_t t = window; t + 1 < of.rows.size(); ++t) {
      for (std::size_t i = 0; i < window; ++i) {
        input[i] = of.rows[t - i][c];
      }
      const double wrong = learner.predict(input) - of.rows[t + 1][c];
      if (t + 1 >= leak_free_first) {
        sum += wrong * wrong;
        ++count;
      }
      learner.learn(input, of.rows[t + 1][c]);
    }
  }
  return sum / count;
}

/// ETTh2 as continual forecasters are compared on it, but without the feedback before its time
/// that published figures at 24 and 48 rows have.
inline support::table leak_free_table(support::recording etth2) {
  standardise(etth2.rows);
  support::table out(
      "leak_free",
      "ETTh2, z-scored by 4 months, 15 months scored: mean squared error over the "
      "rows up to so many ahead",
      {{"predictor", "predictor"}, {"1", "mse_1", 3}, {"24", "mse_24", 3}, {"48", "mse_48", 3}});
  out.add({std::string("forecaster, means"), leak_free_error(etth2, 1), leak_free_error(etth2, 24),
           leak_free_error(etth2, 48)});
  out.add({std::string("RLS on 12 values, 1 row only"), leak_free_rls(etth2), std::string(),
           std::string()});
  return out;
}

} // namespace bench
