// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http_server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"
#include "../base/descriptors.hpp"
#include "problem.hpp"
#include "receive.hpp"
#include "respond.hpp"
#include "session.hpp"
#include "tls_context.hpp"

namespace hanami::service::http {

namespace detail {

using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

/// How much later than its deadline a connection may be looked at: little beside the shortest.
inline std::chrono::milliseconds slack_of(const http_settings& of) {
  const auto shortest = std::min({of.header_timeout, of.body_timeout, of.idle_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

inline http_settings checked_settings(http_settings given) {
  const auto positive = [](auto value, const char* name) {
    if (value <= decltype(value){}) {
      raise(errc::invalid_argument, std::string("http.") + name + " must be greater than 0");
    }
  };
  positive(given.body_bytes, "body_bytes");
  positive(given.message_bytes, "message_bytes");
  positive(given.connections, "connections");
  positive(given.connections_per_address, "connections_per_address");
  positive(given.body_rate, "body_rate");
  positive(given.header_timeout, "header_timeout_ms");
  positive(given.body_timeout, "body_timeout_ms");
  positive(given.idle_timeout, "idle_timeout_ms");
  constexpr std::size_t most_threads = 1024;
  if (given.threads > most_threads) {
    raise(errc::invalid_argument, "http.threads is at most 1024");
  }
  if (given.threads == 0) {
    given.threads = std::max<std::size_t>(1, std::thread::hardware_concurrency() / 2);
  }
  return given;
}

inline std::thread named_thread(const std::string& name, std::function<void()> body) {
  std::thread made(std::move(body));
  ::pthread_setname_np(made.native_handle(), name.c_str());
  return made;
}

/// The answer to who finds no descriptor for a connection.
inline std::string no_descriptor_text() {
  const response refused = response_of(problem(too_many_files()));
  return "HTTP/1.1 " + std::to_string(refused.status) + ' ' +
         std::string(title_of(refused.status)) + "\r\nContent-Type: " + refused.content_type +
         "\r\nContent-Length: " + std::to_string(refused.body.size()) +
         "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" + refused.body;
}

/// The socket that connections come to. Throws `errc::file_error`.
inline tcp_acceptor listen_at(asio::io_context& io, const std::string& address,
                              std::uint16_t port) {
  error_code trouble;
  asio::ip::basic_resolver<asio::ip::tcp, executor> resolver(io);
  const auto found = resolver.resolve(std::string(without_brackets(address)), std::to_string(port),
                                      asio::ip::resolver_base::passive, trouble);
  const auto refuse = [&] {
    raise(errc::file_error, "cannot listen at " + with_brackets(address) + ':' +
                                std::to_string(port) + ": " + trouble.message());
  };
  if (trouble || found.empty()) {
    refuse();
  }
  const asio::ip::tcp::endpoint endpoint = *found.begin();
  tcp_acceptor made(io);
  made.open(endpoint.protocol(), trouble);
  if (!trouble) {
    made.set_option(asio::socket_base::reuse_address(true), trouble);
  }
  if (!trouble) {
    made.bind(endpoint, trouble);
  }
  if (!trouble) {
    made.listen(asio::socket_base::max_listen_connections, trouble);
  }
  if (trouble) {
    refuse();
  }
  return made;
}

} // namespace detail

struct server::state {
  state(application& answers, const http_settings& settings, worker_pool& pool,
        const tls_settings& tls)
      : with(answers, detail::checked_settings(settings), tls, pool), tls_files(tls) {
    if (!tls.certificate.empty() && tls.key.empty()) {
      raise(errc::invalid_argument, "tls.certificate needs a tls.key");
    }
    if (!tls.certificate.empty()) {
      tls_now = detail::make_tls_context(tls);
    } else if (!tls.key.empty() || tls.redirect_port != 0) {
      raise(errc::invalid_argument, "tls.key and tls.redirect_port need a tls.certificate");
    }
    for (std::size_t i = 0; i < with.settings.threads; ++i) {
      shards.push_back(std::make_unique<detail::shard>(detail::slack_of(with.settings)));
    }
    listener.emplace(detail::listen_at(shards[0]->io, with.settings.address, with.settings.port));
    port = listener->local_endpoint().port();
    with.secure_port = port;
    if (tls.redirect_port != 0) {
      redirector.emplace(
          detail::listen_at(shards[0]->io, with.settings.address, tls.redirect_port));
    }
    start();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { stop(); }

  void start() {
    boost::asio::co_spawn(shards[0]->io, accept(*listener, detail::duty::serve),
                          detail::ended(with.answers));
    if (redirector) {
      boost::asio::co_spawn(shards[0]->io, accept(*redirector, detail::duty::redirect),
                            detail::ended(with.answers));
    }
    try {
      for (std::size_t i = 0; i < shards.size(); ++i) {
        threads.push_back(detail::named_thread("http-" + std::to_string(i),
                                               [this, i] { shards[i]->run(with.answers); }));
      }
    } catch (...) {
      stop();
      throw;
    }
  }

  detail::coroutine<> accept(detail::tcp_acceptor& from, detail::duty what) {
    detail::tcp_timer pause(shards[0]->io.get_executor());
    while (from.is_open()) {
      detail::shard& on = emptiest();
      auto [trouble, socket] = co_await from.async_accept(on.io, detail::as_tuple);
      if (!trouble) {
        begin(on, std::move(socket), what);
      } else if (from.is_open() && trouble != boost::asio::error::connection_aborted) {
        // Out of descriptors or of memory: others must end before one more can begin.
        with.answers.report("cannot accept: " + trouble.message());
        refuse_one(on, from, what);
        pause.expires_after(std::chrono::milliseconds(100));
        co_await pause.async_wait(detail::as_tuple);
      }
    }
  }

  /// Tells the one who waits longest why it has to: with a descriptor held back for that.
  void refuse_one(detail::shard& on, detail::tcp_acceptor& from, detail::duty what) {
    spare.lend([&] {
      detail::error_code trouble;
      from.non_blocking(true, trouble);
      detail::tcp_socket socket(on.io);
      if (!trouble && !from.accept(socket, trouble)) {
        const bool secure = what == detail::duty::serve && !tls_files.certificate.empty();
        refused.add(1);
        if (!secure) {
          const std::string text = detail::no_descriptor_text();
          std::array<char, 4096> request{}; // what is not read would cost the peer the answer
          socket.non_blocking(true, trouble);
          socket.read_some(boost::asio::buffer(request), trouble);
          socket.write_some(boost::asio::buffer(text), trouble);
          socket.shutdown(boost::asio::socket_base::shutdown_both, trouble);
        }
      }
    });
  }

  detail::shard& emptiest() {
    return **std::min_element(shards.begin(), shards.end(), [](const auto& a, const auto& b) {
      return a->connections.load() < b->connections.load();
    });
  }

  std::uint64_t open_connections() const {
    std::uint64_t open = 0;
    for (const auto& each : shards) {
      open += each->connections.load();
    }
    return open;
  }

  /// A share of the connections that an address may have, and how many it has then: those of this
  /// machine and of proxies, which stand for many, are not counted.
  std::pair<detail::address_counts::share, std::size_t> enter(const std::string& address) {
    const auto parsed = ip_address::parse(address);
    if (!parsed || parsed->is_loopback() || detail::is_one_of(with.proxies, address)) {
      return {};
    }
    return with.addresses.enter(network_of(address));
  }

  /// Hands a connection to its thread.
  void begin(detail::shard& on, detail::tcp_socket socket, detail::duty what) {
    accepted.add(1);
    const bool secure = what == detail::duty::serve && !tls_files.certificate.empty();
    auto [share, of_address] = enter(detail::address_of(socket));
    if (of_address > with.settings.connections_per_address) {
      refused.add(1);
      return; // without a word: who has so many open means no good, or hears of it by the others
    }
    const std::uint64_t open = open_connections();
    if (open >= with.settings.connections) {
      refused.add(1);
      constexpr std::uint64_t answered = 64; // with a reason; the rest is just closed
      if (secure || open >= with.settings.connections + answered) {
        return;
      }
      what = detail::duty::refuse;
    }
    detail::error_code ignored;
    socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    std::shared_ptr<boost::asio::ssl::context> context;
    if (secure) {
      const std::lock_guard lock(tls_mutex);
      context = tls_now;
    }
    boost::asio::post(on.io, [this, &on, what, taken = detail::place(on, std::move(share)),
                              kept = std::move(socket), context = std::move(context)]() mutable {
      if (with.stopping) {
        return;
      }
      if (context) {
        run<detail::tls_socket>(on, std::move(taken), {std::move(kept), *context}, what);
      } else {
        run<detail::tcp_socket>(on, std::move(taken), std::move(kept), what);
      }
    });
  }

  template <class Stream>
  void run(detail::shard& on, detail::place taken, Stream stream, detail::duty what) {
    auto made = std::make_shared<detail::session<Stream>>(with, on, std::move(taken),
                                                          std::move(stream), what);
    boost::asio::co_spawn(
        on.io, [made]() -> detail::coroutine<> { return made->run(); },
        detail::ended(with.answers));
  }

  /// Calls a function of every connection, each on its own thread.
  void tell_all(void (detail::connection::*what)()) {
    for (const auto& each : shards) {
      boost::asio::post(each->io, [on = each.get(), what] {
        on->for_each([what](detail::connection& one) { (one.*what)(); });
      });
    }
  }

  /// Whether no connection is left, which is waited for.
  bool wait_until_empty(std::chrono::milliseconds most) {
    const auto until = std::chrono::steady_clock::now() + most;
    return std::all_of(shards.begin(), shards.end(),
                       [until](const auto& each) { return each->wait_until_empty(until); });
  }

  void stop() {
    const std::lock_guard lock(stop_mutex);
    if (stopped) {
      return;
    }
    stopped = true;
    with.stopping = true;
    boost::asio::post(shards[0]->io, [this] {
      detail::error_code ignored;
      listener->close(ignored);
      if (redirector) {
        redirector->close(ignored);
      }
    });
    if (!threads.empty()) {
      tell_all(&detail::connection::ask_to_end);
      bool empty = wait_until_empty(std::chrono::seconds(5));
      while (!empty) { // again and again: one may have been about to begin
        tell_all(&detail::connection::force_end);
        empty = wait_until_empty(std::chrono::milliseconds(100));
      }
    }
    for (const auto& each : shards) {
      each->io.stop();
    }
    for (std::thread& each : threads) {
      each.join();
    }
    with.workers.close();
  }

  detail::transport with;
  tls_settings tls_files;
  std::mutex tls_mutex;
  std::shared_ptr<boost::asio::ssl::context> tls_now;
  std::vector<std::unique_ptr<detail::shard>> shards;
  std::optional<detail::tcp_acceptor> listener;
  std::optional<detail::tcp_acceptor> redirector;
  std::uint16_t port = 0;
  detail::counter accepted, refused;
  spare_descriptor spare;
  std::mutex stop_mutex;
  bool stopped = false;
  std::vector<std::thread> threads;
};

HANAMI_SERVICE_INLINE server::server(application& answers, const http_settings& settings,
                                     worker_pool& pool, const tls_settings& tls)
    : state_(std::make_unique<state>(answers, settings, pool, tls)) {}

HANAMI_SERVICE_INLINE server::~server() = default;

HANAMI_SERVICE_INLINE std::uint16_t server::port() const noexcept { return state_->port; }

HANAMI_SERVICE_INLINE void server::stop() { state_->stop(); }

HANAMI_SERVICE_INLINE void server::reload_certificate() {
  if (state_->tls_files.certificate.empty()) {
    return;
  }
  auto made = detail::make_tls_context(state_->tls_files);
  const std::lock_guard lock(state_->tls_mutex);
  state_->tls_now = std::move(made);
}

HANAMI_SERVICE_INLINE void server::run(std::function<void()> work) {
  state_->with.workers.post([&answers = state_->with.answers, work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& fault) {
      answers.report(fault.what());
    } catch (...) {
      answers.report("an exception of an unknown kind");
    }
  });
}

HANAMI_SERVICE_INLINE bool server::answers_within(std::chrono::milliseconds most) {
  struct tally { // outlives the call, for a thread that comes late
    std::mutex mutex;
    std::condition_variable heard;
    std::size_t missing;
  };
  const auto counted = std::make_shared<tally>();
  counted->missing = state_->shards.size();
  for (const auto& each : state_->shards) {
    boost::asio::post(each->io, [counted] {
      const std::lock_guard lock(counted->mutex);
      --counted->missing;
      counted->heard.notify_all();
    });
  }
  std::unique_lock lock(counted->mutex);
  return counted->heard.wait_for(lock, most, [&] { return counted->missing == 0; });
}

HANAMI_SERVICE_INLINE transport_statistics server::statistics() const noexcept {
  transport_statistics all;
  all.accepted = state_->accepted.read();
  all.refused = state_->refused.read();
  for (const auto& each : state_->shards) {
    all.connections += each->connections.load();
    const std::uint64_t ended = each->sockets_ended.read(); // first, or more may end than began
    all.sockets += each->sockets_begun.read() - ended;
    all.requests += each->requests.read();
    all.messages_in += each->messages_in.read();
    all.messages_out += each->messages_out.read();
    all.bytes_in += each->bytes_in.read();
    all.bytes_out += each->bytes_out.read();
  }
  return all;
}

} // namespace hanami::service::http
