// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <support/anomaly_scores.hpp>
#include <support/report.hpp>
#include <support/sensor_files.hpp>

#include "part.hpp"

namespace bench {

inline void add_anomalies(const part_options& o, std::vector<support::table>& tables) {
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

} // namespace bench
