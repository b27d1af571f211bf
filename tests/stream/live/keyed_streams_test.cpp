// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/live/keyed_streams.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>
#include <hanami/io/checkpoint.hpp>

using namespace hanami;

namespace {

stream_options fast() {
  stream_options options;
  options.window = 0;
  return options;
}

/// Something small in place of a model.
struct counter {
  int rows = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows);
  }
};

template <class Streams>
std::vector<std::string> keys_of(const Streams& streams) {
  std::vector<std::string> keys;
  streams.for_each([&](const std::string& key, const auto&) { keys.push_back(key); });
  return keys;
}

} // namespace

TEST_CASE("interleaved streams are learned as if each came alone", "[stream]") {
  keyed_streams streams(10, stream_model(fast()));
  stream_model first(fast());
  stream_model second(fast());
  for (int row = 0; row < 300; ++row) {
    const double a = 20 + std::sin(0.1 * row);
    const double b = -500 + 100 * std::cos(0.05 * row);
    const stream_result alone = first.observe({a, a + b}, 60.0 * row);
    const stream_result& among = streams["a"].observe({a, a + b}, 60.0 * row);
    REQUIRE(among.ahead(1).value == alone.ahead(1).value);
    REQUIRE(among.anomaly.score == alone.anomaly.score);
    const stream_result other = second.observe({{"b", b}}, 60.0 * row + 30);
    REQUIRE(streams["b"].observe({{"b", b}}, 60.0 * row + 30).ahead(0).high == other.ahead(0).high);
  }
  CHECK(streams.size() == 2);
  CHECK(streams.find("a")->rows() == 300);
  CHECK(streams.find("b")->columns() == std::vector<std::string>{"b"});
  CHECK(streams.find("c") == nullptr);
}

TEST_CASE("the stream that has been silent for longest is dropped for a new one", "[stream]") {
  basic_keyed_streams<counter> streams(3);
  std::vector<std::pair<std::string, int>> dropped;
  const auto row = [&](const char* key) {
    ++streams
          .speak(key,
                 [&](const std::string& gone, counter& of) { dropped.emplace_back(gone, of.rows); })
          .rows;
  };
  for (const char* key : {"a", "b", "c", "a", "a", "b"}) {
    row(key);
  }
  CHECK(keys_of(streams) == std::vector<std::string>{"c", "a", "b"});
  row("d");
  CHECK(dropped == std::vector<std::pair<std::string, int>>{{"c", 1}});
  row("a");
  row("c"); // for b, and begins anew
  CHECK(dropped.back() == std::pair<std::string, int>{"b", 2});
  CHECK(streams.find("c")->rows == 1);
  CHECK(streams.find("a")->rows == 4);
  CHECK(keys_of(streams) == std::vector<std::string>{"d", "a", "c"});
  CHECK(streams.dropped() == 2);
}

TEST_CASE("ten thousand keys take the room of a hundred", "[stream]") {
  basic_keyed_streams<counter> streams(100);
  for (int round = 0; round < 3; ++round) {
    for (int key = 0; key < 10000; ++key) {
      CHECK(++streams[std::to_string(key)].rows == 1);
      REQUIRE(streams.size() <= 100);
    }
  }
  CHECK(streams.dropped() == 29900);
  CHECK(keys_of(streams).front() == "9900");
  CHECK(keys_of(streams).back() == "9999");
  streams.limit(1, [](const std::string&, counter&) {});
  CHECK(keys_of(streams) == std::vector<std::string>{"9999"});
}

TEST_CASE("saved streams go on, those silent for longest first in line", "[stream]") {
  keyed_streams streams(2, stream_model(fast()));
  for (int row = 0; row < 50; ++row) {
    streams["a"].observe({1.0 * row});
    streams["b"].observe({2.0 * row});
  }
  streams["a"].observe({50.0});
  keyed_streams restored = from_checkpoint<keyed_streams>(to_checkpoint(streams));
  CHECK(keys_of(restored) == std::vector<std::string>{"b", "a"});
  CHECK(restored["a"].observe({51.0}).ahead(0).value ==
        streams["a"].observe({51.0}).ahead(0).value);
  CHECK(restored["c"].options().window == 0); // begins as the others did
  CHECK(restored.find("b") == nullptr);
  CHECK(restored.dropped() == 1);
}

TEST_CASE("made-up keyed streams are refused", "[stream]") {
  CHECK_THROWS_AS(keyed_streams(0), error);
  basic_keyed_streams<counter> streams(2);
  streams["a"].rows = 1;
  streams["b"].rows = 2;
  auto bytes = to_checkpoint(streams);
  archive_writer content;
  content(std::uint64_t{2}, counter(), std::uint64_t{0}, std::uint64_t{2}, std::string("a"),
          counter(), std::string("a"), counter());
  archive_reader twice(content.bytes());
  CHECK_THROWS_WITH(twice(streams), Catch::Contains("two streams of one key"));
  archive_writer crowd;
  crowd(std::uint64_t{2}, counter(), std::uint64_t{0}, std::uint64_t{3});
  archive_reader many(crowd.bytes());
  CHECK_THROWS_WITH(many(streams), Catch::Contains("more streams than there is room for"));
}
