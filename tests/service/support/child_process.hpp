// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

/// A process that works at `work(report)` until it is killed; `report` sends a number to this one.
class child_process {
 public:
  using reporter = std::function<void(std::uint64_t)>;

  explicit child_process(const std::function<void(const reporter&)>& work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    process_ = ::fork();
    REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::close(ends[0]);
      try {
        work([fd = ends[1]](std::uint64_t number) {
          if (::write(fd, &number, sizeof number) != sizeof number) {
            ::_exit(2);
          }
        });
      } catch (...) {
      }
      ::_exit(1); // it should have been killed before
    }
    ::close(ends[1]);
    from_ = ends[0];
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    kill();
    ::close(from_);
  }

  /// The next number that it reports; nothing: it is dead, and has reported no more.
  std::optional<std::uint64_t> next() const {
    std::uint64_t number = 0;
    return ::read(from_, &number, sizeof number) == sizeof number ? std::optional(number)
                                                                  : std::nullopt;
  }
  /// Kills it without waiting; from any thread, while nobody calls `kill`.
  void kill_without_waiting() const { ::kill(process_, SIGKILL); }
  void kill() {
    if (process_ > 0) {
      kill_without_waiting();
      int status = 0;
      ::waitpid(process_, &status, 0);
      CHECK(WIFSIGNALED(status));
      process_ = -1;
    }
  }

 private:
  ::pid_t process_ = -1;
  int from_ = -1;
};
