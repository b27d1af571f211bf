// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../access/authenticator.hpp"
#include "../access/policy.hpp"
#include "../base/compile.hpp"
#include "../base/settings.hpp"
#include "../http/message.hpp"
#include "../http/problem.hpp"
#include "../monitor/metrics.hpp"
#include "../store/database.hpp"
#include "../store/logs.hpp"
#include "endpoint.hpp"

/// From a request to its endpoint and back: who asks, whether the policy allows it, whether the
/// values are what the registration says; then the endpoint; then the answer in the API's manner,
/// the audit log, the error log and the counts.

namespace hanami::service::api {

/// What the dispatcher works with; all of it outlives it.
struct dispatcher_parts {
  const server_config& config;
  const registry& endpoints;
  access::authenticator& door;
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

  /// Who runs what may wait; to be set before the first request.
  void run_by(std::function<void(std::function<void()>)> workers) { workers_ = std::move(workers); }

  http::admission admit(const http::request& head) override;
  void handle(http::request received, std::shared_ptr<http::body_sink> sink,
              http::responder answer) override;
  std::shared_ptr<http::socket_handler> open_socket(const http::request& head,
                                                    std::shared_ptr<http::socket> peer) override;
  void complete_refusal(const http::request& head, http::response& refusal) override;
  void report(std::string_view what) noexcept override;

 private:
  struct passage;

  std::shared_ptr<passage> begin(http::request received, http::responder answer);
  void authenticate(passage& p) const;
  void read_values(passage& p) const;
  void proceed(const std::shared_ptr<passage>& p);
  void call_endpoint(const std::shared_ptr<passage>& p);
  void finish(passage& p, answer given);
  void fail(passage& p, const std::exception_ptr& why) noexcept;
  http::response refused(const passage& p, const http::problem& why) const;
  bool is_preflight(const http::request& asked) const;
  /// Lets a page of that origin read the answer, if the configuration does.
  void allow_origin(std::string_view origin, http::response& to) const;
  /// A fault of this program: for the operator alone.
  void report_fault(const passage& p, const std::exception_ptr& why);
  /// The answer to a request with an `Idempotency-Key`, for its next time.
  void keep(const passage& p, const http::response& given);
  void note(passage& p, unsigned status);

  dispatcher_parts parts_;
  socket_factory sockets_;
  std::function<void(std::function<void()>)> workers_;
};

/// What the access token of a WebSocket begins with in Sec-WebSocket-Protocol: browsers cannot set
/// other fields.
inline constexpr std::string_view bearer_protocol = "bearer.";
/// The words of Sec-WebSocket-Protocol; views into the request.
std::vector<std::string_view> offered_protocols(const http::request& from);
/// The access token of a request: `Authorization: Bearer ...` or `X-Auth-Token`; empty: none.
std::string_view token_of(const http::request& from);
/// The values of a query, percent-decoded, in its order. Throws `bad_request`.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

} // namespace hanami::service::api

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "dispatcher.ipp"
#endif
