// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Lines of a name and a number, as brokers of messages print topics and what is sent below them.

using namespace hanami;
using hanami_test::read;
using hanami_test::read_rows;

namespace {

using strings = std::vector<std::string>;

/// Lines of three names in turn, from `begin`, what is before each one included.
std::string lines_of(const strings& names, const strings& values, const std::string& before = "") {
  std::string text;
  for (std::size_t i = 0; i < 30; ++i) {
    std::string front = before;
    if (const std::size_t at = front.find("SS"); at != std::string::npos) {
      front.replace(at, 2, std::to_string(10 + i));
    }
    text += front + names[i % names.size()] + ' ' + values[i % values.size()] + '\n';
  }
  return text;
}

} // namespace

TEST_CASE("topics and numbers apart by a blank are rows of a text and a number", "[io]") {
  const strings topics{"home/a", "home/b", "garden/soil/7"};
  for (const bool live : {false, true}) {
    const read_rows got = read(lines_of(topics, {"21", "40.5", "-3.25"}), {}, live);
    REQUIRE(got.reader.refusal() == "");
    REQUIRE(got.rows.size() == 30);
    CHECK_FALSE(got.reader.headed());
    CHECK(got.rows[0].texts == strings{"home/a", "21"});
    CHECK(got.rows[2].values[1] == -3.25);
    CHECK(got.rows[29].texts[0] == "garden/soil/7");
    CHECK(got.reader.troubles().all().empty());
  }
}

TEST_CASE("two lines of topics are enough", "[io]") {
  const read_rows got = read("home/a 21\nhome/b 40.5\n", {}, true);
  REQUIRE(got.rows.size() == 2);
  CHECK(got.column("column_2") == std::vector<double>{21, 40.5});
}

TEST_CASE("words below topics are no header and cost no row", "[io]") {
  const read_rows got = read("home/a 21\nhome/status online\nhome/a 22\nhome/b 7.5\nhome/a 23\n"
                             "home/status offline\nhome/a 24\nhome/new/topic words\n");
  REQUIRE(got.rows.size() == 8);
  CHECK(got.reader.fields() == strings{"column_1", "column_2"});
  CHECK(got.rows[1].texts == strings{"home/status", "online"});
  CHECK(got.rows[7].texts == strings{"home/new/topic", "words"});
}

TEST_CASE("topics apart from numbers by commas have no header either", "[io]") {
  const read_rows got = read("home/a,21\nhome/b,40.5\nhome/c,7.5\n");
  CHECK_FALSE(got.reader.headed());
  CHECK(got.rows.size() == 3);
}

TEST_CASE("names without strokes count where they come again, below a header, too", "[io]") {
  CHECK(read(lines_of({"temp", "hum"}, {"21", "40.5", "7"})).rows.size() == 30);
  const read_rows got = read("topic value\n" + lines_of({"home/a", "home/b"}, {"21", "40.5"}));
  CHECK(got.reader.fields() == strings{"topic", "value"});
  CHECK(got.rows.size() == 30);
}

TEST_CASE("a time may stand before the topic", "[io]") {
  for (const char* before :
       {"2024-05-01T12:00:SS+0200 ", "17145576SS.123 ", "2024-05-01T12:00:SSZ  "}) {
    CAPTURE(before);
    const read_rows got = read(lines_of({"home/a", "home/b"}, {"21", "40.5"}, before));
    REQUIRE(got.rows.size() == 30);
    CHECK(got.rows[1].texts[1] == "home/b");
    CHECK(got.rows[1].values[2] == 40.5);
  }
}

TEST_CASE("a time before the topic of an object is a field of its own", "[io]") {
  for (const char* before : {"2024-05-01T12:00:SS+0200", "17145576SS.123", "2024-05-01 12:00:SS"}) {
    CAPTURE(before);
    std::string expected = before;
    expected.replace(expected.find("SS"), 2, "11");
    const read_rows got =
        read(lines_of({"home/a", "home/b"}, {"{\"v\":1}"}, std::string(before) + ' '));
    REQUIRE(got.rows.size() == 30);
    CHECK(got.reader.fields() == strings{"received_time", "topic", "v"});
    CHECK(got.rows[1].texts == strings{expected, "home/b", "1"});
  }
}

TEST_CASE("sentences, logs and other protocols are no rows of names and numbers", "[io]") {
  for (const char* text : {
           "The quick brown fox\njumps over 7\nlazy dogs. It\nwas 5\n",
           "It was 5.\nAnd then 6.\nIt was 7.\n",
           "PING example (192.0.2.1) 56(84) bytes of data.\n"
           "64 bytes from 192.0.2.1: icmp_seq=1 ttl=117 time=11.2 ms\n"
           "64 bytes from 192.0.2.1: icmp_seq=2 ttl=117 time=12.2 ms\n",
           "weather temperature=82\nweather temperature=83\nweather temperature=84\n",
           "weather,site=a temperature=82 1465839830100400200\n"
           "weather,site=a temperature=83 1465839831100400200\n",
           "# HELP load of the last minutes\n# TYPE load gauge\nload_1 0.5\nload_5 0.25\nup 1\n",
       }) {
    CAPTURE(text);
    const read_rows got = read(text);
    CHECK(got.rows.empty());
    CHECK(got.reader.refusal().find("it is no table") == 0);
  }
}

TEST_CASE("a line that is nearly empty is no name and no number", "[io]") {
  for (const char* text : {"\n\r \x84n", "\n\r 5", " \n \" 7", "\"\" 1\n\"\" 2"}) {
    CAPTURE(text);
    for (const bool live : {false, true}) {
      CHECK(read(text, {}, live).rows.size() <= 2);
    }
  }
}
