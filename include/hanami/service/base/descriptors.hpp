// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <mutex>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/// The descriptors of the process, which connections and files share.

namespace hanami::service {

/// Most that may be open at once.
inline std::size_t descriptor_limit() noexcept {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 1024;
  }
  constexpr ::rlim_t most = std::numeric_limits<int>::max();
  return static_cast<std::size_t>(std::min(limit.rlim_cur, most));
}

/// Raises it as far as the system lets the process; gives what it is then.
inline std::size_t raise_descriptor_limit() noexcept {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return descriptor_limit();
}

/// How many are open, counted in /proc; 0: unknown.
inline std::size_t open_descriptors() noexcept {
  std::error_code trouble;
  std::size_t count = 0;
  std::filesystem::directory_iterator each("/proc/self/fd", trouble);
  for (; !trouble && each != std::filesystem::directory_iterator(); each.increment(trouble)) {
    ++count;
  }
  return trouble || count == 0 ? 0 : count - 1; // but for the one that counts
}

/// What the descriptors are for: a quarter, but no more than 8,192, is kept for files, of which
/// half may be journals that stay open; the rest is left to connections.
struct descriptor_shares {
  explicit descriptor_shares(std::size_t limit) noexcept
      : files(std::clamp<std::size_t>(limit / 4, 32, 8192)), journals(files / 2),
        connections(std::max<std::size_t>(limit - std::min(limit, files), 16)) {}

  std::size_t files;
  std::size_t journals;
  std::size_t connections;
};

/// A descriptor held back for when there are no others. Safe from any thread.
class spare_descriptor {
 public:
  spare_descriptor() : fd_(open_any()) {}
  ~spare_descriptor() { release(); }
  spare_descriptor(const spare_descriptor&) = delete;
  spare_descriptor& operator=(const spare_descriptor&) = delete;

  /// Calls `use()` while one more descriptor is free, unless another thread of the process is
  /// faster.
  template <class Use>
  void lend(Use&& use) {
    const std::lock_guard lock(mutex_);
    struct taken_back {
      spare_descriptor& of;
      ~taken_back() { of.fd_ = open_any(); }
    };
    release();
    const taken_back afterwards{*this};
    std::forward<Use>(use)();
  }

 private:
  static int open_any() noexcept { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void release() noexcept {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }

  std::mutex mutex_;
  int fd_;
};

} // namespace hanami::service
