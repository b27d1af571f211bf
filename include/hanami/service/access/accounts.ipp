// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "accounts.hpp"

#include <limits>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "account_rows.hpp"
#include "password.hpp"

namespace hanami::service::access {

HANAMI_SERVICE_INLINE std::optional<std::string>
accounts::ensure_admin(const std::function<void(const std::string&)>& keep) {
  nobodys_hash(); // now, not at the first login of an unknown user
  const bool wanted = db_.read([](store::connection& on) {
    return !on.query("SELECT 1 FROM users WHERE admin = 1 LIMIT 1").step();
  });
  change([&](store::connection& on) {
    if (!on.query("SELECT 1 FROM projects WHERE id = ?", detail::admin_project).step()) {
      detail::insert_project(on, detail::admin_project, "Administration", detail::made_at_start);
    }
  });
  if (!wanted) {
    return std::nullopt;
  }
  const bool generated = !config_.admin_password;
  const std::string password = reset_admin(keep);
  return generated ? std::optional(password) : std::nullopt;
}

HANAMI_SERVICE_INLINE std::string
accounts::reset_admin(const std::function<void(const std::string&)>& keep) {
  const bool generate = !config_.admin_password;
  const new_user admin{config_.admin_id, config_.admin_name,
                       generate ? generate_password() : *config_.admin_password, true};
  detail::expect_text("id", admin.id);
  detail::expect_text("name", admin.name);
  detail::expect_password(admin.password);
  const std::string hash = hash_password(admin.password, config_.auth.light_passwords);
  if (generate && keep) {
    keep(admin.password);
  }
  change([&](store::connection& on) {
    if (detail::find_user(on, admin.id)) {
      on.execute("UPDATE users SET admin = 1, password = ?, has_password = 1 WHERE id = ?", hash,
                 admin.id);
      on.execute("DELETE FROM second_factors WHERE user_id = ?", admin.id);
      detail::touch_user(on, admin.id);
      detail::void_tokens_of(on, admin.id);
    } else {
      detail::insert_user(on, admin, hash, detail::made_at_start);
    }
  });
  return admin.password;
}

HANAMI_SERVICE_INLINE bool accounts::ignores_configured_password() {
  return config_.admin_password && !check_password(config_.admin_id, *config_.admin_password);
}

HANAMI_SERVICE_INLINE user accounts::create_user(const new_user& wanted,
                                                 std::string_view creator_id) {
  detail::expect_text("id", wanted.id);
  detail::expect_text("name", wanted.name);
  detail::expect_password(wanted.password);
  if (knows(wanted.id)) { // before the costly hash
    throw conflict(std::string("there is a user '") + wanted.id + "' already");
  }
  const std::string hash = hash_password(wanted.password, config_.auth.light_passwords);
  return db_.write([&](store::connection& on) {
    detail::insert_user(on, wanted, hash, creator_id);
    return detail::user_of(on, wanted.id);
  });
}

HANAMI_SERVICE_INLINE user accounts::get_user(std::string_view id) const {
  return db_.read([&](store::connection& on) { return detail::user_of(on, id); });
}

HANAMI_SERVICE_INLINE bool accounts::knows(std::string_view id) const {
  return db_.read([&](store::connection& on) {
    return on.query("SELECT 1 FROM users WHERE id = ?", id).step();
  });
}

HANAMI_SERVICE_INLINE store::page<user>
accounts::list_users(const store::page_request& wanted) const {
  return db_.read([&](store::connection& on) {
    store::page<user> found =
        detail::list_accounts<user>(on, detail::select_users, "users", wanted, detail::read_user);
    for (user& u : found.rows) {
      detail::read_belongings(on, u);
    }
    return found;
  });
}

HANAMI_SERVICE_INLINE user accounts::update_user(std::string_view id, const user_change& what) {
  if (what.name) {
    detail::expect_text("name", *what.name);
  }
  std::string hash;
  if (what.password) {
    detail::expect_password(*what.password);
    hash = hash_password(*what.password, config_.auth.light_passwords);
  }
  return change([&](store::connection& on) {
    const user before = detail::user_of(on, id);
    const bool admin = what.admin.value_or(before.admin);
    if (!admin && detail::is_last_admin(on, before)) {
      throw conflict("the last administrator stays one");
    }
    if (what.name || what.admin || what.password) {
      on.execute("UPDATE users SET name = ?, admin = ? WHERE id = ?",
                 what.name.value_or(before.name), admin, id);
      detail::touch_user(on, id);
    }
    if (what.password) {
      on.execute("UPDATE users SET password = ?, has_password = 1 WHERE id = ?", hash, id);
    }
    if (what.password || admin != before.admin) {
      detail::void_tokens_of(on, id);
    }
    return detail::user_of(on, id);
  });
}

HANAMI_SERVICE_INLINE void accounts::delete_user(std::string_view id) {
  change([&](store::connection& on) {
    if (detail::is_last_admin(on, detail::user_of(on, id))) {
      throw conflict("the last administrator stays");
    }
    on.execute("DELETE FROM users WHERE id = ?", id);
  });
}

HANAMI_SERVICE_INLINE void accounts::void_tokens(std::string_view id) {
  change([&](store::connection& on) {
    detail::user_of(on, id);
    detail::void_tokens_of(on, id);
  });
}

HANAMI_SERVICE_INLINE user accounts::join_project(std::string_view user_id, const membership& as) {
  detail::expect_text("role", as.role);
  return change([&](store::connection& on) {
    const user before = detail::user_of(on, user_id);
    detail::project_of(on, as.project_id);
    try {
      detail::insert_membership(on, user_id, as);
    } catch (const store::constraint_error&) {
      throw conflict(std::string("the user '") + before.id + "' is in the project '" +
                     as.project_id + "' already");
    }
    detail::touch_user(on, user_id);
    return detail::user_of(on, user_id);
  });
}

HANAMI_SERVICE_INLINE user accounts::set_member(std::string_view user_id, const membership& as) {
  detail::expect_text("role", as.role);
  return change([&](store::connection& on) {
    detail::user_of(on, user_id);
    detail::project_of(on, as.project_id);
    if (on.execute("UPDATE memberships SET role = ?, project_admin = ? "
                   "WHERE user_id = ? AND project_id = ?",
                   as.role, as.project_admin, user_id, as.project_id) == 0) {
      detail::insert_membership(on, user_id, as);
    }
    detail::touch_user(on, user_id);
    return detail::user_of(on, user_id);
  });
}

HANAMI_SERVICE_INLINE user accounts::leave_project(std::string_view user_id,
                                                   std::string_view project_id) {
  return change([&](store::connection& on) {
    detail::user_of(on, user_id);
    if (on.execute("DELETE FROM memberships WHERE user_id = ? AND project_id = ?", user_id,
                   project_id) == 0) {
      throw not_found("member", std::string(user_id));
    }
    detail::touch_user(on, user_id);
    return detail::user_of(on, user_id);
  });
}

HANAMI_SERVICE_INLINE project accounts::create_project(std::string_view id, std::string_view name,
                                                       std::string_view creator_id) {
  detail::expect_text("id", id);
  detail::expect_text("name", name);
  return db_.write([&](store::connection& on) {
    detail::insert_project(on, id, name, creator_id);
    return detail::project_of(on, id);
  });
}

HANAMI_SERVICE_INLINE project accounts::get_project(std::string_view id) const {
  return db_.read([&](store::connection& on) { return detail::project_of(on, id); });
}

HANAMI_SERVICE_INLINE store::page<project>
accounts::list_projects(const store::page_request& wanted) const {
  return db_.read([&](store::connection& on) {
    return detail::list_accounts<project>(on, detail::select_projects, "projects", wanted,
                                          detail::read_project);
  });
}

HANAMI_SERVICE_INLINE project accounts::rename_project(std::string_view id, std::string_view name) {
  detail::expect_text("name", name);
  return db_.write([&](store::connection& on) {
    on.execute("UPDATE projects SET name = ?, updated_at = ?, version = version + 1 WHERE id = ?",
               name, now_ms(), id);
    return detail::project_of(on, id);
  });
}

HANAMI_SERVICE_INLINE void accounts::delete_project(std::string_view id) {
  change([&](store::connection& on) {
    detail::project_of(on, id);
    if (id == detail::admin_project) {
      throw conflict("the project 'admin' stays: administrators work in it");
    }
    if (on.query("SELECT 1 FROM resources WHERE project_id = ? AND kind <> 'upload' LIMIT 1", id)
            .step()) {
      throw conflict("the project owns clusters, streams, datasets or checkpoints");
    }
    on.execute("UPDATE users SET version = version + 1, updated_at = ? WHERE id IN "
               "(SELECT user_id FROM memberships WHERE project_id = ?)",
               now_ms(), id);
    on.execute("DELETE FROM refresh_tokens WHERE project_id = ?", id);
    on.execute("DELETE FROM projects WHERE id = ?", id);
  });
}

HANAMI_SERVICE_INLINE std::vector<user> accounts::members(std::string_view project_id) const {
  return db_.read([&](store::connection& on) {
    detail::project_of(on, project_id);
    std::vector<user> found;
    store::statement rows = on.query(
        "SELECT u.id, u.name, u.admin, u.creator_id, u.created_at, u.updated_at, u.version, "
        "u.generation, u.has_password, m.role, m.project_admin FROM memberships AS m "
        "JOIN users AS u ON u.id = m.user_id WHERE m.project_id = ? ORDER BY u.id",
        project_id);
    while (rows.step()) {
      user u = detail::read_user(rows);
      u.projects.push_back({std::string(project_id), rows.text(9), rows.integer(10) != 0});
      found.push_back(std::move(u));
    }
    return found;
  });
}

HANAMI_SERVICE_INLINE const std::string& accounts::nobodys_hash() const {
  static const std::string light = hash_password(generate_password(), true);
  if (config_.auth.light_passwords) {
    return light;
  }
  static const std::string full = hash_password(generate_password());
  return full;
}

HANAMI_SERVICE_INLINE std::optional<user> accounts::check_password(std::string_view id,
                                                                   std::string_view password) {
  if (password.size() > 4096) {
    return std::nullopt; // no password is that long, so this reveals nothing
  }
  struct stored {
    user account;
    std::string hash;
  };
  const auto found = db_.read([&](store::connection& on) {
    store::statement row = on.query("SELECT password FROM users WHERE id = ?", id);
    return row.step() ? std::optional(stored{detail::user_of(on, id), row.text(0)}) : std::nullopt;
  });
  const bool matches = password_matches(password, found ? found->hash : nobodys_hash());
  if (!found || !matches) {
    return std::nullopt;
  }
  if (needs_rehash(found->hash, config_.auth.light_passwords)) {
    const std::string hash = hash_password(password, config_.auth.light_passwords);
    db_.write_anyway([&](store::connection& on) { // unless it was changed in the meantime
      on.execute("UPDATE users SET password = ? WHERE id = ? AND password = ?", hash, id,
                 found->hash);
    });
  }
  return found->account;
}

HANAMI_SERVICE_INLINE quota accounts::quota_of(std::string_view user_id) const {
  return db_.read([&](store::connection& on) {
    store::statement own =
        on.query("SELECT clusters, streams, datasets, checkpoints, open_tasks, bytes, memory "
                 "FROM quotas "
                 "WHERE user_id = ?",
                 user_id);
    if (!own.step()) {
      return config_.quota;
    }
    const auto number = [&](int column) { return static_cast<std::uint64_t>(own.integer(column)); };
    quota limits{number(0), number(1), number(2),           number(3),
                 number(4), number(5), config_.quota.memory};
    if (own.integer(6) >= 0) {
      limits.memory = number(6);
    }
    return limits;
  });
}

HANAMI_SERVICE_INLINE void accounts::set_quota(std::string_view user_id, const quota& limits) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  for (const std::uint64_t limit :
       {limits.clusters, limits.streams, limits.datasets, limits.checkpoints, limits.open_tasks,
        limits.bytes, limits.memory}) {
    if (limit > most) {
      throw detail::invalid_account("quota", "each limit must be at most 2^63 - 1");
    }
  }
  db_.write_anyway([&](store::connection& on) {
    detail::user_of(on, user_id);
    on.execute("INSERT OR REPLACE INTO quotas (user_id, clusters, streams, datasets, checkpoints, "
               "open_tasks, bytes, memory) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               user_id, limits.clusters, limits.streams, limits.datasets, limits.checkpoints,
               limits.open_tasks, limits.bytes, limits.memory);
  });
}

} // namespace hanami::service::access
