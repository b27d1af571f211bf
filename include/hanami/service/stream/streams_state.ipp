// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "streams_state.hpp"

#include "../base/compile.hpp"

/// Which streams are in memory.

namespace hanami::service::streams {

namespace detail {

inline bool is_ready(const std::shared_future<live_ptr>& one) {
  return one.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

} // namespace detail

HANAMI_SERVICE_INLINE
streams::state::state(const server_config& with, runtime& shared, store::resources& all_resources,
                      access::accounts& all_accounts, data::datasets& all_data, engine::engine& of)
    : config(with), common(shared), resources(all_resources), accounts(all_accounts),
      data(all_data), engine(of), folder(with.data / "streams") {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && !std::filesystem::is_directory(folder)) {
    hanami::detail::refuse_file("cannot make ", folder, hanami::detail::system_trouble());
  }
  // The remains of streams that were being made or removed when the process ended.
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_uuid(name) && !resources.find(store::resource_kind::stream, name)) {
      std::filesystem::remove_all(entry.path());
    }
  }
}

HANAMI_SERVICE_INLINE void streams::state::stop() {
  {
    const std::lock_guard lock(table);
    stopping = true;
  }
  upkeep.end();
  for (const live_ptr& live : all_live()) {
    live->wait_until_idle();
    engine.turns().leave_guest(live->fleet_id);
  }
  next_try.end();
  disk_work.drain();
  for (const live_ptr& live : all_live()) {
    if (live->dirty_since != 0) {
      try {
        live->files.write_snapshot(live->files.begin_generation(), to_checkpoint(live->session));
      } catch (...) { // the journal holds it
        common.log.error("stream", std::current_exception());
      }
    }
  }
}

// --- Streams in memory.

HANAMI_SERVICE_INLINE std::vector<streams::state::live_ptr> streams::state::all_live() {
  std::vector<live_ptr> all;
  const std::lock_guard lock(table);
  for (const auto& [id, future] : known) {
    if (detail::is_ready(future)) {
      try {
        all.push_back(future.get());
      } catch (...) { // it could not be loaded; whoever tried removes it
      }
    }
  }
  return all;
}

/// nullptr unless it is in memory.
HANAMI_SERVICE_INLINE streams::state::live_ptr streams::state::find_live(std::string_view id) {
  const std::lock_guard lock(table);
  const auto there = known.find(id);
  if (there == known.end() || !detail::is_ready(there->second)) {
    return nullptr;
  }
  try {
    return there->second.get();
  } catch (...) {
    return nullptr;
  }
}

HANAMI_SERVICE_INLINE streams::state::live_ptr streams::state::live_of(std::string_view id) {
  std::promise<live_ptr> promise;
  std::shared_future<live_ptr> found;
  {
    const std::lock_guard lock(table);
    if (stopping) {
      throw detail::being_stopped();
    }
    if (const auto there = known.find(id); there != known.end()) {
      found = there->second;
    } else {
      known.emplace(std::string(id), promise.get_future().share());
    }
  }
  if (found.valid()) { // whoever came first is loading it, or has
    return found.get();
  }
  try {
    live_ptr live = load(id);
    promise.set_value(live);
    upkeep.every(std::chrono::seconds(5));
    return live;
  } catch (...) {
    {
      const std::lock_guard lock(table);
      known.erase(known.find(id));
    }
    promise.set_exception(std::current_exception());
    throw;
  }
}

HANAMI_SERVICE_INLINE streams::state::live_ptr streams::state::load(std::string_view id) {
  const auto row = resources.find(store::resource_kind::stream, id);
  if (!row) {
    throw not_found("stream", std::string(id.substr(0, 254)));
  }
  auto live =
      std::make_shared<live_stream>(row->id, engine.meter_of(row->owner_id), folder / row->id,
                                    data.key(), config.engine.sync_journal, engine.journals());
  live->noted_bytes = row->bytes;
  bool replayed = false;
  const std::uint64_t cpu = engine::detail::thread_cpu_ns();
  try {
    live->files.recover(
        [&](std::span<const std::byte> snapshot) {
          live->session = from_checkpoint<stream_session>(snapshot);
        },
        [&](const engine::journal_record& record) {
          const auto* batch = std::get_if<engine::journal_batch>(&record);
          if (batch == nullptr || batch->syntax >= batch_syntaxes) {
            return false;
          }
          replayed = true;
          live->session.take({static_cast<batch_syntax>(batch->syntax), batch->at, batch->text},
                             wanted_answers::none);
          return true;
        });
  } catch (const error& e) {
    common.log.error("stream", std::current_exception());
    if (e.code() == errc::too_many_files) {
      throw too_many_files();
    }
    throw refusal(refusal_code::damaged, "the stream cannot be read");
  }
  live->journal_size = live->files.journal_size();
  live->dirty_since = replayed ? steady_ms() : 0;
  live->worked_ns = replayed ? engine::detail::thread_cpu_ns() - cpu : 0; // and would do so again
  live->alarms = live->session.alarms();
  make_room(*live->owner, live->session.bytes());
  live->fleet_id = engine.turns().join_guest(group_id{live->owner->number});
  count_bytes(*live);
  return live;
}

HANAMI_SERVICE_INLINE void streams::state::remove(const std::string& id) {
  resources.remove(id); // from here on, it can no longer be loaded
  live_ptr live;
  {
    std::shared_future<live_ptr> found;
    {
      const std::lock_guard lock(table);
      if (const auto there = known.find(id); there != known.end()) {
        found = there->second;
      }
    }
    try {
      live = found.valid() ? found.get() : nullptr;
    } catch (const std::exception&) { // it could not be loaded, so nobody uses it
    }
  }
  if (live) {
    {
      const std::lock_guard lock(live->mutex);
      if (std::exchange(live->gone, true)) {
        return; // another thread is removing it
      }
    }
    engine.turns().leave_guest(live->fleet_id, pending_work::cancel);
    refuse_all(live, not_found("stream", id));
    disk_work.drain();
    const std::lock_guard lock(table);
    bytes -= live->bytes;
    known.erase(id);
  }
  std::error_code ignored; // what stays is removed at the next start
  std::filesystem::remove_all(folder / id, ignored);
}

// --- Memory.

HANAMI_SERVICE_INLINE refusal streams::state::no_memory() const {
  refusal why(refusal_code::no_memory, "streams take all the memory that they may, " +
                                           std::to_string(config.stream.memory_budget) +
                                           " bytes; some leave it when they are not used");
  why.retry_after_s = 5;
  return why;
}

HANAMI_SERVICE_INLINE void streams::state::expect_room(live_stream& live) {
  const bool all_fit = bytes <= config.stream.memory_budget;
  if (all_fit && engine.has_room(*live.owner, 0)) {
    return;
  }
  if (!room_due.exchange(true)) { // for who comes again
    disk_work.post([this, owner = live.owner] {
      room_due = false;
      try {
        make_room(*owner, 0);
      } catch (const refusal&) { // whoever needs it hears that
      }
    });
  }
  throw all_fit ? engine.memory_refusal(*live.owner) : no_memory();
}

HANAMI_SERVICE_INLINE void streams::state::make_room(user_counts& owner, std::size_t more) {
  const std::size_t most = config.stream.memory_budget;
  const auto fits = [&](std::size_t wanted) { return bytes <= most && wanted <= most - bytes; };
  if (!fits(more)) {
    make_leave(nullptr, [&] { return fits(more + most / detail::spare_part); });
  }
  if (!fits(more)) {
    throw no_memory();
  }
  if (!engine.make_room(owner, more)) {
    make_leave(&owner, [&] { return engine.has_room(owner, more); });
  }
  if (!engine.has_room(owner, more)) {
    throw engine.memory_refusal(owner);
  }
}

HANAMI_SERVICE_INLINE void streams::state::count_bytes(live_stream& live) {
  live.uncounted = 0;
  const std::size_t now = live.session.bytes();
  bytes += now - live.bytes.exchange(now);
  engine.turns().set_guest_bytes(live.fleet_id, now);
}

template <class Enough>
void streams::state::make_leave(const user_counts* of, const Enough& enough) {
  std::vector<std::pair<std::int64_t, std::string>> all;
  for (const live_ptr& live : all_live()) {
    if (of == nullptr || live->owner.get() == of) {
      all.emplace_back(live->used_at, live->id);
    }
  }
  std::sort(all.begin(), all.end());
  for (const auto& [used, id] : all) {
    if (enough()) {
      return;
    }
    let_go(id, unsaved::leaves);
  }
}

HANAMI_SERVICE_INLINE void streams::state::let_go(const std::string& id, unsaved what) {
  const std::lock_guard lock(table);
  const auto there = known.find(id);
  if (stopping || there == known.end() || !detail::is_ready(there->second)) {
    return;
  }
  const live_ptr& last = there->second.get();
  if (last.use_count() == 1 && last->is_idle() && !last->snapshotting &&
      (what == unsaved::leaves || last->dirty_since == 0)) {
    engine.turns().leave_guest(last->fleet_id);
    bytes -= last->bytes;
    known.erase(there);
  }
}

} // namespace hanami::service::streams
