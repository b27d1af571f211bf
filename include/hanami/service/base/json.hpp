// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>

/// JSON as the service uses it.

namespace hanami::service {

namespace json = boost::json;

} // namespace hanami::service
