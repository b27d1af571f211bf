// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "../access/accounts.hpp"
#include "../access/authenticator.hpp"
#include "../access/policy.hpp"
#include "../compile.hpp"
#include "../config.hpp"
#include "../engine/datasets.hpp"
#include "../engine/engine.hpp"
#include "../http/server.hpp"
#include "../monitor/host.hpp"
#include "../monitor/metrics.hpp"
#include "../store/logs.hpp"
#include "../store/resources.hpp"
#include "endpoint.hpp"

/// What stands behind the endpoints, and the functions that register them.

namespace hanami::service::api {

class socket_watch;

/// All of it outlives the registry.
struct services {
  const server_config& config;
  access::accounts& people;
  access::authenticator& door;
  store::resources& rows;
  store::logs& logs;
  engine::datasets& data;
  engine::engine& engine;
  monitor::sampler& sampler;
  monitor::request_counts& counts;
  registry& endpoints; ///< for their own description
  std::function<http::transport_statistics()> transport;
  std::function<bool()> ready; ///< everything is up that was there before the last end
  const access::policy& rules;
  std::function<void(std::function<void()>)> run; ///< does on a worker what may wait
  socket_watch& watch;
};

// The modern API, under /v1.
void add_account_endpoints(registry& to, services& with);
void add_cluster_endpoints(registry& to, services& with);
void add_task_endpoints(registry& to, services& with);
void add_data_endpoints(registry& to, services& with);
void add_system_endpoints(registry& to, services& with);

/// The reference's API, under /v1.0alpha, as its clients speak it.
void add_reference_endpoints(registry& to, services& with);

} // namespace hanami::service::api

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "../impl/reference_accounts.ipp"
#include "../impl/reference_work.ipp"
#include "../impl/v1_accounts.ipp"
#include "../impl/v1_clusters.ipp"
#include "../impl/v1_data.ipp"
#include "../impl/v1_system.ipp"
#include "../impl/v1_tasks.ipp"
#endif
