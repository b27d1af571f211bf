// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "../access/authenticator.hpp"
#include "../access/policy.hpp"
#include "../access/tickets.hpp"
#include "../base/limited_work.hpp"
#include "../base/logger.hpp"
#include "../base/settings.hpp"
#include "../http/message.hpp"
#include "../http/problem.hpp"
#include "../monitor/metrics.hpp"
#include "../store/database.hpp"
#include "../store/logs.hpp"
#include "registry.hpp"

/// From a request to its endpoint and back. Each request takes one walk, in a `request_context`:
/// its endpoint is found as soon as its head has arrived; then the caller is identified, the policy
/// and the values are checked, and the endpoint is called; then its answer is sent in the API's
/// dialect, and logged and counted.

namespace hanami::service::api {

/// What the dispatcher uses; all of it outlives it.
struct dispatcher_parts {
  const server_config& config;
  const registry& endpoints;
  access::authenticator& authenticator;
  const access::policy& rules;
  store::database& db;
  store::logs& logs;
  monitor::request_counts& counts;
  logger& log; ///< the operator's
  access::tickets& tickets;
};

/// Takes WebSockets that are not at an endpoint: returns a handler, or nullptr.
using socket_factory = std::function<std::shared_ptr<http::socket_handler>(
    const http::request& head, std::shared_ptr<http::socket> peer)>;

/// Safe from any thread.
class dispatcher final : public http::application {
 public:
  dispatcher(dispatcher_parts parts, socket_factory sockets)
      : parts_(parts), sockets_(std::move(sockets)) {}

  /// `workers` runs work that may wait; must be set before the first request.
  void run_by(std::function<void(std::function<void()>)> workers) { workers_ = std::move(workers); }

  /// Until then, all but what tells of the server itself is refused with 503: there may be no
  /// administrator yet.
  void open() noexcept { open_ = true; }

  http::admission admit(const http::request& head) override;
  void handle(http::request received, std::shared_ptr<http::admitted_request> admitted,
              http::responder answer) override;
  std::shared_ptr<http::socket_handler> open_socket(const http::request& head,
                                                    std::shared_ptr<http::socket> peer) override;
  void complete_refusal(const http::request& head, http::response& refusal) override;
  void report(std::string_view what) noexcept override;

 private:
  /// A request and the responder for its answer.
  struct exchange;

  /// Finds the endpoint and the values of the path.
  void route(exchange& x, const http::request& head) const;
  /// Checks what can be checked before a body is read; how long that may be.
  std::size_t admit_body(exchange& x, const http::request& head);
  void authenticate(exchange& x, const http::request& from) const;
  void expect_open(const exchange& x) const;
  /// Puts the token where it belongs, of whom a ticket in the query stands for.
  void redeem_ticket(exchange& x) const;
  /// Whether the caller has just been identified, and nothing has changed since.
  bool is_fresh(const exchange& x) const;
  /// Why a path or method without an endpoint is refused.
  http::problem unknown_path(const exchange& x, const std::string& path) const;
  /// Refuses those, or answers a CORS preflight.
  void refuse_path(exchange& x);
  void proceed(const std::shared_ptr<exchange>& x);
  /// Repeats the answer of a request with the same `Idempotency-Key`; false: there is none.
  bool replay(exchange& x);
  void call_endpoint(const std::shared_ptr<exchange>& x);
  void finish(exchange& x, answer given);
  void fail(exchange& x, const std::exception_ptr& why) noexcept;
  void send(exchange& x, http::response out);
  bool is_preflight(const http::request& asked) const;
  /// Allows a page of that origin to read the answer, if the configuration does.
  void allow_origin(std::string_view origin, http::response& to) const;
  /// Reports a fault of this program to the operator.
  void report_fault(const exchange& x, const std::exception_ptr& why);
  /// Stores the answer to a request with an `Idempotency-Key`.
  void keep(const exchange& x, const http::response& given);
  void note(const exchange& x, unsigned status);
  void log_request(const exchange& x, unsigned status, std::chrono::duration<double> took);

  dispatcher_parts parts_;
  socket_factory sockets_;
  std::function<void(std::function<void()>)> workers_;
  std::atomic<bool> open_{false};
  /// A hash takes a core and 64 MiB: on small machines, one at a time.
  limited_work passwords_{std::clamp(std::thread::hardware_concurrency() / 4, 1U, 4U), 64};
};

} // namespace hanami::service::api
