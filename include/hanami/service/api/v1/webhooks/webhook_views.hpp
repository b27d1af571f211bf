// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "../../../base/clock.hpp"
#include "../../../base/json.hpp"
#include "../../../webhook/webhook_types.hpp"
#include "../../endpoint.hpp"
#include "../task_views.hpp"
#include "../views.hpp"

/// JSON of webhooks, and its schemas.

namespace hanami::service::api::detail {

inline schema webhook_url_schema() {
  return schema::text(10, 2048).describe("https://.., or http://.. for a network that one trusts");
}

inline schema task_reach_schema() {
  return schema::choice({"own", "project", "all"})
      .describe(
          "whose tasks: one's own in this project, the project's (for who leads it), all (for "
          "administrators)");
}

inline schema ended_states_schema() {
  return schema::list(schema::choice({"finished", "failed", "aborted"}), 1, 3)
      .describe("the ends that are told");
}

/// `of_tasks`: else of a stream.
inline std::vector<schema_property> webhook_properties(bool of_tasks) {
  std::vector<schema_property> all = {
      {"id", id_schema("webhook")},
      {"url", webhook_url_schema()},
      {"enabled", schema::boolean()},
      {"reason",
       schema::text().or_null().describe("why the service has disabled it; null: it has not")},
      {"created_at", time_schema()},
      {"failing_since",
       time_schema().or_null().describe("of the first failure since something was taken")},
      {"disabled_at", time_schema().or_null().describe("by the service")},
      {"dropped", schema::integer().describe("alarms or ends that were not sent, since 1000 others "
                                             "waited")}};
  if (of_tasks) {
    all.push_back({"project_id", schema::text()});
    all.push_back({"reach", task_reach_schema()});
    all.push_back({"states", ended_states_schema()});
  } else {
    all.push_back({"stream_id", id_schema("stream")});
    all.push_back({"last_alarm",
                   schema::integer().describe("number of the last alarm that became a message")});
  }
  return all;
}

inline constexpr std::array<std::string_view, 3> reach_names{"own", "project", "all"};

inline json::object show_webhook(const webhooks::webhook& w) {
  json::object shown{{"id", w.id},
                     {"url", w.url},
                     {"enabled", w.enabled},
                     {"reason", w.reason.empty() ? json::value() : json::value(w.reason)},
                     {"created_at", to_rfc3339(w.created_at)},
                     {"failing_since", time_or_null(w.failing_since)},
                     {"disabled_at", time_or_null(w.disabled_at)},
                     {"dropped", w.dropped}};
  if (!w.place.stream_id.empty()) {
    shown["stream_id"] = w.place.stream_id;
    shown["last_alarm"] = w.last_alarm;
    return shown;
  }
  json::array states;
  for (const store::task_state each :
       {store::task_state::finished, store::task_state::failed, store::task_state::aborted}) {
    if ((w.states & (1U << static_cast<unsigned>(each))) != 0) {
      states.push_back(json::value(store::name_of(each)));
    }
  }
  shown["project_id"] = w.place.project_id;
  shown["reach"] = reach_names[static_cast<std::size_t>(w.reach)];
  shown["states"] = std::move(states);
  return shown;
}

inline schema webhook_message_schema() {
  return schema::object(
             {{"id", schema::text().describe("`webhook-id`, the same at each try")},
              {"type", schema::choice({"stream.alarm", "task.ended", "webhook.test"})},
              {"state", schema::choice({"waiting", "delivered", "failed"})},
              {"tries", schema::integer()},
              {"status", schema::integer().or_null().describe("of the last answer; null: none "
                                                              "came")},
              {"trouble", schema::text().or_null().describe("of the last try")},
              {"created_at", time_schema()},
              {"tried_at", time_schema().or_null()},
              {"next_try_at", time_schema().or_null()},
              {"body", schema::text().describe("as it is sent")}})
      .called("WebhookMessage");
}

inline json::object show_message(const webhooks::message& m) {
  using webhooks::message_state;
  const bool waits = m.state == message_state::waiting;
  return {{"id", m.id},
          {"type", m.type},
          {"state", waits                                 ? "waiting"
                    : m.state == message_state::delivered ? "delivered"
                                                          : "failed"},
          {"tries", m.tries},
          {"status", m.status == 0 ? json::value() : json::value(m.status)},
          {"trouble", m.trouble.empty() ? json::value() : json::value(m.trouble)},
          {"created_at", to_rfc3339(m.created_at)},
          {"tried_at", time_or_null(m.tried_at)},
          {"next_try_at", waits ? time_or_null(m.next_at) : json::value()},
          {"body", m.body}};
}

} // namespace hanami::service::api::detail
