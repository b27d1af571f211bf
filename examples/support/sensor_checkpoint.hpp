// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hanami/hanami.hpp>

namespace example {

/// A number in a file that is there, up to date, however the process ends.
class lasting_count {
 public:
  /// Throws `hanami::errc::file_error`.
  explicit lasting_count(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    void* place = MAP_FAILED;
    if (file >= 0 && ::ftruncate(file, sizeof(std::uint64_t)) == 0) {
      place = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    const int why = errno;
    if (file >= 0) {
      ::close(file);
    }
    if (place == MAP_FAILED) {
      throw hanami::error(hanami::errc::file_error,
                          "cannot count in " + path + ": " + std::generic_category().message(why));
    }
    count_ = static_cast<volatile std::uint64_t*>(place);
  }
  lasting_count(const lasting_count&) = delete;
  lasting_count& operator=(const lasting_count&) = delete;
  ~lasting_count() { ::munmap(const_cast<std::uint64_t*>(count_), sizeof(std::uint64_t)); }

  void set(std::uint64_t count) noexcept { *count_ = count; }
  std::uint64_t get() const noexcept { return *count_; }

 private:
  volatile std::uint64_t* count_ = nullptr;
};

namespace detail {
inline volatile std::sig_atomic_t save_wanted = 0;
} // namespace detail

/// While one lives, SIGUSR1 asks for a checkpoint.
class save_signal {
 public:
  save_signal() {
    old_ = std::signal(SIGUSR1, [](int) { detail::save_wanted = 1; });
  }
  save_signal(const save_signal&) = delete;
  save_signal& operator=(const save_signal&) = delete;
  ~save_signal() { std::signal(SIGUSR1, old_); }

  /// Whether there was one since the last call.
  static bool take() noexcept {
    const bool wanted = detail::save_wanted != 0;
    detail::save_wanted = 0;
    return wanted;
  }

 private:
  using handler = void (*)(int);
  handler old_;
};

/// Writes everything with a `serialize` member into one file, which is whole at any moment.
template <class State>
void save_state(const std::string& path, const State& state) {
  hanami::archive_writer content;
  content(state);
  const std::uint64_t sum = hanami::detail::checksum(content.bytes());
  content(sum);
  hanami::write_file(path, content.bytes());
}

/// Throws `hanami::errc::file_error`, or `hanami::errc::invalid_checkpoint` for a damaged file.
template <class State>
void load_state(const std::string& path, State& state) {
  const auto bytes = hanami::read_file(path, std::numeric_limits<std::size_t>::max());
  const auto all = std::as_bytes(std::span(bytes));
  const std::size_t size = all.size() < 8 ? 0 : all.size() - 8;
  std::uint64_t sum = 0;
  if (all.size() >= 8) {
    hanami::archive_reader(all.last(8))(sum);
  }
  if (all.size() < 8 || sum != hanami::detail::checksum(all.first(size))) {
    throw hanami::error(hanami::errc::invalid_checkpoint,
                        path + ": damaged, or no checkpoint of this program");
  }
  hanami::archive_reader content(all.first(size));
  hanami::detail::naming_file(path, [&] {
    content(state);
    content.require(content.at_end(), "more content than a stream has");
  });
}

} // namespace example
