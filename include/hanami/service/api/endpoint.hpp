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

/// An endpoint: its path, who may call it, what it takes and returns, and the function behind it.
/// All of it is data: routing, validation, documentation and tests use the same registrations.

namespace hanami::service::api {

enum class audience : std::uint8_t {
  anyone, ///< without a token
  user,   ///< with a token, as far as the policy allows
  admin   ///< administrators only, whatever the policy says
};

/// What an endpoint returns.
struct answer {
  answer() = default;
  explicit answer(json::value content) : body(std::move(content)) {}

  unsigned status = 0;                  ///< 0: the endpoint's own
  json::value body;                     ///< null: none
  std::optional<std::uint64_t> version; ///< becomes the ETag
  std::string tag;                      ///< instead: the ETag, in its quotes
  std::string location;                 ///< of a new resource
  http::fields headers;                 ///< additional fields

  // Instead of `body`:
  std::string text; ///< with its type
  std::string content_type;
  std::unique_ptr<http::body_source> source; ///< with `content_type`
  std::unique_ptr<http::event_source> events;
};

/// A body that is taken as it comes: its type, and what is in it.
struct body_form {
  std::string type;
  schema content = schema::any();
  std::string example;
};

/// Takes the answer of an endpoint that answers later; must be called once, from any thread.
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
  std::optional<schema> body; ///< of a JSON body; not with `open_sink`
  /// Instead of `body`: the body stays in `message`, unread.
  std::vector<body_form> body_forms;
  std::size_t body_bytes = 0; ///< most of a body; 0: as the configuration has it
  std::optional<schema> response_schema;
  std::string response_type = "application/json";
  std::vector<std::string> other_response_types{}; ///< texts, too, if the request says so
  std::string binary_answer; ///< what an application/octet-stream of it holds; empty: there is none
  unsigned status = 200;
  std::vector<unsigned> refusals; ///< documented statuses, besides 401, 403 and 422
  bool foreign_query = false;    ///< others write the query: values that are not known are left out
  bool by_ticket = false;        ///< a ticket in the query may stand for the token
  bool idempotent = false;       ///< honours `Idempotency-Key`
  bool audited = true;           ///< written to the audit log, unless it only reads
  bool ranges = false;           ///< parts can be asked for: a `source` that can seek, and a `tag`
  bool non_blocking = false;     ///< never waits: may run on a network thread
  bool hashes_passwords = false; ///< takes long and much memory: waits in a queue of its own
  /// Who comes too often is refused here, before anything is waited for. Must not wait.
  std::function<void(const http::request&)> limit_rate;

  std::function<answer(request_context&)> handle;
  /// Instead of `handle`: must not wait, and answers through the completion.
  std::function<void(std::shared_ptr<request_context>, completion)> handle_later;
  /// Tries, without waiting, to get what this request would otherwise have to wait for; true: the
  /// request may run on a network thread although the endpoint is not `non_blocking`. Called before
  /// anything is checked, with the values of the path alone, as text.
  std::function<bool(request_context&)> is_ready;
  /// For a body that is not JSON and is written to the sink as it arrives; `handle` runs after its
  /// end.
  std::function<std::unique_ptr<http::body_sink>(request_context&)> open_sink;
  /// Opens a WebSocket. Requests without an upgrade are answered by `handle`.
  std::function<std::shared_ptr<http::socket_handler>(request_context&,
                                                      std::shared_ptr<http::socket>)>
      open_socket;

  bool reads() const { return method == "GET"; }
};

} // namespace hanami::service::api
