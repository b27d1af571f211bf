// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <system_error>

#include <hanami/fwd.hpp>

/// What a shared library gives to the program that loads it. Each is built with hidden symbols, so
/// that all of hanami inside is its own.
struct plugin {
  hanami::cluster* (*make)();
  void (*destroy)(hanami::cluster*);
  /// Trains on samples [first, last) of a stream that wants bricks to grow.
  void (*train)(hanami::cluster&, unsigned first, unsigned last);
  /// In a workspace that this library has used for other clusters before.
  float (*infer)(const hanami::cluster&, float x);
  /// The same by an 8-bit copy, in a workspace used before.
  float (*infer_copy)(const hanami::quantized_cluster&, float x);
  hanami::quantized_cluster* (*copy)(const hanami::cluster&);
  void (*destroy_copy)(hanami::quantized_cluster*);
  std::error_code (*code)();
  /// Throws `errc::queue_full`.
  void (*fail)();
  /// Whether it catches what `fail` of another throws, and knows the code.
  bool (*knows)(void (*fail)());
};
