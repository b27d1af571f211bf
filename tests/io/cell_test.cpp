// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/cell.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

double value(std::string_view text, number_signs signs = {}) {
  const cell found = parse_cell(text, signs);
  INFO(text);
  CHECK(has_value(found.kind));
  return found.value;
}

cell_kind kind(std::string_view text, number_signs signs = {}) {
  const cell found = parse_cell(text, signs);
  INFO(text);
  CHECK(std::isnan(found.value) == !has_value(found.kind));
  return found.kind;
}

} // namespace

TEST_CASE("a cell is a number in any usual spelling", "[io]") {
  CHECK(value("1") == 1);
  CHECK(value("-2.5") == -2.5);
  CHECK(value("+2.5") == 2.5);
  CHECK(value(".5") == 0.5);
  CHECK(value("5.") == 5);
  CHECK(value("1e5") == 1e5);
  CHECK(value("+1.5E-02") == 0.015);
  CHECK(value(" \t7 \r") == 7);
  CHECK(value("\xC2\xA0"
              "7\xC2\xA0") == 7);
  CHECK(value("18446744073709551615") == 18446744073709551615.0);
  CHECK(value("0.1000000000000000055511151231257827") == 0.1);
  CHECK(value("9007199254740993") == 9007199254740992.0);
  CHECK(value("1700000000.934018425") == 1700000000.934018425);
  CHECK(value("1e-400") == 0);
  CHECK(std::signbit(value("-0")));
  CHECK(value("007") == 7);
}

TEST_CASE("numbers are read as the C library reads them, bit by bit", "[io]") {
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const int digits = 1 + static_cast<int>(random_below(20, 1, i, 0));
    const double magnitude = std::pow(10.0, static_cast<int>(random_below(80, 1, i, 1)) - 40);
    const double number = static_cast<double>(random_signed_unit(1, i, 2)) * magnitude;
    char text[64];
    std::snprintf(text, sizeof text, i % 3 == 0 ? "%.*f" : "%.*g", digits, number);
    const double expected = std::strtod(text, nullptr);
    if (parse_cell(text).value != expected) {
      INFO(text);
      REQUIRE(parse_cell(text).value == expected);
    }
  }
}

TEST_CASE("a decimal comma and signs between thousands are read as told", "[io]") {
  CHECK(value("20,5", {',', '\0'}) == 20.5);
  CHECK(value("-0,125e2", {',', '\0'}) == -12.5);
  CHECK(value("1.234,5", {',', '\0'}) == 1234.5);
  CHECK(value("1.234.567", {',', '.'}) == 1234567);
  CHECK(value("20.5", {',', '\0'}) == 20.5); // a point is no other sign there
  CHECK(value("20,000.00") == 20000);        // both signs leave no doubt
  CHECK(value("1,234,567", {'.', ','}) == 1234567);
  CHECK(value("-1,234", {'.', ','}) == -1234);
  CHECK(value("1'234'567.5") == 1234567.5);
  CHECK(value("1 234,5", {',', ' '}) == 1234.5);
  CHECK(value("1\xC2\xA0"
              "234",
              {',', ' '}) == 1234);
  CHECK(value("1\xE2\x80\xAF"
              "234",
              {',', ' '}) == 1234);
  CHECK(value("1_000", {'.', '_'}) == 1000);
  for (const char* text :
       {"1,5", "1,234", "12,34,567", "1234,567.5", "1,23", "1_000", "1,2345.0"}) {
    CHECK(kind(text) == cell_kind::text);
  }
}

TEST_CASE("a number may have a unit", "[io]") {
  CHECK(value("20%") == 20);
  CHECK(value("20.5 %") == 20.5);
  CHECK(value("20.00 V") == 20);
  CHECK(value("21.5\xC2\xB0"
              "C") == 21.5);
  CHECK(value("3 km/h") == 3);
  CHECK(value("$1,234.50") == 1234.5);
  CHECK(value("\xE2\x82\xAC 5") == 5);
  CHECK(parse_cell("20.00 V").unit == "V");
  CHECK(parse_cell("20%").unit == "%");
  CHECK(parse_cell("20").unit.empty());
  CHECK(kind("12A") == cell_kind::word); // of a current, or of a house
  for (const char* text : {"5a", "1st", "12 Main St", "7 8", "1d5", "0x1F", "5 C of 3"}) {
    CHECK(kind(text) == cell_kind::text);
  }
}

TEST_CASE("truth values are numbers", "[io]") {
  for (const char* text : {"true", "True", "TRUE"}) {
    CHECK(value(text) == 1);
    CHECK(kind(text) == cell_kind::truth);
  }
  CHECK(value("FALSE") == 0);
  for (const char* text : {"yes", "On", "ON"}) {
    CHECK(value(text) == 1);
    CHECK(kind(text) == cell_kind::word);
  }
  CHECK(value("no") == 0);
  CHECK(value("off") == 0);
  for (const char* text : {"T", "F", "y", "n"}) { // of weather, of sexes: no truth values
    CHECK(kind(text) == cell_kind::text);
  }
}

TEST_CASE("there are many words for a missing value", "[io]") {
  for (const char* text :
       {"",         "  ",      "NA",      "na",    "N/A",    "n/a",    "#N/A", "#NA",
        "#N/A N/A", "<NA>",    "nan",     "NaN",   "-nan",   "-NaN",   "NaNf", "-nan(ind)",
        "1.#QNAN",  "-1.#IND", "null",    "NULL",  "Null",   "(null)", "\\N",  "NaT",
        "?",        "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#WERT!", "n.a."}) {
    CHECK(kind(text) == cell_kind::missing);
  }
  for (const char* text : {"-", "--", "---", ".", "_", "*", "None", "none", "nil", "unknown", "U",
                           "unavailable", "Bad", "undefined", "error", "no data"}) {
    CHECK(kind(text) == cell_kind::vague);
  }
}

TEST_CASE("an infinity is neither a number nor missing", "[io]") {
  for (const char* text : {"inf", "Inf", "-inf", "+inf", "Infinity", "1.#INF", "1e400", "-1e999",
                           "1e99999999999999999999"}) {
    CHECK(kind(text) == cell_kind::infinite);
  }
}

TEST_CASE("what is no number is text", "[io]") {
  for (const char* text : {"abc", "1.2.3", "--1", "+-1", "+", "1e", "e5", "1 2", "2024-01-01",
                           "12:30", "s/t", "dev=a", "{", "\xFF", "host1", "-a", "1,2,3"}) {
    CHECK(kind(text) == cell_kind::text);
  }
}

TEST_CASE("text for a message is short and can be printed", "[io]") {
  CHECK(detail::quote_for_message("a\x01\x7f") == "\"a??\"");
  CHECK(detail::quote_for_message(std::string(5000, 'y')).size() == 45);
}
