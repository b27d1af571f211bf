// SPDX-License-Identifier: Apache-2.0
// Forecasts two sensors from their measurements, and tells when one of them behaves strangely.
//
// test-lines: 6
// test-output: 24[0-4][0-9] h: celsius alarm.*next: 2[01][.0-9]* .[.0-9]+ to [.0-9]+
// [0-9.]+\)
#include <hanami/hanami.hpp>
#include <hanami/stream.hpp>

#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace {

struct measurement {
  double time; ///< seconds
  std::map<std::string, double> values;
};

/// 110 days, hour by hour; the thermometer is stuck in direct sun on day 100.
std::vector<measurement> measurements() {
  std::vector<measurement> all;
  for (int hour = 0; hour < 110 * 24; ++hour) {
    const double angle = 2 * 3.14159265 * hour / 24;
    const double noise = hour * 7919 % 1000 / 1000.0;
    const bool stuck = hour >= 2400 && hour < 2424;
    all.push_back({3600.0 * hour,
                   {{"celsius", stuck ? 31 + 5 * noise : 20 + 5 * std::sin(angle) + noise},
                    {"hPa", 1013 + 4 * std::sin(angle / 9) + noise}}});
  }
  return all;
}

} // namespace

int main() {
  const auto rows = measurements();
  // task
  hanami::stream_model model;
  for (const auto& row : rows)
    if (const auto& found = model.observe(row.values, row.time).anomaly; found.alarm)
      std::cout << row.time / 3600 << " h: " << model.columns()[found.column] << " alarm\n";
  const auto next = model.predict("celsius");
  std::cout << "next: " << next.value << " (" << next.low << " to " << next.high << ")\n";
  // end
}
