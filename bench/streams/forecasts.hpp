// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <support/forecast_scores.hpp>
#include <support/report.hpp>
#include <support/sensor_files.hpp>

#include "forecast_speed.hpp"
#include "forecast_streams.hpp"
#include "leak_free.hpp"
#include "part.hpp"

namespace bench {

inline support::table forecast_table(const std::string& key, const std::string& title,
                                     const std::vector<support::forecast_score>& scores) {
  support::table out(key, title,
                     {{"predictor", "predictor"},
                      {"MAE 1", "mae_1", 3},
                      {"RMSE 1", "rmse_1", 3},
                      {"MAE 24", "mae_24", 3},
                      {"RMSE 24", "rmse_24", 3}});
  const auto add = [&](const std::string& name, const support::forecast_score& s) {
    out.add({name, s.mae[0], s.rmse[0], s.mae[1], s.rmse[1]});
  };
  for (const support::forecast_score& s : scores) {
    add(s.name, s);
  }
  return out;
}

/// What dirt costs: errors on clean rows of the dirty stream over those of the clean one.
inline support::table dirt_table(const support::forecast_run& clean,
                                 const support::forecast_run& dirty) {
  support::table out("dirt", "dirty over clean, mean over the columns, clean rows",
                     {{"column", "column"},
                      {"MAE 1", "mae_1", 3},
                      {"RMSE 1", "rmse_1", 3},
                      {"MAE 24", "mae_24", 3},
                      {"RMSE 24", "rmse_24", 3}});
  const std::size_t mix = clean.predictors() - 1;
  std::vector<double> logs(4);
  for (std::size_t c = 0; c < clean.columns(); ++c) {
    for (std::size_t h = 0; h < 2; ++h) {
      logs[2 * h] += std::log(dirty.mae(c, h, mix) / clean.mae(c, h, mix));
      logs[2 * h + 1] += std::log(dirty.rmse(c, h, mix) / clean.rmse(c, h, mix));
    }
  }
  for (double& value : logs) {
    value = std::exp(value / static_cast<double>(clean.columns()));
  }
  out.add({std::string("all"), logs[0], logs[1], logs[2], logs[3]});
  return out;
}

/// One line for each stream: errors over those of the best baseline of each column, the mix
/// without clusters over that with them, the truths inside their intervals at the worst hours.
class forecast_summary {
 public:
  void add(const std::string& name, const support::forecast_run& run) {
    const std::size_t mix = run.predictors() - 1;
    const auto [low, high] = run.coverage(0);
    const auto [far_low, far_high] = run.coverage(1);
    table_.add({name, run.mae_over_best(0, mix), run.rmse_over_best(0, mix),
                run.mae_over_best(1, mix), run.rmse_over_best(1, mix),
                run.mae_over_best(0, mix - 1) / run.mae_over_best(0, mix), low, high, far_low,
                far_high});
  }
  const support::table& table() const { return table_; }

 private:
  support::table table_{"forecasts_over_best",
                        "errors over those of the best baseline of each column, in hindsight; "
                        "what leaving out the clusters costs; coverage by hour, of 0.8",
                        {{"stream", "stream"},
                         {"MAE 1", "mae_1", 3},
                         {"RMSE 1", "rmse_1", 3},
                         {"MAE far", "mae_far", 3},
                         {"RMSE far", "rmse_far", 3},
                         {"no clusters", "no_clusters", 3},
                         {"from", "low_1", 2},
                         {"to", "high_1", 2},
                         {"far", "low_far", 2},
                         {"to", "high_far", 2}}};
};

inline support::forecast_run run_of(const support::delivery& of, double step) {
  hanami::forecast_options options = hanami::forecast_options_for(step);
  if (options.horizons.size() < 2) {
    options.horizons = {1, 24};
  }
  return {of, options};
}

inline void add_forecasts(const part_options& o, std::vector<support::table>& tables) {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  forecast_summary summary;
  for (const made_stream& made : make_streams(1)) {
    const support::delivery clean = support::deliver_clean(made.rows);
    support::forecast_run run = run_of(clean, made.step);
    run.scores();
    summary.add(made.name, run);
  }
  if (!o.data.empty()) {
    const auto path = std::filesystem::path(o.data) / "ETTh2.csv.gz";
    const support::recording etth2 = support::read_recording(path, o.half ? 8710 : all);
    const support::delivery clean = support::deliver_clean(etth2);
    const support::delivery dirty = support::deliver_dirty(etth2);
    support::forecast_run clean_run = run_of(clean, 3600);
    support::forecast_run dirty_run = run_of(dirty, 3600);
    tables.push_back(forecast_table(
        "forecasts", "ETTh2, 7 columns, 1 and 24 rows ahead: error over persistence's",
        clean_run.scores()));
    tables.push_back(forecast_table("dirty",
                                    "the same, 1 value in 1,000 times 1e6, 5 % missing, one "
                                    "column times 1,000 half way",
                                    dirty_run.scores()));
    tables.push_back(dirt_table(clean_run, dirty_run));
    summary.add("ETTh2", clean_run);
    tables.push_back(leak_free_table(support::read_recording(path, leak_free_rows)));
  }
  tables.push_back(summary.table());
  tables.push_back(speed_table());
}

} // namespace bench
