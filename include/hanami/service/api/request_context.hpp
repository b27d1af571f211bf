// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "../base/identity.hpp"
#include "../base/json.hpp"
#include "../engine/cluster_handle.hpp"
#include "../http/message.hpp"
#include "dialect.hpp"

namespace hanami::service::api {

struct endpoint;

/// One request on its way to its endpoint. Whatever has to be known about it is looked up once and
/// passed along here: endpoint, caller, values, cluster.
struct request_context : http::admitted_request {
  const api::endpoint* endpoint = nullptr; ///< nullptr: no endpoint has this path and method
  api::dialect dialect = api::dialect::modern;
  identity caller;       ///< empty for `audience::anyone`
  http::request message; ///< as received
  json::object values;   ///< from path, query and body together, checked, with defaults filled in;
                         ///< their names never clash
  engine::cluster_handle cluster; ///< set by `is_ready` and by the endpoint

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
  /// The version that a change is for: nothing where `If-Match` asks for none, else `current()`,
  /// which gives the one that there is, or 0, which none has, where `If-Match` does not name it.
  std::optional<std::uint64_t>
  expected_version(const std::function<std::uint64_t()>& current) const;
};

} // namespace hanami::service::api
