// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/json.hpp"
#include "../base/problem.hpp"
#include "json_schema.hpp"

/// Problems as clients see them, by HTTP and by WebSocket.

namespace hanami::service::api {

inline std::string_view status_title(unsigned status) {
  switch (status) {
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 409:
    return "Conflict";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 416:
    return "Range Not Satisfiable";
  case 422:
    return "Unprocessable Content";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 503:
    return "Service Unavailable";
  case 507:
    return "Insufficient Storage";
  default:
    return status < 500 ? "Client Error" : "Internal Server Error";
  }
}

/// The body of `application/problem+json` (RFC 9457).
inline json::object show_problem(const problem& why) {
  json::object body{{"type", "about:blank"},
                    {"title", status_title(why.status())},
                    {"status", why.status()},
                    {"code", why.code()},
                    {"detail", why.what()}};
  if (!why.faults.empty()) {
    json::array faults;
    for (const value_fault& fault : why.faults) {
      faults.push_back(json::object{{"pointer", fault.pointer}, {"detail", fault.detail}});
    }
    body["errors"] = std::move(faults);
  }
  return body;
}

/// 422 for values that a schema does not take; `faults` has at least one.
inline problem invalid_values(std::vector<schema_fault> faults) {
  problem why(422, "invalid_value",
              faults.front().pointer + ": " + faults.front().detail +
                  (faults.size() > 1 ? " (and " + std::to_string(faults.size() - 1) + " more)"
                                     : std::string()));
  for (schema_fault& fault : faults) {
    why.faults.push_back({std::move(fault.pointer), std::move(fault.detail)});
  }
  return why;
}

} // namespace hanami::service::api
