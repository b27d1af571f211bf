// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/settings.hpp"

/// The service, whole: give it a configuration, and it serves until it is stopped.
///
///     hanami::service::server_config config;
///     hanami::service::server server(config);
///     // ... until somebody asks for the end; the destructor does the rest

namespace hanami::service {

/// Safe from any thread.
class server {
 public:
  /// Opens the data directory (made where it is missing), brings back what was there and listens.
  /// Throws `hanami::error` with what is wrong and what would be right.
  explicit server(server_config config);
  /// Ends requests, writes what was learned.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  std::uint16_t port() const noexcept;
  /// The administrator's password, if one had to be made; told once.
  std::optional<std::string> take_admin_password();
  /// The file in which that password stands, too, readable by its owner alone.
  std::filesystem::path admin_password_file() const;
  /// Reads the certificate anew. False where it cannot be used: the log says why, and the old one
  /// stays.
  bool reload_certificate();
  /// Goes on in a new log file, for log rotation. False where it cannot be made: the log says why,
  /// and the old one stays.
  bool reopen_log();
  /// Whether the threads that talk to sockets answer before `most` has passed, and the engine has
  /// done something since the last call, if there was something to do. The log says what does not.
  bool works(std::chrono::milliseconds most);
  /// What it is doing, in a line.
  std::string status() const;
  /// What an operator should see: the address, the documentation's address, where the data is.
  std::string greeting() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Gives the administrator that the configuration names a new password, the configured one or a
/// generated one, and returns it; makes the account where it is missing. All tokens of the account
/// are void. Throws `errc::file_error` while a server uses the data directory.
std::string reset_admin(const server_config& config);

} // namespace hanami::service
