// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/compile.hpp"
#include "../base/identity.hpp"
#include "../base/json.hpp"
#include "../http/message.hpp"
#include "json_schema.hpp"

/// An endpoint: its path, who may call it, what it takes and gives, and the function behind it. All
/// of it is data: routing, checks, documentation and tests read the same registrations.

namespace hanami::service::api {

/// How an API speaks.
enum class manner : std::uint8_t {
  modern,   ///< /v1: resource paths, 201 and 204, problem+json
  reference ///< /v1.0alpha: 200 or plain text, values in query or body
};

enum class audience : std::uint8_t {
  anyone, ///< without a token
  user,   ///< with a token, as far as the policy allows
  admin   ///< administrators alone, whatever the policy says
};

struct endpoint;

/// One request on its way through an endpoint: checked, with its defaults filled in.
struct call {
  const endpoint* what = nullptr;
  identity who;          ///< empty for `audience::anyone`
  http::request request; ///< as received
  json::object values;   ///< from path, query and body together; their names never clash
  std::string address() const { return request.address; }

  std::string text(std::string_view name) const {
    const json::string& found = values.at(name).as_string();
    return {found.data(), found.size()};
  }
  /// Nothing where an optional value was left out.
  const json::value* find(std::string_view name) const {
    const json::value* found = values.if_contains(name);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  std::optional<std::string> text_if(std::string_view name) const {
    return find(name) == nullptr ? std::nullopt : std::optional<std::string>(text(name));
  }
  std::int64_t integer(std::string_view name) const { return values.at(name).as_int64(); }
  bool flag(std::string_view name) const { return values.at(name).as_bool(); }
  /// The version that `If-Match` names.
  std::optional<std::uint64_t> expected_version() const;
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
  manner speaks = manner::modern;
  std::string id;     ///< operation id: "create_cluster"
  std::string method; ///< "GET", "POST", "PUT", "PATCH", "DELETE"
  std::string path;   ///< "/v1/clusters/{cluster_id}"
  std::string tag;    ///< chapter of the documentation
  std::string summary;
  std::string description;
  audience who = audience::user;
  schema path_values = schema::object();
  schema query = schema::object();
  std::optional<schema> body; ///< of JSON; with `open_sink` bytes are taken instead
  std::optional<schema> gives;
  std::string gives_type = "application/json";
  unsigned status = 200;
  std::vector<unsigned> refusals; ///< statuses that are documented, beside 401, 403 and 422
  bool once = false;              ///< honours `Idempotency-Key`
  bool audited = true;            ///< in the audit log, unless it only reads
  bool quick = false;             ///< never waits: may run on a network thread

  std::function<answer(call&)> handle;
  /// Instead of `handle`: answers when it can, must not wait.
  std::function<void(std::shared_ptr<call>, completion)> handle_later;
  /// The body is bytes and goes there as it comes in; `handle` runs after the last.
  std::function<std::unique_ptr<http::body_sink>(call&)> open_sink;
  /// Beside `handle`, which answers who asks without an upgrade: what answers a WebSocket here.
  std::function<std::shared_ptr<http::socket_handler>(call&, std::shared_ptr<http::socket>)>
      open_socket;

  bool reads() const { return method == "GET"; }
};

/// All endpoints, found by method and path. Filled once, then read from any thread.
class registry {
 public:
  /// Throws `errc::invalid_argument` for one that is there already or does not make sense: names in
  /// the path without a description, clashing names.
  void add(endpoint added);

  struct match {
    const endpoint* found = nullptr;
    json::object path_values; ///< as text
    std::string allowed;      ///< methods of this path ("GET, POST"); empty: no such path
  };
  match find(std::string_view method, std::string_view path) const;

  const std::vector<std::unique_ptr<endpoint>>& all() const noexcept { return endpoints_; }

 private:
  std::vector<std::unique_ptr<endpoint>> endpoints_;
  std::vector<std::vector<std::string>> segments_; ///< of each endpoint's path
};

} // namespace hanami::service::api

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "endpoint.ipp"
#endif
