// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/bfloat16.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

TEST_CASE("every number of 16 bits comes back from a float as it was", "[foundation]") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    bfloat16 value;
    value.bits = static_cast<std::uint16_t>(bits);
    const float wide = value;
    if (!std::isnan(wide)) {
      REQUIRE(bfloat16(wide).bits == value.bits);
    }
  }
}

TEST_CASE("a float becomes the nearest number of 16 bits", "[foundation]") {
  CHECK(bfloat16(1.0f + 0x1p-9f) == 1.0f);             // nearer to 1
  CHECK(bfloat16(1.0f + 0x1.8p-8f) == 1.0f + 0x1p-7f); // nearer to the next
  CHECK(bfloat16(1.0f + 0x1p-8f) == 1.0f);             // between: the even one
  CHECK(bfloat16(1.0f + 0x1.8p-7f) == 1.0f + 0x1p-6f); // between: the even one
  CHECK(bfloat16(-3.0f - 0x1p-9f) == -3.0f);
  CHECK(bfloat16(0.0f) == 0.0f);
}

TEST_CASE("vectors of weights of 16 bits are read exactly", "[foundation]") {
  constexpr std::size_t width = simd_width<float>;
  for (std::uint32_t first = 0; first + width <= 0x7f80; first += width) {
    bfloat16 stored[width];
    for (std::size_t i = 0; i < width; ++i) {
      stored[i].bits = static_cast<std::uint16_t>(first + i);
    }
    const simd<float> loaded = load_weights(stored);
    for (std::size_t i = 0; i < width; ++i) {
      REQUIRE(loaded[i] == static_cast<float>(stored[i]));
    }
  }
}

TEST_CASE("rounding at random keeps what fits and is right on the average", "[foundation]") {
  constexpr std::size_t width = simd_width<float>;
  constexpr std::size_t vectors = 64 / width;
  constexpr std::uint32_t tiles = 50;
  constexpr std::uint64_t keys = 400;
  for (const float share : {0.0f, 0.1f, 0.5f, 0.9f}) {
    for (const float sign : {1.0f, -1.0f}) {
      const float exact = sign * (1.5f + share * 0x1p-7f);
      std::vector<double> lane_sums(64);
      double sum = 0;
      for (std::uint64_t key = 0; key < keys; ++key) {
        const weight_rounding<bfloat16> round(mix_bits(key));
        for (std::uint32_t slot = 0; slot < tiles; ++slot) {
          bfloat16 stored[64];
          const auto noise = round.of_tile(slot);
          for (std::size_t v = 0; v < vectors; ++v) {
            round.store(stored + v * width, simd_fill(exact), noise, v);
          }
          for (std::size_t lane = 0; lane < 64; ++lane) {
            const float up = (stored[lane] - sign * 1.5f) * sign * 0x1p7f;
            REQUIRE((up == 0.0f || up == 1.0f));
            sum += static_cast<double>(up);
            lane_sums[lane] += static_cast<double>(up);
          }
        }
      }
      const double p = static_cast<double>(share);
      const double spread = std::sqrt(p * (1 - p));
      CHECK(std::abs(sum / (keys * tiles * 64) - p) <= 5 * spread / std::sqrt(keys * tiles * 64.0));
      for (const double lane : lane_sums) { // no lane is favoured
        CHECK(std::abs(lane / (keys * tiles) - p) <= 6 * spread / std::sqrt(keys * tiles * 1.0));
      }
    }
  }
}
