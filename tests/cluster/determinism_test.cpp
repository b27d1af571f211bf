// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

/// Everything on: several hexagons, growth of bricks, chains, reduction.
cluster_template busy_template() {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_connection_distance = 2;
  settings.enable_pruning = true;
  settings.max_bricks = 3;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {4, 2, 1}})
      .input("a", {1, 1, 1}, 6)
      .input("b", {1, 2, 1}, 20)
      .output("class", {4, 1, 1}, 3, output_kind::softmax)
      .output("value", {4, 2, 1}, 1, output_kind::linear)
      .build();
}

learning_options busy_options(std::uint64_t seed = 1) {
  learning_options options;
  options.seed = seed;
  options.rehearsal = 1;
  options.replay_capacity = 50;
  options.growth_loss_per_neuron = 0.5;
  return options;
}

struct sample {
  std::vector<float> input = std::vector<float>(26);
  std::vector<float> target = std::vector<float>(4);
};

sample sample_of(std::uint64_t number) {
  sample s;
  for (std::size_t i = 0; i < s.input.size(); ++i) {
    const float size = i < 6 ? 100.0f : 0.01f;
    s.input[i] = random_below(3, 5, i, number) == 0 ? 0.0f : size * random_unit(6, i, number);
  }
  if (number > 300) {
    s.input[2] = -s.input[2];
  }
  s.target[random_below(3, 7, 0, number)] = 1.0f;
  s.target[3] = s.input[0] - 3 * s.input[1];
  return s;
}

void train_all(cluster& c, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t i = first; i < last; ++i) {
    const sample s = sample_of(i);
    c.train(s.input, s.target);
  }
}

} // namespace

TEST_CASE("the same seed and samples make the same cluster, to the bit", "[cluster]") {
  cluster first(busy_template(), busy_options());
  cluster second(busy_template(), busy_options());
  for (std::uint64_t i = 0; i < 1500; i += 500) {
    train_all(first, i, i + 500);
    train_all(second, i, i + 500);
    CHECK(to_checkpoint(first) == to_checkpoint(second));
  }
  CHECK(first.statistics().growth.bricks_grown > first.state().topology.levels.size());
  CHECK(first.statistics().growth.steps_grown > 10);
}

TEST_CASE("another seed makes another cluster", "[cluster]") {
  cluster first(busy_template(), busy_options(1));
  cluster second(busy_template(), busy_options(2));
  train_all(first, 0, 50);
  train_all(second, 0, 50);
  CHECK(first.infer(sample_of(0).input) != second.infer(sample_of(0).input));
}

TEST_CASE("another order of the samples makes another cluster", "[cluster]") {
  cluster first(busy_template(), busy_options());
  cluster second(busy_template(), busy_options());
  train_all(first, 0, 50);
  train_all(second, 25, 50);
  train_all(second, 0, 25);
  CHECK(to_checkpoint(first) != to_checkpoint(second));
}

TEST_CASE("a copy does the same as the original and is independent of it", "[cluster]") {
  cluster original(busy_template(), busy_options());
  train_all(original, 0, 400);
  const auto before = to_checkpoint(original);
  cluster copy = original;
  CHECK(to_checkpoint(copy) == before);
  train_all(copy, 400, 800);
  CHECK(to_checkpoint(copy) != before);
  CHECK(to_checkpoint(original) == before); // untouched
  train_all(original, 400, 800);
  CHECK(to_checkpoint(original) == to_checkpoint(copy));

  cluster moved = std::move(copy);
  train_all(moved, 800, 900);
  train_all(original, 800, 900);
  CHECK(to_checkpoint(original) == to_checkpoint(moved));
}

TEST_CASE("samples that are known are learned from now and then, or leave every weight alone",
          "[cluster]") {
  cluster c(one_hexagon(2, 2, output_kind::softmax));
  const std::vector<float> input{1, 0};
  const std::vector<float> target{1, 0};
  constexpr std::uint64_t samples = 2000;
  c.start_task(samples); // in an endless stream neurons that stay dormant begin anew now and then
  std::uint64_t known = 0;
  std::uint64_t known_and_learned = 0;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const auto weights = c.state().outputs[0].weights;
    const train_result result = c.train(input, target);
    if (result.learned) {
      known_and_learned += result.error < c.options().tolerance_classes ? 1U : 0U;
      continue;
    }
    ++known;
    REQUIRE(result.error < c.options().tolerance_classes);
    REQUIRE(c.state().outputs[0].weights == weights);
  }
  CHECK(known > samples / 2);
  CHECK(known_and_learned > 10);
  CHECK(c.statistics().samples == samples);
  CHECK(c.statistics().samples_learned == samples - known);
}
