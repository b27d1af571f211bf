// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include <fcntl.h>
#include <unistd.h>

#include "../../io/write_file.hpp"
#include "../base/refusal.hpp"

/// Reading and writing files at positions.

namespace hanami::service::data::detail {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

inline constexpr std::size_t block_bytes = 65536;
/// Of content; sums with it stay within 64 bits.
inline constexpr std::uint64_t most_file_bytes = std::uint64_t{1} << 60;

/// To be called after a failed write, with its errno: throws `no_space` where the disk is full,
/// else `errc::file_error`.
[[noreturn]] inline void refuse_write(const std::filesystem::path& file) {
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    throw disk_is_full();
  }
  hanami::detail::refuse_file("cannot write ", file, hanami::detail::system_trouble());
}

/// Writes all of `bytes` at `offset`; false, with errno, where the system refuses.
inline bool pwrite_all(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ::ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (wrote < 0 && errno != EINTR) {
      return false;
    }
    if (wrote > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
      offset += static_cast<std::uint64_t>(wrote);
    }
  }
  return true;
}

/// Reads all of `bytes` from `offset`; false, with errno (0 at the end of the file), on failure.
inline bool pread_all(int fd, std::span<std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ::ssize_t got = ::pread(fd, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (got == 0) {
      errno = 0;
      return false;
    }
    if (got < 0 && errno != EINTR) {
      return false;
    }
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
  }
  return true;
}

/// Makes renames and removals in the folder of `file` durable, where the file system supports it.
inline void sync_folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const hanami::detail::file_handle handle(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() >= 0) {
    ::fsync(handle.get());
  }
}

} // namespace hanami::service::data::detail
