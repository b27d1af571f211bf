// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/local_clock.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>
#include <hanami/stream/forecaster.hpp>
#include <hanami/stream/time_format.hpp>

using namespace hanami;

namespace {

const time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");

double utc(const char* text) { return parse_time(text, time_zone()); }

} // namespace

TEST_CASE("a clock shows local time, and by how many rows it was moved", "[stream]") {
  local_clock clock(berlin, 1800, 100);
  double time = utc("2024-03-30 22:00:00Z");
  for (int row = 0; row < 6; ++row, time += 1800) {
    clock.advance(time); // the last one: 00:30 UTC, 1:30 in Berlin
  }
  CHECK(calendar_of(clock.now()).hour == 1.5);
  CHECK(clock.moved(0, 1) == 2); // a row later it is 3 o'clock: two rows of half an hour
  CHECK(clock.moved(5, 48) == 2);
  CHECK(clock.moved(6, 48) == 0); // nothing is known of rows before the first
  clock.advance(time);
  CHECK(calendar_of(clock.now()).hour == 3);
  CHECK(clock.moved(0, 1) == 0);
  CHECK(clock.moved(1, 1) == 2);
  clock.advance(std::nan("")); // half an hour later, it may be assumed
  CHECK(std::isnan(clock.now()));
  CHECK(clock.moved(2, 1) == 2);

  archive_writer writer;
  writer(clock);
  local_clock again(berlin, 1800, 100);
  archive_reader reader(writer.bytes());
  reader(again);
  CHECK(again.moved(2, 1) == 2);
}

TEST_CASE("a clock is not moved where none is turned or rows have no step", "[stream]") {
  for (local_clock clock :
       {local_clock(), local_clock(time_zone("+01:00"), 3600, 100), local_clock(berlin, 0, 100)}) {
    clock.advance(utc("2024-03-30 12:00:00Z"));
    clock.advance(utc("2024-03-31 12:00:00Z"));
    CHECK(clock.moved(1, 1) == 0);
  }
}

TEST_CASE("forecasts know beforehand that clocks will be turned", "[stream]") {
  // What people do has its hours in local time.
  const auto load = [](double time) {
    const double day = 2 * std::numbers::pi * calendar_of(berlin.to_local(time)).hour / 24;
    const auto row = static_cast<std::uint64_t>(time / 3600);
    return 100 + 20 * std::sin(day) + 15 * std::cos(3 * day) +
           static_cast<double>(random_signed_unit(1, 1, row));
  };
  forecast_options options = forecast_options_for(3600);
  options.networks = false;
  for (const char* turned : {"2024-03-31 01:00:00Z", "2024-10-27 01:00:00Z"}) {
    options.zone = time_zone();
    forecaster without(1, options);
    options.zone = berlin;
    forecaster with(1, options);
    double worse = 0;
    double better = 0;
    for (double time = utc(turned) - 40 * 86400; time < utc(turned) + 86400; time += 3600) {
      const double value = load(time);
      without.observe({&value, 1}, time);
      with.observe({&value, 1}, time);
      const double truth = load(time + 86400);
      if (time + 86400 >= utc(turned)) { // a day ahead, behind the change
        worse += std::abs(without.predict(0, 1).value - truth);
        better += std::abs(with.predict(0, 1).value - truth);
      }
    }
    CHECK(better < 0.5 * worse);
  }
}
