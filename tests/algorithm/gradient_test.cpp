// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/backward.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/growth/grow.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/builder.hpp>

// The backward pass against central finite differences of the loss, in double precision. What the
// backward pass takes from a weight, divided by the rate, must be the derivative.

using namespace hanami;

namespace {

constexpr double rate = 0x1p-20;
constexpr double nudge = 1e-5;
constexpr std::size_t input_count = 5;

/// Two hidden hexagons of two bricks each, reached over two steps, so that inputs reach both and
/// the first one reaches the second and the outputs; chains of up to four steps; one output of
/// every kind.
struct gradient_fixture {
  network<double> net;
  workspace<double> ws;
  std::vector<double> sample;
  std::vector<double> target{0.2, 0.5, 0.3, 1.0, 0.25, 130.0, -2.0};

  explicit gradient_fixture(activation_kind activation, std::uint64_t seed)
      : net(make_network<double>(template_of(activation), seed)) {
    net.outputs[2].location = {100.0, 0.0};
    net.outputs[2].spread = {20.0, 1.5};
    for (std::uint64_t i = 0; i < 60; ++i) {
      grow(random_sample(seed, i));
    }
    for (auto& b : net.bricks) {
      randomize(b.bias, 0.3, seed);
    }
    for (std::size_t s = 0; s < net.tiles.slot_end(); ++s) { // extensions began at zero
      double* tile = net.tiles.tile(static_cast<tile_slot>(s));
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        tile[lane] += 0.1 * static_cast<double>(random_signed_unit(seed, 77, s * 64 + lane));
      }
    }
    sample = random_sample(seed, 1000);
  }

  static cluster_template template_of(activation_kind activation) {
    cluster_settings settings;
    settings.brick_size = 32;
    settings.initial_bricks = 2;
    settings.max_bricks = 2;
    settings.max_steps = 4;
    settings.max_connection_distance = 2;
    settings.activation = activation;
    return template_builder{}
        .settings(settings)
        .hexagons({{1, 1, 1}, {4, 1, 1}})
        .input("in", {1, 1, 1}, input_count)
        .output("class", {4, 1, 1}, 3, output_kind::softmax)
        .output("flags", {4, 1, 1}, 2, output_kind::sigmoid)
        .output("values", {4, 1, 1}, 2, output_kind::linear)
        .build();
  }

  static std::vector<double> random_sample(std::uint64_t seed, std::uint64_t number) {
    std::vector<double> values(input_count);
    for (std::size_t i = 0; i < input_count; ++i) {
      values[i] = 0.1 + 2.0 * static_cast<double>(random_unit(seed, 500 + i, number));
    }
    return values;
  }
  template <class Values>
  static void randomize(Values& values, double scale, std::uint64_t seed) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = scale * static_cast<double>(random_signed_unit(seed, 99, i));
    }
  }

  void grow(const std::vector<double>& values) {
    ws.fit_to_learn(net);
    place_inputs<double>(net, values, ws);
    grow_forward(net, ws, serial_executor{});
  }

  double loss() {
    ws.fit_to_learn(net);
    place_inputs<double>(net, sample, ws);
    infer_placed(net, weight_set::current, ws, serial_executor{});
    double sum = 0;
    std::size_t first = 0;
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const std::size_t size = net.topology.outputs[o].size;
      const std::span<const double> part(target.data() + first, size);
      sum += measure_output<double>(net, o, part, 1e9, ws).nats;
      first += size;
    }
    return sum;
  }

  double derivative(double& weight) {
    const double kept = weight;
    weight = kept + nudge;
    const double above = loss();
    weight = kept - nudge;
    const double below = loss();
    weight = kept;
    return (above - below) / (2 * nudge);
  }

  /// No neuron may sit so close to its kink that a nudge pushes it over.
  double distance_to_kink() {
    loss();
    double least = 1e9;
    for (std::size_t index = 0; index < net.bricks.size(); ++index) {
      const auto& list = ws.lists[index];
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        double z = net.bricks[index].bias[lane];
        for (std::size_t s = 0; s < list.count; ++s) {
          z += list.phi[s] * net.tiles.tile(list.slot[s])[lane];
        }
        least = std::min(least, std::abs(z));
      }
    }
    return least;
  }
};

/// How far two gradients are apart, relative to the larger one.
struct comparison {
  std::size_t count = 0;
  std::size_t moved = 0; ///< derivatives that are not zero
  double worst = 0;

  void operator()(double analytic, double numeric) {
    ++count;
    const double size = std::max(std::abs(analytic), std::abs(numeric));
    moved += size > 1e-6 ? 1U : 0U;
    worst = std::max(worst, std::abs(analytic - numeric) / std::max(size, 1e-3));
  }
};

std::uint64_t seed_off_the_kinks(activation_kind activation) {
  for (std::uint64_t seed = 1;; ++seed) {
    if (gradient_fixture(activation, seed).distance_to_kink() > 20 * nudge) {
      return seed;
    }
    REQUIRE(seed < 100);
  }
}

void check_gradients(activation_kind activation) {
  gradient_fixture f(activation, seed_off_the_kinks(activation));
  auto& net = f.net;
  REQUIRE(find_fault(net) == nullptr);
  REQUIRE(net.bricks.size() == 4);
  f.loss();
  network<double> after = net;
  workspace<double> ws = f.ws;
  find_hidden_gradients(after, ws, serial_executor{});
  correct_weights(after, {rate, rate, rate}, ws, serial_executor{});

  comparison sections;
  comparison from_neurons;
  std::size_t longest = 0;
  for (std::size_t index = 0; index < net.bricks.size(); ++index) {
    auto& b = net.bricks[index];
    const double gain = fan_in_gain(net, b);
    CHECK(gain == (net.topology[b.hexagon].fed_by.empty() ? 2.0 : 0.5));
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    for (std::size_t local = 0; local < b.chunks() * chunk_width; ++local) {
      longest = std::max<std::size_t>(longest, b.step_count(local));
      for (std::size_t k = 0; k < b.step_count(local); ++k) {
        const tile_slot slot = b.slot[local * b.max_steps + k];
        auto& compare = chunks[local / chunk_width].is_neuron ? from_neurons : sections;
        for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
          double& weight = net.tiles.tile(slot)[lane];
          compare((weight - after.tiles.tile(slot)[lane]) / (rate * gain), f.derivative(weight));
        }
      }
    }
  }
  CHECK(longest >= 3);
  CHECK(sections.moved > 500);
  CHECK(sections.worst < 1e-5);
  CHECK(from_neurons.moved > 500);
  CHECK(from_neurons.worst < 1e-5);

  comparison biases; // they move by their own rate alone, without the gain of the sections
  for (std::size_t index = 0; index < net.bricks.size(); ++index) {
    auto& bias = net.bricks[index].bias;
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      biases((bias[lane] - after.bricks[index].bias[lane]) / rate, f.derivative(bias[lane]));
    }
  }
  CHECK(biases.moved > 50);
  CHECK(biases.worst < 1e-5);

  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    INFO("output " << net.topology.outputs[o].name);
    auto& layer = net.outputs[o];
    comparison outputs;
    for (std::size_t i = 0; i < layer.weights.size(); ++i) {
      outputs((layer.weights[i] - after.outputs[o].weights[i]) / rate,
              f.derivative(layer.weights[i]));
    }
    for (std::size_t i = 0; i < layer.bias.size(); ++i) {
      outputs((layer.bias[i] - after.outputs[o].bias[i]) / rate, f.derivative(layer.bias[i]));
    }
    CHECK(outputs.moved > 50);
    CHECK(outputs.worst < 1e-5);
  }
}

void check_same_bricks(const network<double>& after, const network<double>& before) {
  for (std::size_t b = 0; b < after.bricks.size(); ++b) {
    CHECK(std::equal(after.bricks[b].bias.begin(), after.bricks[b].bias.end(),
                     before.bricks[b].bias.begin()));
  }
  CHECK(std::equal(after.tiles.weights(),
                   after.tiles.weights() + after.tiles.slot_end() * after.lanes(),
                   before.tiles.weights()));
}

} // namespace

TEST_CASE("the backward pass is the derivative of the loss with relu", "[algorithm]") {
  check_gradients(activation_kind::relu);
}

TEST_CASE("the backward pass is the derivative of the loss with log2", "[algorithm]") {
  check_gradients(activation_kind::log2);
}

TEST_CASE("nodes without a target move no weight", "[algorithm]") {
  gradient_fixture f(activation_kind::relu, 3);
  for (double& t : f.target) {
    t = std::nan("");
  }
  CHECK(f.loss() == 0.0);
  network<double> after = f.net;
  find_hidden_gradients(after, f.ws, serial_executor{});
  correct_weights(after, {0.1, 0.1, 0.1}, f.ws, serial_executor{});
  for (std::size_t o = 0; o < after.outputs.size(); ++o) {
    CHECK(std::equal(after.outputs[o].weights.begin(), after.outputs[o].weights.end(),
                     f.net.outputs[o].weights.begin()));
    CHECK(std::equal(after.outputs[o].bias.begin(), after.outputs[o].bias.end(),
                     f.net.outputs[o].bias.begin()));
  }
  check_same_bricks(after, f.net);
}

TEST_CASE("a rate of zero moves no weight and makes no NaN", "[algorithm]") {
  gradient_fixture f(activation_kind::relu, 3);
  f.loss();
  network<double> after = f.net;
  find_hidden_gradients(after, f.ws, serial_executor{});
  correct_weights(after, {}, f.ws, serial_executor{});
  check_same_bricks(after, f.net);
}

TEST_CASE("the whole-gradient step mends its share of a linear error", "[algorithm]") {
  gradient_fixture f(activation_kind::relu, seed_off_the_kinks(activation_kind::relu));
  for (std::size_t k = 0; k < 5; ++k) {
    f.target[k] = std::nan(""); // the classes and the probability have no error
  }
  const auto error_of = [&] {
    f.loss();
    return std::hypot(f.ws.output_gradients[5], f.ws.output_gradients[6]);
  };
  const double before = error_of();
  REQUIRE(before > 0.1);
  find_hidden_gradients(f.net, f.ws, serial_executor{});
  const auto rates = whole_gradient_rates(f.net, f.ws, 0.01, 0.1);
  CHECK_FALSE(rates.fan_in);
  CHECK(rates.bias == Approx(0.1 * rates.weight));
  correct_weights(f.net, rates, f.ws, serial_executor{});
  const double mended = 1 - error_of() / before;
  CHECK(mended > 0.002); // two outputs and two levels share the step
  CHECK(mended < 0.011);
}
