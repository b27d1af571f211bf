// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("full queues refuse or wait, as asked", "[executor]") {
  const cluster c = small_cluster();
  const sample s = sample_for(c, 0);
  SECTION("refuse, by samples") {
    fleet f({.threads = 1, .queue_samples = 5, .when_full = full_queue::refuse});
    const auto id = f.join(c);
    held_thread held(f);
    for (int i = 0; i < 5; ++i) {
      f.train(id, s.input, s.target);
    }
    CHECK(code_of([&] { f.train(id, s.input, s.target); }) == errc::queue_full);
    CHECK(code_of([&] { f.infer(id, s.input); }) == errc::queue_full);
    f.train(f.join(c), s.input, s.target); // others have room
    CHECK(f.statistics(id).queued == 5);
    held.go();
    f.drain();
    CHECK(f.statistics(id).queued == 0);
    CHECK(f.statistics().queued_bytes == 0);
    f.train(id, s.input, s.target).get();
  }
  SECTION("refuse, by bytes of all") {
    fleet f({.threads = 1, .queue_bytes = 10000, .when_full = full_queue::refuse});
    const auto first = f.join(c);
    const auto second = f.join(c);
    held_thread held(f);
    const sample many = flat_samples(c, 0, 1000);
    f.train_batch(first, many.input, many.target);
    CHECK(f.statistics().queued_bytes > 10000);
    CHECK(code_of([&] { f.train(second, s.input, s.target); }) == errc::queue_full);
    held.go();
    f.drain();
    CHECK(f.statistics().queued_bytes == 0);
  }
  SECTION("wait") {
    fleet f({.threads = 1, .block_samples = 3, .queue_samples = 5});
    const auto id = f.join(c);
    std::atomic<int> given{0};
    std::thread giver;
    {
      held_thread held(f);
      giver = std::thread([&] {
        for (; given < 100; ++given) {
          f.train(id, s.input, s.target);
        }
      });
      while (f.statistics(id).queued < 5) {
        std::this_thread::yield();
      }
      CHECK(given <= 5);
    }
    giver.join();
    f.drain();
    CHECK(f.statistics(id).trained == 100);
  }
}

TEST_CASE("a fleet may end with work in its queues", "[executor]") {
  const auto control = four_threads();
  for (const std::size_t threads : {1U, 4U}) {
    std::atomic<int> trained{0};
    std::atomic<int> cancelled{0};
    std::vector<std::future<std::vector<float>>> answers;
    std::vector<training_task> tasks;
    {
      fleet f({.threads = threads, .block_samples = 4});
      for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        const cluster c = busy_cluster(seed);
        const auto id = f.join(c);
        const sample all = flat_samples(c, 0, 500);
        f.train_batch(id, all.input, all.target,
                      [&](const train_result&, const std::exception_ptr& error) {
                        ++(error ? cancelled : trained);
                      });
        tasks.push_back(f.start(id, [](auto, auto) { return true; })); // has no end of its own
        answers.push_back(f.infer(id, sample_for(c, 0).input));
      }
    }
    CHECK(trained + cancelled == 8 * 500);
    for (auto& answer : answers) {
      CHECK(code_of([&] { answer.get(); }) == errc::cancelled);
    }
    for (const auto& task : tasks) {
      CHECK(task.wait().cancelled);
    }
  }
}
