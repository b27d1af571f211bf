// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <unordered_set>

#include <catch2/catch.hpp>

#include <hanami/template/hex.hpp>

using hanami::hex_neighbour;
using hanami::hex_neighbour_count;
using hanami::hex_neighbours;
using hanami::hex_position;

namespace {

/// All positions of a box around the origin: every parity of row and floor, either sign.
template <typename Visit>
void around_the_origin(std::int32_t radius, Visit visit) {
  for (std::int32_t z = -radius; z <= radius; ++z) {
    for (std::int32_t y = -radius; y <= radius; ++y) {
      for (std::int32_t x = -radius; x <= radius; ++x) {
        visit(hex_position{x, y, z});
      }
    }
  }
}

bool touches(hex_position from, hex_position to) {
  const auto all = hex_neighbours(from);
  return std::find(all.begin(), all.end(), to) != all.end();
}

/// Common neighbours of two hexagons.
std::size_t shared_neighbours(hex_position a, hex_position b) {
  const auto all = hex_neighbours(a);
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [b](hex_position at) { return touches(at, b); }));
}

} // namespace

static_assert(hex_neighbour({1, 1, 1}, 1) == hex_position{2, 1, 1}, "usable at compile time");

TEST_CASE("a hexagon touches twelve others, never itself", "[structure]") {
  around_the_origin(3, [](hex_position at) {
    const auto all = hex_neighbours(at);
    const std::set<hex_position> distinct(all.begin(), all.end());
    CHECK(distinct.size() == hex_neighbour_count);
    CHECK(distinct.count(at) == 0);
  });
}

TEST_CASE("if one hexagon touches another, the other touches it", "[structure]") {
  around_the_origin(3, [](hex_position at) {
    for (const hex_position other : hex_neighbours(at)) {
      CHECK(touches(other, at));
    }
  });
}

TEST_CASE("six neighbours lie on the same floor, three above and three below", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (std::size_t side = 0; side < hex_neighbour_count; ++side) {
      const hex_position other = hex_neighbour(at, side);
      CHECK(other.z - at.z == (side < 6 ? 0 : side < 9 ? 1 : -1));
      CHECK(std::abs(other.y - at.y) <= 1);
      CHECK(std::abs(other.x - at.x) <= 1);
    }
  });
}

TEST_CASE("opposite sides of a floor lead back", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (std::size_t side = 0; side < 6; ++side) {
      CHECK(hex_neighbour(hex_neighbour(at, side), (side + 3) % 6) == at);
    }
  });
}

TEST_CASE("neighbours of a floor form a closed ring", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (std::size_t side = 0; side < 6; ++side) {
      CHECK(touches(hex_neighbour(at, side), hex_neighbour(at, (side + 1) % 6)));
    }
  });
}

TEST_CASE("the three hexagons above touch each other, and so do those below", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (const std::size_t first : {std::size_t{6}, std::size_t{9}}) {
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(touches(hex_neighbour(at, first + i), hex_neighbour(at, first + (i + 1) % 3)));
      }
    }
  });
}

TEST_CASE("every touching pair shares four neighbours, as packed spheres do", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (const hex_position other : hex_neighbours(at)) {
      CHECK(shared_neighbours(at, other) == 4);
    }
  });
}

TEST_CASE("sides are numbered as in the drawing", "[structure]") {
  CHECK(hex_neighbour({5, 1, 0}, 0) == hex_position{6, 0, 0}); // an odd row stands to the right
  CHECK(hex_neighbour({5, 1, 0}, 5) == hex_position{5, 0, 0});
  CHECK(hex_neighbour({5, 2, 0}, 0) == hex_position{5, 1, 0}); // an even one to the left
  CHECK(hex_neighbour({5, 2, 0}, 5) == hex_position{4, 1, 0});
  CHECK(hex_neighbour({5, 2, 0}, 6) == hex_position{5, 2, 1}); // straight above
  CHECK(hex_neighbour({5, 2, 0}, 9) == hex_position{5, 2, -1});
  CHECK(hex_neighbour({5, 2, 0}, 7) == hex_position{5, 3, 1});
  CHECK(hex_neighbour({5, 2, 0}, 8) == hex_position{4, 3, 1});
  CHECK(hex_neighbour({5, 2, 1}, 7) == hex_position{5, 1, 2}); // odd floors look the other way
}

TEST_CASE("the pattern repeats every second row and floor, across zero as well", "[structure]") {
  around_the_origin(2, [](hex_position at) {
    for (std::size_t side = 0; side < hex_neighbour_count; ++side) {
      const hex_position here = hex_neighbour(at, side);
      const hex_position far = hex_neighbour({at.x - 7, at.y - 10, at.z - 4}, side);
      CHECK(far == hex_position{here.x - 7, here.y - 10, here.z - 4});
    }
  });
}

TEST_CASE("positions are ordered, compared and hashed by all three coordinates", "[structure]") {
  CHECK(hex_position{1, 2, 3} == hex_position{1, 2, 3});
  CHECK(hex_position{1, 2, 3} < hex_position{1, 2, 4});
  CHECK(hex_position{-1, 2, 3} < hex_position{1, 2, 3});
  std::unordered_set<std::size_t> hashes;
  std::size_t count = 0;
  around_the_origin(8, [&](hex_position at) {
    hashes.insert(std::hash<hex_position>{}(at));
    ++count;
  });
  CHECK(hashes.size() == count);
}
