// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/column_guard.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/column_history.hpp>

using namespace hanami;

namespace {

/// A slow wave with noise, in some unit.
double value_at(std::uint64_t row, double unit = 1) {
  const double now = static_cast<double>(row);
  return unit *
         (20 + 5 * std::sin(now / 30) + 0.2 * static_cast<double>(random_signed_unit(2, 1, row)));
}

column_guard seasoned(std::uint64_t rows) {
  column_guard guard;
  for (std::uint64_t row = 0; row < rows; ++row) {
    REQUIRE(guard.judge(value_at(row)) == validity::taken);
  }
  return guard;
}

} // namespace

TEST_CASE("a guard takes what is usual, whatever the unit", "[stream]") {
  for (const double unit : {1e-9, 1.0, -1e9}) {
    column_guard guard;
    for (std::uint64_t row = 0; row < 2000; ++row) {
      REQUIRE(guard.judge(value_at(row, unit)) == validity::taken);
    }
  }
}

TEST_CASE("a guard rejects single wild values and says what is missing", "[stream]") {
  column_guard guard = seasoned(500);
  const double before = guard.last();
  CHECK(guard.judge(1e6 * before) == validity::rejected);
  CHECK(guard.judge(-1e30) == validity::rejected);
  CHECK(guard.judge(-1.1e30) == validity::missing);
  CHECK(guard.judge(std::numeric_limits<double>::quiet_NaN()) == validity::missing);
  CHECK(guard.judge(-std::numeric_limits<double>::infinity()) == validity::missing);
  CHECK(guard.last() == before);
  CHECK(guard.standing() == before); // those that do not agree say nothing
  CHECK(guard.judge(value_at(500)) == validity::taken);
}

TEST_CASE("a guard believes the third value of a new level and knows its unit soon", "[stream]") {
  column_guard guard = seasoned(500);
  const double before = guard.last();
  CHECK(guard.judge(value_at(500, 1000)) == validity::rejected);
  CHECK(guard.standing() == before);
  CHECK(guard.judge(value_at(501, 1000)) == validity::rejected);
  CHECK(guard.last() == before);
  CHECK(guard.standing() == value_at(501, 1000)); // two that agree
  CHECK(guard.judge(value_at(502, 1000)) == validity::new_level);
  CHECK(guard.standing() == guard.last());
  for (std::uint64_t row = 503; row < 1000; ++row) {
    REQUIRE(guard.judge(value_at(row, 1000)) == validity::taken);
  }
  const column_guard fresh = seasoned(500);
  CHECK(guard.change_scale() == Approx(1000 * fresh.change_scale()).epsilon(0.2));
}

TEST_CASE("a value that is rejected again and again without lasting is an ordinary one",
          "[stream]") {
  column_guard guard;
  std::uint64_t rejected = 0;
  for (std::uint64_t row = 0; row < 4000; ++row) {
    const bool other = random_unit(2, 3, row) < 0.1F && row > 500;
    const auto noise = static_cast<double>(random_signed_unit(2, 4, row));
    const validity as = guard.judge((other ? 500 : 20) + 0.1 * noise);
    rejected += as == validity::rejected && row >= 1500 ? 1 : 0;
  }
  CHECK(rejected == 0);
}

TEST_CASE("a sensor that fails once in 300 rows is not believed, though always alike", "[stream]") {
  column_guard guard = seasoned(500);
  for (std::uint64_t row = 500; row < 9500; ++row) {
    const validity as = guard.judge(row % 300 == 299 ? 8500 : value_at(row));
    REQUIRE(as == (row % 300 == 299 ? validity::rejected : validity::taken));
  }
}

TEST_CASE("a guard follows a column whose changes become small", "[stream]") {
  column_guard guard = seasoned(2000);
  const double before = guard.change_scale();
  for (std::uint64_t row = 0; row < 1000; ++row) {
    guard.judge(20 + value_at(row, 1e-4));
  }
  CHECK(guard.change_scale() < before * 1e-3);
}

TEST_CASE("the path of a column is the same in every unit and goes on after a "
          "rescaling",
          "[stream]") {
  column_history small(50);
  column_history large(50);
  column_history moved(50);
  for (std::uint64_t row = 0; row < 1000; ++row) {
    small.add(value_at(row));
    large.add(value_at(row, 1024));
    moved.add(value_at(row, row < 500 ? 1 : 1000));
  }
  CHECK(large.path() == small.path());
  for (std::size_t ago = 0; ago + 1 < 50; ++ago) {
    const double change = moved.path(ago) - moved.path(ago + 1);
    REQUIRE(change == Approx(small.path(ago) - small.path(ago + 1)).epsilon(0.3).margin(0.05));
  }
}

TEST_CASE("rows without a value are no part of the path", "[stream]") {
  column_history history(10);
  CHECK_FALSE(history.started());
  history.add(std::numeric_limits<double>::quiet_NaN());
  CHECK_FALSE(history.started());
  history.add(1);
  history.add(2);
  history.add(std::numeric_limits<double>::quiet_NaN());
  CHECK(history.started());
  CHECK_FALSE(history.known());
  CHECK(std::isnan(history.path(0)));
  CHECK_FALSE(std::isnan(history.path(1)));
  CHECK(history.last() == 2);
}
