// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/result_lines.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

stream_model model_of(const std::vector<std::string>& names) {
  stream_options options;
  options.horizons = {1, 3};
  options.step = 60;
  return stream_model(names, options);
}

std::string line_of(const stream_model& model, const stream_result& said, bool json) {
  std::string line;
  result_lines(model, json).append(line, 7, "12:00", model, said);
  return line;
}

} // namespace

TEST_CASE("results are lines of CSV with a field for each forecast", "[stream]") {
  stream_model model = model_of({"a", "b"});
  CHECK(result_lines(model, false).header() ==
        "row,time,a_ahead_1,a_ahead_1_low,a_ahead_1_high,a_ahead_3,a_ahead_3_low,a_ahead_3_high,"
        "b_ahead_1,b_ahead_1_low,b_ahead_1_high,b_ahead_3,b_ahead_3_low,b_ahead_3_high,"
        "probability,alarm,expected,seen\n");
  const stream_result& said = model.observe({1.5}); // b has not begun
  CHECK(line_of(model, said, false) == "7,12:00,1.5,1.5,1.5,1.5,1.5,1.5,,,,,,,1,,,\n");
}

TEST_CASE("results are JSON objects in a line each", "[stream]") {
  stream_model model = model_of({"a \"b\""});
  CHECK(result_lines(model, true).header().empty());
  const stream_result& said = model.observe({std::numeric_limits<double>::quiet_NaN()});
  CHECK(line_of(model, said, true) ==
        R"({"row":7,"time":"12:00","a \"b\"_ahead_1":null,"a \"b\"_ahead_1_low":null,)"
        R"("a \"b\"_ahead_1_high":null,"a \"b\"_ahead_3":null,"a \"b\"_ahead_3_low":null,)"
        R"("a \"b\"_ahead_3_high":null,"probability":1,"alarm":null,"expected":null,"seen":null})"
        "\n");
}

TEST_CASE("an alarm names its column, what was expected and what was seen", "[stream]") {
  stream_model model = model_of({"a"});
  stream_result said = model.observe({1.0});
  said.anomaly = {0.0005, true, 0, -2.5, 1e17};
  CHECK(line_of(model, said, false) == "7,12:00,1,1,1,1,1,1,0.0005,a,-2.5,1e+17\n");
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
