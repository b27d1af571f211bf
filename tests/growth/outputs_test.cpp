// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/outputs.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

/// An output of every kind; the one that grows stands in the middle.
cluster made(output_kind kind, learning_options options = {}) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.initial_bricks = settings.max_bricks = 2;
  return cluster(template_builder{}
                     .settings(settings)
                     .hexagons({{1, 1, 1}, {3, 1, 1}})
                     .input("in", {1, 1, 1}, 3)
                     .output("first", {3, 1, 1}, 2, output_kind::linear)
                     .output("grows", {3, 1, 1}, 3, kind)
                     .output("last", {3, 1, 1}, 1, output_kind::sigmoid)
                     .build(),
                 options);
}

std::vector<float> input(std::uint64_t i) {
  return {random_unit(5, 0, i), 10 * random_unit(5, 1, i), random_signed_unit(5, 2, i)};
}

void train(cluster& net, std::uint64_t first, std::uint64_t last) {
  const std::size_t width = net.output("grows").size;
  for (std::uint64_t i = first; i < last; ++i) {
    const auto in = input(i);
    std::vector<float> target(net.output_size());
    target[0] = in[1];
    target[1] = -in[0];
    target[2 + static_cast<std::size_t>(in[0] * static_cast<float>(width))] = 1;
    target[2 + width] = in[2] > 0 ? 1.0f : 0.0f;
    net.train(in, target);
  }
}

} // namespace

TEMPLATE_TEST_CASE_SIG("an output that grows keeps what it has learned", "[growth]",
                       ((output_kind Kind), Kind), output_kind::softmax, output_kind::sigmoid,
                       output_kind::linear) {
  cluster net = made(Kind);
  train(net, 0, 500);
  const cluster before = net;
  net.grow_output("grows", 5);
  REQUIRE(find_fault(net.state()) == nullptr);
  CHECK(net.output_size() == 8);
  CHECK(net.output("grows").size == 5);
  CHECK(net.output("last").first == 7);
  CHECK(net.cluster_template().outputs[1].size == 5);
  for (std::uint64_t i = 1000; i < 1020; ++i) {
    const auto old = before.infer(input(i));
    const auto now = net.infer(input(i));
    CHECK(now[0] == old[0]);
    CHECK(now[1] == old[1]);
    CHECK(now[7] == old[5]);
    const float kept = Kind == output_kind::softmax ? 1 - now[5] - now[6] : 1.0f;
    CHECK(kept > 0.95f);
    for (std::size_t k = 2; k < 5; ++k) {
      CHECK(now[k] == Approx(kept * old[k]).margin(1e-6));
    }
  }
}

TEST_CASE("a class that appears late is learned beside those that were there", "[growth]") {
  cluster net = made(output_kind::softmax);
  train(net, 0, 3000); // averaged weights answer
  net.grow_output("grows", 4);
  train(net, 3000, 6000);
  std::size_t right = 0;
  for (std::uint64_t i = 7000; i < 7400; ++i) {
    const auto in = input(i);
    const auto answer = net.infer(in);
    const auto* classes = answer.data() + 2;
    const auto truth = static_cast<std::ptrdiff_t>(in[0] * 4);
    right += std::max_element(classes, classes + 4) - classes == truth ? 1U : 0U;
  }
  CHECK(right > 340);
}

TEST_CASE("an output grows before the first sample as if it had been made so", "[growth]") {
  cluster grown = made(output_kind::softmax);
  grown.grow_output("grows", 6);
  cluster whole(grown.cluster_template());
  train(grown, 0, 300);
  train(whole, 0, 300);
  for (std::uint64_t i = 400; i < 410; ++i) {
    CHECK(grown.infer(input(i)) == whole.infer(input(i)));
  }
}

TEST_CASE("a cluster with a grown output is restored and goes on, to the bit", "[growth]") {
  learning_options options;
  options.rehearsal = 1;
  options.replay_capacity = 20;
  options.replay_threshold = 0.1;
  cluster net = made(output_kind::softmax, options);
  train(net, 0, 200);
  net.grow_output("grows", 4);
  cluster restored = from_checkpoint(to_checkpoint(net)); // the remembered samples fit
  train(net, 200, 500);
  train(restored, 200, 500);
  CHECK(to_checkpoint(restored) == to_checkpoint(net));
}

TEST_CASE("what cannot grow says why and stays as it is", "[growth]") {
  cluster net = made(output_kind::softmax);
  train(net, 0, 50);
  const auto before = to_checkpoint(net);
  const auto refusal = [&](const char* name, std::uint32_t size) {
    try {
      net.grow_output(name, size);
    } catch (const error& failure) {
      return static_cast<errc>(failure.code().value());
    }
    return errc{};
  };
  CHECK(refusal("nowhere", 5) == errc::invalid_argument);
  CHECK(refusal("grows", 2) == errc::invalid_argument);
  CHECK(refusal("grows", 1U << 25) == errc::invalid_template);
  CHECK(refusal("grows", 3) == errc{}); // nothing to do
  CHECK(to_checkpoint(net) == before);

  cluster_settings small;
  small.memory_limit = 200'000;
  cluster tight(template_builder{}
                    .settings(small)
                    .hexagons({{1, 1, 1}, {3, 1, 1}})
                    .input("in", {1, 1, 1}, 2)
                    .output("class", {3, 1, 1}, 2, output_kind::softmax)
                    .build());
  tight.train(std::vector<float>{1, 2}, std::vector<float>{1, 0});
  CHECK_THROWS_WITH(tight.grow_output("class", 100'000), Catch::Contains("memory limit"));
  CHECK(tight.output_size() == 2);
}
