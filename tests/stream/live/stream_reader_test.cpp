// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/live/stream_reader.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>
#include <hanami/stream/live/live_streams.hpp>

using namespace hanami;

namespace {

struct taken_row {
  std::string key;
  double time;
  std::vector<std::pair<std::string, double>> values;
};

/// The rows that are there by now.
std::vector<taken_row> take(stream_reader& reader) {
  std::vector<taken_row> rows;
  while (reader.next()) {
    const stream_row& row = reader.row();
    rows.push_back({std::string(row.key), row.time, {row.values.begin(), row.values.end()}});
  }
  return rows;
}

std::vector<taken_row> read(stream_reader& reader, const std::vector<std::string>& lines) {
  std::vector<taken_row> rows;
  for (const std::string& line : lines) {
    for (reader.feed(line); reader.next();) {
      const stream_row& row = reader.row();
      rows.push_back({std::string(row.key), row.time, {row.values.begin(), row.values.end()}});
    }
  }
  return rows;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("rows have a time and named values, texts are left out", "[stream]") {
  stream_reader reader;
  CHECK(read(reader, {"when,state,v", "2024-01-01 00:00:00,on air,1.5", "2024-01-01 00:01:00,off,?",
                      "2024-01-01 00:02:00,,2"})
            .empty()); // waited for
  CHECK_FALSE(reader.begun());
  reader.finish();
  const auto rows = take(reader);
  REQUIRE(rows.size() == 3);
  CHECK(reader.begun());
  CHECK(reader.time_description() == "the time is 'when', as %Y-%m-%d %H:%M:%S");
  CHECK(rows[2].time - rows[0].time == 120);
  CHECK(rows[0].values == std::vector<std::pair<std::string, double>>{{"v", 1.5}});
  REQUIRE(rows[1].values.size() == 1);
  CHECK(std::isnan(rows[1].values[0].second));
  CHECK(reader.columns() == names{"v"});
  CHECK(reader.texts() == names{"state"});
}

TEST_CASE("ten rows with dates are enough, and then each comes with its line", "[stream]") {
  stream_reader reader;
  std::size_t rows = 0;
  for (int i = 0; i < 9; ++i) {
    const std::string line = "{\"time\":\"2024-01-01T00:0" + std::to_string(i) + ":00Z\",\"v\":1}";
    reader.feed(line);
    reader.settle();
    rows += take(reader).size();
  }
  CHECK(rows == 0);
  reader.feed("{\"time\":\"2024-01-01T00:09:00Z\",\"v\":1}");
  reader.settle();
  CHECK(take(reader).size() == 10);
  reader.feed("{\"time\":\"2024-01-01T00:10:00Z\",\"v\":1}");
  CHECK(take(reader).size() == 1);
}

TEST_CASE("a field that tells devices apart is the key and no column", "[stream]") {
  stream_reader_options options;
  options.by = "id";
  options.time.field = "none";
  stream_reader reader(options);
  read(reader, {"id,a,b", "7,1,2", "\"x,y\",3,4", ",5,6"});
  reader.finish();
  const auto rows = take(reader);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].key == "7");
  CHECK(rows[1].key == "x,y");
  CHECK(reader.columns() == names{"a", "b"});
  REQUIRE(reader.troubles().all().size() == 1);
  CHECK(reader.troubles().all()[0].message() == "line 4: the row has no 'id' and is left out");
}

TEST_CASE("columns that are asked for are there from the start, or refused", "[stream]") {
  stream_reader_options options;
  options.columns = {"c", "a"};
  options.time.field = "none";
  stream_reader reader(options);
  read(reader, {"a,b,c", "1,2,3"});
  reader.finish();
  const auto rows = take(reader);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].values == std::vector<std::pair<std::string, double>>{{"a", 1}, {"c", 3}});
  options.columns = {"gale"};
  stream_reader wrong(options);
  wrong.feed("a,b,c");
  wrong.feed("1,2,3");
  wrong.finish();
  CHECK_THROWS_WITH(wrong.next(), "there is no column 'gale'; there are a, b, c");
}

TEST_CASE("a time that cannot be read costs no row and is told with what can", "[stream]") {
  stream_reader reader;
  std::vector<std::string> lines = {"time,v"};
  for (int i = 10; i < 40; ++i) {
    lines.push_back((i % 10 == 5 ? "yesterday at noon" : "2024-01-01 00:" + std::to_string(i)) +
                    ",1");
  }
  auto rows = read(reader, lines);
  reader.finish();
  for (taken_row& row : take(reader)) {
    rows.push_back(std::move(row));
  }
  REQUIRE(rows.size() == 30);
  CHECK(std::isnan(rows[5].time));
  REQUIRE(reader.troubles().all().size() == 1);
  CHECK(reader.troubles().all()[0].count == 3);
  CHECK(reader.troubles().all()[0].first.line == 7);
}

TEST_CASE("times that run backwards are told once, and rows stay in their order", "[stream]") {
  const auto lines = [](bool backwards) {
    std::vector<std::string> all = {"Date,Time,v"};
    for (int i = 0; i < 40; ++i) {
      const int minute = backwards ? 59 - i : 10 + i;
      all.push_back("2024-05-01,12:" + std::to_string(minute) + ":00," + std::to_string(i));
    }
    return all;
  };
  for (const bool backwards : {true, false}) {
    stream_reader reader;
    const auto rows = read(reader, lines(backwards));
    REQUIRE(rows.size() == 40);
    CHECK(rows[1].time - rows[0].time == (backwards ? -60 : 60));
    const auto& troubles = reader.troubles().all();
    REQUIRE(troubles.size() == (backwards ? 1 : 0));
    if (backwards) {
      CHECK(troubles[0].message().find("line 2: times run backwards") == 0);
      CHECK(troubles[0].count == 1);
    }
  }
}

TEST_CASE("a message of another kind brings no columns, a sparse stream keeps all", "[stream]") {
  stream_reader_options options;
  options.time.field = "none";
  std::vector<std::string> lines = {R"({"class":"VERSION","major":3})"};
  std::vector<std::string> sparse;
  for (int i = 0; i < 40; ++i) {
    lines.push_back("{\"class\":\"TPV\",\"alt\":" + std::to_string(i) + "}");
    sparse.push_back("{\"k" + std::to_string(i) + "\":1}");
  }
  stream_reader gps(options);
  CHECK(read(gps, lines).size() == 40);
  CHECK(gps.columns() == names{"alt"});
  stream_reader keys(options);
  CHECK(read(keys, sparse).size() == 40);
  CHECK(keys.columns().size() == 40);
}

TEST_CASE("a saved stream reader goes on", "[stream]") {
  stream_reader_options options;
  options.by = "id";
  stream_reader reader(options);
  std::vector<std::string> lines = {"time,id,v"};
  for (int i = 0; i < 40; ++i) {
    lines.push_back(std::to_string(1700000000 + 60 * i) + ",d," + std::to_string(i));
  }
  REQUIRE(read(reader, lines).size() == 40);
  archive_writer saved;
  saved(reader);
  stream_reader again;
  archive_reader(saved.bytes())(again);
  for (stream_reader* one : {&reader, &again}) {
    one->feed("1700002400,e,7");
    const auto rows = take(*one);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].key == "e");
    CHECK(rows[0].time == 1700002400);
    CHECK(rows[0].values[0].second == 7);
  }
}

TEST_CASE("lines become results, each device's by a model of its own", "[stream]") {
  live_options options;
  options.rows.by = "id";
  options.learning.window = 0;
  options.most_devices = 2;
  live_streams streams(options);
  std::string results;
  streams.feed("time,id,v", false, results);
  for (int i = 0; i < 60; ++i) {
    streams.feed(std::to_string(1700000000 + 60 * i) + "," + "abc"[i / 20] + "," +
                     std::to_string(i),
                 false, results);
  }
  streams.finish(results);
  streams.flush(results);
  CHECK(streams.rows() == 60);
  CHECK(streams.devices() == 2);
  REQUIRE(streams.notes().all().size() == 1);
  CHECK(streams.notes().all()[0].message() ==
        "more than 2 devices: the one silent for longest was dropped: \"a\"");
  CHECK(results.starts_with("row,time,id,v_ahead_1,"));
  CHECK(std::count(results.begin(), results.end(), '\n') == 61);
  live_streams nothing(options);
  nothing.finish(results);
  CHECK(nothing.reason() == "there is no row in it");
}

TEST_CASE("several devices in one stream without a key are said", "[stream]") {
  const auto said = [](const stream_reader& reader, const std::string& part) {
    return std::any_of(
        reader.troubles().all().begin(), reader.troubles().all().end(),
        [&](const row_trouble& t) { return t.what.find(part) != std::string::npos; });
  };
  std::vector<std::string> mixed = {"time,room,v"};
  std::vector<std::string> stacked = {"time,room,v"};
  for (int i = 0; i < 40; ++i) {
    const std::string time = std::to_string(1700000000 + 60 * i);
    mixed.push_back(time + ",a,1");
    mixed.push_back(time + ",b,2");
    stacked.push_back(time + ",a,1");
  }
  for (int i = 0; i < 40; ++i) {
    stacked.push_back(std::to_string(1700000000 + 60 * i) + ",b,2");
  }
  for (const std::string by : {"", "room"}) {
    stream_reader_options options;
    options.by = by;
    stream_reader first(options);
    CHECK(read(first, mixed).size() == 80);
    CHECK(said(first, "differ in 'room'") == by.empty());
    stream_reader second(options);
    CHECK(read(second, stacked).size() == 80);
    CHECK(said(second, "where 'room' changes") == by.empty());
  }
  std::vector<std::string> single = {"time,state,v"};
  for (int i = 0; i < 60; ++i) { // the clock is set back, and words change otherwise
    const int at = i < 40 ? i : i - 45;
    single.push_back(std::to_string(1700000000 + 60 * at) + (i % 7 < 3 ? ",on air,1" : ",idle,2"));
  }
  stream_reader reader;
  CHECK(read(reader, single).size() == 60);
  CHECK_FALSE(said(reader, "--by"));
}
