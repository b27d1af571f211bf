// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "request_context.hpp"

namespace hanami::service::api {

/// Reads the values of path, query and body into `of.values`, according to the endpoint's schemas.
/// Those of the path must already be there, as text. Throws `bad_request` and `invalid_value`.
void read_values(request_context& of);

/// The values of a query in their order, percent-decoded. Throws `bad_request`.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

} // namespace hanami::service::api
