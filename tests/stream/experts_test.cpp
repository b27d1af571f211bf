// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/forecast/expert_aggregation.hpp>
#include <hanami/stream/recursive_least_squares.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

double noise(std::uint64_t what, std::uint64_t number) {
  return static_cast<double>(random_signed_unit(what, 1, number));
}

} // namespace

TEST_CASE("least squares find the weights of a linear stream at once", "[stream]") {
  recursive_least_squares learner(3);
  for (std::uint64_t t = 0; t < 200; ++t) {
    const std::array<double, 3> x{1, noise(1, t), noise(2, t)};
    learner.learn(x, 2 - 3 * x[1] + 0.5 * x[2]);
  }
  CHECK(learner.predict(std::array<double, 3>{1, 0, 0}) == Approx(2).margin(0.05));
  CHECK(learner.predict(std::array<double, 3>{1, 1, 0}) == Approx(-1).margin(0.05));
  CHECK(learner.predict(std::array<double, 3>{1, 0, 1}) == Approx(2.5).margin(0.05));
}

TEST_CASE("least squares with forgetting follow, without they remember", "[stream]") {
  recursive_least_squares forgets(1, 0.99);
  recursive_least_squares remembers(1, 1);
  for (std::uint64_t t = 0; t < 4000; ++t) {
    const std::array<double, 1> x{noise(1, t)};
    const double slope = t < 2000 ? 1 : -1;
    forgets.learn(x, slope * x[0] + 0.1 * noise(2, t));
    remembers.learn(x, slope * x[0] + 0.1 * noise(2, t));
  }
  const std::array<double, 1> one{1};
  CHECK(forgets.predict(one) == Approx(-1).margin(0.1));
  CHECK(std::abs(remembers.predict(one)) < 0.5);
}

TEST_CASE("least squares survive wild targets and inputs that stay away", "[stream]") {
  recursive_least_squares learner(2, 0.99);
  for (std::uint64_t t = 0; t < 20000; ++t) {
    const std::array<double, 2> x{noise(1, t), t < 1000 ? noise(2, t) : 0};
    learner.learn(x, t % 1000 == 999 ? 1e9 : x[0] - 2 * x[1]);
  }
  CHECK(learner.predict(std::array<double, 2>{1, 0}) == Approx(1).margin(0.3));
  CHECK(learner.predict(std::array<double, 2>{0, 1}) == Approx(-2).margin(0.3));
}

TEST_CASE("a mix comes close to the best expert, whoever that is now", "[stream]") {
  expert_aggregation mix(3, 0.998);
  double later = 0;
  for (std::uint64_t t = 0; t < 6000; ++t) {
    const double truth = noise(1, t);
    const std::size_t good = t < 3000 ? 0 : 2;
    std::array<double, 3> experts{};
    for (std::size_t i = 0; i < 3; ++i) {
      experts[i] = truth + (i == good ? 0.1 : 1.0) * noise(2 + i, t);
    }
    const double said = mix.predict(experts);
    later += t >= 5000 ? std::abs(said - truth) : 0;
    mix.learn(experts, said, truth);
    double sum = 0;
    for (const double w : mix.weights()) {
      REQUIRE(w >= 0);
      sum += w;
    }
    REQUIRE(sum == Approx(1));
  }
  CHECK(later / 1000 < 0.1); // the best one's is 0.05, the others' 0.5
}

TEST_CASE("a mix of two that are wrong in opposite ways is better than both", "[stream]") {
  expert_aggregation mix(2);
  double wrong = 0;
  for (std::uint64_t t = 0; t < 4000; ++t) {
    const double truth = noise(1, t);
    const std::array<double, 2> experts{truth + 1, truth - 1};
    const double said = mix.predict(experts);
    wrong += t >= 2000 ? std::abs(said - truth) : 0;
    mix.learn(experts, said, truth);
  }
  CHECK(wrong / 2000 < 0.5);
}

TEST_CASE("a mix for means leans to the mean, one for medians to the median", "[stream]") {
  const auto settled = [](point_forecast point) {
    expert_aggregation mix(2, 0.999, point);
    double sum = 0;
    for (std::uint64_t t = 0; t < 6000; ++t) {
      const double truth = random_unit(9, 1, t) < 0.2f ? 5 : 0; // median 0, mean 1
      const std::array<double, 2> experts{0, 2};
      const double said = mix.predict(experts);
      sum += t >= 3000 ? said / 3000 : 0;
      mix.learn(experts, said, truth);
    }
    return sum;
  };
  CHECK(settled(point_forecast::median) < 0.2);
  CHECK(settled(point_forecast::mean) == Approx(1).margin(0.3));
}

TEST_CASE("least squares take inputs in that come later or change their meaning", "[stream]") {
  recursive_least_squares learner(2);
  for (std::uint64_t t = 0; t < 900; ++t) {
    if (t == 600) {
      learner.replace(1, 1);
    }
    const std::array<double, 2> x{noise(1, t), noise(2, t)};
    const double second = t < 300 ? 0 : t < 600 ? 2 : -1;
    learner.learn(std::span(x).first(t < 300 ? 1 : 2), x[0] + second * x[1] + 0.3 * noise(3, t));
    if (t == 599) {
      CHECK(learner.predict(std::array<double, 2>{0, 1}) == Approx(2).margin(0.2));
      CHECK(learner.predict(std::array<double, 1>{1}) == Approx(1).margin(0.2));
    }
  }
  CHECK(learner.predict(std::array<double, 2>{0, 1}) == Approx(-1).margin(0.2));
  CHECK(learner.predict(std::array<double, 2>{1, 0}) == Approx(1).margin(0.2));
}
