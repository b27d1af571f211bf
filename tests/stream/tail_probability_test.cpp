// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/anomaly/tail_probability.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/anomaly/alarm_rule.hpp>

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

TEST_CASE("probabilities come true, with light tails and with heavy ones", "[stream]") {
  const auto seen = [](auto value_of) {
    tail_probability history;
    std::array<double, 5> rare{};
    for (std::uint64_t t = 0; t < 200000; ++t) {
      const double said = history.add(value_of(drawn(t)));
      for (std::size_t k = 1; k < rare.size(); ++k) {
        rare[k] += said >= static_cast<double>(k) ? 1 : 0;
      }
    }
    for (std::size_t k = 1; k < rare.size(); ++k) {
      rare[k] *= std::pow(10.0, static_cast<double>(k)) / 200000;
    }
    return rare;
  };
  for (const auto& rare : {seen([](double e) { return e; }),                  // exponential
                           seen([](double e) { return std::exp(e / 2); }),    // Pareto, index 2
                           seen([](double e) { return std::exp(2 * e); })}) { // index 1/2
    CHECK(rare[1] == Approx(1).epsilon(0.05));
    CHECK(rare[2] == Approx(1).epsilon(0.15));
    CHECK(rare[3] > 0.6);
    CHECK(rare[3] < 1.5);
    CHECK(rare[4] > 0.2);
    CHECK(rare[4] < 2);
  }
}

TEST_CASE("what comes once in 500 values is that rare, however far off", "[stream]") {
  tail_probability history;
  double said = 0;
  for (std::uint64_t t = 0; t < 20000; ++t) {
    const bool far = t % 500 == 499;
    const double found = history.add(far ? 1000 + drawn(t) : drawn(t));
    said += far && t >= 10000 ? found / 20 : 0;
  }
  CHECK(said > 2.2);
  CHECK(said < 3.5);
}

TEST_CASE("a history of zeros and of every size stays small", "[stream]") {
  tail_probability history;
  for (std::uint64_t t = 0; t < 20000; ++t) {
    history.add(t % 3 == 0 ? 0 : std::pow(10.0, static_cast<double>(t % 600) - 300));
  }
  CHECK(history.bytes() < 12000);
  CHECK(history.surprise(0) == 0);
}

TEST_CASE("wild values do not make others look usual", "[stream]") {
  tail_probability history;
  for (std::uint64_t t = 0; t < 1000; ++t) {
    history.add(t % 400 == 399 ? 1e9 : drawn(t));
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

TEST_CASE("soon after an alarm only what is clearly stranger is another one", "[stream]") {
  anomaly_options options;
  options.rows_per_day = 100;
  options.false_alarms_per_day = 0.1;
  alarm_rule rule(options);
  for (std::uint64_t t = 0; t < 5000; ++t) {
    rule.judge(drawn(t) * 0.4343);
  }
  CHECK(rule.judge(6));
  CHECK_FALSE(rule.judge(6.5));
  CHECK(rule.judge(9));
}

TEST_CASE("an alarm rule refuses rates that are not above 0", "[stream]") {
  CHECK_THROWS_AS(alarm_rule({.rows_per_day = 0}), error);
  CHECK_THROWS_AS(alarm_rule({.false_alarms_per_day = -1}), error);
  CHECK_THROWS_AS(alarm_rule({.rows_per_day = std::nan("")}), error);
}
