// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/running.hpp>

#include <cmath>
#include <cstdint>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

double noise(std::uint64_t number) { return static_cast<double>(random_signed_unit(1, 1, number)); }

} // namespace

TEST_CASE("a running scale is the mean size of what it saw", "[stream]") {
  running_scale scale;
  for (const double value : {1.0, -3.0, 2.0, -2.0}) {
    scale.add(value);
  }
  CHECK(scale.value() == Approx(2.0));
}

TEST_CASE("one wild value moves a running scale and mean by little", "[stream]") {
  running_scale scale;
  running_mean mean;
  for (std::uint64_t t = 0; t < 1000; ++t) {
    scale.add(noise(t));
    mean.add(7 + noise(t));
  }
  const double before = scale.value();
  CHECK(before == Approx(0.5).epsilon(0.1));
  scale.add(1e12);
  mean.add(-1e12);
  CHECK(scale.value() < 1.02 * before);
  CHECK(mean.mean() == Approx(7).margin(0.1));
}

TEST_CASE("a running scale follows a stream that has become larger or smaller", "[stream]") {
  running_scale scale(100);
  for (const double unit : {1.0, 50.0, 0.02}) {
    for (std::uint64_t t = 0; t < 2000; ++t) {
      scale.add(unit * noise(t));
    }
    CHECK(scale.value() == Approx(0.5 * unit).epsilon(0.3));
  }
}

TEST_CASE("running quantiles have their shares of the values below them", "[stream]") {
  running_quantiles quantiles(0.1, 0.7);
  double below = 0;
  double below_high = 0;
  for (std::uint64_t t = 0; t < 20000; ++t) {
    const double value = 300 * noise(t) + (t < 10000 ? 0 : 1000);
    below += value < quantiles.low() ? 1 : 0;
    below_high += value < quantiles.high() ? 1 : 0;
    quantiles.add(value);
  }
  CHECK(below / 20000 == Approx(0.1).margin(0.03));
  CHECK(below_high / 20000 == Approx(0.7).margin(0.03));
}

TEST_CASE("the last values are kept, the newest first", "[stream]") {
  last_values<int> last(3);
  CHECK(last.size() == 0);
  for (int i = 1; i <= 5; ++i) {
    last.push(i);
  }
  REQUIRE(last.full());
  CHECK(last[0] == 5);
  CHECK(last[1] == 4);
  CHECK(last[2] == 3);
}
