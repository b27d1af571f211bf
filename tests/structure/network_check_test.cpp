// SPDX-License-Identifier: Apache-2.0
#include <hanami/structure/network_check.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

/// Two hexagons of neurons in a row, one brick each, made by hand: chains of up to four steps from
/// three inputs, then plain sections from neurons.
network<float> sound_network() {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = 4;
  settings.max_bricks = 2;
  auto net = make_network<float>(template_builder{}
                                     .settings(settings)
                                     .hexagons({{1, 1, 1}, {4, 1, 1}})
                                     .input("in", {1, 1, 1}, 3)
                                     .output("out", {4, 1, 1}, 2, output_kind::linear)
                                     .build(),
                                 1);
  net.tiles.set_averaging(true);
  net.hexagons[2].chunks = {{net.neurons_of(0), 0xffff, true, 1},
                            {net.neurons_of(0) + 16, 0xffff, true, 1}};
  net.bricks.resize(2);
  for (std::uint32_t index = 0; index < 2; ++index) {
    auto& b = net.bricks[index];
    b.hexagon = hexagon_id{index + 1};
    b.max_steps = 4;
    b.bias.resize(32);
    b.average_bias.resize(32);
    b.resize_chunks(net.hexagons[index + 1].chunks.size());
    net.hexagons[index + 1].bricks = {index};
    for (std::size_t local : {std::size_t{0}, std::size_t{2}}) {
      b.have[0] = static_cast<std::uint16_t>(b.have[0] | (1U << local));
      ++b.sections;
      b.steps[local] = 3;
      for (std::size_t k = 0; k < 3; ++k) {
        b.lower[local * 4 + k] = static_cast<float>(k);
        b.inverse_width[local * 4 + k] = 1.0f;
        b.slot[local * 4 + k] = net.tiles.acquire();
      }
    }
  }
  auto& layer = net.outputs[0];
  layer.bricks = {1};
  layer.weights.resize(64);
  layer.average_weights.resize(64);
  layer.average_bias.resize(2);
  return net;
}

template <class Damage>
std::string fault_after(Damage damage) {
  auto net = sound_network();
  REQUIRE(find_fault(net) == nullptr);
  damage(net);
  const char* why = find_fault(net);
  return why == nullptr ? "nothing" : why;
}

} // namespace

TEST_CASE("a sound network has no fault", "[structure]") {
  const auto net = sound_network();
  const char* why = find_fault(net);
  INFO((why == nullptr ? "" : why));
  CHECK(why == nullptr);
  CHECK(find_fault(make_network<double>(template_builder{}
                                            .hexagons({{1, 1, 1}, {2, 1, 1}})
                                            .input("in", {1, 1, 1}, 3)
                                            .output("out", {2, 1, 1}, 2, output_kind::sigmoid)
                                            .build(),
                                        1)) == nullptr);
}

TEST_CASE("every kind of damage to the lists of a network is found", "[structure]") {
  using net_type = network<float>;
  const std::pair<const char*, void (*)(net_type&)> damages[] = {
      {"hexagons missing", [](net_type& n) { n.hexagons.pop_back(); }},
      {"inputs missing", [](net_type& n) { n.negative_inputs.clear(); }},
      {"outputs missing", [](net_type& n) { n.outputs.clear(); }},
      {"bricks in an input", [](net_type& n) { n.hexagons[0].bricks.push_back(0); }},
      {"chunks in an output",
       [](net_type& n) {
         n.hexagons[3].chunks.push_back({0, 1, false, 1});
       }},
      {"a brick that does not exist", [](net_type& n) { n.hexagons[1].bricks.push_back(9); }},
      {"a brick in two hexagons", [](net_type& n) { n.hexagons[1].bricks.push_back(1); }},
      {"a brick twice", [](net_type& n) { n.hexagons[1].bricks.push_back(0); }},
      {"a brick in none", [](net_type& n) { n.hexagons[2].bricks.clear(); }},
      {"a brick that lives elsewhere", [](net_type& n) { n.bricks[1].hexagon = hexagon_id{1}; }},
      {"too many bricks", [](net_type& n) { n.topology.settings.max_bricks = 0; }},
      {"an endless error sum",
       [](net_type& n) { n.hexagons[1].error_sum = std::numeric_limits<double>::infinity(); }},
      {"an input chunk beyond the inputs",
       [](net_type& n) { n.hexagons[1].chunks[0].offset = n.topology.neurons_begin - 1; }},
      {"a neuron chunk among the inputs", [](net_type& n) { n.hexagons[2].chunks[0].offset = 0; }},
      {"a neuron chunk beyond the neurons",
       [](net_type& n) { n.hexagons[2].chunks[0].offset += 32 * 5; }},
      {"a neuron chunk of a hexagon that does not feed this one",
       [](net_type& n) { n.hexagons[2].chunks[0].offset += 32; }},
      {"a neuron chunk between chunks", [](net_type& n) { ++n.hexagons[2].chunks[0].offset; }},
      {"a chunk at no distance", [](net_type& n) { n.hexagons[1].chunks[0].distance = 0; }},
      {"a brick without lists for a chunk",
       [](net_type& n) { n.hexagons[2].chunks.push_back(n.hexagons[2].chunks[0]); }},
      {"a wrong number of steps allowed", [](net_type& n) { n.bricks[0].max_steps = 3; }},
      {"short have", [](net_type& n) { n.bricks[0].have.clear(); }},
      {"short closed", [](net_type& n) { n.bricks[0].closed.clear(); }},
      {"short widths", [](net_type& n) { n.bricks[0].inverse_width.pop_back(); }},
      {"short slots", [](net_type& n) { n.bricks[0].slot.pop_back(); }},
      {"short lower ends", [](net_type& n) { n.bricks[0].lower.pop_back(); }},
      {"short step counts", [](net_type& n) { n.bricks[0].steps.pop_back(); }},
      {"short biases", [](net_type& n) { n.bricks[0].bias.pop_back(); }},
      {"short average biases", [](net_type& n) { n.bricks[0].average_bias.pop_back(); }},
      {"a chunk that is not watched", [](net_type& n) { n.bricks[0].border_states.pop_back(); }},
      {"short watches", [](net_type& n) { n.bricks[0].chain_states.pop_back(); }},
      {"borders of a frozen network", [](net_type& n) { n.compacted = true; }},
      {"output weights missing", [](net_type& n) { n.outputs[0].weights.pop_back(); }},
      {"average output weights missing",
       [](net_type& n) { n.outputs[0].average_weights.pop_back(); }},
      {"output biases missing", [](net_type& n) { n.outputs[0].bias.pop_back(); }},
      {"average output biases missing", [](net_type& n) { n.outputs[0].average_bias.clear(); }},
      {"locations missing", [](net_type& n) { n.outputs[0].location.pop_back(); }},
      {"spreads missing", [](net_type& n) { n.outputs[0].spread.pop_back(); }},
      {"an output of a brick that does not reach it",
       [](net_type& n) { n.outputs[0].bricks[0] = 0; }},
      {"an output of a brick that does not exist", [](net_type& n) { n.outputs[0].bricks[0] = 7; }},
      {"an output that reads a brick twice",
       [](net_type& n) {
         n.outputs[0].bricks.push_back(1);
         n.outputs[0].weights.resize(128);
         n.outputs[0].average_weights.resize(128);
       }},
  };
  for (const auto& [name, damage] : damages) {
    INFO(name);
    CHECK(fault_after(damage) != "nothing");
  }
}

TEST_CASE("every kind of damage to sections and steps is found", "[structure]") {
  using net_type = network<float>;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(fault_after([](net_type& n) { n.bricks[0].have[0] = 0x0009; }) !=
        "nothing"); // 3 presynaptic nodes
  CHECK(fault_after([](net_type& n) { n.bricks[0].have[0] = 0x0001; }) != "nothing"); // leaked
  CHECK(fault_after([](net_type& n) { n.bricks[0].steps[0] = 0; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.bricks[0].steps[0] = 5; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.bricks[0].steps[0] = 2; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.bricks[0].slot[1] = n.bricks[0].slot[0]; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.bricks[0].slot[1] = n.bricks[1].slot[1]; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.bricks[0].slot[1] = no_tile; }) != "nothing");
  CHECK(fault_after([](net_type& n) { n.tiles.acquire(); }) != "nothing");
  for (const float width : {0.0f, -1.0f, 1e9f, infinity, infinity - infinity}) {
    CHECK(fault_after([&](net_type& n) { n.bricks[0].inverse_width[1] = width; }) != "nothing");
  }
  for (const float lower : {0.0f, -1.0f, 2.0f, infinity, infinity - infinity}) {
    CHECK(fault_after([&](net_type& n) { n.bricks[0].lower[1] = lower; }) != "nothing");
  }
  CHECK(fault_after([](net_type& n) { n.bricks[0].lower[0] = 0.5f; }) != "nothing");
}

TEST_CASE("borders that training would spoil are found", "[structure]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float high : {-1.0f, infinity, infinity - infinity}) {
    CHECK(fault_after([&](network<float>& n) { n.bricks[0].chain_states[0].highest = high; }) !=
          "nothing");
  }
}

TEST_CASE("a free tile that is also in use is found", "[structure]") {
  // Given back although a step holds it, while another one is lost: the numbers still add up.
  const auto in_use = [](network<float>& n) {
    n.tiles.acquire();
    n.tiles.release(n.bricks[0].slot[0]);
  };
  CHECK(fault_after(in_use) != "nothing");
  const auto twice = [](network<float>& n) {
    const tile_slot first = n.tiles.acquire();
    n.tiles.acquire();
    n.tiles.release(first);
    n.tiles.release(first);
  };
  CHECK(fault_after(twice) != "nothing");
}
