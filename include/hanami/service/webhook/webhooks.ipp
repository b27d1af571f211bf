// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "webhooks.hpp"

#include "../access/token.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "../http/client/web_address.hpp"
#include "alarm_intake.hpp"
#include "outbox.hpp"
#include "signature.hpp"
#include "task_ends.hpp"
#include "webhook_rows.hpp"

namespace hanami::service::webhooks {

namespace detail {

inline void expect_reachable(const http::web_address& to, const webhook_settings& settings) {
  const auto address = ip_address::parse(to.host);
  if (address && !http::reachable_addresses(settings.private_networks).contains(*address)) {
    throw invalid_value_at("/url", to.host + " is not an address of the open internet; the "
                                             "operator can name networks in "
                                             "webhook.private_networks");
  }
}

/// What is derived from the key of the tokens, for the secrets.
inline access::secret_key key_of_secrets(const server_config& config) {
  return access::derive_key(access::load_or_make_key(config.auth.token_key.empty()
                                                         ? config.data / "token.key"
                                                         : config.auth.token_key),
                            "webhooks");
}

} // namespace detail

struct webhooks::state {
  state(const server_config& with, runtime& common, store::database& database, streams::streams& of,
        store::tasks& ending)
      : settings(with.webhook), key(detail::key_of_secrets(with)), db(database), streams(of),
        tasks(ending), messages(settings, common, db, key),
        alarms(common, db, of, [this] { messages.look(); }) {
    tasks.on_end(detail::note_task_end, [this] { messages.look(); });
  }
  ~state() { tasks.on_end(detail::note_task_end, {}); } // they wait for the next start
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  const webhook_settings& settings;
  const access::secret_key key;
  store::database& db;
  streams::streams& streams;
  store::tasks& tasks;
  detail::outbox messages;
  detail::alarm_intake alarms;

  /// That there are by now; of tasks, none.
  std::uint64_t alarms_of(const webhook_place& place) {
    return place.stream_id.empty() ? 0 : streams.statistics(place.stream_id).alarms;
  }
};

HANAMI_SERVICE_INLINE webhooks::webhooks(const server_config& config, runtime& common,
                                         store::database& db, streams::streams& streams,
                                         store::tasks& tasks)
    : state_(std::make_unique<state>(config, common, db, streams, tasks)) {}

HANAMI_SERVICE_INLINE webhooks::~webhooks() = default;

HANAMI_SERVICE_INLINE std::pair<webhook, std::string> webhooks::create(const webhook_place& place,
                                                                       std::string_view owner_id,
                                                                       std::string_view url,
                                                                       const wanted_ends& ends) {
  state& s = *state_;
  detail::expect_reachable(http::parse_web_address(url), s.settings);
  const webhook_secret secret = new_secret();
  webhook made;
  made.id = new_uuid();
  made.place = place;
  made.reach = ends.reach;
  made.states = ends.states;
  made.owner_id = owner_id;
  made.url = url;
  made.created_at = now_ms();
  made.last_alarm = s.alarms_of(place);
  s.db.write([&](store::connection& on) {
    if (detail::webhooks_of(on, place).size() >= most_webhooks) {
      throw quota_exceeded("there are at most " + std::to_string(most_webhooks) +
                           " webhooks of one thing");
    }
    on.execute("INSERT INTO webhooks (id, stream_id, user_id, project_id, reach, states, owner_id, "
               "url, secret, enabled, reason, last_alarm, dropped, created_at, failing_since, "
               "disabled_at) VALUES (?, nullif(?, ''), nullif(?, ''), ?, ?, ?, ?, ?, ?, 1, '', ?, "
               "0, ?, 0, 0)",
               made.id, place.stream_id, place.user_id, place.project_id,
               static_cast<int>(made.reach), made.states, owner_id, url, sealed(secret, s.key),
               made.last_alarm, made.created_at);
  });
  return {made, shown(secret)};
}

HANAMI_SERVICE_INLINE std::vector<webhook> webhooks::list(const webhook_place& place) {
  return state_->db.read([&](store::connection& on) { return detail::webhooks_of(on, place); });
}

HANAMI_SERVICE_INLINE webhook webhooks::get(const webhook_place& place, std::string_view id) {
  return state_->db.read([&](store::connection& on) { return detail::webhook_at(on, place, id); });
}

HANAMI_SERVICE_INLINE webhook webhooks::change(const webhook_place& place, std::string_view id,
                                               const webhook_change& what) {
  state& s = *state_;
  if (what.url) {
    detail::expect_reachable(http::parse_web_address(*what.url), s.settings);
  }
  const std::uint64_t alarms = s.alarms_of(place);
  return s.db.write([&](store::connection& on) {
    const webhook before = detail::webhook_at(on, place, id);
    if (what.url) {
      on.execute("UPDATE webhooks SET url = ?, failing_since = 0 WHERE id = ?", *what.url, id);
    }
    if (what.enabled && *what.enabled && !before.enabled) {
      on.execute("UPDATE webhooks SET enabled = 1, reason = '', failing_since = 0, "
                 "disabled_at = 0, last_alarm = ? WHERE id = ?",
                 alarms, id);
    }
    if (what.enabled && !*what.enabled && before.enabled) {
      on.execute("UPDATE webhooks SET enabled = 0 WHERE id = ?", id);
      detail::fail_waiting(on, id, "the webhook was disabled");
    }
    return detail::webhook_at(on, place, id);
  });
}

HANAMI_SERVICE_INLINE void webhooks::remove(const webhook_place& place, std::string_view id) {
  state_->db.write_anyway([&](store::connection& on) {
    detail::webhook_at(on, place, id);
    on.execute("DELETE FROM webhooks WHERE id = ?", id);
  });
}

HANAMI_SERVICE_INLINE void webhooks::rewind(std::string_view stream_id) {
  state_->alarms.rewind(stream_id);
}

HANAMI_SERVICE_INLINE message webhooks::test(const webhook_place& place, std::string_view id) {
  state& s = *state_;
  message made;
  made.id = "msg_" + new_uuid();
  made.type = "webhook.test";
  made.created_at = made.next_at = now_ms();
  made.body = R"({"type":"webhook.test","timestamp":")" + to_rfc3339(made.created_at) +
              R"(","data":{")" + (place.stream_id.empty() ? "project_id" : "stream_id") + R"(":")" +
              (place.stream_id.empty() ? place.project_id : place.stream_id) + "\"}}";
  const message kept = s.db.write([&](store::connection& on) {
    if (!detail::webhook_at(on, place, id).enabled) {
      throw conflict("the webhook is disabled; PATCH {\"enabled\": true} enables it");
    }
    if (detail::count_waiting(on, id) >= most_waiting) {
      throw quota_exceeded("too many messages of this webhook wait to be sent");
    }
    detail::add_message(on, id, made);
    store::statement row = on.query(
        std::string(detail::select_messages) + "WHERE webhook_id = ? AND id = ?", id, made.id);
    row.step();
    return detail::read_message(row);
  });
  s.messages.look();
  return kept;
}

HANAMI_SERVICE_INLINE store::page<message> webhooks::messages(const webhook_place& place,
                                                              std::string_view id,
                                                              std::int64_t before,
                                                              std::size_t most) {
  return state_->db.read([&](store::connection& on) {
    detail::webhook_at(on, place, id);
    store::page<message> page;
    {
      store::statement counted =
          on.query("SELECT count(*) FROM webhook_messages WHERE webhook_id = ?", id);
      counted.step();
      page.total = static_cast<std::uint64_t>(counted.integer(0));
    }
    store::statement rows =
        on.query(std::string(detail::select_messages) + "WHERE webhook_id = ? AND number < ? "
                                                        "ORDER BY number DESC LIMIT ?",
                 id, before, most + 1);
    while (rows.step()) {
      if (page.rows.size() == most) {
        page.next = std::to_string(page.rows.back().number);
        break;
      }
      page.rows.push_back(detail::read_message(rows));
    }
    return page;
  });
}

HANAMI_SERVICE_INLINE std::vector<webhook> webhooks::disabled_after(std::string_view stream_id,
                                                                    std::int64_t at) {
  std::vector<webhook> found;
  if (state_->messages.disabled() > 0) {
    found = list({std::string(stream_id), {}, {}});
    std::erase_if(found, [at](const webhook& each) { return each.disabled_at <= at; });
  }
  return found;
}

} // namespace hanami::service::webhooks
