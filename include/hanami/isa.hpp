// SPDX-License-Identifier: Apache-2.0
#pragma once

/// `HANAMI_ISA`, the instruction set that this unit is compiled for, as a word: `x86_64_v3` and the
/// like, with what compilers use of their own accord beyond such a level.
///
/// The library lives in an inline namespace of this name. Units compiled for different processors
/// can so be linked into one program, and the linker never takes an inline function of the one for
/// that of the other: a program may choose at its start which of them it calls. What has to be the
/// same in all of them is not in it: `error` and its codes, and what is compiled apart, the service
/// and `gpu`. A cluster of one such unit is another type than a cluster of the other; checkpoints
/// pass between them. (Templates of the standard library for plain types have one name in all
/// units: there the linker takes the first it meets, so the unit for the oldest processor goes
/// first.)
///
/// Who knows that all of a program runs on one processor may define it to be one word everywhere.

#if !defined(HANAMI_ISA)

#if defined(__x86_64__) || defined(_M_X64)
#if defined(__AVX2__) && defined(__FMA__) && defined(__BMI2__) && defined(__LZCNT__)
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) &&                      \
    defined(__AVX512DQ__) && defined(__AVX512VL__)
#define HANAMI_ISA_BASE x86_64_v4
#else
#define HANAMI_ISA_BASE x86_64_v3
#endif
#elif defined(__SSE4_2__) && defined(__POPCNT__)
#define HANAMI_ISA_BASE x86_64_v2
#else
#define HANAMI_ISA_BASE x86_64
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
#define HANAMI_ISA_BASE aarch64
#elif defined(__arm__)
#define HANAMI_ISA_BASE arm
#else
#define HANAMI_ISA_BASE generic
#endif

// Wider vectors than the base has.
#if defined(__AVX512F__) && !defined(__AVX512VL__)
#define HANAMI_ISA_WIDTH _512f
#elif defined(__AVX__) && !defined(__AVX2__)
#define HANAMI_ISA_WIDTH _avx
#elif defined(__AVX2__) && !(defined(__FMA__) && defined(__BMI2__) && defined(__LZCNT__))
#define HANAMI_ISA_WIDTH _avx2
#elif defined(__ARM_FEATURE_SVE2)
#define HANAMI_ISA_WIDTH _sve2
#elif defined(__ARM_FEATURE_SVE)
#define HANAMI_ISA_WIDTH _sve
#elif defined(__arm__) && defined(__ARM_NEON)
#define HANAMI_ISA_WIDTH _neon
#else
#define HANAMI_ISA_WIDTH
#endif

// Fused and dot products.
#if defined(__FMA4__) || defined(__XOP__)
#define HANAMI_ISA_SUMS _xop
#elif defined(__FMA__) && !defined(__AVX2__)
#define HANAMI_ISA_SUMS _fma
#elif defined(__AVX512VNNI__)
#define HANAMI_ISA_SUMS _vnni
#elif defined(__AVXVNNI__) || defined(__ARM_FEATURE_DOTPROD)
#define HANAMI_ISA_SUMS _dot
#else
#define HANAMI_ISA_SUMS
#endif

// Shuffles of bytes, counts of bits.
#if defined(__AVX512VBMI2__)
#define HANAMI_ISA_BYTES _vbmi2
#elif defined(__AVX512VBMI__)
#define HANAMI_ISA_BYTES _vbmi
#elif defined(__GFNI__)
#define HANAMI_ISA_BYTES _gfni
#else
#define HANAMI_ISA_BYTES
#endif
#if defined(__AVX512BITALG__) && defined(__AVX512VPOPCNTDQ__)
#define HANAMI_ISA_BITS _bits
#elif defined(__AVX512VPOPCNTDQ__)
#define HANAMI_ISA_BITS _counts
#elif defined(__ARM_FEATURE_ATOMICS)
#define HANAMI_ISA_BITS _lse
#else
#define HANAMI_ISA_BITS
#endif

// Floats of 16 bits.
#if defined(__AVX512FP16__) || defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define HANAMI_ISA_HALVES _fp16
#elif defined(__F16C__) && !defined(__AVX2__)
#define HANAMI_ISA_HALVES _f16c
#else
#define HANAMI_ISA_HALVES
#endif

#define HANAMI_ISA_GLUED(base, width, sums, bytes, bits, halves)                                   \
  base##width##sums##bytes##bits##halves
#define HANAMI_ISA_GLUE(base, width, sums, bytes, bits, halves)                                    \
  HANAMI_ISA_GLUED(base, width, sums, bytes, bits, halves)
#define HANAMI_ISA                                                                                 \
  HANAMI_ISA_GLUE(HANAMI_ISA_BASE, HANAMI_ISA_WIDTH, HANAMI_ISA_SUMS, HANAMI_ISA_BYTES,            \
                  HANAMI_ISA_BITS, HANAMI_ISA_HALVES)

#endif
