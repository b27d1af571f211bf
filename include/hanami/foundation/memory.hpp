// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Alignment of everything that kernels read: a cache line, and the widest vector.
inline constexpr std::size_t cache_line = 64;

/// Standard allocator with cache-line alignment.
template <class T>
struct aligned_allocator {
  using value_type = T;

  aligned_allocator() noexcept = default;
  template <class U>
  aligned_allocator(const aligned_allocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{cache_line}));
  }
  void deallocate(T* memory, std::size_t) noexcept {
    ::operator delete (static_cast<void*>(memory), std::align_val_t{cache_line});
  }
  template <class U>
  friend bool operator==(const aligned_allocator&, const aligned_allocator<U>&) noexcept {
    return true;
  }
};

template <class T>
using aligned_vector = std::vector<T, aligned_allocator<T>>;

/// Bytes a vector has taken from the system, used or not.
template <class T, class Allocator>
std::size_t allocated_bytes(const std::vector<T, Allocator>& values) noexcept {
  return values.capacity() * sizeof(T);
}

/// What `reserve_to_grow` makes the capacity when `needed` elements do not fit: an eighth more.
constexpr std::size_t grown_capacity(std::size_t capacity, std::size_t needed) noexcept {
  return needed <= capacity ? capacity : needed + needed / 8;
}

/// Makes room for `needed` elements, with an eighth to spare: growing one by one stays linear, and
/// less is held unused than the standard vectors would.
template <class T, class Allocator>
void reserve_to_grow(std::vector<T, Allocator>& values, std::size_t needed) {
  values.reserve(grown_capacity(values.capacity(), needed));
}

/// A number as a size, which is known to fit. (A cast that says nothing where sizes have 64 bits is
/// warned of by some compilers, unless it stands in a template.)
template <class Number>
constexpr std::size_t to_size(Number value) noexcept {
  return static_cast<std::size_t>(value);
}

/// `value` rounded up to a multiple of `step`.
constexpr std::size_t round_up(std::size_t value, std::size_t step) noexcept {
  return (value + step - 1) / step * step;
}

} // namespace hanami
