// SPDX-License-Identifier: Apache-2.0
#include <hanami/draw/html_report.hpp>
#include <hanami/draw/plot.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

line_plot errors() {
  line_plot p;
  p.title = "errors";
  p.unit = " %";
  p.x = {0, 500, 1000};
  p.y = {8, 4, 0};
  return p;
}

} // namespace

TEST_CASE("a plot is a figure with its line, axes in round numbers and units", "[draw]") {
  const std::string svg = to_svg(errors());
  CHECK(has(svg, "<figure><figcaption>errors</figcaption>"));
  CHECK(has(svg, "points='52.0,"));
  CHECK(has(svg, "548.0,188.0 ")); // the last sample: 0 stands on the bottom
  CHECK(has(svg, ">10 %</text>"));
  CHECK(has(svg, ">1k</text>"));
  CHECK_FALSE(has(svg, "stroke-dasharray"));
}

TEST_CASE("a plot shows a second line and marks", "[draw]") {
  line_plot p = errors();
  p.beside = {16, 16, 16};
  p.marks = {500};
  const std::string svg = to_svg(p);
  CHECK(has(svg, "stroke-width:1"));
  CHECK(has(svg, "x1='300.0' x2='300.0'"));
  CHECK(has(svg, ">15 %</text>")); // the axis has room for both lines
}

TEST_CASE("a plot shows a band around its line", "[draw]") {
  line_plot p = errors();
  p.low = {6, 2, 0};
  p.high = {18, 6, 1};
  const std::string svg = to_svg(p);
  CHECK(has(svg, "fill-opacity"));
  CHECK(has(svg, ">15 %</text>")); // the axis has room for it
  CHECK_FALSE(has(to_svg(errors()), "fill-opacity"));
}

TEST_CASE("a plot without samples still has axes", "[draw]") {
  CHECK(has(to_svg(line_plot{}), "class='grid'"));
  CHECK_FALSE(has(to_svg(line_plot{}), "polyline"));
}

TEST_CASE("numbers of an axis are short", "[draw]") {
  CHECK(detail::short_number(1234567) == "1.23M");
  CHECK(detail::short_number(-12300) == "-12.3k");
  CHECK(detail::short_number(0.25) == "0.25");
}

TEST_CASE("a report is a page that escapes what it is told and needs no other file", "[draw]") {
  html_report page("rows & columns", "<none>");
  page.begin_numbers();
  page.number(std::uint64_t{1234567}, "rows");
  page.number(std::uint64_t{999}, "columns");
  page.number("98 %", "right");
  page.end_numbers();
  page.card("it's", "a \"note\"", "<b>content</b>", true);
  const auto path = std::filesystem::temp_directory_path() / "hanami_report_test.html";
  page.write(path);
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  CHECK(text.starts_with("<!doctype html>"));
  CHECK(has(text, "<h1>rows &amp; columns</h1><p>&lt;none&gt;</p>"));
  CHECK(has(text, "<b>1,234,567</b><span>rows"));
  CHECK(has(text, "<b>999</b>"));
  CHECK(has(text, "<h2>it&#39;s</h2><p class='note'>a &quot;note&quot;</p><b>content</b>"));
  CHECK_FALSE(has(text, "http"));
  CHECK_THROWS_AS(page.write("/no/such/folder/report.html"), error);
}

TEST_CASE("a picture stands in its address as a bitmap", "[draw]") {
  const std::vector<std::uint8_t> pixels{255, 0, 0, 255, 0, 255};
  const std::string uri = picture_uri(pixels, 2, 3);
  REQUIRE(uri.starts_with("data:image/bmp;base64,Qk"));             // "BM"
  CHECK(uri.size() == 22 + ((14 + 40 + 1024 + 2 * 4) + 2) / 3 * 4); // lines of 4 bytes
}
