// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

// Counts every allocation of this program.

namespace {
std::atomic<std::size_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
} // namespace

// Not inlined: compilers would match the halves of different pairs with each other.
#define HANAMI_TEST_OPERATOR __attribute__((noinline))

HANAMI_TEST_OPERATOR void* operator new(std::size_t size) { return allocate(size, 1); }
HANAMI_TEST_OPERATOR void* operator new[](std::size_t size) { return allocate(size, 1); }
HANAMI_TEST_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
HANAMI_TEST_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
HANAMI_TEST_OPERATOR void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
HANAMI_TEST_OPERATOR void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
HANAMI_TEST_OPERATOR void operator delete(void* memory) noexcept { std::free(memory); }
HANAMI_TEST_OPERATOR void operator delete[](void* memory) noexcept { std::free(memory); }
HANAMI_TEST_OPERATOR void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
HANAMI_TEST_OPERATOR void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
HANAMI_TEST_OPERATOR void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
HANAMI_TEST_OPERATOR void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
HANAMI_TEST_OPERATOR void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
HANAMI_TEST_OPERATOR void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

using namespace hanami;

namespace {

struct sample {
  std::vector<float> input;
  std::vector<float> target;
};

std::vector<sample> samples_of(std::size_t inputs, std::size_t outputs) {
  std::vector<sample> all(100);
  for (std::uint64_t n = 0; n < all.size(); ++n) {
    for (std::size_t i = 0; i < inputs; ++i) {
      all[n].input.push_back(random_signed_unit(1, i, n));
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      all[n].target.push_back(random_unit(2, o, n));
    }
  }
  return all;
}

template <class Work>
std::size_t allocations_of(Work work) {
  const std::size_t before = allocations;
  work();
  return allocations - before;
}

} // namespace

TEST_CASE("the counter of allocations counts", "[cluster]") {
  CHECK(allocations_of([] { std::vector<int> v(10); }) > 0);
  CHECK(allocations_of([] { aligned_vector<float> v(10); }) > 0);
  CHECK(allocations_of([] {}) == 0);
}

TEST_CASE("nothing is allocated once a cluster has grown", "[cluster]") {
  for (const std::uint32_t inputs : {5U, 60U}) {
    for (const bool spiking : {false, true}) {
      cluster_settings settings;
      settings.brick_size = 32;
      settings.max_bricks = 2;
      settings.initial_bricks = 2;
      settings.refractory_time = spiking ? 2 : 1;
      learning_options options;
      options.rehearsal = 2;
      options.replay_capacity = 20;
      cluster c(template_builder{}
                    .settings(settings)
                    .hexagons({{1, 1, 1}, {4, 1, 1}})
                    .input("in", {1, 1, 1}, inputs)
                    .output("class", {4, 1, 1}, 3, output_kind::sigmoid)
                    .output("value", {4, 1, 1}, 1, output_kind::linear)
                    .build(),
                options);
      const auto all = samples_of(inputs, 4);
      const auto train_all = [&] {
        for (const sample& s : all) {
          c.train(s.input, s.target);
        }
      };
      std::uint64_t grown = 0;
      for (int pass = 0; pass < 60; ++pass) { // until all that can grow has grown
        train_all();
        const auto& g = c.statistics().growth;
        const std::uint64_t now = g.sections_grown + g.steps_grown + g.bricks_grown;
        if (now == grown && pass > 12) {
          break;
        }
        grown = now;
      }
      const auto before = c.statistics().growth;
      CHECK(allocations_of(train_all) == 0);
      CHECK(c.statistics().growth.sections_grown == before.sections_grown);

      workspace<float> ws = c.current_workspace();
      c.infer(all[0].input, ws);
      CHECK(allocations_of([&] {
              for (const sample& s : all) {
                c.infer(s.input, ws);
              }
            }) == 0);
    }
  }
}

TEST_CASE("with memory reserved, rounds of reduction allocate nothing", "[cluster]") {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_bricks = 1;
  settings.enable_pruning = true;
  cluster c(one_hexagon(60, 3, output_kind::sigmoid, settings));
  const auto all = samples_of(60, 3);
  const auto train_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const sample& s = all[static_cast<std::size_t>(i) % all.size()];
      c.train(s.input, s.target);
    }
  };
  train_some(1000);
  c.reserve(60 * 2 * 2);
  train_some(9000); // two rounds
  const auto removed = c.statistics().growth.steps_removed;
  CHECK(removed > 0);
  CHECK(allocations_of([&] { train_some(5000); }) == 0);
  CHECK(c.statistics().growth.steps_removed > removed);
}

TEST_CASE("with memory reserved, growing sections and steps allocate nothing", "[cluster]") {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_bricks = 1;
  cluster c(one_hexagon(8, 3, output_kind::sigmoid, settings));
  const auto all = samples_of(8, 3);
  for (std::size_t i = 0; i < 80; ++i) { // the brick, and what is found out about the inputs
    c.train(all[i].input, all[i].target);
  }
  const auto before = c.statistics();
  c.reserve(16 * 16);
  CHECK(allocations_of([&] {
          for (const sample& s : all) {
            c.train(s.input, s.target);
          }
        }) == 0);
  CHECK(c.statistics().steps > before.steps);
}
