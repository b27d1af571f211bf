// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/spiking.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/backward.hpp>
#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/growth/grow.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

/// One neuron as a reader of the rules would write it, counting cycles since the last input.
struct plain_neuron {
  double cooldown;
  std::uint32_t refractory;
  double threshold = 0;
  double potential = 0;
  std::uint32_t since_input = 1000000;

  double cycle(double input) {
    potential /= cooldown;
    ++since_input;
    if (input > threshold && since_input >= refractory) {
      potential += input;
      since_input = 0;
    }
    return potential;
  }
  bool just_took() const { return since_input == 0; }
};

struct lanes_of_neurons {
  neuron_memory<double> memory;

  lanes_of_neurons(double cooldown, std::uint32_t refractory, std::size_t count,
                   double threshold = 0) {
    memory.keep.assign(count, 1 / cooldown);
    memory.refractory_time.assign(count, refractory);
    memory.threshold.assign(1, threshold);
    memory.potentials.resize(count);
    memory.resting.resize(count);
    memory.took.resize(count);
  }
  std::vector<double> cycle(std::vector<double> sums) {
    spike(memory, 0, sums.size(), sums.data());
    return sums;
  }
};

/// One hidden hexagon of one brick between an input and outputs of two kinds.
cluster_template small_template(const cluster_settings& settings) {
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {3, 1, 1}})
      .input("in", {1, 1, 1}, 4)
      .output("class", {3, 1, 1}, 3, output_kind::softmax)
      .output("value", {3, 1, 1}, 1, output_kind::linear)
      .build();
}

cluster_settings mixed_neurons() {
  cluster_settings settings;
  settings.brick_size = 64;
  settings.max_bricks = 1;
  settings.max_steps = 4;
  settings.neuron_cooldown = {1.025, 2.6};
  settings.refractory_time = {1, 13};
  return settings;
}

/// A network that has grown, and a stream of samples with silence between them.
struct stream_fixture {
  network<double> net;
  std::vector<double> target{0.2, 0.5, 0.3, 4.0};
  std::size_t length = 12;

  explicit stream_fixture(activation_kind activation)
      : net(make_network<double>(template_of(activation), 5)) {
    net.outputs[1].location = {1.0};
    net.outputs[1].spread = {2.0};
    workspace<double> ws;
    for (std::uint64_t i = 0; i < 60; ++i) {
      ws.fit_to_learn(net);
      place_inputs<double>(net, sample(i), ws);
      grow_forward(net, ws, serial_executor{});
    }
    net.bricks[0].most_active = 1000000; // no step is shortened
  }

  static cluster_template template_of(activation_kind activation) {
    cluster_settings settings = mixed_neurons();
    settings.activation = activation;
    return small_template(settings);
  }
  static std::vector<double> sample(std::uint64_t number) {
    std::vector<double> values(4);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto x = static_cast<double>(random_unit(3, i, number));
      values[i] = x < 0.5 ? 0.0 : 2 * x;
    }
    return values;
  }

  /// The loss at the end of the stream, from rest. `ws` is left as it is then.
  double loss(workspace<double>& ws) {
    ws = {};
    for (std::uint64_t i = 0; i < length; ++i) {
      ws.fit_to_learn(net);
      ws.memory.fit_traces(net);
      place_inputs<double>(net, sample(100 + i), ws);
      infer_placed(net, weight_set::current, ws, serial_executor{});
      follow_traces<double, double>{net, ws}(0);
    }
    const std::span<const double> all(target);
    return measure_output<double>(net, 0, all.first(3), 1e9, ws).nats +
           measure_output<double>(net, 1, all.last(1), 1e9, ws).nats;
  }
  double loss() {
    workspace<double> ws;
    return loss(ws);
  }
};

} // namespace

TEST_CASE("neurons take input every n-th cycle for a refractory time of n", "[algorithm]") {
  for (std::uint32_t refractory = 1; refractory <= 9; ++refractory) {
    lanes_of_neurons neurons(2.0, refractory, 1);
    for (std::uint32_t cycle = 0; cycle < 50; ++cycle) {
      neurons.cycle({1.0});
      CHECK((neurons.memory.took[0] != 0) == (cycle % refractory == 0));
    }
  }
}

TEST_CASE("spiking neurons do what a plain model of one neuron does", "[algorithm]") {
  constexpr std::size_t count = 32;
  for (const double threshold : {0.0, 0.3}) {
    for (const double cooldown : {1.001, 1.5, 2.0, 10.0, 1e9}) {
      for (std::uint32_t refractory = 1; refractory <= 9; ++refractory) {
        lanes_of_neurons neurons(cooldown, refractory, count, threshold);
        std::vector<plain_neuron> plain(count, {cooldown, refractory, threshold});
        for (std::uint64_t cycle = 0; cycle < 300; ++cycle) {
          std::vector<double> sums(count);
          for (std::size_t lane = 0; lane < count; ++lane) {
            sums[lane] = static_cast<double>(random_signed_unit(refractory, lane, cycle));
          }
          const std::vector<double> found = neurons.cycle(sums);
          for (std::size_t lane = 0; lane < count; ++lane) {
            const double expected = plain[lane].cycle(sums[lane]);
            REQUIRE(std::abs(found[lane] - expected) <= 1e-12 * (1 + expected));
            REQUIRE((neurons.memory.took[lane] != 0) == plain[lane].just_took());
            REQUIRE(neurons.memory.potentials[lane] == found[lane]);
          }
        }
      }
    }
  }
}

TEST_CASE("a constant input makes a saw of what cooldown and rest leave", "[algorithm]") {
  // 100 every third cycle, divided by 1.5 in each: 100, 66.7, 44.4, 129.6, 86.4, 57.6, ...
  lanes_of_neurons neurons(1.5, 3, 1);
  double level = 0;
  for (int cycle = 0; cycle < 60; ++cycle) {
    level = level / 1.5 + (cycle % 3 == 0 ? 100.0 : 0.0);
    CHECK(neurons.cycle({100.0})[0] == Approx(level).epsilon(1e-12));
  }
  // It settles where the three divisions eat exactly what comes in.
  const double peak = 100 / (1 - 1 / (1.5 * 1.5 * 1.5));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak / 1.5));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak / 2.25));
}

TEST_CASE("a neuron without positive input does not begin to rest", "[algorithm]") {
  lanes_of_neurons neurons(2.0, 5, 1);
  neurons.cycle({-1.0});
  neurons.cycle({0.0});
  CHECK(neurons.memory.took[0] == 0);
  CHECK(neurons.cycle({3.0})[0] == 3.0);
  CHECK(neurons.memory.took[0] == 1);
}

TEST_CASE("the neurons of a brick share a range evenly, drawn from the seed", "[algorithm]") {
  const auto drawn = [](std::uint64_t seed) {
    auto net = make_network<float>(small_template(mixed_neurons()), seed);
    workspace<float> ws;
    grow_brick(net, hexagon_id{1}, false);
    ws.fit(net);
    return ws.memory;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto memory = drawn(seed);
    REQUIRE(memory.refractory_time.size() == 64);
    const std::set<std::uint32_t> times(memory.refractory_time.begin(),
                                        memory.refractory_time.end());
    CHECK(times.size() == 13); // each of 1..13
    CHECK(*times.begin() == 1);
    CHECK(*times.rbegin() == 13);
    const auto [least, most] = std::minmax_element(memory.keep.begin(), memory.keep.end());
    CHECK(1 / *least <= 2.6f);
    CHECK(1 / *least > 2.3f);
    CHECK(1 / *most >= 1.025f - 1e-6f);
    CHECK(1 / *most < 1.03f);
    CHECK(memory.keep == drawn(seed).keep);
    CHECK(memory.refractory_time == drawn(seed).refractory_time);
    CHECK(memory.keep != drawn(seed + 1).keep);
  }
}

TEST_CASE("a hexagon may spike in a way of its own, or alone", "[algorithm]") {
  cluster_template from = small_template({});
  from.hexagons[1].neuron_cooldown = 2.0;
  from.hexagons[1].fire_threshold = 0.25;
  from.hexagons.push_back({{2, 1, 2}}); // another one between input and outputs
  from.axons.push_back({{{1, 1, 1}, {1, 1, 1}}, {2, 1, 2}});
  from.axons.push_back({{{2, 1, 2}, {2, 1, 2}}, {3, 1, 1}});
  auto net = make_network<float>(from, 1);
  grow_brick(net, hexagon_id{1}, false);
  grow_brick(net, hexagon_id{3}, false);
  workspace<float> ws;
  ws.fit(net);
  REQUIRE(net.bricks.size() == 2);
  CHECK(ws.memory.spikes(0));
  CHECK_FALSE(ws.memory.spikes(1));
  CHECK(ws.memory.threshold[0] == 0.25f);
  CHECK(ws.memory.keep[0] == 0.5f);
  CHECK(ws.memory.refractory_time[0] == 1);
}

TEST_CASE("what a spiking brick learns is the gradient over all it has seen", "[algorithm]") {
  constexpr double rate = 0x1p-20;
  constexpr double nudge = 1e-6;
  for (const auto activation : {activation_kind::relu, activation_kind::log2}) {
    stream_fixture f(activation);
    workspace<double> ws;
    f.loss(ws);
    auto after = f.net;
    find_hidden_gradients(after, ws, serial_executor{});
    correct_weights(after, {rate, rate, rate, false}, ws, serial_executor{});
    double off = 0;
    double squares = 0;
    std::size_t from_before = 0; // weights that the last sample alone would not reach
    for (std::size_t s = 0; s < f.net.tiles.slot_end(); ++s) {
      const auto& list = ws.lists[0];
      const bool active =
          std::find(list.slot.begin(), list.slot.begin() + static_cast<std::ptrdiff_t>(list.count),
                    static_cast<tile_slot>(s)) !=
          list.slot.begin() + static_cast<std::ptrdiff_t>(list.count);
      for (std::size_t lane = 0; lane < f.net.lanes(); ++lane) {
        double& weight = f.net.tiles.tile(static_cast<tile_slot>(s))[lane];
        const double kept = weight;
        weight = kept + nudge;
        const double above = f.loss();
        weight = kept - nudge;
        const double below = f.loss();
        weight = kept;
        const double expected = (above - below) / (2 * nudge);
        const double found = (kept - after.tiles.tile(static_cast<tile_slot>(s))[lane]) / rate;
        off += (found - expected) * (found - expected);
        squares += expected * expected;
        from_before += !active && std::abs(expected) > 1e-6 ? 1U : 0U;
      }
    }
    CHECK(squares > 1e-4);
    CHECK(std::sqrt(off / squares) < 1e-5);
    CHECK(from_before > 20);
  }
}

TEST_CASE("traces leave with the tile they belong to", "[algorithm]") {
  stream_fixture f(activation_kind::relu);
  workspace<double> ws;
  f.loss(ws);
  auto& b = f.net.bricks[0];
  const tile_slot slot = b.slot[0]; // the first step of the first input
  REQUIRE(b.have[0] == 0xf);
  REQUIRE(ws.memory.strongest[slot] > 0);
  std::swap(b.slot[0], b.slot[b.max_steps]); // as if both had been removed and grown again
  place_inputs<double>(f.net, std::vector<double>(4), ws);
  infer_placed(f.net, weight_set::current, ws, serial_executor{});
  follow_traces<double, double>{f.net, ws}(0);
  CHECK(ws.memory.strongest[slot] == 0);
  const double* trace = ws.memory.traces.data() + slot * f.net.lanes();
  CHECK(std::all_of(trace, trace + f.net.lanes(), [](double e) { return e == 0; }));
}
