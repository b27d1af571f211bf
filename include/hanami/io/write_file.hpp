// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../config.hpp"

#if HANAMI_POSIX
#include <fcntl.h>
#include <unistd.h>
#endif

#include "../foundation/error.hpp"
#include "file.hpp"

/// Whole files out, all or nothing.

namespace hanami::inline HANAMI_ISA {

namespace detail {

#if HANAMI_POSIX

/// A file descriptor that closes itself.
class file_handle {
 public:
  explicit file_handle(int fd) noexcept : fd_(fd) {}
  file_handle(const file_handle&) = delete;
  file_handle& operator=(const file_handle&) = delete;
  ~file_handle() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  int get() const noexcept { return fd_; }
  bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// Writes a file and has the system bring it to its storage. Says why it could not.
inline std::error_code write_all(const std::filesystem::path& path,
                                 std::span<const std::byte> bytes) {
  file_handle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  bool good = file.get() >= 0;
  while (good && !bytes.empty()) {
    const ::ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
    if (wrote >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    } else {
      good = errno == EINTR;
    }
  }
  return good && ::fsync(file.get()) == 0 && file.close() ? std::error_code() : system_trouble();
}

/// Brings a new name in a folder to the storage, too.
inline void keep_names(const std::filesystem::path& folder) {
  const file_handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() >= 0) {
    ::fsync(handle.get());
  }
}

inline std::string name_of_this_process() { return std::to_string(::getpid()); }

#else

inline std::error_code write_all(const std::filesystem::path& path,
                                 std::span<const std::byte> bytes) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? std::error_code() : system_trouble();
}

inline void keep_names(const std::filesystem::path&) {}

inline std::string name_of_this_process() { return "new"; }

#endif

} // namespace detail

/// Writes a whole file or leaves the old one, whatever happens: a temporary file beside it and a
/// rename; on POSIX systems both are brought to the storage before it returns. Throws
/// `errc::file_error`, also for what is no regular file, such as a device.
inline void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    raise(errc::file_error, "cannot replace " + path.string() + ": it is no regular file");
  }
  std::filesystem::path temporary = path;
  temporary += ".part-" + detail::name_of_this_process();
  std::error_code trouble = detail::write_all(temporary, bytes);
  const bool written = !trouble;
  if (written) {
    std::filesystem::rename(temporary, path, trouble);
  }
  if (trouble) {
    std::filesystem::remove(temporary, ignored);
    detail::refuse_file(written ? "cannot replace " : "cannot write ", written ? path : temporary,
                        trouble);
  }
  detail::keep_names(path.has_parent_path() ? path.parent_path() : ".");
}

/// Removes what writers of this file left beside it that were killed. Nobody may be writing it.
inline void discard_parts(const std::filesystem::path& path) {
  const std::string begin = path.filename().string() + ".part-";
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::vector<std::filesystem::path> parts;
  std::error_code trouble;
  for (std::filesystem::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    const std::string name = entry->path().filename().string();
    if (name.size() > begin.size() && name.starts_with(begin) &&
        name.find_first_not_of("0123456789", begin.size()) == std::string::npos) {
      parts.push_back(entry->path());
    }
  }
  for (const std::filesystem::path& part : parts) {
    std::filesystem::remove(part, trouble);
  }
}

} // namespace hanami
