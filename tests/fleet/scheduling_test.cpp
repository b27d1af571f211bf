// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("members take turns by blocks, whatever waits in their queues", "[executor]") {
  fleet f({.threads = 1, .block_samples = 10});
  std::vector<char> order;
  std::vector<std::pair<char, std::size_t>> members{{'a', 100}, {'b', 25}, {'c', 5}};
  {
    held_thread held(f);
    for (const auto& [name, count] : members) {
      const cluster c = small_cluster();
      const sample all = flat_samples(c, 0, count);
      f.train_batch(f.join(c), all.input, all.target,
                    [&order, letter = name](const train_result&, const std::exception_ptr&) {
                      order.push_back(letter);
                    });
    }
  }
  f.drain();
  const std::string expected = std::string(10, 'a') + std::string(10, 'b') + "ccccc" +
                               std::string(10, 'a') + std::string(10, 'b') + std::string(10, 'a') +
                               "bbbbb" + std::string(70, 'a');
  CHECK(std::string(order.begin(), order.end()) == expected);
  CHECK(f.statistics().blocks == 10 + 3 + 1 + 1); // and the call that held the thread
}

TEST_CASE("a group takes turns as one, however many its members", "[executor]") {
  fleet f({.threads = 1, .block_samples = 10});
  std::string order;
  const cluster c = small_cluster();
  const auto add = [&](char letter, group_id group, std::size_t samples) {
    const member_id id = f.join(c, group);
    const sample all = flat_samples(c, 0, samples);
    f.train_batch(id, all.input, all.target,
                  [&order, letter](const train_result&, const std::exception_ptr&) {
                    if (order.empty() || order.back() != letter) {
                      order += letter;
                    }
                  });
    return id;
  };
  std::vector<member_id> ids;
  {
    held_thread held(f);
    ids.push_back(add('a', group_id{7}, 20));
    ids.push_back(add('b', group_id{7}, 20));
    ids.push_back(add('c', group_id{7}, 10));
    ids.push_back(add('x', group_id{8}, 30)); // alone in its group
    ids.push_back(add('-', {}, 20));          // in none
  }
  f.drain();
  CHECK(order == "ax-bx-cxab");
  for (const member_id id : ids) {
    f.leave(id);
  }
  order.clear(); // a group of that name begins anew
  {
    held_thread held(f);
    add('a', group_id{7}, 20);
    add('b', group_id{7}, 10);
  }
  f.drain();
  CHECK(order == "aba");
}

TEST_CASE("an urgent input is answered between two blocks of a long task", "[executor]") {
  fleet f({.threads = 1, .block_samples = 10});
  const cluster c = small_cluster();
  const auto id = f.join(c);
  const sample s = sample_for(c, 0);
  std::promise<void> under_way;
  std::promise<void> asked;
  std::uint64_t samples = 0;
  bool answered = false;
  std::uint64_t answered_at = 0;
  const auto task = f.start(id, [&, more = stream_of(c, 10000)](auto input, auto target) mutable {
    if (samples == 15) { // in the second block
      under_way.set_value();
      asked.get_future().wait();
    }
    samples += 1;
    return !answered && more(input, target);
  });
  under_way.get_future().wait();
  bool last = false;
  f.infer(id, s.input, [&](auto, const auto&) { last = true; });
  f.infer(
      id, s.input,
      [&](std::span<const float> answer, const std::exception_ptr& error) {
        answered = !error && answer.size() == 1;
        answered_at = samples;
        CHECK(!last);
      },
      answer_order::next);
  asked.set_value();
  CHECK(task.wait().samples == 20);
  CHECK(answered_at == 20);
  f.drain();
  CHECK(last);
}

TEST_CASE("a guest's work takes turns with the clusters of its group", "[fleet]") {
  const auto threads = four_threads();
  fleet f({.threads = 2, .block_samples = 4});
  const member_id net = f.join(small_cluster(), group_id{7});
  const member_id guest = f.join_guest(group_id{7});
  std::vector<int> seen; // one at a time, so nothing guards it
  for (int i = 0; i < 20; ++i) {
    f.take_turn(guest, [&seen, i] { seen.push_back(i); });
    f.train(net, sample_for(small_cluster(), 1).input, sample_for(small_cluster(), 1).target,
            [](const train_result&, const std::exception_ptr&) {});
  }
  f.leave_guest(guest);
  REQUIRE(seen.size() == 20);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  f.drain();
  CHECK(f.statistics().members == 1);
  CHECK(f.statistics(net).trained == 20);
}

TEST_CASE("a guest has no cluster to train, to ask or to hand over", "[fleet]") {
  fleet f({.threads = 1});
  const member_id guest = f.join_guest();
  const member_id net = f.join(small_cluster());
  const std::vector<float> one(1);
  const auto nothing = [](const auto&, const std::exception_ptr&) {};
  CHECK(code_of([&] { f.train(guest, one, one, nothing); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.train_batch(guest, one, one, nothing); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.infer(guest, one, nothing); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.infer_batch(guest, one, nothing); }) == errc::invalid_argument);
  const std::vector<member_id> ids{guest};
  CHECK(code_of([&] { f.train_each(ids, one, one); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.call(guest, [](cluster&) {}); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.leave(guest); }) == errc::invalid_argument);
  CHECK(code_of([&] { f.leave_guest(net); }) == errc::invalid_argument);
  CHECK(f.statistics().bytes > 0);
  f.leave_guest(guest, pending_work::cancel);
  CHECK(f.leave(net).input_size() == small_cluster().input_size());
}
