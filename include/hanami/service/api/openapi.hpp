// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "registry.hpp"

namespace hanami::service::api {

/// The OpenAPI 3.1 description of all endpoints of a dialect, from their registrations.
json::object describe(const registry& endpoints, api::dialect dialect, std::string_view version);

/// A self-contained page that shows such a description. `source`: its URL, "/v1/openapi.json".
std::string documentation_page(std::string_view source);
/// The Content-Security-Policy under which such a page runs its own script and nothing else.
std::string documentation_policy(std::string_view page);

} // namespace hanami::service::api
