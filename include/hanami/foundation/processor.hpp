// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "error.hpp"

/// A program built for one instruction set and run on a processor without it dies on the first
/// instruction that the processor does not know. To be asked first thing in `main`.

namespace hanami::inline HANAMI_ISA {

/// The instruction set that this program was built for, as `-march` names it in x86-64; on other
/// processors what decides the width of `simd`.
inline constexpr const char* instruction_set() noexcept {
#if defined(__AVX512F__)
  return "x86-64-v4";
#elif defined(__AVX2__)
  return "x86-64-v3";
#elif defined(__SSE4_2__)
  return "x86-64-v2";
#elif defined(__x86_64__)
  return "x86-64";
#elif defined(__ARM_NEON)
  return "neon";
#else
  return "generic";
#endif
}

/// The first extension that this program was built for and the processor lacks; nullptr if it has
/// them all.
inline const char* missing_extension() noexcept {
#if defined(__x86_64__)
#if defined(__SSE4_2__)
  if (!__builtin_cpu_supports("sse4.2")) {
    return "SSE4.2";
  }
#endif
#if defined(__AVX__)
  if (!__builtin_cpu_supports("avx")) {
    return "AVX";
  }
#endif
#if defined(__AVX2__)
  if (!__builtin_cpu_supports("avx2")) {
    return "AVX2";
  }
#endif
#if defined(__FMA__)
  if (!__builtin_cpu_supports("fma")) {
    return "FMA";
  }
#endif
#if defined(__BMI2__)
  if (!__builtin_cpu_supports("bmi2")) {
    return "BMI2";
  }
#endif
#if defined(__AVX512F__)
  if (!__builtin_cpu_supports("avx512f")) {
    return "AVX-512F";
  }
#endif
#if defined(__AVX512BW__)
  if (!__builtin_cpu_supports("avx512bw")) {
    return "AVX-512BW";
  }
#endif
#if defined(__AVX512VL__)
  if (!__builtin_cpu_supports("avx512vl")) {
    return "AVX-512VL";
  }
#endif
#endif
  return nullptr;
}

/// Throws `errc::unsupported_machine` where the processor lacks what this program was built for.
/// On processors far older than the build, even the throwing may be beyond them: a program that is
/// given away says `instruction_set_or_exit` first thing in `main`.
inline void require_instruction_set() {
  if (const char* missing = missing_extension()) {
    raise(errc::unsupported_machine, std::string("this program was built for ") +
                                         instruction_set() + ", and this processor lacks " +
                                         missing + "; build it here, or with a lower -march");
  }
}

/// The same for the begin of `main`: says so on stderr and ends the program with status 1. Compiled
/// to calls and nothing else, which every processor can run.
[[gnu::noinline]] inline void instruction_set_or_exit(const char* program) noexcept {
  if (const char* missing = missing_extension()) {
    std::fputs(program, stderr);
    std::fputs(": this program was built for ", stderr);
    std::fputs(instruction_set(), stderr);
    std::fputs(", and this processor lacks ", stderr);
    std::fputs(missing, stderr);
    std::fputs("; build it here, or with a lower -march\n", stderr);
    std::exit(1);
  }
}

} // namespace hanami
