// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../foundation/error.hpp"
#include "../io/file.hpp"
#include "../io/write_file.hpp"
#include "../version.hpp"
#include "access/accounts.hpp"
#include "access/authenticator.hpp"
#include "access/oidc/sign_on.hpp"
#include "access/policy.hpp"
#include "api/dispatcher.hpp"
#include "api/open_sockets.hpp"
#include "api/reference/endpoints.hpp"
#include "api/reference/sockets.hpp"
#include "api/v1/cluster_socket.hpp"
#include "api/v1/endpoints.hpp"
#include "base/clock.hpp"
#include "base/compile.hpp"
#include "base/data_lock.hpp"
#include "base/descriptors.hpp"
#include "base/ip_network.hpp"
#include "base/runtime.hpp"
#include "data/datasets.hpp"
#include "engine/engine.hpp"
#include "http/http_server.hpp"
#include "store/idempotency.hpp"
#include "store/logs.hpp"
#include "store/resources.hpp"
#include "store/tasks.hpp"
#include "stream/mqtt/mqtt_source.hpp"
#include "stream/streams.hpp"
#include "webhook/webhooks.hpp"

namespace hanami::service {

namespace detail {

/// Where a generated password of the administrator is kept, for its owner's eyes.
inline std::filesystem::path password_file(const server_config& config) {
  return config.data / "admin-password";
}

/// Writes it there before the account is made. Throws `errc::file_error`.
inline void keep_password(const server_config& config, const std::string& password) {
  const std::filesystem::path path = password_file(config);
  std::error_code ignored;
  std::filesystem::remove(path, ignored); // one that others could read, perhaps
  const std::string line = password + '\n';
  const hanami::detail::file_handle file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0 ||
      ::write(file.get(), line.data(), line.size()) != static_cast<::ssize_t>(line.size()) ||
      ::fsync(file.get()) != 0) {
    throw error(errc::file_error,
                "cannot write " + path.string() + ": " + std::generic_category().message(errno));
  }
}

/// Raises the limit of descriptors, and lowers that of connections to what is left beside files.
inline server_config within_descriptors(server_config config) {
  const descriptor_shares shares(raise_descriptor_limit());
  config.http.connections = std::min(config.http.connections, shares.connections);
  return config;
}

} // namespace detail

/// All parts, in the order in which they need each other.
struct server::state {
  explicit state(server_config given)
      : wanted_connections(given.http.connections),
        config(detail::within_descriptors(std::move(given))), lock(config.data), common(config),
        rules(access::policy::load(config.auth.policies)), db(config.data / "hanami.sqlite"),
        resources(db), tasks(db), logs(db, common), accounts(db, config),
        authenticator(db, accounts, config), provider(open_provider()),
        data(config, resources, tasks, accounts),
        engine(config, common, resources, tasks, accounts, data),
        streams(config, common, resources, accounts, data, engine),
        webhooks(config, common, db, streams, tasks),
        with{config,
             accounts,
             authenticator,
             resources,
             logs,
             common.log,
             data,
             engine,
             streams,
             webhooks,
             sampler,
             counts,
             endpoints,
             [this] { return http ? http->statistics() : http::transport_statistics{}; },
             [this] { return mqtt ? mqtt->statistics() : streams::mqtt_statistics{}; },
             [this] { return ready.load(); },
             rules,
             workers(),
             sockets,
             tickets,
             provider.get()},
        answers({config, endpoints, authenticator, rules, db, logs, counts, common.log, tickets},
                [this](const http::request&, std::shared_ptr<http::socket> peer) {
                  return api::open_reference_socket(with, std::move(peer));
                }) {
    api::add_session_endpoints(endpoints, with);
    api::add_api_token_endpoints(endpoints, with);
    api::add_oidc_endpoints(endpoints, with);
    api::add_second_factor_endpoints(endpoints, with);
    api::add_account_endpoints(endpoints, with);
    api::add_cluster_endpoints(endpoints, with);
    api::add_stream_endpoints(endpoints, with);
    api::add_webhook_endpoints(endpoints, with);
    api::add_cluster_change_endpoints(endpoints, with);
    api::add_batch_endpoints(endpoints, with);
    api::add_template_endpoints(endpoints, with);
    api::add_task_endpoints(endpoints, with);
    api::add_live_endpoints(endpoints, with);
    api::add_upload_endpoints(endpoints, with);
    api::add_dataset_endpoints(endpoints, with);
    api::add_derivation_endpoints(endpoints, with);
    api::add_checkpoint_endpoints(endpoints, with);
    api::add_system_endpoints(endpoints, with);
    api::add_reference_endpoints(endpoints, with);
    answers.run_by([this](std::function<void()> work) { http->run(std::move(work)); });
    engine.start();
    mqtt = std::make_unique<streams::mqtt_source>(config.mqtt, common, resources, streams);
    http = std::make_unique<http::server>(answers, config.http, common.pool, config.tls);
    // Last: a start that fails makes no account whose password nobody has seen.
    admin_password = accounts.ensure_admin(
        [this](const std::string& password) { detail::keep_password(config, password); });
    if (accounts.ignores_configured_password()) {
      common.log.warning("server", "admin_password is not the password of '" + config.admin_id +
                                       "', who was there before and keeps the old one; server "
                                       "--reset-admin sets it");
    }
    warn_of_open_data();
    if (config.http.connections < wanted_connections) {
      common.log.warning("server", "this process may open " + std::to_string(descriptor_limit()) +
                                       " files: no more than " +
                                       std::to_string(config.http.connections) + " of " +
                                       std::to_string(wanted_connections) +
                                       " connections; see ulimit -n, or LimitNOFILE of systemd");
    }
    ready = true;
    answers.open();
    upkeep.every(std::chrono::minutes(1));
    common.log.info("server", "hanami " HANAMI_VERSION_STRING " listens on " + address() +
                                  ", with the data in " + config.data.string());
  }

  ~state() {
    common.log.info("server", "ends");
    upkeep.end();
    engine.end_imports();
    if (provider) {
      provider->stop();
    }
    if (http) {
      http->stop();
    }
    // `http` goes before what its requests use, since it was made last.
  }

  std::unique_ptr<access::oidc::sign_on> open_provider() {
    return config.oidc.issuer.empty() ? nullptr
                                      : std::make_unique<access::oidc::sign_on>(
                                            db, accounts, authenticator, rules, config, common.log);
  }

  std::function<void(std::function<void()>)> workers() {
    return [this](std::function<void()> work) { http->run(std::move(work)); };
  }

  /// What of it does not go on; empty: all does.
  std::string stuck_part(std::chrono::milliseconds most) {
    if (!http->answers_within(most)) {
      return "a thread that talks to sockets";
    }
    const engine::engine_statistics now = engine.statistics();
    const std::lock_guard one_look(looks);
    const bool stands = now.queued > 0 && work_waited && now.turns == turns_seen;
    work_waited = now.queued > 0;
    turns_seen = now.turns;
    return stands ? "the engine" : "";
  }

  /// Keys and accounts are in there.
  void warn_of_open_data() {
    using std::filesystem::perms;
    std::error_code ignored;
    const perms open = std::filesystem::status(config.data, ignored).permissions();
    if (!ignored && (open & (perms::group_all | perms::others_all)) != perms::none) {
      common.log.warning("server", "others than its owner may enter the data directory " +
                                       config.data.string() + "; chmod 700 keeps them out");
    }
  }

  /// Removes what has expired.
  void run_maintenance() {
    authenticator.clean();
    data.clean();
    store::clean_answers(db);
    db.fill_reserve();
    constexpr std::int64_t year_ms = std::int64_t{365} * 24 * 3600 * 1000;
    logs.remove_before(now_ms() - year_ms);
  }

  std::string address() const {
    return (config.tls.certificate.empty() ? "http://" : "https://") +
           with_brackets(config.http.address) + ':' + std::to_string(http->port());
  }

  const std::size_t wanted_connections;
  server_config config;
  data_lock lock;
  runtime common;
  access::policy rules;
  store::database db;
  store::resources resources;
  store::tasks tasks;
  store::logs logs;
  access::accounts accounts;
  access::authenticator authenticator;
  std::unique_ptr<access::oidc::sign_on> provider; ///< nothing where none is set up
  data::datasets data;
  engine::engine engine;
  streams::streams streams;
  webhooks::webhooks webhooks;
  monitor::sampler sampler{common.timer};
  monitor::request_counts counts;
  api::registry endpoints;
  api::open_sockets sockets{common.timer};
  access::tickets tickets;
  api::services with;
  api::dispatcher answers;
  std::optional<std::string> admin_password;
  std::mutex looks; ///< guards the two
  bool work_waited = false;
  std::uint64_t turns_seen = 0;
  std::atomic<bool> ready{false};
  timed_work upkeep{common.timer, [this] { run_maintenance(); }};
  std::unique_ptr<streams::mqtt_source> mqtt;
  std::unique_ptr<http::server> http;
};

HANAMI_SERVICE_INLINE server::server(server_config config)
    : state_(std::make_unique<state>(std::move(config))) {}

HANAMI_SERVICE_INLINE server::~server() = default;

HANAMI_SERVICE_INLINE std::uint16_t server::port() const noexcept { return state_->http->port(); }

HANAMI_SERVICE_INLINE std::optional<std::string> server::take_admin_password() {
  return std::exchange(state_->admin_password, std::nullopt);
}

HANAMI_SERVICE_INLINE std::filesystem::path server::admin_password_file() const {
  return std::filesystem::absolute(detail::password_file(state_->config));
}

HANAMI_SERVICE_INLINE std::string reset_admin(const server_config& config) {
  const data_lock lock(config.data);
  store::database db(config.data / "hanami.sqlite");
  access::accounts accounts(db, config);
  const auto keep = [&](const std::string& password) { detail::keep_password(config, password); };
  const auto made = accounts.ensure_admin(keep);
  return made ? *made : accounts.reset_admin(keep);
}

HANAMI_SERVICE_INLINE bool server::reload_certificate() {
  try {
    state_->http->reload_certificate();
  } catch (const std::exception& why) {
    state_->common.log.error("server",
                             std::string("the certificate stays as it was: ") + why.what());
    return false;
  }
  state_->common.log.info("server", "the certificate was read anew");
  return true;
}

HANAMI_SERVICE_INLINE bool server::reopen_log() {
  try {
    state_->common.log.reopen();
  } catch (const std::exception& why) {
    state_->common.log.error("server", std::string("the log stays where it was: ") + why.what());
    return false;
  }
  state_->common.log.info("server", "the log goes on here");
  return true;
}

HANAMI_SERVICE_INLINE bool server::works(std::chrono::milliseconds most) {
  const std::string stuck = state_->stuck_part(most);
  if (!stuck.empty()) {
    state_->common.log.error("server", stuck + " does not answer");
  }
  return stuck.empty();
}

HANAMI_SERVICE_INLINE std::string server::status() const {
  const engine::engine_statistics e = state_->engine.statistics();
  return state_->address() + ": " + std::to_string(state_->http->statistics().connections) +
         " connections, " + std::to_string(e.clusters) + " clusters in memory, " +
         std::to_string(e.tasks_open) + " open tasks";
}

HANAMI_SERVICE_INLINE std::string server::greeting() const {
  const std::string address = state_->address();
  return "hanami listens on " + address + "\ndocumentation: " + address +
         "/docs\ndata: " + std::filesystem::absolute(state_->config.data).string() + '\n';
}

} // namespace hanami::service
