// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hanami/service/http/http_server.hpp>
#include <hanami/service/http/problem.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "service/support/runtime_fixture.hpp"

/// Both sides of the transport's tests: a client of plain system calls, which can also do what no
/// library would, and an application of small functions.

namespace http = hanami::service::http;

struct heard_response {
  unsigned status = 0;                        ///< 0: the connection ended without an answer
  std::map<std::string, std::string> headers; ///< names in lower case; the last of each
  std::vector<std::string> cookies;           ///< all of Set-Cookie
  std::string body;
  bool whole = false; ///< came as long as it was announced
};

class client {
 public:
  explicit client(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const ::timeval most{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  virtual ~client() { ::close(fd_); }

  /// False: the other side has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = write_bytes(text);
      if (sent <= 0) {
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  /// Reads until there are so many bytes; false: there will be none.
  bool need(std::size_t count) {
    while (kept_.size() < count) {
      char bytes[16384];
      const auto got = read_bytes(bytes, sizeof bytes);
      if (got <= 0) {
        return false;
      }
      kept_.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
  }
  std::string take(std::size_t count) {
    if (!need(count)) {
      throw std::runtime_error("the server has closed");
    }
    std::string taken = kept_.substr(0, count);
    kept_.erase(0, count);
    return taken;
  }
  std::string take_line() {
    std::size_t end = 0;
    while ((end = kept_.find("\r\n")) == std::string::npos) {
      if (!need(kept_.size() + 1)) {
        return {};
      }
    }
    std::string line = take(end + 2);
    line.resize(end);
    return line;
  }
  bool is_closed() { return !need(kept_.size() + 1); }

  heard_response read_head() {
    heard_response heard;
    const std::string first = take_line();
    if (first.size() < 12) {
      return heard;
    }
    heard.status = static_cast<unsigned>(std::stoul(first.substr(9, 3)));
    for (std::string line = take_line(); !line.empty(); line = take_line()) {
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      heard.headers[name] = line.substr(colon + 2);
      if (name == "set-cookie") {
        heard.cookies.push_back(heard.headers[name]);
      }
    }
    return heard;
  }
  std::string take_chunk() {
    std::string chunk = take(std::stoul(take_line(), nullptr, 16));
    take_line();
    return chunk;
  }
  heard_response read(bool with_body = true) {
    heard_response heard = read_head();
    const auto length = heard.headers.find("content-length");
    if (heard.status == 0 || !with_body || heard.status == 204 || heard.status == 304) {
      heard.whole = heard.status != 0;
    } else if (length != heard.headers.end()) {
      heard.whole = need(std::stoul(length->second));
      heard.body = take(std::min(kept_.size(), std::size_t{std::stoul(length->second)}));
    } else if (heard.headers.count("transfer-encoding") == 1) {
      for (std::string chunk = take_chunk(); !chunk.empty(); chunk = take_chunk()) {
        heard.body += chunk;
      }
      heard.whole = true;
    } else {
      while (need(kept_.size() + 1)) {
      }
      heard.body = std::move(kept_);
      heard.whole = true;
    }
    return heard;
  }
  heard_response ask(std::string_view request) {
    send(request);
    return read(!request.starts_with("HEAD"));
  }
  heard_response get(const std::string& target) {
    return ask("GET " + target + " HTTP/1.1\r\nHost: here\r\n\r\n");
  }

 protected:
  virtual ::ssize_t write_bytes(std::string_view text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  virtual ::ssize_t read_bytes(char* to, std::size_t size) { return ::recv(fd_, to, size, 0); }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
  std::string kept_;
};

/// An application whose paths are functions.
class small_application : public http::application {
 public:
  using answering =
      std::function<void(http::request, std::shared_ptr<http::admitted_request>, http::responder)>;
  using opening =
      std::function<std::shared_ptr<http::socket_handler>(std::shared_ptr<http::socket>)>;

  std::map<std::string, answering> paths;
  std::map<std::string, opening> sockets;
  std::function<http::admission(const http::request&)> admitting = [](const http::request&) {
    http::admission open;
    open.max_body = 100'000;
    return open;
  };

  void answer(const std::string& path, std::string text) {
    paths[path] = [text](const http::request&, const std::shared_ptr<http::admitted_request>&,
                         const http::responder& give) { give(plain(text)); };
  }
  static http::response plain(std::string text) {
    http::response made;
    made.content_type = "text/plain";
    made.body = std::move(text);
    return made;
  }
  std::vector<std::string> reports() const {
    const std::lock_guard lock(mutex_);
    return reports_;
  }

  http::admission admit(const http::request& head) override { return admitting(head); }
  void handle(http::request received, std::shared_ptr<http::admitted_request> admitted,
              http::responder give) override {
    const auto found = paths.find(received.path);
    if (found == paths.end()) {
      http::response missing = plain("nothing here");
      missing.status = 404;
      give(std::move(missing));
      return;
    }
    found->second(std::move(received), std::move(admitted), std::move(give));
  }
  std::shared_ptr<http::socket_handler> open_socket(const http::request& head,
                                                    std::shared_ptr<http::socket> peer) override {
    const auto found = sockets.find(head.path);
    return found == sockets.end() ? nullptr : found->second(std::move(peer));
  }
  void report(std::string_view what) noexcept override {
    const std::lock_guard lock(mutex_);
    reports_.emplace_back(what);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> reports_;
};

inline hanami::service::http_settings any_port() {
  hanami::service::http_settings settings;
  settings.port = 0;
  settings.threads = 2;
  return settings;
}

/// A transport with a pool of its own.
class lone_server : private quiet_runtime, public http::server {
 public:
  lone_server(http::application& answers, const hanami::service::http_settings& settings,
              const hanami::service::tls_settings& tls = {})
      : http::server(answers, settings, pool, tls) {}
};

/// Waits for what another thread is about to do; false: it has not in ten seconds.
inline bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}
