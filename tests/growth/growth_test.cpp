// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/grow.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/average.hpp>
#include <hanami/algorithm/borders.hpp>
#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

cluster_settings small_bricks(std::uint32_t max_steps) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = max_steps;
  return settings;
}

cluster_template row(const cluster_settings& settings, std::int32_t length, std::uint32_t inputs) {
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {length, 1, 1}, 3, output_kind::sigmoid)
      .build();
}

/// A network that is shown samples: it grows as in training, but learns nothing.
template <class Real>
struct growing {
  network<Real> net;
  workspace<Real> ws;

  explicit growing(const cluster_template& from, std::uint64_t seed = 1)
      : net(make_network<Real>(from, seed)) {
    set_averaging(net, true);
  }

  void show(const std::vector<Real>& values) {
    ws.fit_to_learn(net);
    if (place_inputs<Real>(net, values, ws).new_negative) {
      for (std::size_t i = 0; i < net.topology.inputs.size(); ++i) {
        open_negative_input(net, i);
      }
      ws.fit_to_learn(net);
      place_inputs<Real>(net, values, ws);
    }
    grow_forward(net, ws, serial_executor{});
    for (std::size_t b = 0; b < net.bricks.size(); ++b) {
      track_borders(net, b, ws);
    }
  }
  void show_often(int times, const std::vector<Real>& values) {
    for (int i = 0; i < times; ++i) {
      show(values);
    }
  }
  std::vector<Real> answer(const std::vector<Real>& values,
                           weight_set weights = weight_set::current) {
    workspace<Real> fresh;
    fresh.fit(net);
    place_inputs<Real>(net, values, fresh);
    infer_placed(net, weights, fresh, serial_executor{});
    return {fresh.prediction.begin(), fresh.prediction.end()};
  }
  std::size_t sections() const { return static_cast<std::size_t>(net.growth.sections_grown); }
  std::uint32_t steps() const { return net.bricks[0].step_count(0); }
  /// Where the first step of the first section ends.
  double border() const { return 1.0 / static_cast<double>(net.bricks[0].inverse_width[0]); }
};

/// A network of one input, bound to a border rule with sections of `max_steps`.
growing<double> one_input(std::uint32_t max_steps) {
  return growing<double>(row(small_bricks(max_steps), 3, 1));
}

} // namespace

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
