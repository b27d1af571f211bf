// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/structure/network_check.hpp>

#include "growing_network.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("a full memory stops growth, not the network", "[algorithm]") {
  auto settings = small_bricks(8);
  growing<float> free_growth(row(settings, 3, 200));
  free_growth.show(std::vector<float>(200, 1.0f));
  settings.memory_limit = free_growth.net.bytes() - 10000;
  growing<float> g(row(settings, 3, 200));
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::vector<float> values(200);
    for (std::size_t k = 0; k < 200; ++k) {
      values[k] = random_unit(3, k, i);
    }
    g.show(values);
    REQUIRE(g.net.bytes() <= settings.memory_limit);
  }
  CHECK(g.net.full);
  CHECK(g.net.growth.growth_denied > 0);
  CHECK(g.net.growth.sections_grown > 10);
  CHECK(g.net.growth.sections_grown < 200);
  CHECK_FALSE(grow_brick(g.net, hexagon_id{1}, true));
  CHECK(g.net.bricks.size() == 1);
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("a network without memory for a single brick answers all the same", "[algorithm]") {
  auto settings = small_bricks(8);
  settings.memory_limit = 1;
  growing<float> g(row(settings, 4, 3));
  g.show_often(10, {1, 2, 3});
  CHECK(g.net.bricks.empty());
  CHECK(g.answer({1, 2, 3}) == std::vector<float>(3, 0.5f)); // sigmoid of nothing
  CHECK(find_fault(g.net) == nullptr);
}
