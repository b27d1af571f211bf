// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"

/// Whole files in; `write_file.hpp` is the way out. Errors name the file and say what the system
/// says.

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
  const bool too_many =
      why == std::errc::too_many_files_open || why == std::errc::too_many_files_open_in_system;
  raise(too_many ? errc::too_many_files : errc::file_error,
        what + path.string() + ": " + why.message());
}

inline std::error_code system_trouble() {
  return {errno == 0 ? EIO : errno, std::generic_category()};
}

/// Calls `work`; the message of an error then begins with the path.
template <class Work>
auto naming_file(const std::filesystem::path& path, Work&& work) {
#if HANAMI_EXCEPTIONS
  try {
    return std::forward<Work>(work)();
  } catch (const error& failure) {
    raise(static_cast<errc>(failure.code().value()), path.string() + ": " + failure.what());
  }
#else
  static_cast<void>(path);
  return std::forward<Work>(work)();
#endif
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
    raise(errc::out_of_memory, path.string() + " has " + std::to_string(size) + " bytes; at most " +
                                   std::to_string(max_bytes) + " are accepted");
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  errno = 0;
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) {
    detail::refuse_file("cannot read to its end: ", path, detail::system_trouble());
  }
  return bytes;
}

} // namespace hanami
