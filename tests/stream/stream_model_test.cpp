// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/stream_model.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/stream/time_format.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

double noise(std::uint64_t what, std::uint64_t row) {
  return static_cast<double>(random_signed_unit(what, 1, row));
}

/// A day of 24 rows with some noise.
double value_at(std::uint64_t row, std::uint64_t what = 1) {
  const double day = 2 * std::numbers::pi * static_cast<double>(row % 24) / 24;
  return 50 + 10 * std::sin(day + static_cast<double>(what)) + noise(what, row);
}

double hours(std::uint64_t row) { return 3600.0 * static_cast<double>(row); }

bool same(const forecast& a, const forecast& b) {
  const auto equal = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  return equal(a.value, b.value) && equal(a.low, b.low) && equal(a.high, b.high);
}

void require_same(const stream_result& a, const stream_result& b) {
  REQUIRE(a.anomaly.score == b.anomaly.score);
  REQUIRE(a.anomaly.alarm == b.anomaly.alarm);
  REQUIRE(a.forecasts.size() == b.forecasts.size());
  for (std::size_t i = 0; i < a.forecasts.size(); ++i) {
    REQUIRE(same(a.forecasts[i], b.forecasts[i]));
  }
}

stream_options fast() {
  stream_options options;
  options.window = 0;
  return options;
}

} // namespace

TEST_CASE("a stream model says in one call what its forecaster and detector say", "[stream]") {
  stream_options options;
  options.step = 3600;
  options.alarms_per_day = 0.1;
  stream_model model(2, options);
  forecaster forecasts(2, forecast_options_for(3600));
  anomaly_detector detector(2, {.rows_per_day = 24, .false_alarms_per_day = 0.1});
  REQUIRE(model.horizons() == std::vector<std::uint32_t>{1, 24});
  for (std::uint64_t row = 0; row < 700; ++row) {
    const std::vector<double> values{value_at(row), row == 600 ? 900 : value_at(row, 2)};
    const stream_result& said = model.observe(values, hours(row));
    forecasts.observe(values, hours(row));
    const anomaly found = detector.observe(forecasts);
    REQUIRE(said.anomaly.score == found.score);
    REQUIRE(said.anomaly.alarm == found.alarm);
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t h = 0; h < 2; ++h) {
        REQUIRE(same(said.ahead(c, h), forecasts.predict(c, h)));
        REQUIRE(same(model.predict(c, h), said.ahead(c, h)));
      }
    }
  }
  CHECK(model.rows() == 700);
}

TEST_CASE("without a window a stream model is a row forecaster", "[stream]") {
  stream_options options = fast();
  options.step = 60;
  stream_model model(1, options);
  row_forecaster alone(1, {.rows_per_day = 1440});
  for (std::uint64_t row = 0; row < 500; ++row) {
    const double value = value_at(row);
    const stream_result& said = model.observe({value}, 60.0 * static_cast<double>(row));
    CHECK(said.anomaly.score == alone.observe({&value, 1}).score);
    CHECK(same(said.ahead(0), alone.predict(0)));
  }
}

TEST_CASE("the first ten times tell the step, and what was learned is learned anew", "[stream]") {
  stream_options hourly;
  hourly.step = 3600;
  stream_model knows(1, hourly);
  stream_model finds;
  for (std::uint64_t row = 0; row < 60; ++row) {
    const stream_result& found = finds.observe({value_at(row)}, hours(row));
    const stream_result& said = knows.observe({value_at(row)}, hours(row));
    if (row < 9) {
      REQUIRE(found.horizons == 1);
      REQUIRE(std::isfinite(found.ahead(0).value)); // it answers from the first row on
    } else {
      require_same(found, said);
    }
  }
  CHECK(finds.horizons() == std::vector<std::uint32_t>{1, 24});
  CHECK(finds.options().step == 3600);
  CHECK(finds.rows() == 60);
}

TEST_CASE("a stream without times, or with one that stands still, has a horizon of a row",
          "[stream]") {
  for (const double time : {missing, 7.0}) {
    stream_model model;
    for (std::uint64_t row = 0; row < 60; ++row) {
      CHECK(model.observe({value_at(row)}, time).forecasts.size() == 1);
    }
    CHECK(model.options().step == 0);
    CHECK(model.missing_rows() == 0);
  }
}

TEST_CASE("rows that are missing by the time of the next one count as empty rows", "[stream]") {
  stream_options options;
  options.step = 3600;
  stream_model gaps(1, options);
  stream_model empty(1, options);
  for (std::uint64_t row = 0; row < 200; ++row) {
    const bool lost = row >= 150 && row < 153;
    if (!lost) {
      gaps.observe({value_at(row)}, hours(row));
    }
    empty.observe({lost ? missing : value_at(row)}, hours(row));
  }
  CHECK(gaps.missing_rows() == 3);
  CHECK(gaps.rows() == 197);
  CHECK(empty.missing_rows() == 0);
  CHECK(same(gaps.predict(0, 1), empty.predict(0, 1)));
}

TEST_CASE("no value is too large to be learned from or held back", "[stream]") {
  constexpr double largest = std::numeric_limits<double>::max();
  for (const stream_options& options : {stream_options(), fast()}) {
    for (const double wild : {largest, -1e39, 1e30, -1e-320}) {
      stream_model model(1, options);
      for (std::uint64_t row = 0; row < 100; ++row) {
        const double value = row % 10 == 0 ? wild : row % 10 == 1 ? -wild : value_at(row);
        const double said = model.observe({value}, hours(row)).ahead(0).value;
        REQUIRE((row < 2 || std::isfinite(said)));
      }
    }
  }
}

TEST_CASE("rows with names bring their columns and leave out what they like", "[stream]") {
  stream_model model;
  model.observe({{"celsius", 20.0}, {"hPa", 1013.0}});
  const std::map<std::string, double> later{{"hPa", 1014}, {"wind", 3}};
  model.observe(later);
  const std::vector<std::pair<std::string_view, int>> numbers{{"wind", 4}, {"wind", 5}};
  const stream_result& said = model.observe(numbers);
  CHECK(model.columns() == std::vector<std::string>{"celsius", "hPa", "wind"});
  CHECK(said.ahead(0).value == 20); // it has not changed so far
  CHECK(model.predict("hPa").value == Approx(1014).margin(1.1));
  CHECK(model.predict("wind").value == Approx(5).margin(2.1)); // the last of the two counts
  CHECK(model.index_of("wind") == 2);
  CHECK_THROWS_AS(model.predict("rain"), error);
}

TEST_CASE("a longer row brings columns, a shorter one leaves the last ones out", "[stream]") {
  stream_model model;
  model.observe({1.0});
  model.observe({1.0, 2.0, 3.0});
  const stream_result& said = model.observe({1.0, 2.0});
  CHECK(model.columns() == std::vector<std::string>{"column_1", "column_2", "column_3"});
  CHECK(said.ahead(1).value == 2);
  CHECK(said.ahead(2).value == 3);
  model.observe({{"column_4", 4.0}});
  model.observe({1.0, 2.0, 3.0, 4.0, 5.0});
  CHECK(model.columns().back() == "column_5");
}

TEST_CASE("a column that comes late is one that was missing so far", "[stream]") {
  stream_options options;
  options.step = 3600;
  stream_model late(1, options);
  stream_model there(2, options);
  for (std::uint64_t row = 0; row < 400; ++row) {
    const bool here = row >= 150 && (row < 250 || row > 300);
    const std::vector<double> both{value_at(row), here ? value_at(row, 2) : missing};
    const stream_result& all = there.observe(both, hours(row));
    const stream_result& some =
        here ? late.observe(both, hours(row)) : late.observe({value_at(row)}, hours(row));
    for (std::size_t i = 0; i < some.forecasts.size(); ++i) {
      REQUIRE(same(some.forecasts[i], all.forecasts[i]));
    }
  }
  CHECK(late.columns().size() == 2);
}

TEST_CASE("without a window, too, a column that comes takes nothing from those there are",
          "[stream]") {
  stream_model grows(1, fast());
  stream_model stays(1, fast());
  double wrong = 0;
  for (std::uint64_t row = 0; row < 4000; ++row) {
    const double first = 100 * std::sin(0.3 * static_cast<double>(row));
    const double second = (row % 2 == 0 ? 5 : -5) + noise(1, row);
    stays.observe({first});
    if (row < 500) {
      grows.observe({first});
      continue;
    }
    if (row >= 3000) {
      wrong += std::abs(grows.predict(1).value - second) / 1000;
    }
    REQUIRE(same(grows.observe({first, second}).ahead(0), stays.predict(0)));
  }
  CHECK(wrong < 2); // it has learned to turn; no change would be wrong by 10
  stream_model soon(1, fast());
  stream_model both(2, fast());
  soon.observe({1.0});
  soon.observe({1.0, 2.0});
  CHECK(soon.bytes() < both.bytes() + both.bytes() / 5); // in one cluster still
}

TEST_CASE("hours and season are those of the zone, and clocks that are turned make no gap",
          "[stream]") {
  stream_options options;
  options.step = 3600;
  options.zone = time_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  stream_model model(1, options);
  forecast_options local = forecast_options_for(3600);
  local.zone = options.zone;
  forecaster alone(1, local);
  const double start = parse_time("2024-03-25 00:00:00Z", time_zone()); // a week that loses an hour
  for (std::uint64_t row = 0; row < 24 * 10; ++row) {
    const double value = value_at(row);
    model.observe({value}, start + hours(row));
    alone.observe({&value, 1}, start + hours(row));
    REQUIRE(same(model.predict(0, 1), alone.predict(0, 1)));
  }
  CHECK(model.missing_rows() == 0);
}

TEST_CASE("times of the system's clock are seconds", "[stream]") {
  using namespace std::chrono;
  CHECK(seconds_of(sys_days{January / 2 / 1970} + milliseconds{250}) == 86400.25);
}

TEST_CASE("a saved stream model goes on exactly, whenever it was saved", "[stream]") {
  stream_options zoned;
  zoned.zone = time_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  zoned.horizons = {1, 3};
  zoned.window = 5;
  for (const stream_options& options : {stream_options(), fast(), zoned}) {
    for (const std::uint64_t saved : {0U, 1U, 5U, 9U, 10U, 300U}) {
      stream_model model(options);
      for (std::uint64_t row = 0; row < saved; ++row) {
        model.observe({{"a", value_at(row)}, {"b", value_at(row, 2)}}, hours(row));
      }
      stream_model again = from_checkpoint<stream_model>(to_checkpoint(model));
      REQUIRE(again.columns() == model.columns());
      REQUIRE(again.options().step == model.options().step);
      for (std::uint64_t row = saved; row < saved + 100; ++row) {
        const std::uint64_t at = row + (row > saved + 50 ? 2 : 0); // a gap
        const auto& said = model.observe({{"b", value_at(at)}, {"c", value_at(at, 2)}}, hours(at));
        require_same(again.observe({{"b", value_at(at)}, {"c", value_at(at, 2)}}, hours(at)), said);
      }
      REQUIRE(again.missing_rows() == model.missing_rows());
      REQUIRE(to_checkpoint(again) == to_checkpoint(model));
    }
  }
}

TEST_CASE("a damaged or made-up stream model is refused", "[stream]") {
  stream_model model(2);
  model.observe({1.0, 2.0}, 3);
  archive_writer whole;
  whole(model);
  for (std::size_t size = 0; size < whole.bytes().size(); size += 1 + whole.bytes().size() / 60) {
    archive_reader reader(std::span(whole.bytes()).first(size));
    stream_model other;
    CHECK_THROWS_AS(reader(other), error);
  }
  archive_writer many;
  many(stream_options(), std::vector<std::string>(10000), 0.0);
  archive_reader reader(many.bytes());
  CHECK_THROWS_WITH(reader(model), Catch::Contains("more columns than the data can be of"));
}

TEST_CASE("a stream model refuses what it cannot be or take, and has then not changed",
          "[stream]") {
  const auto with = [](auto change) {
    stream_options options;
    change(options);
    return options;
  };
  for (const stream_options& options : {
           with([](stream_options& o) { o.window = 1001; }),
           with([](stream_options& o) {
             o.horizons = {2, 1};
           }),
           with([](stream_options& o) { o.horizons = {0}; }),
           with([](stream_options& o) { o.step = -1; }),
           with([](stream_options& o) { o.step = missing; }),
           with([](stream_options& o) { o.alarms_per_day = 0; }),
       }) {
    CHECK_THROWS_AS(stream_model(options), error);
  }
  CHECK_THROWS_AS(stream_model(std::vector<std::string>{"a", "a"}), error);
  CHECK_THROWS_AS(stream_model(10001), error);

  stream_model model(1, fast());
  model.observe({1.0});
  const auto before = to_checkpoint(model);
  CHECK_THROWS_AS(model.observe(std::vector<double>(10001)), error);
  std::map<std::string, double> names;
  for (int i = 0; i < 10000; ++i) {
    names.emplace(std::to_string(i), 1);
  }
  CHECK_THROWS_AS(model.observe(names), error);
  CHECK(to_checkpoint(model) == before);
}
