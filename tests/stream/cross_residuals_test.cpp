// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/anomaly/cross_residuals.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/anomaly/window_shape.hpp>

using namespace hanami;

namespace {

double noise(std::uint64_t what, std::uint64_t row) {
  return static_cast<double>(random_signed_unit(8, what, row));
}

/// Two columns with a common cause, one without.
std::vector<double> row_of(std::uint64_t row) {
  const double common = noise(1, row);
  return {common + 0.1 * noise(2, row), -5 * common + 0.5 * noise(3, row), noise(4, row)};
}

cross_residuals learned(std::uint64_t rows) {
  cross_residuals residuals;
  residuals.add_columns(3);
  for (std::uint64_t row = 0; row < rows; ++row) {
    residuals.observe(row_of(row));
  }
  return residuals;
}

} // namespace

TEST_CASE("what other columns explain is no residual, what breaks the relation is one",
          "[stream]") {
  cross_residuals residuals = learned(1000);
  double usual = 0;
  double alone = 0;
  for (std::uint64_t row = 1000; row < 1200; ++row) {
    residuals.observe(row_of(row));
    usual += std::abs(residuals.residual(0)) / 200;
    alone += std::abs(residuals.residual(2)) / 200;
  }
  CHECK(usual < 0.3);
  CHECK(alone > 0.8);
  residuals.observe(std::vector<double>{0.9, 0.0, 0.0});
  CHECK(std::abs(residuals.residual(0)) > 4 * usual);
}

TEST_CASE("a missing value has no residual and is filled in for the others", "[stream]") {
  cross_residuals residuals = learned(1000);
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  residuals.observe(std::vector<double>{missing, -4.5, 0.1});
  CHECK(std::isnan(residuals.residual(0)));
  CHECK(std::abs(residuals.residual(1)) < 3);
}

TEST_CASE("columns that join leave full groups as they are", "[stream]") {
  cross_residuals residuals;
  residuals.add_columns(32);
  std::vector<double> row(32);
  for (std::uint64_t t = 0; t < 300; ++t) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = noise(c, t);
    }
    residuals.observe(row);
  }
  CHECK_FALSE(std::isnan(residuals.residual(0)));
  residuals.add_columns(1);
  row.resize(33, 1.0);
  residuals.observe(row);
  CHECK_FALSE(std::isnan(residuals.residual(0)));
  CHECK(std::isnan(residuals.residual(32)));
}

TEST_CASE("an odd cycle of a wave is far from its usual shapes", "[stream]") {
  window_shape shape;
  double usual = 0;
  for (std::uint64_t row = 0; row < 2000; ++row) {
    shape.add(std::sin(0.3 * static_cast<double>(row)) + 0.02 * noise(5, row));
    usual = row > 1500 ? std::max(usual, shape.distance()) : 0;
  }
  double odd = 0;
  for (std::uint64_t row = 2000; row < 2010; ++row) {
    shape.add(0.3 * std::sin(0.3 * static_cast<double>(row)));
    odd = std::max(odd, shape.distance());
  }
  CHECK(odd > 3 * usual);
}
