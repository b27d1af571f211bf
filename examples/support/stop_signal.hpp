// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>
#include <cstddef>

namespace example {

namespace detail {
inline volatile std::sig_atomic_t stop_wanted = 0;
} // namespace detail

/// While one lives, SIGINT, SIGTERM and SIGHUP do not end the program but ask it to stop; a second
/// one ends it. Those that were ignored already, as nohup does, stay ignored. At most one at a
/// time.
class stop_signal {
 public:
  stop_signal() {
    detail::stop_wanted = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      old_[i] = std::signal(numbers[i], &note);
      if (old_[i] == SIG_IGN) {
        std::signal(numbers[i], SIG_IGN);
      }
    }
  }
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  ~stop_signal() {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      std::signal(numbers[i], old_[i]);
    }
  }

  static bool wanted() noexcept { return detail::stop_wanted != 0; }

 private:
  using handler = void (*)(int);
  static constexpr std::array numbers = {SIGINT, SIGTERM, SIGHUP};

  static void note(int number) {
    detail::stop_wanted = 1;
    std::signal(number, SIG_DFL);
  }

  std::array<handler, numbers.size()> old_{};
};

} // namespace example
