// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace support {

/// A clock for what takes less than a microsecond: the time-stamp counter where there is one (its
/// rate is constant, whatever the core's), after everything that stands before it has run.
inline std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  unsigned processor = 0;
  return __builtin_ia32_rdtscp(&processor);
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

/// Length of a tick, measured once against the steady clock.
inline double seconds_per_tick() {
  static const double length = [] {
    using clock = std::chrono::steady_clock;
    const clock::time_point begin = clock::now();
    const std::uint64_t first = ticks();
    while (clock::now() - begin < std::chrono::milliseconds(50)) {
    }
    const std::uint64_t last = ticks();
    const std::chrono::duration<double> took = clock::now() - begin;
    return took.count() / static_cast<double>(last - first);
  }();
  return length;
}

/// Makes the compiler believe that the value is used.
template <class T>
void keep(const T& value) noexcept {
  asm volatile("" : : "r,m"(value) : "memory");
}

} // namespace support
