// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "setting_table.hpp"
#include "settings.hpp"

/// The table of all settings: files, the environment, flags and listings go by it.

namespace hanami::service::detail {

inline constexpr std::uint64_t most_setting = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint64_t ten_years_s = std::uint64_t{3650} * 24 * 3600;

inline void add_main_settings(setting_table& to) {
  using c = server_config;
  to.text("data", "the folder where everything is kept", &c::data);
  to.boolean("encrypt_files", "datasets and checkpoints are encrypted at rest", &c::encrypt_files);
  to.path("file_key", "a file with the key for that, best outside of data; empty: beside it",
          &c::file_key);
  to.integer("upload_timeout", "seconds until an unfinished upload is removed", 1, ten_years_s,
             &c::upload_timeout);
  to.choice("log_level", "trace, debug, info, warning, error or off",
            {"trace", "debug", "info", "warning", "error", "off"}, &c::log_level);
  to.path("log_file", "empty: the standard error stream", &c::log_file);
  to.boolean("log_json", "a JSON object a line", &c::log_json);
  to.text("admin_id", "made when there is no administrator", &c::admin_id);
  to.text("admin_name", "the administrator's name", &c::admin_name);
  to.password("admin_password", "empty: generated, and printed once", &c::admin_password);
}

inline void add_http_settings(setting_table& to) {
  constexpr auto g = &server_config::http;
  using s = http_settings;
  constexpr std::uint64_t day_ms = std::uint64_t{24} * 3600 * 1000;
  to.text("http.address", "to listen at; 0.0.0.0 or :: for all of the machine", g, &s::address);
  to.integer("http.port", "0: any free one", 0, 65535, g, &s::port);
  to.integer("http.threads", "that talk to sockets; 0: half of the machine's", 0, 1024, g,
             &s::threads);
  to.integer("http.workers", "threads for what waits for the disk or takes long; 0: four at least",
             0, 1024, g, &s::workers);
  to.integer("http.body_bytes", "most of a JSON body", 1024, std::uint64_t{1} << 32, g,
             &s::body_bytes);
  to.integer("http.chunk_bytes", "most of one piece of an upload by REST", 1024,
             std::uint64_t{1} << 32, g, &s::chunk_bytes);
  to.integer("http.message_bytes", "most of a WebSocket message", 1024, std::uint64_t{1} << 32, g,
             &s::message_bytes);
  to.integer("http.connections", "open at once; more are refused with 503", 1, 1'000'000, g,
             &s::connections);
  to.integer("http.connections_per_address",
             "of them, from other machines: an IPv6 network of 64 bits counts as one address", 1,
             1'000'000, g, &s::connections_per_address);
  to.integer("http.header_timeout_ms", "for a request's head to be complete", 1, day_ms, g,
             &s::header_timeout);
  to.integer("http.body_timeout_ms", "for each piece of a body to arrive", 1, day_ms, g,
             &s::body_timeout);
  to.integer("http.body_rate", "bytes a second, at which a body as a whole has to arrive", 1,
             1'000'000'000, g, &s::body_rate);
  to.integer("http.idle_timeout_ms", "between the requests of a connection", 1, day_ms, g,
             &s::idle_timeout);
  to.origins("http.allowed_origins",
             "web pages that may call the API from a browser, as https://lab.example; *: all", g,
             &s::allowed_origins);
  to.networks("http.trusted_proxies",
              "whose X-Forwarded-For and X-Forwarded-Proto are believed, as 10.0.0.0/8", g,
              &s::trusted_proxies);

  constexpr auto tls = &server_config::tls;
  to.path("tls.certificate", "PEM, the chain; empty: plain HTTP", tls, &tls_settings::certificate);
  to.path("tls.key", "PEM", tls, &tls_settings::key);
  to.integer("tls.redirect_port", "plain HTTP that only redirects; 0: none", 0, 65535, tls,
             &tls_settings::redirect_port);
  to.integer("tls.remember", "seconds, for which browsers come by https only; 0: not told", 0,
             ten_years_s, tls, &tls_settings::remember);
}

inline void add_auth_settings(setting_table& to) {
  constexpr auto g = &server_config::auth;
  using s = auth_settings;
  to.integer("auth.token_lifetime", "seconds", 1, ten_years_s, g, &s::token_lifetime);
  to.integer("auth.refresh_lifetime", "seconds", 1, ten_years_s, g, &s::refresh_lifetime);
  to.integer("auth.refresh_grace",
             "seconds, for which a refresh whose answer got lost may be repeated once; 0: never", 0,
             3600, g, &s::refresh_grace);
  to.choice("auth.second_factor", "who has to set one up before doing anything else",
            {"optional", "admins", "everybody"}, g, &s::second_factor);
  to.path("auth.token_key", "a file of at least 32 bytes; empty: generated in data", g,
          &s::token_key);
  to.path("auth.policies", "a file; empty: the built-in roles admin, member and viewer", g,
          &s::policies);
  to.integer("auth.failed_logins", "in a row, before a user is locked out for a while", 1,
             1'000'000, g, &s::failed_logins);
  to.integer("auth.lockout", "seconds", 1, ten_years_s, g, &s::lockout);
  to.number("auth.logins_per_second", "of one address, on average", 0.001, 1e9, g,
            &s::logins_per_second);
  to.boolean("auth.light_passwords", "hashes with the least memory and time; for tests", g,
             &s::light_passwords);
  to.secret("auth.metrics_token",
            "who asks for /metrics needs it; empty: only this machine itself, by no proxy", g,
            &s::metrics_token);
}

inline void add_engine_settings(setting_table& to) {
  constexpr auto g = &server_config::engine;
  using s = engine_settings;
  to.integer("engine.threads", "that train and answer; 0: all of the machine", 0, 4096, g,
             &s::threads);
  to.integer("engine.memory_budget", "bytes of all clusters", 1 << 20, most_setting, g,
             &s::memory_budget);
  to.integer("engine.cluster_memory", "most bytes of one cluster", 1 << 16, most_setting, g,
             &s::cluster_memory);
  to.integer("engine.idle_time",
             "seconds without use, after which a cluster leaves memory until its next use; 0: only "
             "where memory is short",
             0, ten_years_s, g, &s::idle_time);
  to.integer("engine.label_time", "seconds that what was asked with an id waits for its label", 1,
             ten_years_s, g, &s::label_time);
  to.integer("engine.snapshot_interval",
             "seconds, at most, between writing a cluster that learns in full", 1, ten_years_s, g,
             &s::snapshot_interval);
  to.integer("engine.journal_bytes", "of one cluster, before it is written in full", 1 << 16,
             most_setting, g, &s::journal_bytes);
  to.boolean("engine.sync_journal",
             "each sample is on disk before it is acknowledged: survives a loss of power", g,
             &s::sync_journal);

  constexpr auto t = &server_config::stream;
  to.integer("stream.memory_budget", "bytes of all streams in memory", 1 << 20, most_setting, t,
             &stream_settings::memory_budget);
  to.integer("stream.stream_memory", "most bytes of one stream, about", 1 << 20, most_setting, t,
             &stream_settings::stream_memory);
  to.integer("stream.idle_timeout", "seconds after which a stream that is not used leaves memory",
             1, ten_years_s, t, &stream_settings::idle_timeout);

  constexpr auto w = &server_config::webhook;
  using hooks = webhook_settings;
  to.networks("webhook.private_networks",
              "that webhooks may reach beside the open internet, as 10.0.0.0/8", w,
              &hooks::private_networks);
  to.path("webhook.authorities",
          "PEM, whose certificates are trusted beside those that the system trusts", w,
          &hooks::authorities);
  to.integer("webhook.timeout_ms", "from connecting to the answer", 1, 600'000, w, &hooks::timeout);
  to.integer("webhook.retry_ms",
             "until a message is sent a second time; then six times as long each time", 1,
             std::uint64_t{24} * 3600 * 1000, w, &hooks::retry);
  to.integer("webhook.tries", "of one message", 1, 100, w, &hooks::tries);
  to.integer("webhook.disable_after", "seconds, in which a webhook only fails", 0, ten_years_s, w,
             &hooks::disable_after);

  constexpr auto m = &server_config::mqtt;
  using broker = mqtt_settings;
  to.path("mqtt.broker", "host of a broker whose messages become rows of streams; empty: none", m,
          &broker::broker);
  to.integer("mqtt.port", "0: 1883, or 8883 with TLS", 0, 65535, m, &broker::port);
  to.boolean("mqtt.tls", "the broker is spoken to by TLS, and its certificate checked", m,
             &broker::tls);
  to.path("mqtt.authorities", "PEM to check it with; empty: whom the system trusts", m,
          &broker::authorities);
  to.path("mqtt.user", "empty: none", m, &broker::user);
  to.hidden("mqtt.password", "the user's", m, &broker::password);
  to.text("mqtt.client_id", "by which the broker keeps what comes while the server is away", m,
          &broker::client_id);
  to.words(
      "mqtt.topics", "which messages go to which stream",
      "PATTERN=STREAM_ID or PATTERN=STREAM_ID=line_protocol, with commas between, or nothing",
      [](const std::string& each) { return each.find('=') != std::string::npos; }, m,
      &broker::topics);

  constexpr auto q = &server_config::quota;
  to.integer("quota.clusters", "most that one user may own, as are those below; 0: none", 0,
             most_setting, q, &quota::clusters);
  to.integer("quota.streams", "0: none", 0, most_setting, q, &quota::streams);
  to.integer("quota.datasets", "0: none", 0, most_setting, q, &quota::datasets);
  to.integer("quota.checkpoints", "0: none", 0, most_setting, q, &quota::checkpoints);
  to.integer("quota.open_tasks", "0: none", 0, most_setting, q, &quota::open_tasks);
  to.integer("quota.bytes", "of clusters, datasets, uploads and checkpoints on disk", 0,
             most_setting, q, &quota::bytes);
  to.integer("quota.memory", "bytes of clusters and streams that are in memory", 0, most_setting, q,
             &quota::memory);
}

/// Scopes of OAuth 2 (RFC 6749, 3.3).
inline bool is_scope(std::string_view text) {
  for (const char c : text) {
    if (c < '!' || c > '~' || c == '"' || c == '\\') {
      return false;
    }
  }
  return true;
}

/// "GROUP=admin" or "GROUP=PROJECT:ROLE"; what is behind the last =.
inline bool is_granted_role(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return false;
  }
  const std::string_view what = text.substr(equals + 1);
  const std::size_t colon = what.find(':');
  return what == "admin" ||
         (colon != std::string_view::npos && colon > 0 && colon + 1 < what.size());
}

inline void add_oidc_settings(setting_table& to) {
  constexpr auto g = &server_config::oidc;
  using s = oidc_settings;
  to.path("oidc.issuer",
          "of a provider of OpenID Connect by which users may log in, just as it names itself; "
          "empty: none",
          g, &s::issuer);
  to.path("oidc.client_id", "by which the provider knows this service", g, &s::client_id);
  to.hidden("oidc.client_secret", "empty: the file's, or none, of a public client", g,
            &s::client_secret);
  to.path("oidc.client_secret_file", "a file with the secret in its first line", g,
          &s::client_secret_file);
  to.path(
      "oidc.redirect_uri",
      "as browsers reach this service: https://lab.example/v1/oidc/callback, which the provider "
      "has to know",
      g, &s::redirect_uri);
  to.words("oidc.scopes", "that are asked for; openid always is",
           "words of printable ASCII, with blanks between", is_scope, g, &s::scopes);
  to.text("oidc.label", "what a button for it says", g, &s::label);
  to.path("oidc.authorities", "PEM, whose certificates are trusted beside the system's", g,
          &s::authorities);
  to.integer("oidc.timeout_ms", "for each answer of the provider", 1, 60'000, g, &s::timeout);
  to.text("oidc.user_claim", "what names a new user: preferred_username, email, sub or another", g,
          &s::user_claim);
  to.boolean("oidc.create_users", "who is not known yet is made a user", g, &s::create_users);
  to.path("oidc.project", "that new users join; empty: none", g, &s::project);
  to.text("oidc.role", "that they have in it", g, &s::role);
  to.path("oidc.groups_claim",
          "whose values give roles; as realm_access.roles where it is inside "
          "another; empty: none does",
          g, &s::groups_claim);
  to.words("oidc.roles", "which value of that claim gives what, at each log-in",
           "GROUP=PROJECT:ROLE or GROUP=admin, with commas between, or nothing", is_granted_role, g,
           &s::roles);
  to.words(
      "oidc.return_to", "origins of web pages that a log-in may lead back to",
      "origins as https://lab.example or http://localhost:8080, with commas between, or nothing",
      [](const std::string& each) { return each != "*" && is_origin(each); }, g, &s::return_to);
}

inline const std::vector<setting>& all_settings() {
  static const std::vector<setting> rows = [] {
    setting_table table;
    add_main_settings(table);
    add_http_settings(table);
    add_auth_settings(table);
    add_oidc_settings(table);
    add_engine_settings(table);
    return table.rows;
  }();
  return rows;
}

} // namespace hanami::service::detail
