// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../foundation/error.hpp"

namespace hanami::service {

/// One process a data directory.
class data_lock {
 public:
  /// Makes the directory where it is missing, for its owner alone. Throws `errc::file_error`.
  explicit data_lock(const std::filesystem::path& data) {
    std::error_code trouble;
    if (std::filesystem::create_directories(data, trouble)) {
      std::filesystem::permissions(data, std::filesystem::perms::owner_all, trouble);
    }
    fd_ = ::open((data / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      throw error(errc::file_error, "cannot use the data directory " + data.string() + ": " +
                                        std::generic_category().message(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd_);
      throw error(errc::file_error,
                  "the data directory " + data.string() + " is in use by another server");
    }
  }
  ~data_lock() { ::close(fd_); }
  data_lock(const data_lock&) = delete;
  data_lock& operator=(const data_lock&) = delete;

  /// Whether a process holds it.
  static bool is_held(const std::filesystem::path& data) noexcept {
    const int fd = ::open((data / name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return false;
    }
    const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
    ::close(fd);
    return held;
  }

  static constexpr const char* name = "lock";

 private:
  int fd_ = -1;
};

} // namespace hanami::service
