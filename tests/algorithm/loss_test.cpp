// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/loss.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// An output of three nodes with inner sums set by hand.
struct output_fixture {
  network<double> net;
  workspace<double> ws;

  output_fixture(output_kind kind, const std::vector<double>& sums)
      : net(make_network<double>(one_hexagon(2, 3, kind), 1)) {
    ws.fit_to_learn(net);
    ws.prediction.assign(sums.begin(), sums.end());
  }
  output_loss<double> against(const std::vector<double>& target, double clip = 100.0) {
    return measure_output<double>(net, 0, target, clip, ws);
  }
};

} // namespace

TEST_CASE("softmax answers add up to one and survive huge sums", "[algorithm]") {
  output_fixture out(output_kind::softmax, {1.0, 2.0, 3.0});
  predict_output(out.net, 0, out.ws);
  const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
  CHECK(out.ws.prediction[0] == Approx(std::exp(1.0) / sum));
  CHECK(out.ws.prediction[2] == Approx(std::exp(3.0) / sum));

  const auto loss = out.against({0, 1, 0});
  CHECK(loss.nats == Approx(-std::log(std::exp(2.0) / sum)));
  CHECK(out.ws.output_gradients[1] == Approx(std::exp(2.0) / sum - 1));
  CHECK(loss.worst == Approx(1 - std::exp(2.0) / sum));

  output_fixture huge(output_kind::softmax, {1e6, -1e6, 1e6});
  predict_output(huge.net, 0, huge.ws);
  CHECK(huge.ws.prediction[0] == 0.5);
  CHECK(huge.ws.prediction[1] == 0.0);
  const auto sure = huge.against({0, 1, 0});
  CHECK(std::isfinite(sure.nats));
  CHECK(sure.nats > 60);
}

TEST_CASE("sigmoid answers are independent of each other", "[algorithm]") {
  output_fixture out(output_kind::sigmoid, {0.0, 1.0, -1000.0});
  predict_output(out.net, 0, out.ws);
  CHECK(out.ws.prediction[0] == 0.5);
  CHECK(out.ws.prediction[1] == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(out.ws.prediction[2] == 0.0);
  const auto loss = out.against({1.0, 0.25, 0.0});
  const double y = 1 / (1 + std::exp(-1.0));
  CHECK(loss.nats ==
        Approx(std::log(2.0) - 0.25 * std::log(y) - 0.75 * std::log(1 - y)).epsilon(1e-9));
  CHECK(out.ws.output_gradients[0] == -0.5);
  CHECK(out.ws.output_gradients[1] == Approx(y - 0.25));
  CHECK(out.ws.output_gradients[2] == 0.0);
}

TEST_CASE("linear answers come in the units of the targets, errors in inner units", "[algorithm]") {
  output_fixture out(output_kind::linear, {0.5, -1.0, 2.0});
  out.net.outputs[0].location = {100.0, 0.0, 7.0};
  out.net.outputs[0].spread = {10.0, 2.0, 0.0}; // a constant target has no spread: 1 serves
  predict_output(out.net, 0, out.ws);
  CHECK(out.ws.prediction[0] == 105.0);
  CHECK(out.ws.prediction[1] == -2.0);
  CHECK(out.ws.prediction[2] == 9.0);
  const auto loss = out.against({102.0, 0.0, 9.0});
  CHECK(out.ws.output_gradients[0] == Approx(0.3));
  CHECK(out.ws.output_gradients[1] == Approx(-1.0));
  CHECK(out.ws.output_gradients[2] == 0.0);
  CHECK(loss.worst == Approx(1.0));
  CHECK(loss.nats == Approx(0.3 * 0.3 / 2 + 0.5));
}

TEST_CASE("errors are clipped, and the loss grows in a line beyond", "[algorithm]") {
  output_fixture out(output_kind::linear, {5.0, -5.0, 1.0});
  predict_output(out.net, 0, out.ws);
  const auto loss = out.against({0.0, 0.0, 0.0}, 1.5);
  CHECK(out.ws.output_gradients[0] == 1.5);
  CHECK(out.ws.output_gradients[1] == -1.5);
  CHECK(out.ws.output_gradients[2] == 1.0);
  CHECK(loss.worst == 5.0);
  CHECK(loss.nats == Approx(2 * (1.5 * (5 - 0.75)) + 0.5)); // Huber's loss
}

TEST_CASE("unknown targets have no error and no loss", "[algorithm]") {
  for (const output_kind kind : {output_kind::softmax, output_kind::sigmoid, output_kind::linear}) {
    output_fixture out(kind, {1.0, 2.0, 3.0});
    predict_output(out.net, 0, out.ws);
    out.ws.output_gradients.assign(3, 77.0); // of an earlier sample
    const auto none = out.against({missing, missing, missing});
    CHECK(none.nats == 0.0);
    CHECK(none.worst == 0.0);
    for (const double error : out.ws.output_gradients) {
      CHECK(error == 0.0);
    }
    const auto one = out.against({missing, 1.0, missing});
    CHECK(out.ws.output_gradients[0] == 0.0);
    CHECK(out.ws.output_gradients[1] != 0.0);
    CHECK(one.worst == std::abs(out.ws.output_gradients[1]));
  }
}

TEST_CASE("location and spread follow the targets", "[algorithm]") {
  output_fixture out(output_kind::linear, {0, 0, 0});
  auto& layer = out.net.outputs[0];
  for (int i = 0; i < 4000; ++i) {
    const double swing = i % 2 == 0 ? 1.0 : -1.0;
    follow_targets<double>(layer, std::vector<double>{1e6 + 500 * swing, -3.0, missing});
  }
  CHECK(layer.location[0] == Approx(1e6).epsilon(1e-5));
  CHECK(layer.spread[0] == Approx(500).epsilon(0.02));
  CHECK(layer.location[1] == Approx(-3.0));
  CHECK(layer.spread[1] == Approx(0.0).margin(1e-9));
  CHECK(layer.location[2] == 0.0); // never seen

  // One absurd target moves both by a bounded amount.
  follow_targets<double>(layer, std::vector<double>{1e30, -3.0, missing});
  CHECK(layer.location[0] == Approx(1e6).epsilon(1e-4));
  CHECK(layer.spread[0] < 600);

  // After a change of level they follow.
  for (int i = 0; i < 10000; ++i) {
    follow_targets<double>(layer, std::vector<double>{2e6 + (i % 2), -3.0, missing});
  }
  CHECK(layer.location[0] == Approx(2e6).epsilon(0.01));
}

TEST_CASE("a target that is unknown at first has the location of its own first value",
          "[algorithm]") {
  output_fixture out(output_kind::linear, {0, 0, 0});
  auto& layer = out.net.outputs[0];
  follow_targets<double>(layer, std::vector<double>{missing, 5.0, 1.0});
  for (int i = 0; i < 20; ++i) {
    follow_targets<double>(layer, std::vector<double>{1000.0, 5.0, 1.0});
  }
  CHECK(layer.location[0] == Approx(1000.0));
  CHECK(layer.spread[0] == Approx(0.0).margin(1e-6));
}
