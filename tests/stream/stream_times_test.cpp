// SPDX-License-Identifier: Apache-2.0
// What a stream model makes of the times of its rows.
#include <hanami/stream/stream_model.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>

using namespace hanami;

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A day with some noise.
double value_at(double seconds) {
  const auto row = static_cast<std::uint64_t>(std::abs(seconds) / 10);
  return 50 + 10 * std::sin(2 * std::numbers::pi * seconds / 86400) +
         static_cast<double>(random_signed_unit(1, 1, row));
}

/// So many rows, so far apart; returns the time after the last one.
double learn(stream_model& model, double time, double step, int rows) {
  for (int row = 0; row < rows; ++row, time += step) {
    model.observe({value_at(time)}, time);
  }
  return time;
}

stream_options fast() {
  stream_options options;
  options.window = 0;
  return options;
}

} // namespace

TEST_CASE("a step that changes for good is followed with its season, and forecasts stay as many",
          "[stream]") {
  stream_model model;
  double time = learn(model, 0, 10, 300);
  CHECK(model.options().step == 10);
  const auto horizons = model.horizons();
  time = learn(model, time, 3600, 24 * 14);
  CHECK(model.options().step == 3600);
  CHECK(model.horizons() == horizons);
  CHECK(model.missing_rows() == 0);
  CHECK(model.rows() == 300 + 24 * 14);
  // as good as one that has never seen another step
  stream_options hourly;
  hourly.step = 3600;
  hourly.horizons = horizons;
  stream_model knows(1, hourly);
  learn(knows, time - 3600 * (24 * 14), 3600, 24 * 14);
  double wrong = 0;
  double wrong_knowing = 0;
  for (int row = 0; row < 100; ++row, time += 3600) {
    wrong += std::abs(model.predict(0).value - value_at(time));
    wrong_knowing += std::abs(knows.predict(0).value - value_at(time));
    model.observe({value_at(time)}, time);
    knows.observe({value_at(time)}, time);
  }
  CHECK(wrong < 1.1 * wrong_knowing);
  time += 5 * 3600;
  model.observe({value_at(time)}, time);
  CHECK(model.missing_rows() == 5);
}

TEST_CASE("without a window, too, a changed step makes no missing rows", "[stream]") {
  stream_model model(1, fast());
  const double time = learn(model, 0, 10, 300);
  learn(model, time, 600, 300);
  CHECK(model.options().step == 600);
  CHECK(model.missing_rows() == 0);
}

TEST_CASE("times that come later tell the step when they come", "[stream]") {
  stream_model model;
  for (int row = 0; row < 50; ++row) {
    model.observe({value_at(row)}, unknown);
  }
  CHECK(model.options().step == 0);
  learn(model, 1e9, 3600, 100);
  CHECK(model.options().step == 3600);
  CHECK(model.missing_rows() == 0);
  CHECK(model.horizons() == std::vector<std::uint32_t>{1});
}

TEST_CASE("rows that come when something happens are never missing", "[stream]") {
  for (const stream_options& options : {stream_options(), fast()}) {
    stream_model model(1, options);
    double time = 0;
    for (std::uint64_t row = 0; row < 1500; ++row) {
      const double chance = 0.5 + 0.5 * static_cast<double>(random_signed_unit(5, 1, row));
      time += row == 700 ? 4 * 86400.0 : chance < 0.7 ? std::floor(3 * chance) : 600 * chance;
      model.observe({value_at(time)}, time);
    }
    CHECK(model.missing_rows() == 0);
    CHECK(model.options().step == 0);
  }
}

TEST_CASE("a clock that is set loses no rows, whether the model is told or not", "[stream]") {
  stream_model model(1, fast());
  learn(model, 0, 60, 30);
  learn(model, 1.7e9, 60, 30);
  CHECK(model.missing_rows() == 0);
  stream_model told(1, fast());
  double time = learn(told, 0, 60, 300);
  told.restart_clock();
  time = learn(told, time + 6000, 60, 30);
  CHECK(told.missing_rows() == 0);
  learn(told, time + 600, 60, 1);
  CHECK(told.missing_rows() == 10);
}

TEST_CASE("a step that is given stays, and counts from the first row on", "[stream]") {
  stream_options options = fast();
  options.step = 60;
  stream_model model(1, options);
  model.observe({1.0}, 0);
  model.observe({1.0}, 300);
  CHECK(model.missing_rows() == 4);
  learn(model, 310, 10, 200);
  CHECK(model.options().step == 60);
  CHECK(model.missing_rows() == 4);
}

TEST_CASE("a model saved while its step changes goes on exactly", "[stream]") {
  for (const stream_options& options : {stream_options(), fast()}) {
    for (const int saved : {3, 39, 41, 45, 49, 50, 60}) {
      const auto time_of = [](int row) {
        return row < 40 ? 60.0 * row : 2400 + 3600.0 * (row - 40);
      };
      stream_model model(1, options);
      for (int row = 0; row < saved; ++row) {
        model.observe({value_at(time_of(row))}, time_of(row));
      }
      stream_model again = from_checkpoint<stream_model>(to_checkpoint(model));
      for (int row = saved; row < 90; ++row) {
        model.observe({value_at(time_of(row))}, time_of(row));
        again.observe({value_at(time_of(row))}, time_of(row));
      }
      CHECK(model.options().step == 3600);
      CHECK(to_checkpoint(again) == to_checkpoint(model));
    }
  }
}
