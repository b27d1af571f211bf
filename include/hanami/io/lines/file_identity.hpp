// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive.hpp"
#include "../write_file.hpp"

/// Which file a path means, whether it is still the one that was read, and where a rotation of logs
/// has put it.

namespace hanami::inline HANAMI_ISA {

/// A file of the system, whatever it is called; of a path without one, where it would be made.
struct file_place {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  bool exists = false;
  bool stores = false;         ///< a file or named pipe: who writes there changes what is read
  std::filesystem::path where; ///< only if there is none yet

  /// Whether to write to the one changes what is read from the other.
  bool clashes(const file_place& other) const {
    return exists ? other.exists && stores && device == other.device && number == other.number
                  : !other.exists && where == other.where;
  }
};

namespace detail {

inline file_place place_from(const struct stat& about) {
  return {static_cast<std::uint64_t>(about.st_dev),
          static_cast<std::uint64_t>(about.st_ino),
          true,
          S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode),
          {}};
}

} // namespace detail

/// Follows links, also those that lead to nothing yet, and `/dev/stdin`.
inline file_place place_of(std::filesystem::path path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0) {
    return detail::place_from(about);
  }
  std::error_code trouble;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, trouble); ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path, trouble);
  }
  file_place place;
  place.where = std::filesystem::weakly_canonical(std::filesystem::absolute(path), trouble);
  return place;
}

/// The place behind an open file, such as standard output.
inline file_place place_of(int descriptor) {
  struct stat about {};
  return ::fstat(descriptor, &about) == 0 ? detail::place_from(about) : file_place{};
}

/// How far a file has been read and what stood there: enough to know it again under another name or
/// after a copy, and to tell it from one that took its name, its number or its first line.
struct file_mark {
  static constexpr std::size_t most_bytes = 4096;

  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::uint64_t offset = 0;      ///< bytes read; 0: nothing, or it was no file
  std::uint32_t first_bytes = 0; ///< so many at the beginning have
  std::uint64_t first_hash = 0;  ///< this hash
  std::uint32_t last_bytes = 0;  ///< and so many before `offset`
  std::uint64_t last_hash = 0;   ///< this one

  template <class Archive>
  void serialize(Archive& archive) {
    archive(device, number, offset, first_bytes, first_hash, last_bytes, last_hash);
    archive.require(first_bytes <= most_bytes && last_bytes <= most_bytes && last_bytes <= offset,
                    "a mark of more bytes than a mark takes");
  }
};

namespace detail {

inline std::uint64_t hash_of(std::string_view text) {
  return checksum(std::as_bytes(std::span(text.data(), text.size())));
}

/// Up to `count` bytes at a place of a file; fewer where it ends.
inline std::string bytes_at(int file, std::uint64_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const ::ssize_t more =
        ::pread(file, bytes.data() + got, count - got, static_cast<::off_t>(offset + got));
    if (more <= 0) {
      break;
    }
    got += static_cast<std::size_t>(more);
  }
  bytes.resize(got);
  return bytes;
}

/// Whether it is the file of the mark by its number, not by what stands in it.
inline bool same_number(int file, const file_mark& mark) {
  const file_place place = hanami::place_of(file);
  return place.exists && place.device == mark.device && place.number == mark.number;
}

} // namespace detail

/// The mark of an open file that has been read up to `offset`.
inline file_mark mark_of(int file, std::uint64_t offset) {
  file_mark mark;
  const file_place place = hanami::place_of(file);
  mark.device = place.device;
  mark.number = place.number;
  mark.offset = offset;
  const std::uint64_t size = std::min<std::uint64_t>(offset, file_mark::most_bytes);
  const std::string first = detail::bytes_at(file, 0, size);
  const std::string last = detail::bytes_at(file, offset - size, size);
  mark.first_bytes = static_cast<std::uint32_t>(first.size());
  mark.first_hash = detail::hash_of(first);
  mark.last_bytes = static_cast<std::uint32_t>(last.size());
  mark.last_hash = detail::hash_of(last);
  return mark;
}

/// Whether an open file holds all that `mark` saw, and may go on behind it.
inline bool continues(int file, const file_mark& mark) {
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode) ||
      static_cast<std::uint64_t>(about.st_size) < mark.offset) {
    return false;
  }
  return mark.offset == 0 ||
         (detail::hash_of(detail::bytes_at(file, 0, mark.first_bytes)) == mark.first_hash &&
          detail::hash_of(detail::bytes_at(file, mark.offset - mark.last_bytes, mark.last_bytes)) ==
              mark.last_hash);
}

namespace detail {

/// A file beside another that is called like it but for a number or a date: `log.1`, `log-20240131`
/// or `log.2024-01-31.csv` of `log` and `log.csv`.
struct rotated_file {
  std::filesystem::path path;
  bool inside = false; ///< the number stands before the extension
  std::string number;  ///< with what separates its parts
  file_place place;
  std::int64_t written = 0; ///< ns
  std::uint64_t size = 0;

  /// Whether it was begun before the other. Of those written in one tick of the clock the names
  /// tell: log.2 is older than log.1, but log-20240101 than log-20240102.
  bool older(const rotated_file& other) const {
    if (written != other.written) {
      return written < other.written;
    }
    if (number.size() != other.number.size()) {
      return number.size() > other.number.size();
    }
    return number.size() <= 4 ? number > other.number : number < other.number;
  }
};

/// What stands between `front` and `back` in a name, if it is a number or a date.
inline std::optional<std::string> number_between(std::string_view name, std::string_view front,
                                                 std::string_view back) {
  if (name.size() <= front.size() + back.size() || !name.starts_with(front) ||
      !name.ends_with(back)) {
    return std::nullopt;
  }
  name.remove_prefix(front.size());
  name.remove_suffix(back.size());
  const bool plain = name.find_first_not_of("0123456789-._T:Z") == std::string_view::npos;
  const bool any = name.find_first_of("0123456789") != std::string_view::npos;
  return plain && any ? std::optional(std::string(name)) : std::nullopt;
}

/// What a rotation of logs may have made of files called `path`, the oldest first.
inline std::vector<rotated_file> rotated_files_of(const std::filesystem::path& path) {
  std::vector<rotated_file> found;
  const std::string name = path.filename().string();
  const std::string stem = path.stem().string();
  const std::string extension = path.extension().string();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code trouble;
  for (std::filesystem::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    const std::string other = entry->path().filename().string();
    auto number = number_between(other, name, "");
    const bool inside = !number && !extension.empty();
    if (inside) {
      number = number_between(other, stem, extension);
    }
    struct stat about {};
    if (number && ::stat(entry->path().c_str(), &about) == 0 && S_ISREG(about.st_mode)) {
      found.push_back({entry->path(), inside, *number, place_from(about),
                       std::int64_t{about.st_mtim.tv_sec} * 1000000000 + about.st_mtim.tv_nsec,
                       static_cast<std::uint64_t>(about.st_size)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const rotated_file& a, const rotated_file& b) { return a.older(b); });
  return found;
}

} // namespace detail

/// Where a rotation of logs has put the file of this mark, which was called `path`; if `copies` and
/// it is gone, a copy of it. Empty if there is none.
inline std::filesystem::path rotated_to(const std::filesystem::path& path, const file_mark& mark,
                                        bool copies) {
  std::filesystem::path found;
  for (const detail::rotated_file& file : detail::rotated_files_of(path)) {
    const bool same = file.place.device == mark.device && file.place.number == mark.number;
    if (!same && (!copies || mark.offset == 0)) {
      continue;
    }
    const detail::file_handle handle(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (handle.get() >= 0 && continues(handle.get(), mark)) {
      found = file.path; // of copies the newest
      if (same) {
        break;
      }
    }
  }
  return found;
}

/// A file by its name and by what it was when that was looked up.
struct found_file {
  std::filesystem::path path;
  file_place place;
};

/// The file that took the name `path` after `place` had it: one that has been rotated since, or the
/// one that has the name now.
inline found_file rotated_after(const std::filesystem::path& path, const file_place& place) {
  const file_place named = place_of(path);
  const auto is = [](const file_place& wanted) {
    return [&wanted](const detail::rotated_file& file) {
      return file.place.device == wanted.device && file.place.number == wanted.number;
    };
  };
  const auto all = detail::rotated_files_of(path);
  const auto found = std::find_if(all.begin(), all.end(), is(place));
  for (auto next = found; next != all.end(); ++next) {
    if (next != found && next->inside == found->inside && next->size > 0 && !is(named)(*next)) {
      return {next->path, next->place};
    }
  }
  return {path, named};
}

} // namespace hanami
