// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "message.hpp"
#include "shard.hpp"
#include "socket_link.hpp"
#include "transport.hpp"

/// One WebSocket. A coroutine reads; what is sent goes out in a chain of completions, so that an
/// idle socket costs one small coroutine, no buffer and no timer.

namespace hanami::service::http::detail {

namespace websocket = boost::beast::websocket;
using handshake = boost::beast::http::request<boost::beast::http::empty_body>;

/// What a coroutine's end is reported by.
inline auto ended(application& answers) {
  return [&answers](const std::exception_ptr& fault) {
    try {
      if (fault) {
        std::rethrow_exception(fault);
      }
    } catch (const std::exception& why) {
      answers.report(why.what());
    }
  };
}

/// The request in Beast's form; nothing: no WebSocket can begin with it.
inline std::optional<handshake> read_handshake(const request& from, std::string_view target) {
  namespace fields = boost::beast::http;
  constexpr std::size_t key_length = 24; // 16 bytes in base64
  const std::string_view key = from.headers.get("Sec-WebSocket-Key");
  if (from.method != "GET" || key.size() != key_length || !key.ends_with("==")) {
    return std::nullopt;
  }
  handshake shake{fields::verb::get, {target.data(), target.size()}, 11};
  for (const char* name :
       {"Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    const std::string_view value = from.headers.get(name);
    shake.set(name, boost::beast::string_view{value.data(), value.size()});
  }
  return websocket::is_upgrade(shake) ? std::optional(std::move(shake)) : std::nullopt;
}

template <class Stream>
class socket_session final : public connection,
                             public link_target,
                             public std::enable_shared_from_this<socket_session<Stream>> {
 public:
  socket_session(transport& with, shard& on, place taken, Stream&& stream,
                 std::shared_ptr<socket_link> link, std::shared_ptr<socket_handler> handler)
      : connection(on), transport_(with), place_(std::move(taken)), stream_(std::move(stream)),
        link_(std::move(link)), handler_(std::move(handler)) {
    shard_.add(*this);
    shard_.sockets_begun.add(1);
    stream_.auto_fragment(false);
    // Bounds what follows a breach of the protocol; an open socket has no timer of its own.
    websocket::stream_base::timeout times{};
    times.handshake_timeout = close_time;
    times.idle_timeout = websocket::stream_base::none();
    stream_.set_option(times);
  }

  /// The socket's whole life. `shake` outlives it.
  coroutine<> run(const handshake& shake) {
    expire_at(steady::now() + transport_.settings.header_timeout);
    stream_.control_callback([this](websocket::frame_type what, boost::beast::string_view) {
      heard();
      if (what == websocket::frame_type::close) {
        ending_ = true;
        expire_at(steady::now() + goodbye_time);
      }
    });
    if (const std::string_view protocol = handler_->subprotocol(); !protocol.empty()) {
      stream_.set_option(
          websocket::stream_base::decorator([protocol](websocket::response_type& answer) {
            answer.set(boost::beast::http::field::sec_websocket_protocol,
                       boost::beast::string_view{protocol.data(), protocol.size()});
          }));
    }
    const auto [trouble] = co_await stream_.async_accept(shake, as_tuple);
    if (!trouble) {
      introduced_until_ = steady::now() + transport_.settings.header_timeout;
      meet();
      heard();
      link_->attach(this->shared_from_this());
      if (transport_.stopping) {
        ask_to_end();
      }
      for (bool more = true; more;) { // gcc 12 cannot await within a loop's condition
        more = co_await read_message();
      }
    }
    finish();
  }

  void expired() override {
    const steady::time_point now = steady::now();
    const bool silent = !working_ && now >= silent_until_;
    if (ending_ || (!known_ && !working_ && now >= introduced_until_) ||
        (writing_ && now >= write_until_ && !write_goes_on(now)) || (silent && asked_)) {
      close_quietly(socket());
      return;
    }
    if (silent) {
      link_->ping();
      asked_ = true;
      silent_until_ = now + silence_most() / 5;
    }
    set_deadline();
  }
  void ask_to_end() override { link_->close(1001, "the server ends"); }
  void force_end() override {
    close_quietly(socket());
    wake_reader();
  }

  void flush() override {
    if (writing_ || ending_) {
      return;
    }
    if (next_ == batch_.size()) {
      batch_ = link_->take();
      next_ = 0;
    }
    if (next_ < batch_.size()) {
      write(batch_[next_++]);
    } else {
      set_deadline();
    }
  }
  void go_on() override { kept_.maybe_invoke(); }

 private:
  /// A socket that is silent for five times the idle time-out, or five minutes, is asked whether it
  /// is still there, and closed if it stays silent for a fifth of that.
  std::chrono::milliseconds silence_most() const noexcept {
    return 5 * std::min<std::chrono::milliseconds>(transport_.settings.idle_timeout,
                                                   std::chrono::minutes(1));
  }
  static constexpr auto close_time = std::chrono::seconds(5);
  /// For the peer to close its side, too, when both have said so.
  static constexpr auto goodbye_time = std::chrono::milliseconds(250);

  tcp_socket& socket() { return lowest(stream_.next_layer()); }
  void heard() {
    asked_ = false;
    silent_until_ = steady::now() + silence_most();
    set_deadline();
  }
  void set_deadline() {
    if (ending_) {
      return;
    }
    steady::time_point next = working_ ? steady::time_point::max() : silent_until_;
    next = known_ || working_ ? next : std::min(next, introduced_until_);
    expire_at(writing_ ? std::min(next, write_until_) : next);
  }
  /// Takes longer messages from whom is known.
  void meet() {
    constexpr std::size_t of_strangers = std::size_t{8} << 10;
    known_ = handler_->knows_peer();
    const std::size_t most = transport_.settings.message_bytes;
    stream_.read_message_max(known_ ? most : std::min(most, of_strangers));
  }
  bool write_goes_on(steady::time_point now) {
    write_until_ = now + transport_.settings.body_timeout;
    return progress_.goes_on(socket());
  }
  /// Not at once: the reader may be what calls.
  void wake_reader() {
    asio::post(shard_.io, [self = this->shared_from_this()] { self->go_on(); });
  }

  /// Waits in a few bytes, then reads a message into a buffer that was another's before.
  coroutine<bool> read_message() {
    const auto [trouble, first] = co_await stream_.async_read_some(asio::buffer(first_), as_tuple);
    if (trouble) {
      co_return false;
    }
    heard();
    std::string message = shard_.take_buffer();
    message.assign(first_.data(), first);
    while (!stream_.is_message_done()) {
      const std::size_t size = message.size();
      // Grows with what has come, not with what was announced.
      const std::size_t room = std::min(stream_.read_size_hint(std::max<std::size_t>(size, 4096)),
                                        std::max<std::size_t>(size, 16384));
      message.resize(size + room);
      const auto [fault, count] =
          co_await stream_.async_read_some(asio::buffer(message.data() + size, room), as_tuple);
      if (fault) {
        co_return false;
      }
      message.resize(size + count);
      heard();
    }
    shard_.messages_in.add(1);
    shard_.bytes_in.add(message.size());
    const bool taken = co_await hand_over(message);
    shard_.give_buffer(std::move(message));
    co_return taken;
  }

  coroutine<bool> hand_over(std::string_view message) {
    working_ = true;
    set_deadline();
    try {
      handler_->on_message(message, stream_.got_binary(), link_->begin_message());
    } catch (const std::exception& why) {
      transport_.answers.report(std::string("WebSocket: ") + why.what());
      link_->close(1011, "something went wrong here");
    }
    if (!link_->is_ready()) {
      co_await suspend(kept_, [this] { link_->arm(); });
    }
    working_ = false;
    if (!known_) {
      meet();
    }
    heard();
    co_return socket().is_open();
  }

  void write(outgoing& what) {
    writing_ = true;
    write_until_ = steady::now() + transport_.settings.body_timeout;
    progress_.begin();
    set_deadline();
    const auto done = [self = this->shared_from_this(), size = what.data.size()](
                          error_code trouble, std::size_t = 0) { self->written(trouble, size); };
    switch (what.what) {
    case outgoing::kind::text:
    case outgoing::kind::binary:
      stream_.binary(what.what == outgoing::kind::binary);
      shard_.messages_out.add(1);
      shard_.bytes_out.add(what.data.size());
      stream_.async_write(asio::buffer(what.data), done);
      break;
    case outgoing::kind::ping:
      stream_.async_ping({}, [done](error_code trouble) { done(trouble); });
      break;
    case outgoing::kind::close:
      ending_ = true;
      expire_at(steady::now() + (transport_.stopping ? std::chrono::seconds(1) : close_time));
      stream_.async_close(
          websocket::close_reason(static_cast<websocket::close_code>(what.code), what.data),
          [self = this->shared_from_this()](error_code) {
            close_quietly(self->socket());
            self->go_on();
          });
      break;
    }
  }

  void written(error_code trouble, std::size_t size) {
    writing_ = false;
    if (trouble) {
      close_quietly(socket());
      return;
    }
    link_->sent(size);
    flush();
  }

  void finish() {
    link_->detach();
    handler_->on_close();
    handler_.reset();
    close_quietly(socket());
    shard_.sockets_ended.add(1);
  }

  transport& transport_;
  place place_;
  websocket::stream<Stream, false> stream_;
  std::shared_ptr<socket_link> link_;
  std::shared_ptr<socket_handler> handler_;
  boost::beast::saved_handler kept_; ///< the reader, while a message is worked on
  std::vector<outgoing> batch_;      ///< being sent, up to `next_`
  std::size_t next_ = 0;
  std::array<char, 64> first_;
  steady::time_point silent_until_; ///< then it is asked, or closed
  steady::time_point write_until_;
  write_progress progress_;
  steady::time_point introduced_until_;
  bool known_ = true;    ///< the peer has said who it is
  bool asked_ = false;   ///< whether it is still there, since it was last heard
  bool working_ = false; ///< a message is with its handler
  bool writing_ = false;
  bool ending_ = false; ///< the closing frame is on its way
};

} // namespace hanami::service::http::detail
