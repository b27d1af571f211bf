// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <catch2/catch.hpp>

namespace hanami_test {

/// What a program of tests ends with if one of them was skipped and none failed.
inline constexpr int skipped_code = 77;

/// Whether a test was skipped.
inline bool& skipped() {
  static bool value = false;
  return value;
}

/// Says why a test cannot run here; it returns next. ctest, which starts a program for each test,
/// then counts it as skipped.
inline void skip(std::string_view why) {
  skipped() = true;
  WARN("skipped: " << why);
}

} // namespace hanami_test
