// SPDX-License-Identifier: Apache-2.0
#include <hanami/structure/tile_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

TEMPLATE_TEST_CASE("tiles begin at cache lines and start as zeros", "[structure]", float, double) {
  for (const std::size_t lanes : {32U, 64U, 128U, 256U}) {
    tile_pool<TestType> pool(lanes);
    for (int i = 0; i < 100; ++i) {
      const tile_slot slot = pool.acquire();
      REQUIRE(slot < pool.slot_end());
      CHECK(reinterpret_cast<std::uintptr_t>(pool.tile(slot)) % cache_line == 0);
      CHECK(std::all_of(pool.tile(slot), pool.tile(slot) + lanes,
                        [](TestType w) { return w == TestType{0}; }));
      std::fill_n(pool.tile(slot), lanes, TestType{3});
    }
    CHECK(pool.size() == 100);
  }
}

TEST_CASE("tiles given back are used again, the last one first, cleared", "[structure]") {
  tile_pool<float> pool(32);
  pool.set_averaging(true);
  for (int i = 0; i < 10; ++i) {
    const tile_slot slot = pool.acquire();
    std::fill_n(pool.tile(slot), 32, 5.0f);
    std::fill_n(pool.average_tile(slot), 32, 6.0f);
  }
  pool.release(3);
  pool.release(7);
  CHECK(pool.size() == 8);
  CHECK(pool.growth_tiles() == 0);
  for (const tile_slot expected : {7U, 3U}) {
    const tile_slot slot = pool.acquire();
    CHECK(slot == expected);
    CHECK(std::count(pool.tile(slot), pool.tile(slot) + 32, 0.0f) == 32);
    CHECK(std::count(pool.average_tile(slot), pool.average_tile(slot) + 32, 0.0f) == 32);
  }
  CHECK(pool.size() == 10);
  CHECK(pool.slot_end() == 10);
}

TEST_CASE("tiles never overlap, whatever the order of taking and giving back", "[structure]") {
  tile_pool<float> pool(64);
  pool.set_averaging(true);
  std::map<tile_slot, float> held;
  std::size_t most = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const bool give = !held.empty() && random_below(100, 1, 1, i) < 48;
    if (give) {
      auto which = held.begin();
      std::advance(which, random_below(static_cast<std::uint32_t>(held.size()), 1, 2, i));
      const float mark = which->second;
      REQUIRE(std::count(pool.tile(which->first), pool.tile(which->first) + 64, mark) == 64);
      REQUIRE(pool.average_tile(which->first)[63] == -mark);
      pool.release(which->first);
      held.erase(which);
    } else {
      const tile_slot slot = pool.acquire();
      const auto mark = static_cast<float>(i);
      REQUIRE(held.emplace(slot, mark).second);
      std::fill_n(pool.tile(slot), 64, mark);
      std::fill_n(pool.average_tile(slot), 64, -mark);
    }
    most = std::max(most, held.size());
    REQUIRE(pool.size() == held.size());
  }
  CHECK(pool.slot_end() == most); // nothing leaks
}

TEST_CASE("the pool says beforehand what it will take from the system", "[structure]") {
  for (const bool averaging : {false, true}) {
    tile_pool<float> pool(64);
    pool.set_averaging(averaging);
    int growths = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::size_t announced = pool.growth_tiles() * pool.tile_bytes();
      const std::size_t before = pool.bytes();
      pool.acquire();
      REQUIRE(pool.bytes() - before == announced);
      growths += announced > 0 ? 1 : 0;
    }
    CHECK(growths > 3);
    CHECK(growths < 80); // it grows by shares, not by single tiles
  }
}

TEST_CASE("averaging starts from the weights and ends without a trace", "[structure]") {
  tile_pool<float> pool(32);
  const tile_slot slot = pool.acquire();
  std::fill_n(pool.tile(slot), 32, 2.0f);
  CHECK_FALSE(pool.averaging());
  CHECK(pool.average() == pool.weights());
  const std::size_t plain = pool.bytes();

  pool.set_averaging(true);
  CHECK(pool.averaging());
  CHECK(pool.average() != pool.weights());
  CHECK(pool.average_tile(slot)[31] == 2.0f);
  std::fill_n(pool.tile(slot), 32, 4.0f);
  CHECK(pool.average_tile(slot)[0] == 2.0f);
  CHECK(pool.bytes() == 2 * plain);

  pool.set_averaging(false);
  CHECK(pool.average() == pool.weights());
  CHECK(pool.tile(slot)[0] == 4.0f);
  CHECK(pool.bytes() == plain);
}

TEST_CASE("a pool without reserves keeps its tiles", "[structure]") {
  tile_pool<float> pool(32);
  pool.set_averaging(true);
  for (int i = 0; i < 5; ++i) {
    std::fill_n(pool.tile(pool.acquire()), 32, static_cast<float>(i));
  }
  const std::size_t before = pool.bytes();
  pool.shrink_to_fit();
  CHECK(pool.bytes() < before);
  CHECK(pool.capacity() == 5);
  CHECK(pool.tile(4)[31] == 4.0f);
  CHECK(pool.acquire() == 5);
}
