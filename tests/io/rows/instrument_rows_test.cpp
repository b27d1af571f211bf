// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

// Rows of instruments: settings before and beside them, a first time and a rate instead of times,
// times in parts without names.

using namespace hanami;
using hanami_test::read;

namespace {

using names = std::vector<std::string>;
using values = std::vector<double>;

std::size_t notes(const hanami_test::read_rows& got) { return got.reader.troubles().all().size(); }

} // namespace

TEST_CASE("settings beside the rows of an oscilloscope are no columns", "[io]") {
  std::string text = "Record Length,2.5e+03,,  -0.0002,   0.25,\nSample Interval,2e-07,,  -0.0001,"
                     "   0.50,\n,,,  0.0000,   0.75,\nSource,CH1,,  0.0001,   1.00,\n";
  for (int row = 2; row < 40; ++row) {
    text += ",,,  " + std::to_string(1e-4 * row) + ",   " + std::to_string(0.25 * row) + ",\n";
  }
  const auto got = read(text);
  CHECK(got.reader.fields() == names{"time", "CH1"});
  REQUIRE(got.rows.size() == 42);
  CHECK(got.column("time")[1] == -0.0001);
  CHECK(got.column("CH1")[0] == 0.25);
  CHECK(got.column("CH1")[41] == 0.25 * 39);
  CHECK(notes(got) == 1);
}

TEST_CASE("rows below a first time and a rate have the times that follow", "[io]") {
  std::string one = "1700000000.00\n4.000000\n";
  std::string three = "1700000000.00, 1700000000.00, 1700000000.00\n32.0, 32.0, 32.0\n";
  for (int row = 0; row < 40; ++row) {
    one += std::to_string(20 + row) + ".5\n";
    three += std::to_string(row) + ",-" + std::to_string(row) + ",5\n";
  }
  const auto got = read(one);
  CHECK(got.reader.fields() == names{"time", "column_1"});
  REQUIRE(got.rows.size() == 40);
  CHECK(got.column("time")[0] == 1700000000);
  CHECK(got.column("time")[39] == 1700000000 + 39 * 0.25);
  CHECK(got.rows[3].texts[0] == "1700000000.750000");
  CHECK(got.column("column_1")[39] == 59.5);
  const auto wide = read(three);
  CHECK(wide.column("time")[2] == 1700000000.0625);
  CHECK(wide.column("column_2")[39] == -39);
  CHECK(notes(wide) == 1);
  // times of rows are no rate, and rates no times
  CHECK(read("1700000000.0\n1700000060.0\n1700000120.0\n").rows.size() == 3);
  CHECK(read("5.0,5.0\n4.0,4.0\n1,2\n3,4\n").rows.size() == 4);
}

TEST_CASE("rows of LabVIEW begin behind the last of its headers", "[io]") {
  const std::string head = "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\n"
                           "Date\t2023/11/14\nTime\t22:13:20.1234\n***End_of_Header***\t\n\t\n"
                           "Channels\t2\t\nSamples\t60\t60\t\nDate\t2023/11/14\t2023/11/14\t\n"
                           "Delta_X\t0.001\t0.001\t\n***End_of_Header***\t\t\t\n";
  const auto got = read(head + "X_Value\tVoltage_0\tVoltage_1\tComment\n0.000\t1.5\t7\t\n"
                               "0.001\t2.5\t8\n0.002\t3.5\t9\n");
  CHECK(got.reader.fields() == names{"X_Value", "Voltage_0", "Voltage_1"});
  CHECK(got.column("X_Value") == values{0, 0.001, 0.002});
  CHECK(got.column("Voltage_1") == values{7, 8, 9});
  CHECK(got.reader.lost_lines() == 0);
  CHECK(notes(got) == 1);
  const auto german = read(head + "X_Value\tU\tComment\n0,000\t1,5\n0,001\t2,5\n0,002\t3,5\n");
  CHECK(german.column("U") == values{1.5, 2.5, 3.5});
}

TEST_CASE("what ARFF declares before its rows names columns, with words of commas, too", "[io]") {
  std::string text =
      "% weather\n@RELATION w\n\n@attribute 'out look' {sunny,overcast,rainy}\n"
      "@attribute temp numeric\n@attribute hum real\n@Attribute play {yes,no,maybe}\n";
  for (int i = 0; i < 40; ++i) {
    text += "@attribute more_" + std::to_string(i) + " numeric\n";
  }
  text += "\n@DATA\n\n% rows\n";
  for (int row = 0; row < 30; ++row) {
    text += "sunny," + std::to_string(row) + ",?,maybe";
    for (int i = 0; i < 40; ++i) {
      text += "," + std::to_string(i);
    }
    text += '\n';
  }
  const auto got = read(text);
  REQUIRE(got.reader.fields().size() == 44);
  CHECK(got.reader.fields()[0] == "out look");
  CHECK(got.reader.fields()[43] == "more_39");
  REQUIRE(got.rows.size() == 30);
  CHECK(got.column("temp")[29] == 29);
  CHECK(std::isnan(got.column("hum")[0]));
  CHECK(notes(got) == 0);
}

TEST_CASE("years, months, days and hours without names get them", "[io]") {
  std::string weather;
  for (int hour = 0; hour < 40; ++hour) {
    weather += "2023 11 " + std::to_string(14 + hour / 24) + " " + std::to_string(hour % 24) +
               "  " + std::to_string(200 + hour) + (hour % 3 == 1 ? " -9999" : "   170") +
               " 10130   10   20     4 -9999 -9999\n";
  }
  const auto got = read(weather);
  REQUIRE(got.rows.size() == 40);
  CHECK(got.reader.fields()[3] == "hour");
  CHECK(got.reader.fields()[4] == "column_5");
  CHECK(got.column("hour")[39] == 15);
  CHECK(got.column("column_5")[39] == 239);
  CHECK(std::isnan(got.column("column_6")[1]));
  CHECK(notes(got) == 1);
  const auto days = read("2023,11,29,1.5\n2023,11,30,2.5\n2023,12,1,3.5\n2023,12,2,-9999\n");
  CHECK(days.reader.fields() == names{"year", "month", "day", "column_4"});
  CHECK(days.column("column_4")[3] == -9999);
  // what is not in order is none
  CHECK(read("2023,11,29,1\n2022,1,30,2\n2023,2,1,3\n2021,9,2,4\n").reader.fields()[0] ==
        "column_1");
}

TEST_CASE("names between bars stand above types, units and the word for what is missing", "[io]") {
  const auto got = read("\\char comment = \"x\"\n|  time   |  flux   | err    |\n"
                        "|  double |  double | double |\n|  s      |  Jy     | Jy     |\n"
                        "|  null   |  null   | null   |\n   0         20.5      5\n"
                        "   60        null      6\n   120       22.5      7\n");
  CHECK(got.reader.fields() == names{"time", "flux", "err"});
  CHECK(got.column("time") == values{0, 60, 120});
  CHECK(got.column("err") == values{5, 6, 7});
  CHECK(std::isnan(got.column("flux")[1]));
}

TEST_CASE("several lines of names may stand above units, with nothing over the times", "[io]") {
  const auto got =
      read(";SN: 1234567890;SN: 1234567890\n;SB 5000TL;SB 5000TL\n"
           ";1234567890;1234567890\n;Total;Power\n;Counter;Analog\ndd/MM/yyyy HH:mm:ss;kWh;kW\n"
           "14/11/2023 22:10:00;1234,5;1,25\n14/11/2023 22:15:00;1234,6;1,5\n"
           "14/11/2023 22:20:00;1234,7;1,75\n");
  REQUIRE(got.rows.size() == 3);
  CHECK(got.column("kWh") == values{1234.5, 1234.6, 1234.7});
  CHECK(got.column("kW") == values{1.25, 1.5, 1.75});
  CHECK(got.rows[2].texts[0] == "14/11/2023 22:20:00");
}

TEST_CASE("lines that say what to do with the object below them are no rows", "[io]") {
  for (const std::string_view action :
       {"{\"index\":{\"_index\":\"env\",\"_id\":\"1\"}}", "{\"create\":{}}", "{ \"index\" : { } }",
        "{\"update\":{\"_id\":\"7\"}}"}) {
    std::string text;
    for (int row = 0; row < 3; ++row) {
      text += std::string(action) + "\n{\"at\":" + std::to_string(row) + ",\"v\":1.5}\n";
    }
    const auto got = read(text);
    INFO(action);
    CHECK(got.reader.fields() == names{"at", "v"});
    CHECK(got.column("at") == values{0, 1, 2});
    CHECK(got.reader.lost_lines() == 0);
  }
  CHECK(read("{\"index\":{\"a\":1}}\n{\"index\":{\"a\":2}}\n").column("index.a") == values{1, 2});
}

TEST_CASE("counters that perf could not read are missing", "[io]") {
  const auto got =
      read("0.1,10000,,cycles\n0.2,<not counted>,,cycles\n0.3,<not supported>,,cycles\n"
           "0.4,10003,,cycles\n");
  const auto counts = got.column("column_2");
  CHECK(counts[0] == 10000);
  CHECK((std::isnan(counts[1]) && std::isnan(counts[2])));
  CHECK(counts[3] == 10003);
}

TEST_CASE("times that follow from a rate, and places of columns, outlive an archive", "[io]") {
  std::vector<std::string> sampled{"1700000000.00", "4.000000"};
  std::vector<std::string> placed{"NAME   CPU %   PORTS    PIDS"};
  std::vector<std::string> arrows;
  for (int row = 10; row < 60; ++row) {
    const std::string number = std::to_string(row);
    sampled.push_back(number + ".5");
    placed.push_back("web    " + number + "%     " + (row % 2 == 0 ? "80/tcp" : "      ") + "   " +
                     number);
    arrows.push_back("22:13:" + number + " -> " + number + ",7");
  }
  for (const auto& lines : {sampled, placed, arrows}) {
    const auto whole = hanami_test::read_lines(lines);
    REQUIRE(whole.rows.size() == 50);
    for (const std::size_t stop : {std::size_t{1}, std::size_t{30}, std::size_t{51}}) {
      const auto got = hanami_test::read_lines(lines, stop);
      INFO(stop);
      CHECK(got.texts() == whole.texts());
    }
  }
}
