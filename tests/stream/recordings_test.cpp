// SPDX-License-Identifier: Apache-2.0
// What is claimed about recorded streams, on parts of them that are quick to run; bench/streams
// runs all.
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <hanami/io/gzip.hpp>

#include <support/anomaly_scores.hpp>
#include <support/forecast_scores.hpp>
#include <support/sensor_files.hpp>
#include <support/skip.hpp>

using namespace hanami;

namespace {

/// Empty where there are no recordings.
std::filesystem::path recordings() {
  const char* folder = std::getenv("HANAMI_SENSORS_DIR");
  if (folder == nullptr) {
    hanami_test::skip("HANAMI_SENSORS_DIR is not set");
    return {};
  }
  return folder;
}

} // namespace

TEST_CASE("labelled anomalies are found with about one false alarm a month", "[stream]") {
  const auto folder = recordings();
  if (folder.empty()) {
    return;
  }
  for (const std::string name : {"nyc_taxi", "ambient_temperature_system_failure"}) {
    INFO(name);
    const auto windows = support::read_windows(folder / "anomaly-windows.json", name + ".csv");
    REQUIRE(windows.size() >= 2);
    const auto score =
        support::score_alarms(support::read_recording(folder / (name + ".csv.gz")), windows);
    CHECK(score.found == windows.size());
    CHECK(static_cast<double>(score.false_alarms) <= 1.5 * score.months);
  }
}

TEST_CASE("forecasts of a recording beat every baseline, clean and dirty", "[stream]") {
  const auto folder = recordings();
  if (folder.empty()) {
    return;
  }
  forecast_options options;
  options.horizons = {1, 24};
  options.history.season = 24;
  const auto rows = support::read_recording(folder / "ETTh2.csv.gz", 3500);
  for (const auto& delivery : {support::deliver_clean(rows), support::deliver_dirty(rows)}) {
    support::forecast_run run(delivery, options);
    const auto scores = run.scores();
    const support::forecast_score& mix = scores.back();
    for (std::size_t who = 0; who < support::peer_track::names.size(); ++who) {
      INFO(scores[who].name);
      CHECK(mix.mae[0] < 0.93 * scores[who].mae[0]);
      CHECK(mix.rmse[0] < 0.97 * scores[who].rmse[0]);
      CHECK(mix.mae[1] < scores[who].mae[1]);
    }
  }
}
