// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/io/row_reader.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Rows whose values have their names beside them, all on one line or one on each.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

} // namespace

TEST_CASE("records with a line for each field are rows", "[io]") {
  for (const char* text : {
           "-[ RECORD 1 ]--------\nat   | 2024-01-25 22:00\ntemp | 20.5\nroom | a b\n"
           "-[ RECORD 2 ]--------\nat   | 2024-01-25 22:01\ntemp | 21.5\nroom | \n\n",
           "-[ RECORD 1 ]-+------\nat   | 2024-01-25 22:00\ntemp | 20.5\nroom | a b\n"
           "-[ RECORD 2 ]-+------\nat   | 2024-01-25 22:01\ntemp | 21.5\nroom | c\n",
           "*************************** 1. row ***************************\n"
           "  at: 2024-01-25 22:00\ntemp: 20.5\nroom: a b\n"
           "*************************** 2. row ***************************\n"
           "  at: 2024-01-25 22:01\ntemp: 21.5\nroom: c\n2 rows in set (0.00 sec)\n",
           "  at = 2024-01-25 22:00\ntemp = 20.5\nroom = a b\n\n"
           "  at = 2024-01-25 22:01\ntemp = 21.5\nroom = c\n",
       }) {
    for (const bool live : {false, true}) {
      CAPTURE(text, live);
      const auto got = read(text, {}, live);
      CHECK(got.reader.fields() == names{"at", "temp", "room"});
      REQUIRE(got.rows.size() == 2);
      CHECK(got.column("temp") == values{20.5, 21.5});
      CHECK(got.rows[0].texts == names{"2024-01-25 22:00", "20.5", "a b"});
      CHECK(got.rows[1].texts[0] == "2024-01-25 22:01");
      CHECK(got.reader.lost_lines() == 0);
      CHECK(got.reader.names_itself());
    }
  }
}

TEST_CASE("names beside values on one line are rows, with words and units among them", "[io]") {
  struct line {
    const char* first;
    const char* second;
    names fields;
  };
  for (const line& l : {
           line{"time=2024-01-25T22:00:00Z level=info temp=20.5 msg=\"all = good, so far\"",
                "time=2024-01-25T22:01:00Z level=info temp=21.5 msg=\"\"",
                {"time", "level", "temp", "msg"}},
           line{"[2024-01-25 22:00:00] temp=20.5C hum=40%",
                "[2024-01-25 22:01:00] temp=21.5C hum=41%",
                {"time", "temp", "hum"}},
           line{"temp: 20.5 *C, Humidity: 40.00 %",
                "temp: 21.5 *C, Humidity: 41.00 %",
                {"temp", "Humidity"}},
           line{"Humidity: 40%  temp: 20.5°C 68.9°F  Heat index: 20.1°C",
                "Humidity: 41%  temp: 21.5°C 70.7°F  Heat index: 21.1°C",
                {"Humidity", "temp", "temp_2", "Heat index"}},
           line{"Jan 25 22:00:00 Sensor: 0 temp: 20.5",
                "Jan 25 22:01:00 Sensor: 0 temp: 21.5",
                {"time", "Sensor", "temp"}},
       }) {
    for (const bool live : {false, true}) {
      CAPTURE(l.first, live);
      const auto got = read(std::string(l.first) + '\n' + l.second + '\n', {}, live);
      CHECK(got.reader.fields() == l.fields);
      CHECK(got.column("temp") == values{20.5, 21.5});
      CHECK(got.reader.lost_lines() == 0);
    }
  }
}

TEST_CASE("pairs may come late, go, or stand beside other words, which is said", "[io]") {
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += "a=1 b=2\n";
  }
  const auto got = read(text + "c=7 a=3\nnothing at all\na=4 and more\n");
  REQUIRE(got.rows.size() == 32);
  CHECK(got.column("c")[30] == 7);
  CHECK(got.column("a")[30] == 3);
  CHECK(got.column("a")[31] == 4);
  CHECK(got.reader.lost_lines() == 1);
  CHECK(got.reader.troubles().all().size() == 2);
}

TEST_CASE("logs, answers of ping and lines of other protocols are no pairs", "[io]") {
  for (const char* text : {
           "weather,place=a temp=20.5,hum=40 1706220000\nweather,place=b temp=21.5,hum=41 "
           "1706220060\n",
           "Jan 25 22:00:00 pi kernel: temp 5 too high\nJan 25 22:01:00 pi kernel: temp 6 too "
           "high\n",
           "[22:00:00][D][sensor:094]: 'a': Sending state 20 C\n"
           "[22:01:00][D][sensor:094]: 'a': Sending state 21 C\n",
           "64 bytes from 10.0.0.1: icmp_seq=0 ttl=64 time=20.0 ms\n"
           "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=21.0 ms\n",
           "name: a\nname: b\n",
           "dear reader: hello\nyours: me\n",
       }) {
    CAPTURE(text);
    CHECK_FALSE(read(text).reader.names_itself());
  }
}

TEST_CASE("a reader of records goes on from an archive", "[io]") {
  const std::string text = "-[ RECORD 1 ]---\na | 1\nb | 2\n-[ RECORD 2 ]---\na | 3\nb | 4\n";
  hanami_test::read_rows whole = read(text);
  for (std::size_t cut = 0; cut < 6; ++cut) {
    hanami_test::read_rows got;
    std::size_t at = 0;
    for (std::size_t line = 0; at < text.size(); ++line) {
      if (line == cut) {
        archive_writer writer;
        writer(got.reader);
        got.reader = row_reader();
        archive_reader reader(writer.bytes());
        reader(got.reader);
      }
      const std::size_t end = text.find('\n', at);
      got.feed(text.substr(at, end - at));
      at = end + 1;
    }
    got.finish();
    CAPTURE(cut);
    CHECK(got.column("a") == whole.column("a"));
    CHECK(got.column("b") == values{2, 4});
  }
}
