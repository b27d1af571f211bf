// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <ctime>
#include <string>
#include <vector>

#include <hanami/stream/stream_model.hpp>

#include <support/report.hpp>

#include "forecast_streams.hpp"

namespace bench {

/// Values a second of processor time, and the mean absolute error one row ahead over
/// persistence's, geometric mean over the columns.
struct speed_score {
  double values_a_second = 0;
  double over_persistence = 0;
};

inline speed_score score_speed(const made_stream& of, const hanami::stream_options& options) {
  const auto& rows = of.rows.rows;
  const std::size_t columns = rows.front().size();
  hanami::stream_model model(columns, options);
  std::vector<double> said(columns);
  std::vector<double> wrong(columns);
  std::vector<double> same(columns);
  const std::clock_t begun = std::clock();
  for (std::size_t t = 0; t < rows.size(); ++t) {
    for (std::size_t c = 0; c < columns && t >= 1000; ++c) {
      wrong[c] += std::abs(said[c] - rows[t][c]);
      same[c] += std::abs(rows[t - 1][c] - rows[t][c]);
    }
    const hanami::stream_result& result = model.observe(rows[t], of.rows.times[t]);
    for (std::size_t c = 0; c < columns; ++c) {
      said[c] = result.ahead(c).value;
    }
  }
  const double seconds = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  double sum = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    sum += std::log(wrong[c] / same[c]);
  }
  return {static_cast<double>(rows.size() * columns) / seconds,
          std::exp(sum / static_cast<double>(columns))};
}

/// Forecasts and anomalies together, as `sensor` runs them.
inline support::table speed_table() {
  support::table out("forecast_speed",
                     "values a second (anomalies included), and error over persistence's",
                     {{"stream", "stream"},
                      {"defaults", "defaults", 0},
                      {"error", "error", 3},
                      {"1 row", "one_row", 0},
                      {"error", "error_one_row", 3},
                      {"window 0", "window_0", 0},
                      {"error", "error_window_0", 3}});
  hanami::stream_options one_row;
  one_row.horizons = {1};
  hanami::stream_options fast;
  fast.window = 0;
  for (const made_stream& made : make_streams(1)) {
    const speed_score by_default = score_speed(made, {});
    const speed_score by_row = score_speed(made, one_row);
    const speed_score by_cluster = score_speed(made, fast);
    out.add({made.name, by_default.values_a_second, by_default.over_persistence,
             by_row.values_a_second, by_row.over_persistence, by_cluster.values_a_second,
             by_cluster.over_persistence});
  }
  return out;
}

} // namespace bench
