// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <system_error>

/// What this process takes of the machine.

inline std::size_t open_files() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

inline std::size_t resident_bytes() {
  std::ifstream from("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  from >> all >> resident;
  return resident * 4096;
}

/// How often each thread of this process has gone to sleep so far, which is as often as it has been
/// woken, by its number.
inline std::map<std::string, std::uint64_t> wakes_of_threads() {
  std::map<std::string, std::uint64_t> wakes;
  std::error_code gone; // a thread may end while it is looked at
  for (std::filesystem::directory_iterator it("/proc/self/task", gone), end; it != end;
       it.increment(gone)) {
    std::ifstream status(it->path() / "status");
    for (std::string word; status >> word;) {
      if (word == "voluntary_ctxt_switches:") {
        status >> wakes[it->path().filename().string()];
      }
    }
  }
  return wakes;
}

/// The processor's time that this process has taken.
inline std::chrono::nanoseconds processor_time() {
  ::timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}
