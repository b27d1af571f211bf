// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/growing_array.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

/// Appends the numbers from the size on.
void count_up(growing_array<std::uint32_t>& values, std::size_t until) {
  while (values.size() < until) {
    const std::size_t at = values.size();
    values.reserve(grown_capacity(values.capacity(), at + 1));
    values.resize(at + 1);
    REQUIRE(values.data()[at] == 0);
    values.data()[at] = static_cast<std::uint32_t>(at);
  }
}

bool counts_up(const growing_array<std::uint32_t>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values.data()[i] != i) {
      return false;
    }
  }
  return true;
}

} // namespace

TEST_CASE("a growing array keeps its elements, small and large", "[foundation]") {
  growing_array<std::uint32_t> values;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{1000}, std::size_t{100000}, std::size_t{3000000}}) {
    count_up(values, size);
    CHECK(counts_up(values));
    CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % cache_line == 0);
    CHECK(values.bytes() >= size * 4);
    CHECK(values.bytes() < size * 5 + 4);
  }
}

TEST_CASE("copies of growing arrays are independent", "[foundation]") {
  for (const std::size_t size : {std::size_t{100}, std::size_t{200000}}) {
    growing_array<std::uint32_t> values;
    count_up(values, size);
    growing_array<std::uint32_t> copy(values);
    CHECK(copy.capacity() == size);
    copy.data()[0] = 7;
    CHECK(counts_up(values));
    copy = values;
    CHECK(counts_up(copy));
    growing_array<std::uint32_t> moved(std::move(copy));
    CHECK(moved.size() == size);
    CHECK(counts_up(moved));
    moved = growing_array<std::uint32_t>();
    CHECK(moved.size() == 0);
    values.reserve(4 * size);
    values.shrink_to_fit();
    CHECK(values.capacity() == size);
    CHECK(counts_up(values));
  }
}

TEST_CASE("what comes back into a growing array is zero", "[foundation]") {
  growing_array<std::uint32_t> values;
  values.resize(50000);
  std::fill_n(values.data(), 50000, 9U);
  values.resize(10);
  values.resize(50000);
  CHECK(std::count(values.data(), values.data() + 10, 9U) == 10);
  CHECK(std::count(values.data() + 10, values.data() + 50000, 0U) == 49990);
}

#if defined(__linux__)
TEST_CASE("a large growing array does not move", "[foundation]") {
  growing_array<std::uint32_t> values;
  count_up(values, 100000);
  const auto* before = values.data();
  count_up(values, 1000000);
  CHECK(values.data() == before);
}
#endif
