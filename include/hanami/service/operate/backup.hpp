// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "../base/settings.hpp"

/// Copies of all that a server keeps, made while it serves.
///
/// A backup is a folder like the data directory: the database, keys, datasets, checkpoints and
/// uploads as of one moment, each cluster with snapshot and journal as of that moment or a later
/// one before the end. Beside them stand `backup.json`, which says what it is, and, written last,
/// `B2SUMS`, which `b2sum -c` reads, too. Without that it is not complete.

namespace hanami::service {

struct backup_report {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  /// What is in the data directory and not the service's, or should be there and is not.
  std::vector<std::string> left_out;
  /// Not empty: the file of the key by which the files are encrypted. It is not in the backup.
  std::filesystem::path key;
};

/// Copies the data directory to `to`, which must be empty or not exist; a server may be at work on
/// it, which then waits for writes to its database for some milliseconds. Throws `errc::file_error`
/// and leaves nothing behind then.
backup_report back_up(const server_config& config, const std::filesystem::path& to);

/// Copies a backup to the data directory, which must be empty or not exist. Throws
/// `errc::file_error`, and `errc::invalid_data` for a backup that is incomplete or damaged, and
/// leaves nothing behind then.
backup_report restore(const server_config& config, const std::filesystem::path& from);

} // namespace hanami::service
