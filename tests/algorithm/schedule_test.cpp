// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/schedule.hpp>

#include <cstdint>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("the rate of a task falls in a line to zero", "[algorithm]") {
  const auto share = [](std::uint64_t seen) { return learning_schedule{1000, seen}.share(); };
  CHECK(share(0) == 1.0);
  CHECK(share(250) == Approx(0.75));
  CHECK(share(500) == Approx(0.5));
  CHECK(share(999) == Approx(0.001));
  CHECK(share(1000) == 0.0);
  CHECK(share(1000000) == 0.0);
  CHECK_FALSE(learning_schedule{1, 0}.endless());
}

TEST_CASE("the rate of an endless stream falls to a quarter and stays", "[algorithm]") {
  const auto share = [](std::uint64_t seen) { return learning_schedule{0, seen}.share(); };
  CHECK(learning_schedule{}.endless());
  CHECK(share(0) == 1.0);
  CHECK(share(15000) == Approx(0.5)); // 1 / sqrt(1 + 3)
  CHECK(share(75000) == Approx(0.25));
  CHECK(share(74000) > 0.25);
  CHECK(share(1000000000000ULL) == 0.25);
}
