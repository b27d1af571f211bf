// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/activation.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

double exact_log2_1p(double z) { return std::log1p(z) / std::log(2.0); }

/// Calls `body` for floats all over [least, most], evenly spread over their bit patterns.
template <class Body>
void over_floats(float least, float most, std::uint32_t step, Body body) {
  const auto last = std::bit_cast<std::uint32_t>(most);
  for (auto bits = std::bit_cast<std::uint32_t>(least); bits <= last; bits += step) {
    body(std::bit_cast<float>(bits));
  }
}

} // namespace

TEST_CASE("log2(1 + z) keeps its error bound from the smallest floats to the largest",
          "[algorithm]") {
  double worst = 0;
  float where = 0;
  over_floats(std::numeric_limits<float>::min(), std::numeric_limits<float>::max(), 997,
              [&](float z) {
                const double exact = exact_log2_1p(static_cast<double>(z));
                const double off = std::abs(static_cast<double>(log2_1p(z)) - exact) / exact;
                if (!(off <= worst)) {
                  worst = off;
                  where = z;
                }
              });
  INFO("worst at z = " << where);
  CHECK(worst < 4e-7);
  CHECK(log2_1p(0.0f) == 0.0f);
  CHECK(log2_1p(1.0f) == Approx(1.0f));
  CHECK(log2_1p(1023.0f) == Approx(10.0f));
}

TEST_CASE("log2(1 + z) of wider numbers is the library's", "[algorithm]") {
  for (const double z : {0.0, 1e-300, 1e-17, 1e-8, 0.5, 1.0, 3.0, 1e10, 1e300}) {
    CHECK(log2_1p(z) == Approx(exact_log2_1p(z)).epsilon(1e-15));
  }
}

TEST_CASE("a quick power of two keeps its error bound", "[algorithm]") {
  double worst = 0;
  for (int i = -1260000; i <= 1260000; ++i) {
    const float x = static_cast<float>(i) * 1e-4f;
    const double exact = std::exp2(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(exp2_fast(x)) - exact) / exact);
  }
  CHECK(worst < 3e-7);
  for (const double x : {-100.0, -1.5, 0.0, 0.25, 100.0}) {
    CHECK(exp2_fast(x) == std::exp2(x));
  }
}

TEMPLATE_TEST_CASE("an activation is zero below zero and its slope comes from its activation",
                   "[algorithm]", float, double) {
  CHECK(relu::activate(TestType(-2)) == 0);
  CHECK(relu::activate(TestType(2.5)) == TestType(2.5));
  CHECK(relu::derivative(TestType(0)) == 0);
  CHECK(relu::derivative(TestType(3)) == 1);
  CHECK(log2_activation::activate(TestType(-2)) == 0);
  CHECK(log2_activation::derivative(TestType(0)) == 0);
  for (double z = 1e-3; z < 1e6; z *= 1.7) {
    const TestType a = log2_activation::activate(static_cast<TestType>(z));
    CHECK(static_cast<double>(a) == Approx(exact_log2_1p(z)).epsilon(1e-6));
    CHECK(static_cast<double>(log2_activation::derivative(a)) ==
          Approx(1 / ((1 + z) * std::log(2.0))).epsilon(1e-5));
  }
}

TEST_CASE("a kind of activation names its type", "[algorithm]") {
  const auto at_three = [](auto activate) { return decltype(activate)::activate(3.0); };
  CHECK(with_activation(activation_kind::relu, at_three) == 3.0);
  CHECK(with_activation(activation_kind::log2, at_three) == Approx(2.0));
}
