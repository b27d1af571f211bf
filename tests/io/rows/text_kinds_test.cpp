// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Units and prefixes behind numbers, codes of text, quotes behind backslashes, names that are
// declared, rows in brackets, and texts that are no rows.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

std::string utf16(std::string_view text, bool little) {
  std::string wide;
  for (const char c : text) {
    wide += little ? std::string{c, '\0'} : std::string{'\0', c};
  }
  return wide;
}

} // namespace

TEST_CASE("units may stand behind numbers without a blank", "[io]") {
  const auto got = read("t,temp,hum,p,lat,v\n1,20.5°C,45%,1013hPa,12ms,3V\n"
                        "2,21.5°C,46%,1014hPa,8ms,4V\n");
  CHECK(got.column("temp") == values{20.5, 21.5});
  CHECK(got.column("hum") == values{45, 46});
  CHECK(got.column("p") == values{1013, 1014});
  CHECK(got.column("lat") == values{12, 8});
  CHECK(got.column("v") == values{3, 4});
  CHECK(parse_cell("1013hPa").kind == cell_kind::number);
  CHECK(parse_cell("3V").kind == cell_kind::word); // or a name
  CHECK(parse_cell("3B").kind == cell_kind::word);
  for (const char* text : {"12ab", "7x", "1st", "3DX", "5e", "20hours"}) {
    CAPTURE(text);
    CHECK(parse_cell(text).kind == cell_kind::text);
  }
}

TEST_CASE("numbers with other prefixes are multiples of the first unit of their column", "[io]") {
  const auto got = read("t,latency,memory,disk\n1,1.5ms,1.5GiB,0B\n2,850µs,512MiB,1kB\n"
                        "3,2s,1048576KiB,1.5MB\n4,7 ms,3 kg,2kB\n");
  CHECK(got.column("latency") == values{1.5, 0.85, 2000, 7});
  CHECK(got.column("memory")[1] == 0.5);
  CHECK(got.column("memory")[2] == 1);
  CHECK(std::isnan(got.column("memory")[3]));
  CHECK(got.column("disk") == values{0, 1000, 1.5e6, 2000});
}

TEST_CASE("letters of prefixes multiply, and m is a thousandth among them", "[io]") {
  const auto got = read("t,rate,cores\n1,800m,120m\n2,1.2k,2\n3,12k,0\n4,3.4M,250m\n5,7,1\n");
  CHECK(got.column("rate") == values{0.8, 1200, 12000, 3.4e6, 7});
  CHECK(got.column("cores") == values{0.12, 2, 0, 0.25, 1});
  CHECK(read("t,way\n1,800m\n2,950m\n").column("way") == values{800, 950});
}

TEST_CASE("decimal commas are known by numbers with units, too", "[io]") {
  const auto got = read("Zeit;T;p\n1;20,5 °C;1013,25hPa\n2;21,5 °C;1014,5hPa\n");
  CHECK(got.column("T") == values{20.5, 21.5});
  CHECK(got.column("p") == values{1013.25, 1014.5});
}

TEST_CASE("a padded number and a flag behind a comma are no decimal fraction", "[io]") {
  const auto got = read("\"date\",\"tmp\",\"slp\"\n\"2024-01-25\",\"+0205,1\",\"10132,1\"\n"
                        "\"2024-01-26\",\"-0015,1\",\"10141,1\"\n");
  REQUIRE(got.rows.size() == 2);
  CHECK(got.rows[0].texts[1] == "+0205,1");
  CHECK(std::isnan(got.column("tmp")[0]));
  CHECK(std::isnan(got.column("slp")[1]));
}

TEST_CASE("text in UTF-16 is read, with a byte order mark and without", "[io]") {
  const std::string_view text = "at,temp\r\n12:00,20.5\r\n12:01,21.5\r\n";
  for (const bool little : {true, false}) {
    for (const bool marked : {true, false}) {
      const std::string mark = !marked ? "" : little ? "\xFF\xFE" : "\xFE\xFF";
      const auto got = read(mark + utf16(text, little));
      CAPTURE(little, marked);
      CHECK(got.reader.fields() == names{"at", "temp"});
      CHECK(got.column("temp") == values{20.5, 21.5});
      CHECK(got.reader.lost_lines() == 0);
      CHECK(got.rows.size() == 2);
    }
  }
  const auto degrees = read(std::string_view("\xFF\xFE"
                                             "a\0,\0\xB0\0\n\0"
                                             "1\0,\0"
                                             "2\0\n\0",
                                             18));
  CHECK(degrees.reader.fields() == names{"a", "°"});
  const auto pair = read(std::string_view("\xFE\xFF\0a\0,\xD8\x3D\xDE\0\0\n\0"
                                          "1\0,\0"
                                          "2",
                                          18));
  CHECK(pair.reader.fields() == names{"a", "\xF0\x9F\x98\x80"});
}

TEST_CASE("quotes within quotes may stand behind a backslash", "[io]") {
  const auto got = read("at,note,temp\n12:00,\"door \\\"A\\\", open\",20.5\n"
                        "12:01,\"\\\"\",21.5\n12:02,\"all, \\\"good\\\"\",22.5\n");
  CHECK(got.reader.fields() == names{"at", "note", "temp"});
  CHECK(got.column("temp") == values{20.5, 21.5, 22.5});
  CHECK(got.rows[0].texts[1] == "door \"A\", open");
  CHECK(got.rows[1].texts[1] == "\"");
  const auto path = read("at,path,temp\n1,\"C:\\dir\\\",20.5\n2,\"C:\\\",21.5\n");
  CHECK(path.rows[0].texts[1] == "C:\\dir\\");
  CHECK(path.column("temp") == values{20.5, 21.5});
}

TEST_CASE("names that lines before the rows declare are those of the columns", "[io]") {
  const auto got = read("% weather\n@RELATION w\n@ATTRIBUTE at DATE \"yyyy-MM-dd HH:mm\"\n"
                        "@ATTRIBUTE 'air temp' NUMERIC\n@attribute play {yes,no}\n@DATA\n"
                        "\"2024-01-25 22:00\",20.5,yes\n\"2024-01-25 22:01\",?,no\n");
  CHECK(got.reader.fields() == names{"at", "air temp", "play"});
  REQUIRE(got.rows.size() == 2);
  CHECK(got.column("air temp")[0] == 20.5);
}

TEST_CASE("rows may stand in brackets, as languages print them", "[io]") {
  const auto tuples = read("(1706220000, 20.5, 'a')\n(1706220060, 21.5, 'b')\n");
  CHECK(tuples.column("column_1") == values{1706220000, 1706220060});
  CHECK(tuples.column("column_2") == values{20.5, 21.5});
  const auto arrays = read("[[ 1.   20.5 ]\n [ 2.   21.5 ]\n [ 3.   nan ]]\n");
  CHECK(arrays.column("column_1") == values{1, 2, 3});
  CHECK(arrays.column("column_2")[1] == 21.5);
  CHECK(read("{\"a\": 1,\n \"b\":\n [ 1 ]\n}\n").column("a") == values{1});
}

TEST_CASE("lines of blanks of any kind alone are no rows", "[io]") {
  for (const std::string_view text :
       {"\xc2\xa0", "\xc2\xa0\n", " \n\xe2\x80\xaf\t\n", "\n \n", "\xef\xbb\xbf"}) {
    CHECK(read(text).rows.empty());
  }
  const auto got = read("\xc2\xa0\na,b\n1,2\n\xc2\xa0\n3,4\n");
  CHECK(got.column("a") == values{1, 3});
}

TEST_CASE("texts that are no rows are refused by what they are", "[io]") {
  const auto refusal = [](std::string_view text) { return read(text).reader.refusal(); };
  using Catch::Contains;
  CHECK_THAT(refusal("<?xml version=\"1.0\"?>\n<gpx>\n<a/>\n"), Contains("XML"));
  CHECK_THAT(refusal("<!DOCTYPE html>\n<table>\n"), Contains("HTML"));
  CHECK_THAT(refusal("# HELP a b\n# TYPE a gauge\na 1\n"), Contains("query_range"));
  CHECK_THAT(refusal("$GPGGA,220000.00,5230.1,N\n$GPRMC,220000.00,A\n"), Contains("gpspipe"));
  CHECK_THAT(refusal("-- MySQL dump 10\nINSERT INTO t VALUES (1,2);\n"), Contains("SQL"));
  CHECK_THAT(refusal("put a.b 1706220000 1 host=x\nput a.b 1706220060 2 host=x\n"),
             Contains("OpenTSDB"));
  CHECK_THAT(refusal("1 1:0.5 7:1\n-1 2:0.25 9:1\n"), Contains("sparse"));
  CHECK_THAT(refusal("1 |f price:0.5 rooms:3\n0 |f price:0.25 rooms:2\n"), Contains("Wabbit"));
  CHECK_THAT(refusal(std::string_view("abc\0\1\2\3,\n", 9)), Contains("no text"));
  CHECK(read("< 5,1\n< 6,2\n").rows.size() == 2);
  CHECK(read("1 12:30 5\n2 12:31 6\n").rows.size() == 2);
  CHECK(read("a | b:c\n1 | 2\n3 | 4\n").rows.size() == 2);
}
