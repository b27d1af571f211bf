// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <cstdint>
#include <exception>
#include <future>
#include <limits>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

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

TEST_CASE("options out of range are refused", "[executor]") {
  CHECK(code_of([] { fleet f({.threads = 100000}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.block_samples = 0}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.queue_samples = 0}); }) == errc::invalid_argument);
  CHECK(code_of([] { fleet f({.queue_bytes = 0}); }) == errc::invalid_argument);
}
