// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace example {

namespace detail {
inline volatile std::sig_atomic_t save_wanted = 0;
} // namespace detail

/// While one lives, SIGUSR1 asks for a checkpoint.
class save_signal {
 public:
  save_signal() : old_(std::signal(SIGUSR1, [](int) { detail::save_wanted = 1; })) {}
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

} // namespace example
