// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"
#include "../structure/topology.hpp"

/// What no sample may bring: other sizes than the cluster's, infinite values, and targets that
/// cannot be meant.

namespace hanami::inline HANAMI_ISA {

/// Whether a cluster takes these values as an input of `expected` values, or as a target: an error
/// code where `train` or `infer` would throw. For hosts without exceptions.
template <class Real>
std::error_code check_values(std::span<const Real> values, std::size_t expected) noexcept {
  const bool good = values.size() == expected && std::none_of(values.begin(), values.end(),
                                                              [](Real v) { return std::isinf(v); });
  return good ? std::error_code() : make_error_code(errc::invalid_argument);
}

} // namespace hanami

namespace hanami::inline HANAMI_ISA::detail {

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

/// Whether a target can be meant for a node of this kind: finite or NaN, and from 0 to 1 for
/// probabilities.
template <class Real>
HANAMI_HOST_DEVICE bool good_target(output_kind kind, Real target) noexcept {
  constexpr Real most = std::numeric_limits<Real>::max();
  return kind == output_kind::linear ? !(target > most) && !(target < -most)
                                     : !(target > Real{1}) && !(target < Real{0});
}

template <class Real>
void check_targets(const std::vector<output_layout>& outputs, std::span<const Real> target) {
  for (const output_layout& output : outputs) {
    for (const Real t : target.subspan(output.first, output.size)) {
      if (good_target(output.kind, t)) {
        continue;
      }
      if (std::isinf(t)) {
        refuse_infinity("target");
      }
      raise(errc::invalid_argument,
            "the target " + std::to_string(t) + " of the " +
                (output.kind == output_kind::softmax ? "softmax" : "sigmoid") + " output '" +
                output.name + "' is no probability; from 0 to 1 are taken, and NaN (missing)" +
                "; values of any size are for outputs of kind linear");
    }
  }
}

} // namespace hanami::detail
