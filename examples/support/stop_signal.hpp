// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace example {

namespace detail {
inline volatile std::sig_atomic_t stop_wanted = 0;
} // namespace detail

/// While one lives, SIGINT and SIGTERM do not end the program but ask it to stop; a second one ends
/// it. At most one at a time.
class stop_signal {
 public:
  stop_signal() {
    detail::stop_wanted = 0;
    old_interrupt_ = std::signal(SIGINT, &note);
    old_terminate_ = std::signal(SIGTERM, &note);
  }
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  ~stop_signal() {
    std::signal(SIGINT, old_interrupt_);
    std::signal(SIGTERM, old_terminate_);
  }

  static bool wanted() noexcept { return detail::stop_wanted != 0; }

 private:
  using handler = void (*)(int);

  static void note(int number) {
    detail::stop_wanted = 1;
    std::signal(number, SIG_DFL);
  }

  handler old_interrupt_;
  handler old_terminate_;
};

} // namespace example
