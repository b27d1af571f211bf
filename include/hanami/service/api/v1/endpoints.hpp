// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../services.hpp"

namespace hanami::service::api {

// The modern API, under /v1.
void add_session_endpoints(registry& to, services& s);
void add_api_token_endpoints(registry& to, services& s);
void add_oidc_endpoints(registry& to, services& s);
void add_second_factor_endpoints(registry& to, services& s);
void add_account_endpoints(registry& to, services& s);
void add_cluster_endpoints(registry& to, services& s);
void add_stream_endpoints(registry& to, services& s);
void add_webhook_endpoints(registry& to, services& s);
void add_cluster_change_endpoints(registry& to, services& s);
void add_template_endpoints(registry& to, services& s);
void add_batch_endpoints(registry& to, services& s);
void add_task_endpoints(registry& to, services& s);
void add_live_endpoints(registry& to, services& s);
void add_upload_endpoints(registry& to, services& s);
void add_dataset_endpoints(registry& to, services& s);
void add_derivation_endpoints(registry& to, services& s);
void add_checkpoint_endpoints(registry& to, services& s);
void add_system_endpoints(registry& to, services& s);
/// Of both APIs.
void add_documentation_endpoints(registry& to);

} // namespace hanami::service::api
