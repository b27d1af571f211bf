// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/loss.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// An output of three nodes with inner sums set by hand.
struct output_fixture {
  network<double> net;
  workspace<double> ws;

  output_fixture(output_kind kind, const std::vector<double>& sums, const value_loss& loss = {})
      : net(make_network<double>(one_hexagon(2, 3, kind, {}, loss), 1)) {
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
  out.net.outputs[0].spread = {10.0, 2.0, 0.0}; // a constant target has no spread: it is the answer
  predict_output(out.net, 0, out.ws);
  CHECK(out.ws.prediction[0] == 105.0);
  CHECK(out.ws.prediction[1] == -2.0);
  CHECK(out.ws.prediction[2] == 7.0);
  const auto loss = out.against({102.0, 0.0, 7.0});
  CHECK(out.ws.output_gradients[0] == Approx(0.3));
  CHECK(out.ws.output_gradients[1] == Approx(-1.0));
  CHECK(out.ws.output_gradients[2] == 0.0);
  CHECK(loss.worst == Approx(1.0));
  CHECK(loss.nats == Approx(0.3 * 0.3 / 2 + 0.5));
}

TEST_CASE("Huber's loss clips errors and grows in a line beyond", "[algorithm]") {
  output_fixture out(output_kind::linear, {5.0, -5.0, 1.0}, {loss_kind::huber});
  out.net.outputs[0].spread = {1.0, 1.0, 1.0};
  predict_output(out.net, 0, out.ws);
  const auto loss = out.against({0.0, 0.0, 0.0}, 1.5);
  CHECK(out.ws.output_gradients[0] == 1.5);
  CHECK(out.ws.output_gradients[1] == -1.5);
  CHECK(out.ws.output_gradients[2] == 1.0);
  CHECK(loss.worst == 5.0);
  CHECK(loss.nats == Approx(2 * (1.5 * (5 - 0.75)) + 0.5));
}

TEST_CASE("the loss of a quantile pulls up by its share and down by the rest", "[algorithm]") {
  output_fixture out(output_kind::linear, {3.0, -3.0, 2.0}, {loss_kind::quantile, 0.9});
  out.net.outputs[0].spread = {2.0, 2.0, 2.0};
  predict_output(out.net, 0, out.ws);
  const auto loss = out.against({0.0, 0.0, 4.0});
  CHECK(out.ws.output_gradients[0] == Approx(0.1));
  CHECK(out.ws.output_gradients[1] == Approx(-0.9));
  CHECK(out.ws.output_gradients[2] == 0.0);
  CHECK(loss.nats == Approx(0.1 * 3 + 0.9 * 3));
}

TEST_CASE("squared loss counts errors in full up to a limit that follows them", "[algorithm]") {
  output_fixture out(output_kind::linear, {0.0, 0.0, 0.0});
  auto& layer = out.net.outputs[0];
  layer.spread = {1.0, 1.0, 1.0};
  // Node 0: normal errors; node 1: one in 50 is 10, the others are small; node 2: the same, of
  // which one is absurd.
  for (int i = 0; i < 4000; ++i) {
    const double wave = std::sin(i) + std::sin(1.7 * i) + std::sin(2.3 * i);
    layer.targets[0].seen = layer.targets[1].seen = layer.targets[2].seen = 1;
    const double rare = i % 50 == 0 ? 10.0 : 0.1;
    for (const auto& [node, error] :
         {std::pair<std::size_t, double>{0, wave}, {1, rare}, {2, i == 2000 ? 1e9 : rare}}) {
      const double limit = error_limit(layer.targets[node]);
      note_error(layer.targets[node], 0.0, std::clamp(error, -limit, limit));
    }
  }
  CHECK(error_limit(layer.targets[0]) > 3.0); // the largest errors
  CHECK(error_limit(layer.targets[0]) < 6.0);
  CHECK(error_limit(layer.targets[1]) > 15.0);
  CHECK(error_limit(layer.targets[2]) < 1.5 * error_limit(layer.targets[1]));
  predict_output(out.net, 0, out.ws);
  out.against({1e9, 10.0, -1e30});
  CHECK(out.ws.output_gradients[0] == -error_limit(layer.targets[0]));
  CHECK(out.ws.output_gradients[1] == -10.0);
  CHECK(out.ws.output_gradients[2] == error_limit(layer.targets[2]));
}

TEST_CASE("unknown targets have no error and no loss", "[algorithm]") {
  for (const output_kind kind : {output_kind::softmax, output_kind::sigmoid, output_kind::linear}) {
    output_fixture out(kind, {1.0, 2.0, 3.0});
    std::fill(out.net.outputs[0].spread.begin(), out.net.outputs[0].spread.end(), 1.0);
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

TEST_CASE("softmax targets that are shares with two digits count as what they add up to",
          "[algorithm]") {
  output_fixture out(output_kind::softmax, {1.0, 2.0, 3.0});
  predict_output(out.net, 0, out.ws);
  out.against({0.33, 0.33, 0.33});
  double sum = 0;
  for (const double gradient : out.ws.output_gradients) {
    sum += gradient;
  }
  CHECK(sum == Approx(0.0).margin(1e-12));
}

namespace {

/// One more sample of targets, without a network that would predict.
void follow(output_fixture& out, const std::vector<double>& targets,
            loss_kind loss = loss_kind::squared) {
  std::vector<double> sums(3);
  follow_targets<double>(out.net.outputs[0], loss, out.net.lanes(), targets, sums.data());
}

} // namespace

TEST_CASE("location and spread follow the targets", "[algorithm]") {
  for (const loss_kind loss : {loss_kind::squared, loss_kind::huber}) {
    output_fixture out(output_kind::linear, {0, 0, 0}, {loss});
    auto& layer = out.net.outputs[0];
    for (int i = 0; i < 4000; ++i) {
      const double swing = i % 2 == 0 ? 1.0 : -1.0;
      follow(out, {1e6 + 500 * swing, -3.0, missing}, loss);
    }
    CHECK(layer.location[0] == Approx(1e6).epsilon(0.001));
    CHECK(layer.spread[0] > 249); // squared: within a factor of two
    CHECK(layer.spread[0] < 1001);
    CHECK(layer.location[1] == Approx(-3.0));
    CHECK(layer.spread[1] == 0.0);
    CHECK(layer.location[2] == 0.0); // never seen

    // One absurd target moves both by a bounded amount.
    const auto before = layer;
    follow(out, {1e30, -3.0, missing}, loss);
    CHECK(layer.location[0] == Approx(before.location[0]).epsilon(1e-4));
    CHECK(layer.spread[0] < 1.3 * before.spread[0]);

    // After a change of level they follow.
    for (int i = 0; i < 10000; ++i) {
      follow(out, {2e6 + (i % 2), -3.0, missing}, loss);
    }
    CHECK(layer.location[0] == Approx(2e6).epsilon(0.01));
  }
}

TEST_CASE("a target that is unknown at first has the location of its own first value",
          "[algorithm]") {
  output_fixture out(output_kind::linear, {0, 0, 0});
  auto& layer = out.net.outputs[0];
  follow(out, {missing, 5.0, 1.0});
  for (int i = 0; i < 20; ++i) {
    follow(out, {1000.0, 5.0, 1.0});
  }
  CHECK(layer.location[0] == Approx(1000.0));
  CHECK(layer.spread[0] == Approx(0.0).margin(1e-6));
}

TEST_CASE("wild targets at the beginning leave the units in some rows", "[algorithm]") {
  const double largest = static_cast<double>(std::numeric_limits<float>::max());
  const std::vector<std::vector<double>> beginnings{{65535},
                                                    {1e9},
                                                    {-largest},
                                                    {largest, -largest, largest},
                                                    {1e-30},
                                                    {1e9, 1e9, -1e9, 1e9, 5e8},
                                                    std::vector<double>(10, 1e9),
                                                    std::vector<double>(20, -1e12)};
  for (const auto& wild : beginnings) {
    output_fixture out(output_kind::linear, {0, 0, 0});
    for (const double target : wild) {
      follow(out, {target, missing, missing});
    }
    for (int i = 0; i < 30; ++i) {
      follow(out, {20 + std::sin(1.3 * i), missing, missing});
    }
    const auto& layer = out.net.outputs[0];
    CHECK(layer.location[0] == Approx(20).margin(1.5));
    CHECK(layer.spread[0] > 0.2);
    CHECK(layer.spread[0] < 30);
  }
}

TEST_CASE("a single other value of a constant target is not believed, a second one is",
          "[algorithm]") {
  output_fixture out(output_kind::linear, {0, 0, 0});
  const auto& layer = out.net.outputs[0];
  for (int i = 0; i < 500; ++i) {
    follow(out, {i == 100 ? 1e9 : 20.0, i == 100 || i == 300 ? 21.0 : 20.0, missing});
  }
  CHECK(layer.location[0] == 20.0);
  CHECK(layer.spread[0] == 0.0);
  CHECK(layer.location[1] == Approx(20.0).margin(0.01));
  CHECK(layer.spread[1] > 0.02);
  CHECK(layer.spread[1] < 0.2);
}

TEST_CASE("a new spread leaves the predictions as they are", "[algorithm]") {
  cluster_settings settings;
  settings.max_bricks = 1;
  cluster c(one_hexagon(2, 1, output_kind::linear, settings));
  const auto train = [&](int i, float size) {
    const float x = std::sin(static_cast<float>(i)) + 2;
    c.train(std::vector<float>{x, 1.0f}, std::vector<float>{size * x});
  };
  for (int i = 0; i < 300; ++i) {
    train(i, 1);
  }
  auto net = c.state();
  const float before = c.infer(std::vector<float>{2, 1})[0];
  float sum = (before - net.outputs[0].location[0]) / net.outputs[0].spread[0];
  detail::change_spread(net.outputs[0], 0, net.lanes(), 1e-3, sum);
  workspace<float> ws;
  ws.fit(net);
  place_inputs<float>(net, std::vector<float>{2, 1}, ws);
  infer_placed(net, weight_set::current, ws, serial_executor{});
  CHECK(ws.prediction[0] == Approx(before).epsilon(1e-4));
  CHECK(net.outputs[0].location[0] + net.outputs[0].spread[0] * sum ==
        Approx(before).epsilon(1e-4));
}
