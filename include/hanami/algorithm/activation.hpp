// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <utility>

#include "../config.hpp"
#include "../foundation/executor.hpp"
#include "../template/cluster_template.hpp"

namespace hanami::inline HANAMI_ISA {

/// log2(1 + z) for finite z >= 0, written so that a loop over it becomes vector code. In `float` a
/// polynomial in the mantissa (interpolated at Chebyshev nodes) with relative error below 4e-7; in
/// wider types the standard library.
template <std::floating_point Real>
HANAMI_HOST_DEVICE inline Real log2_1p(Real z) noexcept {
  if constexpr (!std::same_as<Real, float>) {
    return std::log1p(z) / Real(0.693147180559945309417);
  } else {
    const float y = 1.0f + z;
    const float lost = z - (y - 1.0f); // what rounding took from z: all of it where z is tiny
    const auto bits = std::bit_cast<std::int32_t>(y);
    // Split y = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    const std::int32_t e = (bits - 0x3f3504f3) >> 23;
    const float f = std::bit_cast<float>(bits - (e << 23)) - 1.0f;
    float p = 0.12310968466188424f;
    p = p * f - 0.20586188050697654f;
    p = p * f + 0.2160782255236259f;
    p = p * f - 0.2391698814021903f;
    p = p * f + 0.28790326092449453f;
    p = p * f - 0.3606932681352622f;
    p = p * f + 0.4809107534594121f;
    p = p * f - 0.7213474682495641f;
    p = p * f + 1.4426950035679822f;
    return static_cast<float>(e) + f * p + lost / y * 1.44269504f;
  }
}

/// 2^x for -126 <= x <= 126, in the same manner; relative error below 3e-7 in `float`.
template <std::floating_point Real>
HANAMI_HOST_DEVICE inline Real exp2_fast(Real x) noexcept {
  if constexpr (!std::same_as<Real, float>) {
    return std::exp2(x);
  } else {
    const float whole = (x + 12582912.0f) - 12582912.0f; // 1.5 * 2^23: rounds to an integer
    const float f = x - whole;
    float p = 0.0013390863364616103f;
    p = p * f + 0.009676031918324871f;
    p = p * f + 0.05550357114219194f;
    p = p * f + 0.24022107485308267f;
    p = p * f + 0.6931471880262287f;
    p = p * f + 1.0000000754548972f;
    return p * std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) << 23);
  }
}

/// max(0, z).
struct relu {
  template <class Real>
  HANAMI_HOST_DEVICE static Real activate(Real z) noexcept {
    return z > Real{0} ? z : Real{0};
  }
  template <class Real>
  HANAMI_HOST_DEVICE static Real derivative(Real a) noexcept {
    return a > Real{0} ? Real{1} : Real{0};
  }
};

/// log2(1 + max(0, z)), the derivative being 1 / ((1 + z) ln 2) = 2^-a / ln 2.
struct log2_activation {
  template <class Real>
  HANAMI_HOST_DEVICE static Real activate(Real z) noexcept {
    const auto above = static_cast<Real>(z > Real{0}); // of a choice gcc would not make vectors
    return log2_1p(z * above);
  }
  template <class Real>
  HANAMI_HOST_DEVICE static Real derivative(Real a) noexcept {
    return a > Real{0} ? exp2_fast(-a) * Real(1.44269504088896340736) : Real{0};
  }
};

static_assert(activation_function<relu, float> && activation_function<log2_activation, float>);

/// Calls `body` with the activation that `kind` names: the branch is taken once a brick, not once a
/// neuron.
template <class Body>
decltype(auto) with_activation(activation_kind kind, Body&& body) {
  if (kind == activation_kind::log2) {
    return std::forward<Body>(body)(log2_activation{});
  }
  return std::forward<Body>(body)(relu{});
}

} // namespace hanami
