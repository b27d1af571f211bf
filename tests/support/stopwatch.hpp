// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include <sys/resource.h>
#include <time.h>

namespace support {

/// User CPU seconds of the process so far.
inline double user_seconds() {
  ::rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec);
}

/// CPU seconds of this thread so far, to the nanosecond: for what takes milliseconds only.
inline double thread_seconds() {
  ::timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace support
