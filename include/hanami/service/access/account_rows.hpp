// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../store/cursor.hpp"
#include "../store/sqlite.hpp"
#include "accounts.hpp"
#include "common_passwords.hpp"
#include "sodium.hpp"

/// Users and projects as stored in the database, and the checks on their values.

namespace hanami::service::access::detail {

inline constexpr std::string_view admin_project = "admin";
inline constexpr std::string_view made_at_start =
    "hanami"; ///< creator of what the service makes by itself

inline refusal invalid_account(const char* field, const std::string& wanted) {
  refusal why = invalid_value(std::string(field) + ": " + wanted);
  why.faults.push_back({std::string("/") + field, wanted});
  return why;
}

inline void expect_text(const char* field, std::string_view text) {
  const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (text.empty() || text.size() > 254 || !printable) {
    throw invalid_account(field, "must have 1 to 254 bytes and no control characters");
  }
}

inline void expect_password(std::string_view password) {
  if (count_characters(password) < 8 || password.size() > 4096) {
    throw invalid_account("password", "must have 8 characters at least, and 4096 bytes at most");
  }
  if (is_common_password(password)) {
    throw invalid_account("password", "is one of those that are tried first; take another one");
  }
}

/// The first token series of a new user: random, so that the tokens of a deleted user of the same
/// id stay void. Small enough for JSON.
inline std::uint64_t first_token_series() {
  need_sodium();
  return (std::uint64_t{randombytes_random()} << 16) + 1;
}

inline constexpr std::string_view select_users =
    "SELECT id, name, admin, creator_id, created_at, updated_at, version, generation, "
    "has_password FROM users ";
inline constexpr std::string_view select_projects =
    "SELECT id, name, creator_id, created_at, updated_at, version FROM projects ";

/// Without the projects.
inline user read_user(const store::statement& from) {
  user u;
  u.id = from.text(0);
  u.name = from.text(1);
  u.admin = from.integer(2) != 0;
  u.creator_id = from.text(3);
  u.created_at = from.integer(4);
  u.updated_at = from.integer(5);
  u.version = static_cast<std::uint64_t>(from.integer(6));
  u.token_series = static_cast<std::uint64_t>(from.integer(7));
  u.has_password = from.integer(8) != 0;
  return u;
}

inline project read_project(const store::statement& from) {
  project p;
  p.id = from.text(0);
  p.name = from.text(1);
  p.creator_id = from.text(2);
  p.created_at = from.integer(3);
  p.updated_at = from.integer(4);
  p.version = static_cast<std::uint64_t>(from.integer(5));
  return p;
}

/// What stands in other tables: memberships, and whether there is a second factor.
inline void read_belongings(store::connection& on, user& u) {
  store::statement rows = on.query("SELECT project_id, role, project_admin FROM memberships "
                                   "WHERE user_id = ? ORDER BY created_at, project_id",
                                   u.id);
  while (rows.step()) {
    u.projects.push_back({rows.text(0), rows.text(1), rows.integer(2) != 0});
  }
  u.second_factor =
      on.query("SELECT 1 FROM second_factors WHERE user_id = ? AND confirmed_at > 0", u.id).step();
}

inline std::optional<user> find_user(store::connection& on, std::string_view id) {
  std::optional<user> u;
  {
    store::statement found = on.query(std::string(select_users) + "WHERE id = ?", id);
    if (found.step()) {
      u = read_user(found);
    }
  }
  if (u) {
    read_belongings(on, *u);
  }
  return u;
}

inline user user_of(store::connection& on, std::string_view id) {
  std::optional<user> u = find_user(on, id);
  if (!u) {
    throw not_found("user", std::string(id));
  }
  return *std::move(u);
}

inline project project_of(store::connection& on, std::string_view id) {
  store::statement found = on.query(std::string(select_projects) + "WHERE id = ?", id);
  if (!found.step()) {
    throw not_found("project", std::string(id));
  }
  return read_project(found);
}

inline bool is_last_admin(store::connection& on, const user& u) {
  return u.admin &&
         !on.query("SELECT 1 FROM users WHERE admin = 1 AND id <> ? LIMIT 1", u.id).step();
}

inline void touch_user(store::connection& on, std::string_view id) {
  on.execute("UPDATE users SET version = version + 1, updated_at = ? WHERE id = ?", now_ms(), id);
}

inline void void_tokens_of(store::connection& on, std::string_view id) {
  on.execute("UPDATE users SET generation = generation + 1 WHERE id = ?", id);
  for (const char* table : {"refresh_tokens", "sessions", "api_tokens"}) {
    on.execute(std::string("DELETE FROM ") + table + " WHERE user_id = ?", id);
  }
}

inline void insert_user(store::connection& on, const new_user& wanted, const std::string& hash,
                        std::string_view creator_id) {
  const std::int64_t now = now_ms();
  try {
    on.execute("INSERT INTO users (id, name, admin, password, creator_id, created_at, updated_at, "
               "version, generation) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
               wanted.id, wanted.name, wanted.admin, hash, creator_id, now, now,
               first_token_series());
  } catch (const store::constraint_error&) {
    throw conflict(std::string("there is a user '") + wanted.id + "' already");
  }
}

inline void insert_project(store::connection& on, std::string_view id, std::string_view name,
                           std::string_view creator_id) {
  const std::int64_t now = now_ms();
  try {
    on.execute("INSERT INTO projects (id, name, creator_id, created_at, updated_at, version) "
               "VALUES (?, ?, ?, ?, ?, 1)",
               id, name, creator_id, now, now);
  } catch (const store::constraint_error&) {
    throw conflict(std::string("there is a project '") + std::string(id) + "' already");
  }
}

/// Throws `store::constraint_error` where the user is in the project already.
inline void insert_membership(store::connection& on, std::string_view user_id,
                              const membership& as) {
  // A user's memberships are ordered by time, so no two of them may have the same.
  on.execute("INSERT INTO memberships (user_id, project_id, role, project_admin, created_at) "
             "VALUES (?1, ?2, ?3, ?4, max(?5, (SELECT coalesce(max(created_at), 0) + 1 "
             "FROM memberships WHERE user_id = ?1)))",
             user_id, as.project_id, as.role, as.project_admin, now_ms());
}

/// A page of users or projects; `read(statement)` makes a row.
template <class Row, class Read>
store::page<Row> list_accounts(store::connection& on, std::string_view select, const char* table,
                               const store::page_request& wanted, Read read) {
  const store::detail::page_cursor after = store::detail::cursor_from(wanted.after);
  const std::int64_t most = store::detail::rows_to_ask_for(wanted);
  const std::string pattern = store::detail::like_pattern(wanted.name);
  store::page<Row> result;
  store::statement rows =
      on.query(std::string(select) + "WHERE name LIKE ? ESCAPE '\\' AND (created_at, id) > (?, ?) "
                                     "ORDER BY created_at, id LIMIT ?",
               pattern, after.order, after.id, most);
  while (rows.step()) {
    result.rows.push_back(read(rows));
  }
  store::statement counted = on.query(
      std::string("SELECT count(*) FROM ") + table + " WHERE name LIKE ? ESCAPE '\\'", pattern);
  counted.step();
  result.total = static_cast<std::uint64_t>(counted.integer(0));
  store::detail::end_page(result, wanted, [](const Row& last) {
    return store::detail::cursor_text(last.created_at, last.id);
  });
  return result;
}

} // namespace hanami::service::access::detail
