// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/live/stream_reader.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

// Times as loggers, instruments and spreadsheets write them, in whole texts: which rows they make,
// when those are, and what is said.

using namespace hanami;

namespace {

struct read_stream {
  std::vector<double> times;
  std::vector<std::string> texts; ///< of times
  std::vector<std::vector<double>> values;
  std::vector<std::string> columns;
  std::vector<std::string> said; ///< kinds of trouble
  std::string time;
};

read_stream read(std::string_view text, stream_reader_options options = {}) {
  stream_reader reader(std::move(options));
  read_stream got;
  const auto take = [&] {
    while (reader.next()) {
      got.times.push_back(reader.row().time);
      got.texts.emplace_back(reader.row().time_text);
      auto& values = got.values.emplace_back();
      for (const auto& [name, value] : reader.row().values) {
        values.push_back(value);
      }
    }
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.feed(text.substr(0, end));
    take();
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  reader.finish();
  take();
  got.columns = reader.columns();
  for (const row_trouble& trouble : reader.troubles().all()) {
    got.said.push_back(trouble.what);
  }
  got.time = reader.time_description();
  return got;
}

using names = std::vector<std::string>;

/// 2023-11-14 22:13:20
constexpr double begin = 1.7e9;

bool has(const std::vector<std::string>& said, std::string_view part) {
  for (const std::string& what : said) {
    if (what.find(part) != std::string::npos) {
      return true;
    }
  }
  return false;
}

} // namespace

TEST_CASE("halves of days may have blanks of any kind in and before them", "[stream]") {
  const std::string narrow = "\xE2\x80\xAF";
  const std::string hard = "\xC2\xA0";
  for (const std::string& text :
       names{"time;v\n14/11/2023 10:13:20 p. m.;1,5\n15/11/2023 12:13:20 a. m.;2,5\n",
             "time;v\n14/11/2023 10:13:20" + hard + "p." + hard + "m.;1,5\n15/11/2023 12:13:20" +
                 hard + "a." + hard + "m.;2,5\n",
             "time;v\n14/11/2023, 10:13:20" + narrow + "PM;1,5\n15/11/2023, 12:13:20" + narrow +
                 "AM;2,5\n"}) {
    const auto got = read(text);
    INFO(text);
    CHECK(got.times == std::vector<double>{begin, begin + 7200});
    CHECK(got.said.empty());
  }
}

TEST_CASE("a year and a day of the year are a date", "[stream]") {
  for (const std::string_view head : {"year,doy,hour,v\n", "Year,day_of_year,Hour,v\n"}) {
    const auto got = read(std::string(head) + "2023,318,22,1\n2023,318,23,2\n2023,319,0,3\n");
    INFO(head);
    CHECK(got.times == std::vector<double>{begin - 800, begin + 2800, begin + 6400});
    CHECK(got.columns == names{"v"});
    CHECK(got.time.find("day of the year") != std::string::npos);
  }
  CHECK(read("year,doy,v\n2024,366,1\n2025,1,2\n2025,2,3\n").times[1] == 1735689600);
}

TEST_CASE("the unit below the name of the time counts", "[stream]") {
  for (const std::string_view unit : {"(ms)", "ms", "[ms]"}) {
    const auto got = read("Time,A,B\n" + std::string(unit) +
                          ",(V),(mV)\n\n-5.0,1,2\n-4.5,3,4\n"
                          "-4.0,5,6\n-3.5,7,8\n");
    INFO(unit);
    REQUIRE(got.times.size() == 4);
    CHECK(got.times[1] - got.times[0] == Approx(0.0005));
    CHECK(got.columns == names{"A", "B"});
  }
}

TEST_CASE("totals and means below rows are no rows", "[stream]") {
  const auto total = read("date,amount,qty\n2023-11-14,1,2\n2023-11-15,3,4\n2023-11-16,5,6\n"
                          "Total,9,12\n\n,Average:,4\n");
  CHECK(total.values == std::vector<std::vector<double>>{{1, 2}, {3, 4}, {5, 6}});
  CHECK(total.said == names{"a row of totals is left out"});
  const auto german = read("Zeit;Ertrag\n14.11.2023;1,5\n15.11.2023;2,5\nSumme;4,0\n");
  CHECK(german.times.size() == 2);
  const auto words =
      read("place,v\nSum,1\nTotal,2\nMean,3\n"); // names, among which there are these
  CHECK(words.values.size() == 3);
}

TEST_CASE("an arrow stands between a time and what a serial port gave", "[stream]") {
  for (const std::string_view row : {"20.5,50", "20.5 50", "temp:20.5,hum:50", "20.5\t50"}) {
    const auto got = read("22:13:20.000 -> " + std::string(row) + "\n22:13:20.500 -> " +
                          std::string(row) + "\n22:13:21.000 -> " + std::string(row) + "\n");
    INFO(row);
    REQUIRE(got.values.size() == 3);
    CHECK(got.times[2] - got.times[0] == 1);
    CHECK(got.values[1] == std::vector<double>{20.5, 50});
    CHECK(got.columns.size() == 2);
  }
}

TEST_CASE("what a log writes before pairs is none of them", "[stream]") {
  const auto got = read("Nov 14 22:13:20 host app[12]: temp=20.5 hum=50\n"
                        "Nov 14 22:13:21 host app[12]: temp=21.5 hum=51\n"
                        "Nov 14 22:13:22 host app[12]: temp=22.5 hum=52\n");
  CHECK(got.columns == names{"temp", "hum"});
  CHECK(got.values[2] == std::vector<double>{22.5, 52});
  CHECK(got.times[2] - got.times[0] == 2);
}

TEST_CASE("values of a start and a step have the times that follow", "[stream]") {
  const auto got =
      read("{ \"about\": \"RRDtool graph JSON output\",\n  \"meta\": {\n"
           "    \"start\": 1700000040,\n    \"end\": 1700000160,\n    \"step\": 60,\n"
           "    \"legend\": [\n      \"temperature\",\n      \"humidity\"\n    ]\n  },\n"
           "  \"data\": [\n    [ 2.1e+01, 5.1e+01 ],\n    [ 2.2e+01, null ],\n"
           "    [ 2.3e+01, 5.3e+01 ]\n  ]\n}\n");
  CHECK(got.times == std::vector<double>{begin + 40, begin + 100, begin + 160});
  CHECK(got.columns == names{"temperature", "humidity"});
  CHECK(std::isnan(got.values[1][1]));
}

TEST_CASE("whole numbers that come again at each time are said to tell rows apart", "[stream]") {
  std::string processors = "time,CPU,idle\n";
  std::string counts = "time,n,idle\n";
  for (int row = 0; row < 36; ++row) {
    const std::string time = std::to_string(1700000000 + 60 * (row / 3));
    processors += time + "," + std::to_string(row % 3) + ",1.5\n";
    counts += time + "," + std::to_string(row) + ",1.5\n";
  }
  CHECK(has(read(processors).said, "differ in 'CPU', which --by would keep apart"));
  CHECK_FALSE(has(read(counts).said, "--by"));
}

TEST_CASE("rows of many widths are read below names", "[stream]") {
  const auto got = read("time,a,b,c\n1700000000,1\n1700000060,2,3\n1700000120,4,5,6\n"
                        "1700000180,7,8,9,10,11\n1700000240,12\n1700000300,13,14\n");
  CHECK(got.times.size() == 6);
  CHECK(got.columns == names{"a", "b", "c"});
  CHECK(got.values[2] == std::vector<double>{4, 5, 6});
  CHECK(got.values[3] == std::vector<double>{7, 8, 9});
  CHECK(got.said.size() == 2);
}

TEST_CASE("names in a code of single bytes become UTF-8", "[stream]") {
  const auto got = read("Datum;Gr\xF6\xDF"
                        "e [\xB5m]\n14.11.2023;1,5\n15.11.2023;2,5\n16.11.2023;3,5\n");
  CHECK(got.columns == names{"Größe [µm]"});
}

TEST_CASE("times have no blanks around them", "[stream]") {
  const auto got = read(" time                | v\n---------------------+---\n"
                        " 2023-11-14 22:13:20 | 1\n 2023-11-14 22:14:20 | 2\n");
  CHECK(got.texts == names{"2023-11-14 22:13:20", "2023-11-14 22:14:20"});
}

TEST_CASE("years and months without names are a time where no month lacks", "[stream]") {
  const auto got = read("1749;11;1749.875;  96.7; -1.0\n1749;12;1749.958; 104.3; -1.0\n"
                        "1750;01;1750.042; 116.7; -1.0\n1750;02;1750.125;  92.8; -1.0\n");
  CHECK(got.time.find("as year month") != std::string::npos);
  CHECK(got.columns.size() == 3);
  CHECK(got.times[2] - got.times[1] == 31 * 86400.0);
  CHECK(read("1749;11;1.5\n1750;3;2.5\n1751;9;3.5\n1752;1;2\n").columns.size() == 3); // gaps
}

TEST_CASE("mm beside yyyy are months, and marks of estimates are none of numbers", "[stream]") {
  const auto got = read("Oxford\nLocation: 4509E 2072N\n   yyyy  mm   tmax   rain\n"
                        "   2018  11   10.5   50.0\n   2018  12   11.5*  51.0\n"
                        "   2019   1   12.5   ---\n   2019   2   13.5*  53.0\n");
  CHECK(got.columns == names{"tmax", "rain"});
  CHECK(got.times[1] - got.times[0] == 30 * 86400.0);
  CHECK(got.values[1] == std::vector<double>{11.5, 51});
  CHECK(std::isnan(got.values[2][1]));
}

TEST_CASE("names may stand in angle brackets", "[stream]") {
  const auto got = read("<TICKER>,<DATE>,<TIME>,<OPEN>\nX,20231114,221300,1.5\n"
                        "X,20231114,221400,2.5\nX,20231114,221500,3.5\n");
  CHECK(got.columns == names{"<OPEN>"});
  CHECK(got.times[2] - got.times[0] == 120);
}
