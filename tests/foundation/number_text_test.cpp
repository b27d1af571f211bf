// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/number_text.hpp>

#include <clocale>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

struct parsed {
  double value = -7; ///< what it is where nothing is written
  std::size_t length = 0;
  std::errc code{};
};

parsed parse(std::string_view text) {
  parsed result;
  const auto [end, code] = parse_number(text.data(), text.data() + text.size(), result.value);
  result.length = static_cast<std::size_t>(end - text.data());
  result.code = code;
  return result;
}

double whole(std::string_view text) {
  const parsed result = parse(text);
  REQUIRE(result.code == std::errc{});
  REQUIRE(result.length == text.size());
  return result.value;
}

} // namespace

TEST_CASE("numbers with a fraction are read to the last bit", "[foundation]") {
  CHECK(whole("0") == 0);
  CHECK(std::signbit(whole("-0")));
  CHECK(whole("1.5") == 1.5);
  CHECK(whole(".5") == 0.5);
  CHECK(whole("5.") == 5);
  CHECK(whole("-12.25e2") == -1225);
  CHECK(whole("1E+3") == 1000);
  CHECK(whole("0.1") == 0.1);
  CHECK(whole("9007199254740993") == 9007199254740992);
  CHECK(whole("1.7976931348623157e308") == std::numeric_limits<double>::max());
  CHECK(whole("5e-324") == std::numeric_limits<double>::denorm_min());
  CHECK(whole("123456789012345678901234567890") == 123456789012345678901234567890.0);
  CHECK(std::isinf(whole("-inf")));
  CHECK(std::isinf(whole("Infinity")));
  CHECK(std::isnan(whole("nan")));
}

TEST_CASE("a number ends where its text is none any more", "[foundation]") {
  CHECK(parse("1.5,2").length == 3);
  CHECK(parse("1e").length == 1);
  CHECK(parse("1e+").length == 1);
  CHECK(parse("1.2.3").length == 3);
  CHECK(parse("0x10").length == 1);
  CHECK(parse("7abc").value == 7);
}

TEST_CASE("what is no number leaves the value as it was", "[foundation]") {
  for (const char* text : {"", "-", ".", "-.", "e5", "+1", " 1", "x", "i"}) {
    CAPTURE(text);
    CHECK(parse(text).code == std::errc::invalid_argument);
    CHECK(parse(text).length == 0);
    CHECK(parse(text).value == -7);
  }
  for (const char* text : {"1e999", "-1e999", "1e-999"}) {
    CAPTURE(text);
    CHECK(parse(text).code == std::errc::result_out_of_range);
    CHECK(parse(text).length == std::string_view(text).size());
    CHECK(parse(text).value == -7);
  }
}

TEST_CASE("the locale does not change how numbers are read", "[foundation]") {
  for (const char* name : {"de_DE.UTF-8", "C"}) {
    std::setlocale(LC_ALL, name); // where the system does not know it, the one before stays
    CHECK(whole("1.5") == 1.5);
    CHECK(parse("1,5").length == 1);
  }
}

TEST_CASE("whole numbers are read like others", "[foundation]") {
  const std::string_view text = "42;";
  int value = 0;
  CHECK(parse_number(text.data(), text.data() + text.size(), value).ptr == text.data() + 2);
  CHECK(value == 42);
}
