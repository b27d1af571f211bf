// SPDX-License-Identifier: Apache-2.0
// Rows in the forms that tools write, made here; several devices in one stream.
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>

using namespace hanami_test;

namespace {

using words = std::vector<std::string>;

program_result sensor(words arguments, const std::string& input) {
  arguments.insert(arguments.end(), {"--window", "0"});
  return run_program(HANAMI_SENSOR, std::move(arguments), input);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Rows `make` makes, one a line.
std::string lines_of(int rows, const std::function<std::string(int)>& make) {
  std::string lines;
  for (int row = 0; row < rows; ++row) {
    lines += make(row) + '\n';
  }
  return lines;
}

std::string value(int row) { return std::to_string(20 + std::sin(0.1 * row)); }

std::string epoch(int row) { return std::to_string(1700000000 + 60 * row); }

/// The lines that hold a text, without it.
words lines_with(const std::string& text, const std::string& part) {
  words found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (const std::size_t there = line.find(part); there != std::string::npos) {
      found.push_back(line.erase(there, part.size()));
    }
    at = end + 1;
  }
  return found;
}

} // namespace

TEST_CASE("columns come late, vanish and return", "[cases]") {
  const std::string rows = lines_of(60, [](int row) {
    return "{\"time\":" + epoch(row) + ",\"a\":" + value(row) +
           (row >= 30 && row % 3 != 0 ? ",\"b\":" + value(row + 7) : "") + "}";
  });
  const auto csv = sensor({}, rows);
  CHECK(csv.status == 0);
  CHECK(count_of(csv.out, "row,time") == 2);
  CHECK(count_of(csv.out, "\n") == 62);
  CHECK(count_of(csv.err, "came late") == 1);
  const auto named = sensor({"--columns", "a,b"}, rows);
  CHECK(count_of(named.out, "row,time") == 1);
  const auto json = sensor({"--json"}, rows);
  CHECK(count_of(json.out, "\n") == 60);
  CHECK(count_of(json.out, "\"b_ahead_1\":") == 29); // from row 32 on
  CHECK_FALSE(has(json.err, "came late"));
}

TEST_CASE("a new header inside a stream is followed, and one that comes again is none", "[cases]") {
  const std::string first =
      "time,a,b\n" + lines_of(20, [](int row) { return epoch(row) + ",1," + value(row); });
  const std::string second = "time,b,c\n" + lines_of(20, [](int row) {
                               return epoch(row + 20) + "," + value(row + 20) + ",5";
                             });
  const auto both = sensor({}, first + first + second);
  CHECK(both.status == 0);
  CHECK(has(both.err, "60 rows learned, 0 damaged"));
  CHECK(has(both.out, "a_ahead_1,a_ahead_1_low,a_ahead_1_high,b_ahead_1,b_ahead_1_low,"
                      "b_ahead_1_high,c_ahead_1"));
}

TEST_CASE("damage is told once a kind, with its count and first place", "[cases]") {
  const std::string rows =
      "time,v\n" + lines_of(200, [](int row) {
        return epoch(row) + (row % 10 == 5 ? ",broken" : row % 20 == 9 ? "" : "," + value(row));
      });
  const auto got = sensor({"--quiet"}, rows);
  CHECK(got.status == 0);
  CHECK(has(got.err, "200 rows learned"));
  CHECK(has(got.err, "line 7: no number in column 'v', a missing value: \"broken\" (20 times)"));
  CHECK(has(got.err, "(10 times)")); // too few fields
  CHECK(count_of(got.err, "\n") <= 5);
}

TEST_CASE("where no row is taken the status is 1 and the reason is said", "[cases]") {
  for (const std::string& input :
       words{"", "\n\n", "time,v\n", "a text\nof several lines that\nare no table\n",
             "a,b\nx,y\nz,w\n", "{\"a\":\"x\"}\n{\"a\":\"y\"}\n",
             std::string("\x1f\x8b\x08\x00", 4) + "packed\n"}) {
    const auto got = sensor({}, input);
    INFO(input << got.err);
    CHECK(got.status == 1);
    CHECK(has(got.err, "sensor: standard input: "));
    CHECK(got.out.empty());
  }
  const auto unknown = sensor({"--columns", "gale"}, "time,v\n1,2\n");
  CHECK(unknown.status == 1);
  CHECK(has(unknown.err, "there is no column 'gale'; there are time, v"));
  CHECK(sensor({"--by", "device"}, "time,v\n1,2\n").status == 1);
}

TEST_CASE("text is left out and said, quoted names come out quoted", "[cases]") {
  const std::string rows = "time,\"temp, \"\"out\"\"\",state\n" + lines_of(30, [](int row) {
                             return epoch(row) + "," + value(row) + ",\"it is\nfine\"";
                           });
  const auto got = sensor({}, rows);
  CHECK(got.status == 0);
  CHECK(has(got.err, "30 rows learned"));
  CHECK(has(got.err, "text is left out: state"));
  CHECK(has(got.out, ",\"temp, \"\"out\"\"_ahead_1\","));
  const auto json = sensor({"--json"}, rows);
  CHECK(has(json.out, R"("temp, \"out\"_ahead_1_low":)"));
}

TEST_CASE("the format and the time can be given", "[cases]") {
  const auto european =
      sensor({"--separator", ";", "--decimal", ",", "--header", "no"},
             lines_of(20, [](int row) { return epoch(row) + ";" + std::to_string(row) + ",5"; }));
  CHECK(european.status == 0);
  CHECK(has(european.err, "20 rows learned"));
  const auto dated = sensor({"--time", "when", "--time-format", "%d/%m/%y %H.%M"},
                            "v,when\n" + lines_of(20, [](int row) {
                              return value(row) + ",01/02/24 10." + std::to_string(20 + row);
                            }));
  CHECK(has(dated.err, "the time is 'when', as %d/%m/%y %H.%M"));
  CHECK(has(dated.err, "20 rows learned, 0 damaged lines skipped, 0 missing rows"));
  const std::string numbers =
      "t,v\n" + lines_of(20, [](int row) { return std::to_string(row) + "," + value(row); });
  CHECK(has(sensor({"--time", "t", "--time-unit", "h"}, numbers).err, "'t', as hours"));
  const auto untimed = sensor({"--time", "none"}, numbers);
  CHECK(has(untimed.err, "no time, as told"));
  CHECK(has(untimed.out, "t_ahead_1"));
  CHECK(sensor({"--time", "none", "--time-unit", "parsec"}, numbers).status == 1);
  CHECK(sensor({"--separator", "ab"}, numbers).status == 2);
}

TEST_CASE("interleaved devices give the results of two separate runs", "[cases]") {
  for (const bool json : {false, true}) {
    const auto row = [&](const char* id, int i) {
      const std::string v = value(id[0] == 'a' ? i : 3 * i + 50);
      return json ? "{\"id\":\"" + std::string(id) + "\",\"time\":" + epoch(i) + ",\"v\":" + v +
                        (id[0] == 'b' ? ",\"w\":1}" : "}")
                  : epoch(i) + "," + id + "," + v;
    };
    const std::string head = json ? "" : "time,id,v\n";
    const auto alone = [&](const char* id) {
      return sensor({"--by", "id", "--json"},
                    head + lines_of(300, [&](int i) { return row(id, i); }));
    };
    const auto both =
        sensor({"--by", "id", "--json"},
               head + lines_of(600, [&](int i) { return row(i % 2 ? "b" : "a", i / 2); }));
    CHECK(both.status == 0);
    CHECK(has(both.err, "600 rows learned"));
    CHECK(has(both.err, "2 devices"));
    for (const char* id : {"a", "b"}) {
      const std::string key = "\"id\":\"" + std::string(id) + "\",";
      const words among = lines_with(both.out, key);
      REQUIRE(among.size() == 300);
      CHECK(among == lines_with(alone(id).out, key));
    }
  }
}

TEST_CASE("ten thousand devices take the room of a hundred", "[cases]") {
  const std::string rows =
      "time,id,v\n" + lines_of(20000, [](int row) {
        return epoch(row) + ",d" + std::to_string(row % 10000) + "," + value(row);
      });
  const auto many = sensor({"--by", "id", "--max-devices", "100", "--quiet"}, rows);
  CHECK(many.status == 0);
  CHECK(has(many.err, "20000 rows learned"));
  CHECK(has(many.err, "100 devices"));
  CHECK(has(many.err, "more than 100 devices: the one silent for longest was "
                      "dropped: \"d0\" (19900 times)"));
}

TEST_CASE("rows without the field that tells devices apart are left out and said", "[cases]") {
  const auto got = sensor({"--by", "id"}, lines_of(40, [](int row) {
                            return "{\"time\":" + epoch(row) + ",\"v\":" + value(row) +
                                   (row % 4 == 3 ? "}" : ",\"id\":7}");
                          }));
  CHECK(got.status == 0);
  CHECK(has(got.err, "30 rows learned"));
  CHECK(has(got.err, "line 4: the row has no 'id' and is left out (10 times)"));
}

TEST_CASE("names and texts of any bytes make valid JSON", "[cases]") {
  const auto got = sensor({"--by", "id", "--json"}, lines_of(20, [](int row) {
                            return "{\"id\":\"a\xff\\u0001\",\"time\":" + epoch(row) +
                                   ",\"v\xe4\":" + value(row) + "}";
                          }));
  CHECK(got.status == 0);
  CHECK(has(got.out, R"("id":"a\ufffd\u0001")"));
  CHECK(has(got.out, R"("v\ufffd_ahead_1":)"));
  CHECK_FALSE(has(got.out, "\xff"));
}
