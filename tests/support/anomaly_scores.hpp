// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hanami/stream/anomaly.hpp>
#include <hanami/stream/time/row_clock.hpp>

#include "sensor_files.hpp"

namespace support {

/// What alarms made of a recording with labelled windows.
struct alarm_score {
  std::size_t windows = 0;
  std::size_t found = 0; ///< windows with an alarm inside
  std::size_t false_alarms = 0;
  double months = 0;          ///< of data, 30 days each
  std::vector<double> alarms; ///< times
};

/// Alarms of the defaults over all rows, each judged before it is learned from.
inline alarm_score score_alarms(const recording& all, std::span<const time_window> windows) {
  const double step =
      hanami::step_of(std::span(all.times).first(std::min<std::size_t>(all.times.size(), 20)));
  const std::size_t columns = all.names.size();
  hanami::forecaster forecaster(columns, hanami::forecast_options_for(step));
  hanami::anomaly_detector detector(columns, {.rows_per_day = 86400 / step});
  alarm_score score;
  score.windows = windows.size();
  std::vector<char> hit(windows.size());
  for (std::size_t t = 0; t < all.rows.size(); ++t) {
    forecaster.observe(all.rows[t], all.times[t]);
    if (!detector.observe(forecaster).alarm) {
      continue;
    }
    const double now = all.times[t];
    score.alarms.push_back(now);
    bool inside = false;
    for (std::size_t w = 0; w < windows.size(); ++w) {
      if (now >= windows[w].first && now <= windows[w].second) {
        inside = true;
        hit[w] = 1;
      }
    }
    score.false_alarms += inside ? 0 : 1;
  }
  score.found = static_cast<std::size_t>(std::count(hit.begin(), hit.end(), char{1}));
  score.months = (all.times.back() - all.times.front()) / (30 * 86400.0);
  return score;
}

} // namespace support
