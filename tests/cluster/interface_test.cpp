// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

cluster_template two_by_two(cluster_settings settings = {}) {
  settings.brick_size = 32;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {5, 1, 1}})
      .input("left", {1, 1, 1}, 3)
      .input("right", {1, 1, 1}, 2)
      .output("kind", {5, 1, 1}, 2, output_kind::softmax)
      .output("size", {5, 1, 1}, 1, output_kind::linear)
      .build();
}

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_argument);
    return failure.what();
  }
  return "accepted";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<float> values(std::size_t count, std::uint64_t number) {
  std::vector<float> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = random_unit(8, i, number);
  }
  return all;
}

std::vector<float> sample_target(bool first, float value) {
  return {first ? 1.0f : 0.0f, first ? 0.0f : 1.0f, value};
}

} // namespace

TEST_CASE("inputs and outputs are found by name", "[cluster]") {
  const cluster c(two_by_two());
  CHECK(c.input_size() == 5);
  CHECK(c.output_size() == 3);
  CHECK(c.input("left").first == 0);
  CHECK(c.input("left").size == 3);
  CHECK(c.input("right").first == 3);
  CHECK(c.output("size").first == 2);
  CHECK(c.output("size").size == 1);
}

TEST_CASE("every named output learns its own task from every named input", "[cluster]") {
  cluster c(two_by_two());
  c.start_task(4000);
  const auto left = c.input("left");
  const auto right = c.input("right");
  const auto kind = c.output("kind");
  const auto size = c.output("size");
  const auto sample = [&](std::uint64_t i, std::vector<float>& input, std::vector<float>& target) {
    input = values(5, i);
    target.assign(3, 0.0f);
    target[kind.first + (input[left.first] > 0.5f ? 1 : 0)] = 1.0f;
    target[size.first] = 100 * input[right.first + 1];
  };
  std::vector<float> input;
  std::vector<float> target;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    sample(i, input, target);
    c.train(input, target);
  }
  int right_kinds = 0;
  double off = 0;
  for (std::uint64_t i = 9000; i < 9200; ++i) {
    sample(i, input, target);
    const auto answer = c.infer(input);
    right_kinds += (answer[1] > answer[0]) == (target[1] > 0) ? 1 : 0;
    off += std::abs(static_cast<double>(answer[2] - target[2])) / 200;
  }
  CHECK(right_kinds > 180);
  CHECK(off < 5); // of a range of 100
}

TEST_CASE("unknown names are refused with the names there are", "[cluster]") {
  const cluster c(two_by_two());
  const std::string why = refusal([&] { c.input("middle"); });
  CHECK(mentions(why, "'middle'"));
  CHECK(mentions(why, "'left', 'right'"));
  CHECK(mentions(refusal([&] { c.output("left"); }), "'kind', 'size'"));
  CHECK(refusal([&] { c.input(""); }) != "accepted");
}

TEST_CASE("wrong sizes are refused with the right ones", "[cluster]") {
  cluster c(two_by_two());
  CHECK(mentions(refusal([&] { c.train(values(4, 1), values(3, 1)); }), "input of 4 values"));
  CHECK(mentions(refusal([&] { c.train(values(4, 1), values(3, 1)); }), "takes 5"));
  CHECK(mentions(refusal([&] { c.train(values(5, 1), values(4, 1)); }), "target of 4 values"));
  CHECK(mentions(refusal([&] { c.infer(values(6, 1)); }), "input of 6 values"));
  CHECK(mentions(refusal([&] { c.infer({}); }), "input of 0 values"));
  CHECK(c.statistics().samples == 0);
}

TEST_CASE("options out of their range are refused", "[cluster]") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  using options_type = learning_options;
  void (*const spoils[])(options_type&) = {
      [](options_type& o) { o.learning_rate = 0; },
      [](options_type& o) { o.learning_rate = -1; },
      [](options_type& o) { o.learning_rate = 11; },
      [](options_type& o) { o.learning_rate = nan; },
      [](options_type& o) { o.step_size = 0; },
      [](options_type& o) { o.step_size = 1.5; },
      [](options_type& o) { o.bias_rate = -0.1; },
      [](options_type& o) { o.bias_rate = nan; },
      [](options_type& o) { o.tolerance_classes = -1; },
      [](options_type& o) { o.tolerance_values = nan; },
      [](options_type& o) { o.gradient_clip = 0; },
      [](options_type& o) { o.growth_loss_per_neuron = 0; },
      [](options_type& o) { o.rehearsal = 1001; },
      [](options_type& o) { o.rehearsal = 1, o.replay_capacity = 0; },
      [](options_type& o) { o.pruning = 0.96; },
      [](options_type& o) { o.pruning = nan; },
  };
  for (const auto& spoil : spoils) {
    learning_options options;
    spoil(options);
    CHECK(refusal([&] { cluster(two_by_two(), options); }) != "accepted");
  }
  CHECK(refusal([] { cluster(two_by_two(), learning_options{}); }) == "accepted");
}

TEST_CASE("a template that makes no network is refused", "[cluster]") {
  auto from = two_by_two();
  from.hexagons.push_back({{70, 70, 1}});
  try {
    const cluster c(from);
    FAIL("accepted");
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_template);
    CHECK(mentions(failure.what(), "(70, 70, 1)"));
  }
}

TEST_CASE("a cluster grows only up to its memory limit and learns on", "[cluster]") {
  cluster_settings settings;
  settings.max_bricks = 64;
  settings.memory_limit = 300000;
  learning_options options;
  options.growth_loss_per_neuron = 0.05; // asks for bricks all the time
  cluster c(two_by_two(settings), options);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const auto input = values(5, i);
    const float kind = input[0] > 0.5f ? 1.0f : 0.0f;
    c.train(input, std::vector<float>{1 - kind, kind, input[4]});
    REQUIRE(c.state().bytes() <= settings.memory_limit);
  }
  const auto s = c.statistics();
  CHECK(s.growth.growth_denied > 0);
  CHECK(s.bricks > 3);
  CHECK(s.bricks < 3 * 64);
  CHECK(find_fault(c.state()) == nullptr);
  int right = 0;
  for (std::uint64_t i = 9000; i < 9100; ++i) {
    const auto input = values(5, i);
    const auto answer = c.infer(input);
    right += (answer[1] > answer[0]) == (input[0] > 0.5f) ? 1 : 0;
  }
  CHECK(right > 80);
}

TEST_CASE("bricks grow where the loss stays high, not beyond the most allowed", "[cluster]") {
  cluster_settings settings;
  settings.max_bricks = 3;
  learning_options options;
  options.growth_loss_per_neuron = 0.2;
  cluster c(two_by_two(settings), options);
  for (std::uint64_t i = 0; i < 1500; ++i) {
    c.train(values(5, i), sample_target(random_unit(1, 1, i) > 0.5f, 0));
    for (const auto& h : c.state().hexagons) {
      REQUIRE(h.bricks.size() <= 3);
    }
  }
  CHECK(c.statistics().bricks > 3);
}

TEST_CASE("statistics count what there is", "[cluster]") {
  cluster c(two_by_two());
  for (std::uint64_t i = 0; i < 50; ++i) {
    c.train(values(5, i), sample_target(i % 2 == 0, values(1, i)[0]));
  }
  const auto s = c.statistics();
  CHECK(s.hexagons == 5);
  CHECK(s.bricks == 3);
  CHECK(s.neurons == 3 * 32);
  CHECK(s.samples == 50);
  CHECK(s.steps >= s.sections);
  CHECK(s.sections + s.growth.sections_removed == s.growth.sections_grown);
  CHECK(s.steps + s.growth.steps_removed == s.growth.sections_grown + s.growth.steps_grown);
  CHECK(s.synapses == s.steps * 32 + (32 + c.state().centres.columns()) * 3);
  CHECK(s.bytes > c.state().bytes());
}

TEST_CASE("a cluster without reserves answers and learns as before", "[cluster]") {
  cluster c(two_by_two());
  cluster other(two_by_two());
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto target = sample_target(i % 2 == 0, values(1, i)[0]);
    c.train(values(5, i), target);
    other.train(values(5, i), target);
    if (i % 30 == 0) {
      const std::size_t before = other.statistics().bytes;
      other.shrink_to_fit();
      CHECK(other.statistics().bytes <= before);
    }
  }
  CHECK(c.infer(values(5, 1000)) == other.infer(values(5, 1000)));
}
