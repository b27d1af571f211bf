// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "registry.hpp"

namespace hanami::service::api {

/// The OpenAPI 3.1 description of all endpoints that speak in a dialect, from their registrations.
json::object describe(const registry& endpoints, api::dialect dialect, std::string_view version);

/// A page that shows such a description, whole in itself: `source` is where it gets the
/// description, "/v1/openapi.json".
std::string documentation_page(std::string_view source);

} // namespace hanami::service::api
