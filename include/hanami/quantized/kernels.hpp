// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
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
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif

#include "../config.hpp"
#include "../foundation/simd.hpp"

/// The inner loops of 8-bit inference. Four neighbouring presynaptic nodes form a quad: their codes
/// are one 32-bit word, and their weights lie together lane by lane, as dot product instructions
/// take them. Sums are integers, so that every instruction set finds the same ones.

namespace hanami::inline HANAMI_ISA {

/// Largest code of a share (0..127) and of a weight (-127..127). Not 255 for shares: two products
/// must fit 16 bits, since most multiply-add instructions pass through them.
inline constexpr std::int32_t largest_code = 127;

/// Sources of a quad.
inline constexpr std::size_t quad_width = 4;
inline constexpr std::size_t quads_per_chunk = chunk_width / quad_width;

/// Lists of tiles come in blocks of so many quads, and lists of active quads are padded by a block.
inline constexpr std::size_t quad_block = 16;

/// So many quads sum to no more than 31 bits.
inline constexpr std::size_t most_quads_per_sum = 32768;

namespace detail {

/// For every 32-bit lane: sum + the four products of its bytes, weights signed, codes 0..127.
HANAMI_INLINE simd<std::int32_t> add_products(simd<std::int32_t> sum, simd<std::int8_t> weights,
                                              std::uint32_t codes) noexcept {
  const auto all = std::bit_cast<std::int32_t>(codes);
#if defined(__AVX512VNNI__)
  return std::bit_cast<simd<std::int32_t>>(_mm512_dpbusd_epi32(
      std::bit_cast<__m512i>(sum), _mm512_set1_epi32(all), std::bit_cast<__m512i>(weights)));
#elif defined(__AVX512BW__)
  const __m512i pairs =
      _mm512_maddubs_epi16(_mm512_set1_epi32(all), std::bit_cast<__m512i>(weights));
  return sum + std::bit_cast<simd<std::int32_t>>(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#elif defined(__AVX2__) && !defined(__AVX512F__)
  const __m256i pairs =
      _mm256_maddubs_epi16(_mm256_set1_epi32(all), std::bit_cast<__m256i>(weights));
  return sum + std::bit_cast<simd<std::int32_t>>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#elif defined(__SSSE3__) && !defined(__AVX__)
  const __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi32(all), std::bit_cast<__m128i>(weights));
  return sum + std::bit_cast<simd<std::int32_t>>(_mm_madd_epi16(pairs, _mm_set1_epi16(1)));
#elif defined(__ARM_FEATURE_DOTPROD)
  return std::bit_cast<simd<std::int32_t>>(vdotq_s32(std::bit_cast<int32x4_t>(sum),
                                                     std::bit_cast<int8x16_t>(weights),
                                                     vreinterpretq_s8_s32(vdupq_n_s32(all))));
#else
  // Every second byte at a time, in 16-bit lanes: both products of a lane fit it.
  using halves = simd<std::int16_t>;
  const auto w = std::bit_cast<halves>(weights);
  const auto c = std::bit_cast<halves>(simd_fill(all));
  const auto pairs =
      std::bit_cast<simd<std::int32_t>>(((w << 8) >> 8) * (c & 0xff) + (w >> 8) * (c >> 8));
  return sum + ((pairs << 16) >> 16) + (pairs >> 16);
#endif
}

/// `Vectors` vectors of sums over all quads of a list; `stride` bytes lie between two tiles.
/// Several quads at a time where one alone would wait for its own sums.
template <std::size_t Vectors>
HANAMI_INLINE void sum_vectors(const std::int8_t* tiles, std::size_t stride,
                               const std::uint32_t* codes, const std::uint32_t* tile,
                               std::size_t count, std::int32_t* sums) noexcept {
  constexpr std::size_t turns = Vectors >= 8 ? 1 : 8 / Vectors;
  simd<std::int32_t> sum[turns][Vectors] = {};
  const auto add = [&](std::size_t s, simd<std::int32_t>* to) {
    const std::int8_t* weights = tiles + tile[s] * stride;
    const std::uint32_t four = codes[s];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < Vectors; ++v) {
      to[v] = add_products(to[v], simd_load(weights + v * simd_bytes), four);
    }
  };
  for (std::size_t s = 0; s < count; s += turns) { // the list is padded
#pragma GCC unroll 8
    for (std::size_t turn = 0; turn < turns; ++turn) {
      add(s + turn, sum[turn]);
    }
  }
  for (std::size_t v = 0; v < Vectors; ++v) {
    for (std::size_t turn = 1; turn < turns; ++turn) {
      sum[0][v] += sum[turn][v];
    }
    simd_store(sums + v * simd_width<std::int32_t>, sum[0][v]);
  }
}

} // namespace detail

/// sums[lane] = sum over the listed quads of code * weight[lane], exact for up to
/// `most_quads_per_sum` of them. The list is padded with silent quads, 8 or more. Tile t begins `t
/// * 4 * Lanes` bytes into `tiles`; the four weights of a lane are neighbours in it.
template <std::size_t Lanes>
void sum_quads(const std::int8_t* tiles, const std::uint32_t* codes, const std::uint32_t* tile,
               std::size_t count, std::int32_t* sums) noexcept {
  constexpr std::size_t width = simd_width<std::int32_t>;
  constexpr std::size_t vectors = Lanes / width < simd_registers ? Lanes / width : simd_registers;
  for (std::size_t first = 0; first < Lanes; first += vectors * width) {
    detail::sum_vectors<vectors>(tiles + first * quad_width, Lanes * quad_width, codes, tile, count,
                                 sums + first);
  }
}

/// to[lane] += sums[lane] * scale[lane] * unit.
template <std::size_t Lanes>
void add_scaled(const std::int32_t* sums, const float* scale, float unit, float* to) noexcept {
  constexpr std::size_t width = simd_width<float>;
  for (std::size_t lane = 0; lane < Lanes; lane += width) {
    const auto sum = __builtin_convertvector(simd_load(sums + lane), simd<float>);
    simd_store(to + lane, simd_load(to + lane) + sum * (simd_load(scale + lane) * simd_fill(unit)));
  }
}

namespace detail {

/// Values from 0 on, limited by 127 and rounded to nearest. NaN is not a value.
HANAMI_INLINE simd<std::int32_t> round_codes(simd<float> values) noexcept {
  // Floats from 0 on are in the order of their bits, and the least of two integers is one
  // instruction. Adding 1.5 * 2^23 leaves the integer in the lowest bits, the same on every target.
  const auto most = std::bit_cast<simd<std::int32_t>>(simd_fill(static_cast<float>(largest_code)));
  const auto bits = std::bit_cast<simd<std::int32_t>>(values);
  const auto limited = std::bit_cast<simd<float>>(bits < most ? bits : most);
  return std::bit_cast<simd<std::int32_t>>(limited + 12582912.0f) & 0xff;
}

/// Four vectors of codes as bytes: a word for each quad, in order.
HANAMI_INLINE simd<std::uint32_t>
pack_codes(const simd<std::int32_t> (&code)[quad_width]) noexcept {
#if defined(__AVX512BW__)
  const auto mixed = std::bit_cast<simd<std::uint32_t>>(_mm512_packus_epi16(
      _mm512_packs_epi32(std::bit_cast<__m512i>(code[0]), std::bit_cast<__m512i>(code[1])),
      _mm512_packs_epi32(std::bit_cast<__m512i>(code[2]), std::bit_cast<__m512i>(code[3]))));
  return __builtin_shufflevector(mixed, mixed, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11,
                                 15);
#elif defined(__AVX2__) && !defined(__AVX512F__)
  const auto mixed = std::bit_cast<simd<std::uint32_t>>(_mm256_packus_epi16(
      _mm256_packs_epi32(std::bit_cast<__m256i>(code[0]), std::bit_cast<__m256i>(code[1])),
      _mm256_packs_epi32(std::bit_cast<__m256i>(code[2]), std::bit_cast<__m256i>(code[3]))));
  return __builtin_shufflevector(mixed, mixed, 0, 4, 1, 5, 2, 6, 3, 7);
#elif defined(__SSE2__) && !defined(__AVX__)
  return std::bit_cast<simd<std::uint32_t>>(_mm_packus_epi16(
      _mm_packs_epi32(std::bit_cast<__m128i>(code[0]), std::bit_cast<__m128i>(code[1])),
      _mm_packs_epi32(std::bit_cast<__m128i>(code[2]), std::bit_cast<__m128i>(code[3]))));
#else
  constexpr std::size_t width = simd_width<float>;
  simd<std::int8_t> bytes{};
  for (std::size_t k = 0; k < quad_width * width; ++k) {
    bytes[k] = static_cast<std::int8_t>(code[k / width][k % width]);
  }
  return std::bit_cast<simd<std::uint32_t>>(bytes);
#endif
}

/// Writes those quads of a vector in which a presynaptic node sends, and their tiles, packed, in
/// order. Both targets need room for a vector. Returns how many.
HANAMI_INLINE std::size_t compress_quads(simd<std::uint32_t> codes, const std::uint32_t* tile,
                                         std::uint32_t* codes_to, std::uint32_t* tile_to) noexcept {
#if defined(__AVX512F__)
  const auto all = std::bit_cast<__m512i>(codes);
  const __mmask16 mask = _mm512_test_epi32_mask(all, all);
  _mm512_storeu_si512(codes_to, _mm512_maskz_compress_epi32(mask, all));
  _mm512_storeu_si512(tile_to, _mm512_maskz_compress_epi32(mask, _mm512_loadu_si512(tile)));
  return static_cast<std::size_t>(std::popcount(static_cast<std::uint32_t>(mask)));
#elif defined(__AVX2__)
  const auto all = std::bit_cast<__m256i>(codes);
  const __m256i silent = _mm256_cmpeq_epi32(all, _mm256_setzero_si256());
  const auto bits =
      0xffU ^ static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(silent)));
  const __m256i order =
      _mm256_load_si256(reinterpret_cast<const __m256i*>(compress_lanes.lanes[bits]));
  simd_store(codes_to, std::bit_cast<simd<std::uint32_t>>(_mm256_permutevar8x32_epi32(all, order)));
  simd_store(tile_to, std::bit_cast<simd<std::uint32_t>>(_mm256_permutevar8x32_epi32(
                          std::bit_cast<__m256i>(simd_load(tile)), order)));
  return static_cast<std::size_t>(std::popcount(bits));
#else
  std::size_t count = 0;
  for (std::size_t q = 0; q < simd_width<std::uint32_t>; ++q) {
    codes_to[count] = codes[q];
    tile_to[count] = tile[q];
    count += codes[q] != 0 ? 1U : 0U;
  }
  return count;
#endif
}

} // namespace detail

/// Lists the quads in which a presynaptic node sends: their codes and tiles, packed, in order.
/// `value(chunk, k)` gives the vector of values that begins at presynaptic node k of a chunk; see
/// `round_codes`. `quads` is a multiple of `quad_block`; both targets need room for `quad_block`
/// more. Returns how many are listed; behind them the targets are padded with silent quads, as
/// `sum_quads` needs it.
template <class Value>
HANAMI_INLINE std::size_t list_quads(const Value& value, const std::uint32_t* tile,
                                     std::size_t quads, std::uint32_t* codes_to,
                                     std::uint32_t* tile_to) noexcept {
  constexpr std::size_t width = simd_width<float>;
  std::size_t count = 0;
  for (std::size_t q = 0; q < quads; q += width) {
    simd<std::int32_t> code[quad_width];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < quad_width; ++v) {
      const std::size_t chunk = q / quads_per_chunk + v * width / chunk_width;
      code[v] = detail::round_codes(value(chunk, (q * quad_width + v * width) % chunk_width));
    }
    count += detail::compress_quads(detail::pack_codes(code), tile + q, codes_to + count,
                                    tile_to + count);
  }
  std::fill_n(codes_to + count, quad_block, 0U);
  std::fill_n(tile_to + count, quad_block, 0U);
  return count;
}

/// The largest lane.
HANAMI_INLINE float simd_max(simd<float> v) noexcept {
  float lane[simd_width<float>];
  simd_store(lane, v);
  for (std::size_t half = simd_width<float> / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      lane[i] = lane[i] < lane[i + half] ? lane[i + half] : lane[i];
    }
  }
  return lane[0];
}

} // namespace hanami
