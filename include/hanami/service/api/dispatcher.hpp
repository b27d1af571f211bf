// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "../access/authenticator.hpp"
#include "../access/policy.hpp"
#include "../base/settings.hpp"
#include "../http/message.hpp"
#include "../http/problem.hpp"
#include "../monitor/metrics.hpp"
#include "../store/database.hpp"
#include "../store/logs.hpp"
#include "registry.hpp"

/// From a request to its endpoint and back. A request goes one way, in a `request_context`: its
/// endpoint is found when its head is there; then who calls, whether the policy allows it, whether
/// the values are what the registration says; then the endpoint; then the answer in the API's
/// dialect, the audit log, the error log and the counts.

namespace hanami::service::api {

/// What the dispatcher works with; all of it outlives it.
struct dispatcher_parts {
  const server_config& config;
  const registry& endpoints;
  access::authenticator& authenticator;
  const access::policy& rules;
  store::database& db;
  store::logs& logs;
  monitor::request_counts& counts;
  std::function<void(std::string_view)> report; ///< faults, for the operator's log
};

/// WebSockets where no endpoint takes them: gives what answers one, or nothing.
using socket_factory = std::function<std::shared_ptr<http::socket_handler>(
    const http::request& head, std::shared_ptr<http::socket> peer)>;

/// Safe from any thread.
class dispatcher final : public http::application {
 public:
  dispatcher(dispatcher_parts parts, socket_factory sockets)
      : parts_(std::move(parts)), sockets_(std::move(sockets)) {}

  /// Takes what may wait; to be set before the first request.
  void run_by(std::function<void(std::function<void()>)> workers) { workers_ = std::move(workers); }

  http::admission admit(const http::request& head) override;
  void handle(http::request received, std::shared_ptr<http::admitted_request> admitted,
              http::responder answer) override;
  std::shared_ptr<http::socket_handler> open_socket(const http::request& head,
                                                    std::shared_ptr<http::socket> peer) override;
  void complete_refusal(const http::request& head, http::response& refusal) override;
  void report(std::string_view what) noexcept override;

 private:
  /// A request and where its answer goes.
  struct exchange;

  /// Finds the endpoint and the values of the path.
  void route(exchange& x, const http::request& head) const;
  void authenticate(exchange& x) const;
  /// For a path or method without an endpoint.
  void refuse_path(exchange& x);
  void proceed(const std::shared_ptr<exchange>& x);
  /// True where the request has been answered before, as its `Idempotency-Key` says.
  bool replay(exchange& x);
  void call_endpoint(const std::shared_ptr<exchange>& x);
  void finish(exchange& x, answer given);
  void fail(exchange& x, const std::exception_ptr& why) noexcept;
  void send(exchange& x, http::response out);
  bool is_preflight(const http::request& asked) const;
  /// Lets a page of that origin read the answer, if the configuration does.
  void allow_origin(std::string_view origin, http::response& to) const;
  /// A fault of this program: for the operator alone.
  void report_fault(const exchange& x, const std::exception_ptr& why);
  /// The answer to a request with an `Idempotency-Key`, for its next time.
  void keep(const exchange& x, const http::response& given);
  void note(const exchange& x, unsigned status);

  dispatcher_parts parts_;
  socket_factory sockets_;
  std::function<void(std::function<void()>)> workers_;
};

} // namespace hanami::service::api
