// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "../base/settings.hpp"
#include "../base/worker_pool.hpp"
#include "message.hpp"

/// The transport: HTTP/1.1 and WebSocket, with or without TLS, on a few threads for any number of
/// connections (Boost.Beast and Asio, coroutines).

namespace hanami::service::http {

struct transport_statistics {
  std::uint64_t connections = 0; ///< open now
  std::uint64_t sockets = 0;     ///< WebSockets among them
  std::uint64_t accepted = 0;    ///< since the start
  std::uint64_t refused = 0;     ///< because too many were open
  std::uint64_t requests = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// Keep-alive, pipelining, HEAD, Expect: 100-continue, chunked bodies, limits and time-outs as the
/// settings say. A malformed request is answered with 400, one too large with 413 or 431, one too
/// slow with 408, each with a reason as `application/problem+json`, and the connection ends.
/// Paths are percent-decoded UTF-8 without control characters and without "..". HEAD reaches the
/// application as such; the body of its answer is left out. What opens a WebSocket goes to
/// `open_socket` and not to `admit`. All functions are safe from any thread.
class server {
 public:
  /// Throws `errc::invalid_argument` for settings out of range and certificates that do not fit,
  /// `errc::file_error` where an address or a file is not to be had. `pool` does what may wait, and
  /// outlives the server.
  server(application& answers, const http_settings& settings, worker_pool& pool,
         const tls_settings& tls = {});
  /// As `stop`.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// The port it listens on.
  std::uint16_t port() const noexcept;
  /// Takes no more connections, lets requests end that have begun (5 s at most), closes the rest
  /// (WebSockets with 1001) and joins all threads. Work given to `run` before is done, work given
  /// later is not. Not to be called from the server's own threads, which it waits for.
  void stop();
  /// Reads certificate and key anew; connections made from then on use them. Throws as the
  /// constructor, and has then changed nothing. Without TLS, it does nothing.
  void reload_certificate();
  /// Runs `work` on a thread of the pool, as a request. What it throws is reported.
  void run(std::function<void()> work);
  transport_statistics statistics() const noexcept;
  /// Whether each thread that talks to sockets takes up something new before `most` has passed.
  bool answers_within(std::chrono::milliseconds most);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::http
