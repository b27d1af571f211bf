// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// What clients of databases, frames of data, instruments and exports of web pages write around,
// between and into their rows.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

double value_of(std::string_view text) { return parse_cell(text).value; }

} // namespace

TEST_CASE("boxes that are drawn with signs of Unicode are tables", "[io]") {
  const std::string_view sqlite = "┌─────────┬──────┐\n│   at    │ temp │\n├─────────┼──────┤\n"
                                  "│ 12:00   │ 20.5 │\n│ 12:01   │ 21.5 │\n└─────────┴──────┘\n";
  const std::string_view polars = "shape: (2, 2)\n┌───────┬──────┐\n│ at    ┆ temp │\n"
                                  "│ ---   ┆ ---  │\n│ str   ┆ f64  │\n╞═══════╪══════╡\n"
                                  "│ 12:00 ┆ 20.5 │\n│ 12:01 ┆ 21.5 │\n└───────┴──────┘\n";
  const std::string_view duckdb = "┌─────────┬────────┐\n│   at    │  temp  │\n"
                                  "│ varchar │ double │\n├─────────┼────────┤\n"
                                  "│ 12:00   │   20.5 │\n│ 12:01   │   21.5 │\n"
                                  "├─────────┴────────┤\n│ 2 rows 2 columns │\n"
                                  "└──────────────────┘\n";
  const std::string_view clickhouse = "┌────at─┬─temp─┐\n│ 12:00 │ 20.5 │\n│ 12:01 │ 21.5 │\n"
                                      "└───────┴──────┘\n";
  for (const std::string_view text : {sqlite, polars, duckdb, clickhouse}) {
    for (const bool live : {false, true}) {
      const auto got = read(text, {}, live);
      INFO(text);
      CHECK(got.column("temp") == values{20.5, 21.5});
      CHECK(got.reader.field("at") != row_reader::no_field);
      CHECK(got.reader.lost_lines() == 0);
    }
  }
}

TEST_CASE("columns that are two blanks apart may have blanks in their names and cells", "[io]") {
  const std::string_view docker =
      "CONTAINER ID   NAME   CPU %     MEM USAGE / LIMIT     MEM %     PIDS\n"
      "3f2a9c1b7d10   web    0.52%     21.3MiB / 7.67GiB     0.27%     5\n"
      "90ab34cd56ef   db     12.10%    210MiB / 7.67GiB      2.74%     31\n";
  const std::string_view kubectl = "NAME    READY   STATUS    RESTARTS     AGE\n"
                                   "web-1   1/1     Running   1 (5m ago)   20\n"
                                   "web-2   0/1     Pending   0            31\n";
  for (const bool live : {false, true}) {
    const auto stats = read(docker, {}, live);
    CHECK(stats.column("CPU %") == values{0.52, 12.1});
    CHECK(stats.column("PIDS") == values{5, 31});
    CHECK(stats.reader.field("MEM USAGE / LIMIT") != row_reader::no_field);
    CHECK(stats.reader.lost_lines() == 0);
    const auto pods = read(kubectl, {}, live);
    CHECK(pods.column("AGE") == values{20, 31});
    CHECK(pods.reader.field("RESTARTS") != row_reader::no_field);
    CHECK(pods.reader.lost_lines() == 0);
    const auto r = read("\"x\" \"y\"\n\"1\" 0.5 3\n\"2\" 1.5 4\n", {}, live); // one blank
    CHECK(r.column("x") == values{0.5, 1.5});
    CHECK(r.column("y") == values{3, 4});
  }
}

TEST_CASE("what clients of databases count below a table is no row", "[io]") {
  for (const std::string_view end : {"(2 rows)", "2 rows in set (0.00 sec)", "2 rows selected.",
                                     "(2 rows affected)", "only showing top 2 rows"}) {
    const auto bars = read("| id | temp |\n| 1 | 20.5 |\n| 2 | 21.5 |\n" + std::string(end) + '\n');
    INFO(end);
    CHECK(bars.column("temp") == values{20.5, 21.5});
    CHECK(bars.reader.lost_lines() == 0);
    const auto blanks =
        read("at temp\n-- ----\n12:00 20.5\n12:01 21.5\n\n" + std::string(end) + '\n');
    CHECK(blanks.column("temp") == values{20.5, 21.5});
    CHECK(blanks.reader.lost_lines() == 0);
  }
  CHECK(read("n,what\n40,rows of seats\n41,rows\n").column("n") == values{40, 41});
}

TEST_CASE("fields may be a name, a sign of equality and a number", "[io]") {
  for (const std::string_view text :
       {"temp=20.5,hum=58\ntemp=21.5,hum=59\n", "temp=20.5 hum=58\ntemp=21.5 hum=59\n",
        "temp = 20.5; hum = 58\ntemp = 21.5; hum = 59\n",
        "temp=20.5\thum:58\ntemp=21.5\thum:59\n"}) {
    const auto got = read(text);
    INFO(text);
    CHECK(got.reader.fields() == names{"temp", "hum"});
    CHECK(got.column("temp") == values{20.5, 21.5});
    CHECK(got.column("hum") == values{58, 59});
  }
}

TEST_CASE("thousands are grouped where other numbers show the decimal point", "[io]") {
  const auto got = read("day,steps,km\n1,\"8,123\",5.25\n2,\"10,456\",6.75\n3,\"9,000\",6.00\n");
  CHECK(got.column("steps") == values{8123, 10456, 9000});
  CHECK(got.column("km") == values{5.25, 6.75, 6});
}

TEST_CASE("names over two lines are one", "[io]") {
  const auto got = read("\"Time\n(UTC)\",\"Temp\n[C]\"\n12:00,20.5\n12:01,21.5\n");
  CHECK(got.reader.fields() == names{"Time (UTC)", "Temp [C]"});
  CHECK(got.rows.size() == 2);
}

TEST_CASE("widths and kinds of fields below the names are neither names nor a row", "[io]") {
  const auto got = read("# provisional\nagency\tsite\tflow\n5s\t15s\t14n\nUSGS\t01646500\t1000\n"
                        "USGS\t01646500\t1010\nUSGS\t01646500\tIce\n");
  CHECK(got.reader.fields() == names{"agency", "site", "flow"});
  REQUIRE(got.rows.size() == 3);
  CHECK(got.column("flow")[1] == 1010);
}

TEST_CASE("settings with empty lines of separators stand before a table", "[io]") {
  const auto got =
      read("Model,MSO2024\n\nPoint Format,Y,,\nHorizontal Scale,4e-05,,\n,,,\nLabel,,,\n"
           "TIME,CH1,CH2,CH3\n-2e-4,1,2,3\n-1e-4,2,3,4\n0,3,4,5\n1e-4,4,5,6\n");
  CHECK(got.reader.fields() == names{"TIME", "CH1", "CH2", "CH3"});
  CHECK(got.column("CH1") == values{1, 2, 3, 4});
}

TEST_CASE("numbers are read as accountants, markets and laboratories write them", "[io]") {
  CHECK(value_of("(12.5)") == -12.5);
  CHECK(value_of("($1'234.50)") == -1234.5);
  CHECK(value_of("12.5-") == -12.5);
  CHECK(value_of("\xE2\x88\x92"
                 "3") == -3);
  CHECK(value_of("1.5K") == 1500);
  CHECK(value_of("2.25M") == 2.25e6);
  CHECK(value_of("1.5B") == 1.5e9);
  CHECK(parse_cell("<0.1").kind == cell_kind::word);
  CHECK(value_of("<0.1") == 0.1);
  CHECK(value_of("> 500") == 500);
  CHECK(value_of("\xE2\x89\xA4 3 mg/l") == 3);
  for (const std::string_view text :
       {"()", "(a)", "(1", "1)", "<", ">", "<b>", "<=50K", "(0, 10]", "\xE2\x88\x92",
        "\xE2\x88\x92"
        "a",
        "-5-", "((1))"}) {
    INFO(text);
    CHECK(parse_cell(text).kind == cell_kind::text);
  }
}

TEST_CASE("limits are values among numbers", "[io]") {
  const auto got = read("day,nox\n1,<0.1\n2,0.25\n3,0.5\n4,<0.1\n");
  CHECK(got.column("nox") == values{0.1, 0.25, 0.5, 0.1});
}

TEST_CASE("lists of objects in a list are rows", "[io]") {
  const auto got = read(R"([[{"state":"20.5","at":"12:00"},{"state":"21.5","at":"12:01"}],)"
                        R"([{"state":"22.5","at":"12:02"}]])"
                        "\n");
  CHECK(got.column("state") == values{20.5, 21.5, 22.5});
}

TEST_CASE("frames of data name their rows, in columns or one by one", "[io]") {
  for (const std::string_view text :
       {R"({"temp":{"1706220000000":20.5,"1706220060000":21.5},)"
        R"("hum":{"1706220000000":58,"1706220060000":null}})",
        R"({"1706220000000":{"temp":20.5,"hum":58},"1706220060000":{"temp":21.5,"hum":null}})"}) {
    const auto got = read(text);
    INFO(text);
    CHECK(got.reader.fields() == names{"index", "temp", "hum"});
    CHECK(got.column("index") == values{1706220000000, 1706220060000});
    CHECK(got.column("temp") == values{20.5, 21.5});
    CHECK(got.column("hum")[0] == 58);
    CHECK(std::isnan(got.column("hum")[1]));
  }
  const auto dated =
      read(R"({"t.max":{"2024-01-25T22:00:00.000Z":20,"2024-01-25T23:00:00.000Z":21}})");
  CHECK(dated.column("t.max") == values{20, 21});
  const auto counted = read(R"({"a":{"0":1,"1":2,"2":3},"b":{"0":4,"1":5,"2":6}})");
  CHECK(counted.reader.fields() == names{"a", "b"});
  CHECK(counted.column("b") == values{4, 5, 6});
}

TEST_CASE("objects with numbered members, one after another, are rows of their own", "[io]") {
  const auto got = read("{\"room\":{\"1\":20.5,\"2\":21.5}}\n{\"room\":{\"1\":20.6,\"2\":21.6}}\n");
  CHECK(got.column("room.1") == values{20.5, 20.6});
  CHECK(got.column("room.2") == values{21.5, 21.6});
}

TEST_CASE("files that are no text are refused by what they are", "[io]") {
  const auto refusal = [](std::string_view text) { return read(text).reader.refusal(); };
  CHECK(refusal("PK\x03\x04\x14").find("spreadsheet") != std::string::npos);
  CHECK(refusal("\xFD"
                "7zXZ")
            .find("xzcat") != std::string::npos);
  CHECK(refusal("\x28\xB5\x2F\xFD").find("zstdcat") != std::string::npos);
  CHECK(refusal("BZh91AY&SY").find("bzcat") != std::string::npos);
  CHECK(refusal("SQLite format 3").find("database") != std::string::npos);
  CHECK(refusal("PAR1").find("Parquet") != std::string::npos);
}
