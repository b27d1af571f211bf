// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/// Talks to who has started the process and looks after it, as systemd's sd_notify(3) says:
/// datagrams of lines NAME=value to a local socket.

namespace hanami::service {

/// Says nothing where nobody listens. Safe from any thread; never throws once it is made.
class service_manager {
 public:
  /// `address`: a path, or `@` and the name of an abstract socket; empty: nobody listens.
  /// `watchdog`: how often it wants to hear that the process works; 0: never.
  explicit service_manager(std::string address, std::chrono::microseconds watchdog = {})
      : address_(std::move(address)), watchdog_(watchdog) {}
  /// As NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say.
  static service_manager from_environment() {
    const std::string pid = variable("WATCHDOG_PID");
    const bool meant = pid.empty() || pid == std::to_string(::getpid());
    const std::string period = variable("WATCHDOG_USEC");
    std::int64_t microseconds = 0;
    std::from_chars(period.data(), period.data() + period.size(), microseconds);
    return service_manager(
        variable("NOTIFY_SOCKET"),
        std::chrono::microseconds(meant ? std::max<std::int64_t>(microseconds, 0) : 0));
  }

  bool listens() const noexcept { return !address_.empty(); }
  /// How often `works` is to be said, which is twice as often as needed; nothing: never.
  std::optional<std::chrono::microseconds> watchdog_pause() const noexcept {
    return listens() && watchdog_.count() > 1 ? std::optional(watchdog_ / 2) : std::nullopt;
  }

  bool ready(std::string_view status) const { return tell("READY=1", status); }
  bool stopping(std::string_view status) const { return tell("STOPPING=1", status); }
  bool works(std::string_view status) const { return tell("WATCHDOG=1", status); }
  bool status(std::string_view text) const { return tell({}, text); }
  /// `ready` ends it.
  bool reloading() const {
    ::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return tell("RELOADING=1\nMONOTONIC_USEC=" +
                    std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000),
                "reads its files anew");
  }

 private:
  static std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  }

  /// Whether it was handed over.
  bool tell(std::string_view what, std::string_view status) const {
    ::sockaddr_un to{};
    if (address_.size() < 2 || address_.size() >= sizeof to.sun_path ||
        (address_[0] != '/' && address_[0] != '@')) {
      return false;
    }
    std::string text(what);
    text += text.empty() ? "STATUS=" : "\nSTATUS=";
    for (const char c : status) {
      text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    const bool abstract = address_[0] == '@';
    if (abstract) {
      to.sun_path[0] = '\0';
    }
    const auto size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + address_.size() +
                                               (abstract ? 0 : 1));
    const int from = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (from < 0) {
      return false;
    }
    const ::ssize_t sent = ::sendto(from, text.data(), text.size(), MSG_NOSIGNAL,
                                    reinterpret_cast<const ::sockaddr*>(&to), size);
    ::close(from);
    return sent == static_cast<::ssize_t>(text.size());
  }

  std::string address_;
  std::chrono::microseconds watchdog_;
};

} // namespace hanami::service
