// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/fwd.h>

#include "settings.hpp"

/// The operator's log: the one place where the service says what nobody asked it for.

namespace hanami::service {

namespace detail {
class log_file_sink;
}

/// Writes lines to a file or to the standard error stream. Safe from any thread; never throws once
/// it is made, since a log that fails must not end what it reports on.
class logger {
 public:
  /// As `log_file`, `log_level` and `log_json` of the configuration say. Throws `errc::file_error`
  /// where the file cannot be written.
  explicit logger(const server_config& config);

  /// Goes on in a new file where the old one was moved away, as log rotation does; nothing where
  /// the log is the standard error stream. Throws `errc::file_error` where the file cannot be made,
  /// and then goes on in the old one.
  void reopen();
  /// Whether lines of `debug` are kept: for those that take time to make.
  bool keeps_debug() const noexcept;

  /// `part` is the part of the service that speaks, such as "engine".
  void debug(std::string_view part, std::string_view what) noexcept;
  void info(std::string_view part, std::string_view what) noexcept;
  /// Something is not as it should be, and the service goes on by itself.
  void warning(std::string_view part, std::string_view what) noexcept;
  /// Something was lost or could not be done.
  void error(std::string_view part, std::string_view what) noexcept;
  /// The same of an exception that nobody else hears of.
  void error(std::string_view part, const std::exception_ptr& thrown) noexcept;

 private:
  void write(int level, std::string_view part, std::string_view what) noexcept;

  std::shared_ptr<detail::log_file_sink> file_; ///< nothing: the standard error stream
  std::shared_ptr<spdlog::logger> to_;
};

/// What an exception says.
std::string text_of(const std::exception_ptr& thrown);

} // namespace hanami::service
