// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <algorithm>
#include <chrono>

#include "../../../foundation/error.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"

/// What goes on, second by second, for who looks at it.

namespace hanami::service::engine::detail {

HANAMI_SERVICE_INLINE void engine_core::note_busy(const live_ptr& live) {
  if (live->pulse.listed.load(std::memory_order_relaxed) || live->pulse.listed.exchange(true)) {
    return;
  }
  bool first = false;
  {
    const std::lock_guard lock(lists_);
    first = busy_.empty();
    busy_.push_back(live);
  }
  if (first) {
    pulse_check_.set(std::chrono::seconds(1));
  }
}

HANAMI_SERVICE_INLINE void engine_core::write_pulses() {
  std::vector<live_ptr> busy;
  {
    const std::lock_guard lock(lists_);
    busy.swap(busy_);
  }
  const std::int64_t second = now_ms() / 1000 - 1; // the one that is over
  for (const live_ptr& live : busy) {
    live->pulse.listed = false;
    if (live->gone) {
      continue;
    }
    pulse_point point = live->pulse.take();
    point.at = second;
    point.neurons = static_cast<double>(live->neurons);
    point.bytes = static_cast<double>(live->bytes);
    point.drifts = static_cast<double>(live->drifts);
    board.add(live->id, live->owner->id, point);
    if (live->watched_until > steady_ms()) {
      try {
        if (std::shared_ptr<cluster_job> held = cluster_job::begin(live)) {
          fleet_->call(live->fleet_id, [live, held](cluster& net) { live->note_counts(net); });
        }
      } catch (const error&) { // the queue is full, or it is gone
      }
    }
  }
}

HANAMI_SERVICE_INLINE void engine_core::watch(std::string_view cluster_id) {
  constexpr std::int64_t long_enough_ms = 5000;
  if (const live_ptr live = live_in_memory(cluster_id)) {
    live->watched_until = steady_ms() + long_enough_ms;
  }
}

HANAMI_SERVICE_INLINE void engine_core::note_error(const std::string& cluster_id, double error) {
  if (const live_ptr live = live_in_memory(cluster_id)) {
    live->pulse.note_error(error);
    note_busy(live);
  }
}

HANAMI_SERVICE_INLINE std::vector<task_ptr> engine_core::open_tasks_of(std::string_view user_id,
                                                                       std::size_t most) {
  std::vector<task_ptr> all;
  const std::lock_guard lock(table_);
  for (const auto& [id, task] : open_) {
    if (task->row.owner_id == user_id && all.size() < most) {
      all.push_back(task);
    }
  }
  return all;
}

} // namespace hanami::service::engine::detail
