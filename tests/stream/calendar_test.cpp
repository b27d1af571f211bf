// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/calendar.hpp>
#include <hanami/stream/time_format.hpp>

#include <cmath>
#include <limits>
#include <string_view>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("times are read as they stand in recordings", "[stream]") {
  CHECK(parse_time("1970-01-01") == 0);
  CHECK(parse_time("1970-01-02 00:00:01") == 86401);
  CHECK(parse_time("2016-07-01T13:05:00.25") == 1467378300.25);
  CHECK(parse_time("2016-07-01 13:05") == 1467378300);
  CHECK(parse_time("2016-02-29 00:00:00Z") == 1456704000);
  CHECK(parse_time("1467378300.5") == 1467378300.5);
  CHECK(parse_time("-3") == -3);
}

TEST_CASE("what is no time is not known", "[stream]") {
  for (const std::string_view text :
       {"", "yesterday", "2016-02-30", "2016-13-01", "2016-07-01 25:00", "2016-07-01 10:xx",
        "2016-07-", "2016-07-01 ", "inf", "nan", "12:30", "1e999", "2016/07/01"}) {
    INFO(text);
    CHECK(std::isnan(parse_time(text)));
  }
}

TEST_CASE("hour and weekday of a time", "[stream]") {
  const calendar monday = calendar_of(parse_time("2024-01-01 18:30:00"));
  CHECK(monday.hour == Approx(18.5));
  CHECK(monday.weekday == Approx(18.5 / 24));
  CHECK(calendar_of(parse_time("1969-12-28 12:00")).weekday == Approx(6.5));
}

TEST_CASE("a clock counts the rows that are missing", "[stream]") {
  row_clock clock;
  CHECK(clock.step() == 0);
  for (int row = 0; row < 20; ++row) {
    CHECK(clock.missing_before(60.0 * row + (row % 2)) == 0);
  }
  CHECK(clock.step() == Approx(60).margin(1));
  CHECK(clock.missing_before(60.0 * 20) == 0);
  CHECK(clock.missing_before(60.0 * 25) == 4);
  CHECK(clock.missing_before(60.0 * 25) == 0);
  CHECK(clock.missing_before(60.0 * 10) == 0);
  CHECK(clock.missing_before(std::numeric_limits<double>::quiet_NaN()) == 0);
  CHECK(clock.missing_before(1e18, 500) == 500);
}

TEST_CASE("a day is a season where it has a fit number of rows", "[stream]") {
  CHECK(rows_of_day(3600) == 24);
  CHECK(rows_of_day(300) == 288);
  CHECK(rows_of_day(1) == 0);
  CHECK(rows_of_day(86400) == 0);
  CHECK(rows_of_day(0) == 0);
}
