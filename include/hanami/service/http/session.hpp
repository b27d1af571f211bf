// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "gzip.hpp"
#include "head.hpp"
#include "reply.hpp"
#include "shard.hpp"
#include "socket_session.hpp"
#include "transport.hpp"

/// One HTTP connection: request after request, until it ends or becomes a WebSocket. Its functions
/// that receive requests are defined in `receive.hpp`, those that send answers in `respond.hpp`.

namespace hanami::service::http::detail {

/// What a connection is there for.
enum class duty {
  serve,
  redirect, ///< every request is sent to https
  refuse    ///< there are too many: 503 at once
};

template <class Stream>
class session final : public connection, public std::enable_shared_from_this<session<Stream>> {
 public:
  static constexpr bool secure = std::is_same_v<Stream, tls_socket>;

  session(transport& with, shard& on, place taken, Stream&& stream, duty what)
      : connection(on), transport_(with), place_(std::move(taken)), stream_(std::move(stream)),
        duty_(what) {
    shard_.add(*this);
    address_ = address_of(lowest(stream_));
  }

  /// The connection's whole life.
  coroutine<> run() {
    if constexpr (secure) {
      set_deadline(phase::greeting, settings().header_timeout);
      const auto [trouble] =
          co_await stream_.async_handshake(asio::ssl::stream_base::server, as_tuple);
      if (trouble) {
        co_return;
      }
    }
    if (duty_ == duty::refuse) {
      keep_alive_ = false;
      parser_.emplace(request_, body_);
      co_await refuse(problem(transport_fault::too_many_connections,
                              "too many connections are open; try again later"));
    } else {
      for (bool more = true; more;) { // gcc 12 cannot await within a loop's condition
        more = co_await one_request();
      }
    }
    if (ends_in_order_) {
      co_await linger();
    }
  }

  void expired() override {
    switch (phase_) {
    case phase::head:
    case phase::body: {
      timed_out_ = true;
      error_code ignored;
      lowest(stream_).cancel(ignored);
      break;
    }
    case phase::writing:
      if (progress_.goes_on(lowest(stream_))) {
        expire_at(steady::now() + settings().body_timeout);
        break;
      }
      [[fallthrough]];
    case phase::greeting:
    case phase::idle:
    case phase::leaving:
      close_quietly(lowest(stream_));
      break;
    case phase::working:
      break;
    }
  }
  void ask_to_end() override {
    if (phase_ == phase::idle || phase_ == phase::greeting || phase_ == phase::leaving) {
      close_quietly(lowest(stream_));
    }
  }
  void force_end() override {
    close_quietly(lowest(stream_));
    if (slot_) {
      slot_->give(std::nullopt);
    }
  }

 private:
  enum class phase { greeting, idle, head, body, working, writing, leaving };

  const http_settings& settings() const noexcept { return transport_.settings; }

  void set_deadline(phase what, std::chrono::milliseconds time) {
    phase_ = what;
    expire_at(steady::now() + time);
  }

  /// Until the next deadline is set, there is none.
  void begin_work() {
    phase_ = phase::working;
    never_expire();
  }

  coroutine<bool> one_request() {
    request_ = {};
    request_.address = address_;
    request_.secure = secure;
    parser_.emplace(request_, body_);
    slot_.reset();
    is_head_ = false;
    const bool has_head = co_await read_head();
    if (!has_head) {
      co_return false;
    }
    shard_.requests.add(1);
    see_through_proxies(request_, transport_.proxies);
    is_head_ = request_.method == "HEAD";
    keep_alive_ = parser_->keep_alive() && !transport_.stopping;
    if (const std::optional<problem> fault = parser_->fault()) {
      keep_alive_ = false;
      co_return co_await refuse(*fault);
    }
    if (duty_ == duty::redirect) {
      co_return co_await redirect();
    }
    if (parser_->upgrade() && parser_->version() >= 11 &&
        same_word(request_.headers.get("Upgrade"), "websocket")) {
      co_return co_await upgrade();
    }
    co_return co_await serve();
  }

  static bool same_word(std::string_view a, std::string_view b) {
    return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
  }

  char first_byte() const { return *static_cast<const char*>(buffer_.cdata().data()); }
  static bool is_line_end(char c) { return c == '\r' || c == '\n'; }

  coroutine<bool> read_head();
  /// Nothing: the body is there, or the connection is not.
  coroutine<std::optional<problem>> read_body(std::size_t most, body_sink* sink);
  coroutine<std::optional<problem>> read_piece(std::size_t most);
  coroutine<std::optional<problem>> drain(body_sink& sink);
  coroutine<std::optional<problem>> unpack_body();
  /// Does work on a worker that the client's body asks for; what is wrong with it.
  template <class Work>
  coroutine<std::optional<problem>> work_on_body(Work work);
  /// Reads what there is into the buffer; false: the peer has gone, the time has passed, or the
  /// server ends.
  coroutine<bool> read_more(std::size_t room);

  coroutine<bool> refuse_head(problem why) {
    keep_alive_ = false;
    co_await refuse(why);
    co_return false;
  }

  /// A request whose head is good.
  coroutine<bool> serve() {
    admission admitted;
    std::optional<problem> fault;
    try {
      admitted = transport_.answers.admit(request_);
    } catch (...) {
      fault = problem_for(std::current_exception());
    }
    if (fault || admitted.refusal) {
      keep_alive_ = keep_alive_ && !parser_->has_body();
      if (fault) {
        co_return co_await refuse(*fault);
      }
      co_return co_await respond(std::move(*admitted.refusal));
    }
    std::shared_ptr<admitted_request> known = std::move(admitted.admitted);
    if (parser_->has_body()) {
      try {
        unpacker_ = unpacker_for(request_.headers, admitted.max_body);
      } catch (...) {
        fault = problem_for(std::current_exception());
      }
      if (fault) {
        keep_alive_ = false;
        co_return co_await refuse(*fault);
      }
      fault = co_await read_body(admitted.max_body, known ? known->sink() : nullptr);
      if (fault) {
        keep_alive_ = false;
        co_return co_await refuse(*fault);
      }
      if (body_broken_) {
        co_return false;
      }
    }
    unpacker_.reset();
    request_.body = std::move(body_);
    body_.clear();
    co_return co_await answer(std::move(known));
  }

  /// What a client may know of an exception; the rest is reported to the operator.
  problem problem_for(const std::exception_ptr& fault) {
    if (const std::optional<problem> known = problem_of(fault)) {
      return *known;
    }
    try {
      std::rethrow_exception(fault);
    } catch (const std::exception& why) {
      transport_.answers.report(why.what());
    } catch (...) {
      transport_.answers.report("an exception of an unknown kind");
    }
    return internal_problem();
  }

  /// Hands the request over, waits for the answer and sends it.
  coroutine<bool> answer(std::shared_ptr<admitted_request> admitted) {
    begin_work();
    slot_ = std::make_shared<reply_slot>(shard_.io.get_executor());
    try {
      transport_.answers.handle(std::move(request_), std::move(admitted), make_responder(slot_));
    } catch (...) {
      slot_->give(response_of(problem_for(std::current_exception())));
    }
    std::optional<response> given = co_await slot_->wait();
    if (!given) {
      co_return false;
    }
    co_return co_await respond(std::move(*given));
  }

  /// A refusal by the transport itself, while the head is still here.
  coroutine<bool> refuse(response refused) {
    transport_.answers.complete_refusal(request_, refused);
    co_return co_await respond(std::move(refused));
  }
  coroutine<bool> refuse(problem why) { co_return co_await refuse(response_of(why)); }

  coroutine<bool> redirect() {
    const std::string_view host = request_.headers.get("Host");
    const std::size_t bracket = host.rfind(']'); // of an IPv6 address
    const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const std::string_view name = host.substr(0, colon);
    keep_alive_ = keep_alive_ && !parser_->has_body();
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "0123456789.-_[]:") != std::string_view::npos) {
      co_return co_await refuse(bad_request("the Host field names no host"));
    }
    response moved;
    moved.status = 308;
    const std::uint16_t port = transport_.secure_port;
    std::string target = parser_->target();
    target.erase(0, std::min(target.find('/', target.starts_with('/') ? 0 : 8), target.size()));
    moved.headers.add("Location", std::string("https://") + std::string(name) +
                                      (port == 443 ? "" : ":" + std::to_string(port)) + target);
    co_return co_await respond(std::move(moved));
  }

  /// From here on a `socket_session` has the connection, unless it is refused.
  coroutine<bool> upgrade() {
    keep_alive_ = false;
    if (buffer_.size() > 0 || parser_->has_body()) {
      co_return co_await refuse(bad_request("nothing may follow a request for a WebSocket"));
    }
    if (request_.headers.get("Sec-WebSocket-Version") != "13") {
      response refused =
          response_of({transport_fault::unknown_version, "the WebSocket version known is 13"});
      refused.headers.add("Sec-WebSocket-Version", "13");
      co_return co_await refuse(std::move(refused));
    }
    const std::optional<handshake> shake = read_handshake(request_, parser_->target());
    if (!shake) {
      co_return co_await refuse(bad_request(
          "a WebSocket begins with a GET of HTTP/1.1 and a Sec-WebSocket-Key of 16 bytes"));
    }
    auto link = std::make_shared<socket_link>(shard_.io.get_executor());
    std::shared_ptr<socket_handler> handler;
    std::optional<problem> fault;
    try {
      handler = transport_.answers.open_socket(request_, link);
    } catch (...) {
      fault = problem_for(std::current_exception());
    }
    if (!handler) {
      link->detach();
      const problem why = fault ? *fault : problem(not_found("WebSocket", request_.path));
      co_return co_await refuse(why);
    }
    auto next = std::make_shared<socket_session<Stream>>(
        transport_, shard_, std::move(place_), std::move(stream_), std::move(link), handler);
    this->unlink();
    ends_in_order_ = false;
    asio::co_spawn(
        shard_.io, [next, kept = *shake]() -> coroutine<> { return next->run(kept); },
        ended(transport_.answers));
    co_return false;
  }

  /// True: another request may follow.
  coroutine<bool> respond(response answer);
  coroutine<bool> send_source(response answer, framing how);
  coroutine<bool> send_events(response answer, framing how);
  coroutine<bool> send_piece(std::string_view piece, bool chunked);

  template <class Buffers>
  coroutine<bool> write_all(Buffers buffers) {
    progress_.begin();
    set_deadline(phase::writing, settings().body_timeout);
    const auto [trouble, count] = co_await asio::async_write(stream_, buffers, as_tuple);
    shard_.bytes_out.add(count);
    co_return !trouble;
  }

  /// Lets the peer read the last answer: a socket closed while bytes wait in it takes them back.
  coroutine<> linger() {
    constexpr auto most = std::chrono::milliseconds(2000);
    set_deadline(phase::leaving, transport_.stopping ? std::chrono::milliseconds(100)
                                                     : std::min(most, settings().header_timeout));
    if constexpr (secure) {
      const auto [trouble] = co_await stream_.async_shutdown(as_tuple);
      (void)trouble;
    }
    error_code trouble;
    lowest(stream_).shutdown(asio::socket_base::shutdown_send, trouble);
    std::array<char, 512> waste;
    while (!trouble) {
      const auto [fault, count] =
          co_await lowest(stream_).async_read_some(asio::buffer(waste), as_tuple);
      trouble = fault;
    }
    close_quietly(lowest(stream_));
  }

  transport& transport_;
  place place_;
  Stream stream_;
  duty duty_;
  phase phase_ = phase::idle;
  bool keep_alive_ = true;
  bool timed_out_ = false;
  bool at_end_ = false;
  bool body_broken_ = false; ///< the peer has gone within its request
  bool is_head_ = false;
  bool ends_in_order_ = false; ///< an answer has been sent that the peer shall still read
  std::string address_;
  boost::beast::flat_buffer buffer_;
  request request_;
  std::string body_;
  std::unique_ptr<gzip_unpacker> unpacker_; ///< of a body that comes packed
  std::optional<message_parser> parser_;
  std::shared_ptr<reply_slot> slot_;
  std::string head_;
  write_progress progress_;
  read_pace pace_;
};

} // namespace hanami::service::http::detail
