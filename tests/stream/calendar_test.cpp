// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/calendar.hpp>
#include <hanami/stream/time_format.hpp>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("hour and weekday of a time", "[stream]") {
  const calendar monday = calendar_of(parse_time("2024-01-01 18:30:00"));
  CHECK(monday.hour == Approx(18.5));
  CHECK(monday.weekday == Approx(18.5 / 24));
  CHECK(calendar_of(parse_time("1969-12-28 12:00")).weekday == Approx(6.5));
}

TEST_CASE("a day is a season where it has a fit number of rows", "[stream]") {
  CHECK(rows_of_day(3600) == 24);
  CHECK(rows_of_day(300) == 288);
  CHECK(rows_of_day(1) == 0);
  CHECK(rows_of_day(86400) == 0);
  CHECK(rows_of_day(0) == 0);
}
