// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/label_encoder.hpp>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

enum class colour : std::uint8_t { red = 3, blue = 200 };

static_assert(label_value<const char*> && label_value<std::string> && label_value<int> &&
              label_value<bool> && label_value<colour> && label_value<class_label>);
static_assert(!label_value<float> && !label_value<double>); // values, not classes

} // namespace

TEST_CASE("labels of every kind are text that reads back", "[model]") {
  CHECK(class_label("iced").text() == "iced");
  CHECK(class_label(std::string("iced")) == std::string_view("iced"));
  CHECK(class_label(7).as<int>() == 7);
  CHECK(class_label(-7L).as<std::int8_t>() == -7);
  CHECK(class_label(std::uint8_t{200}).text() == "200");
  CHECK(class_label(true).text() == "true");
  CHECK(class_label(false).as<bool>() == false);
  CHECK(class_label("1").as<bool>());
  CHECK(class_label('x').text() == "x");
  CHECK(class_label('x').as<char>() == 'x');
  CHECK(class_label(colour::blue).as<colour>() == colour::blue);
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  CHECK(class_label(least).as<std::int64_t>() == least);
  CHECK(class_label(most).as<std::uint64_t>() == most);
}

TEST_CASE("a number in a program and its digits in a file are the same label", "[model]") {
  CHECK(class_label(7) == "7");
  CHECK(class_label("7") == 7);
  CHECK(class_label("7") != 8);
  CHECK("7" == class_label(7));
  CHECK(class_label("07") != 7);
  CHECK(class_label("a") < class_label("b"));
}

TEST_CASE("a label that spells no value of a type says so", "[model]") {
  for (const char* text : {"", "iced", "7.5", "7 ", "300", "-1"}) {
    CHECK_THROWS_AS(class_label(text).as<std::uint8_t>(), error);
  }
  CHECK_THROWS_WITH(class_label("iced").as<bool>(), Catch::Contains("'iced'"));
  CHECK_THROWS_AS(class_label("iced").as<char>(), error);
}

TEST_CASE("labels print and travel in archives", "[model]") {
  std::ostringstream text;
  text << class_label("iced") << class_label(3);
  CHECK(text.str() == "iced3");
  archive_writer out;
  out(class_label("iced"));
  class_label back;
  archive_reader in(out.bytes());
  in(back);
  CHECK(back == "iced");
}

TEST_CASE("an encoder numbers labels in the order in which they appear", "[model]") {
  label_encoder encoder;
  CHECK(encoder.empty());
  CHECK(encoder.add("still") == 0);
  CHECK(encoder.add(7) == 1);
  CHECK(encoder.add("still") == 0);
  CHECK(encoder.add("7") == 1);
  CHECK(encoder.size() == 2);
  CHECK(encoder[1] == 7);
  CHECK(encoder.find("still") == 0U);
  CHECK_FALSE(encoder.find("gale"));
  CHECK_THROWS_WITH(encoder.add(""), Catch::Contains("empty"));
  CHECK(encoder.size() == 2);
  CHECK(label_encoder{"a", "b", "a"}.size() == 2);
}

TEST_CASE("labels of an encoder stay where they are while it grows, copies are independent",
          "[model]") {
  label_encoder encoder{"first"};
  const class_label& first = encoder[0];
  const label_encoder before = encoder;
  for (int i = 0; i < 1000; ++i) {
    encoder.add(i);
  }
  CHECK(&first == &encoder[0]);
  CHECK(before.size() == 1);
  CHECK(encoder.find(999) == 1000U);
  const label_encoder moved = std::move(encoder);
  CHECK(&first == &moved[0]);
}

TEST_CASE("an encoder is restored from an archive, and refuses one that is made up", "[model]") {
  const label_encoder kept{"still", "full", "7"};
  archive_writer out;
  out(kept);
  label_encoder back{"other"};
  archive_reader in(out.bytes());
  in(back);
  CHECK(back == kept);
  CHECK(back.find(7) == 2U);
  for (const auto& wrong : {std::vector<std::string>{"a", "a"}, std::vector<std::string>{""}}) {
    archive_writer made_up;
    made_up(wrong);
    archive_reader reader(made_up.bytes());
    CHECK_THROWS_AS(reader(back), error);
  }
}
