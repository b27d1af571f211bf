// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tasks.hpp"

#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/identity.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "cursor.hpp"

namespace hanami::service::store {

HANAMI_SERVICE_INLINE std::string_view name_of(task_state state) {
  switch (state) {
  case task_state::active:
    return "active";
  case task_state::finished:
    return "finished";
  case task_state::aborted:
    return "aborted";
  case task_state::failed:
    return "failed";
  case task_state::queued:
    break;
  }
  return "queued";
}

HANAMI_SERVICE_INLINE std::optional<task_state> task_state_named(std::string_view name) {
  for (const task_state state : {task_state::queued, task_state::active, task_state::finished,
                                 task_state::aborted, task_state::failed}) {
    if (name_of(state) == name) {
      return state;
    }
  }
  return {};
}

namespace detail {

inline constexpr std::string_view select_tasks =
    "SELECT id, sequence, cluster_id, kind, name, owner_id, state, plan, outcome, error, total, "
    "done, queued_at, started_at, ended_at FROM tasks ";
static_assert(static_cast<int>(task_state::queued) == 0 &&
              static_cast<int>(task_state::active) == 1);

inline task_row read_task(const statement& from) {
  task_row task;
  task.id = from.text(0);
  task.sequence = static_cast<std::uint64_t>(from.integer(1));
  task.cluster_id = from.text(2);
  task.kind = from.text(3);
  task.name = from.text(4);
  task.owner_id = from.text(5);
  task.state = static_cast<task_state>(from.integer(6));
  task.plan = from.text(7);
  task.outcome = from.text(8);
  task.error = from.text(9);
  task.total = static_cast<std::uint64_t>(from.integer(10));
  task.done = static_cast<std::uint64_t>(from.integer(11));
  task.queued_at = from.integer(12);
  task.started_at = from.integer(13);
  task.ended_at = from.integer(14);
  return task;
}

inline void insert_task(connection& on, const task_row& task) {
  on.execute("INSERT INTO tasks (id, sequence, cluster_id, kind, name, owner_id, state, plan, "
             "outcome, error, total, done, queued_at, started_at, ended_at) "
             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             task.id, task.sequence, task.cluster_id, task.kind, task.name, task.owner_id,
             static_cast<int>(task.state), task.plan, task.outcome, task.error, task.total,
             task.done, task.queued_at, task.started_at, task.ended_at);
}

/// The WHERE clause of a list, from fixed texts, and the values to bind.
struct task_filter {
  const task_scope& of;
  std::string pattern;

  std::string words() const {
    static_assert(static_cast<int>(visibility::everyone) == 2);
    return std::string("WHERE name LIKE ? ESCAPE '\\'") +
           (of.cluster_id.empty() ? "" : " AND cluster_id = ?") +
           (of.owner_id.empty() ? "" : " AND owner_id = ?") +
           (of.kind.empty() ? "" : " AND kind = ?") +
           (of.state ? " AND state = " + std::to_string(static_cast<int>(*of.state)) : "") +
           (of.project_id.empty()
                ? ""
                : " AND (cluster_id IN (SELECT id FROM resources WHERE project_id = ?" +
                      std::string(of.of_public_clusters ? " OR visibility = 2" : "") +
                      ") OR (cluster_id = '' AND plan ->> 'project_id' = ?))");
  }
  /// The number of values bound.
  int bind(statement& to) const {
    int index = 1;
    to.bind(index, pattern);
    for (const std::string_view id :
         {of.cluster_id, of.owner_id, of.kind, of.project_id, of.project_id}) {
      if (!id.empty()) {
        to.bind(++index, id);
      }
    }
    return index;
  }
};

} // namespace detail

HANAMI_SERVICE_INLINE task_row tasks::add(task_row task, std::uint64_t most_open) {
  if (task.id.empty()) {
    task.id = new_uuid();
  }
  task.state = task_state::queued;
  db_.write([&](connection& on) {
    statement open_ones = on.query(
        "SELECT count(*) FROM tasks WHERE owner_id = ? AND state IN (0, 1)", task.owner_id);
    open_ones.step();
    if (static_cast<std::uint64_t>(open_ones.integer(0)) >= most_open) {
      throw quota_exceeded(std::string("at most ") + std::to_string(most_open) +
                           " tasks may be queued or active at once");
    }
    statement last = on.query("SELECT max(sequence) FROM tasks");
    last.step();
    task.sequence = static_cast<std::uint64_t>(last.integer(0)) + 1;
    task.queued_at = now_ms();
    try {
      detail::insert_task(on, task);
    } catch (const constraint_error&) {
      throw conflict(std::string("there is a task with the id '") + task.id + "' already");
    }
  });
  return task;
}

HANAMI_SERVICE_INLINE std::optional<task_row> tasks::find(std::string_view id) {
  return db_.read([&](connection& on) {
    statement found = on.query(std::string(detail::select_tasks) + "WHERE id = ?", id);
    return found.step() ? std::optional(detail::read_task(found)) : std::nullopt;
  });
}

HANAMI_SERVICE_INLINE page<task_row> tasks::list(const task_scope& of, const page_request& wanted) {
  const detail::page_cursor after = detail::cursor_from(wanted.after);
  const std::int64_t most = detail::rows_to_ask_for(wanted);
  const detail::task_filter filter{of, detail::like_pattern(wanted.name)};
  return db_.read([&](connection& on) {
    page<task_row> result;
    statement rows =
        on.query(std::string(detail::select_tasks) + filter.words() +
                 (wanted.descending ? " AND sequence < ? ORDER BY sequence DESC LIMIT ?"
                                    : " AND sequence > ? ORDER BY sequence LIMIT ?"));
    const int bound = filter.bind(rows);
    rows.bind(bound + 1, wanted.descending && wanted.after.empty()
                             ? std::numeric_limits<std::int64_t>::max()
                             : after.order);
    rows.bind(bound + 2, most);
    while (rows.step()) {
      result.rows.push_back(detail::read_task(rows));
    }
    statement counted = on.query("SELECT count(*) FROM tasks " + filter.words());
    filter.bind(counted);
    counted.step();
    result.total = static_cast<std::uint64_t>(counted.integer(0));
    detail::end_page(result, wanted, [](const task_row& last) {
      return detail::cursor_text(static_cast<std::int64_t>(last.sequence), last.id);
    });
    return result;
  });
}

HANAMI_SERVICE_INLINE std::vector<task_row> tasks::open() {
  return db_.read([&](connection& on) {
    std::vector<task_row> result;
    statement rows =
        on.query(std::string(detail::select_tasks) + "WHERE state IN (0, 1) ORDER BY sequence");
    while (rows.step()) {
      result.push_back(detail::read_task(rows));
    }
    return result;
  });
}

namespace detail {

/// Whether there was such a task.
inline bool update_task(connection& on, const task_row& task) {
  return on.execute("UPDATE tasks SET state = ?, outcome = ?, error = ?, total = ?, done = ?, "
                    "started_at = ?, ended_at = ? WHERE id = ?",
                    static_cast<int>(task.state), task.outcome, task.error, task.total, task.done,
                    task.started_at, task.ended_at, task.id) > 0;
}

} // namespace detail

HANAMI_SERVICE_INLINE void tasks::on_end(end_note within, std::function<void()> behind) {
  const std::unique_lock lock(notes_);
  within_ = std::move(within);
  behind_ = std::move(behind);
}

HANAMI_SERVICE_INLINE void tasks::update(const task_row& task) {
  db_.write([&](connection& on) { detail::update_task(on, task); });
}

HANAMI_SERVICE_INLINE void tasks::end(const task_row& task) {
  const std::shared_lock lock(notes_);
  db_.write_anyway([&](connection& on) {
    if (detail::update_task(on, task) && within_) {
      within_(on, task);
    }
  });
  if (behind_) {
    behind_();
  }
}

HANAMI_SERVICE_INLINE void tasks::set_plan(std::string_view id, std::string_view plan) {
  db_.write(
      [&](connection& on) { on.execute("UPDATE tasks SET plan = ? WHERE id = ?", plan, id); });
}

HANAMI_SERVICE_INLINE void tasks::remove(std::string_view id) {
  db_.write_anyway([&](connection& on) { on.execute("DELETE FROM tasks WHERE id = ?", id); });
}

HANAMI_SERVICE_INLINE void tasks::remove_of_cluster(std::string_view cluster_id) {
  db_.write_anyway(
      [&](connection& on) { on.execute("DELETE FROM tasks WHERE cluster_id = ?", cluster_id); });
}

HANAMI_SERVICE_INLINE bool tasks::mentions(std::string_view resource_id) {
  // An id that merely occurs as the name of a task, a result or a column is not a reference.
  return db_.read([&](connection& on) {
    return on
        .query("SELECT 1 FROM tasks, json_tree(tasks.plan) AS part WHERE state IN (0, 1) "
               "AND part.type = 'text' AND part.atom = ? "
               "AND coalesce(part.key, '') NOT IN ('name', 'input', 'output', 'column', 'other') "
               "AND part.path NOT LIKE '%.columns' AND part.path NOT LIKE '%.classes%' LIMIT 1",
               resource_id)
        .step();
  });
}

} // namespace hanami::service::store
