// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/row_lines.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

using names = std::vector<std::string>;

} // namespace

TEST_CASE("a header names the time and the columns", "[stream]") {
  row_lines lines;
  CHECK(lines.begin("timestamp, \"celsius\" ,hPa"));
  CHECK(lines.timed());
  CHECK(lines.columns() == names{"celsius", "hPa"});
  stream_row row;
  CHECK(lines.read("2024-01-01 06:00:00,21.5,1013", row).empty());
  CHECK(row.time == parse_time("2024-01-01 06:00:00"));
  CHECK(row.time_text == "2024-01-01 06:00:00");
  CHECK(row.values == std::vector<double>{21.5, 1013});
}

TEST_CASE("without a header columns have numbers, and a first field in words is the time",
          "[stream]") {
  row_lines numbers;
  CHECK_FALSE(numbers.begin("1,2"));
  CHECK_FALSE(numbers.timed());
  CHECK(numbers.columns() == names{"column_1", "column_2"});
  row_lines dated;
  CHECK_FALSE(dated.begin("2024-01-01,2"));
  CHECK(dated.timed());
  CHECK(dated.columns() == names{"column_2"});
}

TEST_CASE("flat JSON objects are rows, in any order and with members left out", "[stream]") {
  row_lines lines;
  CHECK_FALSE(lines.begin(R"({"ts": 5, "a": 1, "b c": "2"})"));
  CHECK(lines.columns() == names{"a", "b c"});
  stream_row row;
  CHECK(lines.read(R"( { "b c" : 3e0 ,"ts":"2024-01-01", "other": "x, }" } )", row).empty());
  CHECK(std::isnan(row.values[0]));
  CHECK(row.values[1] == 3);
  CHECK(row.time == parse_time("2024-01-01"));
  for (const char* line : {"{", "{}x", R"({"a":})", R"({"a":{"b":1}})", R"({"a":[1]})", R"({"a":1)",
                           R"({"a":"1)", "1,2", ""}) {
    INFO(line);
    CHECK(lines.read(line, row) == "not a flat JSON object");
  }
}

TEST_CASE("only the columns asked for are taken, in their order", "[stream]") {
  row_lines lines("when", {"c", "a", "c"});
  lines.begin("a,b,c,when");
  CHECK(lines.columns() == names{"c", "a"});
  stream_row row;
  CHECK(lines.read("1,x,3,7", row).empty());
  CHECK(row.values == std::vector<double>{3, 1});
  CHECK(row.time == 7);
  CHECK_THROWS_WITH(row_lines("", {"gale"}).begin("a,b"),
                    Catch::Contains("no column 'gale'; the first line has a, b"));
  CHECK_THROWS_AS(row_lines("when").begin("a,b"), error);
  CHECK_THROWS_AS(row_lines().begin("time"), error);
}

TEST_CASE("missing values have many names, and what is none is said", "[stream]") {
  row_lines lines;
  lines.begin("a,b");
  stream_row row;
  for (const char* line : {",1", "NA,1", "null,1", "?,1", "\"\",1", " ,1", "nan,1"}) {
    INFO(line);
    CHECK(lines.read(line, row).empty());
    CHECK(std::isnan(row.values[0]));
    CHECK(row.values[1] == 1);
  }
  CHECK(lines.read("1, \"2\" ", row).empty());
  CHECK(row.values[1] == 2);
  CHECK(lines.read("1,still", row) == "no number in column 'b': 'still'");
  CHECK(lines.read("1,\x01", row) == "no number in column 'b': '?'");
  CHECK(lines.read("1", row) == "too few fields");
  CHECK(lines.read("1,2,3", row) == "too many fields");
  row_lines timed;
  timed.begin("time,a");
  CHECK(timed.read("yesterday,2", row) == "no time: 'yesterday'");
}

TEST_CASE("with a zone times become UTC, and an hour that is there twice goes on", "[stream]") {
  row_lines lines("", {}, time_zone("CET-1CEST,M3.5.0,M10.5.0/3"));
  lines.begin("time,a");
  std::vector<double> times;
  const auto read = [&](row_lines& from, const char* line) {
    stream_row row;
    REQUIRE(from.read(line, row).empty());
    times.push_back(row.time);
  };
  for (const char* line : {"2024-10-27 01:30,1", "2024-10-27 02:00,1", "2024-10-27 02:30,1"}) {
    read(lines, line);
  }
  archive_writer writer;
  writer(lines);
  row_lines again;
  archive_reader reader(writer.bytes());
  reader(again);
  for (const char* line : {"2024-10-27 02:00,1", "2024-10-27 02:30,1", "2024-10-27T02:00:00Z,1"}) {
    read(again, line);
  }
  for (std::size_t i = 1; i < times.size(); ++i) {
    CHECK(times[i] - times[i - 1] == 1800);
  }
}

TEST_CASE("a damaged choice of fields is refused", "[stream]") {
  row_lines lines;
  lines.begin("a,b");
  archive_writer writer;
  writer(lines);
  auto bytes = writer.bytes();
  bytes[8 + 8 + 9 + 9 + 8] = std::byte{2}; // the place of the first field
  archive_reader reader(bytes);
  CHECK_THROWS_AS(reader(lines), error);
}
