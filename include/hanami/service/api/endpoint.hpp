// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../base/json.hpp"
#include "../http/message.hpp"
#include "dialect.hpp"
#include "json_schema.hpp"
#include "request_context.hpp"

/// An endpoint: its path, who may call it, what it takes and gives, and the function behind it. All
/// of it is data: routing, checks, documentation and tests read the same registrations.

namespace hanami::service::api {

enum class audience : std::uint8_t {
  anyone, ///< without a token
  user,   ///< with a token, as far as the policy allows
  admin   ///< administrators alone, whatever the policy says
};

/// What an endpoint gives.
struct answer {
  answer() = default;
  explicit answer(json::value content) : body(std::move(content)) {}

  unsigned status = 0;                  ///< 0: what the endpoint has registered
  json::value body;                     ///< null: none
  std::optional<std::uint64_t> version; ///< becomes the ETag
  std::string location;                 ///< of what was made
  http::fields headers;                 ///< more of them

  // Instead of `body`:
  std::string text; ///< with its type
  std::string content_type;
  std::unique_ptr<http::body_source> source; ///< with `content_type`
  std::unique_ptr<http::event_source> events;
};

/// Takes the answer of an endpoint that answers later; from any thread, once.
using completion = std::function<void(answer, std::exception_ptr)>;

struct endpoint {
  api::dialect dialect = api::dialect::modern;
  std::string id;     ///< operation id: "create_cluster"
  std::string method; ///< "GET", "POST", "PUT", "PATCH", "DELETE"
  std::string path;   ///< "/v1/clusters/{cluster_id}"
  std::string tag;    ///< chapter of the documentation
  std::string summary;
  std::string description;
  api::audience audience = api::audience::user;
  schema path_values = schema::object();
  schema query = schema::object();
  std::optional<schema> body; ///< of JSON; with `open_sink` bytes are taken instead
  std::optional<schema> response_schema;
  std::string response_type = "application/json";
  unsigned status = 200;
  std::vector<unsigned> refusals; ///< statuses that are documented, beside 401, 403 and 422
  bool idempotent = false;        ///< honours `Idempotency-Key`
  bool audited = true;            ///< in the audit log, unless it only reads
  bool non_blocking = false;      ///< never waits: may run on a network thread

  std::function<answer(request_context&)> handle;
  /// Instead of `handle`: answers when it can, must not wait.
  std::function<void(std::shared_ptr<request_context>, completion)> handle_later;
  /// Looks, without waiting, for what this request would else have to wait for; true: it is there,
  /// and the request may run on a network thread though the endpoint is not `non_blocking`. Of the
  /// values, those of the path are there, as text; nothing has been checked.
  std::function<bool(request_context&)> is_ready;
  /// The body is bytes and goes there as it comes in; `handle` runs after the last.
  std::function<std::unique_ptr<http::body_sink>(request_context&)> open_sink;
  /// Beside `handle`, which answers requests without an upgrade: what answers a WebSocket here.
  std::function<std::shared_ptr<http::socket_handler>(request_context&,
                                                      std::shared_ptr<http::socket>)>
      open_socket;

  bool reads() const { return method == "GET"; }
};

} // namespace hanami::service::api
