// SPDX-License-Identifier: Apache-2.0
// Alarms are as rare as asked for, whatever the noise and the step; bench/streams measures more.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/stream/stream_model.hpp>

#include <support/noise_streams.hpp>

using namespace hanami;

namespace {

/// Alarms of a model that is asked for one in `apart` rows.
std::vector<std::uint64_t> alarms_of(std::uint32_t window, double step, double apart,
                                     std::uint64_t rows, auto next) {
  stream_options options;
  options.window = window;
  options.step = step;
  options.alarms_per_day = 86400 / step / apart;
  stream_model model(1, options);
  std::vector<std::uint64_t> found;
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (model.observe({next(row)}, step * static_cast<double>(row)).anomaly.alarm) {
      found.push_back(row);
    }
  }
  return found;
}

double seen_over_asked(std::uint32_t window, support::noise_kind kind, double step, double apart,
                       std::uint64_t rows) {
  support::noise_stream stream(kind, step, 5);
  const auto found =
      alarms_of(window, step, apart, rows, [&](std::uint64_t) { return stream.next(); });
  return static_cast<double>(found.size()) * apart / static_cast<double>(rows);
}

std::size_t since(const std::vector<std::uint64_t>& alarms, std::uint64_t row) {
  return static_cast<std::size_t>(
      std::count_if(alarms.begin(), alarms.end(), [&](std::uint64_t a) { return a >= row; }));
}

double drawn(std::uint64_t what, std::uint64_t row) {
  return static_cast<double>(random_unit(9, what, row));
}

} // namespace

TEST_CASE("without a window alarms are as rare as asked in every kind of noise", "[stream]") {
  for (std::size_t kind = 0; kind < support::noise_names.size(); ++kind) {
    INFO(support::noise_names[kind]);
    const double ratio =
        seen_over_asked(0, static_cast<support::noise_kind>(kind), 60, 1500, 30000);
    CHECK(ratio >= 0.5);
    CHECK(ratio <= 2);
  }
}

TEST_CASE("with a window they are, too, at every step", "[stream]") {
  for (const double step : {1.0, 3600.0}) {
    for (const auto kind : {support::noise_kind::gaussian, support::noise_kind::student,
                            support::noise_kind::random_walk, support::noise_kind::intermittent}) {
      INFO(step << " s, " << support::noise_names[static_cast<std::size_t>(kind)]);
      const double ratio = seen_over_asked(12, kind, step, 500, 16000);
      CHECK(ratio >= 0.5);
      CHECK(ratio <= 2);
    }
  }
}

TEST_CASE("what recurs is no anomaly after some repeats", "[stream]") {
  constexpr std::uint64_t day = 144;
  constexpr std::uint64_t rows = 60 * day;
  const auto job = [](std::uint64_t row) { // an hour every night
    return drawn(1, row) + (row % day >= 12 && row % day < 18 ? 50 + drawn(2, row / day) : 0);
  };
  const auto rain = [](std::uint64_t row) { // showers of five rows
    return drawn(3, row / 5) < 0.03 ? -3 * std::log(1 - drawn(4, row)) : 0.0;
  };
  const auto sales = [](std::uint64_t row) { // hardly any, and now and then many
    return drawn(5, row) < 0.004  ? std::floor(5 + 15 * drawn(6, row))
           : drawn(7, row) < 0.05 ? 1.0
                                  : 0.0;
  };
  const auto glitch = [](std::uint64_t row) { // a sensor that fails now and then
    return drawn(8, row) < 0.002 ? 85 : 20 + drawn(9, row);
  };
  for (const std::uint32_t window : {12U, 0U}) {
    INFO("window " << window);
    // One is asked for in the second half; there are 30 jobs, 26 showers, 17 sales, 9 glitches in
    // it.
    CHECK(since(alarms_of(window, 600, 4320, rows, job), rows / 2) <= 4);
    CHECK(since(alarms_of(window, 600, 4320, rows, rain), rows / 2) <= 4);
    CHECK(since(alarms_of(window, 600, 4320, rows, sales), rows / 2) <= 4);
    CHECK(since(alarms_of(window, 600, 4320, rows, glitch), rows / 2) <= 4);
  }
}

TEST_CASE("where nearly nothing ever happens, what does seems no stranger from month to month",
          "[stream]") {
  for (const std::uint64_t seed : {1U, 2U}) {
    support::noise_stream stream(support::noise_kind::intermittent, 600, seed);
    const auto found =
        alarms_of(12, 600, 3000, 24000, [&](std::uint64_t) { return stream.next(); });
    CHECK(found.size() <= 16); // 8 are asked for
  }
}

TEST_CASE("and what is worse than what recurs is one", "[stream]") {
  for (const std::uint32_t window : {12U, 0U}) {
    const auto found = alarms_of(window, 600, 4320, 6000, [](std::uint64_t row) {
      return row == 5500 ? 1e6 : drawn(8, row) < 0.002 ? 85 : 20 + drawn(9, row);
    });
    CHECK(std::count(found.begin(), found.end(), 5500U) == 1);
  }
}
