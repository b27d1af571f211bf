// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

/// What systemd listens at: a path, or `@` and an abstract name.
class notify_socket {
 public:
  explicit notify_socket(const std::string& address)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    if (address[0] == '@') {
      at.sun_path[0] = '\0';
    }
    const ::timeval most{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    REQUIRE(::bind(fd_, reinterpret_cast<const ::sockaddr*>(&at),
                   static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + address.size())) ==
            0);
  }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;
  ~notify_socket() { ::close(fd_); }

  /// What it is told next; empty: nothing within 20 s.
  std::string next() const {
    char text[4096];
    const ::ssize_t size = ::recv(fd_, text, sizeof text, 0);
    return {text, static_cast<std::size_t>(size < 0 ? 0 : size)};
  }
  /// The first that begins so; empty: none came.
  std::string wait_for(const std::string& begin) const {
    for (;;) {
      std::string told = next();
      if (told.empty() || told.starts_with(begin)) {
        return told;
      }
    }
  }

 private:
  int fd_;
};
