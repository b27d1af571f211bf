// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "idempotency.hpp"

#include <cstdint>

#include "../base/clock.hpp"
#include "../base/compile.hpp"

namespace hanami::service::store {

namespace detail {

inline constexpr std::int64_t answer_life_ms = std::int64_t{24} * 3600 * 1000;
inline constexpr std::int64_t begun_life_ms = std::int64_t{60} * 1000;

} // namespace detail

HANAMI_SERVICE_INLINE std::optional<kept_answer> begin_idempotent(database& db,
                                                                  std::string_view owner,
                                                                  std::string_view key,
                                                                  std::string_view print) {
  return db.write([&](connection& on) -> std::optional<kept_answer> {
    const std::int64_t now = now_ms();
    {
      statement row = on.query("SELECT print, status, body, at FROM kept_answers "
                               "WHERE owner = ? AND key = ? AND at > ?",
                               owner, key, now - detail::answer_life_ms);
      if (row.step()) {
        if (row.text(0) != print) {
          throw refusal(refusal_code::key_reused,
                        "the Idempotency-Key was used for another request; each needs its own");
        }
        if (row.integer(1) != 0) {
          return kept_answer{static_cast<unsigned>(row.integer(1)), row.text(2)};
        }
        if (row.integer(3) > now - detail::begun_life_ms) {
          refusal why(refusal_code::in_progress,
                      "the first request with this key is still running");
          why.retry_after_s = 1;
          throw why;
        }
      }
    }
    on.execute("INSERT OR REPLACE INTO kept_answers (owner, key, print, status, body, at) "
               "VALUES (?, ?, ?, 0, '', ?)",
               owner, key, print, now);
    return std::nullopt;
  });
}

HANAMI_SERVICE_INLINE void finish_idempotent(database& db, std::string_view owner,
                                             std::string_view key, const kept_answer& answer) {
  db.write_anyway([&](connection& on) {
    on.execute("UPDATE kept_answers SET status = ?, body = ?, at = ? "
               "WHERE owner = ? AND key = ? AND status = 0",
               answer.status, answer.body, now_ms(), owner, key);
  });
}

HANAMI_SERVICE_INLINE void forget_idempotent(database& db, std::string_view owner,
                                             std::string_view key) {
  db.write_anyway([&](connection& on) {
    on.execute("DELETE FROM kept_answers WHERE owner = ? AND key = ? AND status = 0", owner, key);
  });
}

HANAMI_SERVICE_INLINE void clean_answers(database& db) {
  db.write_anyway([](connection& on) {
    on.execute("DELETE FROM kept_answers WHERE at <= ?", now_ms() - detail::answer_life_ms);
  });
}

} // namespace hanami::service::store
