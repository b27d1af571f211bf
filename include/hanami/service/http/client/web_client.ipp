// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "web_client.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

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

#include "../../../foundation/error.hpp"
#include "../../../version.hpp"
#include "../../base/compile.hpp"

namespace hanami::service::http {

namespace detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> with_error{asio::use_awaitable};

/// With the system's authorities, and those of a file.
inline asio::ssl::context client_context(const web_client_settings& settings) {
  asio::ssl::context made(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
  made.set_verify_mode(asio::ssl::verify_peer);
  error_code trouble;
  made.set_default_verify_paths(trouble);
  if (!settings.authorities.empty()) {
    made.load_verify_file(settings.authorities.string(), trouble);
    if (trouble) {
      raise(errc::invalid_argument, settings.authorities_name + ": " +
                                        settings.authorities.string() +
                                        " holds no certificates in PEM: " + trouble.message());
    }
  }
  return made;
}

/// Those of a name that may be reached, the first few.
inline std::vector<tcp::endpoint> checked(const tcp::resolver::results_type& found,
                                          const std::function<bool(const ip_address&)>& may_reach) {
  constexpr std::size_t most = 4;
  std::vector<tcp::endpoint> good;
  for (const auto& each : found) {
    const auto address = ip_address::parse(each.endpoint().address().to_string());
    if (address && may_reach(*address) && good.size() < most) {
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

/// What came of an answer whose head has been read.
template <class Body>
web_result result_of(const beast::http::response<Body>& answer) {
  web_result made;
  made.status = answer.result_int();
  made.wait_s = seconds_in(std::string(answer[beast::http::field::retry_after]));
  return made;
}

inline web_result no_answer(const std::string& why) {
  web_result made;
  made.trouble = why;
  return made;
}

/// Sends on a stream that is connected, and reads the answer's head, and its body if that is
/// wanted.
template <class Stream>
asio::awaitable<web_result> exchange(Stream& on, web_request& what) {
  constexpr std::uint32_t most_head = 16 << 10;
  beast::http::request<beast::http::string_body> request{
      what.reads ? beast::http::verb::get : beast::http::verb::post, what.to.target, 11};
  request.set(beast::http::field::host, what.to.field);
  request.set(beast::http::field::user_agent, "hanami/" HANAMI_VERSION_STRING);
  request.set(beast::http::field::connection, "close");
  for (const auto& [name, value] : what.fields) {
    request.set(name, value);
  }
  if (!what.reads) {
    request.body() = std::move(what.body);
    request.prepare_payload();
  }
  const auto [unsent, sent] = co_await beast::http::async_write(on, request, with_error);
  if (unsent) {
    co_return no_answer("cannot send: " + unsent.message());
  }
  beast::flat_buffer buffer(std::size_t{2} * most_head);
  if (what.most_answer == 0) {
    beast::http::response_parser<beast::http::empty_body> head;
    head.header_limit(most_head);
    const auto [unheard, heard] =
        co_await beast::http::async_read_header(on, buffer, head, with_error);
    co_return unheard ? no_answer("no answer: " + unheard.message()) : result_of(head.get());
  }
  beast::http::response_parser<beast::http::string_body> whole;
  whole.header_limit(most_head);
  whole.body_limit(what.most_answer);
  const auto [unheard, heard] = co_await beast::http::async_read(on, buffer, whole, with_error);
  if (unheard) {
    co_return no_answer("no answer: " + unheard.message());
  }
  web_result made = result_of(whole.get());
  made.body = std::move(whole.get().body());
  co_return made;
}

} // namespace detail

struct web_client::state {
  state(web_client_settings with, logger& to, const char* named)
      : settings(std::move(with)), log(to), name(named), context(detail::client_context(settings)),
        thread([this] { run(); }) {
    ::pthread_setname_np(thread.native_handle(), named);
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
        log.error(name, std::current_exception());
      }
    }
  }

  detail::asio::awaitable<web_result> post(web_request& what) {
    detail::tcp::resolver resolver(io);
    const auto [unknown, found] =
        co_await resolver.async_resolve(what.to.host, what.to.port, detail::with_error);
    if (unknown) {
      co_return detail::no_answer("cannot find " + what.to.host + ": " + unknown.message());
    }
    const std::vector<detail::tcp::endpoint> places = detail::checked(found, settings.may_reach);
    if (places.empty()) {
      co_return detail::no_answer(what.to.host + ' ' + settings.unreachable);
    }
    if (what.to.secure) {
      co_return co_await post_secure(what, places);
    }
    detail::beast::tcp_stream plain(io);
    plain.expires_after(settings.timeout);
    const auto [closed, at] = co_await plain.async_connect(places, detail::with_error);
    if (closed) {
      co_return detail::no_answer("cannot connect: " + closed.message());
    }
    co_return co_await detail::exchange(plain, what);
  }

  detail::asio::awaitable<web_result>
  post_secure(web_request& what, const std::vector<detail::tcp::endpoint>& places) {
    detail::beast::ssl_stream<detail::beast::tcp_stream> secure(io, context);
    secure.set_verify_callback(detail::asio::ssl::host_name_verification(what.to.host));
    if (!ip_address::parse(what.to.host)) {
      // The macro for it casts as this build does not allow.
      SSL_ctrl(secure.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               what.to.host.data());
    }
    detail::beast::get_lowest_layer(secure).expires_after(settings.timeout);
    const auto [closed, at] =
        co_await detail::beast::get_lowest_layer(secure).async_connect(places, detail::with_error);
    if (closed) {
      co_return detail::no_answer("cannot connect: " + closed.message());
    }
    const auto [distrusted] =
        co_await secure.async_handshake(detail::asio::ssl::stream_base::client, detail::with_error);
    if (distrusted) {
      co_return detail::no_answer("no trusted connection: " + distrusted.message());
    }
    co_return co_await detail::exchange(secure, what);
  }

  const web_client_settings settings;
  logger& log;
  const std::string name;
  detail::asio::ssl::context context;
  detail::asio::io_context io{1};
  detail::asio::executor_work_guard<detail::asio::io_context::executor_type> stays{
      io.get_executor()};
  std::thread thread;
};

HANAMI_SERVICE_INLINE web_client::web_client(web_client_settings settings, logger& log,
                                             const char* name)
    : state_(std::make_unique<state>(std::move(settings), log, name)) {}

HANAMI_SERVICE_INLINE web_client::~web_client() = default;

HANAMI_SERVICE_INLINE void web_client::send(web_request what,
                                            std::function<void(web_result)> done) {
  auto kept = std::make_shared<web_request>(std::move(what));
  detail::asio::co_spawn(
      state_->io, [s = state_.get(), kept] { return s->post(*kept); },
      [kept, done = std::move(done)](const std::exception_ptr& thrown, web_result result) {
        if (thrown) {
          result = detail::no_answer(text_of(thrown));
        }
        done(std::move(result));
      });
}

} // namespace hanami::service::http
