// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/forward.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/serial_executor.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr std::size_t lanes = 32;

/// Two inputs, one hexagon of one brick, two linear outputs; every weight set by hand.
template <class Real>
struct tiny_network {
  network<Real> net;
  workspace<Real> ws;

  explicit tiny_network(activation_kind kind, std::uint32_t max_steps)
      : net(make_network<Real>(template_of(kind, max_steps), 1)) {
    auto& b = net.bricks.emplace_back();
    b.hexagon = hexagon_id{1};
    b.max_steps = max_steps;
    b.bias.resize(lanes);
    b.resize_chunks(1);
    net.hexagons[1].bricks = {0};
    auto& layer = net.outputs[0];
    layer.bricks = {0};
    layer.weights.resize(lanes * 2);
    layer.spread = {1, 1};
    net.shape = shape_identity::fresh();
  }

  static cluster_template template_of(activation_kind kind, std::uint32_t max_steps) {
    cluster_settings settings;
    settings.brick_size = lanes;
    settings.max_steps = max_steps;
    settings.activation = kind;
    return one_hexagon(2, 2, output_kind::linear, settings);
  }

  /// One step of a section: what every lane gets is its number times `weight`.
  void step(std::size_t source, Real lower, Real width, Real weight) {
    auto& b = net.bricks[0];
    const std::size_t k = b.step_count(source);
    const std::size_t at = source * b.max_steps + k;
    b.sections += b.step_count(source) == 0 ? 1U : 0U;
    b.have[0] = static_cast<std::uint16_t>(b.have[0] | (1U << source));
    b.inverse_width[at] = 1 / width;
    b.slot[at] = net.tiles.acquire();
    if (b.max_steps > 1) {
      b.lower[at] = lower;
      b.steps[source] = static_cast<std::uint8_t>(k + 1);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      net.tiles.tile(b.slot[at])[lane] = weight * static_cast<Real>(lane);
    }
  }
  /// Weight from a lane to an output node, in its interleaved place.
  Real& output_weight(std::size_t lane, std::size_t node) {
    return net.outputs[0].weights[lane / 16 * 32 + node * 16 + lane % 16];
  }
  std::vector<Real> answer(std::array<Real, 2> values) {
    REQUIRE(find_fault(net) == nullptr);
    ws.fit(net);
    place_inputs<Real>(net, values, ws);
    infer_placed(net, weight_set::current, ws, serial_executor{});
    return {ws.prediction.begin(), ws.prediction.end()};
  }
};

} // namespace

TEMPLATE_TEST_CASE("a tiny network answers what a hand computes", "[algorithm]", float, double) {
  tiny_network<TestType> tiny(activation_kind::relu, 1);
  tiny.step(0, 0, 4, 1);  // z[lane] = lane * min(x0 / 4, 1)
  tiny.step(1, 0, 2, -1); //           - lane * min(x1 / 2, 1)
  tiny.net.bricks[0].bias[5] = 10;
  tiny.output_weight(2, 0) = 3;
  tiny.output_weight(5, 1) = 1;
  tiny.output_weight(31, 1) = 0.5;
  tiny.net.outputs[0].bias = {TestType(0.25), TestType(-1)};

  using answers = std::vector<TestType>;
  const auto biases = answers{TestType(0.25), TestType(9)}; // nothing active: lane 5 has its bias
  CHECK(tiny.answer({0, 0}) == biases);
  // z = lane * 0.5: lane 2 gives 1, lane 5 gives 12.5, lane 31 gives 15.5.
  CHECK(tiny.answer({2, 0}) == answers{TestType(3.25), TestType(-1 + 12.5 + 7.75)});
  // z = lane * (0.5 - 0.25)
  CHECK(tiny.answer({2, 0.5}) == answers{TestType(1.75), TestType(-1 + 11.25 + 3.875)});
  // z = lane * (0.25 - 1): everything negative but lane 5, 10 - 3.75
  CHECK(tiny.answer({1, 2}) == answers{TestType(0.25), TestType(-1 + 6.25)});
  // Beyond the borders nothing changes any more.
  CHECK(tiny.answer({1, 2e6}) == tiny.answer({1, 2}));
  CHECK(tiny.answer({4e9, 0}) == tiny.answer({4, 0}));
  // Missing and negative inputs are silent.
  CHECK(tiny.answer({std::numeric_limits<TestType>::quiet_NaN(), 0}) == biases);
  CHECK(tiny.answer({-5, 0}) == biases);
}

TEST_CASE("a chain of steps is a piecewise linear function", "[algorithm]") {
  tiny_network<double> tiny(activation_kind::relu, 3);
  tiny.step(0, 0, 1, 1);  // rises by 1 a unit up to 1
  tiny.step(0, 1, 2, 4);  // then by 2 a unit up to 3
  tiny.step(0, 3, 1, -2); // then falls by 2 a unit up to 4
  tiny.output_weight(1, 0) = 1;
  const std::pair<double, double> points[] = {{0, 0},   {0.5, 0.5}, {1, 1}, {2, 3},  {3, 5},
                                              {3.5, 4}, {4, 3},     {5, 3}, {1e9, 3}};
  for (const auto& [x, y] : points) {
    CHECK(tiny.answer({x, 0})[0] == Approx(y).margin(1e-12));
  }
}

TEST_CASE("neurons answer with the logarithm where the template says so", "[algorithm]") {
  tiny_network<double> tiny(activation_kind::log2, 1);
  tiny.step(0, 0, 1, 1);
  tiny.output_weight(7, 1) = 2;
  CHECK(tiny.answer({1, 0})[1] == Approx(2 * 3.0)); // log2(1 + 7)
  CHECK(tiny.answer({0.5, 0})[1] == Approx(2 * std::log2(4.5)));
}

TEST_CASE("linear answers are turned into the units of the targets", "[algorithm]") {
  tiny_network<double> tiny(activation_kind::relu, 1);
  tiny.step(0, 0, 1, 1);
  tiny.output_weight(1, 0) = 2;
  tiny.net.outputs[0].location = {100, 0};
  tiny.net.outputs[0].spread = {50, 0};
  CHECK(tiny.answer({0.5, 0})[0] == Approx(100 + 50));
}

TEST_CASE("inputs are placed by their sign, and infinities are reported", "[algorithm]") {
  tiny_network<double> tiny(activation_kind::relu, 1);
  auto& ws = tiny.ws;
  ws.fit(tiny.net);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(place_inputs<double>(tiny.net, std::array{infinity, 0.0}, ws).infinite);
  CHECK(place_inputs<double>(tiny.net, std::array{0.0, -infinity}, ws).infinite);
  const auto found = place_inputs<double>(tiny.net, std::array{1.5, -2.5}, ws);
  CHECK_FALSE(found.infinite);
  CHECK(found.new_negative);
  CHECK(ws.activations[0] == 1.5);
  CHECK(ws.activations[1] == 0.0);
  CHECK(ws.activations[tiny.net.topology.negative_part] == 0.0);
  CHECK(ws.activations[tiny.net.topology.negative_part + 1] == 2.5);
  tiny.net.negative_inputs[0] = 1;
  CHECK_FALSE(place_inputs<double>(tiny.net, std::array{1.0, -1.0}, ws).new_negative);
  CHECK_FALSE(place_inputs<double>(tiny.net, std::array{1.0, 1.0}, ws).new_negative);
  CHECK(ws.activations[tiny.net.topology.negative_part + 1] == 0.0); // nothing is left behind
}

TEST_CASE("columns with a centre are placed on its two sides", "[algorithm]") {
  constexpr std::size_t size = 37; // vectors and a rest
  auto net = make_network<float>(one_hexagon(size, 1, output_kind::sigmoid), 1);
  workspace<float> ws;
  ws.fit(net);
  net.negative_inputs[0] = 1;
  std::vector<float> values(size);
  for (std::size_t k = 0; k < size; ++k) {
    values[k] = static_cast<float>(k) - 10;
    net.centres.at.push_back(k % 3 == 0 ? 12.0f : 0.0f);
  }
  values[4] = std::numeric_limits<float>::quiet_NaN();
  values[5] = std::numeric_limits<float>::lowest();
  net.centres.at[5] = std::numeric_limits<float>::max();
  CHECK_FALSE(place_inputs<float>(net, values, ws).infinite);
  for (std::size_t k = 0; k < size; ++k) {
    const float above = ws.activations[k];
    const float below = ws.activations[net.topology.negative_part + k];
    const float expected = k == 4   ? 0.0f
                           : k == 5 ? std::numeric_limits<float>::lowest()
                                    : values[k] - net.centres.at[k];
    CHECK(above == std::max(expected, 0.0f));
    CHECK(below == std::max(-expected, 0.0f));
  }
  for (const std::size_t k : {0U, 36U}) {
    auto infinite = values;
    infinite[k] = std::numeric_limits<float>::infinity();
    CHECK(place_inputs<float>(net, infinite, ws).infinite);
  }
}
