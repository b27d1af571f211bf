// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/structure/network_check.hpp>

#include "growing_network.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("the first activation of a source grows a section, silence grows nothing",
          "[algorithm]") {
  growing<float> g(row(small_bricks(1), 3, 4));
  g.show({0, 0, 0, 0});
  CHECK(g.net.bricks.empty());
  g.show({0, 5, 0, 0});
  CHECK(g.net.bricks.size() == 1);
  CHECK(g.sections() == 1);
  CHECK(g.net.bricks[0].have[0] == 0b0010);
  CHECK(1.0f / g.net.bricks[0].inverse_width[1] == Approx(5.0f));
  g.show({1, 5, 0, 7});
  CHECK(g.net.bricks[0].have[0] == 0b1011);
  g.show({1, 5, 0, 7});
  g.show({1, 5, std::numeric_limits<float>::quiet_NaN(), 7});
  CHECK(g.sections() == 3);
  CHECK(g.net.tiles.size() == 3);
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("a section begins with small random weights that depend on seed and place",
          "[algorithm]") {
  growing<float> g(row(small_bricks(1), 3, 4));
  growing<float> other(row(small_bricks(1), 3, 4), 2);
  for (auto* which : {&g, &other}) {
    which->show({1, 1, 1, 1});
  }
  std::vector<float> all;
  for (std::size_t source = 0; source < 4; ++source) {
    const float* tile = g.net.tiles.tile(g.net.bricks[0].slot[source]);
    all.insert(all.end(), tile, tile + 32);
  }
  const float bound = 0.5f * std::sqrt(3.0f / 4.0f);
  CHECK(*std::max_element(all.begin(), all.end()) <= bound);
  CHECK(*std::max_element(all.begin(), all.end()) > 0.8f * bound);
  CHECK(*std::min_element(all.begin(), all.end()) < -0.8f * bound);
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  CHECK(g.net.tiles.tile(0)[0] != other.net.tiles.tile(0)[0]);
}

TEST_CASE("the first negative value opens a section of its own", "[algorithm]") {
  growing<float> g(row(small_bricks(1), 3, 2));
  g.show({1, 1});
  CHECK(g.net.hexagons[1].chunks.size() == 1);
  g.show({-3, 1});
  CHECK(g.net.hexagons[1].chunks.size() == 2);
  CHECK(g.sections() == 3);
  CHECK(1.0f / g.net.bricks[0].inverse_width[16] == Approx(3.0f));
  CHECK(g.answer({-3, 0}) != g.answer({3, 0}));
  CHECK(find_fault(g.net) == nullptr);
}

TEST_CASE("neuron sources have the border one and are open above", "[algorithm]") {
  growing<float> g(row(small_bricks(1), 4, 4));
  g.show({1000, 2000, 3000, 4000});
  REQUIRE(g.net.bricks.size() == 2);
  const auto& second = g.net.bricks[1];
  std::size_t sections = 0;
  for (std::size_t local = 0; local < 32; ++local) {
    if (second.step_count(local) > 0) {
      ++sections;
      CHECK(second.inverse_width[local] == 1.0f);
    }
  }
  CHECK(sections > 5);
  // Potentials above the border are passed on in full.
  float* bias = g.net.bricks[0].bias.data();
  std::fill_n(bias, 32, 10.0f);
  g.answer({1000, 2000, 3000, 4000});
  workspace<float> ws;
  ws.fit(g.net);
  place_inputs<float>(g.net, std::vector<float>{1000, 2000, 3000, 4000}, ws);
  infer_placed(g.net, weight_set::current, ws, serial_executor{});
  REQUIRE(ws.lists[1].count == sections);
  CHECK(ws.lists[1].input_count == 0);
  CHECK(*std::min_element(ws.lists[1].phi.begin(), ws.lists[1].phi.begin() + ws.lists[1].count) >
        5.0f);
}

TEST_CASE("inference grows nothing", "[algorithm]") {
  growing<double> g(row(small_bricks(4), 4, 3));
  g.show_often(40, {1, 2, 0});
  const std::size_t steps = g.net.tiles.size();
  const auto events = g.net.growth;
  for (const double x : {0.1, 0.5, 3.0, 1e9}) {
    g.answer({x, x, x});
  }
  CHECK(g.net.tiles.size() == steps);
  CHECK(g.net.growth.steps_grown == events.steps_grown);
  CHECK(g.net.growth.sections_grown == events.sections_grown);
}

TEST_CASE("near sources connect to every brick, far ones less often", "[algorithm]") {
  auto settings = small_bricks(1);
  settings.max_connection_distance = 4;
  growing<float> g(row(settings, 6, 400));
  g.show(std::vector<float>(400, 1.0f));
  // Inputs stand at x = 1, bricks at x = 2..5.
  REQUIRE(g.net.bricks.size() == 4);
  for (std::size_t b = 0; b < 4; ++b) {
    std::size_t sections = 0;
    for (std::size_t local = 0; local < 400; ++local) {
      sections += g.net.bricks[b].step_count(local) > 0 ? 1U : 0U;
    }
    const double distance = static_cast<double>(b) + 1;
    CHECK(static_cast<double>(sections) == Approx(400 / distance).epsilon(b == 0 ? 0 : 0.2));
  }
  const auto grown = g.sections();
  g.show(std::vector<float>(400, 1.0f)); // what was not drawn is not drawn again
  CHECK(g.sections() - grown < 64);      // only neurons that wake up now
}

TEST_CASE("what a full chain leaves over grows a section further away", "[algorithm]") {
  auto settings = small_bricks(2);
  settings.max_connection_distance = 4;
  growing<double> g(row(settings, 6, 3));
  g.show_often(20, {1, 1, 1});
  g.show_often(2, {2, 2, 2});
  const auto connected = [&] {
    std::size_t sum = 0;
    for (const auto& b : g.net.bricks) {
      sum += static_cast<std::size_t>(std::popcount(b.have[0]));
    }
    return sum;
  };
  const std::size_t drawn = connected();
  REQUIRE(g.net.bricks.size() == 4);
  REQUIRE(drawn < 12);
  REQUIRE(g.net.bricks[0].step_count(0) == 2);
  g.show_often(100, {2, 2, 2}); // fits
  CHECK(connected() == drawn);
  for (std::size_t seen = drawn; seen < 12; ++seen) {
    for (int i = 0; connected() == seen && i < 200; ++i) {
      g.show({5, 5, 5});
    }
  }
  CHECK(connected() == 12);
  g.show_often(100, {5, 5, 5}); // there is no further place
  CHECK(connected() == 12);
  CHECK(find_fault(g.net) == nullptr);
}
