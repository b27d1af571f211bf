// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// Lines of a file, a pipe or standard input as they come, for programs that work as long as
/// measurements do. Of a line longer than a megabyte only the first megabyte comes. Not safe from
/// several threads.
class line_source {
 public:
  /// `path` "-" is standard input. With `follow` the end of a file is not the end: more may be
  /// written to it. Throws `errc::file_error`.
  explicit line_source(const std::string& path, bool follow = false)
      : name_(path == "-" ? "standard input" : path), follow_(follow) {
    file_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (file_ < 0 || ::fstat(file_, &about) != 0) {
      refuse("cannot open ");
    }
    seekable_ = S_ISREG(about.st_mode);
    buffer_.resize(most_bytes);
  }
  line_source(const line_source&) = delete;
  line_source& operator=(const line_source&) = delete;
  ~line_source() {
    if (file_ > STDIN_FILENO) {
      ::close(file_);
    }
  }

  /// The next line without its end, valid until the next call; nothing at the end. A last line
  /// without an end counts, unless the file is followed. Asks `go_on` before it reads more, ten
  /// times a second while nothing comes: false ends it. Throws `errc::file_error`.
  template <std::predicate GoOn>
  std::optional<std::string_view> next(GoOn go_on) {
    for (;;) {
      const std::string_view rest = unread();
      const std::size_t found = rest.find('\n', searched_);
      if (found != std::string_view::npos || rest.size() == most_bytes) {
        const bool ended = found != std::string_view::npos;
        const bool rest_of_cut = std::exchange(cut_, !ended);
        const std::string_view line = take(rest.substr(0, found), ended);
        if (rest_of_cut) {
          continue;
        }
        return line;
      }
      searched_ = rest.size();
      const filled got = fill(go_on);
      if (got == filled::more) {
        continue;
      }
      if (got == filled::stopped || rest.empty() || cut_) {
        return std::nullopt;
      }
      return take(unread(), false); // `fill` has moved it
    }
  }

  /// Whether the last line was too long and is not whole.
  bool cut() const noexcept { return cut_; }

  /// Whether `next` can answer from what has been read already.
  bool waiting() const noexcept { return unread().find('\n') != std::string_view::npos; }

  bool seekable() const noexcept { return seekable_; }
  /// Bytes of all lines taken so far.
  std::uint64_t offset() const noexcept { return offset_; }
  const std::string& name() const noexcept { return name_; }

  /// Goes on at a byte of a file. Throws `errc::file_error` where the file is shorter.
  void skip_to(std::uint64_t offset) {
    struct stat about {};
    if (::fstat(file_, &about) != 0 || static_cast<std::uint64_t>(about.st_size) < offset ||
        ::lseek(file_, static_cast<::off_t>(offset), SEEK_SET) < 0) {
      raise(errc::file_error, name_ + " is shorter than it was at the checkpoint");
    }
    offset_ = offset;
    begin_ = end_ = searched_ = 0;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;

  [[noreturn]] void refuse(const char* what) const {
    raise(errc::file_error, what + name_ + ": " + std::generic_category().message(errno));
  }

  std::string_view unread() const noexcept { return {buffer_.data() + begin_, end_ - begin_}; }

  std::string_view take(std::string_view line, bool ended) {
    const std::size_t size = line.size() + (ended ? 1 : 0);
    begin_ += size;
    offset_ += size;
    searched_ = 0;
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    return line;
  }

  enum class filled : std::uint8_t { more, nothing, stopped };

  template <class GoOn>
  filled fill(GoOn& go_on) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    while (go_on()) {
      ::pollfd wait{file_, POLLIN, 0};
      if (!seekable_ && ::poll(&wait, 1, 100) <= 0) {
        continue; // a signal must be heard even where `read` would wait for ever
      }
      const ::ssize_t got = ::read(file_, buffer_.data() + end_, buffer_.size() - end_);
      if (got > 0) {
        end_ += static_cast<std::size_t>(got);
        return filled::more;
      }
      if (got < 0 && errno != EINTR && errno != EAGAIN) {
        refuse("cannot read ");
      }
      if (got == 0 && !follow_) {
        return filled::nothing;
      }
      constexpr ::timespec pause{0, 100000000};
      ::nanosleep(&pause, nullptr);
    }
    return filled::stopped;
  }

  std::string name_;
  bool follow_;
  bool seekable_ = false;
  int file_ = -1;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool cut_ = false;         ///< the rest of the last line is still to come
  std::size_t searched_ = 0; ///< bytes behind `begin_` that hold no line's end
  std::uint64_t offset_ = 0;
};

} // namespace hanami
