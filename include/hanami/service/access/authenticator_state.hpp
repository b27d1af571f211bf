// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "account_rows.hpp"
#include "authenticator.hpp"
#include "login_guard.hpp"
#include "sodium.hpp"

/// What the functions of `authenticator` share.

namespace hanami::service::access {

namespace detail {

/// Per user; only the newest tokens are kept.
inline constexpr std::int64_t most_refresh_tokens = 1000;

inline refusal invalid_login() {
  return unauthenticated(
      "the user's id or the password is wrong, or the user is in no such project");
}
inline refusal invalid_token() {
  return unauthenticated("the token is not valid, or no longer: log in again");
}

inline std::int64_t count_seconds(std::chrono::seconds s) { return s.count(); }

/// An access token's id is "<family>.<random>".
inline std::string family_of(const std::string& token_id) {
  return token_id.substr(0, token_id.find('.'));
}

/// Fills in the role of `u` in a project; false where `u` is not a member.
inline bool enter_project(identity& caller, const user& u, std::string_view project_id) {
  caller.user_id = u.id;
  caller.user_name = u.name;
  caller.admin = u.admin;
  caller.token_series = u.token_series;
  caller.project_id = project_id;
  if (u.admin && project_id == "admin") {
    caller.role = "admin";
    caller.project_admin = true;
    return true;
  }
  const auto found = std::find_if(u.projects.begin(), u.projects.end(),
                                  [&](const membership& m) { return m.project_id == project_id; });
  if (found == u.projects.end()) {
    return false;
  }
  caller.role = found->role;
  caller.project_admin = found->project_admin;
  return true;
}

struct stored_refresh_token {
  bool known = false;
  std::int64_t uses = 0;
  std::string family;
  std::string user_id;
  std::string project_id;
  std::uint64_t token_series = 0;
  std::int64_t used_at = 0; ///< first
  std::string next;         ///< hash of what it was exchanged for last
};

inline stored_refresh_token find_refresh_token(store::connection& on, const std::string& hash) {
  store::statement row =
      on.query("SELECT used, family, user_id, project_id, generation, used_at, next "
               "FROM refresh_tokens WHERE hash = ? AND expires_at > ?",
               hash, now_ms());
  if (!row.step()) {
    return {};
  }
  return {true,           row.integer(0), row.text(1),
          row.text(2),    row.text(3),    static_cast<std::uint64_t>(row.integer(4)),
          row.integer(5), row.text(6)};
}

/// Whether a used token may come again: once, soon, and while nobody has used what it gave.
inline bool may_repeat(store::connection& on, const stored_refresh_token& used,
                       std::chrono::seconds grace) {
  return used.uses == 1 && now_ms() - used.used_at < 1000 * count_seconds(grace) &&
         on.query("SELECT 1 FROM refresh_tokens WHERE hash = ? AND used = 0", used.next).step();
}

/// Notes that a token was exchanged. What a repetition makes needless is as good as used: whoever
/// comes with it has it from a stranger, or the stranger has the new one.
inline void note_exchange(store::connection& on, const stored_refresh_token& used,
                          const std::string& hash, const std::string& next) {
  on.execute("UPDATE refresh_tokens SET used = used + 1, used_at = iif(used = 0, ?, used_at), "
             "next = ? WHERE hash = ?",
             now_ms(), next, hash);
  if (used.uses > 0) {
    on.execute("UPDATE refresh_tokens SET used = 2 WHERE hash = ?", used.next);
  }
}

} // namespace detail

struct authenticator::state {
  state(store::database& database, accounts& all, const server_config& with)
      : db(database), accounts(all), config(with), guard(with.auth),
        main_key(load_or_make_key(with.auth.token_key.empty() ? with.data / "token.key"
                                                              : with.auth.token_key)),
        key(derive_key(main_key, "sessions")),
        factors(database, with.auth, derive_key(main_key, "2ndfactr")), robots(database) {
    db.read([&](store::connection& on) {
      store::statement rows = on.query("SELECT id, expires_at FROM revoked_tokens");
      while (rows.step()) {
        revoked[rows.text(0)] = rows.integer(1);
      }
    });
  }

  /// The user, from memory unless accounts have changed since; nullptr where there is none.
  std::shared_ptr<const user> known(const std::string& id) {
    const std::uint64_t now = accounts.changes() + forgotten.load();
    {
      const std::shared_lock lock(mutex);
      const auto found = users.find(id);
      if (found != users.end() && found->second.as_of == now) {
        return found->second.account;
      }
    }
    std::shared_ptr<const user> fresh;
    try {
      fresh = std::make_shared<const user>(accounts.get_user(id));
    } catch (const refusal& why) {
      if (why.code() != refusal_code::not_found) {
        throw;
      }
    }
    const std::unique_lock lock(mutex);
    if (fresh == nullptr) {
      users.erase(id);
    } else {
      users[id] = {now, fresh};
    }
    return fresh;
  }

  bool is_revoked(const std::string& family) {
    const std::shared_lock lock(mutex);
    return revoked.contains(family);
  }

  /// Voids a family in the database; `remember` must be called when that is on disk.
  void revoke(store::connection& on, const std::string& family, std::int64_t until_ms) {
    on.execute("DELETE FROM refresh_tokens WHERE family = ?", family);
    on.execute("DELETE FROM sessions WHERE id = ?", family);
    on.execute("INSERT OR REPLACE INTO revoked_tokens (id, expires_at) VALUES (?, ?)", family,
               until_ms);
  }
  void remember(const std::string& family, std::int64_t until_ms) {
    const std::unique_lock lock(mutex);
    revoked[family] = until_ms;
    used.erase(family);
    ++revocations;
  }
  /// Notes that a session is in use, once a minute.
  void note_use(const std::string& family, std::int64_t now) {
    constexpr std::int64_t often_enough_ms = 60'000;
    {
      const std::shared_lock lock(mutex);
      const auto found = used.find(family);
      if (found != used.end() && now - found->second.at < often_enough_ms) {
        return;
      }
    }
    const std::unique_lock lock(mutex);
    used[family] = {now, true};
  }
  void write_uses() {
    std::vector<std::pair<std::string, std::int64_t>> changed;
    {
      const std::unique_lock lock(mutex);
      for (auto& [family, use] : used) {
        if (std::exchange(use.changed, false)) {
          changed.emplace_back(family, use.at);
        }
      }
    }
    if (!changed.empty()) {
      db.write_anyway([&](store::connection& on) {
        for (const auto& [family, at] : changed) {
          on.execute("UPDATE sessions SET used_at = max(used_at, ?) WHERE id = ?", at, family);
        }
      });
    }
  }
  /// When all access tokens issued until now will have expired.
  std::int64_t last_expiry_ms() const {
    return now_ms() + 1000 * detail::count_seconds(config.auth.token_lifetime);
  }

  /// Whom a token of the user in a project stands for; nothing: the user is not in it.
  std::optional<identity> enter(const user& u, std::string_view project_id) const {
    identity caller;
    if (!detail::enter_project(caller, u, project_id)) {
      return std::nullopt;
    }
    // Beside a password; whom a provider vouches for has been asked there.
    caller.lacks_second_factor = u.has_password && !u.second_factor && factors.is_needed(u.admin);
    return caller;
  }

  /// Whom a log-in stands for; no project is named: that of administrators, or the user's first.
  std::optional<identity> first_entry(const user& u, std::string_view project_id) const {
    if (project_id.empty() && !u.admin && u.projects.empty()) {
      return std::nullopt;
    }
    return enter(u, !project_id.empty() ? project_id
                    : u.admin           ? detail::admin_project
                                        : std::string_view(u.projects[0].project_id));
  }
  /// Throws where the user was changed since `caller` was looked at.
  session_tokens begin_session(const identity& caller, std::string_view address,
                               std::string_view device) {
    return db.write_anyway([&](store::connection& on) {
      if (!current(on, caller.user_id, caller.token_series)) {
        throw detail::invalid_login();
      }
      return issue(on, caller, new_uuid(), address, device);
    });
  }

  /// Tokens for `caller`; stores the refresh token, and notes the session.
  session_tokens issue(store::connection& on, identity caller, const std::string& family,
                       std::string_view address = {}, std::string_view device = {}) {
    const std::int64_t now = now_ms();
    const std::int64_t end = now + 1000 * detail::count_seconds(config.auth.refresh_lifetime);
    session_tokens given;
    given.expires_in_s = detail::count_seconds(config.auth.token_lifetime);
    caller.token_id = family + "." + detail::random_text(12);
    caller.expires = now / 1000 + given.expires_in_s;
    given.access_token = sign_token({caller.token_id, caller.user_id, caller.project_id,
                                     caller.token_series, now / 1000, caller.expires},
                                    key);
    given.refresh_token = detail::random_text(32);
    on.execute("INSERT INTO refresh_tokens (hash, family, user_id, project_id, generation, used, "
               "expires_at) VALUES (?, ?, ?, ?, ?, 0, ?)",
               detail::token_hash(given.refresh_token), family, caller.user_id, caller.project_id,
               caller.token_series, end);
    detail::note_session(
        on,
        {family, caller.project_id, std::string(address), detail::shown_device(device), now, now},
        caller.user_id, end);
    on.execute("DELETE FROM refresh_tokens WHERE user_id = ?1 AND hash IN (SELECT hash FROM "
               "refresh_tokens WHERE user_id = ?1 ORDER BY expires_at DESC LIMIT -1 OFFSET ?2)",
               caller.user_id, detail::most_refresh_tokens);
    given.caller = std::move(caller);
    return given;
  }

  /// The user, if the tokens are still of the same series.
  std::optional<user> current(store::connection& on, const std::string& user_id,
                              std::uint64_t token_series) {
    std::optional<user> u = detail::find_user(on, user_id);
    return u && u->token_series == token_series ? u : std::nullopt;
  }

  /// Checks a password, and counts the attempt for the network of `address`; for the user alone
  /// where it is empty.
  std::optional<user> try_password(std::string_view user_id, std::string_view password,
                                   std::string_view address) {
    detail::login_guard::attempt attempt(guard, user_id, address, std::chrono::steady_clock::now());
    std::optional<user> u = accounts.check_password(user_id, password);
    if (u) {
      attempt.succeeded();
    } else {
      attempt.failed(std::chrono::steady_clock::now());
    }
    return u;
  }

  /// Throws `forbidden` for a wrong password.
  void expect_password(const identity& caller, std::string_view password) {
    if (!try_password(caller.user_id, password, {})) {
      throw forbidden("the password is wrong");
    }
  }

  /// Of a user whose tokens or rights have changed elsewhere.
  void forget(std::string_view user_id) {
    ++forgotten; // whoever is reading the user at the moment must not cache the result
    const std::unique_lock lock(mutex);
    users.erase(std::string(user_id));
  }

  identity identify_robot(std::string_view text);

  struct known_user {
    std::uint64_t as_of = 0; ///< changes of accounts before it was read
    std::shared_ptr<const user> account;
  };
  struct last_use {
    std::int64_t at = 0;
    bool changed = false; ///< since it was written
  };

  store::database& db;
  access::accounts& accounts;
  const server_config& config;
  detail::login_guard guard;
  const secret_key main_key;
  const secret_key key;
  second_factors factors;
  api_tokens robots;
  std::atomic<std::uint64_t> forgotten{0};
  std::atomic<std::uint64_t> revocations{0};
  std::shared_mutex mutex; ///< guards the rest
  std::unordered_map<std::string, known_user> users;
  std::unordered_map<std::string, std::int64_t> revoked; ///< families, and until when that matters
  std::unordered_map<std::string, last_use> used;        ///< of families
};

inline identity authenticator::state::identify_robot(std::string_view text) {
  const std::shared_ptr<const api_token> token = robots.use(text);
  const std::shared_ptr<const user> u = token == nullptr ? nullptr : known(token->user_id);
  std::optional<identity> caller;
  if (u != nullptr && u->token_series == token->token_series) {
    caller = enter(*u, token->project_id);
  }
  if (!caller) {
    throw unauthenticated("the API token is not valid, or no longer");
  }
  caller->robot = true;
  caller->scopes = token->scopes;
  caller->token_id = token->id;
  caller->expires = token->expires_at / 1000;
  if (!caller->has(token_scope::admin)) {
    caller->admin = false;
    caller->project_admin = false;
  }
  return *std::move(caller);
}

} // namespace hanami::service::access
