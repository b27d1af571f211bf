// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"
#include "simd.hpp"

/// Numbers of 16 bits for weights: the upper half of a float. All arithmetic is done in float; what
/// is stored is rounded at random, so that many small corrections add up to what they are (Gupta,
/// Agrawal, Gopalakrishnan, Narayanan: Deep Learning with Limited Numerical Precision, 2015).

namespace hanami::inline HANAMI_ISA {

/// The sign, the exponent and the first seven bits of the mantissa of a float.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() noexcept = default;
  /// The nearest one; of two as near, the even one. Not for NaN.
  explicit bfloat16(float value) noexcept {
    const auto all = std::bit_cast<std::uint32_t>(value);
    bits = static_cast<std::uint16_t>((all + 0x7fffU + ((all >> 16) & 1U)) >> 16);
  }
  operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

namespace detail {

// gcc 12 converts vectors of 16 bits by halves, through many more instructions: where there is one
// for it, it stands here.

/// Reads as many numbers of 16 bits as there are lanes, into the upper halves of the lanes.
HANAMI_INLINE simd<std::uint32_t> load_upper_halves(const bfloat16* from) noexcept {
#if defined(__AVX512F__)
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return std::bit_cast<simd<std::uint32_t>>(_mm512_maskz_cvtepu16_epi32(0xffff, halves)) << 16;
#elif defined(__AVX2__)
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return std::bit_cast<simd<std::uint32_t>>(_mm256_cvtepu16_epi32(halves)) << 16;
#else
  simd<std::uint32_t> lanes{};
  for (std::size_t i = 0; i < simd_width<float>; ++i) {
    lanes[i] = static_cast<std::uint32_t>(from[i].bits) << 16;
  }
  return lanes;
#endif
}

/// Writes the upper halves of the lanes.
HANAMI_INLINE void store_upper_halves(bfloat16* to, simd<std::uint32_t> lanes) noexcept {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_maskz_cvtepi32_epi16(0xffff, std::bit_cast<__m512i>(lanes >> 16)));
#elif defined(__AVX2__)
  const auto packed = std::bit_cast<__m256i>(lanes >> 16);
  const __m128i halves =
      _mm_packus_epi32(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves);
#else
  for (std::size_t i = 0; i < simd_width<float>; ++i) {
    to[i].bits = static_cast<std::uint16_t>(lanes[i] >> 16);
  }
#endif
}

} // namespace detail

/// A vector of weights, as numbers to compute with.
HANAMI_INLINE simd<float> load_weights(const float* from) noexcept { return simd_load(from); }
HANAMI_INLINE simd<double> load_weights(const double* from) noexcept { return simd_load(from); }
HANAMI_INLINE simd<float> load_weights(const bfloat16* from) noexcept {
  return std::bit_cast<simd<float>>(detail::load_upper_halves(from));
}

/// How the weights of one brick are rounded at one sample: every weight by bits of its own. Nothing
/// for weights that need no rounding.
template <class Weight>
class weight_rounding {
 public:
  /// `key`: random bits, others for every brick and sample.
  explicit weight_rounding(std::uint64_t) noexcept {}

  /// What rounds the weights of the tile at `slot`.
  struct noise {};
  HANAMI_INLINE noise of_tile(std::uint32_t) const noexcept { return {}; }

  /// Stores vector number `v` of the tile.
  static HANAMI_INLINE void store(Weight* to, simd<Weight> weights, noise, std::size_t) noexcept {
    simd_store(to, weights);
  }
};

template <>
class weight_rounding<bfloat16> {
 public:
  explicit weight_rounding(std::uint64_t key) noexcept
      : step_(static_cast<std::uint32_t>(key) | 1U) {
    alignas(simd_bytes) std::uint32_t lane[simd_width<float>];
    auto state = static_cast<std::uint32_t>(key >> 32);
    for (std::uint32_t& bits : lane) {
      bits = state | 1U; // odd: a product with it is a bijection
      state = state * 0x915f77f5U + 0x6a09e667U;
    }
    lanes_ = simd_load(lane);
  }

  using noise = simd<std::uint32_t>;
  HANAMI_INLINE noise of_tile(std::uint32_t slot) const noexcept {
    return lanes_ * ((slot + 1) * 0x9e3779b1U * step_);
  }

  /// Up or down, the nearer the likelier.
  static HANAMI_INLINE void store(bfloat16* to, simd<float> weights, noise bits,
                                  std::size_t v) noexcept {
    const noise lower = (bits + static_cast<std::uint32_t>(v) * 0x9e3779b9U) >> 16;
    detail::store_upper_halves(to, std::bit_cast<noise>(weights) + lower);
  }

 private:
  simd<std::uint32_t> lanes_;
  std::uint32_t step_;
};

} // namespace hanami
