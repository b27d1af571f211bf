// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/average_watch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

/// `samples` losses of noise around 1 to 2, of which the average loses `more`; the window is asked
/// for after every hundred.
double follow(average_watch& watch, std::uint64_t& number, std::uint64_t samples, double more) {
  double window = 0;
  for (const std::uint64_t end = number + samples; number < end;) {
    ++number;
    const double current = 1 + static_cast<double>(random_unit(1, 1, number));
    const double noise = static_cast<double>(random_signed_unit(1, 2, number));
    if (const std::uint32_t weight = watch.weight_of(current, number); weight > 0) {
      watch.note(current, current + more + noise / 2, weight);
    }
    if (number % 100 == 0) {
      window = watch.next_window(100, 10000);
    }
  }
  return window;
}

} // namespace

TEST_CASE("an average is taken at its first update, with all of the weights", "[algorithm]") {
  average_watch watch;
  CHECK_FALSE(watch.taken());
  CHECK_FALSE(watch.lags());
  CHECK_FALSE(watch.leads());
  CHECK(watch.next_window(100, 10000) <= 125);
  CHECK(watch.taken());
}

TEST_CASE("the window of an average that is better grows to a quarter of the stream, and its end",
          "[algorithm]") {
  average_watch watch;
  std::uint64_t number = 0;
  CHECK(follow(watch, number, 20000, -0.1) == Approx(5000).epsilon(0.05));
  CHECK_FALSE(watch.lags());
  CHECK(watch.leads());
  CHECK(follow(watch, number, 60000, -0.1) == 10000);
}

TEST_CASE("the window of an average that lags is halved until it does no longer", "[algorithm]") {
  average_watch watch;
  std::uint64_t number = 0;
  follow(watch, number, 20000, -0.1);
  const double window = follow(watch, number, 1000, 0.5);
  CHECK(watch.lags());
  CHECK_FALSE(watch.leads());
  CHECK(window < 2000);
  CHECK(follow(watch, number, 20000, 0.5) <= 125); // next to no average
  follow(watch, number, 2000, -0.1);
  CHECK_FALSE(watch.lags());
}

TEST_CASE("large losses are compared one by one, the others at every eighth sample",
          "[algorithm]") {
  average_watch watch;
  std::uint64_t alone = 0;
  std::uint64_t for_eight = 0;
  for (std::uint64_t number = 1; number <= 8000; ++number) {
    const std::uint32_t weight = watch.weight_of(number % 100 == 1 ? 5.0 : 0.01, number);
    alone += weight == 1 ? 1U : 0U;
    for_eight += weight == 8 ? 1U : 0U;
  }
  CHECK(alone >= 75);
  CHECK(alone <= 82);
  CHECK(for_eight == 1000);
}

TEST_CASE("losses without bounds decide nothing", "[algorithm]") {
  average_watch watch;
  std::uint64_t number = 0;
  follow(watch, number, 5000, -0.1);
  watch.note(1, std::numeric_limits<double>::infinity(), 8);
  watch.note(std::numeric_limits<double>::quiet_NaN(), 1, 8);
  CHECK_FALSE(watch.lags());
  CHECK(std::isfinite(watch.next_window(100, 10000)));
}
