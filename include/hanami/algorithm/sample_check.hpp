// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// Targets of a softmax output may add up to this much more or less than 1: shares written with two
/// digits do.
template <class Real>
inline constexpr Real distribution_slack = Real(0.0101);

/// Calls `body(k)` for the targets that are not 0, in order. Of many classes, all but one are.
template <class Real, class Body>
HANAMI_HOST_DEVICE void for_each_target(const Real* targets, std::size_t count, const Body& body) {
  constexpr std::size_t stretch = 16;
  std::size_t first = 0;
  for (; first + stretch <= count; first += stretch) {
    std::uint64_t words[stretch * sizeof(Real) / sizeof(std::uint64_t)];
    std::memcpy(words, targets + first, sizeof words);
    std::uint64_t any = 0;
    for (const std::uint64_t word : words) {
      any |= word;
    }
    for (std::size_t k = first; any != 0 && k < first + stretch; ++k) {
      if (targets[k] != Real{0}) {
        body(k);
      }
    }
  }
  for (; first < count; ++first) {
    if (targets[first] != Real{0}) {
      body(first);
    }
  }
}

/// What the targets of a softmax output add up to, as far as they are known.
template <class Real>
struct target_mass {
  Real sum = 0;
  bool whole = true; ///< none is missing

  HANAMI_HOST_DEVICE target_mass(const Real* targets, std::size_t count) noexcept {
    for_each_target(targets, count, [&](std::size_t k) {
      if (std::isnan(targets[k])) {
        whole = false;
      } else {
        sum += targets[k];
      }
    });
  }

  /// Whether a distribution can have these: they add up to 1, or to no more where some are missing.
  HANAMI_HOST_DEVICE bool good() const noexcept {
    return sum <= 1 + distribution_slack<Real> && (!whole || sum >= 1 - distribution_slack<Real>);
  }
};

template <class Real>
[[noreturn]] void refuse_target(const output_layout& output, Real target) {
  if (std::isinf(target)) {
    refuse_infinity("target");
  }
  raise(errc::invalid_argument,
        "the target " + std::to_string(target) + " of the " +
            (output.kind == output_kind::softmax ? "softmax" : "sigmoid") + " output '" +
            output.name + "' is no probability; from 0 to 1 are taken, and NaN (missing)" +
            "; values of any size are for outputs of kind linear");
}

template <class Real>
void check_targets(const std::vector<output_layout>& outputs, std::span<const Real> target) {
  for (const output_layout& output : outputs) {
    const auto part = target.subspan(output.first, output.size);
    for_each_target(part.data(), part.size(), [&](std::size_t k) {
      if (!good_target(output.kind, part[k])) {
        refuse_target(output, part[k]);
      }
    });
    if (output.kind != output_kind::softmax) {
      continue;
    }
    const target_mass<Real> mass(part.data(), part.size());
    if (!mass.good()) {
      raise(errc::invalid_argument,
            "the targets of the softmax output '" + output.name + "' add up to " +
                std::to_string(mass.sum) +
                "; probabilities that add up to 1 are taken (of one class 1, of the others 0), and "
                "NaN (missing); values that do not exclude each other are for outputs of kind "
                "sigmoid");
    }
  }
}

} // namespace hanami::detail
