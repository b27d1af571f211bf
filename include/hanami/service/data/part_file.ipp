// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "part_file.hpp"

#include <array>
#include <cerrno>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../io/archive.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "byte_ranges.hpp"
#include "positioned_io.hpp"

namespace hanami::service::data {

namespace detail {

/// What is written to <file>.ranges for a piece.
struct range_record {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t sum = 0;

  std::uint64_t right_sum() const {
    const std::array<std::uint64_t, 2> range{begin, end};
    return hanami::detail::checksum(std::as_bytes(std::span(range)));
  }
};

} // namespace detail

struct part_file::state {
  state(std::filesystem::path data, std::uint64_t bytes)
      : file(std::move(data)), ranges_file(file.string() + ".ranges"), size(bytes) {
    const hanami::detail::file_handle data_file = open(file, O_WRONLY | O_CREAT);
    const hanami::detail::file_handle records_file = open(ranges_file, O_RDWR | O_CREAT);
    struct ::stat status {};
    if (::fstat(data_file.get(), &status) != 0) {
      detail::refuse_write(file);
    }
    last_write = now_ms();
    if (static_cast<std::uint64_t>(status.st_size) == size) {
      last_write = std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
      load(records_file.get());
    } else if (::ftruncate(records_file.get(), 0) != 0 ||
               ::ftruncate(data_file.get(), static_cast<::off_t>(size)) != 0) {
      refuse_size();
    }
  }

  static hanami::detail::file_handle open(const std::filesystem::path& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
      detail::refuse_write(path);
    }
    return hanami::detail::file_handle(fd);
  }

  [[noreturn]] void refuse_size() const {
    if (errno == EFBIG || errno == EINVAL) {
      throw invalid_value("no file here can have " + std::to_string(size) + " bytes");
    }
    detail::refuse_write(file);
  }

  /// Takes the records up to the first that is not whole and right.
  void load(int fd) {
    std::array<detail::range_record, 1024> some;
    for (bool good = true; good;) {
      const ::ssize_t got =
          ::pread(fd, some.data(), sizeof some, static_cast<::off_t>(records * sizeof some[0]));
      if (got < 0) {
        hanami::detail::refuse_file("cannot read ", ranges_file, hanami::detail::system_trouble());
      }
      const auto whole = static_cast<std::size_t>(got) / sizeof some[0];
      good = whole > 0;
      for (std::size_t i = 0; i < whole && good; ++i) {
        const detail::range_record& r = some[i];
        good = r.sum == r.right_sum() && r.begin < r.end && r.end <= size;
        if (good) {
          ranges.add({r.begin, r.end});
          ++records;
        }
      }
    }
  }

  /// Behind the last good record, so that a torn one is written over.
  void append(byte_ranges::range fresh) {
    const hanami::detail::file_handle out = open(ranges_file, O_WRONLY | O_CREAT);
    put(out.get(), fresh, records);
    ++records;
  }

  void put(int fd, byte_ranges::range fresh, std::uint64_t index) const {
    detail::range_record record{fresh.begin, fresh.end, 0};
    record.sum = record.right_sum();
    if (!detail::pwrite_all(fd, std::as_bytes(std::span(&record, 1)), index * sizeof record)) {
      detail::refuse_write(ranges_file);
    }
  }

  /// Many small pieces that joined: writes down what came of them instead.
  void compact() {
    const std::filesystem::path fresh = ranges_file.string() + ".new";
    {
      const hanami::detail::file_handle out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC);
      for (std::size_t i = 0; i < ranges.list().size(); ++i) {
        put(out.get(), ranges.list()[i], i);
      }
    }
    if (::rename(fresh.c_str(), ranges_file.c_str()) != 0) {
      detail::refuse_write(ranges_file);
    }
    records = ranges.list().size();
  }

  void check_gaps(byte_ranges::range fresh) const {
    const std::uint64_t most = 1024 + size / 32768;
    if (ranges.list().size() >= most && !ranges.touches(fresh)) {
      throw refusal(refusal_code::too_many_gaps,
                    "more than " + std::to_string(most) +
                        " separate pieces; fill the gaps between them first, from byte " +
                        std::to_string(ranges.first_gap()) + " on");
    }
  }

  std::filesystem::path file;
  std::filesystem::path ranges_file;
  std::uint64_t size;

  mutable std::mutex held; ///< for what follows and for the file of the ranges
  byte_ranges ranges;
  std::uint64_t records = 0; ///< good ones in the file
  std::int64_t last_write = 0;
};

HANAMI_SERVICE_INLINE part_file::part_file(std::filesystem::path file, std::uint64_t size)
    : state_(std::make_unique<state>(std::move(file), size)) {}

HANAMI_SERVICE_INLINE part_file::~part_file() = default;

HANAMI_SERVICE_INLINE const std::filesystem::path& part_file::path() const noexcept {
  return state_->file;
}

HANAMI_SERVICE_INLINE std::uint64_t part_file::size() const noexcept { return state_->size; }

HANAMI_SERVICE_INLINE std::uint64_t part_file::received() const {
  const std::lock_guard lock(state_->held);
  return state_->ranges.total();
}

HANAMI_SERVICE_INLINE std::uint64_t part_file::next() const {
  const std::lock_guard lock(state_->held);
  return state_->ranges.first_gap();
}

HANAMI_SERVICE_INLINE std::int64_t part_file::last_write() const {
  const std::lock_guard lock(state_->held);
  return state_->last_write;
}

HANAMI_SERVICE_INLINE void part_file::write(std::uint64_t position,
                                            std::span<const std::byte> bytes) {
  state& s = *state_;
  if (position > s.size || bytes.size() > s.size - position) {
    throw invalid_value(std::to_string(bytes.size()) + " bytes from byte " +
                        std::to_string(position) + " on; " + std::to_string(s.size) +
                        " were announced");
  }
  const byte_ranges::range fresh{position, position + bytes.size()};
  {
    const std::lock_guard lock(s.held);
    s.check_gaps(fresh);
  }
  const hanami::detail::file_handle out = state::open(s.file, O_WRONLY);
  if (!detail::pwrite_all(out.get(), bytes, position)) {
    detail::refuse_write(s.file);
  }
  const std::lock_guard lock(s.held);
  s.last_write = now_ms();
  if (s.ranges.contains(fresh)) {
    return;
  }
  s.check_gaps(fresh); // others may have written in between
  s.append(fresh);
  s.ranges.add(fresh);
  if (s.records > 1024 && s.records > 4 * s.ranges.list().size()) {
    s.compact();
  }
}

HANAMI_SERVICE_INLINE void part_file::remove() noexcept {
  ::unlink(state_->file.c_str());
  ::unlink(state_->ranges_file.c_str());
}

} // namespace hanami::service::data
