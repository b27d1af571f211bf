// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../store/sqlite.hpp"

namespace hanami::service::access {

/// From a log-in to its end: all tokens that descend from it.
struct session {
  std::string id;              ///< the family of its tokens
  std::string project_id;      ///< that it has entered last
  std::string address;         ///< it came from, when its tokens were last renewed
  std::string device;          ///< what the client said of itself then
  std::int64_t created_at = 0; ///< milliseconds since 1970
  std::int64_t used_at = 0;
};

namespace detail {

/// Per user; only the newest are kept.
inline constexpr std::int64_t most_sessions = 1000;

/// What a client says of itself, fit to be shown.
inline std::string shown_device(std::string_view said) {
  constexpr std::size_t most = 200;
  std::string text(said.substr(0, most));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

/// Writes down a session or that it goes on; of what is empty the old one stays.
inline void note_session(store::connection& on, const session& s, std::string_view user_id,
                         std::int64_t expires_at) {
  on.execute("INSERT INTO sessions (id, user_id, project_id, address, device, created_at, used_at, "
             "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
             "project_id = excluded.project_id, used_at = excluded.used_at, "
             "expires_at = excluded.expires_at, "
             "address = iif(excluded.address = '', address, excluded.address), "
             "device = iif(excluded.device = '', device, excluded.device)",
             s.id, user_id, s.project_id, s.address, s.device, s.used_at, s.used_at, expires_at);
  on.execute("DELETE FROM sessions WHERE user_id = ?1 AND id IN (SELECT id FROM sessions "
             "WHERE user_id = ?1 ORDER BY used_at DESC LIMIT -1 OFFSET ?2)",
             user_id, most_sessions);
}

/// The last used first.
inline std::vector<session> sessions_of(store::connection& on, std::string_view user_id,
                                        std::int64_t now) {
  std::vector<session> found;
  store::statement rows =
      on.query("SELECT id, project_id, address, device, created_at, used_at FROM sessions "
               "WHERE user_id = ? AND expires_at > ? ORDER BY used_at DESC, id",
               user_id, now);
  while (rows.step()) {
    found.push_back(
        {rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.integer(4), rows.integer(5)});
  }
  return found;
}

} // namespace detail

} // namespace hanami::service::access
