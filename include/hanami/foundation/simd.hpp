// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSSE3__)
#include <tmmintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "../config.hpp"

/// Vectors at the native width of the target, from the compilers' own vector extension: arithmetic
/// and comparisons are plain operators. AVX-512, AVX2, SSE and NEON come from the same source,
/// chosen by the compiler's flags. Only what operators cannot say (bits of a comparison,
/// compression) has branches per instruction set, and it ends in this header.

namespace hanami::inline HANAMI_ISA {

#if defined(__AVX512F__)
inline constexpr std::size_t simd_bytes = 64;
#elif defined(__AVX__)
inline constexpr std::size_t simd_bytes = 32;
#else
inline constexpr std::size_t simd_bytes = 16;
#endif

/// Sources are bound, and lists are built, in chunks of this many values on every target.
inline constexpr std::size_t chunk_width = 16;

namespace detail {
template <class Real>
struct simd_type {
  // NOLINTNEXTLINE(modernize-use-using): gcc drops the attribute from an alias of a dependent type
  typedef Real type __attribute__((vector_size(simd_bytes)));
};
} // namespace detail

template <class Real>
using simd = typename detail::simd_type<Real>::type;

template <class Real>
inline constexpr std::size_t simd_width = simd_bytes / sizeof(Real);

/// Vectors an unrolled loop may keep in registers at once, leaving some for operands.
inline constexpr std::size_t simd_registers = simd_bytes == 64 ? 16 : 8;

template <class Real>
HANAMI_INLINE simd<Real> simd_load(const Real* from) noexcept {
  simd<Real> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class Real>
HANAMI_INLINE void simd_store(Real* to, simd<Real> v) noexcept {
  std::memcpy(to, &v, sizeof v);
}

template <class Real>
HANAMI_INLINE simd<Real> simd_fill(Real value) noexcept {
  return simd<Real>{} + value;
}

#if defined(__SSE2__)
namespace detail {
/// Sum by halves of the widest float vector there is, without a way through memory.
HANAMI_INLINE float sum_by_halves(simd<float> v) noexcept {
#if defined(__AVX512F__) // shuffles: gcc 12 warns of its own _mm512_extract
  const __m256 eight = _mm256_add_ps(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7),
                                     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
#elif defined(__AVX__)
  const __m256 eight = v;
#endif
#if defined(__AVX__)
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
#else
  const __m128 four = v;
#endif
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
} // namespace detail
#endif

/// Sum of all lanes, by halves: the order is fixed for a given width.
template <class Real>
HANAMI_INLINE Real simd_sum(simd<Real> v) noexcept {
#if defined(__SSE2__)
  if constexpr (sizeof(Real) == sizeof(float)) {
    return detail::sum_by_halves(v);
  }
#endif
  alignas(simd_bytes) Real lane[simd_width<Real>];
  simd_store(lane, v);
  for (std::size_t half = simd_width<Real> / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      lane[i] += lane[i + half];
    }
  }
  return lane[0];
}

/// One bit for each of the 16 values `load(k)` .. whose vectors are above `limit` (NaN is not).
/// `load(k)` gives the vector that begins at value k.
template <class Real, class Load>
HANAMI_INLINE std::uint32_t chunk_bits_above(Real limit, const Load& load) noexcept {
  std::uint32_t mask = 0;
  for (std::size_t k = 0; k < chunk_width; k += simd_width<Real>) {
    const simd<Real> v = load(k);
#if defined(__AVX512F__)
    if constexpr (sizeof(Real) == 4) {
      mask |= static_cast<std::uint32_t>(_mm512_cmp_ps_mask(v, _mm512_set1_ps(limit), _CMP_GT_OQ))
              << k;
      continue;
    }
#elif defined(__AVX__)
    if constexpr (sizeof(Real) == 4) {
      mask |= static_cast<std::uint32_t>(
                  _mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_set1_ps(limit), _CMP_GT_OQ)))
              << k;
      continue;
    }
#elif defined(__SSE2__)
    if constexpr (sizeof(Real) == 4) {
      mask |= static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpgt_ps(v, _mm_set1_ps(limit)))) << k;
      continue;
    }
#endif
    for (std::size_t i = 0; i < simd_width<Real>; ++i) {
      mask |= static_cast<std::uint32_t>(v[i] > limit) << (k + i);
    }
  }
  return mask;
}

/// One bit for each of the 16 values that is above zero (NaN is not).
template <class Real>
HANAMI_INLINE std::uint32_t positive_bits(const Real* values) noexcept {
  return chunk_bits_above(Real{0}, [values](std::size_t k) { return simd_load(values + k); });
}

/// One bit for each of the 16 products `x * inverse` that is above `limit`.
template <class Real>
HANAMI_INLINE std::uint32_t share_bits(const Real* x, const Real* inverse, Real limit) noexcept {
  return chunk_bits_above(limit,
                          [=](std::size_t k) { return simd_load(x + k) * simd_load(inverse + k); });
}

/// Writes `min((x - lower[k]) * inverse[k], limit)` and `slot[k]` for `count` steps, 32 at most.
/// One bit for each whose share is above zero (NaN is not); no branch on any.
template <class Real>
HANAMI_INLINE std::uint32_t share_steps(Real x, const Real* lower, const Real* inverse,
                                        const std::uint32_t* slot, Real limit, std::size_t count,
                                        Real* phi_to, std::uint32_t* slot_to) noexcept {
  std::uint32_t mask = 0;
  std::size_t k = 0;
#if defined(__SSE2__)
  if constexpr (sizeof(Real) == 4) {
    for (; k + 4 <= count; k += 4) {
      const __m128 share = _mm_mul_ps(_mm_sub_ps(_mm_set1_ps(x), _mm_loadu_ps(lower + k)),
                                      _mm_loadu_ps(inverse + k));
      _mm_storeu_ps(phi_to + k, _mm_min_ps(share, _mm_set1_ps(limit)));
      std::memcpy(slot_to + k, slot + k, 4 * sizeof *slot);
      mask |= static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpgt_ps(share, _mm_setzero_ps())))
              << k;
    }
  }
#endif
  for (; k < count; ++k) {
    const Real share = (x - lower[k]) * inverse[k];
    phi_to[k] = share < limit ? share : limit;
    slot_to[k] = slot[k];
    mask |= static_cast<std::uint32_t>(share > Real{0}) << k;
  }
  return mask;
}

#if !defined(__AVX512F__) && defined(__AVX2__)
namespace detail {
/// For every 8-bit mask, the lanes it selects, packed: the control of a permutation.
struct compress_table {
  alignas(32) std::uint32_t lanes[256][8]{};
  constexpr compress_table() {
    for (unsigned mask = 0; mask < 256; ++mask) {
      unsigned count = 0;
      for (unsigned i = 0; i < 8; ++i) {
        if ((mask >> i) & 1U) {
          lanes[mask][count++] = i;
        }
      }
    }
  }
};
inline constexpr compress_table compress_lanes{};
} // namespace detail
#endif

/// Writes `min(x * inverse, limit)` and the slot of every value selected by `mask`, packed, in
/// order. Both targets need room for 16 more elements, however many are selected. Returns how many
/// are.
template <class Real>
HANAMI_INLINE std::size_t compress_steps(std::uint32_t mask, const Real* x, const Real* inverse,
                                         const std::uint32_t* slot, Real limit, Real* phi_to,
                                         std::uint32_t* slot_to) noexcept {
  const auto count = static_cast<std::size_t>(std::popcount(mask));
#if defined(__AVX512F__)
  if constexpr (sizeof(Real) == 4) {
    const auto m = static_cast<__mmask16>(mask);
    const simd<Real> share = simd_load(x) * simd_load(inverse);
    const simd<Real> top = simd_fill(limit);
    const simd<Real> phi = share < top ? share : top; // gcc 12 warns of its own _mm512_min_ps
    // Compressing in registers and storing whole is far cheaper than compressing stores on AMD.
    _mm512_storeu_ps(phi_to, _mm512_maskz_compress_ps(m, phi));
    _mm512_storeu_si512(slot_to, _mm512_maskz_compress_epi32(m, _mm512_loadu_si512(slot)));
    return count;
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(Real) == 4) {
    const __m256 top = _mm256_set1_ps(limit);
    std::size_t done = 0;
    for (std::size_t half = 0; half < 2; ++half) {
      const std::uint32_t bits = (mask >> (8 * half)) & 0xffU;
      const __m256i order =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(detail::compress_lanes.lanes[bits]));
      const __m256 phi = _mm256_min_ps(
          _mm256_mul_ps(_mm256_loadu_ps(x + 8 * half), _mm256_loadu_ps(inverse + 8 * half)), top);
      const __m256i slots = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(slot + 8 * half));
      _mm256_storeu_ps(phi_to + done, _mm256_permutevar8x32_ps(phi, order));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(slot_to + done),
                          _mm256_permutevar8x32_epi32(slots, order));
      done += static_cast<std::size_t>(std::popcount(bits));
    }
    return count;
  }
#endif
  std::size_t done = 0;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(rest));
    const Real phi = x[i] * inverse[i];
    phi_to[done] = phi < limit ? phi : limit;
    slot_to[done++] = slot[i];
  }
  return count;
}

} // namespace hanami
