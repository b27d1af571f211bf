// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../foundation/error.hpp"
#include "../../io/write_file.hpp"
#include "../base/compile.hpp"
#include "tables.hpp"

namespace hanami::service::store {

namespace detail {

/// "hana": what `PRAGMA application_id` says of our files.
inline constexpr std::int64_t database_mark = 0x68616e61;
inline constexpr std::size_t most_idle_readers = 16;

/// The journal and the shared memory beside the file get its mode from SQLite.
inline void make_database_file(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  std::error_code trouble;
  if (!folder.empty() && std::filesystem::create_directories(folder, trouble)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, trouble);
  }
  if (trouble) {
    hanami::detail::refuse_file("cannot make the folder ", folder, trouble);
  }
  // Opened only when it is new: closing a file that SQLite has open as well would release its
  // locks.
  const hanami::detail::file_handle fresh(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fresh.get() < 0 && (errno != EEXIST || ::chmod(file.c_str(), 0600) != 0)) {
    hanami::detail::refuse_file("cannot make the database ", file,
                                hanami::detail::system_trouble());
  }
}

inline std::int64_t value_of(connection& on, std::string_view sql) {
  statement asked = on.query(sql);
  return asked.step() ? asked.integer(0) : 0;
}

} // namespace detail

HANAMI_SERVICE_INLINE database::transaction::~transaction() {
  if (!done_ && on_.in_transaction()) {
    try {
      on_.execute("ROLLBACK");
    } catch (...) { // what led here is on its way already, and SQLite rolls back when it closes
    }
  }
}

HANAMI_SERVICE_INLINE database::database(const std::filesystem::path& file)
    : file_((detail::make_database_file(file), file)), reserve_(file.string() + "-reserve") {
  try {
    try {
      open();
    } catch (const refusal& why) {
      if (why.code() != refusal_code::no_space) {
        throw;
      }
      reserve_.lend([this] { open(); });
    }
  } catch (const error& why) {
    throw error(static_cast<errc>(why.code().value()), file.string() + ": " + why.what());
  }
}

HANAMI_SERVICE_INLINE void database::open() {
  writer_ = std::make_unique<connection>(file_);
  migrate();
}

HANAMI_SERVICE_INLINE void database::migrate() {
  writer_->run_script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                      "PRAGMA journal_size_limit=67108864");
  transaction guard(*writer_);
  const auto version = static_cast<std::size_t>(detail::value_of(*writer_, "PRAGMA user_version"));
  const std::int64_t mark = detail::value_of(*writer_, "PRAGMA application_id");
  const bool empty = detail::value_of(*writer_, "SELECT count(*) FROM sqlite_schema") == 0;
  if (mark != detail::database_mark && (mark != 0 || version != 0 || !empty)) {
    throw error(errc::file_error, "is a database of another program");
  }
  if (version > migrations.size()) {
    throw error(errc::unsupported_version, "the database is of version " + std::to_string(version) +
                                               "; this build knows versions up to " +
                                               std::to_string(migrations.size()));
  }
  if (version == migrations.size() && mark == detail::database_mark) {
    return; // nothing to write, on a disk that may be full
  }
  for (std::size_t next = version; next < migrations.size(); ++next) {
    writer_->run_script(migrations[next]);
  }
  writer_->run_script("PRAGMA application_id=" + std::to_string(detail::database_mark) +
                      "; PRAGMA user_version=" + std::to_string(migrations.size()));
  guard.commit();
}

HANAMI_SERVICE_INLINE std::unique_ptr<connection> database::take_reader() {
  std::unique_ptr<connection> reader;
  {
    const std::lock_guard lock(pool_);
    if (!readers_.empty()) {
      reader = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (!reader) {
    reader = std::make_unique<connection>(file_, open_mode::read_only);
  }
  reader->execute("BEGIN");
  return reader;
}

HANAMI_SERVICE_INLINE void database::give_back(std::unique_ptr<connection> reader) noexcept {
  try {
    reader->execute("ROLLBACK");
    const std::lock_guard lock(pool_);
    if (readers_.size() < detail::most_idle_readers) {
      readers_.push_back(std::move(reader));
    }
  } catch (...) { // such a reader is closed, and the next one is new
  }
}

} // namespace hanami::service::store
