// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Tables that programs print for people: columns of one width, cells that are empty, names and
// totals around them; and what they print that is no table.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

bool is_missing(double value) { return std::isnan(value); }

} // namespace

TEST_CASE("empty cells of columns that stand below each other are missing", "[io]") {
  const std::string_view sqlite = "time                 temp  hum  wind\n"
                                  "-------------------  ----  ---  ----\n"
                                  "2023-11-14 22:13:20  20.5  50   1\n"
                                  "2023-11-14 22:14:20        51   2\n"
                                  "2023-11-14 22:15:20  22.5       3\n"
                                  "2023-11-14 22:16:20  23.5  53\n";
  const std::string_view docker = "CONTAINER ID   NAME   CPU %   PORTS             PIDS\n"
                                  "3f2a9c1b7d10   wéb    20.5%   80/tcp, 443/tcp   1\n"
                                  "90ab34cd56ef   db     21.5%                     2\n"
                                  "90ab34cd56e0   db2    22.5%   5432/tcp          3\n";
  for (const bool live : {false, true}) {
    const auto rows = read(sqlite, {}, live);
    REQUIRE(rows.rows.size() == 4);
    CHECK(rows.rows[1].texts[0] == "2023-11-14 22:14:20");
    CHECK(is_missing(rows.column("temp")[1]));
    CHECK(rows.column("temp")[2] == 22.5);
    CHECK(rows.column("hum")[1] == 51);
    CHECK(is_missing(rows.column("hum")[2]));
    CHECK(rows.column("hum")[3] == 53);
    CHECK(rows.column("wind")[2] == 3);
    CHECK(is_missing(rows.column("wind")[3]));
    CHECK(rows.reader.lost_lines() == 0);
    const auto stats = read(docker, {}, live);
    CHECK(stats.column("CPU %") == values{20.5, 21.5, 22.5});
    CHECK(stats.column("PIDS") == values{1, 2, 3});
    CHECK(stats.reader.field("CONTAINER ID") != row_reader::no_field);
    CHECK(stats.reader.lost_lines() == 0);
  }
}

TEST_CASE("numbers that end below each other may be longer than the names above them", "[io]") {
  const auto got = read("   id      value   extra\n    1       2.50       9\n"
                        "    2 1234567.50\n    3      12.50      11\n");
  CHECK(got.column("id") == values{1, 2, 3});
  CHECK(got.column("value") == values{2.5, 1234567.5, 12.5});
  CHECK(got.column("extra")[0] == 9);
  CHECK(is_missing(got.column("extra")[1]));
  CHECK(got.column("extra")[2] == 11);
}

TEST_CASE("columns of whole numbers with letters behind them are read below words", "[io]") {
  const auto got =
      read("NAME    CPU(cores)   MEMORY(bytes)   \nweb-1   250m         21Mi            \n"
           "web-2   9m           1300Mi          \n");
  CHECK(got.reader.fields() == names{"NAME", "CPU(cores)", "MEMORY(bytes)"});
  CHECK(got.column("CPU(cores)") == values{250, 9});
  CHECK(got.column("MEMORY(bytes)") == values{21, 1300});
}

TEST_CASE("what clears a terminal's lines is no part of them", "[io]") {
  const auto got = read("\x1b[2J\x1b[HNAME   CPU %   PIDS\x1b[K\nweb    1.5%    5\x1b[K\n"
                        "\x1b[HNAME   CPU %   PIDS\x1b[K\nweb    2.5%    6\x1b[K\n");
  CHECK(got.reader.fields() == names{"NAME", "CPU %", "PIDS"});
  CHECK(got.column("CPU %") == values{1.5, 2.5});
  CHECK(got.column("PIDS") == values{5, 6});
}

TEST_CASE("a printed frame of pandas has its index below the other names", "[io]") {
  const auto got = read("                     temp  hum\ntime                          \n"
                        "2023-11-14 22:13:20  20.5   50\n2023-11-14 22:14:20  21.5   51\n"
                        "2023-11-14 22:15:20  22.5   52\n\n[3 rows x 2 columns]\n");
  CHECK(got.reader.fields() == names{"time", "temp", "hum"});
  CHECK(got.column("hum") == values{50, 51, 52});
  CHECK(got.reader.lost_lines() == 0);
  const auto more =
      read("                       v     h     ok\nt                                    \n"
           "2024-01-01 00:00:00  0.5   0.0   True\n"
           "2024-01-01 00:01:00  1.5   NaN  False\n"
           "2024-01-01 00:02:00  2.5   2.0   True\n");
  CHECK(more.reader.fields() == names{"t", "v", "h", "ok"});
  CHECK(more.column("v") == values{0.5, 1.5, 2.5});
  CHECK(more.column("ok") == values{1, 0, 1});
}

TEST_CASE("kinds of columns below their names are no row, over words, too", "[io]") {
  const auto got =
      read("shape: (3, 3)\n┌─────────────────────┬─────┬─────┐\n"
           "│ t                   ┆ v   ┆ s   │\n│ ---                 ┆ --- ┆ --- │\n"
           "│ datetime[μs]        ┆ f64 ┆ str │\n╞═════════════════════╪═════╪═════╡\n"
           "│ 2024-01-01 00:00:00 ┆ 0.5 ┆ a   │\n│ 2024-01-01 00:01:00 ┆ 1.5 ┆ b   │\n"
           "│ …                   ┆ …   ┆ …   │\n"
           "│ 2024-01-01 00:02:00 ┆ 2.5 ┆ c   │\n└─────────────────────┴─────┴─────┘\n");
  CHECK(got.column("v") == values{0.5, 1.5, 2.5});
  CHECK(got.reader.lost_lines() == 0);
}

TEST_CASE("what programs print that is no table is refused with what would be one", "[io]") {
  const auto refusal = [](std::string_view text) { return read(text).reader.refusal(); };
  const auto says = [](const std::string& text, const char* part) {
    INFO(text);
    return text.find(part) != std::string::npos;
  };
  CHECK(says(refusal("top - 19:18:22 up 22 min,  0 user,  load average: 6.25, 5.01, 2.6\n"
                     "Tasks: 117 total,   7 running\n\n    PID USER   %CPU\n   8287 root   62.5\n"),
             "pidstat -h -r -u 1"));
  CHECK(says(refusal("               total        used        free      shared\n"
                     "Mem:        24000000     5000000    19000000       10000\n"
                     "Swap:              0           0           0\n"),
             "vmstat -t 1"));
  CHECK(says(refusal("Linux 6.1.0 (host) \t11/29/26 \t_x86_64_\t(2 CPU)\n\n11/29/26 19:18:20\n"
                     "avg-cpu:  %user   %nice\n           1.5    2.5\n"),
             "iostat -d"));
  CHECK(says(refusal("time\x1ftemp\x1e"
                     "2023-11-14\x1f"
                     "20.5\x1e"),
             "sqlite3 -csv"));
  CHECK(says(refusal("@relation w\n@attribute a numeric\n@data\n{0 1.5, 2 3}\n{1 2}\n"),
             "write all columns out"));
  CHECK(says(refusal("a.b,1700000000,1700000120,60|1.5,None\na.c,1700000000,1700000120,60|1,2\n"),
             "format=json"));
  CHECK(
      says(refusal("load1 0.25\nrequests_total{code=\"200\"} 17\nrequests_total{code=\"500\"} 1\n"),
           "query_range"));
}

TEST_CASE("lines that are a field in quotes each hold rows", "[io]") {
  const auto got = read("\"time,v,place\"\n\"1,2.5,\"\"a, b\"\"\"\n\"2,3.5,c\"\n");
  REQUIRE(got.reader.fields() == names{"time", "v", "place"});
  CHECK(got.column("v") == values{2.5, 3.5});
  CHECK(got.rows[0].texts[2] == "a, b");
  const auto words = read("\"one, two\"\n\"three\"\n\"four, five\"\n");
  CHECK(words.reader.fields().size() < 2);
}

TEST_CASE("what a client counts below a blank line is no row, with as many words, too", "[io]") {
  const auto got = read("TIME            TEMP        HUM\n--------- ---------- ----------\n"
                        "14-NOV-23       20.5         50\n15-NOV-23       21.5         51\n\n"
                        "TIME            TEMP        HUM\n--------- ---------- ----------\n"
                        "16-NOV-23       22.5         52\n\n3 rows selected.\n");
  CHECK(got.column("TEMP") == values{20.5, 21.5, 22.5});
  CHECK(got.reader.lost_lines() == 0);
}

TEST_CASE("the first column of printed rows may have no name", "[io]") {
  const auto got = read("      Jan  Feb  Mar\n1960 20.0 21.0 22.0\n1961 21.0 22.0 23.0\n"
                        "1962 22.0 23.0 24.0\n");
  CHECK(got.column("Jan") == values{20, 21, 22});
  CHECK(got.column("Mar") == values{22, 23, 24});
}

TEST_CASE("prose in lines of comment above rows is no header", "[io]") {
  const auto got =
      read("# CO2 expressed as a mole\n#\n#            decimal       monthly    days\n"
           "#             date         average\n  2018   1    2018.04      407.5    25\n"
           "  2018   2    2018.13      408.5    24\n  2018   3    2018.21      409.5    25\n");
  CHECK(got.reader.field("CO2") == row_reader::no_field);
  CHECK(got.column("column_4") == values{407.5, 408.5, 409.5});
}

TEST_CASE("a record whose lines come again needs no blank line between", "[io]") {
  std::string text;
  for (int row = 0; row < 3; ++row) {
    text += "battery.charge: 100\nups.load: " + std::to_string(20 + row) + "\nups.status: OL\n";
  }
  const auto got = read(text);
  CHECK(got.column("ups.load") == values{20, 21, 22});
  CHECK(read("temp=48.3'C\ntemp=49.3'C\ntemp=50.3'C\n").column("temp") == values{48.3, 49.3, 50.3});
}

TEST_CASE("signs may be apart from their numbers, and degrees written as they can be", "[io]") {
  const auto got =
      read("n,CH1,CH2,alarm\nNO.,degC,V,A1234\n1,+ 20.5,-  0.25,LL\n2,- 1.5,+  7,LL\n");
  CHECK(got.reader.fields() == names{"n", "CH1", "CH2", "alarm"});
  CHECK(got.column("CH1") == values{20.5, -1.5});
  CHECK(got.column("CH2") == values{-0.25, 7});
  CHECK(read("T=20.5*C H=50%\nT=21.5*C H=51%\n").column("T") == values{20.5, 21.5});
  CHECK(parse_cell("- ").kind != cell_kind::number);
  CHECK(parse_cell("+ a").kind != cell_kind::number);
}
