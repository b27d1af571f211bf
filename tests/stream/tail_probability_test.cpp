// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/tail_probability.hpp>

#include <cmath>
#include <cstdint>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/alarm_rule.hpp>

using namespace hanami;

namespace {

/// Exponentially distributed, mean 1.
double drawn(std::uint64_t number, std::uint64_t seed = 3) {
  return -std::log(1 - static_cast<double>(random_unit(seed, 1, number)));
}

} // namespace

TEST_CASE("a value's probability is that of its rank, and of the tail beyond", "[stream]") {
  tail_probability history;
  for (std::uint64_t t = 0; t < 2000; ++t) {
    history.add(drawn(t));
  }
  for (const double value : {0.5, 1.0, 2.0, 5.0, 9.0}) {
    const double truth = value * std::log10(std::exp(1.0)); // P(X > x) = exp(-x)
    CHECK(history.surprise(value) == Approx(truth).epsilon(0.15));
  }
  CHECK(history.surprise(0) < 0.01);
  CHECK(history.surprise(1e9) > 100);
}

TEST_CASE("probabilities come true: of all values, one in a thousand is so rare", "[stream]") {
  tail_probability history;
  double rare = 0;
  for (std::uint64_t t = 0; t < 60000; ++t) {
    rare += history.add(drawn(t)) > 3 ? 1 : 0;
  }
  CHECK(rare > 30);
  CHECK(rare < 100);
}

TEST_CASE("wild values do not make others look usual", "[stream]") {
  tail_probability history;
  for (std::uint64_t t = 0; t < 1000; ++t) {
    history.add(t % 100 == 99 ? 1e9 : drawn(t));
  }
  CHECK(history.surprise(100) > 3);
}

TEST_CASE("the first values are no surprise", "[stream]") {
  tail_probability history;
  for (std::uint64_t t = 0; t < 39; ++t) {
    REQUIRE(history.add(t % 2 == 0 ? 0 : 1e6) == 0);
  }
}

TEST_CASE("alarms are as rare as they were asked to be, alone or in clumps", "[stream]") {
  for (const std::uint64_t clump : {1U, 10U}) {
    anomaly_options options;
    options.rows_per_day = 100;
    options.false_alarms_per_day = 0.1;
    options.rest_rows = 50;
    alarm_rule rule(options);
    tail_probability history;
    int alarms = 0;
    for (std::uint64_t t = 0; t < 200000; ++t) { // 2,000 days
      alarms += rule.judge(history.add(drawn(t / clump))) ? 1 : 0;
    }
    CHECK(alarms > 100);
    CHECK(alarms < 400);
  }
}

TEST_CASE("an alarm rule refuses rates that are not above 0", "[stream]") {
  CHECK_THROWS_AS(alarm_rule({.rows_per_day = 0}), error);
  CHECK_THROWS_AS(alarm_rule({.false_alarms_per_day = -1}), error);
  CHECK_THROWS_AS(alarm_rule({.rows_per_day = std::nan("")}), error);
}
