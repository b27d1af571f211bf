// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../foundation/multiply_add.hpp"
#include "../structure/input_centres.hpp"

/// The straight way: dense columns reach the outputs past all neurons, too, each by one weight a
/// node. A network needs hundreds of samples for what a linear model has learned after dozens; with
/// the straight way it begins as one, and its neurons learn what is left. Columns count as in
/// `straight_unit`: standardised, so that a bit which is nearly always 1 says little when it is,
/// and bounded, so that outliers reach no farther than other values. Folded columns send their
/// waves beside (`folds.hpp`).

namespace hanami::inline HANAMI_ISA {

/// What a column sends on the straight way; `place` is that of its positive side.
template <class Real>
HANAMI_HOST_DEVICE Real straight_share(const Real* activations, std::size_t place,
                                       std::size_t negative_part,
                                       const straight_unit<Real>& unit) noexcept {
  const Real distance = activations[place] - activations[negative_part + place];
  const Real bounded = distance > unit.highest  ? unit.highest
                       : distance < unit.lowest ? unit.lowest
                                                : distance;
  return (bounded - unit.middle) * unit.inverse_spread;
}

/// What the learning rate of classes is multiplied by on the straight way, `squares` being those of
/// the shares of a sample: larger where columns are few. Measured on twelve generated streams:
/// twice as much costs rotated hyperplanes a point, half as much the first 400 rows two.
template <class Real>
HANAMI_HOST_DEVICE Real straight_gain(Real squares) noexcept {
  return 35 / std::max(Real{25}, squares);
}

/// What stands on the straight way of a sample: activations as placed, and waves.
template <class Real>
struct straight_sources {
  const Real* activations;
  std::size_t negative_part;
  const Real* waves;
};

/// Calls `body(row, share)` for the columns and then the waves that send anything, in order.
template <class Real, class Body>
void for_each_straight(const input_centres<Real>& centres, const straight_sources<Real>& from,
                       const Body& body) noexcept {
  for (std::size_t j = 0; j < centres.columns(); ++j) {
    const Real share =
        straight_share(from.activations, centres.places[j], from.negative_part, centres.units[j]);
    if (share != Real{0}) {
      body(j, share);
    }
  }
  for (std::size_t j = 0; j < centres.waves(); ++j) {
    if (from.waves[j] != Real{0}) {
      body(centres.columns() + j, from.waves[j]);
    }
  }
}

/// Sum of the squares of all shares.
template <class Real>
Real straight_squares(const input_centres<Real>& centres,
                      const straight_sources<Real>& from) noexcept {
  Real sum = 0;
  for_each_straight(centres, from,
                    [&](std::size_t, Real share) { sum = multiply_add(share, share, sum); });
  return sum;
}

/// answers += weights * shares, for one output.
template <class Real>
void add_straight(const input_centres<Real>& centres, const straight_sources<Real>& from,
                  const Real* weights, std::size_t size, Real* answers) noexcept {
  for_each_straight(centres, from, [=](std::size_t j, Real share) {
    const Real* weight = weights + j * size;
    for (std::size_t o = 0; o < size; ++o) {
      answers[o] = multiply_add(share, weight[o], answers[o]);
    }
  });
}

/// weights -= rate * errors * shares, for one output.
template <class Real>
void correct_straight(const input_centres<Real>& centres, const straight_sources<Real>& from,
                      Real rate, const Real* errors, std::size_t size, Real* weights) noexcept {
  for_each_straight(centres, from, [=](std::size_t j, Real share) {
    const Real step = rate * share;
    Real* weight = weights + j * size;
    for (std::size_t o = 0; o < size; ++o) {
      weight[o] = multiply_add(-errors[o], step, weight[o]);
    }
  });
}

} // namespace hanami
