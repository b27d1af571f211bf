// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

struct read_line {
  row_reader reader{{.syntax = row_syntax::line_protocol}};
  bool row = false;

  explicit read_line(std::string_view line) {
    reader.feed(line);
    reader.settle();
    row = reader.next();
  }
  const row_cell& at(std::string_view name) const {
    REQUIRE(reader.field(name) != row_reader::no_field);
    return reader.cells()[reader.field(name)];
  }
};

} // namespace

TEST_CASE("a line of the line protocol is a row", "[io]") {
  const read_line read(
      R"(weather,station=north\ pole,room=2 celsius=-21.5e1,count=3i,open=t,shut=FALSE,note="a \"b\", c=d" 1770000000123456789)");
  REQUIRE(read.row);
  CHECK(read.reader.names_itself());
  CHECK(read.at("measurement").text == "weather");
  CHECK(read.at("station").text == "north pole");
  CHECK(read.at("room").text == "2");
  CHECK(read.at("room").kind == cell_kind::text); // a tag is a name
  CHECK(read.at("celsius").value == -215);
  CHECK(read.at("count").value == 3);
  CHECK(read.at("open").value == 1);
  CHECK(read.at("shut").value == 0);
  CHECK(read.at("note").text == R"(a "b", c=d)");
  CHECK(read.at("time").text == "1770000000123456789");
}

TEST_CASE("names of the line protocol may hold what separates them", "[io]") {
  const read_line read(R"(a\,b=c,t\=x=v\,w m\ n=1,o=2u)");
  REQUIRE(read.row);
  CHECK(read.at("measurement").text == "a,b=c");
  CHECK(read.at("t=x").text == "v,w");
  CHECK(read.at("m n").value == 1);
  CHECK(read.at("o").value == 2);
  CHECK(read.reader.field("time") == row_reader::no_field);
}

TEST_CASE("a damaged line of the line protocol costs no other line", "[io]") {
  row_reader reader{{.syntax = row_syntax::line_protocol}};
  std::vector<double> seen;
  const std::vector<std::string_view> lines = {
      "m x=1 1",  "# a comment", "",        "m x=2\r",    "m",          "m x=",      "m x=1 now",
      ",t=1 x=1", "m,t x=1",     "m x=one", "m x=\"open", "m x=1,,y=2", "m x=1 1 2", "m  x=3  3 "};
  for (const std::string_view line : lines) {
    reader.feed(line);
    reader.settle();
    while (reader.next()) {
      seen.push_back(reader.cells()[reader.field("x")].value);
    }
  }
  CHECK(seen == std::vector<double>{1, 2, 3});
  CHECK(reader.lost_lines() == 9);
}
