// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <span>
#include <stdexcept>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("members of a fleet become what they would have become alone, to the bit", "[executor]") {
  const auto control = four_threads();
  for (const std::size_t threads : {1U, 4U}) {
    INFO(threads << " threads");
    fleet f({.threads = threads, .block_samples = 7});
    std::vector<cluster> alone;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      alone.push_back(small_cluster(seed));
      alone.push_back(window_cluster(seed));
      alone.push_back(busy_cluster(seed));
      alone.push_back(busy_cluster(seed, true));
    }
    std::vector<member_id> ids;
    std::vector<training_task> tasks;
    std::vector<std::future<std::vector<float>>> answers;
    for (const cluster& c : alone) {
      ids.push_back(f.join(c));
    }
    for (std::size_t k = 0; k < ids.size(); ++k) { // the same life in every way to submit
      const sample all = flat_samples(alone[k], 0, 40);
      f.train_batch(ids[k], all.input, all.target);
      f.call(ids[k], [](cluster& c) { c.start_task(60); });
    }
    for (std::uint64_t n = 40; n < 80; ++n) {
      sample each;
      for (const cluster& c : alone) {
        const sample s = sample_for(c, n);
        each.input.insert(each.input.end(), s.input.begin(), s.input.end());
        each.target.insert(each.target.end(), s.target.begin(), s.target.end());
      }
      f.train_each(ids, each.input, each.target);
    }
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const sample s = sample_for(alone[k], 80);
      f.train(ids[k], s.input, s.target);
      answers.push_back(f.infer(ids[k], s.input));
      tasks.push_back(f.start(ids[k], stream_of(alone[k], 120), 120));
    }
    for (std::size_t k = 0; k < ids.size(); ++k) {
      INFO("member " << k);
      cluster& c = alone[k];
      train_alone(c, 0, 40);
      c.start_task(60);
      train_alone(c, 40, 81);
      CHECK(answers[k].get() == c.infer(sample_for(c, 80).input));
      c.start_task(120);
      train_alone(c, 0, 120);
      CHECK(tasks[k].wait().samples == 120);
      CHECK(to_checkpoint(f.leave(ids[k])) == to_checkpoint(c));
    }
    CHECK(f.statistics().members == 0);
    CHECK(f.statistics().trained == 201 * alone.size());
    CHECK(f.statistics().answered == alone.size());
  }
}

TEST_CASE("a stream of inputs goes on from what a spiking cluster has seen", "[executor]") {
  fleet f({.threads = 1, .block_samples = 3});
  cluster alone = busy_cluster(1, true);
  train_alone(alone, 0, 50);
  const auto id = f.join(alone);
  const sample all = flat_samples(alone, 50, 60);
  std::vector<std::vector<float>> answers;
  f.infer_batch(id, all.input, [&](std::span<const float> answer, const std::exception_ptr&) {
    answers.emplace_back(answer.begin(), answer.end());
  });
  f.drain();
  auto ws = alone.current_workspace();
  REQUIRE(answers.size() == 10);
  for (std::size_t k = 0; k < 10; ++k) {
    const auto answer = alone.infer(sample_for(alone, 50 + k).input, ws);
    CHECK(std::equal(answer.begin(), answer.end(), answers[k].begin(), answers[k].end()));
  }
}

TEST_CASE("a call has the cluster for itself, in its turn", "[executor]") {
  fleet f({.threads = 1});
  cluster alone = small_cluster();
  const auto id = f.join(alone.cluster_template(), alone.options());
  const sample all = flat_samples(alone, 0, 10);
  f.train_batch(id, all.input, all.target);
  auto bytes = f.call(id, [](cluster& c) { return to_checkpoint(c); });
  auto broken = f.call(id, [](cluster&) -> int { throw std::runtime_error("no"); });
  f.train_batch(id, all.input, all.target);
  train_alone(alone, 0, 10);
  CHECK(bytes.get() == to_checkpoint(alone));
  CHECK_THROWS_WITH(broken.get(), "no");
}
