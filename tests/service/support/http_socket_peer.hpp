// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "service/support/http_peer.hpp"
#include "support/websocket_frame.hpp"

/// A WebSocket client that writes its frames by hand, and handlers to talk with.

struct heard_frame {
  unsigned opcode = 0; ///< 1 text, 2 binary, 8 close, 9 ping, 10 pong; 0: the connection has ended
  std::string data;
  unsigned close_code() const {
    return data.size() < 2
               ? 0u
               : static_cast<unsigned char>(data[0]) * 256u + static_cast<unsigned char>(data[1]);
  }
};

/// `Base`: what carries the bytes.
template <class Base>
class socket_client_over : public Base {
 public:
  using Base::Base;

  static std::string handshake(const std::string& path) {
    return "GET " + path +
           " HTTP/1.1\r\nHost: here\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  }
  heard_response open(const std::string& path) {
    Base::send(handshake(path));
    return Base::read(false);
  }
  static std::string frame(unsigned opcode, std::string data, bool last = true) {
    return support::websocket_frame(opcode, std::move(data), last);
  }
  bool say(const std::string& text) { return Base::send(frame(1, text)); }
  heard_frame hear() {
    heard_frame heard;
    if (!Base::need(2)) {
      return heard;
    }
    const std::string head = Base::take(2);
    heard.opcode = static_cast<unsigned char>(head[0]) & 15u;
    std::size_t size = static_cast<unsigned char>(head[1]) & 127u;
    if (size >= 126) {
      std::size_t wide = 0;
      for (const char byte : Base::take(size == 126 ? 2 : 8)) {
        wide = wide * 256 + static_cast<unsigned char>(byte);
      }
      size = wide;
    }
    heard.data = Base::take(size);
    return heard;
  }
  std::string ask_socket(const std::string& text) {
    say(text);
    return hear().data;
  }
};

using socket_client = socket_client_over<client>;

/// Sends back what it hears, and counts its ends.
class echo_handler final : public http::socket_handler {
 public:
  explicit echo_handler(std::shared_ptr<http::socket> peer, std::atomic<int>* ends = nullptr)
      : peer_(std::move(peer)), ends_(ends) {}
  void on_message(std::string_view message, bool binary, std::function<void()> ready) override {
    peer_->send(std::string(message), binary);
    ready();
  }
  void on_close() noexcept override {
    if (ends_ != nullptr) {
      ++*ends_;
    }
  }

 private:
  std::shared_ptr<http::socket> peer_;
  std::atomic<int>* ends_;
};

/// Calls a function with each message.
class handler_of final : public http::socket_handler {
 public:
  using function = std::function<void(std::string_view, std::function<void()>)>;
  explicit handler_of(function f) : function_(std::move(f)) {}
  void on_message(std::string_view message, bool, std::function<void()> ready) override {
    function_(message, std::move(ready));
  }
  void on_close() noexcept override {}

 private:
  function function_;
};
