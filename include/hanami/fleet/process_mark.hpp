// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../config.hpp"

#if HANAMI_POSIX
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Knows the process that it was made in: a child made by `fork` has the memory of its parent and
/// none of its threads. To be asked before every call: where the system can, it wipes a page in the
/// child, and nobody else has to be asked.
class process_mark {
 public:
#if HANAMI_POSIX
  process_mark() {
#if defined(MADV_WIPEONFORK)
    void* page = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && ::madvise(page, 1, MADV_WIPEONFORK) != 0) {
      ::munmap(page, 1);
    } else if (page != MAP_FAILED) {
      page_ = static_cast<unsigned char*>(page);
      *page_ = 1;
    }
#endif
  }
  ~process_mark() {
    if (page_ != nullptr) {
      ::munmap(page_, 1);
    }
  }
  process_mark(const process_mark&) = delete;
  process_mark& operator=(const process_mark&) = delete;

  bool is_here() const noexcept { return page_ != nullptr ? *page_ == 1 : ::getpid() == process_; }
#else
  bool is_here() const noexcept { return true; }
#endif

  /// Throws `errc::invalid_argument` in any other process.
  void require() const {
    if (!is_here()) {
      raise(errc::invalid_argument,
            "this fleet belongs to the process that has made it: a child made by fork() has none "
            "of its threads; make a fleet in the child, from checkpoints or copies of clusters");
    }
  }

 private:
#if HANAMI_POSIX
  unsigned char* page_ = nullptr; ///< 1 here, 0 in a child; null where the system cannot
  ::pid_t process_ = ::getpid();
#endif
};

} // namespace hanami::detail
