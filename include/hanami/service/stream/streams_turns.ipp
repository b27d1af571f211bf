// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "streams_state.hpp"

#include "../base/compile.hpp"

/// Turns of streams, and what they write to disk.

namespace hanami::service::streams {

HANAMI_SERVICE_INLINE void streams::state::enqueue(const live_ptr& live, detail::stream_job job) {
  bool first = false;
  {
    const std::lock_guard lock(live->mutex);
    if (live->gone) {
      throw not_found("stream", live->id);
    }
    if (live->waiting.size() >= detail::most_waiting ||
        live->waiting_bytes + job.bytes > detail::most_waiting_bytes ||
        waiting_bytes + job.bytes > detail::most_waiting_of_all) {
      if (job.bytes > 0 && !live->waiting.empty()) {
        throw detail::too_busy("too many rows wait already; try again in a moment");
      }
    }
    live->waiting_bytes += job.bytes;
    waiting_bytes += job.bytes;
    if (!job.upkeep) {
      live->used_at = steady_ms();
    }
    first = live->waiting.empty();
    live->waiting.push_back(std::move(job));
  }
  if (first) {
    submit(live);
  }
}

HANAMI_SERVICE_INLINE void streams::state::submit(const live_ptr& live) {
  try {
    engine.turns().take_turn(live->fleet_id, [this, live] { take_turn(live); });
  } catch (const error& e) {
    if (e.code() == errc::queue_full) {
      const std::lock_guard lock(delayed_mutex);
      delayed.push_back(live);
      next_try.set(std::chrono::milliseconds(20));
    } else { // it has left
      refuse_all(live, live->is_gone() ? not_found("stream", live->id) : detail::being_stopped());
    }
  }
}

HANAMI_SERVICE_INLINE void streams::state::try_again() {
  std::vector<live_ptr> all;
  {
    const std::lock_guard lock(delayed_mutex);
    all.swap(delayed);
  }
  for (const live_ptr& live : all) {
    submit(live);
  }
}

/// A slice of what waits, in the stream's turn.
HANAMI_SERVICE_INLINE void streams::state::take_turn(const live_ptr& live) {
  const auto until = clock::now() + detail::slice_time;
  do {
    detail::stream_job* job = nullptr;
    {
      const std::lock_guard lock(live->mutex);
      if (live->waiting.empty()) {
        return;
      }
      job = &live->waiting.front(); // where it stays
    }
    bool more = false;
    try {
      more = job->run(*live, until);
    } catch (...) {
      job->refuse(detail::refusal_for(std::current_exception(), common.log));
    }
    if (more) {
      break;
    }
    if (!end_job(*live)) {
      return;
    }
  } while (clock::now() < until);
  submit(live);
}

/// False: nothing else waits.
HANAMI_SERVICE_INLINE bool streams::state::end_job(live_stream& live) {
  detail::stream_job done;
  const std::lock_guard lock(live.mutex);
  if (live.waiting.empty()) { // all were refused meanwhile
    return false;
  }
  done = std::move(live.waiting.front());
  live.waiting.pop_front();
  live.waiting_bytes -= done.bytes;
  waiting_bytes -= done.bytes;
  if (live.waiting.empty()) {
    live.idle.notify_all();
  }
  return !live.waiting.empty();
}

HANAMI_SERVICE_INLINE void streams::state::refuse_all(const live_ptr& live, const refusal& why) {
  std::deque<detail::stream_job> all;
  {
    const std::lock_guard lock(live->mutex);
    all.swap(live->waiting);
    waiting_bytes -= std::exchange(live->waiting_bytes, 0);
    live->idle.notify_all();
  }
  for (detail::stream_job& job : all) {
    job.refuse(std::make_exception_ptr(why));
  }
}

HANAMI_SERVICE_INLINE void streams::state::feed(const live_ptr& live, engine::detail::user_ptr user,
                                                row_batch batch, wanted_answers wanted,
                                                batch_callback done) {
  struct feeding {
    row_batch batch;
    bool begun = false;
  };
  auto of = std::make_shared<feeding>();
  const std::size_t size = batch.text.size();
  of->batch = std::move(batch);
  auto hear = std::make_shared<batch_callback>(std::move(done));
  enqueue(live, {[this, of, hear, user = std::move(user), wanted](live_stream& s,
                                                                  clock::time_point until) {
                   const std::uint64_t cpu = engine::detail::thread_cpu_ns();
                   if (!std::exchange(of->begun, true)) {
                     append(s, of->batch);
                     s.session.begin(std::move(of->batch), wanted);
                   }
                   const bool more = s.session.work(until);
                   s.worked_ns += engine::detail::thread_cpu_ns() - cpu;
                   if (!more) {
                     finish(s, *user, *hear);
                   }
                   user->cpu_ns += engine::detail::thread_cpu_ns() - cpu;
                   return more;
                 },
                 [hear](std::exception_ptr why) { (*hear)({}, why); }, size});
}

/// To the journal, before anything is learned.
HANAMI_SERVICE_INLINE void streams::state::append(live_stream& s, const row_batch& batch) {
  if (s.files.broken()) { // nothing was learned that it does not hold: another one begins
    keep(s);
  }
  const std::uint64_t bytes_before = s.journal_size;
  try {
    s.files.append(s.files.encoded(
        engine::journal_batch{static_cast<std::uint8_t>(batch.syntax), batch.at, batch.text}));
  } catch (...) {
    s.journal_open = false;
    throw;
  }
  s.journal_size = s.files.journal_size();
  s.journal_open = s.files.journal_is_open();
  constexpr std::uint64_t step = std::uint64_t{1} << 20;
  if (bytes_before / step != s.journal_size / step) {
    disk_work.post([this, live = s.shared_from_this()] { note_disk(*live); });
  }
  std::int64_t clean = 0;
  s.dirty_since.compare_exchange_strong(clean, steady_ms());
}

HANAMI_SERVICE_INLINE void streams::state::finish(live_stream& s, user_counts& user,
                                                  batch_callback& hear) {
  batch_result result = s.session.end();
  rows += result.rows;
  alarms += result.alarms;
  user.trained += result.rows;
  s.alarms = s.session.alarms();
  s.uncounted += result.rows;
  if (s.uncounted >= 1000 || s.uncounted * 4 >= s.session.rows()) { // it walks over all devices
    count_bytes(s);
  }
  if (s.journal_size > config.engine.journal_bytes || s.worked_ns > detail::most_replay_ns) {
    keep(s);
  }
  if (result.alarms > 0) {
    const std::shared_lock lock(hearing);
    if (hear_alarm) {
      hear_alarm(s.id);
    }
  }
  hear(std::move(result), nullptr);
}

// --- To disk.

/// Begins a journal anew and has the snapshot before it written; in the stream's turn.
HANAMI_SERVICE_INLINE void streams::state::keep(live_stream& s) {
  if (s.snapshotting.exchange(true)) {
    return;
  }
  try {
    auto made = std::make_shared<std::vector<std::byte>>(to_checkpoint(s.session));
    const std::uint64_t generation = s.files.begin_generation();
    s.journal_size = 0;
    s.journal_open = false;
    s.worked_ns = 0;
    s.dirty_since = 0;
    disk_work.post(
        [this, live = s.shared_from_this(), made, generation] { write(*live, generation, *made); });
  } catch (...) {
    s.snapshotting = false;
    throw;
  }
}

HANAMI_SERVICE_INLINE void streams::state::write(live_stream& s, std::uint64_t generation,
                                                 std::span<const std::byte> bytes_of) {
  try {
    s.files.write_snapshot(generation, bytes_of);
    note_disk(s);
  } catch (...) { // the journals hold it
    common.log.error("stream", std::current_exception());
    s.dirty_since = steady_ms();
  }
  s.snapshotting = false;
}

/// What its files take counts in its owner's quota.
HANAMI_SERVICE_INLINE void streams::state::note_disk(live_stream& s) noexcept {
  try {
    const std::uint64_t now = s.files.bytes();
    if (now != s.noted_bytes) {
      resources.set_bytes(s.id, now);
      s.noted_bytes = now;
    }
    engine.note_files(*s.owner);
  } catch (...) { // else it is noted with the next snapshot
    if (!s.is_gone()) {
      common.log.error("stream", std::current_exception());
    }
  }
}

HANAMI_SERVICE_INLINE void streams::state::look_after(const live_ptr& live,
                                                      std::function<void(live_stream&)> work) {
  try {
    enqueue(live, {[work = std::move(work)](live_stream& s, clock::time_point) {
                     work(s);
                     return false;
                   },
                   [](const std::exception_ptr&) {}, 0, true});
  } catch (const refusal&) { // it is being removed
  }
}

/// Snapshots that are due; journals that rest are closed; streams that nobody has used for long
/// leave memory.
HANAMI_SERVICE_INLINE void streams::state::look_after() {
  const std::int64_t now = steady_ms();
  const std::int64_t interval = std::chrono::milliseconds(config.engine.snapshot_interval).count();
  const std::int64_t idle = std::chrono::milliseconds(config.stream.idle_timeout).count();
  std::size_t left = 0;
  for (live_ptr& live : all_live()) {
    const std::int64_t dirty = live->dirty_since;
    const std::int64_t unused_for = now - live->used_at;
    const bool unused = unused_for >= idle;
    if (dirty != 0 && (unused || now - dirty >= interval)) {
      look_after(live, [this](live_stream& s) { keep(s); });
    } else if (unused) {
      const std::string id = live->id;
      live.reset();
      let_go(id, unsaved::stays);
      continue;
    } else if (live->journal_open && unused_for >= engine::journal_rest.count()) {
      look_after(live, [](live_stream& s) {
        s.files.close_journal();
        s.journal_open = false;
      });
    }
    ++left;
  }
  if (left == 0) {
    const std::lock_guard lock(table);
    if (known.empty()) {
      upkeep.unset();
    }
  }
}

} // namespace hanami::service::streams
