// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <future>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <tbb/global_control.h>

#include <hanami/io/checkpoint.hpp>

#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Threads are there even where the machine has fewer cores.
tbb::global_control four_threads() { return {tbb::global_control::max_allowed_parallelism, 5}; }

/// Samples [first, last) of a cluster's stream, flat.
sample flat_samples(const cluster& c, std::uint64_t first, std::uint64_t last,
                    std::uint64_t seed = 1) {
  sample all;
  for (std::uint64_t n = first; n < last; ++n) {
    const sample s = sample_for(c, n, seed);
    all.input.insert(all.input.end(), s.input.begin(), s.input.end());
    all.target.insert(all.target.end(), s.target.begin(), s.target.end());
  }
  return all;
}

void train_alone(cluster& c, std::uint64_t first, std::uint64_t last, std::uint64_t seed = 1) {
  for (std::uint64_t n = first; n < last; ++n) {
    const sample s = sample_for(c, n, seed);
    c.train(s.input, s.target);
  }
}

/// A source of samples [0, length) of a cluster's stream.
auto stream_of(const cluster& c, std::uint64_t length, std::uint64_t seed = 1) {
  return [made = c, n = std::uint64_t{0}, length, seed](std::span<float> input,
                                                        std::span<float> target) mutable {
    if (n == length) {
      return false;
    }
    const sample s = sample_for(made, n++, seed);
    std::copy(s.input.begin(), s.input.end(), input.begin());
    std::copy(s.target.begin(), s.target.end(), target.begin());
    return true;
  };
}

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

template <class Call>
errc code_of(Call call) {
  try {
    call();
  } catch (const error& e) {
    return static_cast<errc>(e.code().value());
  }
  return errc{};
}

/// Keeps the only thread of a fleet at work until `go`, so that a test can fill the queues.
class held_thread {
 public:
  explicit held_thread(fleet& f) {
    done_ = f.call(f.join(small_cluster()), [this, may_go = go_.get_future().share()](cluster&) {
      begun_.set_value();
      may_go.wait();
    });
    begun_.get_future().wait();
  }
  ~held_thread() { go(); }
  void go() {
    if (done_.valid()) {
      go_.set_value();
      done_.get();
    }
  }

 private:
  std::promise<void> begun_;
  std::promise<void> go_;
  std::future<void> done_;
};

/// What `on_error` heard.
class error_log {
 public:
  auto listener() {
    return [this](member_id id, const std::exception_ptr& error) {
      const std::lock_guard lock(mutex_);
      heard_.emplace_back(id, message_of(error));
    };
  }
  std::vector<std::pair<member_id, std::string>> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<member_id, std::string>> heard_;
};

} // namespace

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

TEST_CASE("a member refuses targets that are no distribution and goes on", "[executor]") {
  fleet f({.threads = 2});
  cluster alone = hanami_test::window_cluster();
  const auto id = f.join(alone);
  for (std::uint64_t n = 0; n < 20; ++n) {
    const sample s = sample_for(alone, n);
    auto no_class = f.train(id, s.input, std::vector<float>(s.target.size()));
    auto all_classes = f.train(id, s.input, std::vector<float>(s.target.size(), 1.0f));
    auto good = f.train(id, s.input, s.target);
    CHECK(code_of([&] { no_class.get(); }) == errc::invalid_argument);
    CHECK(code_of([&] { all_classes.get(); }) == errc::invalid_argument);
    CHECK(good.get().loss == alone.train(s.input, s.target).loss);
  }
  f.drain();
  CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
}

TEST_CASE("an error reaches its own sample's future and nothing else", "[executor]") {
  error_log log;
  fleet f({.threads = 2, .on_error = log.listener()});
  cluster alone = small_cluster();
  const auto id = f.join(alone);
  const auto other = f.join(alone);
  std::vector<float> wrong(alone.input_size() + 1);
  std::vector<float> infinite(alone.input_size(), infinity);

  std::vector<std::future<train_result>> good;
  for (std::uint64_t n = 0; n < 20; ++n) {
    const sample s = sample_for(alone, n);
    auto refused = f.train(id, wrong, s.target);
    auto no_input = f.train(id, {}, s.target);
    auto infinite_input = f.train(id, infinite, s.target);
    auto no_answer = f.infer(id, wrong);
    good.push_back(f.train(id, s.input, s.target));
    CHECK(code_of([&] { refused.get(); }) == errc::invalid_argument);
    CHECK(code_of([&] { no_input.get(); }) == errc::invalid_argument);
    CHECK(code_of([&] { infinite_input.get(); }) == errc::invalid_argument);
    CHECK(code_of([&] { no_answer.get(); }) == errc::invalid_argument);
  }
  for (std::uint64_t n = 0; n < 20; ++n) {
    const sample s = sample_for(alone, n);
    CHECK(good[n].get().loss == alone.train(s.input, s.target).loss);
  }
  f.drain(); // a future may be ready before its turn has been counted
  CHECK(f.statistics().refused == 80);
  CHECK(f.statistics(id).trained == 20);
  CHECK(f.statistics(other).trained == 0);
  CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  CHECK(log.heard().empty());

  SECTION("where nobody waits for a sample it is reported") {
    sample three = flat_samples(alone, 0, 3);
    three.input[alone.input_size()] = infinity;
    f.train_batch(other, three.input, three.target);
    f.drain();
    REQUIRE(log.heard().size() == 1);
    CHECK(log.heard()[0].first == other);
    CHECK(log.heard()[0].second.find("infinite input") != std::string::npos);
    CHECK(f.statistics(other).trained == 2);
    CHECK(f.statistics().errors == 1);
  }
  SECTION("spans that do not make whole samples are refused at once") {
    sample three = flat_samples(alone, 0, 3);
    const auto refused = [&](auto call) { return code_of(call) == errc::invalid_argument; };
    CHECK(refused([&] { f.train_batch(other, wrong, three.target); }));
    CHECK(refused(
        [&] { f.train_batch(other, three.input, std::span<const float>(three.target).first(2)); }));
    CHECK(refused([&] { f.infer_batch(other, wrong, [](auto, const auto&) {}); }));
    CHECK(refused([&] { f.train_each(std::vector{other}, three.input, three.target); }));
    CHECK(refused([&] { f.train_each(std::vector{other}, {}, three.target); }));
    f.drain();
    CHECK(f.statistics(other).trained == 1); // of the call that had too many values
  }
}

TEST_CASE("a callback that throws is reported and kills nothing", "[executor]") {
  const auto control = four_threads();
  error_log log;
  fleet f({.threads = 3, .on_error = log.listener()});
  cluster alone = small_cluster();
  const auto id = f.join(alone);
  const sample all = flat_samples(alone, 0, 30);
  f.train_batch(id, all.input, all.target, [n = 0](const train_result&, const auto&) mutable {
    if (n++ % 10 == 0) {
      throw std::runtime_error("from the callback");
    }
  });
  f.infer(id, sample_for(alone, 0).input, [](auto, const auto&) { throw 3; });
  f.drain();
  CHECK(f.statistics().errors == 4);
  train_alone(alone, 0, 30);
  CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  // `message_of` does not know the type `int`: the listener itself failed, and nothing else did.
  REQUIRE(log.heard().size() == 3);
  CHECK(log.heard()[0] == std::pair{id, std::string("from the callback")});
}

TEST_CASE("a callback may give more work, and is told where it would wait for itself",
          "[executor]") {
  fleet f({.threads = 1, .queue_samples = 4});
  const cluster c = small_cluster();
  const auto id = f.join(c);
  const sample s = sample_for(c, 0);
  errc leaving{};
  errc draining{};
  errc full{};
  f.train(id, s.input, s.target, [&](const train_result&, const std::exception_ptr&) {
    f.train(id, s.input, s.target);
    leaving = code_of([&] { f.leave(id); });
    draining = code_of([&] { f.drain(); });
    full = code_of([&] {
      for (int i = 0; i < 10; ++i) {
        f.train(id, s.input, s.target);
      }
    });
  });
  f.drain();
  CHECK(leaving == errc::invalid_argument);
  CHECK(draining == errc::invalid_argument);
  CHECK(full == errc::queue_full);
  CHECK(f.statistics().trained == 4);
}

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

TEST_CASE("a task tells how far it is and ends as its source does", "[executor]") {
  fleet f({.threads = 1, .block_samples = 8});
  cluster alone = small_cluster();
  const auto id = f.join(alone);

  SECTION("a dataset, several epochs") {
    std::vector<float> values;
    for (std::uint64_t n = 0; n < 40; ++n) {
      const sample s = sample_for(alone, n);
      values.insert(values.end(), s.input.begin(), s.input.end());
      values.insert(values.end(), s.target.begin(), s.target.end());
    }
    const table_dataset data({{"a"}, {"b"}, {"c"}, {"d"}, {"target"}}, values);
    const auto task = f.start(id, data, {.epochs = 3});
    CHECK(task.wait().samples == 120);
    CHECK(task.progress().done);
    CHECK(task.progress().samples == 120);
    CHECK(task.progress().length == 120);
    CHECK(task.progress().recent_loss > 0);
    alone.start_task(120);
    for (int epoch = 0; epoch < 3; ++epoch) {
      train_alone(alone, 0, 40);
    }
    CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  }
  SECTION("a dataset that does not fit is refused") {
    const table_dataset data({{"a"}, {"target"}}, {1, 2});
    CHECK(code_of([&] { f.start(id, data); }) == errc::invalid_argument);
  }
  SECTION("a dataset without samples is done at once") {
    const table_dataset data({{"a"}, {"b"}, {"c"}, {"d"}, {"target"}}, {});
    CHECK(f.start(id, data).wait().samples == 0);
  }
  SECTION("an endless stream after a task") {
    CHECK(f.start(id, stream_of(alone, 50), 50).wait().samples == 50);
    CHECK(f.start(id, stream_of(alone, 50)).wait().samples == 50);
    alone.start_task(50);
    train_alone(alone, 0, 50);
    alone.start_task(0);
    train_alone(alone, 0, 50);
    CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  }
  SECTION("samples that the cluster refuses are counted") {
    const auto task = f.start(id, [n = 0](std::span<float> input, std::span<float>) mutable {
      std::fill(input.begin(), input.end(), n % 3 == 0 ? infinity : 1.0f);
      return n++ < 30;
    });
    const auto result = task.wait();
    CHECK(result.samples == 20);
    CHECK(result.refused == 10);
    CHECK(result.first_error.find("infinite input") != std::string::npos);
  }
  SECTION("a source that throws ends its task and nothing else") {
    const auto task = f.start(id, [n = 0](auto, auto) mutable -> bool {
      if (n++ == 10) {
        throw std::runtime_error("the source broke");
      }
      return true;
    });
    CHECK_THROWS_WITH(task.wait(), "the source broke");
    CHECK(task.progress().samples == 10);
    CHECK(f.call(id, [](cluster& c) { return c.statistics().samples; }).get() == 10);
  }
  SECTION("cancelled from outside") {
    std::promise<void> under_way;
    const auto task = f.start(id, [&, n = 0](auto, auto) mutable {
      if (n++ == 20) {
        under_way.set_value();
      }
      return true;
    });
    under_way.get_future().wait();
    task.cancel();
    const auto result = task.wait();
    CHECK(result.cancelled);
    CHECK(result.samples > 20);
    f.drain();
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

TEST_CASE("a shared budget stops growth, never the fleet", "[executor]") {
  const auto control = four_threads();
  const std::size_t members = 6;
  const auto grown_bytes = [&](std::size_t budget, std::size_t threads, bool leave_some) {
    fleet f({.threads = threads, .block_samples = 20, .memory_budget = budget});
    std::vector<member_id> ids;
    for (std::uint64_t seed = 1; seed <= members; ++seed) {
      ids.push_back(f.join(busy_cluster(seed)));
    }
    const std::size_t at_first = f.statistics().bytes;
    const sample all = flat_samples(busy_cluster(), 0, 80);
    const auto train_all = [&] {
      for (const auto id : ids) {
        f.train_batch(id, all.input, all.target);
      }
      f.drain();
    };
    train_all();
    CHECK(f.statistics().trained == members * 80);
    if (leave_some) {
      for (int k = 0; k < 4; ++k) {
        f.leave(ids.back());
        ids.pop_back();
      }
      const std::size_t before = f.statistics().bytes;
      train_all();
      CHECK(f.statistics().bytes > before); // those that stay grow on in the room they left
    }
    return std::pair{at_first, f.statistics().bytes};
  };
  for (const std::size_t threads : {1U, 3U}) {
    const auto [first, free] = grown_bytes(std::numeric_limits<std::size_t>::max(), threads, false);
    REQUIRE(free > 2 * first);
    const std::size_t budget = (first + free) / 2;
    const auto bounded = grown_bytes(budget, threads, false).second;
    CHECK(bounded > first);
    CHECK(bounded < budget + budget / 20); // the activity of a sample is not foreseen
    grown_bytes(budget, threads, true);
  }
  fleet without({.threads = 1, .memory_budget = 1});
  const cluster c = busy_cluster();
  const auto id = without.join(c);
  const sample all = flat_samples(c, 0, 100);
  without.train_batch(id, all.input, all.target);
  CHECK(without.call(id, [](cluster& now) { return now.statistics().bricks; }).get() == 0);
  cluster again = without.leave(id);
  train_alone(again, 0, 10);
  CHECK(again.statistics().bricks > 0); // its own limit is back
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

TEST_CASE("options out of range are refused", "[executor]") {
  CHECK(code_of([] { fleet f({.threads = 100000}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.block_samples = 0}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.queue_samples = 0}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.queue_bytes = 0}); }) == errc::invalid_argument);
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
