// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/simd.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/memory.hpp>
#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

template <class Real>
std::vector<Real> random_values(std::size_t count, std::uint64_t stream) {
  std::vector<Real> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<Real>(random_signed_unit(1, stream, i));
  }
  return values;
}

} // namespace

TEMPLATE_TEST_CASE("a vector keeps, fills and adds its lanes", "[foundation]", float, double) {
  constexpr std::size_t width = simd_width<TestType>;
  for (std::uint64_t round = 0; round < 1000; ++round) {
    const auto values = random_values<TestType>(width + 1, round);
    const simd<TestType> v = simd_load(values.data() + 1); // any alignment
    std::vector<TestType> back(width + 1, TestType{9});
    simd_store(back.data() + 1, v);
    CHECK(std::equal(values.begin() + 1, values.end(), back.begin() + 1));
    CHECK(back[0] == TestType{9});
    double sum = 0;
    for (std::size_t i = 1; i <= width; ++i) {
      sum += static_cast<double>(values[i]);
    }
    const double tolerance = 4 * static_cast<double>(width) *
                             static_cast<double>(std::numeric_limits<TestType>::epsilon());
    CHECK(std::abs(static_cast<double>(simd_sum<TestType>(v)) - sum) <= tolerance);
  }
  CHECK(simd_sum<TestType>(simd_fill(TestType(1.5))) ==
        TestType(1.5) * static_cast<TestType>(width));
}

TEMPLATE_TEST_CASE("positive bits are right for every pattern of 16 values", "[foundation]", float,
                   double) {
  constexpr TestType tiny = std::numeric_limits<TestType>::denorm_min();
  constexpr TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  constexpr TestType infinity = std::numeric_limits<TestType>::infinity();
  const TestType positive[] = {TestType(1), tiny, infinity, std::numeric_limits<TestType>::max()};
  const TestType other[] = {TestType(0), TestType(-0.0), nan, -infinity, TestType(-1), -tiny};
  std::size_t wrong = 0;
  for (std::uint32_t mask = 0; mask < 65536; ++mask) {
    TestType values[chunk_width];
    for (std::size_t i = 0; i < chunk_width; ++i) {
      values[i] = ((mask >> i) & 1U) != 0 ? positive[(mask + i) % 4] : other[(mask + i) % 6];
    }
    wrong += positive_bits(values) != mask ? 1U : 0U;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("compressed steps are those of scalar code for every mask", "[foundation]",
                   float, double) {
  const auto x = random_values<TestType>(chunk_width, 11);
  const auto inverse = random_values<TestType>(chunk_width, 12);
  std::vector<std::uint32_t> slot(chunk_width);
  for (std::size_t i = 0; i < chunk_width; ++i) {
    slot[i] = static_cast<std::uint32_t>(random_bits(1, 13, i));
  }
  const TestType limit = TestType(0.25); // some products are above it, some below
  std::size_t wrong = 0;
  std::size_t limited = 0;
  for (std::uint32_t mask = 0; mask < 65536; ++mask) {
    constexpr std::size_t room = 2 * chunk_width + 2; // 16 more than are selected, and two guards
    std::vector<TestType> phi(room, TestType{-7});
    std::vector<std::uint32_t> slots(room, 7);
    const std::size_t count = compress_steps(mask, x.data(), inverse.data(), slot.data(), limit,
                                             phi.data() + 1, slots.data() + 1);
    std::size_t expected = 0;
    for (std::size_t i = 0; i < chunk_width; ++i) {
      if (((mask >> i) & 1U) == 0) {
        continue;
      }
      const TestType share = std::min(x[i] * inverse[i], limit);
      limited += share == limit ? 1U : 0U;
      wrong += phi[1 + expected] != share || slots[1 + expected] != slot[i] ? 1U : 0U;
      ++expected;
    }
    const std::size_t end = 1 + count + chunk_width;
    wrong += count != expected || phi[0] != TestType{-7} || slots[0] != 7 ? 1U : 0U;
    wrong += phi[end] != TestType{-7} || slots[end] != 7 ? 1U : 0U;
  }
  CHECK(wrong == 0);
  CHECK(limited > 0);
}

TEMPLATE_TEST_CASE("an aligned vector begins at a cache line", "[foundation]", float, double) {
  for (std::size_t count = 1; count < 100; ++count) {
    const aligned_vector<TestType> values(count);
    CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % cache_line == 0);
    CHECK(allocated_bytes(values) >= count * sizeof(TestType));
  }
  CHECK(round_up(0, 16) == 0);
  CHECK(round_up(1, 16) == 16);
  CHECK(round_up(16, 16) == 16);
  CHECK(round_up(17, 16) == 32);
}
