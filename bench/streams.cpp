// SPDX-License-Identifier: Apache-2.0
// What hanami makes of real and made streams, beside what streams are usually predicted with:
// forecasts, clean and dirty, anomalies, false alarms, drift. Everything is scored before it is
// learned from.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>

#include <support/anomaly_scores.hpp>
#include <support/forecast_scores.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/sensor_files.hpp>
#include <support/text.hpp>

#include "streams/alarm_rates.hpp"
#include "streams/drift_scores.hpp"

namespace {

struct program_options {
  std::string data;
  std::string only;
  bool half = false;
  bool json = false;
  std::uint64_t alarm_seeds = 1;
  std::uint64_t alarm_days = 0;

  bool runs(const char* part) const { return only.empty() || only == part; }
};

void add_options(CLI::App& app, program_options& o) {
  app.add_option("--data", o.data, "folder with the recordings; without it made streams only")
      ->envname("HANAMI_SENSORS_DIR")
      ->type_name("DIR");
  app.add_flag("--half", o.half,
               "the first half of ETTh2 only: for choices, which must not be made\non the rest");
  app.add_option("--only", o.only, "one part of all")
      ->check(CLI::IsMember({"forecasts", "anomalies", "alarms", "drift"}))
      ->type_name("PART");
  app.add_option("--alarm-seeds", o.alarm_seeds, "streams of each kind of noise (1)");
  app.add_option("--alarm-days", o.alarm_days,
                 "false alarms at the default rate, too: so many days of a row a minute");
  support::add_json_flag(app, o.json);
}

support::table forecast_table(const std::string& key, const std::string& title,
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
support::table dirt_table(const support::forecast_run& clean, const support::forecast_run& dirty) {
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

void add_forecasts(const program_options& o, std::vector<support::table>& tables) {
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

void add_anomalies(const program_options& o, std::vector<support::table>& tables) {
  support::table out("anomalies", "labelled windows found, alarms outside of them, defaults only",
                     {{"recording", "recording"},
                      {"windows", "windows"},
                      {"found", "found"},
                      {"false alarms", "false_alarms"},
                      {"a month", "false_a_month", 2}});
  const std::filesystem::path folder(o.data);
  for (const std::string name : {"nyc_taxi", "ambient_temperature_system_failure"}) {
    const auto windows = support::read_windows(folder / "anomaly-windows.json", name + ".csv");
    const auto score =
        support::score_alarms(support::read_recording(folder / (name + ".csv.gz")), windows);
    out.add({name, static_cast<double>(score.windows), static_cast<double>(score.found),
             static_cast<double>(score.false_alarms),
             static_cast<double>(score.false_alarms) / score.months});
  }
  tables.push_back(out);
}

/// Alarms where nothing happens over those asked for, one line for each kind of noise.
void add_alarms(const program_options& o, std::vector<support::table>& tables) {
  constexpr std::uint64_t rows = 60000;
  constexpr double apart = 3000; // rows from one alarm that is asked for to the next
  const auto ratio = [&](bench::alarm_task task, std::size_t kind) {
    double seen = 0;
    for (std::uint64_t seed = 1; seed <= o.alarm_seeds; ++seed) {
      seen += static_cast<double>(
          bench::count_alarms(task, static_cast<support::noise_kind>(kind), seed));
    }
    return seen / (task.asked() * static_cast<double>(o.alarm_seeds));
  };
  for (const std::uint32_t window : {12U, 0U}) {
    const std::string name = "window " + std::to_string(window);
    support::table out("alarms_" + std::to_string(window),
                       name + ": alarms over those asked for, 20 in 60,000 rows of noise",
                       {{"noise", "noise"},
                        {"1 s", "second", 2},
                        {"1 min", "minute", 2},
                        {"10 min", "ten_minutes", 2},
                        {"1 h", "hour", 2}});
    support::table usual("alarms_default_" + std::to_string(window),
                         name + ": the same, one in 30 days asked for, a row a minute for " +
                             std::to_string(o.alarm_days) + " days",
                         {{"noise", "noise"}, {"1 min", "minute", 2}});
    for (std::size_t kind = 0; kind < support::noise_names.size(); ++kind) {
      std::array<double, 4> steps{1, 60, 600, 3600};
      std::array<double, 4> ratios{};
      std::transform(steps.begin(), steps.end(), ratios.begin(), [&](double step) {
        return ratio({step, 86400 / step / apart, rows, window}, kind);
      });
      const std::string noise = support::noise_names[kind];
      out.add({noise, ratios[0], ratios[1], ratios[2], ratios[3]});
      if (o.alarm_days > 0) {
        usual.add({noise, ratio({60, 1.0 / 30, 1440 * o.alarm_days, window}, kind)});
      }
    }
    tables.push_back(out);
    if (o.alarm_days > 0) {
      tables.push_back(usual);
    }
  }
}

/// Over many pairs of processes: single ones say little, and the worst is worth knowing.
void add_drift(std::vector<support::table>& tables) {
  constexpr std::size_t pairs = 24;
  constexpr std::uint64_t first_seed = 101;
  support::table out("drift",
                     "24 pairs of made processes, A, B, A; 20,000 rows each, the first 10 after a "
                     "change not scored: errors over what they should be",
                     {{"over the pairs", "over_pairs"},
                      {"first 2,000 of B, over fresh", "first", 3},
                      {"rest of B, over fresh", "later", 3},
                      {"first 1,000 of A again, over one that stayed", "returned", 3}});
  std::array<std::vector<double>, 3> ratios;
  for (std::uint64_t seed = first_seed; seed < first_seed + pairs; ++seed) {
    const bench::drift_score s = bench::score_drift(seed);
    ratios[0].push_back(s.first);
    ratios[1].push_back(s.later);
    ratios[2].push_back(s.returned);
  }
  std::array<double, 3> over{};
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    std::sort(ratios[i].begin(), ratios[i].end());
    over[i] = static_cast<double>(
        std::count_if(ratios[i].begin(), ratios[i].end(), [](double r) { return r > 1.1; }));
  }
  const auto add = [&](const char* name, std::size_t rank) {
    out.add({std::string(name), ratios[0][rank], ratios[1][rank], ratios[2][rank]});
  };
  add("median", pairs / 2);
  add("worst", pairs - 1);
  out.add({std::string("pairs above 1.1"), over[0], over[1], over[2]});
  tables.push_back(out);
}

int run(const program_options& o) {
  std::vector<support::table> tables;
  if (o.data.empty()) {
    std::cerr << "streams: no recordings at hand (--data, HANAMI_SENSORS_DIR)\n";
  } else {
    if (o.runs("forecasts")) {
      add_forecasts(o, tables);
    }
    if (o.runs("anomalies")) {
      add_anomalies(o, tables);
    }
  }
  if (o.runs("alarms")) {
    add_alarms(o, tables);
  }
  if (o.runs("drift")) {
    add_drift(tables);
  }
  support::print_report({{"instruction_set", hanami::instruction_set()}}, tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("streams");
  CLI::App app("Forecasts, anomalies, false alarms and drift beside the usual baselines.",
               "streams");
  program_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
