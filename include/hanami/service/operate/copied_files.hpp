// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../foundation/error.hpp"
#include "../../io/file.hpp"
#include "../../io/write_file.hpp"
#include "../base/data_lock.hpp"

/// What backup and restoring have in common: files that are copied with their checksums.

namespace hanami::service::detail {

/// A file that is open and will be copied as far as it reaches now, whoever removes or continues it
/// meanwhile.
struct held_file {
  std::string name; ///< below the data directory
  std::unique_ptr<const hanami::detail::file_handle> handle;
  std::uint64_t size = 0;
};

/// Opens a file; nothing: there is none (any more), or it is not a plain file.
inline std::optional<held_file> hold_file(const std::filesystem::path& data,
                                          const std::string& name) {
  auto handle = std::make_unique<const hanami::detail::file_handle>(
      ::open((data / name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct ::stat status {};
  if (handle->get() < 0 && (errno == ENOENT || errno == ELOOP)) {
    return std::nullopt;
  }
  if (handle->get() < 0 || ::fstat(handle->get(), &status) != 0) {
    hanami::detail::refuse_file("cannot read ", data / name, hanami::detail::system_trouble());
  }
  return S_ISREG(status.st_mode)
             ? std::optional<held_file>(
                   {name, std::move(handle), static_cast<std::uint64_t>(status.st_size)})
             : std::nullopt;
}

/// By this a file that was replaced or continued is known.
struct file_state {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const file_state&) const = default;
};

inline file_state state_of(const struct ::stat& of) {
  return {of.st_ino, static_cast<std::uint64_t>(of.st_size),
          std::int64_t{of.st_mtim.tv_sec} * 1'000'000'000 + of.st_mtim.tv_nsec};
}

/// Names in a folder, sorted; none where there is no such folder.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code trouble;
  std::filesystem::directory_iterator each(folder, trouble);
  for (; !trouble && each != std::filesystem::directory_iterator(); each.increment(trouble)) {
    names.push_back(each->path().filename().string());
  }
  if (trouble && trouble != std::errc::no_such_file_or_directory) {
    hanami::detail::refuse_file("cannot read ", folder, trouble);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A folder that is filled from nothing; unless `keep` is called, it is emptied again.
class fresh_folder {
 public:
  /// Throws `errc::file_error` where it is not empty: but for the lock, and what file systems put
  /// into their roots.
  explicit fresh_folder(std::filesystem::path path) : path_(std::move(path)) {
    for (const std::string& name : names_in(path_)) {
      if (!is_ignored(name)) {
        throw error(errc::file_error,
                    path_.string() + " is not empty; nothing is written over what is there");
      }
    }
    std::error_code trouble;
    made_ = std::filesystem::create_directories(path_, trouble);
    if (!trouble) {
      std::filesystem::permissions(path_, std::filesystem::perms::owner_all, trouble);
    }
    if (trouble) {
      hanami::detail::refuse_file("cannot make ", path_, trouble);
    }
  }
  fresh_folder(const fresh_folder&) = delete;
  fresh_folder& operator=(const fresh_folder&) = delete;
  ~fresh_folder() {
    if (kept_) {
      return;
    }
    std::error_code ignored;
    try {
      for (const std::string& name : names_in(path_)) {
        if (!is_ignored(name)) {
          std::filesystem::remove_all(path_ / name, ignored);
        }
      }
    } catch (const error&) { // what stays is refused the next time
    }
    if (made_) {
      std::filesystem::remove(path_, ignored);
    }
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  void keep() noexcept { kept_ = true; }

 private:
  static bool is_ignored(std::string_view name) {
    return name == data_lock::name || name == "lost+found";
  }

  std::filesystem::path path_;
  bool made_ = false;
  bool kept_ = false;
};

/// Copies into one folder, and remembers the checksums (BLAKE2b, 64 bytes, as b2sum's).
class file_copier {
 public:
  explicit file_copier(std::filesystem::path to)
      : to_(std::move(to)), piece_(std::size_t{1} << 20) {}

  /// Copies `size` bytes of an open file, or fewer if it ends before; `name`: below the folder.
  void copy(int from, std::uint64_t size, const std::string& name) {
    const std::filesystem::path file = to_ / name;
    make_folder_of(file);
    hanami::detail::file_handle into(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (into.get() < 0) {
      hanami::detail::refuse_file("cannot make ", file, hanami::detail::system_trouble());
    }
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, nullptr, 0, crypto_generichash_BYTES_MAX);
    std::uint64_t done = 0;
    while (done < size) {
      const std::size_t count =
          read(from, file, std::min<std::uint64_t>(piece_.size(), size - done), done);
      if (count == 0) {
        break;
      }
      crypto_generichash_update(&hash, piece_.data(), count);
      write(into.get(), file, count, done);
      done += count;
    }
    if (::ftruncate(into.get(), static_cast<::off_t>(done)) != 0) { // it may end in a hole
      hanami::detail::refuse_file("cannot write ", file, hanami::detail::system_trouble());
    }
    note(name, done, hash);
  }
  void copy(const held_file& from) { copy(from.handle->get(), from.size, from.name); }

  /// A file that is in the folder already.
  void add(const std::string& name) {
    const std::optional<held_file> from = hold_file(to_, name);
    if (!from) {
      hanami::detail::refuse_file("cannot read ", to_ / name,
                                  std::make_error_code(std::errc::no_such_file_or_directory));
    }
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, nullptr, 0, crypto_generichash_BYTES_MAX);
    std::uint64_t done = 0;
    while (const std::size_t count = read(from->handle->get(), to_ / name, piece_.size(), done)) {
      crypto_generichash_update(&hash, piece_.data(), count);
      done += count;
    }
    note(name, done, hash);
  }

  void remove(const std::string& name) {
    std::error_code ignored;
    std::filesystem::remove(to_ / name, ignored);
    if (const auto found = sums_.find(name); found != sums_.end()) {
      bytes_ -= found->second.bytes;
      sums_.erase(found);
    }
  }

  struct sum {
    std::string hex;
    std::uint64_t bytes = 0;
  };
  const std::map<std::string, sum>& sums() const noexcept { return sums_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

  /// Brings all to the storage.
  void sync() const {
    const hanami::detail::file_handle folder(
        ::open(to_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::syncfs(folder.get()) != 0) {
      hanami::detail::refuse_file("cannot write ", to_, hanami::detail::system_trouble());
    }
  }

 private:
  /// 0: the end of the file.
  std::size_t read(int from, const std::filesystem::path& file, std::size_t most,
                   std::uint64_t at) {
    errno = 0;
    const ::ssize_t got = ::pread(from, piece_.data(), most, static_cast<::off_t>(at));
    if (got < 0) {
      hanami::detail::refuse_file("cannot read what is to become ", file,
                                  hanami::detail::system_trouble());
    }
    return static_cast<std::size_t>(got);
  }

  /// Zeros become holes, as they were in an upload of which little has arrived.
  void write(int into, const std::filesystem::path& file, std::size_t count, std::uint64_t at) {
    if (std::all_of(piece_.begin(), piece_.begin() + static_cast<std::ptrdiff_t>(count),
                    [](unsigned char each) { return each == 0; })) {
      return;
    }
    for (std::size_t done = 0; done < count;) {
      errno = 0;
      const ::ssize_t put =
          ::pwrite(into, piece_.data() + done, count - done, static_cast<::off_t>(at + done));
      if (put <= 0) {
        hanami::detail::refuse_file("cannot write ", file, hanami::detail::system_trouble());
      }
      done += static_cast<std::size_t>(put);
    }
  }

  void note(const std::string& name, std::uint64_t bytes, crypto_generichash_state& hash) {
    unsigned char raw[crypto_generichash_BYTES_MAX];
    crypto_generichash_final(&hash, raw, sizeof raw);
    char hex[2 * sizeof raw + 1];
    sodium_bin2hex(hex, sizeof hex, raw, sizeof raw);
    sums_[name] = {hex, bytes};
    bytes_ += bytes;
  }

  void make_folder_of(const std::filesystem::path& file) {
    const std::filesystem::path folder = file.parent_path();
    std::error_code trouble;
    if (std::filesystem::create_directories(folder, trouble)) {
      std::filesystem::permissions(folder, std::filesystem::perms::owner_all, trouble);
    }
    if (trouble) {
      hanami::detail::refuse_file("cannot make ", folder, trouble);
    }
  }

  std::filesystem::path to_;
  std::vector<unsigned char> piece_;
  std::map<std::string, sum> sums_;
  std::uint64_t bytes_ = 0;
};

inline constexpr const char* backup_note = "backup.json";
inline constexpr const char* backup_sums = "B2SUMS";
inline constexpr const char* database_name = "hanami.sqlite";

} // namespace hanami::service::detail
