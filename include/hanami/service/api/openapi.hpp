// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "../base/compile.hpp"
#include "endpoint.hpp"

namespace hanami::service::api {

/// The OpenAPI 3.1 description of all endpoints that speak in a manner, from their registrations.
json::object describe(const registry& endpoints, manner speaks, std::string_view version);

/// A page that shows such a description, whole in itself: `source` is where it gets the
/// description, "/v1/openapi.json".
std::string documentation_page(std::string_view source);

} // namespace hanami::service::api

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "openapi.ipp"
#endif
