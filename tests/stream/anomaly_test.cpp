// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/anomaly.hpp>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

/// Row t of two sensors with a day of 24 rows; the second one has a week of trouble.
std::vector<double> row(std::uint64_t t, bool trouble) {
  const double day = 2 * std::numbers::pi * static_cast<double>(t % 24) / 24;
  const auto noise = [&](std::uint64_t stream) {
    return static_cast<double>(random_signed_unit(4, stream, t));
  };
  return {50 + 10 * std::sin(day) + noise(1),
          trouble ? 3000 + 20 * noise(2) : 3000 + 100 * std::cos(day) + 10 * noise(2)};
}

struct alarms {
  std::vector<std::uint64_t> rows;
  std::vector<std::size_t> columns;
};

alarms watch(std::uint64_t rows, std::uint64_t trouble_from, std::uint64_t trouble_to) {
  forecaster f(2, forecast_options_for(3600));
  anomaly_detector detector(2, {.false_alarms_per_day = 1.0 / 60});
  alarms found;
  for (std::uint64_t t = 0; t < rows; ++t) {
    f.observe(row(t, t >= trouble_from && t < trouble_to), static_cast<double>(t) * 3600);
    const anomaly a = detector.observe(f);
    REQUIRE(a.score >= 0);
    REQUIRE(a.score <= 30);
    if (a.alarm) {
      found.rows.push_back(t);
      found.columns.push_back(a.column);
    }
  }
  return found;
}

} // namespace

TEST_CASE("trouble in one column raises an alarm for it, quiet streams raise few", "[stream]") {
  constexpr std::uint64_t rows = 6000;
  const alarms quiet = watch(rows, rows, rows);
  CHECK(quiet.rows.size() <= 9); // 250 days: 4 were allowed for
  const alarms found = watch(rows, 4000, 4100);
  std::size_t in_time = 0;
  for (std::size_t i = 0; i < found.rows.size(); ++i) {
    if (found.rows[i] >= 4000 && found.rows[i] < 4120) {
      ++in_time;
      CHECK(found.columns[i] == 1);
    }
  }
  CHECK(in_time >= 1);
}

TEST_CASE("an anomaly names what was expected and what was seen", "[stream]") {
  forecaster f(2, forecast_options_for(3600));
  anomaly_detector detector(2);
  for (std::uint64_t t = 0; t < 3000; ++t) {
    f.observe(row(t, false), static_cast<double>(t) * 3600);
    detector.observe(f);
  }
  auto strange = row(3000, false);
  const double usual = strange[1];
  strange[1] += 120;
  f.observe(strange, 3000 * 3600.0);
  const anomaly a = detector.observe(f);
  CHECK(a.column == 1);
  CHECK(a.seen == strange[1]);
  CHECK(a.expected == Approx(usual).margin(30));
  CHECK(a.score > 2);
  CHECK(detector.strangeness(1) > detector.strangeness(0));
}

TEST_CASE("a restored detector goes on to the bit", "[stream]") {
  forecaster f(2, forecast_options_for(3600));
  anomaly_detector detector(2);
  for (std::uint64_t t = 0; t < 1000; ++t) {
    f.observe(row(t, false), static_cast<double>(t) * 3600);
    detector.observe(f);
  }
  archive_writer writer;
  writer(detector);
  anomaly_detector restored(2);
  archive_reader reader(writer.bytes());
  reader(restored);
  REQUIRE(reader.at_end());
  for (std::uint64_t t = 1000; t < 1500; ++t) {
    f.observe(row(t, false), static_cast<double>(t) * 3600);
    REQUIRE(detector.observe(f).score == restored.observe(f).score);
  }
}

TEST_CASE("alarm rates must be above 0", "[stream]") {
  CHECK_THROWS_AS(anomaly_detector(1, {.rows_per_day = 0}), error);
  CHECK_THROWS_AS(anomaly_detector(1, {.false_alarms_per_day = -1}), error);
}
