// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>

#include "../foundation/error.hpp"

/// What no sample may bring: other sizes than the cluster's, and infinite values.

namespace hanami {

/// Whether a cluster takes these values as an input of `expected` values, or as a target: an error
/// code where `train` or `infer` would throw. For hosts without exceptions.
template <class Real>
std::error_code check_values(std::span<const Real> values, std::size_t expected) noexcept {
  const bool good = values.size() == expected && std::none_of(values.begin(), values.end(),
                                                              [](Real v) { return std::isinf(v); });
  return good ? std::error_code() : make_error_code(errc::invalid_argument);
}

} // namespace hanami

namespace hanami::detail {

inline void check_size(std::size_t found, std::size_t expected, const char* what) {
  if (found != expected) {
    raise(errc::invalid_argument, std::string(what) + " of " + std::to_string(found) +
                                      " values; the cluster takes " + std::to_string(expected));
  }
}

[[noreturn]] inline void refuse_infinity(const char* what) {
  raise(errc::invalid_argument,
        std::string("infinite ") + what + " value; finite values and NaN (missing) are taken");
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
