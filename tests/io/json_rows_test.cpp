// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

using namespace hanami;
using hanami_test::read;
using hanami_test::read_rows;

namespace {

using strings = std::vector<std::string>;
using numbers = std::vector<double>;

} // namespace

TEST_CASE("objects of JSON are rows, in any order and with members left out", "[io]") {
  const read_rows got = read(R"({"ts": 5, "a": 1, "b c": "2"}
 { "b c" : 3e0 ,"ts":"2024-01-01", "other": "x, }" }
{"a":null,"d":true}
)");
  CHECK(got.reader.fields() == strings{"ts", "a", "b c", "other", "d"});
  REQUIRE(got.rows.size() == 3);
  CHECK(got.rows[1].kinds[1] == cell_kind::absent);
  CHECK(got.rows[1].texts[3] == "x, }");
  CHECK(got.rows[1].texts[0] == "2024-01-01");
  CHECK(got.column("b c")[0] == 2);
  CHECK(got.rows[2].kinds[1] == cell_kind::missing);
  CHECK(got.column("d")[2] == 1);
}

TEST_CASE("nested members have paths, lists are left out and said once", "[io]") {
  const read_rows got = read(R"({"a":{"b":{"c":1},"d":"x"},"e":[1,{"f":"]"}],"g":{}}
{"a":{"d":2},"e":[]}
)");
  CHECK(got.reader.fields() == strings{"a.b.c", "a.d"});
  CHECK(got.column("a.d")[1] == 2);
  REQUIRE(got.reader.troubles().all().size() == 1);
  CHECK(got.reader.troubles().all()[0].message() == "line 1: lists are left out: \"e\" (2 times)");
}

TEST_CASE("objects may stand in a list, several on a line or one on several", "[io]") {
  for (const char* text : {
           "[{\"a\":1},\n{\"a\":2},\n{\"a\":3}]\n",
           "[{\"a\":1},{\"a\":2}\n,{\"a\":3}]",
           "{\"a\":1}{\"a\":2}\n{\"a\":3}\n",
           "{\"a\":1},\n{\"a\":2},\n{\"a\":3},\n",
           "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  },\n  {\n    \"a\": 3\n  }\n]\n",
           "[ {\n\"a\":1\n}, {\n\"a\":2\n}, {\n\"a\":3\n} ]",
           "  {\"a\":1}\n\t{\"a\":2}\r\n  {\"a\":3}  \n",
           "\x1e{\"a\":1}\n\x1e{\"a\":2}\n\x1e{\"a\":3}\n",
           "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n",
           "{\"items\":[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]}\n",
       }) {
    for (const bool live : {false, true}) {
      INFO(text);
      const read_rows got = read(text, {}, live);
      CHECK(got.column("a") == numbers{1, 2, 3});
    }
  }
}

TEST_CASE("words before an object are its topic", "[io]") {
  const read_rows got =
      read("home/a {\"v\":1}\nhome/b {\"v\":2}\n2024-01-01T00:00:00Z x {\"v\":3}\n");
  CHECK(got.column("v") == numbers{1, 2, 3});
  CHECK(got.reader.fields()[0] == "topic");
  CHECK(got.rows[1].texts[0] == "home/b");
}

TEST_CASE("strings are unescaped", "[io]") {
  const read_rows got = read(
      "{\"te\\u006dp\":1,\"a\\\"b\":\"\\u00e9\\n\\\\\\/\\ud83d\\ude00\",\"half\":\"\\ud83d\"}\n");
  CHECK(got.reader.fields() == strings{"temp", "a\"b", "half"});
  CHECK(got.rows[0].texts[1] == "\xC3\xA9\n\\/\xF0\x9F\x98\x80");
  CHECK(got.rows[0].texts[2] == "?");
}

TEST_CASE("what writers of JSON add to it is understood", "[io]") {
  const read_rows got =
      read("{\"a\":NaN,\"b\":Infinity,\"c\":1e999}\n{'a': 1, 'b': None, 'c': True,}\n"
           "{\"a\":+2,\"b\":.5,\"c\":-nan}\n");
  REQUIRE(got.rows.size() == 3);
  CHECK(std::isnan(got.column("a")[0]));
  CHECK(got.rows[0].kinds[1] == cell_kind::infinite);
  CHECK(got.column("c")[1] == 1);
  CHECK(got.column("a")[2] == 2);
  CHECK(got.rows[2].kinds[2] == cell_kind::missing);
}

TEST_CASE("of members of one name the last one counts", "[io]") {
  const read_rows got = read("{\"a\":1,\"a\":2}\n");
  CHECK(got.column("a") == numbers{2});
  CHECK(got.reader.troubles().all().size() == 1);
}

TEST_CASE("a damaged object costs its own line only", "[io]") {
  for (const char* bad :
       {"{\"a\":}", "{\"a\":1", "{\"a\":\"1}", "{\"a\" 2}", "{a:1}", "{\"a\":1 2}", "{\"a\":x}",
        "1,2", "{\"a\":[1}", "{\"a\":{\"b\":1}", "oh {no", "{\"a\""}) {
    INFO(bad);
    const read_rows got =
        read("{\"a\":1}\n{\"a\":2}\n" + std::string(bad) + "\n{\"a\":3}\n{\"a\":4}\n");
    CHECK(got.column("a") == numbers{1, 2, 3, 4});
    CHECK(got.reader.lost_lines() == 1);
  }
}

TEST_CASE("depth and length of an object have limits", "[io]") {
  std::string deep;
  for (int i = 0; i < 100; ++i) {
    deep += "{\"a\":";
  }
  CHECK(read("{\"a\":1}\n" + deep + "1" + std::string(100, '}') + "\n").reader.lost_lines() == 1);
  std::string long_text = "{\"a\":1}\n{\n";
  for (int i = 0; i < 1000; ++i) {
    long_text += "\"b" + std::to_string(i) + "\": 1,\n";
  }
  const read_rows got = read(long_text, {.max_row_bytes = 1000});
  CHECK(got.rows.size() == 1);
  CHECK(got.reader.lost_lines() > 0);
}

TEST_CASE("lists of values are rows, and the first one may name them", "[io]") {
  for (const char* text :
       {"[1,2.5,null]\n[2,-3e1,\"4\"]\n", "[[1,2.5,null],[2,-3e1,\"4\"]]",
        "[\n  [1, 2.5, null],\n  [2, -3e1, \"4\"]\n]\n", "[1,2.5,null],\n[2,-3e1,\"4\"],\n"}) {
    CAPTURE(text);
    const read_rows got = read(text);
    CHECK(got.reader.names_itself());
    CHECK(got.reader.fields() == strings{"column_1", "column_2", "column_3"});
    REQUIRE(got.rows.size() == 2);
    CHECK(got.rows[0].kinds[2] == cell_kind::missing);
    CHECK(got.rows[1].values == numbers{2, -30, 4});
    CHECK(got.reader.troubles().all().empty());
  }
  const read_rows named = read("[\"time\", \"a\"]\n[1, 5]\n[\"time\", \"a\"]\n[2, {\"x\": 6}]\n");
  CHECK(named.reader.fields() == strings{"time", "a", "a.x"});
  CHECK(named.rows.size() == 2);
  CHECK(read("[\"x\", 1]\n[\"y\", 2]\n").rows.size() == 2);
}

TEST_CASE("numbers in brackets that are no list of JSON stay what they are", "[io]") {
  CHECK_FALSE(read("[1. 2. 3.]\n[4. 5. 6.]\n").reader.names_itself());
  const std::string answer = "] 64 bytes from ::1: icmp_seq=1 ttl=64 time=0.03 ms\n";
  CHECK(read("[1700000000.5" + answer + "[1700000001.5" + answer).rows.empty());
  CHECK_FALSE(read("[a],1\n[b],2\n").reader.names_itself());
}

TEST_CASE("rows in a list of an object are read, on one line or on several", "[io]") {
  for (
      const char* text : {
          R"({"data":[{"a":1,"b":2},{"a":3,"b":4}]})",
          R"({"status":"ok","result":{"data":[{"a":1,"b":2},{"a":3,"b":4},{"a":5}]}})",
          R"({"id":7,"name":"x","feeds":[{"a":1,"b":2},{"a":3,"b":4},{"c":"no number"}]})",
          "{\n  \"status\": \"ok\",\n  \"data\": [\n    {\n      \"a\": 1,\n      \"b\": 2\n    },"
          "\n    {\n      \"a\": 3,\n      \"b\": 4\n    }\n  ]\n}\n",
          "{\"data\":[{\"a\":1,\"b\":2}]}\n{\"data\":[{\"a\":3,\"b\":4}]}\n",
          R"({"columns":["a","b"],"values":[[1,2],[3,4],[null,6],[null,8],[null,10],[null,12],[null,14]]})",
          R"({"results":[{"name":"x","columns":["a","b"],"values":[[1,2],[3,4],[null,6],[null,8],[null,10],[null,12],[null,14]]}]})",
          R"({"s":"x","l":[{"m":"y","values":[{"a":1,"b":2}]},{"m":"z","values":[{"a":3,"b":4}]}]})",
      }) {
    CAPTURE(text);
    const read_rows got = read(text);
    REQUIRE(got.rows.size() >= 2);
    CHECK(got.column("a")[0] == 1);
    CHECK(got.column("b")[0] == 2);
    CHECK(got.column("a")[1] == 3);
    CHECK(got.column("b")[1] == 4);
    REQUIRE(got.reader.troubles().all().size() == 1);
    CHECK(got.reader.troubles().all()[0].what == "what is around a list of objects is left out");
  }
}

TEST_CASE("a row that has a list of objects beside its numbers stays one row", "[io]") {
  for (const char* text : {
           "{\"time\":1,\"s\":[{\"v\":1},{\"v\":2},{\"v\":3}]}\n"
           "{\"time\":2,\"s\":[{\"v\":1},{\"v\":2},{\"v\":3}]}\n",
           "{\"at\":\"2024-05-01 12:00\",\"s\":[{\"v\":1},{\"v\":2},{\"v\":3}]}\n"
           "{\"at\":\"2024-05-01 12:01\",\"s\":[{\"v\":1},{\"v\":2},{\"v\":3}]}\n",
           "{\"release\":3,\"x\":1}\n{\"devices\":[{\"v\":1},{\"v\":2},{\"v\":3}],\"y\":5}\n",
       }) {
    CAPTURE(text);
    for (const bool live : {false, true}) {
      const read_rows got = read(text, {}, live);
      CHECK(got.rows.size() == 2);
      CHECK(got.reader.field("v") == row_reader::no_field);
    }
  }
}

TEST_CASE("values that stand in columns, a list each, are rows", "[io]") {
  for (
      const char* text : {
          R"({"time":[1,2,3],"v":[4,null,6.5]})",
          "{\n  \"time\": [1, 2, 3],\n  \"v\": [4,\n null, 6.5]\n}\n",
          R"({"latitude":52.5,"units":{"time":"s"},"day":{"time":[1,2,3,4,5,6,7,8],"v":[4,null,6.5,7.25,8.25,9.25,5.25,4.75]}})",
          R"({"name":"sensor","time":[1,2,3],"v":[4,null,6.5]})",
          "{\"time\":[1,2],\"v\":[4,null]}\n{\"time\":[3,4],\"v\":[6.5,7]}\n",
      }) {
    CAPTURE(text);
    const read_rows got = read(text);
    CHECK(got.reader.fields() == strings{"time", "v"});
    REQUIRE(got.rows.size() >= 3);
    CHECK(got.column("time")[2] == 3);
    CHECK(got.column("v")[0] == 4);
    CHECK(got.rows[1].kinds[1] == cell_kind::missing);
    CHECK(got.column("v")[2] == 6.5);
  }
  const read_rows texts = read(R"({"time":["2024-01-01","2024-01-02"],"s":["a, ]","b\"c"]})");
  REQUIRE(texts.rows.size() == 2);
  CHECK(texts.rows[1].texts == strings{"2024-01-02", "b\"c"});
}

TEST_CASE("lists beside numbers, or of other lengths, are no columns", "[io]") {
  for (const char* text : {
           "{\"ts\":1,\"x\":[1,2,3],\"y\":[1,2,3]}\n{\"ts\":2,\"x\":[1,2,3],\"y\":[1,2,3]}\n",
           "{\"ts\":1,\"x\":2}\n{\"x\":[1,2],\"y\":[1,2],\"ts\":2}\n",
           "{\"v\":{\"x\":[1,2,3],\"y\":[1,2]},\"ts\":1}\n{\"ts\":2}\n",
           "{\"x\":[[1,2],[3,4]],\"y\":[[1],[2]],\"ts\":1}\n{\"ts\":2}\n",
       }) {
    CAPTURE(text);
    const read_rows got = read(text);
    CHECK(got.rows.size() == 2);
    CHECK(got.column("ts")[1] == 2);
    CHECK(got.reader.field("y") == row_reader::no_field);
  }
}
