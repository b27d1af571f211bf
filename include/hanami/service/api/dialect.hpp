// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "../base/refusal.hpp"
#include "../http/message.hpp"
#include "../http/problem.hpp"
#include "json_schema.hpp"

/// Where the two APIs differ in their use of HTTP.

namespace hanami::service::api {

enum class dialect : std::uint8_t {
  modern,   ///< /v1: resource paths, 201 and 204, problem+json
  reference ///< /v1.0alpha: 200 or plain text, values in query or body
};

/// The dialect of a path: whatever is not the reference's is modern.
dialect dialect_of(std::string_view path) noexcept;
/// The content type of JSON.
std::string_view content_type_of(dialect spoken) noexcept;
/// The refusal for values that a schema rejects; `faults` must not be empty.
refusal refusal_of(std::vector<schema_fault> faults, dialect spoken);
http::response response_of(const http::problem& why, dialect spoken);

} // namespace hanami::service::api
