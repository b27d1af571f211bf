// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <algorithm>

#include <catch2/catch.hpp>

#include <hanami/structure/network_check.hpp>

#include "growing_network.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("bricks grow in the hexagon where the errors are, up to the most allowed",
          "[algorithm]") {
  auto settings = small_bricks(1);
  settings.max_bricks = 2;
  growing<double> g(row(settings, 5, 4));
  g.show({1, 1, 1, 1});
  REQUIRE(g.net.bricks.size() == 3);
  g.net.hexagons[1].error_sum = 1;
  g.net.hexagons[2].error_sum = 10;
  g.net.hexagons[3].error_sum = 5;
  CHECK(grow_where_wrong(g.net));
  CHECK(g.net.bricks.back().hexagon == hexagon_id{2});
  CHECK(g.net.hexagons[2].error_sum == 5.0); // halved
  CHECK(grow_where_wrong(g.net));            // hexagon 2 is full
  CHECK(g.net.bricks.back().hexagon == hexagon_id{3});
  CHECK(grow_where_wrong(g.net));
  CHECK(g.net.bricks.back().hexagon == hexagon_id{1});
  CHECK_FALSE(grow_where_wrong(g.net));
  CHECK(g.net.bricks.size() == 6);
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("errors are noted for every hexagon, per brick", "[algorithm]") {
  growing<double> g(row(small_bricks(1), 4, 2));
  g.show({1, 1});
  CHECK(grow_brick(g.net, hexagon_id{2}, true));
  g.ws.fit_to_learn(g.net);
  std::fill(g.ws.hidden_gradients.begin(), g.ws.hidden_gradients.end(), 0.0);
  std::fill_n(g.ws.hidden_gradients.begin(), 32, 2.0);      // the brick of hexagon 1
  std::fill_n(g.ws.hidden_gradients.begin() + 32, 32, 4.0); // one of two of hexagon 2
  note_errors(g.net, g.ws);
  note_errors(g.net, g.ws);
  CHECK(g.net.hexagons[1].error_sum == Approx(2 * 4.0));
  CHECK(g.net.hexagons[2].error_sum == Approx(2 * 8.0));
  CHECK(g.net.hexagons[3].error_sum == 0.0);
}

TEST_CASE("a silent brick changes no answer, a loud one does", "[algorithm]") {
  for (const bool silent : {true, false}) {
    growing<double> g(row(small_bricks(1), 4, 3));
    g.show({1, 2, 3});
    const auto before = g.answer({1, 2, 3});
    const auto average = g.answer({1, 2, 3}, weight_set::average);
    CHECK(grow_brick(g.net, hexagon_id{2}, silent)); // read by the outputs only
    CHECK(g.answer({1, 2, 3}) == before);            // it has no sections yet
    g.show({1, 2, 3});
    CHECK((g.answer({1, 2, 3}) == before) == silent);
    CHECK((g.answer({1, 2, 3}, weight_set::average) == average) == silent);
    CHECK(find_fault(g.net) == nullptr);
  }
}
