// SPDX-License-Identifier: Apache-2.0
#include <hanami/executor/tbb.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <hanami/io/checkpoint.hpp>

#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

/// Threads are there even where the machine has fewer cores.
const auto most_threads = tbb::global_control::max_allowed_parallelism;

tbb_executor always_parallel(std::size_t threads = 0) {
  return tbb_executor({.threads = threads, .serial_bytes = 0});
}

/// Trains and asks `c` as many times; the answers of all samples, one after the other.
template <class Executor>
std::vector<float> live(cluster& c, std::uint64_t samples, const Executor& run) {
  std::vector<float> answers;
  workspace<float> ws;
  for (std::uint64_t n = 0; n < samples; ++n) {
    const sample s = sample_for(c, n);
    c.train(s.input, s.target, run);
    if (n % 4 == 0) {
      const auto answer = c.infer(s.input, ws, run);
      answers.insert(answers.end(), answer.begin(), answer.end());
    }
  }
  return answers;
}

} // namespace

TEST_CASE("training and answers on any number of threads are those of one, to the bit",
          "[executor]") {
  const tbb::global_control control(most_threads, 8);
  constexpr std::uint64_t samples = 150;
  for (auto& [name, fresh] : sample_clusters()) {
    INFO(name);
    cluster alone = fresh;
    const auto answers = live(alone, samples, serial_executor{});
    const auto state = to_checkpoint(alone);
    REQUIRE(alone.statistics().bricks > 1); // else there is nothing to share
    for (const int threads : {1, 2, 3, 8}) {
      INFO(threads << " threads");
      cluster shared = fresh;
      tbb::task_arena arena(threads);
      const auto same = arena.execute([&] { return live(shared, samples, always_parallel()); });
      CHECK(same == answers);
      CHECK(to_checkpoint(shared) == state);
    }
  }
}

TEST_CASE("every index runs once, on no more threads than allowed", "[executor]") {
  const tbb::global_control control(most_threads, 8);
  tbb::task_arena arena(8);
  for (const std::size_t threads : {0U, 1U, 2U, 3U, 100U}) {
    for (const std::size_t count : {0U, 1U, 2U, 7U, 200U}) {
      std::vector<std::atomic<int>> runs(count);
      std::mutex mutex;
      std::set<std::thread::id> seen;
      arena.execute([&] {
        always_parallel(threads).for_each(count, 0, [&](std::size_t i) {
          ++runs[i];
          const std::lock_guard lock(mutex);
          seen.insert(std::this_thread::get_id());
        });
      });
      CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; }));
      CHECK(seen.size() <= (threads == 0 ? 8 : std::min<std::size_t>(threads, 8)));
    }
  }
}

TEST_CASE("loops that touch little memory stay in the calling thread, in order", "[executor]") {
  const tbb_executor run({.threads = 0, .serial_bytes = 1000});
  std::vector<std::size_t> order;
  std::set<std::thread::id> threads;
  run.for_each(50, 999, [&](std::size_t i) {
    order.push_back(i);
    threads.insert(std::this_thread::get_id());
  });
  CHECK(order.size() == 50);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(threads == std::set{std::this_thread::get_id()});
}

TEST_CASE("a thread that waits for the end of a loop takes up nothing else", "[executor]") {
  using namespace std::chrono_literals;
  const tbb::global_control control(most_threads, 4);
  static thread_local bool inside = false;
  static std::atomic<int> strangers_inside{0};
  static std::atomic<int> strangers{0};
  std::atomic<int> shared{0};
  tbb::task_arena arena(2);
  int rounds = 0;
  for (; rounds < 20 || shared == 0; ++rounds) { // until somebody has had to wait
    arena.execute([&] {
      std::atomic<bool> begun{false};
      inside = true;
      always_parallel().for_each(2, 0, [&](std::size_t i) {
        if (i == 1) { // the thread of index 0 is about to wait for this one
          shared += inside ? 0 : 1;
          tbb::this_task_arena::enqueue([] {
            strangers_inside += inside ? 1 : 0;
            ++strangers;
          });
          begun = true;
          std::this_thread::sleep_for(2ms);
        }
        for (int k = 0; k < 100 && !begun; ++k) {
          std::this_thread::sleep_for(50us);
        }
      });
      inside = false;
    });
  }
  while (strangers < rounds) {
    std::this_thread::yield();
  }
  CHECK(strangers_inside == 0);
}

TEST_CASE("several clusters learn at once, each as if alone", "[executor]") {
  const tbb::global_control control(most_threads, 4);
  constexpr std::uint64_t samples = 80;
  std::vector<cluster> many;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    many.push_back(busy_cluster(seed));
  }
  std::vector<cluster> alone = many;
  for (auto& c : alone) {
    live(c, samples, serial_executor{});
  }

  SECTION("in one arena, a loop in a loop") {
    always_parallel().for_each(many.size(), 0,
                               [&](std::size_t i) { live(many[i], samples, always_parallel()); });
  }
  SECTION("from threads of their own") {
    std::vector<std::jthread> threads;
    for (auto& c : many) {
      threads.emplace_back([&c] { live(c, samples, always_parallel(2)); });
    }
  }
  for (std::size_t i = 0; i < many.size(); ++i) {
    CHECK(to_checkpoint(many[i]) == to_checkpoint(alone[i]));
  }
}
