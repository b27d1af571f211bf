// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

cluster_template row(std::uint32_t inputs, std::uint32_t outputs, cluster_settings settings = {}) {
  settings.brick_size = 32;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {4, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {4, 1, 1}, outputs, output_kind::sigmoid)
      .build();
}

std::vector<float> values(std::size_t count, std::uint64_t number) {
  std::vector<float> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = random_unit(3, i, number);
  }
  return all;
}

cluster trained(const cluster_template& from, std::uint64_t samples) {
  cluster c(from);
  for (std::uint64_t i = 0; i < samples; ++i) {
    c.train(values(c.input_size(), i), values(c.output_size(), i + 100000));
  }
  return c;
}

} // namespace

TEST_CASE("inference never changes a cluster, whatever it is asked", "[cluster]") {
  cluster_settings spiking;
  spiking.neuron_cooldown = 1.5;
  spiking.refractory_time = 3;
  for (const cluster_settings& settings : {cluster_settings{}, spiking}) {
    const cluster c = trained(row(8, 3, settings), 200);
    const auto before = to_checkpoint(c);
    workspace<float> ws = c.current_workspace();
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::uint64_t i = 0; i < 100; ++i) {
      auto input = values(8, i + 5000);
      switch (i % 5) {
      case 1:
        std::fill(input.begin(), input.end(), 0.0f);
        break;
      case 2:
        input[3] = -1e9f; // never seen
        break;
      case 3:
        input[5] = nan;
        break;
      case 4:
        input[0] = 3e38f;
        break;
      default:
        break;
      }
      c.infer(input);
      c.infer(input, ws);
    }
    CHECK(to_checkpoint(c) == before);
  }
}

TEST_CASE("a new cluster answers before it has learned anything", "[cluster]") {
  const cluster c(row(4, 3));
  CHECK(c.infer(values(4, 1)) == std::vector<float>(3, 0.5f));
  CHECK(c.statistics().bricks == 0);
}

TEST_CASE("many threads ask one cluster at once and get equal answers", "[cluster]") {
  const cluster c = trained(row(30, 5), 300);
  std::vector<std::vector<float>> expected;
  for (std::uint64_t i = 0; i < 200; ++i) {
    expected.push_back(c.infer(values(30, i + 9000)));
  }
  std::vector<std::size_t> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      workspace<float> own;
      for (std::uint64_t round = 0; round < 5; ++round) {
        for (std::uint64_t i = 0; i < 200; ++i) {
          const std::uint64_t which = (i * 7 + t * 31) % 200;
          const auto answer = c.infer(values(30, which + 9000), own);
          wrong[t] += std::equal(answer.begin(), answer.end(), expected[which].begin()) ? 0U : 1U;
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(wrong == std::vector<std::size_t>(4));
}

TEST_CASE("an activity may follow a cluster that grows, and go on to another one", "[cluster]") {
  cluster small = trained(row(3, 2), 20);
  const cluster large = trained(row(40, 7), 20);
  workspace<float> ws;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto s = small.infer(values(3, i), ws);
    CHECK(std::vector<float>(s.begin(), s.end()) == small.infer(values(3, i)));
    const auto l = large.infer(values(40, i), ws);
    CHECK(std::vector<float>(l.begin(), l.end()) == large.infer(values(40, i)));
    small.train(values(3, i), values(2, i));
  }
  // One that has as many hexagons, bricks and growth events behind it, but other lists.
  cluster_settings spiking;
  spiking.refractory_time = 2;
  const cluster remembers = trained(row(40, 7, spiking), 20);
  remembers.infer(values(40, 1), ws);
  const auto l = large.infer(values(40, 1), ws);
  CHECK(std::vector<float>(l.begin(), l.end()) == large.infer(values(40, 1)));
}

TEST_CASE("an endless stream answers from its first samples on", "[cluster]") {
  cluster c(one_hexagon(2, 2, output_kind::softmax));
  for (int i = 0; i < 100; ++i) {
    c.train(std::vector<float>{1, 0}, std::vector<float>{1, 0});
    c.train(std::vector<float>{0, 1}, std::vector<float>{0, 1});
  }
  CHECK(c.infer(std::vector<float>{1, 0})[0] > 0.9f);
  CHECK(c.infer(std::vector<float>{0, 1})[1] > 0.9f);
  const auto before = c.infer(std::vector<float>{1, 0});
  c.compact();
  CHECK(c.infer(std::vector<float>{1, 0})[0] == Approx(before[0]));
}

TEST_CASE("training tells what the current weights had predicted", "[cluster]") {
  for (const output_kind kind : {output_kind::softmax, output_kind::sigmoid, output_kind::linear}) {
    cluster c(one_hexagon(4, 2, kind));
    workspace<float> ws;
    double apart = 0;
    for (std::uint64_t i = 0; i < 3000; ++i) {
      const auto input = values(4, i);
      const float share = input[0] > 0.5f ? 0.9f : 0.2f;
      const std::vector<float> target{share, 1 - share};
      const auto asked = c.infer(input, ws, weight_set::current);
      const auto told = c.train(input, target).prediction;
      REQUIRE(told.size() == 2);
      for (std::size_t k = 0; k < 2 && i >= 1000; ++k) { // no more sections to grow
        apart = std::max(apart, static_cast<double>(std::abs(told[k] - asked[k])));
      }
    }
    CAPTURE(static_cast<int>(kind));
    CHECK(apart < 1e-3);
  }
}

TEST_CASE("one may ask for the current weights or for their average", "[cluster]") {
  cluster c(one_hexagon(4, 1, output_kind::sigmoid));
  workspace<float> ws;
  const auto ask = [&](weight_set weights) { return c.infer(values(4, 9000), ws, weights)[0]; };
  CHECK(ask(weight_set::average) == ask(weight_set::current)); // nothing has been averaged yet
  for (std::uint64_t i = 0; i < 2050; ++i) {
    c.train(values(4, i), values(1, i + 100000));
  }
  CHECK(ask(weight_set::average) != ask(weight_set::current));
  CHECK(c.infer(values(4, 9000), ws)[0] == ask(c.inference_weights()));
  c.start_task(100); // where the weights themselves answer
  CHECK(ask(weight_set::average) == ask(weight_set::current));
}

TEST_CASE("noise is answered from the average, and what has just changed from the current weights",
          "[cluster]") {
  cluster c(one_hexagon(1, 1, output_kind::sigmoid));
  const auto learn = [&](std::uint64_t first, std::uint64_t count, bool turned) {
    std::uint64_t by_average = 0;
    for (std::uint64_t i = first; i < first + count; ++i) {
      const float x = random_unit(8, 0, i);
      const bool likely = (x > 0.5f) != turned;
      const bool is = random_unit(8, 1, i) < (likely ? 0.7f : 0.3f);
      by_average += c.inference_weights() == weight_set::average ? 1U : 0U;
      c.train(std::vector{x}, std::vector{is ? 1.0f : 0.0f});
    }
    return by_average;
  };
  learn(0, 2000, false);
  CHECK(learn(2000, 18000, false) > 12000);
  learn(20000, 64, true);
  CHECK(learn(20064, 400, true) < 300);
}

TEST_CASE("a frozen cluster answers the same from less memory and can go on learning",
          "[cluster]") {
  for (const std::uint64_t planned : {std::uint64_t{0}, std::uint64_t{3000}}) {
    cluster c(row(50, 4));
    c.start_task(planned);
    for (std::uint64_t i = 0; i < 2500; ++i) {
      c.train(values(50, i % 300), values(4, i % 300));
    }
    std::vector<std::vector<float>> before;
    for (std::uint64_t i = 0; i < 50; ++i) {
      before.push_back(c.infer(values(50, i)));
    }
    const std::size_t bytes = c.state().bytes();
    c.compact();
    CHECK(c.state().bytes() < bytes);
    CHECK(find_fault(c.state()) == nullptr);
    for (std::uint64_t i = 0; i < 50; ++i) {
      CHECK(c.infer(values(50, i)) == before[i]);
    }
    std::vector<float> bad = values(50, 1);
    bad[7] = std::numeric_limits<float>::infinity();
    const auto compacted = to_checkpoint(c);
    CHECK_THROWS_AS(c.train(bad, values(4, 1)), error);
    CHECK(to_checkpoint(c) == compacted); // refused, still compacted
    c.start_task(0);
    for (std::uint64_t i = 0; i < 300; ++i) {
      c.train(values(50, i), values(4, i));
    }
    CHECK(find_fault(c.state()) == nullptr);
    CHECK(c.infer(values(50, 0)) != before[0]);
  }
}
