// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "authenticator.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/uuid.hpp"
#include "account_rows.hpp"
#include "login_guard.hpp"
#include "sodium.hpp"

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

inline std::string random_text(std::size_t bytes) {
  unsigned char random[32];
  randombytes_buf(random, bytes);
  return to_base64url(random, bytes);
}

/// Refresh tokens are stored only as this hash, so that the database contains nothing usable.
inline std::string token_hash(std::string_view token) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, bytes_of(token), token.size());
  char text[2 * sizeof hash + 1];
  return sodium_bin2hex(text, sizeof text, hash, sizeof hash);
}

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
  bool used = false;
  std::string family;
  std::string user_id;
  std::string project_id;
  std::uint64_t token_series = 0;
};

inline stored_refresh_token find_refresh_token(store::connection& on, const std::string& hash) {
  store::statement row = on.query("SELECT used, family, user_id, project_id, generation "
                                  "FROM refresh_tokens WHERE hash = ? AND expires_at > ?",
                                  hash, now_ms());
  if (!row.step()) {
    return {};
  }
  return {true,        row.integer(0) != 0, row.text(1),
          row.text(2), row.text(3),         static_cast<std::uint64_t>(row.integer(4))};
}

inline std::int64_t count_seconds(std::chrono::seconds s) { return s.count(); }

} // namespace detail

struct authenticator::state {
  state(store::database& database, accounts& all, const server_config& with)
      : db(database), accounts(all), config(with), guard(with.auth),
        key(derive_key(load_or_make_key(with.auth.token_key.empty() ? with.data / "token.key"
                                                                    : with.auth.token_key),
                       "sessions")) {
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
    on.execute("INSERT OR REPLACE INTO revoked_tokens (id, expires_at) VALUES (?, ?)", family,
               until_ms);
  }
  void remember(const std::string& family, std::int64_t until_ms) {
    const std::unique_lock lock(mutex);
    revoked[family] = until_ms;
    ++revocations;
  }
  /// When all access tokens issued until now will have expired.
  std::int64_t last_expiry_ms() const {
    return now_ms() + 1000 * detail::count_seconds(config.auth.token_lifetime);
  }

  /// Tokens for `caller`; stores the refresh token.
  session_tokens issue(store::connection& on, identity caller, const std::string& family) {
    const std::int64_t now = now_ms();
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
               caller.token_series,
               now + 1000 * detail::count_seconds(config.auth.refresh_lifetime));
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

  struct known_user {
    std::uint64_t as_of = 0; ///< changes of accounts before it was read
    std::shared_ptr<const user> account;
  };

  store::database& db;
  access::accounts& accounts;
  const server_config& config;
  detail::login_guard guard;
  const secret_key key;
  std::atomic<std::uint64_t> forgotten{0};
  std::atomic<std::uint64_t> revocations{0};
  std::shared_mutex mutex; ///< guards the rest
  std::unordered_map<std::string, known_user> users;
  std::unordered_map<std::string, std::int64_t> revoked; ///< families, and until when that matters
};

HANAMI_SERVICE_INLINE authenticator::authenticator(store::database& db, accounts& accounts,
                                                   const server_config& config)
    : state_(std::make_shared<state>(db, accounts, config)) {}

HANAMI_SERVICE_INLINE void authenticator::count_login(std::string_view address) {
  state_->guard.come(address, std::chrono::steady_clock::now());
}

HANAMI_SERVICE_INLINE session_tokens authenticator::login(std::string_view user_id,
                                                          std::string_view password,
                                                          std::string_view address,
                                                          std::string_view project_id) {
  state& s = *state_;
  const std::shared_ptr<const user> account = s.known(std::string(user_id));
  const bool admin = account != nullptr && account->admin; // only the address is slowed down
  const std::optional<user> u = admin ? s.accounts.check_password(user_id, password)
                                      : s.try_password(user_id, password, address);
  if (!u || (project_id.empty() && !u->admin && u->projects.empty())) {
    throw detail::invalid_login();
  }
  identity caller;
  const std::string wanted(!project_id.empty() ? project_id
                           : u->admin          ? detail::admin_project
                                               : std::string_view(u->projects[0].project_id));
  if (!detail::enter_project(caller, *u, wanted)) {
    throw detail::invalid_login();
  }
  return s.db.write([&](store::connection& on) {
    if (!s.current(on, u->id, u->token_series)) { // changed since the password was looked at
      throw detail::invalid_login();
    }
    return s.issue(on, std::move(caller), new_uuid());
  });
}

HANAMI_SERVICE_INLINE session_tokens authenticator::refresh(std::string_view refresh_token) {
  state& s = *state_;
  const std::string hash = detail::token_hash(refresh_token);
  const std::int64_t until = s.last_expiry_ms();
  detail::stored_refresh_token used;
  std::optional<session_tokens> given =
      s.db.write([&](store::connection& on) -> std::optional<session_tokens> {
        used = detail::find_refresh_token(on, hash);
        if (used.used) { // must be committed, so nothing may be thrown in here
          s.revoke(on, used.family, until);
          return std::nullopt;
        }
        on.execute("UPDATE refresh_tokens SET used = 1 WHERE hash = ?", hash);
        identity caller;
        const auto u = s.current(on, used.user_id, used.token_series);
        if (!used.known || !u || !detail::enter_project(caller, *u, used.project_id)) {
          return std::nullopt;
        }
        return s.issue(on, std::move(caller), used.family);
      });
  if (used.used) {
    s.remember(used.family, until);
  }
  if (!given) {
    throw detail::invalid_token();
  }
  return *std::move(given);
}

HANAMI_SERVICE_INLINE session_tokens authenticator::switch_project(const identity& caller,
                                                                   std::string_view project_id) {
  state& s = *state_;
  const std::string family = detail::family_of(caller.token_id);
  return s.db.write([&](store::connection& on) {
    identity there;
    const auto u = s.current(on, caller.user_id, caller.token_series);
    if (!u || on.query("SELECT 1 FROM revoked_tokens WHERE id = ?", family).step()) {
      throw detail::invalid_token();
    }
    if (!detail::enter_project(there, *u, project_id)) {
      throw unauthenticated("the user is in no such project");
    }
    return s.issue(on, std::move(there), family);
  });
}

HANAMI_SERVICE_INLINE void authenticator::revoke(const identity& caller) {
  const std::string family = detail::family_of(caller.token_id);
  const std::int64_t until = std::max(state_->last_expiry_ms(), 1000 * caller.expires);
  state_->db.write([&](store::connection& on) { state_->revoke(on, family, until); });
  state_->remember(family, until);
}

HANAMI_SERVICE_INLINE void authenticator::revoke_all(std::string_view user_id) {
  state_->accounts.void_tokens(user_id);
}

HANAMI_SERVICE_INLINE void authenticator::change_password(const identity& caller,
                                                          std::string_view old_password,
                                                          std::string_view new_password) {
  detail::expect_password(new_password);
  if (!state_->try_password(caller.user_id, old_password, {})) {
    throw forbidden("the old password is wrong");
  }
  user_change change;
  change.password = new_password;
  state_->accounts.update_user(caller.user_id, change);
}

HANAMI_SERVICE_INLINE identity authenticator::identify(std::string_view access_token) {
  state& s = *state_;
  const std::int64_t now = now_ms() / 1000;
  const std::optional<token_claims> claims = check_token(access_token, s.key, now);
  // A lifetime that the operator has shortened also applies to older tokens.
  if (!claims || claims->issued_at + detail::count_seconds(s.config.auth.token_lifetime) <= now ||
      s.is_revoked(detail::family_of(claims->id))) {
    throw detail::invalid_token();
  }
  const std::shared_ptr<const user> u = s.known(claims->user_id);
  identity caller;
  if (u == nullptr || u->token_series != claims->token_series ||
      !detail::enter_project(caller, *u, claims->project_id)) {
    throw detail::invalid_token();
  }
  caller.token_id = claims->id;
  caller.expires = claims->expires;
  return caller;
}

HANAMI_SERVICE_INLINE void authenticator::forget(std::string_view user_id) {
  ++state_->forgotten; // whoever is reading the user at the moment must not cache the result
  const std::unique_lock lock(state_->mutex);
  state_->users.erase(std::string(user_id));
}

HANAMI_SERVICE_INLINE std::uint64_t authenticator::changes() const noexcept {
  return state_->accounts.changes() + state_->forgotten.load() + state_->revocations.load();
}

HANAMI_SERVICE_INLINE void authenticator::clean() {
  state& s = *state_;
  const std::int64_t now = now_ms();
  s.db.write([&](store::connection& on) {
    on.execute("DELETE FROM refresh_tokens WHERE expires_at <= ?", now);
    on.execute("DELETE FROM revoked_tokens WHERE expires_at <= ?", now);
  });
  {
    const std::unique_lock lock(s.mutex);
    std::erase_if(s.revoked, [&](const auto& entry) { return entry.second <= now; });
  }
  s.guard.clean(std::chrono::steady_clock::now());
}

} // namespace hanami::service::access
