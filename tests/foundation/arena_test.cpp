// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/arena.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

alignas(64) std::byte memory[4096];

bool aligned(const void* at, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(at) % alignment == 0;
}

} // namespace

TEST_CASE("an arena gives memory out until there is none, and again once it is back",
          "[foundation]") {
  memory_arena arena(memory);
  std::vector<void*> given;
  while (void* part = arena.allocate(100)) {
    given.push_back(part);
  }
  CHECK(given.size() > 25);
  CHECK(arena.allocations() == given.size());
  CHECK(arena.used() <= arena.size());
  CHECK(arena.allocate(100) == nullptr);
  for (std::size_t i = 0; i < given.size(); i += 2) { // holes, each too small
    arena.deallocate(given[i]);
  }
  CHECK(arena.allocate(300) == nullptr);
  CHECK(arena.allocate(100) == given[0]);
  arena.deallocate(given[0]);
  for (std::size_t i = 1; i < given.size(); i += 2) {
    arena.deallocate(given[i]);
  }
  CHECK(arena.used() == 0);
  void* all = arena.allocate(arena.size() - 64);
  CHECK(all != nullptr);
  CHECK(arena.most_used() <= arena.size());
}

TEST_CASE("an arena aligns what it gives, whatever its own begin", "[foundation]") {
  for (std::size_t skip = 0; skip < 20; ++skip) {
    memory_arena arena(std::span<std::byte>(memory).subspan(skip));
    for (const std::size_t alignment : {1U, 8U, 64U, 256U}) {
      void* part = arena.allocate(10, alignment);
      REQUIRE(part != nullptr);
      CHECK(aligned(part, alignment));
      CHECK(aligned(part, alignof(std::max_align_t)));
    }
  }
}

TEST_CASE("an arena without room gives nothing", "[foundation]") {
  memory_arena empty({});
  CHECK(empty.allocate(1) == nullptr);
  memory_arena tiny(std::span<std::byte>(memory).first(8));
  CHECK(tiny.allocate(1) == nullptr);
  memory_arena arena(memory);
  CHECK(arena.allocate(4096) == nullptr);
  CHECK(arena.allocate(~std::size_t{0}) == nullptr);
  CHECK(arena.allocate(~std::size_t{0} - 20, 64) == nullptr);
  CHECK(arena.used() == 0);
}

TEST_CASE("parts of an arena never overlap and keep what is in them", "[foundation]") {
  memory_arena arena(memory);
  struct part {
    unsigned char* at;
    std::size_t size;
    unsigned char mark;
  };
  std::vector<part> held;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    if (random_below(2, 1, 1, i) == 0 && !held.empty()) {
      const std::size_t pick = random_below(static_cast<std::uint32_t>(held.size()), 1, 2, i);
      const part gone = held[pick];
      for (std::size_t k = 0; k < gone.size; ++k) {
        REQUIRE(gone.at[k] == gone.mark);
      }
      arena.deallocate(gone.at);
      held[pick] = held.back();
      held.pop_back();
      continue;
    }
    const std::size_t size = random_below(400, 1, 3, i);
    const std::size_t alignment = std::size_t{1} << random_below(8, 1, 4, i);
    if (auto* at = static_cast<unsigned char*>(arena.allocate(size, alignment))) {
      CHECK(aligned(at, alignment));
      std::memset(at, static_cast<int>(i % 251), size);
      held.push_back({at, size, static_cast<unsigned char>(i % 251)});
    }
  }
  for (const part& p : held) {
    arena.deallocate(p.at);
  }
  CHECK(arena.used() == 0);
  CHECK(arena.allocate(arena.size() - 64) != nullptr); // all of it is one part again
}
