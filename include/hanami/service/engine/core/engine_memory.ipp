// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "../../../foundation/error.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../user_meter.hpp"

/// Memory of the engine: who comes, who leaves, who has to wait. And what is kept on disk.

namespace hanami::service::engine::detail {

inline group_id group_of(const user_counts& owner) noexcept { return group_id{owner.number}; }

/// The share of the budget that is made free when some of it has to be.
inline constexpr std::size_t spare_part = 16;

// --- Who is held in memory.

HANAMI_SERVICE_INLINE std::unique_ptr<cluster_job> engine_core::hold(live_ptr& live) {
  for (;;) {
    if (auto held = cluster_job::begin(live)) {
      live->last_use.store(steady_ms(), std::memory_order_relaxed);
      return held;
    }
    live = live_of(live->id);
  }
}

HANAMI_SERVICE_INLINE void engine_core::hold_for_sample(live_ptr& live) {
  for (;;) {
    ++live->waiting; // before the look: who makes it leave looks the other way round
    if (!live->away) {
      live->last_use.store(steady_ms(), std::memory_order_relaxed);
      return;
    }
    --live->waiting;
    live = live_of(live->id);
  }
}

// --- Room.

HANAMI_SERVICE_INLINE bool engine_core::fits_quota(const user_counts& owner, std::size_t bytes) {
  const std::uint64_t most = owner.most_memory;
  const std::uint64_t used = fleet_->group_bytes(group_of(owner));
  return used <= most && bytes <= most - used;
}

HANAMI_SERVICE_INLINE bool engine_core::fits_budget(std::size_t bytes) {
  const std::size_t most = parts.config.engine.memory_budget;
  const std::size_t used = fleet_->statistics().bytes;
  return used <= most && bytes <= most - used;
}

HANAMI_SERVICE_INLINE std::size_t engine_core::spare_bytes() const noexcept {
  return parts.config.engine.memory_budget / spare_part;
}

HANAMI_SERVICE_INLINE refusal engine_core::memory_quota_refusal(const user_counts& owner) {
  ++refused_for_memory_;
  return quota_exceeded("the clusters and streams in use of '" + owner.id + "' take " +
                        std::to_string(fleet_->group_bytes(group_of(owner))) +
                        " bytes of memory; with what is needed now it "
                        "would be more than the quota of " +
                        std::to_string(owner.most_memory));
}

HANAMI_SERVICE_INLINE refusal engine_core::memory_refusal(const user_counts& owner) {
  const std::uint64_t most = owner.most_memory;
  const std::uint64_t used = fleet_->group_bytes(group_of(owner));
  const std::size_t budget = parts.config.engine.memory_budget;
  const std::size_t all = fleet_->statistics().bytes;
  if (most - std::min(most, used) < budget - std::min(budget, all)) {
    return memory_quota_refusal(owner);
  }
  ++refused_for_memory_;
  refused_at_ = steady_ms();
  refusal why(refusal_code::no_memory,
              "the clusters in use take all memory that there is for clusters; try again when "
              "others have ended");
  why.retry_after_s = 5;
  return why;
}

HANAMI_SERVICE_INLINE void engine_core::leave_for_quota(user_counts& owner, std::size_t bytes,
                                                        std::uint64_t quota) {
  owner.most_memory = quota;
  fleet_->limit_group(group_of(owner), quota);
  if (!fits_quota(owner, bytes)) {
    make_leave(&owner, [&] { return fits_quota(owner, bytes); });
  }
}

HANAMI_SERVICE_INLINE void engine_core::make_room_now(user_counts& owner, std::size_t bytes,
                                                      std::uint64_t quota) {
  leave_for_quota(owner, bytes, quota);
  // As much again, for each thread: who comes or grows goes on growing.
  const std::size_t spare = std::min(parts.config.engine.memory_budget / 2,
                                     std::max(spare_bytes(), bytes * fleet_->statistics().threads));
  if (!fits_budget(bytes + spare)) {
    make_leave(nullptr, [&] { return fits_budget(bytes + spare); });
  }
  if (!fits_quota(owner, bytes) || !fits_budget(bytes)) {
    throw memory_refusal(owner);
  }
}

HANAMI_SERVICE_INLINE void engine_core::make_room(user_counts& owner, std::size_t bytes) {
  const std::uint64_t quota = parts.accounts.quota_of(owner.id).memory;
  const std::lock_guard lock(room_);
  make_room_now(owner, bytes, quota);
}

HANAMI_SERVICE_INLINE bool engine_core::make_room_in_quota(user_counts& owner, std::size_t bytes) {
  const std::uint64_t quota = parts.accounts.quota_of(owner.id).memory;
  const std::lock_guard lock(room_);
  leave_for_quota(owner, bytes, quota);
  return fits_quota(owner, bytes);
}

/// Takes a cluster that was read from disk into memory, or throws as `make_room`.
HANAMI_SERVICE_INLINE void engine_core::admit(const live_ptr& live, cluster net) {
  user_counts& owner = *live->owner;
  const std::uint64_t quota = parts.accounts.quota_of(owner.id).memory;
  const std::lock_guard lock(room_);
  make_room_now(owner, net.bytes(), quota);
  // All clusters of a user take turns as one.
  live->fleet_id = fleet_->join(std::move(net), group_of(owner));
  fleet_->limit_group(group_of(owner), quota);
  live->last_use = steady_ms();
  ++loaded_;
  if (const auto idle = parts.config.engine.idle_time; idle.count() > 0) {
    idle_check_.set(idle);
  }
}

HANAMI_SERVICE_INLINE bool engine_core::is_short_of_memory() {
  constexpr std::int64_t lately_ms = 60'000;
  const std::int64_t at = refused_at_;
  return at >= 0 && steady_ms() - at < lately_ms;
}

HANAMI_SERVICE_INLINE std::uint64_t engine_core::memory_of(const user_counts& user) {
  return fleet_->group_bytes(group_of(user));
}

// --- Leaving.

HANAMI_SERVICE_INLINE void engine_core::make_leave(const user_counts* of,
                                                   const std::function<bool()>& enough) {
  std::vector<std::pair<std::int64_t, live_ptr>> all; // their times must not change meanwhile
  for (live_ptr& live : all_live()) {
    if (of == nullptr || live->owner.get() == of) {
      const std::int64_t last = live->last_use;
      all.emplace_back(last, std::move(live));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  constexpr std::chrono::seconds most{10};
  const auto until = std::chrono::steady_clock::now() + most;
  for (bool more = true; more;) {
    bool soon = false;
    for (const auto& [last, live] : all) {
      if (enough()) {
        return;
      }
      soon = leave_memory(live) == departure::soon || soon;
    }
    more = soon && !stopping_ && std::chrono::steady_clock::now() < until;
    if (more) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

HANAMI_SERVICE_INLINE engine_core::departure engine_core::leave_memory(const live_ptr& live) {
  {
    const std::lock_guard lock(live->mutex);
    if (live->gone || live->away || live->broken || !live->queue.empty()) {
      return departure::in_use;
    }
    if (live->snapshotting || live->jobs > 0) {
      return departure::soon;
    }
    live->away = true;
    if (live->waiting > 0) {
      live->away = false;
      live->idle.notify_all();
      return departure::in_use;
    }
  }
  std::optional<cluster> net;
  try {
    net.emplace(fleet_->leave(live->fleet_id));
  } catch (const error&) { // asked by a callback of the fleet, which cannot wait
    const std::lock_guard lock(live->mutex);
    live->away = false;
    live->idle.notify_all();
    return departure::in_use;
  }
  if (live->journal_size > 0 || live->broken) { // not to be replayed when it comes back
    const bool must_be_kept = live->broken;
    try {
      const pending_snapshot made = live->begin_generation(*net);
      live->files.write_snapshot(made.generation, made.bytes);
      ++snapshots_;
      note_disk(live);
    } catch (...) {
      report(std::current_exception());
      if (must_be_kept) { // only memory holds all of it
        live->fleet_id = fleet_->join(*std::move(net), group_of(*live->owner));
        live->broken = true;
        note_learned(live);
        const std::lock_guard lock(live->mutex);
        live->away = false;
        live->idle.notify_all();
        return departure::in_use;
      }
    }
  }
  try {
    note_summary(*live);
  } catch (...) { // lists show what was so before
    report(std::current_exception());
  }
  live->close_journal();
  live->dirty = false;
  {
    const std::lock_guard lock(table_);
    live_.erase(live->id);
  }
  ++left_;
  const std::lock_guard lock(live->mutex);
  live->left = true;
  live->idle.notify_all();
  return departure::left;
}

HANAMI_SERVICE_INLINE void engine_core::rest_journal(const live_ptr& live) {
  try {
    if (std::shared_ptr<cluster_job> held = cluster_job::begin(live)) {
      fleet_->call(live->fleet_id, [live, held](cluster&) { live->close_journal(); });
    }
  } catch (const error&) { // the queue is full, so it is in use
  }
}

/// Closes journals that rest, and makes clusters leave that nobody uses any more.
HANAMI_SERVICE_INLINE void engine_core::look_after_idle() {
  idle_due_ = false;
  const std::int64_t most = std::chrono::milliseconds(parts.config.engine.idle_time).count();
  std::optional<std::int64_t> next;
  bool any_left = false;
  for (const live_ptr& live : all_live()) {
    const std::int64_t now = steady_ms();
    const std::int64_t idle = now - live->last_use;
    if (most > 0 && idle >= most) {
      if (leave_memory(live) == departure::left) {
        any_left = true;
        continue;
      }
      live->last_use = now; // a task works on it
    }
    std::int64_t due = most > 0 ? live->last_use + most : -1;
    if (live->journal_open) {
      if (idle >= journal_rest.count()) {
        rest_journal(live);
      } else {
        const std::int64_t rest = live->last_use + journal_rest.count();
        due = due < 0 ? rest : std::min(due, rest);
      }
    }
    if (due >= 0) {
      next = std::min(due, next.value_or(due));
    }
  }
  if (next) {
    constexpr std::int64_t soonest = 100; // those who are due about then are looked at together
    idle_check_.set(std::chrono::milliseconds(std::max(*next - steady_ms(), soonest)));
  }
#if defined(__GLIBC__)
  if (any_left) {
    ::malloc_trim(0); // others of the machine may need it
  }
#endif
}

/// After training: keeps a little free, so that growth need not be refused before room is made.
HANAMI_SERVICE_INLINE void engine_core::look_after_memory() {
  memory_due_ = false;
  const std::lock_guard lock(room_);
  if (!fits_budget(spare_bytes())) {
    make_leave(nullptr, [&] { return fits_budget(2 * spare_bytes()); });
  }
  std::vector<const user_counts*> all; // which stay where they are
  users.each([&all](const std::string&, const user_counts& each) { all.push_back(&each); });
  for (const user_counts* each : all) {
    const std::uint64_t part = each->most_memory / spare_part;
    if (!fits_quota(*each, part)) {
      make_leave(each, [&] { return fits_quota(*each, part); });
    }
  }
}

// --- Growth that found no memory.

/// Makes room for a cluster in direct use, and trains the sample then.
HANAMI_SERVICE_INLINE void engine_core::train_in_new_room(const live_ptr& live,
                                                          const user_ptr& user,
                                                          const journal_bytes& record,
                                                          const trained_callback& done) {
  constexpr std::int64_t no_hope_ms = 200;
  if (live->journal_size > 0) { // its last sample found no room: nobody could replay that
    request_snapshot(live);
  }
  if (live->refused_at >= 0 && steady_ms() - live->refused_at < no_hope_ms) {
    done({}, std::make_exception_ptr(memory_refusal(*live->owner)));
    return;
  }
  disk_work_.post([this, live, user, record, done] {
    try {
      std::size_t bytes = 0;
      if (const auto held = cluster_job::begin(live)) {
        bytes =
            fleet_->call(live->fleet_id, [](cluster& net) { return net.refused_growth(); }).get();
      }
      try {
        make_room(*live->owner, bytes);
      } catch (const refusal&) {
        live->refused_at = steady_ms();
        throw;
      }
      const journal_sample sample = decode_sample(record, live->files.key_of_journal());
      train(live, user, sample.input, sample.target, done, room::was_made);
    } catch (...) {
      done({}, refusal_for(*live, std::current_exception()));
    }
  });
}

HANAMI_SERVICE_INLINE void engine_core::find_room(const live_ptr& live, const task_ptr& task,
                                                  std::size_t bytes) {
  constexpr unsigned most_tries = 100;
  if (live->journal_size > 0) { // its last sample found no room: nobody could replay that
    request_snapshot(live);
  }
  task->tries = task->done == task->done_at_try ? task->tries + 1 : 0;
  task->done_at_try = task->done;
  try {
    make_room(*live->owner, bytes);
    if (task->tries > most_tries) { // others take it whenever there is some
      throw memory_refusal(*live->owner);
    }
  } catch (const refusal& why) {
    task->no_room = std::string(name_of(why.code())) + ": " + why.what();
  }
  if (task->tries == 0 || !task->no_room.empty()) {
    submit_turn(live, task);
    return;
  }
  const std::lock_guard lock(lists_);
  delayed_.emplace_back([this, live, task] { submit_turn(live, task); });
  next_try_.set(std::chrono::milliseconds(20));
}

// --- Files.

HANAMI_SERVICE_INLINE void engine_core::note_disk(const live_ptr& live) noexcept {
  try {
    const std::uint64_t bytes = live->files.bytes();
    if (bytes != live->noted_bytes) {
      parts.resources.set_bytes(live->id, bytes);
      live->noted_bytes = bytes;
    }
    note_summary(*live);
    check_disk(*live->owner);
  } catch (...) { // else it is noted with the next snapshot
    if (!live->gone) {
      report(std::current_exception());
    }
  }
}

HANAMI_SERVICE_INLINE void engine_core::note_summary(live_cluster& live) {
  constexpr std::int64_t enough_ms = 60'000; // as far as the last use goes
  const json::object now = summary_of(*live.present_shape(), live.counts());
  {
    const std::lock_guard lock(live.mutex);
    if (!live.noted_summary.empty()) {
      const json::value noted_text = json::parse(live.noted_summary);
      json::object noted = noted_text.as_object();
      const std::int64_t before = noted.at("used_at").as_int64();
      noted["used_at"] = now.at("used_at");
      if (noted == now && now.at("used_at").as_int64() - before < enough_ms) {
        return;
      }
    }
    live.noted_summary = json::serialize(now);
  }
  parts.resources.set_summary(live.id, json::serialize(now));
}

HANAMI_SERVICE_INLINE std::vector<json::value>
engine_core::summaries(const std::vector<std::string>& ids) {
  std::vector<json::value> all;
  for (const std::string& text : parts.resources.summaries(ids)) {
    json::error_code trouble;
    json::value stored = json::parse(text, trouble);
    all.push_back(trouble || !stored.is_object() ? json::value() : std::move(stored));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    live_ptr live; // also while it leaves memory
    {
      const std::lock_guard lock(table_);
      const auto there = live_.find(ids[i]);
      live = there != live_.end() && is_loaded(there->second) ? there->second.get() : nullptr;
    }
    std::string_view state = "at_rest";
    if (live) {
      all[i] = summary_of(*live->present_shape(), live->counts());
      const std::lock_guard lock(live->mutex);
      state = live->away ? "at_rest" : live->queue.empty() ? "in_memory" : "working";
    }
    if (all[i].is_object()) {
      all[i].get_object()["state"] = state;
    }
  }
  return all;
}

HANAMI_SERVICE_INLINE void engine_core::check_disk(user_counts& owner) {
  owner.disk_checked_at = steady_ms();
  owner.over_disk =
      parts.resources.used_by(owner.id).bytes > parts.accounts.quota_of(owner.id).bytes;
}

HANAMI_SERVICE_INLINE void engine_core::expect_disk_quota(user_counts& owner) {
  if (!owner.over_disk.load(std::memory_order_relaxed)) {
    return;
  }
  constexpr std::int64_t believed_ms = 1000;
  if (steady_ms() - owner.disk_checked_at >= believed_ms) {
    check_disk(owner);
  }
  if (owner.over_disk) {
    throw quota_exceeded("the files of '" + owner.id +
                         "' take more bytes than the quota allows; nothing more is learned until "
                         "some are deleted");
  }
}

} // namespace hanami::service::engine::detail
