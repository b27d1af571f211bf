// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <unistd.h>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// `training   42 %  12345/s  0:07 left`
inline std::string progress_line(const std::string& what, std::uint64_t done, std::uint64_t total,
                                 double seconds) {
  const double speed = seconds > 0 ? static_cast<double>(done) / seconds : 0.0;
  const auto missing = static_cast<double>(done < total ? total - done : 0);
  const auto left = std::llround(std::min(missing / std::max(speed, 1e-6), 1e9));
  const double percent =
      100.0 * static_cast<double>(done) / static_cast<double>(total == 0 ? 1 : total);
  char text[96];
  std::snprintf(text, sizeof text, "  %3.0f %%  %.*f/s  %lld:%02lld left", percent,
                speed < 10 ? 2 : 0, speed, left / 60, left % 60);
  return what + text;
}

} // namespace detail

/// One line on the terminal: how much is done, how fast, how long it will still take. It is drawn
/// at most ten times a second, gone at the end, and not drawn at all where standard error is a file
/// or a pipe. Not thread-safe.
class progress {
 public:
  progress(std::string what, std::uint64_t total)
      : what_(std::move(what)), total_(total), shown_(::isatty(STDERR_FILENO) == 1) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() {
    if (drawn_) {
      std::fputs("\r\033[K", stderr);
    }
  }

  /// For short pieces of work: it looks at the clock every 64th time only.
  void advance(std::uint64_t done) {
    if (done % 64 == 0 || done == total_) {
      show(done);
    }
  }

  /// For long ones.
  void show(std::uint64_t done) {
    const clock::time_point now = shown_ ? clock::now() : clock::time_point::min();
    if (now < next_) {
      return;
    }
    next_ = now + std::chrono::milliseconds(100);
    const std::chrono::duration<double> took = now - start_;
    std::fprintf(stderr, "\r\033[K%s",
                 detail::progress_line(what_, done, total_, took.count()).c_str());
    std::fflush(stderr);
    drawn_ = true;
  }

 private:
  using clock = std::chrono::steady_clock;

  std::string what_;
  std::uint64_t total_;
  clock::time_point start_ = clock::now();
  clock::time_point next_ = start_ + std::chrono::milliseconds(200);
  bool shown_;
  bool drawn_ = false;
};

} // namespace hanami
