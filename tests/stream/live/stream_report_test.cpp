// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/live/stream_report.hpp>

#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <support/scratch_folder.hpp>

using namespace hanami;

namespace {

std::string page_of(const stream_report& report, const stream_model& model) {
  const scratch_folder folder;
  stream_page page("here", 3);
  page.add("", report, model);
  page.write(folder.path / "page.html");
  std::ifstream file(folder.path / "page.html");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

stream_options fast() {
  stream_options options;
  options.window = 0;
  return options;
}

/// Some rows, the last one wild, for every report alike.
void learn(stream_model& model, const std::vector<stream_report*>& reports, int first, int last) {
  for (int row = first; row < last; ++row) {
    const double value = row == 1199 ? 1e6 : 20 + 5 * std::sin(0.3 * row) + row % 7;
    const stream_result& said = model.observe({{"a<b", value}});
    for (stream_report* const report : reports) {
      report->add(std::vector<double>{value}, "t" + std::to_string(row), model, said);
    }
  }
}

} // namespace

TEST_CASE("a page shows a stream's rows, errors, alarms and memory", "[stream]") {
  stream_model model(fast());
  stream_report report;
  learn(model, {&report}, 0, 1200);
  const std::string page = page_of(report, model);
  CHECK(has(page, "<p>here</p>"));
  CHECK(has(page, "<b>1,200</b><span>rows"));
  CHECK(has(page, "<b>3</b><span>damaged lines"));
  CHECK(has(page, "<h2>a&lt;b</h2>"));
  CHECK(has(page, "row 1200  t1199  a&lt;b  expected "));
  CHECK(has(page, "seen 1e+06"));
  CHECK(has(page, "stroke-dasharray")); // the alarm in the plot
  CHECK(has(page, "memory of the model"));
}

TEST_CASE("a page shows intervals, the rows to come, and the whole stream with its times",
          "[stream]") {
  stream_options options;
  options.horizons = {1, 24};
  options.step = 3600;
  stream_model model(options);
  stream_report report;
  learn(model, {&report}, 0, 300);
  const std::string page = page_of(report, model);
  CHECK(has(page, "fill-opacity")); // the band of the intervals
  CHECK(has(page, "rows to come"));
  CHECK(has(page, "the whole stream, means, all alarms marked; from t0 to t299"));
  stream_model one(fast());
  stream_report short_report;
  learn(one, {&short_report}, 0, 300);
  CHECK_FALSE(has(page_of(short_report, one), "rows to come"));
}

TEST_CASE("a page about columns that came late or never had a value", "[stream]") {
  stream_model model(fast());
  stream_report report;
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  for (int row = 0; row < 50; ++row) {
    const std::vector<double> values =
        row < 20 ? std::vector<double>{1.0 * row} : std::vector<double>{1.0 * row, 5.0, missing};
    report.add(values, {}, model, model.observe(values));
  }
  const std::string page = page_of(report, model);
  CHECK(has(page, "<h2>column_2</h2><figure>"));
  CHECK(has(page, "<h2>column_3</h2><p class='note'>no values</p>"));
}

TEST_CASE("a saved report goes on", "[stream]") {
  stream_model model(fast());
  stream_report report;
  learn(model, {&report}, 0, 700);
  stream_report again = from_checkpoint<stream_report>(to_checkpoint(report));
  learn(model, {&report, &again}, 700, 1200);
  const bool same = page_of(again, model) == page_of(report, model);
  CHECK(same);
}

TEST_CASE("means of stretches are those of all rows, and never many", "[stream]") {
  stretch_means means;
  for (int row = 0; row < 5000; ++row) {
    means.add(row % 2 == 0 ? row : std::numeric_limits<double>::quiet_NaN());
  }
  std::vector<double> rows;
  std::vector<double> values;
  means.points(rows, values);
  REQUIRE(rows.size() == values.size());
  REQUIRE(rows.size() > 200);
  REQUIRE(rows.size() < 512);
  const double stretch = rows[0];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i] == stretch * static_cast<double>(i + 1));
    CHECK(values[i] == Approx(rows[i] - stretch / 2).margin(1.01)); // the middle of its stretch
  }
}

TEST_CASE("stretches without a value have no mean", "[stream]") {
  stretch_means means;
  for (const double value : {1.0, std::numeric_limits<double>::quiet_NaN(), 3.0}) {
    means.add(value);
  }
  std::vector<double> rows;
  std::vector<double> values;
  means.points(rows, values);
  CHECK(rows == std::vector<double>{1, 3});
  CHECK(values == std::vector<double>{1, 3});
}
