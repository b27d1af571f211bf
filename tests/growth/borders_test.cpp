// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/structure/network_check.hpp>

#include "growing_network.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("a young border is the largest activation seen", "[algorithm]") {
  for (const std::uint32_t max_steps : {1U, 8U}) {
    auto g = one_input(max_steps);
    for (int i = 1; i <= 16; ++i) {
      g.show({static_cast<double>(i)});
      CHECK(g.border() == Approx(i));
    }
    g.show({40.0}); // grown up
    CHECK(g.border() == Approx(16));
  }
}

TEST_CASE("a first value that was an outlier gives way to what comes after", "[algorithm]") {
  for (const std::uint32_t max_steps : {1U, 8U}) {
    auto g = one_input(max_steps);
    g.show({1e6});
    const std::vector<double> weights(g.net.tiles.tile(0), g.net.tiles.tile(0) + 32);
    for (int i = 0; i < (max_steps == 1 ? 40 : 20);
         ++i) { // at the second look, a chain at the first
      g.show({1.9 + 0.1 * (i % 2)});
    }
    CHECK(g.border() == Approx(2.0));
    CHECK(g.steps() == 1);
    CHECK(std::equal(weights.begin(), weights.end(), g.net.tiles.tile(0))); // weights kept
  }
}

TEST_CASE("a single border follows its range, up and down", "[algorithm]") {
  auto g = one_input(1);
  g.show_often(40, {1.0});
  g.show({1e6}); // one outlier is no new range
  g.show_often(60, {1.0});
  CHECK(g.border() == Approx(1.0));
  g.show_often(40, {100.0});
  CHECK(g.border() == Approx(100.0));
  g.show_often(200, {100.0}); // equal values are no change of range
  CHECK(g.border() == Approx(100.0));
  g.show_often(40, {3.0});
  CHECK(g.border() == Approx(3.0));
  g.show_often(100, {2.0}); // within a quarter nothing moves
  CHECK(g.border() == Approx(3.0));
}

TEST_CASE("a border is never old enough to be young again", "[algorithm]") {
  auto g = one_input(1);
  g.show_often(16, {1.0});
  for (int i = 0; i < 2000; ++i) {
    g.show({1.0 + (i % 2)}); // above the border in every second sample
    REQUIRE(g.border() == Approx(1.0));
  }
}

TEMPLATE_TEST_CASE("the smallest and the largest numbers make sound borders", "[algorithm]", float,
                   double) {
  using limits = std::numeric_limits<TestType>;
  for (const std::uint32_t max_steps : {1U, 8U}) {
    growing<TestType> g(row(small_bricks(max_steps), 3, 2));
    const TestType values[] = {limits::denorm_min(), limits::min(), 1, limits::max() / 2,
                               limits::max()};
    for (std::uint64_t i = 0; i < 500; ++i) {
      g.show({values[random_below(5, 1, 1, i)], values[random_below(5, 1, 2, i)]});
      const char* why = find_fault(g.net);
      INFO((why == nullptr ? "" : why));
      REQUIRE(why == nullptr);
    }
    for (const TestType y : g.answer({limits::max(), limits::denorm_min()})) {
      CHECK(std::isfinite(y));
    }
  }
}
