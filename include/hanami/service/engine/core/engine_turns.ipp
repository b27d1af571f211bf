// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>

#include "../../../foundation/error.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/json.hpp"
#include "../user_meter.hpp"

/// Tasks and snapshots of the engine.

namespace hanami::service::engine::detail {

/// How long a task runs before another cluster gets its turn.
inline constexpr std::chrono::milliseconds slice_time{10};

// --- Tasks.

HANAMI_SERVICE_INLINE task_ptr engine_core::open_task(std::string_view id) {
  const std::lock_guard lock(table_);
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : found->second;
}

HANAMI_SERVICE_INLINE void engine_core::enqueue(live_ptr live, const task_ptr& task) {
  task->owner = users.of(task->row.owner_id);
  task->done = task->row.done;
  {
    const std::lock_guard lock(table_);
    open_[task->id] = task;
    progress_check_.every(std::chrono::seconds(1));
  }
  bool first = false;
  try {
    const auto held = hold(live);
    const std::lock_guard lock(live->mutex);
    if (live->gone) {
      throw not_found("cluster", live->id);
    }
    live->queue.push_back(task);
    first = live->queue.size() == 1;
  } catch (...) {
    const std::lock_guard lock(table_);
    open_.erase(task->id);
    throw;
  }
  if (first) {
    post(live, [this, live, task] { begin(live, task); });
  }
}

/// Opens what the task needs; on a thread that may wait.
HANAMI_SERVICE_INLINE void engine_core::begin(const live_ptr& live, const task_ptr& task) {
  if (stopping_ || live->gone) {
    return;
  }
  try {
    {
      const std::lock_guard lock(task->mutex);
      task->row.state = store::task_state::active;
      task->row.started_at = task->row.started_at == 0 ? now_ms() : task->row.started_at;
      if (task->plan.kind != task_kind::train) {
        task->done = 0; // it begins anew
      }
      task->begun = work_clock::now();
      task->done_before = task->done;
      parts.tasks.update(task->row);
    }
    task->work = make_work(parts, *live, *task);
    submit_turn(live, task);
  } catch (...) {
    conclude(live, task, {store::task_state::failed, reason_of(parts, std::current_exception())});
  }
}

HANAMI_SERVICE_INLINE void engine_core::submit_turn(const live_ptr& live, const task_ptr& task) {
  try {
    fleet_->call(live->fleet_id, [this, live, task](cluster& net) { turn(live, task, net); });
  } catch (const error& e) {
    if (e.code() == errc::queue_full) {
      const std::lock_guard lock(lists_);
      delayed_.emplace_back([this, live, task] { submit_turn(live, task); });
      next_try_.set(std::chrono::milliseconds(20));
    }
    // Else the cluster is gone, and its tasks with it.
  }
}

/// A slice of a task, in the cluster's turn.
HANAMI_SERVICE_INLINE void engine_core::turn(const live_ptr& live, const task_ptr& task,
                                             cluster& net) {
  if (stopping_) {
    return; // it goes on after the next start
  }
  const std::uint64_t cpu_begin = thread_cpu_ns();
  const std::uint64_t done_before = task->done;
  const std::uint64_t journal_before = live->journal_size;
  direct_meter::of_this_thread().interrupt();
  task_end how;
  bool more = false;
  try {
    if (task->abort) {
      how.state = store::task_state::aborted;
    } else if (!task->no_room.empty()) {
      how = {store::task_state::failed, task->no_room};
    } else {
      more = task->work->run(net, work_clock::now() + slice_time);
    }
  } catch (...) {
    how = {store::task_state::failed, reason_of(parts, std::current_exception())};
  }
  if (live->journal_size > 0 || live->broken) {
    note_journal(live, journal_before);
  }
  if (!more) {
    try {
      task->work->settle(net, how);
    } catch (...) {
      how = {store::task_state::failed, reason_of(parts, std::current_exception())};
    }
  }
  if (task->plan.kind == task_kind::train || task->plan.kind == task_kind::restore) {
    live->note_counts(net);
  }
  task->owner->cpu_ns += thread_cpu_ns() - cpu_begin;
  const std::uint64_t done = task->done - std::min<std::uint64_t>(done_before, task->done);
  if (task->plan.kind == task_kind::train) {
    trained_ += done;
    const std::lock_guard lock(task->mutex);
    live->pulse.note_trained(done, done, task->recent_loss * static_cast<double>(done));
  } else if (task->plan.kind == task_kind::request || task->plan.kind == task_kind::evaluate) {
    answered_ += done;
    live->pulse.answered.fetch_add(done, std::memory_order_relaxed);
  }
  note_busy(live);
  if (more && net.refused_growth() > 0) {
    post(live, [this, live, task, bytes = net.refused_growth()] { find_room(live, task, bytes); });
  } else if (more) {
    submit_turn(live, task);
  } else {
    post(live, [this, live, task, how] { conclude(live, task, how); });
  }
}

/// Stores the result of the task and starts the next one; on a thread that may wait.
HANAMI_SERVICE_INLINE void engine_core::conclude(const live_ptr& live, const task_ptr& task,
                                                 task_end how) {
  if (live->gone) {
    return;
  }
  json::object outcome;
  if (task->work) {
    try {
      outcome = task->work->finish(how);
    } catch (...) {
      how = {store::task_state::failed, reason_of(parts, std::current_exception())};
    }
    task->work.reset();
  }
  note_disk(live);
  try {
    end_row(*task, how, outcome);
  } catch (...) { // the database fails: it is as if the task had not ended, until the next start
    report(std::current_exception());
  }
  next_task(live, task);
}

HANAMI_SERVICE_INLINE void engine_core::end_row(running_task& task, const task_end& how,
                                                const json::object& outcome) {
  const std::lock_guard lock(task.mutex);
  store::task_row row = task.row;
  row.state = how.state;
  row.error = how.error;
  row.outcome = json::serialize(outcome);
  row.done = task.done;
  row.ended_at = now_ms();
  parts.tasks.end(row);
  task.row = std::move(row);
  if (common_.log.keeps_debug()) {
    common_.log.debug("engine", "task " + task.id + " has " +
                                    std::string(store::name_of(how.state)) +
                                    (how.error.empty() ? "" : ": " + how.error));
  }
  ++tasks_ended;
}

/// Wakes all threads that wait for its end.
HANAMI_SERVICE_INLINE void engine_core::close(running_task& task) {
  {
    const std::lock_guard lock(table_);
    open_.erase(task.id);
  }
  std::vector<std::function<void(const std::exception_ptr&)>> listeners;
  std::exception_ptr trouble;
  {
    const std::lock_guard lock(task.mutex);
    task.closed = true;
    task.ended.notify_all();
    listeners.swap(task.listeners);
    trouble = task.trouble;
  }
  for (const auto& tell : listeners) {
    tell(trouble);
  }
}

HANAMI_SERVICE_INLINE void engine_core::next_task(const live_ptr& live, const task_ptr& ended) {
  task_ptr next;
  {
    const std::lock_guard lock(live->mutex);
    live->queue.pop_front();
    next = live->queue.empty() ? nullptr : live->queue.front();
  }
  close(*ended);
  if (next) {
    post(live, [this, live, next] { begin(live, next); });
  }
}

/// Removes a task that has not started from its queue.
HANAMI_SERVICE_INLINE bool engine_core::unqueue(const task_ptr& task) {
  const live_ptr live = live_of(task->plan.cluster_id);
  const std::lock_guard lock(live->mutex);
  const auto found = std::find(live->queue.begin(), live->queue.end(), task);
  if (found == live->queue.end() || found == live->queue.begin()) {
    return false;
  }
  live->queue.erase(found);
  return true;
}

HANAMI_SERVICE_INLINE void engine_core::abort(const std::string& task_id) {
  const task_ptr task = open_task(task_id);
  if (!task) {
    return;
  }
  task->abort = true;
  if (task->row.cluster_id.empty() ? drop_import(task) : unqueue(task)) {
    end_row(*task, {store::task_state::aborted, {}}, {});
    close(*task);
    return;
  }
  wait_for_end(*task, std::chrono::seconds(10));
}

HANAMI_SERVICE_INLINE void engine_core::wait_for_end(running_task& task,
                                                     std::chrono::milliseconds most) {
  std::unique_lock lock(task.mutex);
  task.ended.wait_for(lock, most, [&] { return task.closed; });
}

// --- What goes to disk, and when.

HANAMI_SERVICE_INLINE void engine_core::note_learned(const live_ptr& live) {
  if (!live->dirty.exchange(true)) {
    list_dirty(live);
  }
}

/// In the cluster's turn, when its journal has grown from so many bytes, or has failed.
HANAMI_SERVICE_INLINE void engine_core::note_journal(const live_ptr& live,
                                                     std::uint64_t bytes_before) {
  note_learned(live);
  if (!memory_due_.load(std::memory_order_relaxed) && !memory_due_.exchange(true)) {
    memory_check_.set(std::chrono::milliseconds(250));
  }
  if (!idle_due_.load(std::memory_order_relaxed) && !idle_due_.exchange(true)) {
    idle_check_.set(journal_rest);
  }
  constexpr std::uint64_t step = std::uint64_t{1} << 20;
  if (bytes_before / step != live->journal_size / step) {
    post(live, [this, live] { note_disk(live); });
  }
  const std::uint64_t most = parts.config.engine.journal_bytes;
  if (live->broken) {
    snapshot_check_.set(std::chrono::milliseconds(100));
  } else if (bytes_before <= most && live->journal_size > most) {
    request_snapshot(live);
  }
}

HANAMI_SERVICE_INLINE void engine_core::list_dirty(const live_ptr& live) {
  live->dirty_since = steady_ms();
  if (!live->listed.exchange(true)) {
    const std::lock_guard lock(lists_);
    dirty_.push_back(live);
  }
  snapshot_check_.set(parts.config.engine.snapshot_interval);
}

/// Requests a snapshot in the cluster's turn, unless one is pending.
HANAMI_SERVICE_INLINE void engine_core::request_snapshot(const live_ptr& live) {
  if (live->snapshotting.exchange(true)) {
    return;
  }
  try {
    const std::shared_ptr<cluster_job> job = cluster_job::begin(live);
    if (!job) { // it leaves memory, for which one is made
      live->snapshotting = false;
      return;
    }
    fleet_->call(live->fleet_id, [this, live, job](cluster& net) {
      try {
        auto made = std::make_shared<pending_snapshot>(live->begin_generation(net));
        post(live, [this, live, made] { keep(live, *made); });
      } catch (...) {
        live->snapshotting = false;
        report(std::current_exception());
      }
    });
  } catch (const error&) { // the queue is full, or the cluster gone
    live->snapshotting = false;
    snapshot_check_.set(std::chrono::milliseconds(100));
  }
}

HANAMI_SERVICE_INLINE void engine_core::keep(const live_ptr& live, const pending_snapshot& made) {
  try {
    live->files.write_snapshot(made.generation, made.bytes);
    ++snapshots_;
    note_disk(live);
  } catch (...) { // the journals hold it
    report(std::current_exception());
    note_learned(live);
  }
  live->snapshotting = false;
}

HANAMI_SERVICE_INLINE void engine_core::snapshot_all() {
  for (const live_ptr& live : all_live()) {
    while (live->dirty && !live->gone) {
      try {
        const pending_snapshot made =
            fleet_
                ->call(live->fleet_id, [live](cluster& net) { return live->begin_generation(net); })
                .get();
        keep(live, made);
        break;
      } catch (const error& e) {
        if (e.code() != errc::queue_full) {
          break; // it is gone
        }
        fleet_->drain();
      }
    }
  }
  disk_work_.drain();
}

/// Asks for the snapshots that are due, and comes again when the next one is.
HANAMI_SERVICE_INLINE void engine_core::look_after_snapshots() {
  std::vector<live_ptr> listed;
  {
    const std::lock_guard lock(lists_);
    listed.swap(dirty_);
  }
  const engine_settings& settings = parts.config.engine;
  const std::int64_t interval_ms = std::chrono::milliseconds(settings.snapshot_interval).count();
  const std::int64_t now = steady_ms();
  std::optional<std::int64_t> next_ms;
  for (const live_ptr& live : listed) {
    live->listed = false;
    if (!live->dirty || live->gone) {
      continue;
    }
    std::int64_t left_ms = live->dirty_since + interval_ms - now;
    if (live->broken || live->journal_size > settings.journal_bytes || left_ms <= 0) {
      request_snapshot(live);
      left_ms = 1000; // whether it has come to be
    }
    if (live->dirty && !live->listed.exchange(true)) {
      const std::lock_guard lock(lists_);
      dirty_.push_back(live);
    }
    next_ms = std::min(left_ms, next_ms.value_or(left_ms));
  }
  if (next_ms) {
    snapshot_check_.set(std::chrono::milliseconds(*next_ms));
  }
}

/// Stores the progress of tasks, to be seen after a restart.
HANAMI_SERVICE_INLINE void engine_core::write_progress() {
  std::vector<task_ptr> all;
  {
    const std::lock_guard lock(table_);
    for (const auto& [id, task] : open_) {
      all.push_back(task);
    }
    if (all.empty()) {
      progress_check_.unset();
    }
  }
  for (const task_ptr& task : all) {
    const std::lock_guard lock(task->mutex);
    if (task->row.state == store::task_state::active && task->row.done != task->done) {
      task->row.done = task->done;
      parts.tasks.update(task->row);
    }
  }
}

HANAMI_SERVICE_INLINE void engine_core::try_again() {
  std::vector<std::function<void()>> all;
  {
    const std::lock_guard lock(lists_);
    all.swap(delayed_);
  }
  for (const auto& work : all) {
    work();
  }
}

} // namespace hanami::service::engine::detail
