// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../isa.hpp"
#include "../structure/input_centres.hpp"

/// Folded columns: where one or a few columns tell hundreds of classes apart, neurons cannot cut
/// them finely enough in any reasonable time. Waves can: a column sends pairs of them, a quarter of
/// a period apart, whose periods halve from pair to pair (the binary digits of where its value is,
/// but continuous). All samples lie on a sphere then, none between others, so that a linear model
/// can tell every stretch of the column from all others: the outputs read waves straight. Random
/// Fourier features (Rahimi and Recht 2007) are their kin; these are not drawn.

namespace hanami::inline HANAMI_ISA {

/// Of every wave. With it, waves learn about as fast as is best for any number of octaves
/// (`straight_gain`); three times faster or slower costs less than a point.
template <class Real>
inline constexpr Real wave_height = Real(2.5);

/// Where `x` lies in a column: from 0 at the lowest knot to 1 at the highest, linear between
/// neighbours and, with the slopes there, beyond, up to half of the whole.
template <class Real>
HANAMI_HOST_DEVICE Real fold_position(const Real* knots, std::size_t count, Real x) noexcept {
  std::size_t part = 0;
  for (std::size_t k = 1; k + 1 < count; ++k) { // where it lies cannot be foreseen
    part += x >= knots[k] ? 1U : 0U;
  }
  const Real share = (x - knots[part]) / (knots[part + 1] - knots[part]);
  const Real at = (static_cast<Real>(part) + share) / static_cast<Real>(count - 1);
  return !(at > Real(-0.5)) ? Real(-0.5) : at < Real(1.5) ? at : Real(1.5);
}

/// A wave of parabolas, nearly a sine: of period 1, 0 at 0 and rising.
template <class Real>
HANAMI_HOST_DEVICE Real wave_at(Real t) noexcept {
  const Real phase = t - std::floor(t);
  const bool first = phase < Real(0.5);
  const Real within = first ? phase : phase - Real(0.5);
  const Real height = within * (Real(0.5) - within) * (16 * wave_height<Real>);
  return first ? height : -height;
}

/// The waves of one column: of octave k, waves 2k and 2k + 1 of it, `stride` pairs from those of
/// the octave before. NaN is silent.
template <class Real>
HANAMI_HOST_DEVICE void fold_column(const Real* knots, std::size_t count, Real x,
                                    std::size_t octaves, std::size_t stride, Real* waves) noexcept {
  const bool there = !std::isnan(x);
  Real turns = there ? fold_position(knots, count, x) / 2 : Real{0}; // of the slowest wave
  for (std::size_t k = 0; k < octaves; ++k, turns *= 2, waves += 2 * stride) {
    waves[0] = there ? wave_at(turns) : Real{0};
    waves[1] = there ? wave_at(turns + Real(0.25)) : Real{0};
  }
}

/// The waves of a sample: [octave][folded column][pair].
template <class Real>
void fold_columns(const input_centres<Real>& centres, std::span<const Real> values,
                  Real* waves) noexcept {
  if (centres.octaves == 0) {
    return;
  }
  for (std::size_t j = 0; j < centres.folds.size(); ++j) {
    const auto& fold = centres.folds[j];
    fold_column(fold.knots.data(), fold.knots.size(), values[fold.value], centres.octaves,
                centres.folds.size(), waves + 2 * j);
  }
}

} // namespace hanami
