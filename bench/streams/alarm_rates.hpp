// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <hanami/stream/stream_model.hpp>

#include <support/noise_streams.hpp>

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

} // namespace bench
