// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../config.hpp"

#if HANAMI_POSIX
#include <unistd.h>
#endif

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Knows the process that it was made in: a child made by `fork` has the memory of its parent and
/// none of its threads.
class process_mark {
 public:
#if HANAMI_POSIX
  bool is_here() const noexcept { return ::getpid() == process_; }
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
  ::pid_t process_ = ::getpid();
#endif
};

} // namespace hanami::detail
