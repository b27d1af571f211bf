// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "../config.hpp"

/// Counter-based randomness: a number is a pure function of (seed, stream, counter), so whoever
/// asks, in whatever order and on whatever thread or device, gets the same network.

namespace hanami::inline HANAMI_ISA {

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// 2014): a bijection of 64 bits with full avalanche.
HANAMI_HOST_DEVICE constexpr std::uint64_t mix_bits(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// 64 random bits for (seed, stream, counter). Stateless; safe anywhere.
HANAMI_HOST_DEVICE constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t stream,
                                                       std::uint64_t counter) noexcept {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
  return mix_bits(mix_bits(mix_bits(seed + golden) + stream * golden) + (counter + 1) * golden);
}

/// A number in [0, 1), a multiple of 2^-24: exact in `float`.
HANAMI_HOST_DEVICE constexpr float random_unit(std::uint64_t seed, std::uint64_t stream,
                                               std::uint64_t counter) noexcept {
  return static_cast<float>(random_bits(seed, stream, counter) >> 40) * 0x1p-24f;
}

/// A number in (-1, 1), symmetric around zero.
HANAMI_HOST_DEVICE constexpr float random_signed_unit(std::uint64_t seed, std::uint64_t stream,
                                                      std::uint64_t counter) noexcept {
  return 2.0f * random_unit(seed, stream, counter) - 1.0f + 0x1p-24f;
}

/// A number in [0, bound), by multiplication (Lemire 2019); the bias is below bound / 2^32.
HANAMI_HOST_DEVICE constexpr std::uint32_t random_below(std::uint32_t bound, std::uint64_t seed,
                                                        std::uint64_t stream,
                                                        std::uint64_t counter) noexcept {
  return static_cast<std::uint32_t>(((random_bits(seed, stream, counter) >> 32) * bound) >> 32);
}

} // namespace hanami
