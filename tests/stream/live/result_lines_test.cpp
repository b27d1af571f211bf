// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/live/result_lines.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

stream_model model_of(const std::vector<std::string>& names) {
  stream_options options;
  options.horizons = {1, 3};
  options.step = 60;
  return stream_model(names, options);
}

std::string line_of(const stream_model& model, const stream_result& said, bool json) {
  std::string lines;
  result_lines(json).append(lines, 7, "12:00", "", model, said);
  return json ? lines : lines.substr(lines.find('\n') + 1);
}

} // namespace

TEST_CASE("results are lines of CSV with a field for each forecast", "[stream]") {
  stream_model model = model_of({"a", "b"});
  const stream_result& said = model.observe({1.5}); // b has not begun
  std::string lines;
  result_lines writer;
  writer.append(lines, 1, "12:00", "", model, said);
  CHECK(lines ==
        "row,time,a_ahead_1,a_ahead_1_low,a_ahead_1_high,a_ahead_3,a_ahead_3_low,a_ahead_3_high,"
        "b_ahead_1,b_ahead_1_low,b_ahead_1_high,b_ahead_3,b_ahead_3_low,b_ahead_3_high,"
        "score,alarm,expected,seen\n"
        "1,12:00,1.5,1.5,1.5,1.5,1.5,1.5,,,,,,,0,,,\n");
  lines.clear();
  writer.append(lines, 2, "12:01", "", model, said);
  CHECK(lines == "2,12:01,1.5,1.5,1.5,1.5,1.5,1.5,,,,,,,0,,,\n");
  CHECK(writer.headers() == 1);
}

TEST_CASE("a column that comes late brings a new header, and in JSON a new member", "[stream]") {
  for (const bool json : {false, true}) {
    stream_options options;
    options.window = 0;
    options.step = 60;
    stream_model model(options);
    result_lines writer(json);
    std::string lines;
    writer.append(lines, 1, "", "", model, model.observe({{"a", 1.0}}));
    const stream_result early = model.observe({{"a", 1.0}});
    model.observe({{"b", 2.0}});
    writer.append(lines, 2, "", "", model, early); // of when there was no b
    writer.append(lines, 3, "", "", model, model.observe({{"a", 1.0}, {"b", 2.0}}));
    CHECK(writer.headers() == (json ? 0 : 2));
    CHECK(lines == (json ? R"({"row":1,"time":null,"a_ahead_1":1,"a_ahead_1_low":1,)"
                           R"("a_ahead_1_high":1,"score":0,"alarm":null,"expected":null,)"
                           "\"seen\":null}\n"
                           R"({"row":2,"time":null,"a_ahead_1":1,"a_ahead_1_low":1,)"
                           R"("a_ahead_1_high":1,"b_ahead_1":null,"b_ahead_1_low":null,)"
                           R"("b_ahead_1_high":null,"score":0,"alarm":null,)"
                           "\"expected\":null,\"seen\":null}\n"
                           R"({"row":3,"time":null,"a_ahead_1":1,"a_ahead_1_low":1,)"
                           R"("a_ahead_1_high":1,"b_ahead_1":2,"b_ahead_1_low":2,)"
                           R"("b_ahead_1_high":2,"score":0,"alarm":null,)"
                           "\"expected\":null,\"seen\":null}\n"
                         : "row,time,a_ahead_1,a_ahead_1_low,a_ahead_1_high,score,alarm,"
                           "expected,seen\n1,,1,1,1,0,,,\n"
                           "row,time,a_ahead_1,a_ahead_1_low,a_ahead_1_high,b_ahead_1,"
                           "b_ahead_1_low,b_ahead_1_high,score,alarm,expected,seen\n"
                           "2,,1,1,1,,,,0,,,\n3,,1,1,1,2,2,2,0,,,\n"));
  }
}

TEST_CASE("lines of several streams have the field that tells them apart", "[stream]") {
  stream_options options;
  options.window = 0;
  options.step = 60;
  stream_model first(options);
  stream_model second(options);
  result_lines writer(false, "device");
  std::string lines;
  writer.append(lines, 1, "9:00", "a,\"b\"\n", first, first.observe({{"x", 1.0}}));
  writer.append(lines, 1, "9:01", "c", second, second.observe({{"y", 2.0}, {"x", 3.0}}));
  writer.append(lines, 2, "9:02", "", first, first.observe({{"x", 1.0}}));
  CHECK(lines == "row,time,device,x_ahead_1,x_ahead_1_low,x_ahead_1_high,score,alarm,"
                 "expected,seen\n"
                 "1,9:00,\"a,\"\"b\"\"\n\",1,1,1,0,,,\n"
                 "row,time,device,x_ahead_1,x_ahead_1_low,x_ahead_1_high,y_ahead_1,y_ahead_1_low,"
                 "y_ahead_1_high,score,alarm,expected,seen\n"
                 "1,9:01,c,3,3,3,2,2,2,0,,,\n"
                 "2,9:02,,1,1,1,,,,0,,,\n");
  lines.clear();
  result_lines(true, "alarm").append(lines, 1, "", "\xff", first, stream_result());
  CHECK(lines == R"({"row":1,"time":null,"by_alarm":"\ufffd","x_ahead_1":null,)"
                 R"("x_ahead_1_low":null,"x_ahead_1_high":null,"score":0,"alarm":null,)"
                 "\"expected\":null,\"seen\":null}\n");
}

TEST_CASE("saved lines go on without a new header, unless the output is another", "[stream]") {
  stream_options options;
  options.window = 0;
  options.step = 60;
  stream_model model(options);
  result_lines writer;
  std::string lines;
  writer.append(lines, 1, "", "", model, model.observe({{"a", 1.0}}));
  archive_writer saved;
  saved(writer);
  result_lines restored;
  archive_reader(saved.bytes())(restored);
  lines.clear();
  restored.append(lines, 2, "", "", model, model.observe({{"a", 1.0}}));
  CHECK(lines == "2,,1,1,1,0,,,\n");
  restored.begin();
  lines.clear();
  restored.append(lines, 3, "", "", model, model.observe({{"a", 1.0}}));
  CHECK(lines.starts_with("row,time,a_ahead_1,"));
}

TEST_CASE("results are JSON objects in a line each", "[stream]") {
  stream_model model = model_of({"a \"b\""});
  const stream_result& said = model.observe({std::numeric_limits<double>::quiet_NaN()});
  CHECK(line_of(model, said, true) ==
        R"({"row":7,"time":"12:00","a \"b\"_ahead_1":null,"a \"b\"_ahead_1_low":null,)"
        R"("a \"b\"_ahead_1_high":null,"a \"b\"_ahead_3":null,"a \"b\"_ahead_3_low":null,)"
        R"("a \"b\"_ahead_3_high":null,"score":0,"alarm":null,"expected":null,"seen":null})"
        "\n");
}

TEST_CASE("an alarm names its column, what was expected and what was seen", "[stream]") {
  stream_model model = model_of({"a"});
  stream_result said = model.observe({1.0});
  said.anomaly = {3.3014, true, 0, -2.5, 1e17};
  CHECK(line_of(model, said, false) == "7,12:00,1,1,1,1,1,1,3.301,a,-2.5,1e+17\n");
  const std::string json = line_of(model, said, true);
  CHECK(json.find(R"("alarm":"a","expected":-2.5,"seen":1e+17})") != std::string::npos);
}

TEST_CASE("numbers show a thousandth of the usual change, and read back as that", "[stream]") {
  stream_model model = model_of({"a"});
  const stream_result* said = nullptr;
  double value = -3;
  for (int row = 0; row < 200; ++row) {
    value += row % 3 == 0 ? 0.04 : -0.021;
    said = &model.observe({value});
  }
  const std::string line = line_of(model, *said, false);
  std::istringstream fields(line);
  std::string field;
  for (int i = 0; i < 3; ++i) {
    std::getline(fields, field, ',');
  }
  CHECK(std::stod(field) == Approx(said->ahead(0).value).margin(2e-5));
  CHECK(field.size() <= std::string("-3.12345").size());
}
