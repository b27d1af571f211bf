// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dialect.hpp"

#include <string>
#include <utility>

#include "../base/compile.hpp"

namespace hanami::service::api {

namespace detail {

/// The reference's words for what is wrong with a value.
inline std::string reference_words(const schema_fault& fault) {
  const std::string item = "Validation failed, because item '" + fault.key + "' ";
  const auto limit = std::to_string(static_cast<std::int64_t>(fault.limit));
  switch (fault.kind) {
  case fault_kind::unknown_key:
    return item + "is not in the list of allowed keys";
  case fault_kind::missing_key:
    return "Validation failed, because variable '" + fault.key + "' is required, but is not set.";
  case fault_kind::wrong_type:
    return "Value-validation failed, because a item '" + fault.key +
           "' has the false type: " + fault.detail;
  case fault_kind::wrong_form:
    return "Given item '" + fault.key + "' doesn't match: " + fault.detail;
  case fault_kind::too_small:
    return "Given item '" + fault.key + "' is " + (fault.text_length ? "shorter" : "smaller") +
           " than " + limit + (fault.text_length ? " characters" : "");
  case fault_kind::too_large:
    return "Given item '" + fault.key + "' is " + (fault.text_length ? "longer" : "bigger") +
           " than " + limit + (fault.text_length ? " characters" : "");
  }
  return fault.detail;
}

/// The reference knows 400, 401, 404, 409 and 500.
constexpr unsigned reference_status(unsigned status) noexcept {
  switch (status) {
  case 401:
  case 404:
  case 409:
  case 500:
    return status;
  case 403:
    return 401;
  default:
    return status < 500 ? 400 : 500;
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE dialect dialect_of(std::string_view path) noexcept {
  return path.starts_with("/v1.0alpha") ? dialect::reference : dialect::modern;
}

HANAMI_SERVICE_INLINE std::string_view content_type_of(dialect spoken) noexcept {
  return spoken == dialect::modern ? "application/json" : "text/json";
}

HANAMI_SERVICE_INLINE refusal refusal_of(std::vector<schema_fault> faults, dialect spoken) {
  return spoken == dialect::modern ? invalid_values(std::move(faults))
                                   : bad_request(detail::reference_words(faults.front()));
}

HANAMI_SERVICE_INLINE http::response response_of(const http::problem& why, dialect spoken) {
  if (spoken == dialect::modern) {
    return http::response_of(why);
  }
  http::response out;
  out.status = detail::reference_status(why.status());
  if (why.retry_after_s > 0) {
    out.headers.add("Retry-After", std::to_string(why.retry_after_s));
  }
  out.body = out.status == 500 ? std::string() : std::string(why.what());
  out.content_type = "text/plain";
  return out;
}

} // namespace hanami::service::api
