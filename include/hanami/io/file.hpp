// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "../foundation/error.hpp"

/// Whole files, in and out. Errors name the file and say what the system says.

namespace hanami::inline HANAMI_ISA {

/// Reads a whole file and refuses more than `max_bytes`. `read_file` is one, `read_file_or_gzip` of
/// `gzip.hpp` another.
template <typename Reader>
concept file_reader = requires(Reader& reader, const std::filesystem::path& path,
                               std::size_t max_bytes) {
  { reader(path, max_bytes) } -> std::same_as<std::vector<std::uint8_t>>;
};

namespace detail {

[[noreturn]] inline void refuse_file(const char* what, const std::filesystem::path& path,
                                     std::error_code why) {
  throw error(errc::file_error, what + path.string() + ": " + why.message());
}

inline std::error_code system_trouble() {
  return {errno == 0 ? EIO : errno, std::generic_category()};
}

/// Calls `work`; the message of an error then begins with the path.
template <class Work>
auto naming_file(const std::filesystem::path& path, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const error& failure) {
    throw error(static_cast<errc>(failure.code().value()), path.string() + ": " + failure.what());
  }
}

/// A file to be read from its beginning. Folders are refused, which streams open without a word.
inline std::ifstream open_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    refuse_file("cannot read ", path, std::make_error_code(std::errc::is_a_directory));
  }
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    refuse_file("cannot read ", path, system_trouble());
  }
  return stream;
}

} // namespace detail

/// The bytes of a file as they are. Throws `errc::file_error` where the system refuses,
/// `errc::out_of_memory` for a file larger than `max_bytes`.
inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path,
                                           std::size_t max_bytes) {
  std::ifstream file = detail::open_file(path);
  std::error_code trouble;
  const std::uintmax_t size = std::filesystem::file_size(path, trouble);
  if (trouble) {
    detail::refuse_file("cannot read ", path, trouble);
  }
  if (size > max_bytes) {
    throw error(errc::out_of_memory, path.string() + " has " + std::to_string(size) +
                                         " bytes; at most " + std::to_string(max_bytes) +
                                         " are accepted");
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  errno = 0;
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) {
    detail::refuse_file("cannot read to its end: ", path, detail::system_trouble());
  }
  return bytes;
}

namespace detail {

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

inline void write_all(const std::filesystem::path& path, std::span<const std::byte> bytes) {
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
  if (!good || ::fsync(file.get()) != 0 || !file.close()) {
    refuse_file("cannot write ", path, system_trouble());
  }
}

} // namespace detail

/// Writes a whole file or leaves the old one, whatever happens: a temporary file beside it, fsync,
/// rename, fsync of the folder. Throws `errc::file_error`.
inline void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::path temporary = path;
  temporary += ".part-" + std::to_string(::getpid());
  try {
    detail::write_all(temporary, bytes);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      detail::refuse_file("cannot replace ", path, detail::system_trouble());
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const detail::file_handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() >= 0) {
    ::fsync(handle.get());
  }
}

} // namespace hanami
