// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>

#include <sys/stat.h>

#include "../../../foundation/error.hpp"
#include "../../../io/checkpoint.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/json.hpp"
#include "../../base/uuid.hpp"
#include "../user_meter.hpp"

namespace hanami::service::engine::detail {

/// Whether a sample was refused since its cluster has to grow, and may not.
inline bool wants_memory(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const error& e) {
    return e.code() == errc::out_of_memory;
  } catch (...) {
    return false;
  }
}

HANAMI_SERVICE_INLINE engine_core::engine_core(const server_config& config, runtime& common,
                                               store::resources& resources, store::tasks& tasks,
                                               access::accounts& accounts, data::datasets& data)
    : parts{config,
            resources,
            tasks,
            accounts,
            data,
            config.data / "clusters",
            config.data / "checkpoints",
            journals_},
      common_(common) {
  if (::mkdir(parts.clusters_folder.c_str(), S_IRWXU) != 0 &&
      !std::filesystem::is_directory(parts.clusters_folder)) {
    hanami::detail::refuse_file("cannot make ", parts.clusters_folder,
                                hanami::detail::system_trouble());
  }
  fleet_.emplace(options_of(config.engine));
  import_threads_.emplace(imports_at_once, common.log);
}

HANAMI_SERVICE_INLINE fleet_options engine_core::options_of(const engine_settings& settings) {
  fleet_options options;
  options.threads = settings.threads;
  options.when_full = full_queue::refuse;
  options.memory_budget = settings.memory_budget;
  options.when_memory_full = full_memory::refuse;
  options.on_error = [this](member_id, const std::exception_ptr& trouble) { report(trouble); };
  return options;
}

HANAMI_SERVICE_INLINE void engine_core::report(const std::exception_ptr& trouble) const noexcept {
  common_.log.error("engine", trouble);
}

// --- Start and stop.

HANAMI_SERVICE_INLINE void engine_core::start() {
  remove_strangers();
  const std::vector<store::task_row> open = parts.tasks.open();
  for (const store::task_row& row : open) {
    resume(row);
  }
  common_.log.info("engine", std::to_string(open.size()) + " tasks go on");
}

/// Removes the remains of clusters that were being created or removed when the process ended.
HANAMI_SERVICE_INLINE void engine_core::remove_strangers() {
  for (const auto& entry : std::filesystem::directory_iterator(parts.clusters_folder)) {
    const std::string name = entry.path().filename().string();
    if (is_uuid(name) && !parts.resources.find(store::resource_kind::cluster, name)) {
      std::filesystem::remove_all(entry.path());
    }
  }
}

HANAMI_SERVICE_INLINE void engine_core::resume(const store::task_row& row) {
  if (row.cluster_id.empty()) {
    resume_import(row);
    return;
  }
  if (!parts.resources.find(store::resource_kind::cluster, row.cluster_id)) {
    parts.tasks.remove_of_cluster(row.cluster_id);
    return;
  }
  try {
    const live_ptr live = live_of(row.cluster_id);
    auto task =
        std::make_shared<running_task>(row, task_plan_from(json::parse(row.plan).as_object()));
    enqueue(live, task);
  } catch (const refusal& full) {
    if (full.code() != refusal_code::no_memory && full.code() != refusal_code::busy) {
      fail_unresumed(row);
      return;
    }
    const std::lock_guard lock(lists_); // others have to end before
    delayed_.emplace_back([this, row] { resume(row); });
    next_try_.set(std::chrono::seconds(1));
  } catch (...) {
    fail_unresumed(row);
  }
}

/// A task that cannot be resumed, for the exception at hand.
HANAMI_SERVICE_INLINE void engine_core::fail_unresumed(const store::task_row& row) {
  report(std::current_exception());
  store::task_row failed = row;
  failed.state = store::task_state::failed;
  failed.error = reason_of(parts, std::current_exception());
  failed.ended_at = now_ms();
  parts.tasks.end(failed);
}

HANAMI_SERVICE_INLINE void engine_core::stop() {
  stopping_ = true;
  end_imports();
  for (timed_work* const each : {&snapshot_check_, &progress_check_, &next_try_, &idle_check_,
                                 &memory_check_, &pulse_check_}) {
    each->end();
  }
  fleet_->drain();    // tasks end after their slice
  disk_work_.drain(); // what they had posted; it may ask for turns
  fleet_->drain();
  try {
    snapshot_all();
  } catch (...) { // the journals hold it
    report(std::current_exception());
  }
  try {
    write_progress();
  } catch (...) { // it is where the cluster is
    report(std::current_exception());
  }
  fleet_.reset();
  common_.log.info("engine", "what was learned is on disk");
  std::vector<std::function<void()>> never;
  const std::lock_guard lock(lists_);
  never.swap(delayed_);
}

HANAMI_SERVICE_INLINE void engine_core::refuse_when_stopping() const {
  if (stopping_) {
    throw being_stopped();
  }
}

// --- Clusters in memory.

/// Whether the loading of a cluster has finished.
inline bool is_loaded(const std::shared_future<live_ptr>& cluster) {
  return cluster.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

HANAMI_SERVICE_INLINE live_ptr engine_core::live_of(std::string_view id) {
  refuse_when_stopping();
  std::promise<live_ptr> promise;
  for (;;) {
    live_future found;
    {
      const std::lock_guard lock(table_);
      if (const auto there = live_.find(id); there != live_.end()) {
        found = there->second;
      } else {
        live_.emplace(std::string(id), promise.get_future().share());
      }
    }
    if (!found.valid()) {
      break;
    }
    live_ptr live = found.get(); // whoever came first is loading it, or has
    {
      std::unique_lock lock(live->mutex);
      live->idle.wait(lock, [&] { return !live->away || live->left; });
      if (live->left && !live->gone) {
        continue;
      }
    }
    if (live->gone) {
      throw not_found("cluster", std::string(id.substr(0, 254)));
    }
    live->last_use = steady_ms();
    return live;
  }
  try {
    live_ptr live = load(std::string(id));
    promise.set_value(live);
    return live;
  } catch (...) {
    {
      const std::lock_guard lock(table_);
      if (const auto there = live_.find(id); there != live_.end()) { // else it was removed
        live_.erase(there);
      }
    }
    promise.set_exception(std::current_exception());
    throw;
  }
}

HANAMI_SERVICE_INLINE live_ptr engine_core::live_in_memory(std::string_view id) {
  if (stopping_) {
    return nullptr;
  }
  const std::lock_guard lock(table_);
  const auto there = live_.find(id);
  if (there == live_.end() || !is_loaded(there->second)) {
    return nullptr;
  }
  const live_ptr& live = there->second.get();
  return live->gone || live->away ? nullptr : live;
}

HANAMI_SERVICE_INLINE live_ptr engine_core::load(const std::string& id) {
  const auto row = parts.resources.find(store::resource_kind::cluster, id);
  if (!row) {
    throw not_found("cluster", id.substr(0, 254));
  }
  auto live = std::make_shared<live_cluster>(row->id, users.of(row->owner_id), parts);
  live->noted_bytes = row->bytes;
  try {
    journal_player player(parts);
    const auto begun = std::chrono::steady_clock::now();
    auto found =
        live->files.recover([&player](cluster& net, const journal_record& record,
                                      task_position& where) { return player(net, record, where); });
    live->where = std::move(found.where);
    live->journal_size = live->files.journal_size();
    cluster_shape shape = shape_of(found.net);
    read_classes(row->detail, shape);
    live->shape = std::make_shared<const cluster_shape>(std::move(shape));
    live->note_counts(found.net);
    live->noted_summary = parts.resources.summaries({id}).at(0);
    if (std::chrono::steady_clock::now() - begun > std::chrono::milliseconds(100)) {
      keep_replayed(live, found.net);
    }
    admit(live, std::move(found.net));
  } catch (const error& e) {
    report(std::current_exception());
    if (e.code() == errc::too_many_files) {
      throw too_many_files();
    }
    throw refusal(refusal_code::damaged,
                  "the cluster cannot be read: " + reason_of(parts, std::current_exception()));
  }
  if (common_.log.keeps_debug()) {
    common_.log.debug("engine", "cluster " + id + " comes into memory");
  }
  if (live->journal_size > 0) {
    note_learned(live);
  }
  if (live->noted_bytes == 0) { // made by a version that did not count them
    note_disk(live);
  }
  note_summary(*live);
  return live;
}

/// Writes a snapshot after a long replay, which should not have to be repeated.
HANAMI_SERVICE_INLINE void engine_core::keep_replayed(const live_ptr& live, const cluster& net) {
  if (live->journal_size > 0) {
    keep(live, live->begin_generation(net));
  }
}

/// All clusters in memory.
HANAMI_SERVICE_INLINE std::vector<live_ptr> engine_core::all_live() {
  std::vector<live_ptr> all;
  const std::lock_guard lock(table_);
  for (const auto& [id, future] : live_) {
    if (is_loaded(future)) {
      all.push_back(future.get());
    }
  }
  return all;
}

HANAMI_SERVICE_INLINE void engine_core::remove(const std::string& id) {
  refuse_when_stopping();
  parts.resources.remove(id); // from here on, it can no longer be loaded
  live_future found;
  {
    const std::lock_guard lock(table_);
    if (const auto there = live_.find(id); there != live_.end()) {
      found = there->second;
    }
  }
  live_ptr live;
  try {
    live = found.valid() ? found.get() : nullptr;
  } catch (const std::exception&) { // it could not be loaded, so nobody uses it
  }
  if (live) {
    bool left = false;
    {
      std::unique_lock lock(live->mutex);
      if (live->gone.exchange(true)) {
        return; // another thread is removing it
      }
      live->idle.wait(lock, [&] { return !live->away || live->left; });
      left = live->left;
    }
    if (!left) {
      fleet_->leave(live->fleet_id, pending_work::cancel);
    }
    {
      std::unique_lock lock(live->mutex);
      live->idle.wait(lock, [&] { return live->jobs == 0; });
    }
    forget_tasks(live);
    board.forget(id);
    const std::lock_guard lock(table_);
    live_.erase(id);
  }
  parts.tasks.remove_of_cluster(id);
  std::error_code ignored; // what stays is removed at the next start
  std::filesystem::remove_all(parts.clusters_folder / id, ignored);
}

/// Marks the tasks of a removed cluster as ended, for callers that wait for them.
HANAMI_SERVICE_INLINE void engine_core::forget_tasks(const live_ptr& live) {
  std::deque<task_ptr> all;
  {
    const std::lock_guard lock(live->mutex);
    all.swap(live->queue);
  }
  for (const task_ptr& task : all) {
    {
      const std::lock_guard lock(task->mutex);
      task->row.state = store::task_state::aborted;
    }
    close(*task);
  }
}

// --- One sample at a time.

HANAMI_SERVICE_INLINE std::exception_ptr
engine_core::refusal_for(const live_cluster& live, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const refusal&) {
    return thrown;
  } catch (const error& e) {
    if (live.gone) {
      return std::make_exception_ptr(not_found("cluster", live.id));
    }
    if (e.code() == errc::queue_full) {
      refusal busy(refusal_code::busy, "too much is waiting already; try again in a moment");
      busy.retry_after_s = 1;
      return std::make_exception_ptr(busy);
    }
    if (e.code() == errc::cancelled) {
      return std::make_exception_ptr(being_stopped());
    }
    if (e.code() == errc::out_of_memory) {
      return std::make_exception_ptr(memory_refusal(*live.owner));
    }
    if (e.code() == errc::too_many_files) {
      return std::make_exception_ptr(too_many_files());
    }
    if (e.code() == errc::invalid_argument) {
      return std::make_exception_ptr(invalid_value(e.what()));
    }
    if (e.code() == errc::file_error) {
      return std::make_exception_ptr(
          refusal(refusal_code::no_space, "the sample was learned, but cannot be kept on disk"));
    }
    report(thrown);
  } catch (...) {
    report(thrown);
  }
  return std::make_exception_ptr(refusal(refusal_code::internal, "the engine has failed"));
}

HANAMI_SERVICE_INLINE void engine_core::train(live_ptr live, std::string_view user_id,
                                              std::span<const float> input,
                                              std::span<const float> target,
                                              trained_callback done) {
  refuse_when_stopping();
  if (live->broken) {
    throw refusal(refusal_code::no_space, "what is learned cannot be kept on disk at present");
  }
  expect_disk_quota(*live->owner);
  train(live, users.of(user_id), input, target, std::move(done), room::to_be_made);
}

HANAMI_SERVICE_INLINE void engine_core::train(live_ptr live, const user_ptr& user,
                                              std::span<const float> input,
                                              std::span<const float> target, trained_callback done,
                                              room when_short) {
  hold_for_sample(live);
  try {
    fleet_->train(live->fleet_id, input, target,
                  [this, live, user, when_short, done = std::move(done),
                   record = encode_sample(input, target, live->files.key_of_journal())](
                      const train_result& result, const std::exception_ptr& thrown) {
                    const bool again =
                        thrown && when_short == room::to_be_made && wants_memory(thrown);
                    std::exception_ptr trouble;
                    if (again) {
                      train_in_new_room(live, user, record, done);
                    } else {
                      trouble =
                          thrown ? refusal_for(*live, thrown) : keep_sample(live, *user, record);
                    }
                    if (!again && !trouble) {
                      live->pulse.note_trained(1, 1, result.loss);
                      note_busy(live);
                    }
                    --live->waiting; // it may leave memory from here on
                    direct_meter::of_this_thread().sample_done(*user);
                    if (!again) {
                      done(result, trouble);
                    }
                  });
  } catch (...) {
    --live->waiting;
    std::rethrow_exception(refusal_for(*live, std::current_exception()));
  }
}

/// Writes a sample that was learned to the journal, in the cluster's turn; why it could not.
HANAMI_SERVICE_INLINE std::exception_ptr
engine_core::keep_sample(const live_ptr& live, user_counts& user, const journal_bytes& record) {
  try {
    const std::uint64_t bytes_before = live->journal_size;
    live->append(record);
    note_journal(live, bytes_before);
    live->samples.fetch_add(1, std::memory_order_relaxed);
    journal_bytes_.fetch_add(record.size(), std::memory_order_relaxed);
    trained_.fetch_add(1, std::memory_order_relaxed);
    user.trained.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  } catch (...) {
    note_journal(live, live->journal_size); // it needs a snapshot all the more
    return refusal_for(*live, std::current_exception());
  }
}

HANAMI_SERVICE_INLINE void engine_core::infer(live_ptr live, std::string_view user_id,
                                              std::span<const float> input, std::size_t values,
                                              answered_callback done) {
  refuse_when_stopping();
  hold_for_sample(live);
  try {
    fleet_->infer(live->fleet_id, input,
                  [this, live, values, user = users.of(user_id), done = std::move(done)](
                      std::span<const float> answer, const std::exception_ptr& thrown) {
                    --live->waiting;
                    if (!thrown) {
                      live->pulse.answered.fetch_add(1, std::memory_order_relaxed);
                      note_busy(live);
                      answered_.fetch_add(1, std::memory_order_relaxed);
                      user->answered.fetch_add(1, std::memory_order_relaxed);
                    }
                    direct_meter::of_this_thread().sample_done(*user);
                    std::exception_ptr trouble = thrown ? refusal_for(*live, thrown) : nullptr;
                    if (!trouble && answer.size() != values) {
                      trouble = std::make_exception_ptr(conflict(
                          "the cluster was replaced by a checkpoint with other outputs meanwhile"));
                    }
                    done(answer, trouble);
                  });
  } catch (...) {
    --live->waiting;
    std::rethrow_exception(refusal_for(*live, std::current_exception()));
  }
}

HANAMI_SERVICE_INLINE std::vector<cluster_use> engine_core::last_used(std::size_t most) {
  std::vector<std::pair<std::int64_t, live_ptr>> all; // times go on while they are sorted
  for (live_ptr& live : all_live()) {
    const std::int64_t used = live->last_use;
    all.emplace_back(used, std::move(live));
  }
  const std::size_t count = std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    std::greater<>());
  all.resize(count);
  std::vector<cluster_use> shown;
  for (const auto& [used, live] : all) {
    try {
      const member_statistics m = fleet_->statistics(live->fleet_id);
      shown.push_back({live->id, live->owner->id, m.trained, m.queued, m.bytes, live->journal_size,
                       live->noted_bytes});
    } catch (const error&) { // it has left
    }
  }
  return shown;
}

HANAMI_SERVICE_INLINE engine_statistics engine_core::statistics() {
  const fleet_statistics f = fleet_->statistics();
  engine_statistics s;
  s.clusters = f.members - f.guests;
  s.bytes = f.bytes;
  s.budget = parts.config.engine.memory_budget;
  s.loaded = loaded_;
  s.left = left_;
  s.refused_for_memory = refused_for_memory_;
  s.journals_open = journals_.taken();
  s.queued = f.queued;
  s.turns = f.blocks;
  s.trained = trained_;
  s.answered = answered_;
  s.snapshots = snapshots_;
  s.journal_bytes = journal_bytes_;
  const std::lock_guard lock(table_);
  s.tasks_open = open_.size();
  return s;
}

} // namespace hanami::service::engine::detail
