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
  support::forecast_score best = scores.front();
  for (std::size_t who = 0; who < scores.size(); ++who) {
    add(scores[who].name, scores[who]);
    for (std::size_t h = 0; h < 2 && who < support::peer_track::names.size(); ++h) {
      best.mae[h] = std::min(best.mae[h], scores[who].mae[h]);
      best.rmse[h] = std::min(best.rmse[h], scores[who].rmse[h]);
    }
  }
  add("best baseline of each", best);
  support::forecast_score ratio = scores.back();
  for (std::size_t h = 0; h < 2; ++h) {
    ratio.mae[h] /= best.mae[h];
    ratio.rmse[h] /= best.rmse[h];
  }
  add("mix over best baseline", ratio);
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

inline void add_forecasts(const part_options& o, std::vector<support::table>& tables) {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  const auto path = std::filesystem::path(o.data) / "ETTh2.csv.gz";
  const support::recording etth2 = support::read_recording(path, o.half ? 8710 : all);
  hanami::forecast_options options;
  options.horizons = {1, 24};
  options.history.season = 24;
  const support::delivery clean = support::deliver_clean(etth2);
  const support::delivery dirty = support::deliver_dirty(etth2);
  support::forecast_run clean_run(clean, options);
  support::forecast_run dirty_run(dirty, options);
  tables.push_back(forecast_table("forecasts",
                                  "ETTh2, 7 columns, 1 and 24 rows ahead: error over persistence's",
                                  clean_run.scores()));
  tables.push_back(forecast_table("dirty",
                                  "the same, 1 value in 1,000 times 1e6, 5 % missing, one "
                                  "column times 1,000 half way",
                                  dirty_run.scores()));
  tables.push_back(dirt_table(clean_run, dirty_run));
}

} // namespace bench
