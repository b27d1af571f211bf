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

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("members join and leave while others work", "[executor]") {
  const auto control = four_threads();
  fleet f({.threads = 4, .block_samples = 5});
  constexpr std::uint64_t rounds = 12;
  std::vector<std::jthread> users;
  std::atomic<std::uint64_t> equal{0};
  const auto steady = f.join(busy_cluster());
  const auto task = f.start(steady, stream_of(busy_cluster(), 1000000)); // more than it will get
  for (std::uint64_t user = 0; user < 3; ++user) {
    users.emplace_back([&f, &equal, user] {
      for (std::uint64_t round = 0; round < rounds; ++round) {
        cluster alone = small_cluster(100 * user + round + 1);
        const auto id = f.join(alone);
        const sample all = flat_samples(alone, 0, 60);
        f.train_batch(id, all.input, all.target);
        train_alone(alone, 0, 60);
        equal += to_checkpoint(f.leave(id)) == to_checkpoint(alone) ? 1 : 0;
      }
    });
  }
  users.clear();
  CHECK(equal == 3 * rounds);
  CHECK(!task.progress().done);
  task.cancel();
  const auto result = task.wait();
  CHECK(result.cancelled);
  cluster alone = busy_cluster();
  train_alone(alone, 0, result.samples);
  CHECK(to_checkpoint(f.leave(steady)) == to_checkpoint(alone));
}

TEST_CASE("who has left is a member no more, whoever comes after", "[executor]") {
  fleet f({.threads = 1});
  const cluster c = small_cluster();
  const auto gone = f.join(c);
  f.leave(gone);
  const auto next = f.join(c);
  CHECK(next != gone);
  const sample s = sample_for(c, 0);
  const auto refused = [&](auto call) { return code_of(call) == errc::invalid_argument; };
  CHECK(refused([&] { f.train(gone, s.input, s.target); }));
  CHECK(refused([&] { f.infer(gone, s.input); }));
  CHECK(refused([&] { f.leave(gone); }));
  CHECK(refused([&] { f.statistics(gone); }));
  CHECK(refused([&] { f.train(member_id{}, s.input, s.target); }));
  CHECK(refused([&] { f.train(member_id{~std::uint64_t{0}}, s.input, s.target); }));
  f.train(next, s.input, s.target).get();

  SECTION("from the moment it begins to leave") {
    held_thread held(f);
    auto last = f.train(next, s.input, s.target);
    auto left = std::async(std::launch::async, [&] { return f.leave(next); });
    while (!refused([&] { f.statistics(next); })) {
      std::this_thread::yield();
    }
    CHECK(refused([&] { f.train(next, s.input, s.target); }));
    held.go();
    last.get();
    CHECK(left.get().statistics().samples == 2);
  }
  SECTION("and who may not finish is told") {
    held_thread held(f);
    auto lost = f.train(next, s.input, s.target);
    auto no_answer = f.infer(next, s.input);
    auto no_call = f.call(next, [](cluster&) {});
    const auto task = f.start(next, stream_of(c, 10));
    auto left = std::async(std::launch::async, [&] { return f.leave(next, pending_work::cancel); });
    while (!refused([&] { f.statistics(next); })) {
      std::this_thread::yield();
    }
    held.go();
    CHECK(left.get().statistics().samples == 1);
    CHECK(code_of([&] { lost.get(); }) == errc::cancelled);
    CHECK(code_of([&] { no_answer.get(); }) == errc::cancelled);
    CHECK(code_of([&] { no_call.get(); }) == errc::cancelled);
    CHECK(task.wait().cancelled);
    CHECK(f.statistics().queued == 0);
    CHECK(f.statistics().queued_bytes == 0);
  }
}

TEST_CASE("a member takes little beside its cluster", "[executor]") {
  fleet f({.threads = 1});
  constexpr std::size_t members = 1000;
  const cluster c = small_cluster();
  for (std::size_t k = 0; k < members; ++k) {
    f.join(c);
  }
  CHECK(f.statistics().members == members);
  CHECK(f.statistics().bytes < members * (c.bytes() + 300));
}

TEST_CASE("many threads do everything at once, and every sample is accounted for", "[executor]") {
  const auto control = four_threads();
  std::atomic<std::uint64_t> told{0};
  std::uint64_t given = 0;
  {
    fleet f({.threads = 4, .block_samples = 3, .queue_samples = 50});
    std::vector<member_id> shared;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      shared.push_back(f.join(small_cluster(seed)));
    }
    std::atomic<std::uint64_t> sent{0};
    std::vector<std::jthread> users;
    for (std::uint64_t user = 0; user < 4; ++user) {
      users.emplace_back([&, user] {
        const cluster c = small_cluster();
        const auto own = f.join(small_cluster(user + 50));
        for (std::uint64_t n = 0; n < 150; ++n) {
          const auto id = shared[random_below(10, user, 0, n)];
          const sample s = sample_for(c, n);
          const auto tell = [&told](const auto&, const std::exception_ptr&) { ++told; };
          switch (random_below(5, user, 1, n)) {
          case 0:
            f.train(id, s.input, s.target, tell);
            ++sent;
            break;
          case 1:
            f.infer(id, s.input, tell, answer_order::next);
            ++sent;
            break;
          case 2:
            f.train_each(std::vector{id, own}, flat_samples(c, n, n + 2).input,
                         flat_samples(c, n, n + 2).target);
            break;
          case 3:
            f.start(own, stream_of(c, 20)).cancel();
            break;
          default:
            f.call(id, [](cluster& member) { return member.bytes(); }).get();
          }
        }
        f.leave(own, user % 2 == 0 ? pending_work::cancel : pending_work::finish);
      });
    }
    users.clear();
    given = sent;
  }
  CHECK(told == given);
}
