// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

struct row {
  std::array<float, 3> input{}; ///< two lines for pulses, and a question
  std::array<float, 2> target{std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::quiet_NaN()};
  bool asked() const { return input[2] > 0; }
};

/// Silence, two pulses, and some rows later a question about them. No row tells the answer: both
/// lines are silent when it is asked.
class pulse_stream {
 public:
  enum class question { order, gap };

  pulse_stream(question asks, std::uint64_t seed) : asks_(asks), seed_(seed) {}

  std::vector<row> trial() {
    std::vector<row> rows(between(30, 60));
    const bool yes = between(0, 1) != 0;
    if (asks_ == question::order) { // was it the second line first?
      rows.push_back({{yes ? 0.0f : 1.0f, yes ? 1.0f : 0.0f, 0.0f}});
      rows.resize(rows.size() + between(0, 9));
      rows.push_back({{yes ? 1.0f : 0.0f, yes ? 0.0f : 1.0f, 0.0f}});
    } else { // was it more than ten rows?
      rows.push_back({{1, 0, 0}});
      rows.resize(rows.size() + between(yes ? 10 : 0, yes ? 19 : 9));
      rows.push_back({{1, 0, 0}});
    }
    rows.resize(rows.size() + between(0, 3));
    rows.push_back({{0, 0, 1}, {yes ? 0.0f : 1.0f, yes ? 1.0f : 0.0f}});
    return rows;
  }

 private:
  std::size_t between(std::uint32_t least, std::uint32_t most) {
    return least + random_below(most - least + 1, seed_, 1, counter_++);
  }

  question asks_;
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

cluster pulse_cluster(bool spiking, std::uint64_t seed) {
  cluster_settings settings;
  settings.max_bricks = 1;
  if (spiking) {
    settings.neuron_cooldown = {1.025, 2.6};
    settings.refractory_time = {1, 13};
  }
  return cluster(one_hexagon(3, 2, output_kind::softmax, settings), {.seed = seed});
}

/// Share of the questions that a cluster answers after 5,000 of them.
double right_answers(pulse_stream::question asks, bool spiking, std::uint64_t seed) {
  cluster c = pulse_cluster(spiking, seed);
  pulse_stream stream(asks, seed);
  c.start_task(5000 * 60);
  for (int i = 0; i < 5000; ++i) {
    for (const row& r : stream.trial()) {
      c.train(r.input, r.target);
    }
  }
  workspace<float> ws = c.current_workspace();
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    for (const row& r : stream.trial()) {
      const auto answer = c.infer(r.input, ws);
      right += r.asked() && (answer[1] > answer[0]) == (r.target[1] > 0.5f) ? 1 : 0;
    }
  }
  return right / 1000.0;
}

} // namespace

TEST_CASE("spiking neurons tell which of two pulses came first, others cannot", "[cluster]") {
  for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}}) {
    CHECK(right_answers(pulse_stream::question::order, true, seed) == 1.0);
    CHECK(right_answers(pulse_stream::question::order, false, seed) == Approx(0.5).margin(0.06));
  }
}

TEST_CASE("spiking neurons tell how long ago a pulse was, others cannot", "[cluster]") {
  for (const std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}}) {
    CHECK(right_answers(pulse_stream::question::gap, true, seed) >= 0.97);
    CHECK(right_answers(pulse_stream::question::gap, false, seed) == Approx(0.5).margin(0.06));
  }
}

TEST_CASE("a stream goes on exactly where its checkpoint left it", "[cluster]") {
  cluster kept = pulse_cluster(true, 4);
  pulse_stream stream(pulse_stream::question::order, 4);
  std::vector<row> rows;
  for (int i = 0; i < 200; ++i) {
    const auto trial = stream.trial();
    rows.insert(rows.end(), trial.begin(), trial.end());
  }
  // In the middle of a trial: pulses are in potentials and traces, neurons rest.
  std::size_t cut = rows.size() / 2;
  while (!rows[cut + 1].asked()) {
    ++cut;
  }
  for (std::size_t i = 0; i <= cut; ++i) {
    kept.train(rows[i].input, rows[i].target);
  }
  const auto saved = to_checkpoint(kept);
  cluster restored = from_checkpoint(saved);
  CHECK(to_checkpoint(restored) == saved);
  const cluster middle = restored;
  for (std::size_t i = cut + 1; i < rows.size(); ++i) {
    const auto a = kept.train(rows[i].input, rows[i].target);
    const auto b = restored.train(rows[i].input, rows[i].target);
    REQUIRE(a.loss == b.loss);
  }
  CHECK(to_checkpoint(kept) == to_checkpoint(restored));
  workspace<float> fresh;
  workspace<float> ws = middle.current_workspace();
  const auto with = middle.infer(rows[cut + 1].input, ws);
  const auto without = middle.infer(rows[cut + 1].input, fresh);
  CHECK(with[0] != without[0]); // what was before the cut counts
}

TEST_CASE("the memory limit counts what spiking neurons remember", "[cluster][spiking]") {
  cluster_settings settings;
  settings.max_bricks = 8;
  settings.memory_limit = std::uint64_t{192} << 10;
  settings.neuron_cooldown = {1.1, 2.6};
  settings.refractory_time = {1, 3};
  cluster net(one_hexagon(64, 8, output_kind::linear, settings), {.seed = 3});
  std::array<float, 64> input{};
  std::array<float, 8> target{};
  for (std::uint64_t i = 0; i < 3000 && net.statistics().growth.growth_denied == 0; ++i) {
    for (std::size_t k = 0; k < input.size(); ++k) {
      input[k] = static_cast<float>(random_below(1000, 3, 2, i * input.size() + k));
    }
    target[i % target.size()] = input[i % input.size()];
    net.train(input, target);
  }
  CHECK(net.statistics().growth.growth_denied > 0);
  const std::size_t limit = settings.memory_limit;
  CHECK(net.bytes() > limit * 3 / 4);
  CHECK(net.bytes() < limit * 5 / 4); // an activity and the samples of rehearsal are beside it
}

TEST_CASE("linear outputs learn what spiking neurons remember", "[cluster]") {
  // The running mean of the last pulses, which no single row shows.
  cluster_settings settings;
  settings.neuron_cooldown = {1.025, 2.6};
  cluster c(one_hexagon(1, 1, output_kind::linear, settings));
  double mean = 0;
  double error = 0;
  double deviation = 0;
  constexpr int count = 30000;
  for (int i = 0; i < count; ++i) {
    const float x = random_unit(9, 1, static_cast<std::uint64_t>(i)) < 0.2f ? 50.0f : 0.0f;
    mean = 0.9 * mean + 0.1 * static_cast<double>(x);
    const auto target = static_cast<float>(mean);
    const auto answer = static_cast<double>(c.infer(std::span(&x, 1))[0]);
    if (i >= count / 2) {
      error += std::abs(answer - mean);
      deviation += std::abs(mean - 10.0);
    }
    c.train(std::span(&x, 1), std::span(&target, 1));
  }
  CHECK(error < 0.2 * deviation);
}
