// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/json.hpp"
#include "../store/tasks.hpp"
#include "webhook_rows.hpp"

namespace hanami::service::webhooks::detail {

/// The states that a task ends in, as webhooks know them.
inline constexpr unsigned bit_of(store::task_state state) {
  return 1U << static_cast<unsigned>(state);
}
inline constexpr unsigned all_ends = bit_of(store::task_state::finished) |
                                     bit_of(store::task_state::aborted) |
                                     bit_of(store::task_state::failed);

inline message task_message(const store::task_row& task, const std::string& project_id) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? json::value() : json::value(text);
  };
  message made;
  made.id = "msg_" + task.id;
  made.type = "task.ended";
  made.body = json::serialize(json::object{
      {"type", made.type},
      {"timestamp", to_rfc3339(task.ended_at)},
      {"data",
       json::object{{"task_id", task.id},
                    {"name", task.name},
                    {"kind", task.kind},
                    {"state", store::name_of(task.state)},
                    {"error", text_or_null(task.error)},
                    {"cluster_id", text_or_null(task.cluster_id)},
                    {"owner_id", task.owner_id},
                    {"project_id", text_or_null(project_id)},
                    {"done", task.done},
                    {"total", task.total},
                    {"queued_at", to_rfc3339(task.queued_at)},
                    {"started_at", task.started_at == 0 ? json::value()
                                                        : json::value(to_rfc3339(task.started_at))},
                    {"ended_at", to_rfc3339(task.ended_at)}}}});
  made.created_at = made.next_at = now_ms();
  return made;
}

/// Where a task is at home: the project of its cluster, or that it was begun in.
inline std::string project_of_task(store::connection& on, const store::task_row& task) {
  store::statement row =
      task.cluster_id.empty()
          ? on.query("SELECT coalesce(plan ->> 'project_id', '') FROM tasks WHERE id = ?", task.id)
          : on.query("SELECT project_id FROM resources WHERE id = ?", task.cluster_id);
  return row.step() ? row.text(0) : std::string();
}

/// Makes messages of a task that ends, in the transaction that writes it down: for webhooks of its
/// owner in its project, of who leads the project now, and of who is an administrator now.
inline void note_task_end(store::connection& on, const store::task_row& task) {
  if (!on.query("SELECT 1 FROM webhooks WHERE user_id IS NOT NULL LIMIT 1").step()) {
    return;
  }
  const std::string project = project_of_task(on, task);
  std::vector<std::string> wanted;
  {
    static_assert(static_cast<int>(task_reach::all) == 2);
    store::statement rows = on.query(
        "SELECT w.id FROM webhooks AS w JOIN users AS u ON u.id = w.user_id "
        "LEFT JOIN memberships AS m ON m.user_id = w.user_id AND m.project_id = w.project_id "
        "WHERE w.enabled = 1 AND w.states & ?1 <> 0 AND CASE w.reach "
        "WHEN 0 THEN w.user_id = ?2 AND w.project_id = ?3 AND (u.admin OR m.user_id IS NOT NULL) "
        "WHEN 1 THEN w.project_id = ?3 AND (u.admin OR coalesce(m.project_admin, 0)) "
        "ELSE u.admin END",
        bit_of(task.state), task.owner_id, project);
    while (rows.step()) {
      wanted.push_back(rows.text(0));
    }
  }
  for (const std::string& each : wanted) {
    add_message_if_room(on, each, task_message(task, project));
  }
}

} // namespace hanami::service::webhooks::detail
