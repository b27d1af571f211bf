// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/time_zone.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>
#include <hanami/stream/time_format.hpp>

#include "support/skip.hpp"

using namespace hanami;

namespace {

const std::string berlin_rule = "CET-1CEST,M3.5.0,M10.5.0/3";

void put(std::string& to, std::int64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    to += static_cast<char>(value >> (8 * i) & 255);
  }
}

/// A file of a place with clocks 30 minutes ahead until second 1000, then an hour, then by `rule`.
std::string file_of(const std::string& rule) {
  std::string file;
  for (const int time_bytes : {4, 8}) {
    file += "TZif2" + std::string(15, '\0');
    for (const int count : {0, 0, 0, 2, 2, 8}) { // marks, marks, leaps, changes, kinds, letters
      put(file, count, 4);
    }
    put(file, 1000, time_bytes);
    put(file, 5000, time_bytes);
    file += std::string("\1\0", 2);
    put(file, 1800, 4);
    put(file, 0, 2);
    put(file, 3600, 4);
    put(file, 4, 2);
    file += std::string("AAA\0BBB\0", 8);
  }
  return file + '\n' + rule + '\n';
}

time_zone from(const std::string& file) {
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  archive_writer writer;
  writer(detail::zone_file(bytes).read());
  archive_reader reader(writer.bytes());
  time_zone zone;
  reader(zone);
  return zone;
}

double utc(const std::string& text) { return parse_time(text, time_zone()); }

} // namespace

TEST_CASE("a zone by default is UTC, and may be a fixed offset", "[stream]") {
  CHECK(time_zone().to_local(1000) == 1000);
  CHECK(time_zone(std::chrono::minutes(-90)).to_local(1000) == 1000 - 5400);
  CHECK(time_zone("+05:30").offset(0) == 19800);
  CHECK(time_zone("-0800").offset(0) == -28800);
  CHECK(time_zone("+01").to_utc(3600) == 0);
  CHECK(time_zone("Z").offset(0) == 0);
  CHECK_THROWS_AS(time_zone(std::chrono::hours(24)), error);
}

TEST_CASE("a rule moves the clocks in spring and autumn, north and south", "[stream]") {
  const time_zone berlin(berlin_rule);
  CHECK(berlin.offset(utc("2024-03-31 00:59:59Z")) == 3600);
  CHECK(berlin.offset(utc("2024-03-31 01:00:00Z")) == 7200);
  CHECK(berlin.offset(utc("2024-10-27 00:59:59Z")) == 7200);
  CHECK(berlin.offset(utc("2024-10-27 01:00:00Z")) == 3600);
  const time_zone sydney("AEST-10AEDT,M10.1.0,M4.1.0/3");
  CHECK(sydney.offset(utc("2024-01-01 00:00:00Z")) == 39600);
  CHECK(sydney.offset(utc("2024-07-01 00:00:00Z")) == 36000);
  const time_zone nuuk("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); // hours below zero
  CHECK(nuuk.offset(utc("2024-03-31 00:59:59Z")) == -7200);
  CHECK(nuuk.offset(utc("2024-03-31 01:00:00Z")) == -3600);
  const time_zone dublin("IST-1GMT0,M10.5.0,M3.5.0/1"); // winter is what deviates
  CHECK(dublin.offset(utc("2024-01-01 00:00:00Z")) == 0);
  CHECK(dublin.offset(utc("2024-07-01 00:00:00Z")) == 3600);
}

TEST_CASE("days of a rule may be counted from New Year", "[stream]") {
  const time_zone plain("AAA0BBB,J60/0,J300/0"); // March 1, leap year or not
  CHECK(plain.offset(utc("2024-02-29 23:59:59Z")) == 0);
  CHECK(plain.offset(utc("2024-03-01 00:00:00Z")) == 3600);
  CHECK(plain.offset(utc("2023-03-01 00:00:00Z")) == 3600);
  const time_zone counted("AAA0BBB,59/0,300/0"); // February 29, where there is one
  CHECK(counted.offset(utc("2024-02-29 00:00:00Z")) == 3600);
  CHECK(counted.offset(utc("2023-02-28 23:59:59Z")) == 0);
  CHECK(counted.offset(utc("2023-03-01 00:00:00Z")) == 3600);
}

TEST_CASE("local times become UTC, also where clocks are turned", "[stream]") {
  const time_zone berlin(berlin_rule);
  for (const char* text : {"2024-01-15 12:00:00Z", "2024-07-15 12:00:00Z", "2024-03-31 00:30:00Z",
                           "2024-03-31 01:30:00Z", "2024-10-26 23:30:00Z"}) {
    CHECK(berlin.to_utc(berlin.to_local(utc(text))) == utc(text));
  }
  // 2:30 twice: the first time, unless that has been
  const double first = utc("2024-10-27 00:30:00Z");
  const double twice = berlin.to_local(first);
  CHECK(berlin.to_local(first + 3600) == twice);
  CHECK(berlin.to_utc(twice) == first);
  CHECK(berlin.to_utc(twice, first - 1) == first);
  CHECK(berlin.to_utc(twice, first) == first + 3600);
  // 2:30 not at all: half an hour after 2:00 by the old clocks
  CHECK(berlin.to_utc(parse_time("2024-03-31 02:30:00")) == utc("2024-03-31 01:30:00Z"));
}

TEST_CASE("a file of a zone holds its past and a rule for its future", "[stream]") {
  const time_zone zone = from(file_of("CCC-2"));
  CHECK(zone.offset(-1e9) == 1800);
  CHECK(zone.offset(999) == 1800);
  CHECK(zone.offset(1000) == 3600);
  CHECK(zone.offset(4999) == 3600);
  CHECK(zone.offset(5000) == 7200);
  CHECK(from(file_of("")).offset(1e9) == 1800); // no rule: the last change holds
}

TEST_CASE("a damaged file of a zone is refused", "[stream]") {
  const std::string whole = file_of(berlin_rule);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_THROWS_AS(from(whole.substr(0, size)), error);
  }
  CHECK_THROWS_AS(from(file_of("CET-1CEST")), error);
  std::string unknown = whole;
  unknown[whole.size() - berlin_rule.size() - 2 - 8 - 12 - 2] = '\7'; // clocks that are not there
  CHECK_THROWS_AS(from(unknown), error);
  std::string huge = whole;
  huge.replace(32, 4, "\xff\xff\xff\xff");
  CHECK_THROWS_AS(from(huge), error);
}

TEST_CASE("what is no zone is refused", "[stream]") {
  for (const char* name : {"",
                           "Atlantis/Capital",
                           "../../../etc/passwd",
                           "/etc/passwd",
                           "+25:00",
                           "+5:30",
                           "CET",
                           "CET-1CEST",
                           "CET-1CEST,M3.5.0",
                           "CET-1CEST,M13.5.0,M10.5.0",
                           "CET-1CEST,M3.6.0,M10.5.0",
                           "CET-1CEST,M3.5.7,M10.5.0",
                           "CET-1CEST,J0,J10",
                           "CET-1CEST,366,1",
                           "CET-1CEST,M3.5.0,J1x",
                           "CE-1",
                           "<+03-3",
                           "CET--1",
                           "CET-25",
                           "CET-1:60"}) {
    INFO(name);
    if (std::string(name) != "CET") { // a file on most systems
      CHECK_THROWS_AS(time_zone(std::string(name)), error);
    }
  }
}

TEST_CASE("zones of the system are found by name, where it has them", "[stream]") {
  if (detail::zone_path("Europe/Berlin").empty()) {
    hanami_test::skip("the system has no zones");
    return;
  }
  const time_zone berlin("Europe/Berlin");
  const time_zone rule(berlin_rule);
  for (const char* text : {"2024-03-31 00:59:59Z", "2024-03-31 01:00:00Z", "2024-10-27 00:59:59Z",
                           "2024-10-27 01:00:00Z", "2150-07-01 00:00:00Z"}) {
    CHECK(berlin.offset(utc(text)) == rule.offset(utc(text)));
  }
  CHECK(berlin.offset(utc("1945-06-01 00:00:00Z")) == 10800); // double summer time
}

TEST_CASE("times that are none have no offset", "[stream]") {
  const time_zone zone("+01:00");
  CHECK(zone.offset(std::numeric_limits<double>::infinity()) == 0);
  CHECK(std::isnan(zone.to_local(std::nan(""))));
  CHECK(std::isnan(zone.to_utc(std::nan(""))));
}
