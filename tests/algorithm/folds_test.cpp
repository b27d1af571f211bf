// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/folds.hpp>

using namespace hanami;

TEST_CASE("a position runs from the lowest knot to the highest, and half as far beyond",
          "[algorithm]") {
  const std::array<double, 3> knots{10, 20, 100}; // two parts, as wide as their slopes say
  const auto position = [&](double x) { return fold_position(knots.data(), knots.size(), x); };
  CHECK(position(10) == 0);
  CHECK(position(15) == 0.25);
  CHECK(position(20) == 0.5);
  CHECK(position(60) == 0.75);
  CHECK(position(100) == 1);
  CHECK(position(5) == -0.25);
  CHECK(position(140) == 1.25);
  for (const double far : {1e9, 1e300, std::numeric_limits<double>::max()}) {
    CHECK(position(far) == 1.5);
    CHECK(position(-far) == -0.5);
  }
}

TEST_CASE("knots at the ends of all numbers give positions, not NaN", "[algorithm]") {
  constexpr float most = std::numeric_limits<float>::max();
  constexpr float least = std::numeric_limits<float>::denorm_min();
  const std::array<float, 4> knots{-most, 0, least, most};
  for (const float x : {-most, -1.0f, 0.0f, least, 1.0f, most}) {
    const float at = fold_position(knots.data(), knots.size(), x);
    CAPTURE(x, at);
    CHECK(at >= -0.5f);
    CHECK(at <= 1.5f);
  }
}

TEST_CASE("waves are close to sines and their squares to a constant", "[algorithm]") {
  constexpr double turn = 6.283185307179586;
  for (int i = -40; i < 40; ++i) {
    const double t = 0.07 * i;
    CHECK(std::abs(wave_at(t) / wave_height<double> - std::sin(turn * t)) < 0.06);
    const double sine = wave_at(t) / wave_height<double>;
    const double cosine = wave_at(t + 0.25) / wave_height<double>;
    CHECK(std::abs(sine * sine + cosine * cosine - 1) < 0.15);
    CHECK(std::abs(wave_at(t + 1) - wave_at(t)) < 1e-12);
  }
}

TEST_CASE("a folded value is a point of its own on a sphere, a missing one is silent",
          "[algorithm]") {
  constexpr std::size_t octaves = 9;
  std::vector<double> knots;
  for (int k = 0; k < 16; ++k) {
    knots.push_back(k);
  }
  const auto waves_of = [&](double x) {
    std::vector<double> waves(2 * octaves);
    fold_column(knots.data(), knots.size(), x, octaves, 1, waves.data());
    return waves;
  };
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      sum += a[k] * b[k];
    }
    return sum;
  };
  for (int i = 0; i < 200; ++i) {
    const double x = 15.0 * i / 200;
    const auto here = waves_of(x);
    for (int j = 0; j < 200; ++j) {
      if (i != j) { // a linear model finds it nowhere else
        CHECK(product(here, waves_of(15.0 * j / 200)) < 0.98 * product(here, here));
      }
    }
  }
  CHECK(waves_of(std::numeric_limits<double>::quiet_NaN()) == std::vector<double>(2 * octaves));
}

TEST_CASE("the waves of several columns stand octave by octave", "[algorithm]") {
  input_centres<float> centres;
  centres.folds.push_back({1, true, {0, 1}});
  centres.folds.push_back({0, true, {10, 30}});
  const std::vector<float> values{12, 0.3f};
  centres.octaves = 4;
  std::vector<float> waves(centres.waves());
  fold_columns<float>(centres, values, waves.data());
  REQUIRE(waves.size() == 16);
  for (std::size_t k = 0; k < 4; ++k) {
    const auto turns = static_cast<float>(1U << k) / 2;
    CHECK(waves[4 * k] == Approx(wave_at(0.3f * turns)).margin(1e-4));
    CHECK(waves[4 * k + 1] == Approx(wave_at(0.3f * turns + 0.25f)).margin(1e-4));
    CHECK(waves[4 * k + 2] == Approx(wave_at(0.1f * turns)).margin(1e-4));
  }
  centres.octaves = 3; // further octaves come behind: what is there keeps its place
  std::vector<float> fewer(centres.waves());
  fold_columns<float>(centres, values, fewer.data());
  CHECK(std::vector<float>(waves.begin(), waves.begin() + 12) == fewer);
}
