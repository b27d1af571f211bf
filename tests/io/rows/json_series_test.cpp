// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Documents of series, each with its own points, as databases of time series give them.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

} // namespace

TEST_CASE("series of a document become columns, a row each time, in the order of time", "[io]") {
  struct document {
    const char* text;
    names fields;
  };
  for (const document& d : {
           document{
               R"({"temp":[{"ts":1706220120000,"value":"22"},{"ts":1706220060000,"value":"21"},)"
               R"({"ts":1706220000000,"value":"20"}],"hum":[{"ts":1706220120000,"value":"52"},)"
               R"({"ts":1706220060000,"value":"51"},{"ts":1706220000000,"value":"50"}]})",
               {"time", "hum", "temp"}},
           document{
               R"({"status":"success","data":{"resultType":"matrix","result":[)"
               R"({"metric":{"__name__":"up","job":"temp"},"values":[[1706220000,"20"],)"
               R"([1706220060,"21"],[1706220120,"22"]]},{"metric":{"__name__":"up","job":"hum"},)"
               R"("values":[[1706220000,"50"],[1706220060,"51"],[1706220120,"52"]]}]}})",
               {"time", "temp", "hum"}},
           document{R"([{"target":"temp","datapoints":[[20,1706220000],[21,1706220060],)"
                    R"([22,1706220120]]},{"target":"hum","datapoints":[[50,1706220000],)"
                    R"([51,1706220060],[52,1706220120]]}])",
                    {"time", "temp", "hum"}},
           document{R"([{"metric":"temp","tags":{"host":"a"},"aggregateTags":[],"dps":)"
                    R"({"1706220000":20,"1706220060":21,"1706220120":22}},{"metric":"hum","tags":)"
                    R"({"host":"a"},"dps":{"1706220000":50,"1706220060":51,"1706220120":52}}])",
                    {"time", "temp", "hum"}},
           document{
               "{\n \"MetricDataResults\": [\n  {\n   \"Id\": \"temp\",\n   \"Timestamps\": [\n"
               "    \"2024-01-25T22:02:00Z\",\n    \"2024-01-25T22:01:00Z\",\n"
               "    \"2024-01-25T22:00:00Z\"\n   ],\n   \"Values\": [\n    22,\n    21,\n    20\n"
               "   ],\n   \"StatusCode\": \"Complete\"\n  },\n  {\n   \"Id\": \"hum\",\n"
               "   \"Timestamps\": [\n    \"2024-01-25T22:02:00Z\",\n"
               "    \"2024-01-25T22:01:00Z\",\n    \"2024-01-25T22:00:00Z\"\n   ],\n"
               "   \"Values\": [\n    52,\n    51,\n    50\n   ]\n  }\n ],\n \"Messages\": []\n}\n",
               {"time", "temp", "hum"}},
           document{R"({"temp":[[1706220000000,20],[1706220060000,21],[1706220120000,22]],)"
                    R"("hum":[[1706220000000,50],[1706220060000,51],[1706220120000,52]]})",
                    {"time", "temp", "hum"}},
           document{
               R"({"value":[{"name":{"value":"temp"},"timeseries":[{"data":[)"
               R"({"timeStamp":"2024-01-25T22:00:00Z","average":20},)"
               R"({"timeStamp":"2024-01-25T22:01:00Z","average":21},)"
               R"({"timeStamp":"2024-01-25T22:02:00Z","average":22}]}]},{"name":{"value":"hum"},)"
               R"("timeseries":[{"data":[{"timeStamp":"2024-01-25T22:00:00Z","average":50},)"
               R"({"timeStamp":"2024-01-25T22:01:00Z","average":51},)"
               R"({"timeStamp":"2024-01-25T22:02:00Z","average":52}]}]}]})",
               {"time", "temp", "hum"}},
       }) {
    CAPTURE(d.text);
    const auto got = read(d.text);
    CHECK(got.rows.size() == 3);
    CHECK(got.column("temp") == values{20, 21, 22});
    CHECK(got.column("hum") == values{50, 51, 52});
    CHECK(got.reader.fields().size() == 3);
    CHECK(got.reader.fields().front() == "time");
    CHECK(got.reader.lost_lines() == 0);
  }
}

TEST_CASE("series need not have the same times", "[io]") {
  const auto got = read(R"([{"target":"a","datapoints":[[1,1706220000],[2,1706220060]]},)"
                        R"({"target":"b","datapoints":[[3,1706220060],[null,1706220120]]}])");
  REQUIRE(got.rows.size() == 3);
  CHECK(got.column("time") == values{1706220000, 1706220060, 1706220120});
  CHECK(got.column("a")[1] == 2);
  CHECK(std::isnan(got.column("a")[2]));
  CHECK(std::isnan(got.column("b")[0]));
  CHECK(got.column("b")[1] == 3);
}

TEST_CASE("series that no single label tells apart have the names of several", "[io]") {
  std::string text = R"({"result":[)";
  for (const char* room : {"a", "b"}) {
    for (const char* kind : {"t", "h"}) {
      text += std::string(text.back() == '[' ? "" : ",") + R"({"metric":{"room":")" + room +
              R"(","kind":")" + kind + R"("},"values":[[1706220000,"1"],[1706220060,"2"]]})";
    }
  }
  const auto got = read(text + "]}");
  CHECK(got.reader.fields() == names{"time", "a t", "a h", "b t", "b h"});
  CHECK(got.rows.size() == 2);
}

TEST_CASE("words around lists of rows tell the rows apart where there are several", "[io]") {
  for (const char* text :
       {"{\"metric\":{\"job\":\"x\"},\"values\":[1,2],\"timestamps\":[1706220000000,1706220060000]}"
        "\n"
        "{\"metric\":{\"job\":\"y\"},\"values\":[3,4],\"timestamps\":[1706220000000,1706220060000]}"
        "\n",
        R"({"all":[{"metric":{"job":"x"},"rows":[{"values":1,"n":1},{"values":2,"n":1}]},)"
        R"({"metric":{"job":"y"},"rows":[{"values":3,"n":1},{"values":4,"n":1}]}]})"}) {
    CAPTURE(text);
    const auto got = read(text);
    REQUIRE(got.rows.size() == 4);
    CHECK(got.column("values") == values{1, 2, 3, 4});
    const std::size_t job = got.reader.field("metric.job");
    REQUIRE(job != row_reader::no_field);
    CHECK(got.rows[1].texts[job] == "x");
    CHECK(got.rows[2].texts[job] == "y");
  }
}

TEST_CASE("documents that are mostly something else, or damaged, are no series", "[io]") {
  for (
      const char* text :
      {R"({"time":1,"a":[[1706220000,1],[1706220060,2]]})", R"([{"a":1,"b":2},{"a":3,"b":4}])",
       R"([{"target":"a","datapoints":[[1,1706220000],[2,1706220060]]},{"target")",
       R"([{"target":"a","datapoints":[[1,1706220000],[2]]},{"target":"b","datapoints":[[1],[2,3]]}])",
       R"([{"target":"a","datapoints":[]},{"target":"b","datapoints":[]}])", "[", "[{", "{"}) {
    CAPTURE(text);
    CHECK(read(text).reader.field("time") != 1);
    CHECK(read(text).reader.field("target_2") == row_reader::no_field);
  }
}

TEST_CASE("frames of data that are split keep the names of their rows", "[io]") {
  const auto got = read(R"({"columns":["temp","hum"],"index":[1706220000000,1706220060000],)"
                        R"("data":[[20.5,50],[21.5,null]]})");
  CHECK(got.reader.fields() == names{"index", "temp", "hum"});
  CHECK(got.column("index") == values{1706220000000, 1706220060000});
  CHECK(got.column("temp") == values{20.5, 21.5});
  const auto counted = read(R"({"columns":["a"],"index":[0,1],"data":[[20.5],[21.5]]})");
  CHECK(counted.reader.fields() == names{"a"});
  CHECK(counted.column("a") == values{20.5, 21.5});
}
