// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/average.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <catch2/catch.hpp>

#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/growth/grow.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

network<double> grown_network() {
  auto net = make_network<double>(one_hexagon(2, 2, output_kind::sigmoid), 1);
  workspace<double> ws;
  ws.fit_to_learn(net);
  ws.activations[0] = 1.0;
  grow_level(net, net.topology.levels[0], ws);
  return net;
}

/// All weights of a kind set to one value: tiles, biases of bricks, weights and biases of outputs.
void set_all(network<double>& net, double value) {
  std::fill_n(net.tiles.weights(), net.tiles.slot_end() * net.lanes(), value);
  for (auto& b : net.bricks) {
    std::fill(b.bias.begin(), b.bias.end(), value);
  }
  for (auto& o : net.outputs) {
    std::fill(o.weights.begin(), o.weights.end(), value);
    std::fill(o.bias.begin(), o.bias.end(), value);
  }
}

bool all_averages_are(const network<double>& net, double value) {
  const auto close = [value](double v) { return std::abs(v - value) < 1e-12; };
  bool good = std::all_of(net.tiles.average(),
                          net.tiles.average() + net.tiles.slot_end() * net.lanes(), close);
  for (const auto& b : net.bricks) {
    good = good && std::all_of(b.average_bias.begin(), b.average_bias.end(), close);
  }
  for (const auto& o : net.outputs) {
    good = good && std::all_of(o.average_weights.begin(), o.average_weights.end(), close) &&
           std::all_of(o.average_bias.begin(), o.average_bias.end(), close);
  }
  return good;
}

} // namespace

TEST_CASE("an average begins at the weights and follows them by a share", "[algorithm]") {
  auto net = grown_network();
  set_all(net, 1.0);
  set_averaging(net, true);
  CHECK(all_averages_are(net, 1.0));
  set_all(net, 3.0);
  CHECK(all_averages_are(net, 1.0));
  update_average(net, average_share<double>(50, 100), 1); // a window within the period: all of it
  CHECK(all_averages_are(net, 3.0));
  set_all(net, 5.0);
  update_average(net, average_share<double>(200, 100), 2);
  CHECK(all_averages_are(net, 4.0));
  set_all(net, 14.0);
  update_average(net, average_share<double>(1000, 100), 3);
  CHECK(all_averages_are(net, 5.0));
}

TEST_CASE("an average that ends leaves nothing but the weights", "[algorithm]") {
  auto net = grown_network();
  set_averaging(net, false);
  const std::size_t plain = net.bytes();
  set_averaging(net, true);
  CHECK(net.bytes() > plain);
  set_averaging(net, false);
  CHECK(net.bytes() == plain);
  CHECK(find_fault(net) == nullptr);
}

TEST_CASE("sections and bricks that grow have an average that answers like them", "[algorithm]") {
  auto net = grown_network();
  set_averaging(net, true);
  workspace<double> ws;
  ws.fit_to_learn(net);
  ws.activations[0] = 1.0;
  ws.activations[1] = 2.0; // new
  grow_level(net, net.topology.levels[0], ws);
  CHECK(grow_brick(net, hexagon_id{1}, false));
  ws.fit_to_learn(net);
  grow_level(net, net.topology.levels[0], ws);
  REQUIRE(find_fault(net) == nullptr);
  infer_placed(net, weight_set::current, ws, serial_executor{});
  const auto current = ws.prediction;
  infer_placed(net, weight_set::average, ws, serial_executor{});
  CHECK(std::equal(current.begin(), current.end(), ws.prediction.begin()));
}
