// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What goes between the transport and what answers: plain data, without a word of sockets.

namespace hanami::service::http {

/// Header fields in their order; names compare without case.
class fields {
 public:
  void add(std::string name, std::string value) {
    all_.emplace_back(std::move(name), std::move(value));
  }
  /// The first of that name; empty if there is none.
  std::string_view get(std::string_view name) const;
  /// All of that name, in their order.
  std::vector<std::string_view> get_all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct request {
  std::string method; ///< "GET"
  std::string path;   ///< percent-decoded, without the query; begins with /
  std::string query;  ///< as sent, without the ?
  fields headers;
  std::string body;    ///< empty where it went into a sink
  std::string address; ///< of the client, without the port
  bool secure = false; ///< came through TLS
};

/// A body that is longer than memory should hold, or not known in advance.
class body_source {
 public:
  virtual ~body_source() = default;
  /// Bytes in all; nothing: not known, sent in chunks.
  virtual std::optional<std::uint64_t> size() const = 0;
  /// Fills the buffer as far as it can; 0: the end. Runs on a worker thread; what it throws ends
  /// the connection.
  virtual std::size_t read(std::span<char> buffer) = 0;
  /// The next `read` begins there, at most `size`. Called only where the endpoint says that parts
  /// of it can be asked for.
  virtual void seek(std::uint64_t /*position*/) {}
};

/// Server-sent events.
class event_source {
 public:
  virtual ~event_source() = default;
  /// Asked every 250 ms on a worker thread; appends whole events ("data: ...\n\n") to `out`, or
  /// nothing. False: these were the last.
  virtual bool next(std::string& out) = 0;
};

struct response {
  unsigned status = 200;
  fields headers;
  std::string content_type; ///< empty: none is named
  std::string body;
  std::unique_ptr<body_source> source;  ///< instead of `body`
  std::unique_ptr<event_source> events; ///< instead of `body`
  bool close = false;                   ///< the connection ends with this
};

/// Takes a body as it comes in. Runs on worker threads, one call at a time. What `write` throws
/// (a `refusal`) is answered, and the connection ends.
class body_sink {
 public:
  virtual ~body_sink() = default;
  virtual void write(std::string_view piece) = 0;
};

/// What the application knows of a request whose head it has admitted: it keeps that here while the
/// body comes in, and gets it back with the whole request.
class admitted_request {
 public:
  virtual ~admitted_request() = default;
  /// Where the body goes; nullptr: into `request::body`.
  virtual body_sink* sink() noexcept { return nullptr; }
};

/// What is to be done with a request whose head has been read.
struct admission {
  std::optional<response> refusal;            ///< answered at once; the body is not read
  std::size_t max_body = 0;                   ///< bytes; a longer one is refused with 413
  std::shared_ptr<admitted_request> admitted; ///< comes back with the request; may be nothing
};

/// Gives the answer; from any thread, exactly once. Dropped without a call it answers 500.
using responder = std::function<void(response)>;

/// One WebSocket, as who answers it sees it. Safe from any thread; calls after its end do nothing.
class socket {
 public:
  virtual ~socket() = default;
  virtual void send(std::string message, bool binary) = 0;
  /// Sends what waits, then closes. `code` 1000..4999 as in RFC 6455.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Bytes given to `send` that the network has not taken yet.
  virtual std::size_t waiting() const = 0;
  /// Calls `then`, at once or on the network thread, when the network has taken all of them; one
  /// call at a time waits, and one that waits at the socket's end is dropped.
  virtual void when_sent(std::function<void()> then) = 0;
};

/// Answers one WebSocket. The transport holds it; its last reference goes when the socket ends.
class socket_handler {
 public:
  virtual ~socket_handler() = default;
  /// What the answer names in Sec-WebSocket-Protocol: one that the client has offered, or nothing.
  virtual std::string_view subprotocol() const noexcept { return {}; }
  /// Whether the peer has said who it is. Until then its messages may be long by 8 KiB only, and
  /// it has the time of a request's head for it. Asked on a network thread, between two messages.
  virtual bool knows_peer() const { return true; }
  /// One call at a time, on a network thread: must not wait for anything. The next message is read
  /// after `ready` has been called, from any thread, once: that is the backpressure. Until then,
  /// `message` stays where it is. A handler that throws has its socket closed with 1011.
  virtual void on_message(std::string_view message, bool binary, std::function<void()> ready) = 0;
  /// The peer has gone, or the server ends.
  virtual void on_close() noexcept = 0;
};

/// What the transport serves. All functions are called from many threads.
class application {
 public:
  virtual ~application() = default;
  /// The head of a request has been read; quick.
  virtual admission admit(const request& head) = 0;
  /// A whole request. Quick: what takes long is handed to other threads.
  virtual void handle(request received, std::shared_ptr<admitted_request> admitted,
                      responder answer) = 0;
  /// A client wants a WebSocket; nothing: refused with 404. A handler keeps the socket weakly or
  /// lets go of it in `on_close`.
  virtual std::shared_ptr<socket_handler> open_socket(const request& head,
                                                      std::shared_ptr<socket> peer) = 0;
  /// The transport itself is about to refuse a request; adds what all answers have. Of the head
  /// there is what has been read.
  virtual void complete_refusal(const request& /*head*/, response& /*refusal*/) {}
  /// An exception that came from the application, or a fault of the transport.
  virtual void report(std::string_view what) noexcept = 0;
};

} // namespace hanami::service::http
