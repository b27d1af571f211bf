// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/rehearsal.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

rehearsal_ring<float> filled(std::size_t capacity, int samples) {
  rehearsal_ring<float> ring(capacity, 2, 1);
  for (int i = 0; i < samples; ++i) {
    const auto v = static_cast<float>(i);
    ring.add(std::array{v, v + 0.5f}, std::array{-v});
  }
  return ring;
}

void read_back(const rehearsal_ring<float>& from, rehearsal_ring<float>& to) {
  archive_writer writer;
  writer(from);
  archive_reader reader(writer.bytes());
  reader(to);
}

} // namespace

TEST_CASE("a ring keeps the last samples, whole", "[algorithm]") {
  for (const int samples : {0, 1, 4, 5, 6, 23}) {
    const auto ring = filled(5, samples);
    CHECK(ring.capacity() == 5);
    REQUIRE(ring.size() == static_cast<std::size_t>(std::min(samples, 5)));
    std::set<float> kept;
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const float v = ring.input(i)[0];
      kept.insert(v);
      REQUIRE(ring.input(i).size() == 2);
      REQUIRE(ring.target(i).size() == 1);
      CHECK(ring.input(i)[1] == v + 0.5f);
      CHECK(ring.target(i)[0] == -v);
    }
    std::set<float> last;
    for (int i = std::max(0, samples - 5); i < samples; ++i) {
      last.insert(static_cast<float>(i));
    }
    CHECK(kept == last);
  }
}

TEST_CASE("a ring read back goes on where it stood", "[algorithm]") {
  for (const int samples : {0, 3, 5, 7}) {
    auto ring = filled(5, samples);
    rehearsal_ring<float> copy(5, 2, 1);
    read_back(ring, copy);
    REQUIRE(copy.size() == ring.size());
    ring.add(std::array{7.0f, 8.0f}, std::array{9.0f});
    copy.add(std::array{7.0f, 8.0f}, std::array{9.0f});
    for (std::size_t i = 0; i < ring.size(); ++i) {
      CHECK(copy.input(i)[0] == ring.input(i)[0]);
      CHECK(copy.target(i)[0] == ring.target(i)[0]);
    }
  }
}

TEST_CASE("a ring that would write past its end is refused", "[algorithm]") {
  rehearsal_ring<float> ring(5, 2, 1);
  const auto refuses = [&](std::uint64_t size, std::uint64_t next, std::size_t values) {
    archive_writer writer;
    writer(size, next, std::vector<float>(values));
    archive_reader reader(writer.bytes());
    try {
      reader(ring);
    } catch (const error& failure) {
      return failure.code() == errc::invalid_checkpoint;
    }
    return false;
  };
  CHECK_FALSE(refuses(3, 3, 15));
  CHECK(refuses(5, 5, 15));
  CHECK(refuses(6, 0, 15));
  CHECK(refuses(3, 4, 15));
  CHECK(refuses(3, 3, 12));
  CHECK(refuses(3, 3, 18));
  CHECK(refuses(~0ULL, 0, 15));
}
