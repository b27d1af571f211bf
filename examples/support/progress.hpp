// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <unistd.h>

namespace example {

/// One line on the terminal: how much is done, how fast, how long it will still take. Silent where
/// stderr is a file or a pipe.
class progress {
 public:
  progress(std::string what, std::uint64_t total, bool wanted = true)
      : what_(std::move(what)), total_(total), shown_(wanted && ::isatty(STDERR_FILENO) == 1) {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() {
    if (drawn_) {
      std::fputs("\r\033[K", stderr);
    }
  }

  /// Call it after every piece of work; it looks at the clock every 64th time only.
  void advance(std::uint64_t done) {
    if (done % 64 == 0 || done == total_) {
      show(done);
    }
  }

  /// The same for long pieces of work.
  void show(std::uint64_t done) {
    if (shown_) {
      draw(done);
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  void draw(std::uint64_t done) {
    const clock::time_point now = clock::now();
    if (now < next_) {
      return;
    }
    next_ = now + std::chrono::milliseconds(100);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double speed = static_cast<double>(done) / (seconds + 1e-9);
    const double left = static_cast<double>(total_ - done) / (speed + 1e-9);
    const double percent =
        100.0 * static_cast<double>(done) / static_cast<double>(total_ == 0 ? 1 : total_);
    const auto minutes = static_cast<long>(left) / 60;
    std::fprintf(stderr, "\r\033[K%s  %3.0f %%  %.*f/s  %ld:%02ld left", what_.c_str(), percent,
                 speed < 10 ? 2 : 0, speed, minutes, static_cast<long>(left) % 60);
    std::fflush(stderr);
    drawn_ = true;
  }

  std::string what_;
  std::uint64_t total_;
  clock::time_point start_ = clock::now();
  clock::time_point next_ = start_ + std::chrono::milliseconds(200);
  bool shown_;
  bool drawn_ = false;
};

} // namespace example
