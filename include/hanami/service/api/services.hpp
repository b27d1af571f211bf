// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "../access/accounts.hpp"
#include "../access/authenticator.hpp"
#include "../access/oidc/sign_on.hpp"
#include "../access/policy.hpp"
#include "../access/tickets.hpp"
#include "../base/logger.hpp"
#include "../base/settings.hpp"
#include "../data/datasets.hpp"
#include "../engine/engine.hpp"
#include "../http/http_server.hpp"
#include "../monitor/host.hpp"
#include "../monitor/metrics.hpp"
#include "../store/logs.hpp"
#include "../store/resources.hpp"
#include "../stream/mqtt/mqtt_source.hpp"
#include "../stream/streams.hpp"
#include "../webhook/webhooks.hpp"
#include "registry.hpp"

/// What the endpoints use.

namespace hanami::service::api {

class open_sockets;

/// All of it outlives the endpoints.
struct services {
  const server_config& config;
  access::accounts& accounts;
  access::authenticator& authenticator;
  store::resources& resources;
  store::logs& logs;
  logger& log; ///< the operator's
  data::datasets& data;
  engine::engine& engine;
  streams::streams& streams;
  webhooks::webhooks& webhooks;
  monitor::sampler& sampler;
  monitor::request_counts& counts;
  registry& endpoints; ///< for their own description
  std::function<http::transport_statistics()> transport;
  std::function<streams::mqtt_statistics()> mqtt;
  std::function<bool()> ready; ///< the server has restored its previous state
  const access::policy& rules;
  std::function<void(std::function<void()>)> run; ///< runs work that may wait on a worker
  open_sockets& sockets;
  access::tickets& tickets;
  access::oidc::sign_on* provider; ///< of log-ins; nullptr: none is set up
};

} // namespace hanami::service::api
