// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>

#include <support/ticks.hpp>

namespace bench {

/// A level of the memory and what one core gets out of it.
struct memory_level {
  std::string name;
  std::size_t size = 0;   ///< bytes that fit; for the main memory no limit
  std::size_t probed = 0; ///< bytes walked through by the probes
  double read = 0;        ///< bytes a second, each multiplied and added
  double update = 0;      ///< bytes a second changed in place
};

namespace detail {

inline constexpr std::size_t probe_vectors = 8;
inline constexpr std::size_t probe_block = probe_vectors * hanami::simd_width<float>;

/// Every value multiplied and added to sums that stay in registers, so many times over.
inline float read_probe(const float* values, std::size_t count, std::size_t times) noexcept {
  using hanami::simd;
  simd<float> sum[probe_vectors] = {};
  const simd<float> share = hanami::simd_fill(1.5f);
  for (std::size_t t = 0; t < times; ++t) {
    support::keep(
        values); // or the compiler makes one pass of two, and the probe finds twice the bandwidth
    for (std::size_t i = 0; i < count; i += probe_block) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < probe_vectors; ++v) {
        sum[v] += share * hanami::simd_load(values + i + v * hanami::simd_width<float>);
      }
    }
  }
  float all = 0;
  for (const simd<float>& s : sum) {
    all += hanami::simd_sum<float>(s);
  }
  return all;
}

/// Every value loaded, changed and stored again, so many times over.
inline void update_probe(float* values, std::size_t count, std::size_t times) noexcept {
  const hanami::simd<float> step = hanami::simd_fill(1e-3f);
  for (std::size_t t = 0; t < times; ++t) {
    support::keep(values);
    for (std::size_t i = 0; i < count; i += probe_block) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < probe_vectors; ++v) {
        float* at = values + i + v * hanami::simd_width<float>;
        hanami::simd_store(at, hanami::simd_load(at) - step);
      }
    }
  }
}

/// The best of several rounds, in bytes a second. `walk(times)` goes through `bytes` so many times.
template <class Walk>
double best_rate(std::size_t bytes, std::size_t rounds, const Walk& walk) {
  const std::size_t times = std::max<std::size_t>(1, (std::size_t{1} << 25) / bytes);
  walk(1); // into the caches
  double best = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const std::uint64_t begin = support::ticks();
    walk(times);
    const double seconds =
        support::seconds_per_tick() * static_cast<double>(support::ticks() - begin);
    best = std::max(best, static_cast<double>(times * bytes) / seconds);
  }
  return best;
}

/// Bytes of the data cache of a level, from 1; `otherwise` where the system does not say.
inline std::size_t cache_size(int level, std::size_t otherwise) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::size_t kib = 0;
    int of_level = 0;
    std::string type;
    if (std::ifstream(folder + "level") >> of_level && of_level == level &&
        std::ifstream(folder + "type") >> type && type != "Instruction" &&
        std::ifstream(folder + "size") >> kib) { // "1024K"
      return kib << 10;
    }
  }
  return otherwise;
}

} // namespace detail

/// Measures all levels of this machine, one thread. The probes walk half of what fits into a cache,
/// and eight times the last one (1 GiB at most) for the main memory.
inline std::vector<memory_level> measure_memory(std::size_t rounds) {
  const std::size_t l1 = detail::cache_size(1, std::size_t{32} << 10);
  const std::size_t l2 = detail::cache_size(2, std::size_t{1} << 20);
  const std::size_t l3 = detail::cache_size(3, std::size_t{32} << 20);
  std::vector<memory_level> levels = {
      {"L1", l1, l1 / 2},
      {"L2", l2, l2 / 2},
      {"L3", l3, l3 / 2},
      {"memory", ~std::size_t{0}, std::min(8 * l3, std::size_t{1} << 30)}};
  hanami::aligned_vector<float> values(levels.back().probed / sizeof(float), 1.0f);
  for (memory_level& level : levels) {
    const std::size_t count =
        level.probed / sizeof(float) / detail::probe_block * detail::probe_block;
    const std::size_t bytes = count * sizeof(float);
    level.read = detail::best_rate(bytes, rounds, [&](std::size_t times) {
      support::keep(detail::read_probe(values.data(), count, times));
    });
    level.update = detail::best_rate(bytes, rounds, [&](std::size_t times) {
      detail::update_probe(values.data(), count, times);
      support::keep(values[0]);
    });
  }
  return levels;
}

} // namespace bench
