// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/structure/network_check.hpp>

#include "growing_network.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("an activation beyond the last border extends the chain and changes no answer",
          "[algorithm]") {
  auto g = one_input(6);
  g.show_often(20, {1.0});
  REQUIRE(g.steps() == 1);
  const std::vector<double> points{0.3, 1.0, 1.7, 2.5, 100.0};
  std::vector<std::vector<double>> before;
  for (const double x : points) {
    before.push_back(g.answer({x}));
  }
  g.show({1.05}); // within ten percent
  CHECK(g.steps() == 1);
  g.show({2.0});
  CHECK(g.steps() == 2);
  g.show({4.0});
  CHECK(g.steps() == 3);
  const auto& b = g.net.bricks[0];
  CHECK(b.lower[1] == Approx(1.0));
  CHECK(b.lower[2] == Approx(2.0));
  CHECK(1 / b.inverse_width[2] == Approx(2.0));
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(g.answer({points[i]}) == before[i]); // to the bit
    CHECK(g.answer({points[i]}, weight_set::average) == before[i]);
  }
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("an activation well inside a wide step splits it and changes no answer", "[algorithm]") {
  auto g = one_input(32);
  g.show_often(20, {1.0});
  std::vector<std::vector<double>> before;
  for (int i = 0; i <= 120; ++i) {
    before.push_back(g.answer({i / 100.0}));
  }
  g.show({0.1}); // too near to the lower end
  g.show({0.9}); // too near to the upper end
  CHECK(g.steps() == 1);
  g.show({0.5});
  CHECK(g.steps() == 2);
  for (std::uint64_t i = 0; i < 300; ++i) {
    g.show({static_cast<double>(random_unit(4, 4, i))});
  }
  CHECK(g.steps() == 32);
  for (int i = 0; i <= 120; ++i) {
    const auto now = g.answer({i / 100.0});
    const auto average = g.answer({i / 100.0}, weight_set::average);
    for (std::size_t k = 0; k < now.size(); ++k) {
      CHECK(now[k] == Approx(before[static_cast<std::size_t>(i)][k]).epsilon(1e-12));
      CHECK(average[k] == Approx(before[static_cast<std::size_t>(i)][k]).epsilon(1e-12));
    }
  }
  CHECK(find_fault(g.net) == nullptr);
  CHECK(g.net.tiles.size() == 32);
}

TEST_CASE("an outlier among the first values of a chain is split off", "[algorithm]") {
  auto g = one_input(8);
  g.show({1000.0});
  g.show({500.0});
  REQUIRE(g.steps() == 2);
  const auto before = g.answer({400.0});
  for (int i = 0; i < 30; ++i) {
    g.show({1.0});
  }
  CHECK(g.steps() == 3);
  CHECK(g.border() == Approx(1.0));
  CHECK(g.answer({400.0})[0] == Approx(before[0]).epsilon(1e-12));
  CHECK(find_fault(g.net) == nullptr);
}

TEMPLATE_TEST_CASE("chains stay sound where values differ by single bits", "[algorithm]", float,
                   double) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    growing<TestType> g(row(small_bricks(32), 3, 1));
    const TestType base = TestType(1000) + static_cast<TestType>(round) / 7;
    for (std::uint64_t i = 0; i < 300; ++i) {
      TestType x = base;
      for (std::uint32_t k = random_below(24, round, 1, i); k > 0; --k) {
        x = std::nextafter(x, std::numeric_limits<TestType>::max());
      }
      g.show({random_below(4, round, 2, i) == 0 ? base * TestType(0.25) : x});
    }
    const char* why = find_fault(g.net);
    INFO("round " << round << ": " << (why == nullptr ? "" : why));
    REQUIRE(why == nullptr);
  }
}

TEST_CASE("values in a narrow band far from zero get steps of their own", "[algorithm]") {
  growing<double> g(row(small_bricks(16), 3, 1));
  const auto value = [](std::uint64_t i) {
    return 101000.0 + 400.0 * static_cast<double>(random_unit(5, 5, i));
  };
  for (std::uint64_t i = 0; i < 40; ++i) {
    g.show({value(i)});
  }
  std::vector<std::vector<double>> before;
  for (std::uint64_t i = 0; i < 50; ++i) {
    before.push_back(g.answer({value(1000 + i)}));
  }
  for (std::uint64_t i = 40; i < 400; ++i) {
    g.show({value(i)});
  }
  const auto& b = g.net.bricks[0];
  REQUIRE(b.steps[0] == 16);
  std::size_t in_band = 0;
  for (std::size_t k = 0; k < 16; ++k) {
    in_band += b.lower[k] >= 101000.0 && b.lower[k] < 101400.0 ? 1U : 0U;
  }
  CHECK(in_band >= 14);
  for (std::uint64_t i = 0; i < 50; ++i) { // and the answers are the same as ever
    const auto now = g.answer({value(1000 + i)});
    for (std::size_t k = 0; k < now.size(); ++k) {
      CHECK(now[k] == Approx(before[i][k]).epsilon(1e-9));
    }
  }
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("equal values far from zero are no band", "[algorithm]") {
  auto g = one_input(16);
  g.show_often(500, {101325.0});
  CHECK(g.steps() == 1);
}
