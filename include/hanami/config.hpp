// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Macros that adapt the library to its surroundings. Every one of them may be defined before the
/// first include.

#include "isa.hpp"

#if (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || defined(_M_FP_FAST)
#error "hanami needs NaN, which means 'missing': not with -ffast-math, -Ofast, -ffinite-math-only"
#endif

#if !defined(HANAMI_ASSERT)
#include <cassert>
/// Checks a promise of the caller (a programmer's error, never bad data). Replaceable.
#define HANAMI_ASSERT(condition, why) assert((condition) && (why))
#endif

/// 1 where errors are thrown, 0 in programs built without exceptions: see `raise`.
#if !defined(HANAMI_EXCEPTIONS)
#if defined(__cpp_exceptions)
#define HANAMI_EXCEPTIONS 1
#else
#define HANAMI_EXCEPTIONS 0
#endif
#endif

/// Marks a function that host and device share.
#if defined(__CUDACC__)
#define HANAMI_HOST_DEVICE __host__ __device__
#else
#define HANAMI_HOST_DEVICE
#endif

/// Forces inlining where a call would cost more than the work.
#if defined(__GNUC__) || defined(__clang__)
#define HANAMI_INLINE inline __attribute__((always_inline))
#else
#define HANAMI_INLINE inline
#endif

/// 1 where files are written with the calls of POSIX, which bring them to the storage; 0 where the
/// standard library has to do.
#if !defined(HANAMI_POSIX)
#if defined(__unix__) || defined(__APPLE__)
#define HANAMI_POSIX 1
#else
#define HANAMI_POSIX 0
#endif
#endif

/// For what has to be one thing in the whole program, also where shared libraries are built with
/// hidden symbols.
#if defined(__GNUC__) || defined(__clang__)
#define HANAMI_SHARED __attribute__((visibility("default")))
#else
#define HANAMI_SHARED
#endif
