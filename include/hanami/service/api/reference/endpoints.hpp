// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../services.hpp"

namespace hanami::service::api {

/// The reference's API, under /v1.0alpha, as its clients speak it.
void add_reference_endpoints(registry& to, services& with);

} // namespace hanami::service::api
