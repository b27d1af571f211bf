// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
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

#include "../../foundation/error.hpp"
#include "file_identity.hpp"

namespace hanami::inline HANAMI_ISA {

/// What became of the file behind a path. After the first three another file begins.
enum class source_change : std::uint8_t {
  replaced,  ///< another file has its name; the old one has been read to its end
  rotated,   ///< the same more than once: another one that had its name comes next
  truncated, ///< it was emptied, or written anew in place

  emptied,  ///< the same, but a copy was made before: what has not been read comes from there
  copied,   ///< a copy has its name, and goes on where the old one was
  vanished, ///< the name is gone
  returned, ///< it is there again
};

/// Whether another file begins.
constexpr bool begins_file(source_change change) noexcept {
  return change <= source_change::truncated;
}

/// What to print behind the file's name.
constexpr std::string_view words_for(source_change change) noexcept {
  constexpr std::array<std::string_view, 7> words = {
      "is another file by now; the old one was read to its end",
      "was replaced more than once; the file after the one that ended is read",
      "was emptied or written anew; it is read from its start",
      "was emptied; what had not been read comes from its copy",
      "was replaced by a copy, which is read on",
      "is gone; it is waited for",
      "is there",
  };
  return words[static_cast<std::size_t>(change)];
}

/// How a source goes on where another has stopped.
enum class source_resumed : std::uint8_t {
  here,    ///< in the same file, behind what was read
  rotated, ///< in the file that has another name by now; what was written since follows
  another, ///< the path is another file, which begins at its start
};

/// Lines of a file, a pipe or standard input as they come, for programs that work as long as
/// measurements do. Of a line longer than a megabyte only the first megabyte comes. Not safe from
/// several threads.
///
/// A file that is followed is followed by its name, as `tail -F` does, but nothing is lost: one
/// that was renamed is read to its end before the new one begins, where logs were rotated several
/// times the files between come in their order, and of one that was copied and emptied the copy's
/// rest is read.
class line_source {
 public:
  /// `path` "-" is standard input. With `follow` the end of a file is not the end: more may be
  /// written to it, and a file that is not there is waited for. Throws `errc::file_error`.
  explicit line_source(const std::string& path, bool follow = false)
      : name_(path == "-" ? "standard input" : path), path_(path == "-" ? "" : path),
        follow_(follow), buffer_(most_bytes) {
    file_ = STDIN_FILENO;
    if (!path_.empty()) {
      file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      seekable_ = file_ < 0 && follow && errno == ENOENT;
      if (seekable_) {
        return; // it is waited for
      }
    }
    struct stat about {};
    if (file_ < 0 || ::fstat(file_, &about) != 0) {
      refuse("cannot open ");
    }
    if (S_ISDIR(about.st_mode)) {
      errno = EISDIR;
      refuse("cannot read ");
    }
    seekable_ = S_ISREG(about.st_mode);
    if (seekable_) {
      offset_ = static_cast<std::uint64_t>(std::max<::off_t>(0, ::lseek(file_, 0, SEEK_CUR)));
    }
  }
  line_source(const line_source&) = delete;
  line_source& operator=(const line_source&) = delete;
  ~line_source() { close(); }

  /// Calls `see` when something has become of the file, inside of `next`: after the last line of
  /// the old one, before the first of the new.
  void on_change(std::function<void(source_change)> see) { see_ = std::move(see); }

  /// The next line without its end, valid until the next call; nothing at the end. A last line
  /// without an end counts where nothing more can come. Asks `go_on` before it reads more, ten
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
      if (got == filled::stopped) {
        return std::nullopt;
      }
      const bool whole = !unread().empty() && !cut_;
      const std::string_view last = take(unread(), false); // `fill` has moved it
      cut_ = false;
      if (whole) {
        return last;
      }
      if (got == filled::end || !open_next()) {
        return std::nullopt;
      }
    }
  }

  /// Whether the last line was too long and is not whole.
  bool cut() const noexcept { return cut_; }

  /// Whether `next` can answer from what has been read already.
  bool waiting() const noexcept { return unread().find('\n') != std::string_view::npos; }

  /// Whether it is a file, of which a part can be read again.
  bool seekable() const noexcept { return seekable_; }
  /// Bytes of this file's lines that have been taken so far.
  std::uint64_t offset() const noexcept { return offset_; }
  const std::string& name() const noexcept { return name_; }

  /// Where another source of this path can go on; a mark of nothing if it is no file.
  file_mark mark() const { return seekable_ && file_ >= 0 ? mark_of(file_, offset_) : file_mark{}; }

  /// Goes on where a source with this mark was. To be asked before `next`, of files only.
  source_resumed resume(const file_mark& mark) {
    if (mark.offset == 0) {
      return source_resumed::another;
    }
    const bool fits = file_ >= 0 && continues(file_, mark);
    if (!(fits && detail::same_number(file_, mark)) && !path_.empty()) {
      const std::filesystem::path old = rotated_to(path_, mark, !fits);
      const int file = old.empty() ? -1 : ::open(old.c_str(), O_RDONLY | O_CLOEXEC);
      if (file >= 0) {
        use(file, mark.offset);
        renamed_ = true;
        return source_resumed::rotated;
      }
    }
    if (!fits) {
      return source_resumed::another;
    }
    seek(mark.offset);
    return source_resumed::here;
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;
  static constexpr ::timespec pause{0, 100000000};

  enum class filled : std::uint8_t { more, end, next_file, stopped };

  [[noreturn]] void refuse(const char* what) const {
    raise(errc::file_error, what + name_ + ": " + std::generic_category().message(errno));
  }

  void close() noexcept {
    if (file_ > STDIN_FILENO) {
      ::close(file_);
    }
    file_ = -1;
  }

  std::string_view unread() const noexcept { return {buffer_.data() + begin_, end_ - begin_}; }
  /// Bytes of this file that have been read.
  std::uint64_t position() const noexcept { return offset_ + (end_ - begin_); }

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

  void tell(source_change change) const {
    if (see_) {
      see_(change);
    }
  }

  void seek(std::uint64_t offset) {
    if (::lseek(file_, static_cast<::off_t>(offset), SEEK_SET) < 0) {
      refuse("cannot read ");
    }
    offset_ = offset;
    begin_ = end_ = searched_ = 0;
  }

  /// Reads another file from now on.
  void use(int file, std::uint64_t offset) {
    close();
    file_ = file;
    mark_ = {};
    seek(offset);
  }

  /// Reads another file that holds what this one did, and goes on behind it.
  void go_on_in(int file) {
    if (::lseek(file, static_cast<::off_t>(position()), SEEK_SET) < 0) {
      refuse("cannot read ");
    }
    close();
    file_ = file;
  }

  template <class GoOn>
  filled fill(GoOn& go_on) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    while (go_on()) {
      if (at_end_ && !over_) {
        look();
      }
      if (over_) {
        return filled::next_file;
      }
      ::pollfd wait{file_, POLLIN, 0};
      if (!seekable_ && ::poll(&wait, 1, 100) <= 0) {
        continue; // a signal must be heard even where `read` would wait for ever
      }
      const ::ssize_t got =
          file_ < 0 ? 0 : ::read(file_, buffer_.data() + end_, buffer_.size() - end_);
      if (got > 0) {
        end_ += static_cast<std::size_t>(got);
        at_end_ = false;
        return filled::more;
      }
      if (got < 0 && errno != EINTR && errno != EAGAIN) {
        refuse("cannot read ");
      }
      if (got < 0) {
        continue;
      }
      if (!follow_ && (!renamed_ || is_named())) {
        return filled::end;
      }
      over_ = leaving_ || !follow_;
      if (!over_) {
        remember();
        ::nanosleep(&pause, nullptr);
      }
    }
    return filled::stopped;
  }

  /// Whether the file that is read has the path's name.
  bool is_named() const {
    const file_place named = place_of(path_);
    const file_place read = place_of(file_);
    return named.exists && named.device == read.device && named.number == read.number;
  }

  /// Marks how far the file has been read, to see whether it stays what it is.
  void remember() {
    at_end_ = seekable_;
    struct stat about {};
    if (seekable_ && file_ >= 0 && mark_.offset != position() && ::fstat(file_, &about) == 0 &&
        static_cast<std::uint64_t>(about.st_size) >= position()) {
      mark_ = mark_of(file_, position());
    }
  }

  /// At the end of what there is: what has become of the file meanwhile.
  void look() {
    struct stat named {};
    struct stat read {};
    if (file_ >= 0 && ::fstat(file_, &read) == 0 &&
        (static_cast<std::uint64_t>(read.st_size) < position() || !continues(file_, mark_))) {
      if (!open_copy()) {
        over_ = rewritten_ = true;
      }
    } else if (path_.empty() || leaving_) {
      return;
    } else if (::stat(path_.c_str(), &named) != 0) {
      if (!std::exchange(gone_, true)) {
        tell(source_change::vanished);
      }
    } else if (file_ >= 0 && named.st_dev == read.st_dev && named.st_ino == read.st_ino) {
      if (std::exchange(gone_, false)) {
        tell(source_change::returned);
      }
    } else if (named.st_size > 0) { // somebody has begun to write there
      gone_ = false;
      leaving_ = !open_same(); // what came last to the old one is read first
    }
  }

  /// Of a file that was emptied after a copy of it was made: goes on in the copy.
  bool open_copy() {
    const std::filesystem::path copy =
        path_.empty() || mark_.offset == 0 ? "" : rotated_to(path_, mark_, true);
    const int file = copy.empty() ? -1 : ::open(copy.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (file < 0 || ::fstat(file, &about) != 0 ||
        static_cast<std::uint64_t>(about.st_size) < position()) {
      ::close(file);
      return false;
    }
    go_on_in(file);
    tell(source_change::emptied);
    return true;
  }

  /// Of a file that gave its name to a copy: goes on in the copy.
  bool open_same() {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat old {};
    if (::fstat(file_, &old) != 0 || old.st_nlink > 0 || mark_.offset == 0 ||
        mark_.offset != position() || !continues(file, mark_)) {
      ::close(file);
      return false;
    }
    go_on_in(file);
    tell(source_change::copied);
    return true;
  }

  /// After the end of a file: the one that took its name next. False if there is none.
  bool open_next() {
    over_ = leaving_ = at_end_ = false;
    if (std::exchange(rewritten_, false)) {
      mark_ = {};
      seek(0);
      tell(source_change::truncated);
      return true;
    }
    const found_file found =
        file_ < 0 ? found_file{path_, place_of(path_)} : rotated_after(path_, place_of(file_));
    const int file = ::open(found.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      return follow_;
    }
    const file_place opened = place_of(file);
    if (opened.device != found.place.device || opened.number != found.place.number) {
      ::close(file); // renamed meanwhile: looked up again at the next end
      return true;
    }
    const bool first = file_ < 0;
    use(file, 0);
    tell(first                 ? source_change::returned
         : found.path == path_ ? source_change::replaced
                               : source_change::rotated);
    return true;
  }

  std::string name_;
  std::string path_; ///< empty: standard input
  bool follow_;
  bool seekable_ = false;
  int file_ = -1;
  std::function<void(source_change)> see_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool cut_ = false;         ///< the rest of the last line is still to come
  std::size_t searched_ = 0; ///< bytes behind `begin_` that hold no line's end
  std::uint64_t offset_ = 0;
  file_mark mark_;         ///< of what had been read when there was no more
  bool at_end_ = false;    ///< there was no more
  bool gone_ = false;      ///< nothing has the path's name
  bool renamed_ = false;   ///< what is read was found under another name
  bool leaving_ = false;   ///< another file has it, and is begun when this one ends
  bool rewritten_ = false; ///< this one is no longer what was read
  bool over_ = false;      ///< nothing more comes from this file
};

} // namespace hanami
