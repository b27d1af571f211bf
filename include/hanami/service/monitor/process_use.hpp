// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <unistd.h>

namespace hanami::service::monitor {

/// What this process takes of the machine; 0 where the machine does not show it.
struct process_use {
  double started_at_s = 0; ///< seconds since 1970
  double cpu_s = 0;
  std::uint64_t resident_bytes = 0;
};

inline process_use read_process_use() {
  process_use use;
  ::timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  use.cpu_s = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9;

  std::ifstream memory("/proc/self/statm");
  std::uint64_t pages = 0;
  if (memory >> pages >> pages) {
    use.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }

  // Field 22, in ticks since the machine began; the name before may have blanks and brackets.
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    fields >> field;
  }
  std::ifstream machine("/proc/stat");
  for (std::string word; fields && machine >> word;) {
    double booted_at_s = 0;
    if (word == "btime" && machine >> booted_at_s) {
      use.started_at_s =
          booted_at_s + static_cast<double>(std::strtoull(field.c_str(), nullptr, 10)) /
                            static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
  }
  return use;
}

} // namespace hanami::service::monitor
