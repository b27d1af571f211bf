// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "authenticator.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/uuid.hpp"
#include "authenticator_state.hpp"

namespace hanami::service::access {

HANAMI_SERVICE_INLINE authenticator::authenticator(store::database& db, accounts& accounts,
                                                   const server_config& config)
    : state_(std::make_shared<state>(db, accounts, config)) {}

HANAMI_SERVICE_INLINE void authenticator::count_login(std::string_view address) {
  state_->guard.come(address, std::chrono::steady_clock::now());
}

HANAMI_SERVICE_INLINE session_tokens authenticator::login(const login_request& from) {
  state& s = *state_;
  const std::shared_ptr<const user> account = s.known(std::string(from.user_id));
  const bool admin = account != nullptr && account->admin; // only the address is slowed down
  const std::optional<user> u = admin ? s.accounts.check_password(from.user_id, from.password)
                                      : s.try_password(from.user_id, from.password, from.address);
  const std::optional<identity> caller = u ? s.first_entry(*u, from.project_id) : std::nullopt;
  if (!caller) {
    throw detail::invalid_login();
  }
  s.factors.expect_code(u->id, from.code);
  return s.begin_session(*caller, from.address, from.device);
}

HANAMI_SERVICE_INLINE session_tokens authenticator::enter(std::string_view user_id,
                                                          std::string_view project_id,
                                                          std::string_view address,
                                                          std::string_view device) {
  state& s = *state_;
  const std::shared_ptr<const user> account = s.known(std::string(user_id));
  if (account == nullptr) {
    throw unauthenticated("the user is gone");
  }
  std::optional<detail::login_guard::attempt> not_locked; // which it does not change
  if (!account->admin) {
    not_locked.emplace(s.guard, user_id, address, std::chrono::steady_clock::now());
  }
  const std::optional<identity> caller = s.first_entry(*account, project_id);
  if (!caller) {
    throw unauthenticated("the user is in no such project, or in none at all");
  }
  return s.begin_session(*caller, address, device);
}

HANAMI_SERVICE_INLINE session_tokens authenticator::refresh(std::string_view refresh_token,
                                                            std::string_view address,
                                                            std::string_view device) {
  state& s = *state_;
  const std::string hash = detail::token_hash(refresh_token);
  const std::int64_t until = s.last_expiry_ms();
  detail::stored_refresh_token used;
  bool stolen = false;
  std::optional<session_tokens> given =
      s.db.write_anyway([&](store::connection& on) -> std::optional<session_tokens> {
        used = detail::find_refresh_token(on, hash);
        stolen = used.uses > 0 && !detail::may_repeat(on, used, s.config.auth.refresh_grace);
        if (stolen) { // must be committed, so nothing may be thrown in here
          s.revoke(on, used.family, until);
          return std::nullopt;
        }
        const auto u = s.current(on, used.user_id, used.token_series);
        const auto caller = used.known && u ? s.enter(*u, used.project_id) : std::nullopt;
        if (!caller) {
          return std::nullopt;
        }
        session_tokens made = s.issue(on, *caller, used.family, address, device);
        detail::note_exchange(on, used, hash, detail::token_hash(made.refresh_token));
        return made;
      });
  if (stolen) {
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
  return s.db.write_anyway([&](store::connection& on) {
    const auto u = s.current(on, caller.user_id, caller.token_series);
    if (!u || on.query("SELECT 1 FROM revoked_tokens WHERE id = ?", family).step()) {
      throw detail::invalid_token();
    }
    const std::optional<identity> there = s.enter(*u, project_id);
    if (!there) {
      throw unauthenticated("the user is in no such project");
    }
    return s.issue(on, *there, family);
  });
}

HANAMI_SERVICE_INLINE void authenticator::revoke(const identity& caller) {
  const std::string family = detail::family_of(caller.token_id);
  const std::int64_t until = std::max(state_->last_expiry_ms(), 1000 * caller.expires);
  state_->db.write_anyway([&](store::connection& on) { state_->revoke(on, family, until); });
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
  if (access_token.starts_with(api_tokens::prefix)) {
    return s.identify_robot(access_token);
  }
  const std::int64_t now = now_ms();
  const std::optional<token_claims> claims = check_token(access_token, s.key, now / 1000);
  // A lifetime that the operator has shortened also applies to older tokens.
  if (!claims ||
      claims->issued_at + detail::count_seconds(s.config.auth.token_lifetime) <= now / 1000) {
    throw detail::invalid_token();
  }
  const std::string family = detail::family_of(claims->id);
  if (s.is_revoked(family)) {
    throw detail::invalid_token();
  }
  const std::shared_ptr<const user> u = s.known(claims->user_id);
  std::optional<identity> caller;
  if (u != nullptr && u->token_series == claims->token_series) {
    caller = s.enter(*u, claims->project_id);
  }
  if (!caller) {
    throw detail::invalid_token();
  }
  s.note_use(family, now);
  caller->token_id = claims->id;
  caller->expires = claims->expires;
  return *std::move(caller);
}

HANAMI_SERVICE_INLINE std::vector<session> authenticator::sessions(std::string_view user_id) {
  state& s = *state_;
  std::vector<session> found =
      s.db.read([&](store::connection& on) { return detail::sessions_of(on, user_id, now_ms()); });
  const std::shared_lock lock(s.mutex);
  for (session& each : found) {
    const auto use = s.used.find(each.id);
    if (use != s.used.end()) {
      each.used_at = std::max(each.used_at, use->second.at);
    }
  }
  return found;
}

HANAMI_SERVICE_INLINE void authenticator::end_session(std::string_view user_id,
                                                      std::string_view session_id) {
  state& s = *state_;
  const std::string family(session_id);
  const std::int64_t until = s.last_expiry_ms();
  s.db.write_anyway([&](store::connection& on) {
    if (!on.query("SELECT 1 FROM sessions WHERE id = ? AND user_id = ?", family, user_id).step()) {
      throw not_found("session", family);
    }
    s.revoke(on, family, until);
  });
  s.remember(family, until);
}

HANAMI_SERVICE_INLINE void authenticator::end_other_sessions(const identity& caller) {
  state& s = *state_;
  const std::string own = detail::family_of(caller.token_id);
  const std::int64_t until = s.last_expiry_ms();
  const auto others = s.db.write_anyway([&](store::connection& on) {
    std::vector<std::string> ended;
    {
      store::statement rows = // of those whose row is gone, there may be refresh tokens still
          on.query("SELECT id FROM sessions WHERE user_id = ?1 AND id <> ?2 UNION "
                   "SELECT family FROM refresh_tokens WHERE user_id = ?1 AND family <> ?2",
                   caller.user_id, own);
      while (rows.step()) {
        ended.push_back(rows.text(0));
      }
    }
    for (const std::string& family : ended) {
      s.revoke(on, family, until);
    }
    return ended;
  });
  for (const std::string& family : others) {
    s.remember(family, until);
  }
}

HANAMI_SERVICE_INLINE made_api_token authenticator::make_api_token(const identity& caller,
                                                                   std::string_view name,
                                                                   std::uint8_t scopes,
                                                                   std::int64_t lifetime_s) {
  api_token wanted;
  wanted.user_id = caller.user_id;
  wanted.project_id = caller.project_id;
  wanted.name = name;
  wanted.scopes = scopes;
  wanted.token_series = caller.token_series;
  wanted.expires_at = now_ms() + 1000 * lifetime_s;
  return state_->robots.create(std::move(wanted));
}

HANAMI_SERVICE_INLINE std::vector<api_token>
authenticator::list_api_tokens(std::string_view user_id) {
  return state_->robots.list(user_id, state_->accounts.get_user(user_id).token_series);
}

HANAMI_SERVICE_INLINE void authenticator::remove_api_token(std::string_view user_id,
                                                           std::string_view id) {
  state_->robots.remove(user_id, id);
  ++state_->revocations;
}

HANAMI_SERVICE_INLINE second_factor_state
authenticator::second_factor_of(std::string_view user_id) {
  return state_->factors.state_of(user_id);
}

HANAMI_SERVICE_INLINE bool authenticator::needs_second_factor(bool admin) const {
  return state_->factors.is_needed(admin);
}

HANAMI_SERVICE_INLINE new_second_factor
authenticator::begin_second_factor(const identity& caller, std::string_view password) {
  state_->expect_password(caller, password);
  return state_->factors.begin(caller.user_id);
}

HANAMI_SERVICE_INLINE std::vector<std::string>
authenticator::confirm_second_factor(const identity& caller, std::string_view code) {
  auto codes = state_->factors.confirm(caller.user_id, code);
  state_->forget(caller.user_id);
  return codes;
}

HANAMI_SERVICE_INLINE std::vector<std::string>
authenticator::renew_recovery_codes(const identity& caller, std::string_view code) {
  state_->factors.expect_code(caller.user_id, code);
  return state_->factors.renew_recovery_codes(caller.user_id);
}

HANAMI_SERVICE_INLINE void authenticator::end_second_factor(const identity& caller,
                                                            std::string_view password,
                                                            std::string_view code) {
  if (state_->factors.is_needed(caller.admin)) {
    throw conflict("a second factor is needed here; an administrator can remove one that is lost");
  }
  state_->expect_password(caller, password);
  state_->factors.expect_code(caller.user_id, code);
  remove_second_factor(caller.user_id);
}

HANAMI_SERVICE_INLINE void authenticator::remove_second_factor(std::string_view user_id) {
  if (!state_->factors.remove(user_id)) {
    throw conflict("the user has no second factor");
  }
  state_->forget(user_id);
}

HANAMI_SERVICE_INLINE void authenticator::forget(std::string_view user_id) {
  state_->forget(user_id);
}

HANAMI_SERVICE_INLINE std::uint64_t authenticator::changes() const noexcept {
  return state_->accounts.changes() + state_->forgotten.load() + state_->revocations.load();
}

HANAMI_SERVICE_INLINE void authenticator::clean() {
  state& s = *state_;
  const std::int64_t now = now_ms();
  s.write_uses();
  s.db.write_anyway([&](store::connection& on) {
    for (const char* table : {"refresh_tokens", "revoked_tokens", "sessions"}) {
      on.execute(std::string("DELETE FROM ") + table + " WHERE expires_at <= ?", now);
    }
  });
  {
    constexpr std::int64_t idle_ms = std::int64_t{3600} * 1000;
    const std::unique_lock lock(s.mutex);
    std::erase_if(s.revoked, [&](const auto& entry) { return entry.second <= now; });
    std::erase_if(s.used, [&](const auto& entry) {
      return !entry.second.changed && now - entry.second.at > idle_ms;
    });
  }
  s.robots.clean();
  s.factors.clean();
  s.guard.clean(std::chrono::steady_clock::now());
}

} // namespace hanami::service::access
