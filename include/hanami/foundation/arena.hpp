// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Hands out parts of a memory that belongs to the caller, for hosts without a heap: who replaces
/// the global `operator new` and `operator delete` by it runs the whole library on that memory
/// (`examples/firmware` does). First fit over free parts in the order of their addresses;
/// neighbours become one again. Not to be shared between threads.
class memory_arena {
 public:
  /// `memory` must outlive the arena and everything in it.
  explicit memory_arena(std::span<std::byte> memory) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::size_t skip = std::size_t{0 - address} % grain;
    if (memory.size() >= skip + grain) {
      begin_ = memory.data() + skip;
      size_ = (memory.size() - skip) / grain * grain;
      free_ = ::new (begin_) part{size_, nullptr};
    }
  }
  memory_arena(const memory_arena&) = delete;
  memory_arena& operator=(const memory_arena&) = delete;

  /// Memory of at least `bytes`, aligned to `alignment` (a power of two), or null where no free
  /// part is large enough.
  void* allocate(std::size_t bytes, std::size_t alignment = grain) noexcept {
    if (bytes > size_) {
      return nullptr;
    }
    const std::size_t needed = head + std::max(rounded(bytes), grain);
    for (part** link = &free_; *link != nullptr; link = &(*link)->next) {
      const std::size_t skip = skip_to(*link, std::max(alignment, grain));
      if ((*link)->bytes >= skip + needed) {
        return take(link, skip, needed);
      }
    }
    return nullptr;
  }

  /// Takes back what `allocate` has given, or null.
  void deallocate(void* memory) noexcept {
    if (memory == nullptr) {
      return;
    }
    std::byte* at = static_cast<std::byte*>(memory) - head;
    const std::size_t bytes = std::launder(static_cast<part*>(static_cast<void*>(at)))->bytes;
    used_ -= bytes;
    part* before = nullptr;
    part* behind = free_;
    while (behind != nullptr && reinterpret_cast<std::byte*>(behind) < at) {
      before = behind;
      behind = behind->next;
    }
    part* given = ::new (at) part{bytes, behind};
    (before != nullptr ? before->next : free_) = given;
    join(given);
    if (before != nullptr) {
      join(before);
    }
  }

  std::size_t size() const noexcept { return size_; }
  /// Bytes handed out, with what the arena needs to know of them.
  std::size_t used() const noexcept { return used_; }
  /// The most that has been in use at once.
  std::size_t most_used() const noexcept { return most_used_; }
  /// Calls of `allocate` that found memory.
  std::uint64_t allocations() const noexcept { return allocations_; }

 private:
  struct part {
    std::size_t bytes; ///< of the part, its head included
    part* next;        ///< the free part behind; nothing in parts that are in use
  };

  /// Parts begin and end at multiples of this.
  static constexpr std::size_t grain = alignof(std::max_align_t) > sizeof(part)
                                           ? alignof(std::max_align_t)
                                           : std::bit_ceil(sizeof(part));
  static constexpr std::size_t head = grain;

  static std::size_t rounded(std::size_t bytes) noexcept {
    return (bytes + grain - 1) / grain * grain;
  }

  /// Bytes to leave free in a part so that what is behind its head is aligned.
  static std::size_t skip_to(const part* at, std::size_t alignment) noexcept {
    return std::size_t{0 - (reinterpret_cast<std::uintptr_t>(at) + head)} % alignment;
  }

  /// Cuts `needed` bytes out of a free part, `skip` bytes behind its begin.
  void* take(part** link, std::size_t skip, std::size_t needed) noexcept {
    part* from = *link;
    std::byte* at = reinterpret_cast<std::byte*>(from) + skip;
    const std::size_t left = from->bytes - skip - needed;
    part* behind = from->next;
    if (left > 0) {
      behind = ::new (at + needed) part{left, behind};
    }
    if (skip > 0) {
      from->bytes = skip;
      from->next = behind;
    } else {
      *link = behind;
    }
    ::new (at) part{needed, nullptr};
    used_ += needed;
    most_used_ = std::max(most_used_, used_);
    ++allocations_;
    return at + head;
  }

  /// Makes a free part one with the next if they touch.
  static void join(part* at) noexcept {
    part* next = at->next;
    if (next != nullptr &&
        reinterpret_cast<std::byte*>(at) + at->bytes == reinterpret_cast<std::byte*>(next)) {
      at->bytes += next->bytes;
      at->next = next->next;
    }
  }

  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
  part* free_ = nullptr;
  std::size_t used_ = 0;
  std::size_t most_used_ = 0;
  std::uint64_t allocations_ = 0;
};

} // namespace hanami
