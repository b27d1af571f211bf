// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../services.hpp"

namespace hanami::service::api {

// The modern API, under /v1.
void add_account_endpoints(registry& to, services& with);
void add_cluster_endpoints(registry& to, services& with);
void add_task_endpoints(registry& to, services& with);
void add_data_endpoints(registry& to, services& with);
void add_system_endpoints(registry& to, services& with);

} // namespace hanami::service::api

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "accounts.ipp"
#include "clusters.ipp"
#include "data.ipp"
#include "system.ipp"
#include "tasks.ipp"
#endif
