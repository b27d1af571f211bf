// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// a * b + c in one rounding where the target of the build has an instruction for that, else in
/// two: what a compiler makes of loops over such terms, said by name where the same must come out
/// of code that is compiled twice, for hosts and devices.
HANAMI_HOST_DEVICE inline float multiply_add(float a, float b, float c) noexcept {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#elif defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

HANAMI_HOST_DEVICE inline double multiply_add(double a, double b, double c) noexcept {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#elif defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

} // namespace hanami
