// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Tells shapes of networks apart: two are equal only where one is a copy of the other. What it is
/// known by is a place on the heap, which nobody else gets while any copy lives; a counter would
/// not do, since every shared library of a program may have its own. Copies may be made and
/// destroyed by many threads at once. A default one is no shape.
class shape_identity {
 public:
  shape_identity() noexcept = default;
  shape_identity(const shape_identity& other) noexcept : place_(other.place_) {
    if (place_ != nullptr) {
      place_->fetch_add(1, std::memory_order_relaxed);
    }
  }
  shape_identity(shape_identity&& other) noexcept : place_(std::exchange(other.place_, nullptr)) {}
  shape_identity& operator=(const shape_identity& other) noexcept {
    return *this = shape_identity(other);
  }
  shape_identity& operator=(shape_identity&& other) noexcept {
    std::atomic<std::uint32_t>* taken = std::exchange(other.place_, nullptr);
    forget();
    place_ = taken;
    return *this;
  }
  ~shape_identity() { forget(); }

  /// Becomes no shape.
  void forget() noexcept {
    if (place_ != nullptr && place_->fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete place_;
    }
    place_ = nullptr;
  }

  /// A shape that there has not been yet. Allocates.
  static shape_identity fresh() {
    shape_identity made;
    made.place_ = new std::atomic<std::uint32_t>(1);
    return made;
  }

  /// No shape equals nothing, not even no shape.
  friend bool operator==(const shape_identity& one, const shape_identity& other) noexcept {
    return one.place_ == other.place_ && one.place_ != nullptr;
  }

 private:
  std::atomic<std::uint32_t>* place_ = nullptr; ///< how many share it
};

} // namespace hanami
