// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "registry.hpp"

namespace hanami::service::api {

/// The OpenAPI 3.1 description of all endpoints of a dialect, from their registrations.
json::object describe(const registry& endpoints, api::dialect dialect, std::string_view version);

} // namespace hanami::service::api
