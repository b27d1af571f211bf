// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/csv_writer.hpp>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/load_table.hpp>

#include "support/rows.hpp"

using namespace hanami;

namespace {

using floats = std::vector<float>;
using strings = std::vector<std::string>;

const float nan_value = std::numeric_limits<float>::quiet_NaN();

} // namespace

TEST_CASE("the CSV writer quotes only what needs it", "[io]") {
  std::ostringstream out;
  csv_writer writer(out);
  writer.row(strings{"plain", "with space", "a,b", "say \"hi\"", "two\nlines", ""});
  writer.field("one").field(0.1f).field(1e10f).field(nan_value).end_row();
  writer.row(strings{""});
  REQUIRE(out.str() == "plain,with space,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n"
                       "one,0.1,1e+10,nan\n\"\"\n");
  std::ostringstream semicolons;
  csv_writer(semicolons, ';').row(strings{"a,b", "c;d"});
  REQUIRE(semicolons.str() == "a,b;\"c;d\"\n");
}

TEST_CASE("the CSV writer refuses what it cannot write", "[io]") {
  std::ostringstream out;
  csv_writer writer(out);
  REQUIRE_THROWS_AS(writer.end_row(), error);
  REQUIRE_THROWS_AS(writer.field(std::numeric_limits<float>::infinity()), error);
  REQUIRE_THROWS_AS(csv_writer(out, '"'), error);
  out.setstate(std::ios::badbit);
  REQUIRE_THROWS_AS(writer.row(floats{1}), error);
}

TEST_CASE("text written as CSV reads back as it was", "[io]") {
  const std::string letters = "ab,\"\r\n \t;1\xC3";
  for (std::uint64_t i = 0; i < 300; ++i) {
    const std::size_t width = 1 + random_below(4, 1, i, 0);
    std::vector<strings> rows(3, strings(width));
    std::uint64_t counter = 1;
    for (strings& row : rows) {
      for (std::string& text : row) {
        for (std::uint32_t n = random_below(6, 1, i, counter++); n > 0; --n) {
          text +=
              letters[random_below(static_cast<std::uint32_t>(letters.size()), 1, i, counter++)];
        }
      }
      row[0] += 'x'; // a row of nothing is none
    }
    std::ostringstream out;
    csv_writer writer(out);
    for (const strings& row : rows) {
      writer.row(row);
    }
    const auto got = hanami_test::read(out.str(), {.syntax = row_syntax::csv,
                                                   .separator = ',',
                                                   .quote = '"',
                                                   .comment = no_sign,
                                                   .header = row_header::absent});
    INFO(out.str());
    REQUIRE(got.texts() == rows);
  }
}

TEST_CASE("floats written as CSV read back bit by bit", "[io]") {
  floats values = {0.0f, -0.0f, 1.0f / 3.0f, 1e-45f, std::numeric_limits<float>::max()};
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const float magnitude = std::ldexp(1.0f, static_cast<int>(random_below(250, 4, i, 1)) - 125);
    values.push_back(random_signed_unit(4, i, 0) * magnitude);
  }
  std::ostringstream out;
  csv_writer writer(out);
  for (const float value : values) {
    writer.row(floats{value, nan_value});
  }
  std::istringstream in(out.str());
  const table_dataset data = load_table(in);
  REQUIRE(data.row_count() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    REQUIRE(data.row(i)[0] == values[i]);
    REQUIRE(std::signbit(data.row(i)[0]) == std::signbit(values[i]));
    REQUIRE(std::isnan(data.row(i)[1]));
  }
}
