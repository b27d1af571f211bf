// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>

#include <unistd.h>

namespace support {

/// What a program is at, on a line of the terminal that the next call writes over; "" leaves it
/// empty. Silent where standard error is a file or a pipe.
inline void say(const std::string& what) {
  static const bool shown = ::isatty(STDERR_FILENO) == 1;
  if (shown) {
    std::fprintf(stderr, "\r\033[K%s", what.c_str());
  }
}

} // namespace support
