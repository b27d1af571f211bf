// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sender.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <system_error>
#include <thread>

#include <openssl/ssl.h>
#include <pthread.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "../../foundation/error.hpp"
#include "../../version.hpp"
#include "../base/compile.hpp"

namespace hanami::service::webhooks {

namespace detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

/// With the system's authorities, and those of a file.
inline asio::ssl::context client_context(const std::filesystem::path& authorities) {
  asio::ssl::context made(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
  made.set_verify_mode(asio::ssl::verify_peer);
  error_code trouble;
  made.set_default_verify_paths(trouble);
  if (!authorities.empty()) {
    made.load_verify_file(authorities.string(), trouble);
    if (trouble) {
      raise(errc::invalid_argument, "webhook.authorities: " + authorities.string() +
                                        " holds no certificates in PEM: " + trouble.message());
    }
  }
  return made;
}

/// Those of a name that may be reached, the first few.
inline std::vector<tcp::endpoint> checked(const tcp::resolver::results_type& found,
                                          const reachable_addresses& reachable) {
  constexpr std::size_t most = 4;
  std::vector<tcp::endpoint> good;
  for (const auto& each : found) {
    const auto address = ip_address::parse(each.endpoint().address().to_string());
    if (address && reachable.contains(*address) && good.size() < most) {
      good.push_back(each.endpoint());
    }
  }
  return good;
}

inline std::uint32_t seconds_in(std::string_view retry_after) {
  std::uint32_t seconds = 0;
  const char* const end = retry_after.data() + retry_after.size();
  const auto read = std::from_chars(retry_after.data(), end, seconds);
  return read.ec == std::errc() && read.ptr == end ? seconds : 0;
}

/// Sends on a stream that is connected, and reads the answer's head.
template <class Stream>
asio::awaitable<post_result> exchange(Stream& on, post_request& what) {
  namespace http = beast::http;
  constexpr std::uint32_t most_head = 16 << 10;
  http::request<http::string_body> request{http::verb::post, what.to.target, 11};
  request.set(http::field::host, what.to.field);
  request.set(http::field::user_agent, "hanami/" HANAMI_VERSION_STRING);
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : what.fields) {
    request.set(name, value);
  }
  request.body() = std::move(what.body);
  request.prepare_payload();
  const auto [unsent, sent] = co_await http::async_write(on, request, as_tuple);
  if (unsent) {
    co_return post_result{0, 0, "cannot send: " + unsent.message()};
  }
  http::response_parser<http::empty_body> answer;
  answer.header_limit(most_head);
  beast::flat_buffer buffer(2 * most_head);
  const auto [unheard, heard] = co_await http::async_read_header(on, buffer, answer, as_tuple);
  if (unheard) {
    co_return post_result{0, 0, "no answer: " + unheard.message()};
  }
  const auto& head = answer.get();
  co_return post_result{
      head.result_int(), seconds_in(std::string(head[http::field::retry_after])), {}};
}

} // namespace detail

struct sender::state {
  state(const webhook_settings& with, logger& to)
      : settings(with), log(to), reachable(with.private_networks),
        context(detail::client_context(with.authorities)), thread([this] { run(); }) {
    ::pthread_setname_np(thread.native_handle(), "webhooks");
  }
  ~state() {
    io.stop();
    thread.join();
  }

  void run() {
    for (;;) {
      try {
        io.run();
        return;
      } catch (...) {
        log.error("webhook", std::current_exception());
      }
    }
  }

  detail::asio::awaitable<post_result> post(post_request& what) {
    detail::tcp::resolver resolver(io);
    const auto [unknown, found] =
        co_await resolver.async_resolve(what.to.host, what.to.port, detail::as_tuple);
    if (unknown) {
      co_return post_result{0, 0, "cannot find " + what.to.host + ": " + unknown.message()};
    }
    const std::vector<detail::tcp::endpoint> places = detail::checked(found, reachable);
    if (places.empty()) {
      co_return post_result{0, 0,
                            what.to.host + " has no address that webhooks may reach; the operator "
                                           "can name networks in webhook.private_networks"};
    }
    if (what.to.secure) {
      co_return co_await post_secure(what, places);
    }
    detail::beast::tcp_stream plain(io);
    plain.expires_after(settings.timeout);
    const auto [closed, at] = co_await plain.async_connect(places, detail::as_tuple);
    if (closed) {
      co_return post_result{0, 0, "cannot connect: " + closed.message()};
    }
    co_return co_await detail::exchange(plain, what);
  }

  detail::asio::awaitable<post_result>
  post_secure(post_request& what, const std::vector<detail::tcp::endpoint>& places) {
    detail::beast::ssl_stream<detail::beast::tcp_stream> secure(io, context);
    secure.set_verify_callback(detail::asio::ssl::host_name_verification(what.to.host));
    if (!ip_address::parse(what.to.host)) {
      // The macro for it casts as this build does not allow.
      SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               what.to.host.data());
    }
    detail::beast::get_lowest_layer(secure).expires_after(settings.timeout);
    const auto [closed, at] =
        co_await detail::beast::get_lowest_layer(secure).async_connect(places, detail::as_tuple);
    if (closed) {
      co_return post_result{0, 0, "cannot connect: " + closed.message()};
    }
    const auto [distrusted] =
        co_await secure.async_handshake(detail::asio::ssl::stream_base::client, detail::as_tuple);
    if (distrusted) {
      co_return post_result{0, 0, "no trusted connection: " + distrusted.message()};
    }
    co_return co_await detail::exchange(secure, what);
  }

  const webhook_settings& settings;
  logger& log;
  const reachable_addresses reachable;
  detail::asio::ssl::context context;
  detail::asio::io_context io{1};
  detail::asio::executor_work_guard<detail::asio::io_context::executor_type> stays{
      io.get_executor()};
  std::thread thread;
};

HANAMI_SERVICE_INLINE sender::sender(const webhook_settings& settings, logger& log)
    : state_(std::make_unique<state>(settings, log)) {}

HANAMI_SERVICE_INLINE sender::~sender() = default;

HANAMI_SERVICE_INLINE void sender::send(post_request what, std::function<void(post_result)> done) {
  auto kept = std::make_shared<post_request>(std::move(what));
  detail::asio::co_spawn(
      state_->io, [s = state_.get(), kept] { return s->post(*kept); },
      [kept, done = std::move(done)](const std::exception_ptr& thrown, post_result result) {
        if (thrown) {
          result = {0, 0, text_of(thrown)};
        }
        done(std::move(result));
      });
}

} // namespace hanami::service::webhooks
