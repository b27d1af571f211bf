// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "../foundation/bfloat16.hpp"
#include "../foundation/simd.hpp"
#include "../structure/tile_pool.hpp"

/// The inner loops over the lanes of a brick. `Lanes` is a constant in all of them, so that sums
/// stay in registers.

namespace hanami::inline HANAMI_ISA {

/// Calls `body` with the brick size as a constant. `lanes` is one of 32, 64, 128, 256.
template <class Body>
HANAMI_INLINE decltype(auto) with_lanes(std::size_t lanes, Body&& body) {
  switch (lanes) {
  case 32:
    return std::forward<Body>(body)(std::integral_constant<std::size_t, 32>{});
  case 64:
    return std::forward<Body>(body)(std::integral_constant<std::size_t, 64>{});
  case 128:
    return std::forward<Body>(body)(std::integral_constant<std::size_t, 128>{});
  default:
    return std::forward<Body>(body)(std::integral_constant<std::size_t, 256>{});
  }
}

/// sums[lane] = bias[lane] + sum over the steps of phi * weight[lane]; steps are added in order.
template <std::size_t Lanes, class Real, class Weight>
void accumulate(const Weight* tiles, const Real* phi, const tile_slot* slot, std::size_t count,
                const Real* bias, Real* sums) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  constexpr std::size_t vectors = Lanes / width < simd_registers ? Lanes / width : simd_registers;
  for (std::size_t first = 0; first < Lanes; first += vectors * width) {
    simd<Real> sum[vectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < vectors; ++v) {
      sum[v] = simd_load(bias + first + v * width);
    }
    for (std::size_t s = 0; s < count; ++s) {
      const Weight* weight = tiles + std::size_t{slot[s]} * Lanes + first;
      const simd<Real> share = simd_fill(phi[s]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < vectors; ++v) {
        sum[v] += share * load_weights(weight + v * width);
      }
    }
#pragma GCC unroll 16
    for (std::size_t v = 0; v < vectors; ++v) {
      simd_store(sums + first + v * width, sum[v]);
    }
  }
}

/// weight[lane] -= rate * phi * gradient[lane] for every step.
template <std::size_t Lanes, class Real, class Weight>
void update_tiles(Weight* tiles, const Real* phi, const tile_slot* slot, std::size_t count,
                  Real rate, const Real* gradient, const weight_rounding<Weight>& round) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  constexpr std::size_t vectors = Lanes / width < simd_registers ? Lanes / width : simd_registers;
  for (std::size_t first = 0; first < Lanes; first += vectors * width) {
    simd<Real> d[vectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < vectors; ++v) {
      d[v] = simd_load(gradient + first + v * width);
    }
    for (std::size_t s = 0; s < count; ++s) {
      Weight* weight = tiles + std::size_t{slot[s]} * Lanes + first;
      const simd<Real> step = simd_fill(rate * phi[s]);
      const auto noise = round.of_tile(slot[s]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < vectors; ++v) {
        round.store(weight + v * width, load_weights(weight + v * width) - step * d[v], noise,
                    first / width + v);
      }
    }
  }
}

/// Sum over the lanes of weight * gradient: what a step passes back to its presynaptic node.
template <std::size_t Lanes, class Real, class Weight>
Real dot_lanes(const Weight* weight, const Real* gradient) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  simd<Real> sum{};
  for (std::size_t lane = 0; lane < Lanes; lane += width) {
    sum += load_weights(weight + lane) * simd_load(gradient + lane);
  }
  return simd_sum<Real>(sum);
}

/// Sum of the squares of any number of values.
template <class Real>
Real sum_of_squares(const Real* values, std::size_t count) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  simd<Real> sums{};
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const simd<Real> v = simd_load(values + i);
    sums += v * v;
  }
  Real sum = simd_sum<Real>(sums);
  for (; i < count; ++i) {
    sum += values[i] * values[i];
  }
  return sum;
}

} // namespace hanami
