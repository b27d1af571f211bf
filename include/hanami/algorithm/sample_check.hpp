// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "../foundation/error.hpp"

/// What no sample may bring: other sizes than the cluster's, and infinite values.

namespace hanami::detail {

inline void check_size(std::size_t found, std::size_t expected, const char* what) {
  if (found != expected) {
    throw error(errc::invalid_argument, std::string(what) + " of " + std::to_string(found) +
                                            " values; the cluster takes " +
                                            std::to_string(expected));
  }
}

[[noreturn]] inline void refuse_infinity(const char* what) {
  throw error(errc::invalid_argument, std::string("infinite ") + what +
                                          " value; finite values and NaN (missing) are taken");
}

template <class Real>
void check_targets(std::span<const Real> target) {
  for (const Real t : target) {
    if (std::isinf(t)) {
      refuse_infinity("target");
    }
  }
}

} // namespace hanami::detail
