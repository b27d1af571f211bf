// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/schedule.hpp>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("the rate of a task falls in a line to zero", "[algorithm]") {
  const auto share = [](std::uint64_t seen) {
    return learning_schedule{.planned = 1000, .seen = seen}.share();
  };
  CHECK(share(0) == 1.0);
  CHECK(share(250) == Approx(0.75));
  CHECK(share(500) == Approx(0.5));
  CHECK(share(999) == Approx(0.001));
  CHECK(share(1000) == 0.0);
  CHECK(share(1000000) == 0.0);
  CHECK_FALSE(learning_schedule{.planned = 1}.endless());
}

TEST_CASE("the rate of an endless stream falls to a quarter and stays", "[algorithm]") {
  const auto share = [](std::uint64_t seen) { return learning_schedule{.seen = seen}.share(); };
  CHECK(learning_schedule{}.endless());
  CHECK(share(0) == 1.0);
  CHECK(share(15000) == Approx(0.5)); // 1 / sqrt(1 + 3)
  CHECK(share(75000) == Approx(0.25));
  CHECK(share(74000) > 0.25);
  CHECK(share(1000000000000ULL) == 0.25);
}

TEST_CASE("a stream that changes goes on at half its first rate, never lower than before",
          "[algorithm]") {
  learning_schedule old{.seen = 1000000};
  old.turn();
  CHECK(old.share() == Approx(0.5));
  learning_schedule young{.seen = 3000};
  const double before = young.share();
  young.turn();
  CHECK(young.share() == before);
}

TEST_CASE("dormant neurons are drawn anew while a stream is young, and once after a change",
          "[algorithm]") {
  learning_schedule schedule;
  const auto resets = [&](std::uint64_t samples) {
    std::vector<std::uint64_t> at;
    for (std::uint64_t i = 1; i <= samples; ++i) {
      const std::uint64_t left = schedule.samples_until_reset();
      schedule.count();
      CHECK(schedule.reset_dormant_due() == (left == 1));
      if (schedule.reset_dormant_due()) {
        at.push_back(i);
      }
    }
    return at;
  };
  CHECK(resets(20000) == std::vector<std::uint64_t>{1000, 2000, 3000, 4000});
  schedule.turn();
  CHECK(resets(3000).empty());
  schedule.turn(); // again: what waits is waited for anew
  CHECK(resets(20000) == std::vector<std::uint64_t>{5000});
  learning_schedule task{.planned = 20000};
  CHECK(task.samples_until_reset() > 1000000);
}
