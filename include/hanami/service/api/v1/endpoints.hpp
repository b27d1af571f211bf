// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../services.hpp"

namespace hanami::service::api {

// The modern API, under /v1.
void add_session_endpoints(registry& to, services& with);
void add_account_endpoints(registry& to, services& with);
void add_cluster_endpoints(registry& to, services& with);
void add_task_endpoints(registry& to, services& with);
void add_upload_endpoints(registry& to, services& with);
void add_dataset_endpoints(registry& to, services& with);
void add_checkpoint_endpoints(registry& to, services& with);
void add_system_endpoints(registry& to, services& with);

} // namespace hanami::service::api
