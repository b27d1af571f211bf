// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What an operator can set, with the defaults that hold on a fresh machine.

namespace hanami::service {

/// Most that one user may own; 0: none at all.
struct quota {
  std::uint64_t clusters = 100;
  std::uint64_t streams = 100;
  std::uint64_t datasets = 100;
  std::uint64_t checkpoints = 100;
  std::uint64_t open_tasks = 100;
  std::uint64_t bytes = std::uint64_t{16} << 30; ///< on disk, of all that is there
  std::uint64_t memory = std::uint64_t{2}
                         << 30; ///< bytes of clusters and streams that are in memory
};

struct http_settings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 11418; ///< 0: any free one
  /// Threads that talk to sockets; 0: half of the machine's, at least one.
  std::size_t threads = 0;
  /// Threads for what waits for the disk or takes long, such as passwords; 0: four at least.
  std::size_t workers = 0;
  std::size_t body_bytes = std::size_t{1} << 20;     ///< of a JSON body
  std::size_t chunk_bytes = std::size_t{64} << 20;   ///< of one piece of an upload by REST
  std::size_t message_bytes = std::size_t{16} << 20; ///< of a WebSocket message
  std::size_t connections = 20'000;                  ///< open at once; more are refused with 503
  std::size_t connections_per_address = 1000;       ///< of them; not counted for this machine's own
  std::chrono::milliseconds header_timeout{10'000}; ///< for a request's head to be complete
  std::chrono::milliseconds body_timeout{30'000};   ///< for each piece of a body to arrive
  std::size_t body_rate = 1024; ///< bytes a second, at which a body as a whole has to arrive
  std::chrono::milliseconds idle_timeout{60'000}; ///< between the requests of a connection
  /// Web pages that may call the API from a browser, as "https://lab.example" or
  /// "http://localhost:8080"; "*": all. None: only pages that the server itself gives.
  std::vector<std::string> allowed_origins;
  /// Addresses and networks ("10.0.0.0/8") of proxies whose X-Forwarded-For and X-Forwarded-Proto
  /// are believed.
  std::vector<std::string> trusted_proxies;
};

struct tls_settings {
  std::filesystem::path certificate; ///< PEM, the chain; empty: plain HTTP
  std::filesystem::path key;         ///< PEM
  std::uint16_t redirect_port = 0;   ///< plain HTTP that only redirects; 0: none
  /// How long browsers remember to come by https only (RFC 6797); 0: they are not told to.
  std::chrono::seconds remember{std::chrono::hours{24 * 30}};
};

struct auth_settings {
  std::chrono::seconds token_lifetime{3600};
  std::chrono::seconds refresh_lifetime{std::chrono::hours{24 * 30}};
  /// Who never got the answer to a refresh may repeat it once, for so long; 0: never.
  std::chrono::seconds refresh_grace{30};
  std::string second_factor = "optional"; ///< or needed by "admins", "everybody"
  std::filesystem::path token_key;  ///< at least 32 bytes; empty: generated in the data directory
  std::filesystem::path policies;   ///< empty: the built-in roles admin, member and viewer
  std::uint32_t failed_logins = 10; ///< in a row, before a user is locked out for a while
  std::chrono::seconds lockout{300};
  double logins_per_second = 5; ///< of one address, on average; 0.001 to 1e9
  bool light_passwords = false; ///< hashes with the least memory and time; for tests
  /// Who asks for /metrics needs it, as `Authorization: Bearer ...`. Empty: only this machine's own
  /// addresses may ask, and not through a proxy.
  std::string metrics_token;
};

/// A provider of OpenID Connect by which users may log in.
struct oidc_settings {
  std::string issuer; ///< as it names itself; empty: none
  std::string client_id;
  std::string client_secret;                ///< empty: that of the file, or none
  std::filesystem::path client_secret_file; ///< its first line
  std::string redirect_uri;                 ///< ".../v1/oidc/callback", as browsers reach it
  std::vector<std::string> scopes{"openid", "profile", "email"};
  std::string label = "Single sign-on";          ///< of a button
  std::filesystem::path authorities;             ///< PEM, beside those of the system; empty: none
  std::chrono::milliseconds timeout{10'000};     ///< for each of its answers
  std::string user_claim = "preferred_username"; ///< names a new user
  bool create_users = false;
  std::string project;         ///< that new users join; empty: none
  std::string role = "member"; ///< in it
  std::string groups_claim;    ///< "groups", "realm_access.roles"; empty: none
  /// What its values give: "staff=lab:member", "chiefs=admin".
  std::vector<std::string> roles;
  std::vector<std::string> return_to; ///< origins of web pages that a log-in may lead back to
};

struct engine_settings {
  std::size_t threads = 0; ///< that train and answer; 0: all of the machine
  std::size_t memory_budget = std::size_t{4} << 30;  ///< of all clusters, bytes
  std::size_t cluster_memory = std::size_t{1} << 30; ///< most for one of them, bytes
  /// A cluster that nobody has used for so long leaves memory, and comes back when it is used; 0:
  /// only where memory is short, and then whose last use is longest ago.
  std::chrono::seconds idle_time{600};
  /// What was asked with an id waits so long for its label.
  std::chrono::seconds label_time{86'400};
  /// A cluster is written in full at least this often while it learns; in between, a journal holds
  /// what it has learned since.
  std::chrono::seconds snapshot_interval{60};
  std::size_t journal_bytes = std::size_t{64}
                              << 20; ///< of one cluster, before it is written in full
  /// Every acknowledged sample is on disk, not only in the hands of the system. Survives a loss of
  /// power as well as a kill; costs a wait for the disk at each.
  bool sync_journal = false;
};

struct stream_settings {
  /// Bytes that all streams may hold in memory; beyond them rows are refused with 503.
  std::size_t memory_budget = std::size_t{4} << 30;
  std::size_t stream_memory = std::size_t{1} << 30; ///< most for one of them, about; bytes
  std::chrono::seconds idle_timeout{600}; ///< one that is not used for so long leaves memory
};

/// How alarms are sent to where users want them sent.
struct webhook_settings {
  /// Networks that webhooks may reach beside the addresses of the open internet: as 10.0.0.0/8.
  std::vector<std::string> private_networks;
  std::filesystem::path authorities;         ///< PEM, beside those of the system; empty: none
  std::chrono::milliseconds timeout{15'000}; ///< from connecting to the answer
  std::chrono::milliseconds retry{
      5'000};              ///< until the second try; then six times as long each time
  std::uint32_t tries = 8; ///< of one message
  std::chrono::seconds disable_after{std::chrono::hours{72}}; ///< one that only fails for so long
};

/// A broker of MQTT whose messages become rows of streams.
struct mqtt_settings {
  std::string broker;     ///< its host; empty: none
  std::uint16_t port = 0; ///< 0: 1883, or 8883 with TLS
  bool tls = false;
  std::filesystem::path authorities; ///< PEM, whose certificates the broker's is checked with;
                                     ///< empty: those of the system
  std::string user;
  std::string password;
  std::string client_id = "hanami"; ///< by which the broker knows this service when it comes again
  /// What goes where: "plant/+/state=<id of a stream>", "telegraf/#=<id of a
  /// stream>=line_protocol".
  std::vector<std::string> topics;
};

/// Everything. A plain value; safe to copy.
struct server_config {
  std::filesystem::path data = "hanami-data"; ///< where everything is kept
  bool encrypt_files = false;                 ///< datasets and checkpoints at rest
  std::filesystem::path file_key; ///< at least 32 bytes, best outside `data`; empty: beside it
  std::chrono::seconds upload_timeout{std::chrono::hours{24}}; ///< unfinished uploads are removed
  std::string log_level = "info"; ///< trace, debug, info, warning, error, off
  std::filesystem::path log_file; ///< empty: the standard error stream
  bool log_json = false;
  std::string admin_id = "admin"; ///< made when there is no administrator
  std::string admin_name = "Administrator";
  std::optional<std::string> admin_password; ///< empty: generated, and printed once
  http_settings http;
  tls_settings tls;
  auth_settings auth;
  oidc_settings oidc;
  engine_settings engine;
  stream_settings stream;
  webhook_settings webhook;
  mqtt_settings mqtt;
  service::quota quota; ///< of users for whom nothing else is set
};

/// One setting as text: "http.port" -> "8080".
using setting_map = std::map<std::string, std::string, std::less<>>;

/// Reads TOML: a table a group, as the structs above (`[http] port = 8080`). Sizes are bytes, times
/// seconds (`body_timeout_ms` and the like milliseconds), lists one text with blanks or commas
/// between. Throws `errc::invalid_argument` with
/// file, line and column for what it does not know, naming what it does know; `config` is as it was
/// then.
void read_config_text(server_config& config, std::string_view toml, std::string_view name);
/// The same from a file of at most 1 MiB. Throws `errc::file_error` as well.
void read_config_file(server_config& config, const std::filesystem::path& file);
/// Sets what the environment says: `HANAMI_HTTP_PORT` for http.port, `HANAMI_DATA` for data. Those
/// of the reference hold too: HANAMI_ADMIN_USER_ID, HANAMI_ADMIN_USER_NAME, HANAMI_ADMIN_PASSWORD.
/// Names that are no setting's are left alone. Throws as `set_config`, naming the variable.
void read_config_environment(server_config& config);
/// Sets one by its name, such as http.port. Empty texts take paths and the password back to what
/// they are without one. Throws `errc::invalid_argument`, naming what would be accepted.
void set_config(server_config& config, std::string_view name, std::string_view value);
/// All names with their present values, passwords left out.
setting_map list_config(const server_config& config);

/// The file of the key by which files are encrypted: beside the data directory unless it is named.
std::filesystem::path file_key_of(const server_config& config);

struct setting_note {
  std::string name;
  std::string about; ///< what it is for, or its unit
};
/// All there are, passwords too, a group after the other.
std::vector<setting_note> known_settings();

} // namespace hanami::service
