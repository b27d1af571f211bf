// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr std::size_t inputs = 6;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

cluster_template classes_of(std::uint32_t max_steps) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = max_steps;
  settings.max_bricks = 2;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {4, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {4, 1, 1}, 3, output_kind::softmax)
      .build();
}

std::vector<float> input_of(std::uint64_t number, const std::vector<float>& scales) {
  std::vector<float> values(inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    values[i] = random_signed_unit(3, i, number) * scales[i];
  }
  return values;
}

std::vector<float> class_of(std::uint64_t number) {
  const auto v = input_of(number, std::vector<float>(inputs, 1.0f));
  std::vector<float> target(3);
  target[v[0] * v[1] > 0 ? 0 : v[2] > 0 ? 1 : 2] = 1.0f;
  return target;
}

cluster trained(std::uint32_t max_steps, const std::vector<float>& scales,
                std::uint64_t samples = 1500) {
  cluster c(classes_of(max_steps));
  c.start_task(samples * 2);
  for (std::uint64_t i = 0; i < samples; ++i) {
    c.train(input_of(i, scales), class_of(i));
  }
  return c;
}

std::string refusal(cluster& c, const std::vector<float>& input, const std::vector<float>& target) {
  try {
    c.train(input, target);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_argument);
    return failure.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("inputs times powers of two, each its own, change nothing, to the bit", "[cluster]") {
  const std::vector<float> ones(inputs, 1.0f);
  const std::vector<float> scales{0x1p10f, 0x1p-20f, 1.0f, 0x1p30f, 0x1p-7f, 2.0f};
  for (const std::uint32_t max_steps : {1U, 0U}) {
    const cluster plain = trained(max_steps, ones);
    const cluster scaled = trained(max_steps, scales);
    CHECK(plain.statistics().steps == scaled.statistics().steps);
    CHECK(plain.statistics().growth.steps_grown == scaled.statistics().growth.steps_grown);
    for (std::uint64_t i = 5000; i < 5100; ++i) {
      CHECK(plain.infer(input_of(i, ones)) == scaled.infer(input_of(i, scales)));
    }
  }
}

TEST_CASE("inputs times any constant change answers by rounding only", "[cluster]") {
  const std::vector<float> ones(inputs, 1.0f);
  for (const float scale : {1000.0f, 0.001f}) {
    const std::vector<float> scales(inputs, scale);
    const cluster plain = trained(1, ones, 400);
    const cluster scaled = trained(1, scales, 400);
    float worst = 0;
    for (std::uint64_t i = 5000; i < 5100; ++i) {
      const auto a = plain.infer(input_of(i, ones));
      const auto b = scaled.infer(input_of(i, scales));
      for (std::size_t k = 0; k < a.size(); ++k) {
        worst = std::max(worst, std::abs(a[k] - b[k]));
      }
    }
    CHECK(worst < 1e-4f);
  }
}

TEST_CASE("an input a million times too large answers like the largest one seen", "[cluster]") {
  const std::vector<float> ones(inputs, 1.0f);
  for (const std::uint32_t max_steps : {1U, 8U}) {
    const cluster c = trained(max_steps, ones);
    std::vector<float> largest(inputs);
    for (std::uint64_t i = 0; i < 1500; ++i) {
      const auto v = input_of(i, ones);
      for (std::size_t k = 0; k < inputs; ++k) {
        largest[k] = std::max(largest[k], v[k]);
      }
    }
    for (std::uint64_t i = 5000; i < 5020; ++i) {
      for (std::size_t k = 0; k < inputs; ++k) {
        auto v = input_of(i, ones);
        const float centre = c.state().centres.at[k];
        v[k] = centre + 1.1f * (largest[k] - centre); // at most ten percent above the last border
        const auto expected = c.infer(v);
        v[k] = 1e6f;
        CHECK(c.infer(v) == expected);
        v[k] = std::numeric_limits<float>::max();
        CHECK(c.infer(v) == expected);
      }
    }
  }
}

TEST_CASE("outliers while learning cost next to nothing", "[cluster]") {
  const std::vector<float> ones(inputs, 1.0f);
  cluster c(classes_of(0));
  c.start_task(6000);
  for (std::uint64_t i = 0; i < 6000; ++i) {
    auto v = input_of(i, ones);
    if (i % 200 == 0) { // the very first sample, too
      for (float& x : v) {
        x *= 1e6f;
      }
    }
    c.train(v, class_of(i));
  }
  int right = 0;
  for (std::uint64_t i = 10000; i < 10500; ++i) {
    const auto answer = c.infer(input_of(i, ones));
    const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
    right += class_of(i)[static_cast<std::size_t>(best)] > 0 ? 1 : 0;
  }
  CHECK(right > 425);
}

TEST_CASE("a missing input is a silent one", "[cluster]") {
  const cluster c = trained(0, std::vector<float>(inputs, 1.0f));
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto v = input_of(i, std::vector<float>(inputs, 1.0f));
    v[i % inputs] = c.state().centres.at[i % inputs]; // dense columns are silent there
    const auto expected = c.infer(v);
    v[i % inputs] = missing;
    CHECK(c.infer(v) == expected);
  }
  cluster with(classes_of(0));
  cluster without(classes_of(0));
  for (std::uint64_t i = 0; i < 200; ++i) {
    auto v = input_of(i, std::vector<float>(inputs, 1.0f));
    v[1] = missing;
    const train_result unknown = with.train(v, class_of(i));
    v[1] = 0.0f; // of a column that is always 0
    CHECK(without.train(v, class_of(i)).loss == unknown.loss);
    CHECK(with.infer(v) == without.infer(v));
  }
}

TEST_CASE("infinite values are refused and change nothing", "[cluster]") {
  cluster c = trained(0, std::vector<float>(inputs, 1.0f), 100);
  const auto before = to_checkpoint(c);
  auto input = input_of(1, std::vector<float>(inputs, 1.0f));
  auto target = class_of(1);
  for (const float bad : {infinity, -infinity}) {
    input[2] = bad;
    CHECK(refusal(c, input, target).find("infinite input") != std::string::npos);
    CHECK_THROWS_AS(c.infer(input), error);
    input[2] = 0.0f;
    target[0] = bad;
    CHECK(refusal(c, input, target).find("infinite target") != std::string::npos);
    target[0] = 0.0f;
  }
  CHECK(to_checkpoint(c) == before);
  // Also where the same sample brings the first negative value.
  cluster fresh(classes_of(0));
  const auto empty = to_checkpoint(fresh);
  CHECK(refusal(fresh, {-1, 2, infinity, 0, 0, 0}, class_of(1)) != "accepted");
  CHECK(to_checkpoint(fresh) == empty);
}

TEST_CASE("targets that no output of their kind can mean are refused and change nothing",
          "[cluster]") {
  for (const output_kind kind : {output_kind::softmax, output_kind::sigmoid}) {
    cluster c(one_hexagon(inputs, 3, kind));
    const std::vector<float> input(inputs, 1.0f);
    c.train(input, class_of(1));
    const auto before = to_checkpoint(c);
    for (const float bad : {-1.0f, -1e-6f, 1.000001f, 7.0f, 65535.0f}) {
      for (std::size_t k = 0; k < 3; ++k) {
        std::vector<float> target(3, 0.0f);
        target[k] = bad;
        const std::string why = refusal(c, input, target);
        CHECK(why.find("output '" + c.cluster_template().outputs[0].name + "'") !=
              std::string::npos);
        CHECK(why.find("from 0 to 1") != std::string::npos);
        CHECK(why.find("kind linear") != std::string::npos);
      }
    }
    CHECK(to_checkpoint(c) == before);
    c.train(input, std::vector<float>{0.0f, 1.0f, missing});
    CHECK(to_checkpoint(c) != before);
  }
}

TEST_CASE("softmax targets that are no distribution are refused and change nothing", "[cluster]") {
  cluster c(one_hexagon(inputs, 3, output_kind::softmax));
  const std::vector<float> input(inputs, 1.0f);
  c.train(input, class_of(1));
  const auto before = to_checkpoint(c);
  const std::vector<std::vector<float>> bad{
      {0, 0, 0}, {1, 1, 0}, {1, 1, 1}, {0.5f, 0.2f, 0}, {0.5f, 0.6f, missing}, {1, missing, 1}};
  for (const auto& target : bad) {
    const std::string why = refusal(c, input, target);
    CHECK(why.find("output 'output'") != std::string::npos);
    CHECK(why.find("add up to 1") != std::string::npos);
  }
  CHECK(to_checkpoint(c) == before);
  const std::vector<std::vector<float>> good{
      {0.2f, 0.3f, 0.5f}, {0.33f, 0.33f, 0.33f}, {0, missing, 0}, {missing, 1, missing}};
  for (const auto& target : good) {
    CHECK(refusal(c, input, target) == "accepted");
  }
  // Sigmoid outputs exclude nothing.
  cluster flags(one_hexagon(inputs, 3, output_kind::sigmoid));
  CHECK(refusal(flags, input, {0, 0, 0}) == "accepted");
  CHECK(refusal(flags, input, {1, 1, 1}) == "accepted");
}

TEST_CASE("missing targets teach nothing", "[cluster]") {
  cluster c = trained(0, std::vector<float>(inputs, 1.0f), 100);
  const auto input = input_of(1, std::vector<float>(inputs, 1.0f));
  const auto before = c.infer(input);
  const auto result = c.train(input, std::vector<float>(3, missing));
  CHECK_FALSE(result.learned);
  CHECK(result.loss == 0.0);
  CHECK(c.infer(input) == before);
}

TEST_CASE("training past the end of a task changes no weight and makes no NaN", "[cluster]") {
  cluster c(classes_of(0));
  c.start_task(300);
  const std::vector<float> ones(inputs, 1.0f);
  for (std::uint64_t i = 0; i < 300; ++i) {
    c.train(input_of(i, ones), class_of(i));
  }
  std::vector<std::vector<float>> before;
  for (std::uint64_t i = 0; i < 20; ++i) {
    before.push_back(c.infer(input_of(i, ones)));
  }
  for (std::uint64_t i = 0; i < 100; ++i) {
    c.train(input_of(i, ones), class_of(i));
  }
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto after = c.infer(input_of(i, ones));
    for (std::size_t k = 0; k < after.size(); ++k) {
      CHECK(after[k] == Approx(before[i][k]).margin(1e-4));
    }
  }
}
