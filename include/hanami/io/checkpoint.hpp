// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "../cluster.hpp"
#include "../structure/template_parser.hpp"
#include "../structure/template_writer.hpp"
#include "archive.hpp"

/// Checkpoints: everything a cluster is, in one file, restored exactly, so that training goes on as
/// if it had never stopped.
///
///     offset  size  what
///     0       8     "hanamiCP"
///     8       4     format version, 1
///     12      4     bytes of a number: 4 (float) or 8 (double)
///     16      8     n, bytes of the content
///     24      n     template text, options, state, as `archive_writer` writes them
///     24 + n  8     checksum of everything before
///
/// All numbers are little-endian.

namespace hanami {

inline constexpr std::uint32_t checkpoint_version = 1;

namespace detail {

inline constexpr char checkpoint_magic[8] = {'h', 'a', 'n', 'a', 'm', 'i', 'C', 'P'};
inline constexpr std::size_t checkpoint_head = 24;

struct checkpoint_header {
  std::array<char, 8> magic{};
  std::uint32_t version = checkpoint_version;
  std::uint32_t real_bytes = 0;
  std::uint64_t size = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    for (char& c : magic) {
      archive(c);
    }
    archive(version, real_bytes, size);
  }
};

[[noreturn]] inline void refuse_checkpoint(const std::string& why) {
  throw error(errc::invalid_checkpoint, "checkpoint: " + why);
}

/// The content of a checkpoint file after its envelope has been checked.
inline std::span<const std::byte> open_checkpoint(std::span<const std::byte> bytes,
                                                  std::size_t real_bytes) {
  if (bytes.size() < checkpoint_head + 8) {
    refuse_checkpoint("shorter than its header");
  }
  checkpoint_header header;
  archive_reader(bytes.first(checkpoint_head))(header);
  if (std::memcmp(header.magic.data(), checkpoint_magic, 8) != 0) {
    refuse_checkpoint("byte 0: does not begin with 'hanamiCP'");
  }
  if (header.version != checkpoint_version) {
    throw error(errc::unsupported_version,
                "checkpoint: byte 8: format version " + std::to_string(header.version) +
                    "; this build reads version " + std::to_string(checkpoint_version));
  }
  if (header.size != bytes.size() - checkpoint_head - 8) {
    refuse_checkpoint("byte 16: announces " + std::to_string(header.size) +
                      " bytes, the file holds " +
                      std::to_string(bytes.size() - checkpoint_head - 8));
  }
  std::uint64_t sum = 0;
  archive_reader(bytes.last(8))(sum);
  if (sum != checksum(bytes.first(bytes.size() - 8))) {
    refuse_checkpoint("the checksum is wrong");
  }
  if (header.real_bytes != real_bytes) {
    refuse_checkpoint("byte 12: numbers of " + std::to_string(header.real_bytes) +
                      " bytes; this cluster uses " + std::to_string(real_bytes));
  }
  return bytes.subspan(checkpoint_head, bytes.size() - checkpoint_head - 8);
}

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
  bool close() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

[[noreturn]] inline void refuse_file(const std::filesystem::path& path, const char* what) {
  const std::string why = std::generic_category().message(errno);
  throw error(errc::file_error, std::string(what) + " '" + path.string() + "': " + why);
}

/// Writes a whole file or leaves the old one: temporary file beside it, fsync, rename, fsync of the
/// folder.
inline void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::path temporary = path;
  temporary += ".part-" + std::to_string(::getpid());
  try {
    file_handle file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) {
      refuse_file(temporary, "cannot write");
    }
    for (std::size_t done = 0; done < bytes.size();) {
      const ::ssize_t wrote = ::write(file.get(), bytes.data() + done, bytes.size() - done);
      if (wrote < 0 && errno == EINTR) {
        continue;
      }
      if (wrote < 0) {
        refuse_file(temporary, "cannot write");
      }
      done += static_cast<std::size_t>(wrote);
    }
    if (::fsync(file.get()) != 0 || !file.close()) {
      refuse_file(temporary, "cannot write");
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      refuse_file(path, "cannot replace");
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const file_handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() >= 0) {
    ::fsync(handle.get());
  }
}

} // namespace detail

/// The bytes of a checkpoint of `from`.
template <class Real>
std::vector<std::byte> to_checkpoint(const basic_cluster<Real>& from) {
  archive_writer content;
  content(to_text(from.plan()), from);
  detail::checkpoint_header header;
  std::memcpy(header.magic.data(), detail::checkpoint_magic, 8);
  header.real_bytes = sizeof(Real);
  header.size = content.bytes().size();
  archive_writer head;
  head(header);
  std::vector<std::byte> all = head.bytes();
  all.insert(all.end(), content.bytes().begin(), content.bytes().end());
  archive_writer tail;
  tail(detail::checksum(all));
  all.insert(all.end(), tail.bytes().begin(), tail.bytes().end());
  return all;
}

/// The cluster of a checkpoint. Throws `errc::invalid_checkpoint` for anything truncated, damaged
/// or made up, `errc::unsupported_version` for formats from elsewhere.
template <class Real = float>
basic_cluster<Real> from_checkpoint(std::span<const std::byte> bytes) {
  archive_reader content(detail::open_checkpoint(bytes, sizeof(Real)));
  std::string text;
  content(text);
  try {
    basic_cluster<Real> restored(parse_template(text));
    content(restored);
    content.require(content.at_end(), "more content than a cluster has");
    return restored;
  } catch (const error& e) {
    if (e.code() == errc::invalid_checkpoint) {
      throw;
    }
    detail::refuse_checkpoint(e.what());
  }
}

/// Writes a checkpoint so that a reader finds the old file or the new one, whole, whatever happens.
/// Throws `errc::file_error`; the old file is then untouched.
template <class Real>
void save(const basic_cluster<Real>& from, const std::filesystem::path& path) {
  detail::write_atomically(path, to_checkpoint(from));
}

/// Reads a checkpoint. Throws `errc::file_error`, or as `from_checkpoint`, with the file named.
template <class Real = float>
basic_cluster<Real> load(const std::filesystem::path& path) {
  std::error_code trouble;
  const std::uintmax_t size = std::filesystem::file_size(path, trouble); // refuses folders, too
  errno = trouble.value();
  std::ifstream file(path, std::ios::binary);
  if (trouble || !file) {
    detail::refuse_file(path, "cannot read");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) {
    detail::refuse_file(path, "cannot read");
  }
  try {
    return from_checkpoint<Real>(bytes);
  } catch (const error& e) {
    throw error(static_cast<errc>(e.code().value()), "'" + path.string() + "': " + e.what());
  }
}

} // namespace hanami
