// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api_tokens.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/uuid.hpp"
#include "sodium.hpp"

namespace hanami::service::access {

namespace detail {

inline constexpr std::string_view select_api_tokens =
    "SELECT id, user_id, project_id, name, scopes, generation, created_at, expires_at, used_at, "
    "hash FROM api_tokens ";

inline api_token read_api_token(const store::statement& from) {
  api_token t;
  t.id = from.text(0);
  t.user_id = from.text(1);
  t.project_id = from.text(2);
  t.name = from.text(3);
  t.scopes = static_cast<std::uint8_t>(from.integer(4));
  t.token_series = static_cast<std::uint64_t>(from.integer(5));
  t.created_at = from.integer(6);
  t.expires_at = from.integer(7);
  t.used_at = from.integer(8);
  return t;
}

} // namespace detail

HANAMI_SERVICE_INLINE api_tokens::api_tokens(store::database& db) : db_(db) {
  detail::need_sodium();
  tokens_ = read_all();
}

HANAMI_SERVICE_INLINE api_tokens::~api_tokens() {
  try {
    write_uses();
  } catch (const std::exception&) { // they are good without
  }
}

HANAMI_SERVICE_INLINE api_tokens::kept_tokens api_tokens::read_all() {
  return db_.read([](store::connection& on) {
    kept_tokens all;
    store::statement rows =
        on.query(std::string(detail::select_api_tokens) + "WHERE expires_at > ?", now_ms());
    while (rows.step()) {
      all[rows.text(9)] = std::make_shared<kept>(detail::read_api_token(rows));
    }
    return all;
  });
}

HANAMI_SERVICE_INLINE made_api_token api_tokens::create(api_token wanted) {
  made_api_token made{std::move(wanted), std::string(prefix) + detail::random_text(32)};
  api_token& t = made.about;
  t.id = new_uuid();
  t.created_at = now_ms();
  t.used_at = 0;
  const std::string hash = detail::token_hash(made.text);
  db_.write([&](store::connection& on) {
    // Of other series they are void, and of no use.
    on.execute("DELETE FROM api_tokens WHERE user_id = ? AND (expires_at <= ? OR generation <> ?)",
               t.user_id, t.created_at, t.token_series);
    store::statement counted =
        on.query("SELECT count(*) FROM api_tokens WHERE user_id = ?", t.user_id);
    counted.step();
    if (counted.integer(0) >= static_cast<std::int64_t>(most)) {
      throw quota_exceeded("a user has at most " + std::to_string(most) + " API tokens");
    }
    on.execute("INSERT INTO api_tokens (id, hash, user_id, project_id, name, scopes, generation, "
               "created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
               t.id, hash, t.user_id, t.project_id, t.name, std::int64_t{t.scopes}, t.token_series,
               t.created_at, t.expires_at);
  });
  const std::unique_lock lock(mutex_);
  tokens_[hash] = std::make_shared<kept>(t);
  return made;
}

HANAMI_SERVICE_INLINE std::vector<api_token> api_tokens::list(std::string_view user_id,
                                                              std::uint64_t token_series) {
  std::vector<api_token> found;
  const std::int64_t now = now_ms();
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [hash, one] : tokens_) {
      if (one->about.user_id == user_id && one->about.token_series == token_series &&
          one->about.expires_at > now) {
        found.push_back(one->about);
        found.back().used_at = one->used_at.load();
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const api_token& a, const api_token& b) {
    return std::pair(b.created_at, b.id) < std::pair(a.created_at, a.id);
  });
  return found;
}

HANAMI_SERVICE_INLINE void api_tokens::remove(std::string_view user_id, std::string_view id) {
  const std::string hash = db_.write_anyway([&](store::connection& on) {
    std::string of;
    {
      store::statement row =
          on.query("SELECT hash FROM api_tokens WHERE user_id = ? AND id = ?", user_id, id);
      if (!row.step()) {
        throw not_found("API token", std::string(id));
      }
      of = row.text(0);
    }
    on.execute("DELETE FROM api_tokens WHERE id = ?", id);
    return of;
  });
  const std::unique_lock lock(mutex_);
  tokens_.erase(hash);
}

HANAMI_SERVICE_INLINE std::shared_ptr<const api_token> api_tokens::use(std::string_view text) {
  const std::string hash = detail::token_hash(text);
  const std::int64_t now = now_ms();
  const std::shared_lock lock(mutex_);
  const auto found = tokens_.find(hash);
  if (found == tokens_.end() || found->second->about.expires_at <= now) {
    return nullptr;
  }
  kept& one = *found->second;
  if (now - one.used_at.load(std::memory_order_relaxed) >= 1000) {
    one.used_at = now;
    one.changed = true;
  }
  return {found->second, &one.about};
}

HANAMI_SERVICE_INLINE void api_tokens::write_uses() {
  std::vector<std::shared_ptr<kept>> used;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [hash, one] : tokens_) {
      if (one->changed.exchange(false)) {
        used.push_back(one);
      }
    }
  }
  if (!used.empty()) {
    db_.write_anyway([&](store::connection& on) {
      for (const auto& one : used) {
        on.execute("UPDATE api_tokens SET used_at = ? WHERE id = ?", one->used_at.load(),
                   one->about.id);
      }
    });
  }
}

HANAMI_SERVICE_INLINE void api_tokens::clean() {
  write_uses();
  db_.write_anyway([](store::connection& on) {
    on.execute("DELETE FROM api_tokens WHERE expires_at <= ?", now_ms());
  });
  const std::unique_lock lock(mutex_); // before it is read: nobody adds or removes one meanwhile
  const kept_tokens stored = read_all();
  std::erase_if(tokens_, [&](const auto& entry) { return !stored.contains(entry.first); });
}

} // namespace hanami::service::access
