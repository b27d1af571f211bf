// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sqlite.hpp"

#include <cerrno>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"

namespace hanami::service::store {

namespace detail {

/// Throws `busy` where the database finds no descriptor, `no_space` where the disk has no room for
/// one of its files.
inline void expect_resources(sqlite3* handle, int code) {
  if (handle != nullptr && ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR)) {
    const int trouble = sqlite3_system_errno(handle);
    if (trouble == EMFILE || trouble == ENFILE) {
      throw too_many_files();
    }
    if (trouble == ENOSPC || trouble == EDQUOT) {
      throw disk_is_full();
    }
  }
}

[[noreturn]] inline void sqlite_refuses(sqlite3* handle, int code) {
  const char* why = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
      code == SQLITE_CONSTRAINT_ROWID) {
    throw constraint_error(why);
  }
  if ((code & 0xff) == SQLITE_FULL) {
    throw disk_is_full();
  }
  expect_resources(handle, code);
  throw error(errc::file_error, std::string("the database refuses: ") + why);
}

inline void sqlite_expect(int code, sqlite3_stmt* prepared) {
  if (code != SQLITE_OK) {
    sqlite_refuses(sqlite3_db_handle(prepared), code);
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void statement::bind(int index, std::int64_t value) {
  detail::sqlite_expect(sqlite3_bind_int64(prepared_, index, value), prepared_);
}

HANAMI_SERVICE_INLINE void statement::bind(int index, double value) {
  detail::sqlite_expect(sqlite3_bind_double(prepared_, index, value), prepared_);
}

HANAMI_SERVICE_INLINE void statement::bind(int index, std::string_view text) {
  // An empty view may have no address; SQLite would take that for NULL.
  const char* begin = text.empty() ? "" : text.data();
  detail::sqlite_expect(
      sqlite3_bind_text64(prepared_, index, begin, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8),
      prepared_);
}

HANAMI_SERVICE_INLINE void statement::bind(int index, std::nullptr_t) {
  detail::sqlite_expect(sqlite3_bind_null(prepared_, index), prepared_);
}

HANAMI_SERVICE_INLINE bool statement::step() {
  const int code = sqlite3_step(prepared_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    detail::sqlite_refuses(sqlite3_db_handle(prepared_), code);
  }
  return code == SQLITE_ROW;
}

HANAMI_SERVICE_INLINE connection::connection(const std::filesystem::path& file, open_mode mode) {
  const int flags = mode == open_mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &handle,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    detail::expect_resources(handle, code);
    throw error(errc::file_error,
                "cannot open the database " + file.string() + ": " +
                    (handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle)));
  }
  sqlite3_busy_timeout(handle, 10'000);
  // Features by which a damaged or forged file could do harm.
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  constexpr std::pair<int, int> safer[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                           {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                           {SQLITE_DBCONFIG_DQS_DML, 0},
                                           {SQLITE_DBCONFIG_DQS_DDL, 0},
                                           {SQLITE_DBCONFIG_ENABLE_FKEY, 1}};
  for (const auto& [option, on] : safer) {
    sqlite3_db_config(handle, option, on, nullptr);
  }
}

HANAMI_SERVICE_INLINE statement connection::prepare(std::string_view sql) {
  const auto known = prepared_.find(sql);
  if (known != prepared_.end()) {
    HANAMI_ASSERT(sqlite3_stmt_busy(known->second.get()) == 0,
                  "a statement is used by one at a time");
    return statement(known->second.get());
  }
  sqlite3_stmt* fresh = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &fresh, nullptr);
  if (code != SQLITE_OK) {
    detail::sqlite_refuses(handle_.get(), code);
  }
  prepared_.try_emplace(std::string(sql), fresh);
  return statement(fresh);
}

HANAMI_SERVICE_INLINE void connection::run_script(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    detail::sqlite_refuses(handle_.get(), code);
  }
}

HANAMI_SERVICE_INLINE void connection::copy_to(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, nullptr);
  const std::unique_ptr<sqlite3, closer> to(opened);
  if (code != SQLITE_OK) {
    detail::sqlite_refuses(opened, code);
  }
  sqlite3_backup* const copying = sqlite3_backup_init(opened, "main", handle_.get(), "main");
  if (copying == nullptr) {
    detail::sqlite_refuses(opened, sqlite3_extended_errcode(opened));
  }
  const int copied = sqlite3_backup_step(copying, -1);
  const int ended = sqlite3_backup_finish(copying);
  if (copied != SQLITE_DONE || ended != SQLITE_OK) {
    detail::sqlite_refuses(opened, ended != SQLITE_OK ? ended : copied);
  }
}

} // namespace hanami::service::store
