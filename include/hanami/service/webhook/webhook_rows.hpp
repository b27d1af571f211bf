// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../base/refusal.hpp"
#include "../store/database.hpp"
#include "webhook_types.hpp"

/// Rows of webhooks and of their messages.

namespace hanami::service::webhooks::detail {

inline constexpr std::string_view select_webhooks =
    "SELECT id, stream_id, owner_id, url, enabled, reason, last_alarm, dropped, created_at, "
    "failing_since, disabled_at, user_id, project_id, reach, states FROM webhooks ";

inline webhook read_webhook(const store::statement& from) {
  webhook w;
  w.id = from.text(0);
  w.place = {from.text(1), from.text(11), from.text(12)}; // NULL is empty
  w.owner_id = from.text(2);
  w.url = from.text(3);
  w.enabled = from.integer(4) != 0;
  w.reason = from.text(5);
  w.last_alarm = static_cast<std::uint64_t>(from.integer(6));
  w.dropped = static_cast<std::uint64_t>(from.integer(7));
  w.created_at = from.integer(8);
  w.failing_since = from.integer(9);
  w.disabled_at = from.integer(10);
  w.reach = static_cast<task_reach>(from.integer(13));
  w.states = static_cast<unsigned>(from.integer(14));
  return w;
}

/// Of a place, with the words behind it; `more` is what they bind.
template <class... More>
store::statement webhooks_at(store::connection& on, const webhook_place& place,
                             std::string_view words, const More&... more) {
  return on.query(std::string(select_webhooks) +
                      "WHERE stream_id IS nullif(?, '') AND user_id IS nullif(?, '') AND "
                      "project_id = ? " +
                      std::string(words),
                  place.stream_id, place.user_id, place.project_id, more...);
}

inline std::vector<webhook> webhooks_of(store::connection& on, const webhook_place& place) {
  std::vector<webhook> all;
  store::statement rows = webhooks_at(on, place, "ORDER BY created_at, id");
  while (rows.step()) {
    all.push_back(read_webhook(rows));
  }
  return all;
}

inline webhook webhook_at(store::connection& on, const webhook_place& place, std::string_view id) {
  store::statement row = webhooks_at(on, place, "AND id = ?", id);
  if (!row.step()) {
    throw not_found("webhook", std::string(id));
  }
  return read_webhook(row);
}

inline message read_message(const store::statement& from) {
  message m;
  m.number = from.integer(0);
  m.id = from.text(1);
  m.type = from.text(2);
  m.body = from.text(3);
  m.state = static_cast<message_state>(from.integer(4));
  m.tries = static_cast<std::uint32_t>(from.integer(5));
  m.status = static_cast<unsigned>(from.integer(6));
  m.trouble = from.text(7);
  m.created_at = from.integer(8);
  m.tried_at = from.integer(9);
  m.next_at = from.integer(10);
  return m;
}

inline constexpr std::string_view select_messages =
    "SELECT number, id, type, body, state, tries, status, trouble, created_at, tried_at, next_at "
    "FROM webhook_messages ";

inline std::int64_t count_waiting(store::connection& on, std::string_view webhook_id) {
  store::statement row = on.query(
      "SELECT count(*) FROM webhook_messages WHERE webhook_id = ? AND state = 0", webhook_id);
  row.step();
  return row.integer(0);
}

/// Does nothing where the webhook has one of this id.
inline void add_message(store::connection& on, std::string_view webhook_id, const message& made) {
  on.execute("INSERT OR IGNORE INTO webhook_messages (webhook_id, id, type, body, state, tries, "
             "status, trouble, created_at, tried_at, next_at) "
             "VALUES (?, ?, ?, ?, 0, 0, 0, '', ?, 0, ?)",
             webhook_id, made.id, made.type, made.body, made.created_at, made.next_at);
}

/// The same where there is room; else it is counted.
inline void add_message_if_room(store::connection& on, std::string_view webhook_id,
                                const message& made) {
  if (count_waiting(on, webhook_id) < most_waiting) {
    add_message(on, webhook_id, made);
  } else {
    on.execute("UPDATE webhooks SET dropped = dropped + 1 WHERE id = ?", webhook_id);
  }
}

/// Messages that nobody will be sent any more.
inline void fail_waiting(store::connection& on, std::string_view webhook_id,
                         std::string_view trouble) {
  on.execute("UPDATE webhook_messages SET state = 2, trouble = ? WHERE webhook_id = ? AND "
             "state = 0",
             trouble, webhook_id);
}

inline void forget_old_messages(store::connection& on, std::string_view webhook_id) {
  on.execute("DELETE FROM webhook_messages WHERE webhook_id = ? AND state <> 0 AND number <= "
             "(SELECT number FROM webhook_messages WHERE webhook_id = ? AND state <> 0 "
             "ORDER BY number DESC LIMIT 1 OFFSET ?)",
             webhook_id, webhook_id, most_ended);
}

} // namespace hanami::service::webhooks::detail
