// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "../config.hpp"

#if HANAMI_POSIX && defined(__linux__)
#include <sys/mman.h>
#endif

/// Memory straight from the system, which becomes real page by page as it is first written to.

namespace hanami::inline HANAMI_ISA::detail {

/// Addresses taken from the system. `begin` is aligned to huge pages (2 MiB).
struct page_range {
  void* begin = nullptr;
  void* mapped = nullptr; ///< what was mapped, `begin` somewhere inside
  std::size_t bytes = 0;  ///< of `mapped`
};

#if HANAMI_POSIX && defined(__linux__)

inline page_range take_pages(std::size_t bytes) noexcept {
  constexpr std::size_t huge = std::size_t{2} << 20;
  if (bytes > static_cast<std::size_t>(-1) / 2) {
    return {};
  }
  page_range taken;
  taken.bytes = bytes + huge;
  taken.mapped = ::mmap(nullptr, taken.bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (taken.mapped == MAP_FAILED) { // addresses are limited: the caller does without
    return {};
  }
  const auto address = reinterpret_cast<std::size_t>(taken.mapped);
  taken.begin = reinterpret_cast<void*>((address + huge - 1) / huge * huge);
  constexpr std::size_t small = 2 * huge; // in huge pages it would hold much that it does not use
  if (bytes > small) {
    ::madvise(static_cast<char*>(taken.begin) + small, bytes - small, MADV_HUGEPAGE); // a wish
  }
  return taken;
}

inline void give_pages_back(const page_range& taken) noexcept {
  ::munmap(taken.mapped, taken.bytes);
}

#else

inline page_range take_pages(std::size_t) noexcept { return {}; }
inline void give_pages_back(const page_range&) noexcept {}

#endif

} // namespace hanami::detail
