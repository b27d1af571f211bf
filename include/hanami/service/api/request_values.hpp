// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "request_context.hpp"

namespace hanami::service::api {

/// Reads the values of path, query and body into `of.values`, as the endpoint's schemas say. The
/// path's own are there already, as text. Throws `refusal`.
void read_values(request_context& of);

/// The values of a query, percent-decoded, in its order. Throws `bad_request`.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

} // namespace hanami::service::api
