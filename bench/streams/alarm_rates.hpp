// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hanami/stream/stream_model.hpp>

#include <support/noise_streams.hpp>
#include <support/report.hpp>

#include "part.hpp"

namespace bench {

/// Rows `step` seconds apart, and false alarms a day to be expected of them.
struct alarm_task {
  double step = 60;
  double alarms_per_day = 1.0 / 30;
  std::uint64_t rows = 0;
  std::uint32_t window = 12; ///< `stream_options::window`

  double asked() const noexcept {
    return alarms_per_day * step * static_cast<double>(rows) / 86400;
  }
};

/// Alarms in a stream in which nothing happens.
inline std::uint64_t count_alarms(const alarm_task& task, support::noise_kind kind,
                                  std::uint64_t seed) {
  hanami::stream_options options;
  options.window = task.window;
  options.step = task.step;
  options.alarms_per_day = task.alarms_per_day;
  hanami::stream_model model(1, options);
  support::noise_stream stream(kind, task.step, seed);
  std::uint64_t alarms = 0;
  for (std::uint64_t row = 0; row < task.rows; ++row) {
    const double time = 1.7e9 + task.step * static_cast<double>(row);
    alarms += model.observe({stream.next()}, time).anomaly.alarm ? 1U : 0U;
  }
  return alarms;
}

/// Alarms where nothing happens over those asked for, one line for each kind of noise.
inline void add_alarms(const part_options& o, std::vector<support::table>& tables) {
  constexpr std::uint64_t rows = 60000;
  constexpr double apart = 3000; // rows from one alarm that is asked for to the next
  const auto ratio = [&](alarm_task task, std::size_t kind) {
    double seen = 0;
    for (std::uint64_t seed = 1; seed <= o.alarm_seeds; ++seed) {
      seen += static_cast<double>(count_alarms(task, static_cast<support::noise_kind>(kind), seed));
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

} // namespace bench
