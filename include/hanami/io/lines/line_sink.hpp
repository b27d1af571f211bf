// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// Text that goes to a file or to standard output in large pieces, and goes on where a checkpoint
/// says: what was written after that is cut off. What has not been flushed is lost with the object.
/// Not safe from several threads.
class line_sink {
 public:
  /// `path` empty: standard output. A file keeps what it holds until `resume`. Throws
  /// `errc::file_error`.
  explicit line_sink(const std::string& path) : name_(path.empty() ? "standard output" : path) {
    file_ =
        path.empty() ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct stat about {};
    if (file_ < 0 || ::fstat(file_, &about) != 0) {
      refuse("cannot open ");
    }
    keeps_ = !path.empty() && S_ISREG(about.st_mode);
  }
  line_sink(const line_sink&) = delete;
  line_sink& operator=(const line_sink&) = delete;
  ~line_sink() {
    if (file_ > STDERR_FILENO) {
      ::close(file_);
    }
  }

  /// Goes on behind the first `bytes` of a file; of anything else nothing can be taken back.
  void resume(std::uint64_t bytes) {
    if (!keeps_) {
      return;
    }
    const ::off_t held = ::lseek(file_, 0, SEEK_END);
    const auto end = std::min(held, static_cast<::off_t>(bytes));
    if (held < 0 || ::ftruncate(file_, end) != 0 || ::lseek(file_, end, SEEK_SET) != end) {
      refuse("cannot go on in ");
    }
    written_ = static_cast<std::uint64_t>(end);
  }

  /// Where text is to be appended; `settle` afterwards.
  std::string& text() noexcept { return text_; }

  /// Flushes where there is much to be written.
  void settle() {
    if (text_.size() > (std::size_t{1} << 16)) {
      flush();
    }
  }

  /// Hands everything to the system. Throws `errc::file_error`.
  void flush() {
    std::string_view rest = text_;
    while (!rest.empty()) {
      const ::ssize_t wrote = ::write(file_, rest.data(), rest.size());
      if (wrote < 0 && errno != EINTR) {
        refuse("cannot write ");
      }
      rest.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(wrote, 0)));
    }
    written_ += text_.size();
    text_.clear();
  }

  /// Bytes handed over so far.
  std::uint64_t written() const noexcept { return written_; }

 private:
  [[noreturn]] void refuse(const char* what) const {
    raise(errc::file_error, what + name_ + ": " + std::generic_category().message(errno));
  }

  std::string name_;
  int file_ = -1;
  bool keeps_ = false; ///< what is written stands in a file of its own
  std::uint64_t written_ = 0;
  std::string text_;
};

} // namespace hanami
