// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace example {

/// `printf` into a string, cut after 255 bytes; the compiler checks the format.
[[gnu::format(printf, 1, 2)]] inline std::string formatted(const char* format, ...) {
  char text[256];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

} // namespace example
