// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "memory.hpp"
#include "pages.hpp"

namespace hanami::inline HANAMI_ISA {

/// A contiguous array of numbers for the weights of a network: aligned to cache lines, as small as
/// asked for, and when it is large, growing costs the same per element whatever its size: it stands
/// in a range of addresses much larger than itself and takes memory from the system page by page
/// (where the system can do that), instead of moving.
template <class T>
class growing_array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  growing_array() noexcept = default;
  growing_array(const growing_array& other) { assign(other); }
  growing_array(growing_array&& other) noexcept { swap(other); }
  growing_array& operator=(const growing_array& other) {
    if (this != &other) {
      assign(other);
    }
    return *this;
  }
  growing_array& operator=(growing_array&& other) noexcept {
    swap(other);
    return *this;
  }
  ~growing_array() { give_back(); }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t bytes() const noexcept { return capacity_ * sizeof(T); }
  std::span<const T> values() const noexcept { return {data_, size_}; }

  /// Makes room for `count` elements, and no more. Elements move only where the addresses behind
  /// them are taken.
  void reserve(std::size_t count) {
    if (count <= capacity_) {
      return;
    }
    if (count > room_) {
      move_to(count);
    }
    capacity_ = count;
  }

  /// New elements are zero. Takes no more room than needed.
  void resize(std::size_t count) {
    reserve(count);
    if (count > size_) {
      std::fill(data_ + size_, data_ + count, T{});
    }
    size_ = count;
  }

  /// A copy of the elements; the room stays if it is enough.
  void assign(const growing_array& other) {
    size_ = 0;
    reserve(other.size_);
    if (other.size_ > 0) {
      std::memcpy(data_, other.data_, other.size_ * sizeof(T));
    }
    size_ = other.size_;
  }

  /// Gives back what is not used.
  void shrink_to_fit() {
    if (capacity_ > size_) {
      growing_array fitting(*this);
      swap(fitting);
    }
  }

  void swap(growing_array& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(room_, other.room_);
    std::swap(pages_, other.pages_);
  }

 private:
  /// From this size on, elements stand in pages of their own.
  static constexpr std::size_t paged_bytes = std::size_t{128} << 10;
  /// How many times the size is kept free behind it.
  static constexpr std::size_t addresses_ahead = 64;

  void move_to(std::size_t count) {
    growing_array larger;
    larger.take(count);
    if (size_ > 0) {
      std::memcpy(larger.data_, data_, size_ * sizeof(T));
    }
    larger.size_ = size_;
    swap(larger);
  }

  void take(std::size_t count) {
    if (count * sizeof(T) >= paged_bytes) {
      for (const std::size_t ahead : {addresses_ahead, std::size_t{1}}) {
        pages_ = detail::take_pages(count * ahead * sizeof(T));
        if (pages_.begin != nullptr) {
          data_ = static_cast<T*>(pages_.begin);
          room_ = count * ahead;
          return;
        }
      }
    }
    data_ = aligned_allocator<T>().allocate(count);
    room_ = count;
  }

  void give_back() noexcept {
    if (pages_.begin != nullptr) {
      detail::give_pages_back(pages_);
    } else if (data_ != nullptr) {
      aligned_allocator<T>().deallocate(data_, room_);
    }
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0; ///< what counts as held
  std::size_t room_ = 0;     ///< what there are addresses for
  detail::page_range pages_;
};

} // namespace hanami
