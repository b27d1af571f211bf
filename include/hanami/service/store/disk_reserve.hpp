// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../io/write_file.hpp"

namespace hanami::service::store {

/// Space of the disk that is held back in a file, for the little that has to be written where the
/// disk is full: who logs in and who deletes something. Safe from any thread.
class disk_reserve {
 public:
  /// Takes what it can get; the rest with the next `fill`.
  explicit disk_reserve(const std::filesystem::path& file)
      : handle_(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    fill();
  }

  /// Takes back what was lent, as far as the disk has it.
  void fill() noexcept {
    const std::lock_guard lock(mutex_);
    take();
  }

  /// Calls `work()` while a part of the reserve is free, unless others are faster.
  template <class Work>
  auto lend(Work&& work) {
    const std::lock_guard lock(mutex_);
    struct taken_back {
      disk_reserve& of;
      ~taken_back() { of.take(); }
    };
    const ::off_t left = std::max<::off_t>(size() - part_bytes, 0);
    [[maybe_unused]] const int ignored = ::ftruncate(handle_.get(), left);
    const taken_back afterwards{*this};
    return std::forward<Work>(work)();
  }

 private:
  static constexpr ::off_t all_bytes = ::off_t{8} << 20;
  static constexpr ::off_t part_bytes = ::off_t{1} << 20;
  static constexpr ::off_t page_bytes = 4096;

  ::off_t size() const noexcept {
    struct ::stat status {};
    return ::fstat(handle_.get(), &status) == 0 ? status.st_size : 0;
  }
  /// In parts, smaller and smaller ones: some of it is better than nothing.
  void take() noexcept {
    ::off_t have = size();
    for (::off_t part = part_bytes; part >= page_bytes; part /= 2) {
      while (have + part <= all_bytes && ::posix_fallocate(handle_.get(), have, part) == 0) {
        have += part;
      }
    }
    [[maybe_unused]] const int ignored = ::ftruncate(handle_.get(), have); // what failed in part
  }

  std::mutex mutex_;
  hanami::detail::file_handle handle_;
};

} // namespace hanami::service::store
