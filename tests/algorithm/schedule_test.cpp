// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/schedule.hpp>

#include <cstdint>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("the rate of a task falls in a line to zero", "[algorithm]") {
  const auto rate = [](std::uint64_t seen) { return learning_schedule{0.04, 1000, seen}.rate(); };
  CHECK(rate(0) == 0.04);
  CHECK(rate(250) == Approx(0.03));
  CHECK(rate(500) == Approx(0.02));
  CHECK(rate(999) == Approx(0.00004));
  CHECK(rate(1000) == 0.0);
  CHECK(rate(1000000) == 0.0);
  CHECK_FALSE(learning_schedule{0.04, 1, 0}.endless());
}

TEST_CASE("the rate of an endless stream falls to a quarter and stays", "[algorithm]") {
  const auto rate = [](std::uint64_t seen) { return learning_schedule{0.08, 0, seen}.rate(); };
  CHECK(learning_schedule{}.endless());
  CHECK(rate(0) == 0.08);
  CHECK(rate(15000) == Approx(0.04)); // 1 / sqrt(1 + 3)
  CHECK(rate(75000) == Approx(0.02));
  CHECK(rate(74000) > 0.02);
  CHECK(rate(1000000000000ULL) == 0.02);
}
