// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "../../fleet/fleet.hpp"
#include "../base/clock.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/settings.hpp"
#include "../data/datasets.hpp"
#include "../store/resources.hpp"
#include "../store/tasks.hpp"
#include "cluster_files.hpp"
#include "cluster_shape.hpp"
#include "cluster_summary.hpp"
#include "live/pulse.hpp"
#include "task/task_plan.hpp"
#include "task/work.hpp"
#include "user_meter.hpp"

namespace hanami::service::engine::detail {

inline refusal being_stopped() {
  refusal why(refusal_code::stopping, "the service is being stopped");
  why.retry_after_s = 10;
  return why;
}

/// What the parts of the engine share. All of it outlives them.
struct engine_parts {
  const server_config& config;
  store::resources& resources;
  store::tasks& tasks;
  access::accounts& accounts;
  data::datasets& data;
  std::filesystem::path clusters_folder;
  std::filesystem::path checkpoints_folder;
  journal_places& journals;
};

/// A queued or active task.
struct running_task {
  running_task(store::task_row stored, task_plan wanted)
      : id(stored.id), total(stored.total), plan(std::move(wanted)), row(std::move(stored)) {}

  const std::string id;
  const std::uint64_t total; ///< samples, all epochs
  task_plan plan;            ///< changed only while it begins
  user_ptr owner;
  std::string no_room;           ///< not empty: why it has found no memory and has to end
  std::uint64_t done_at_try = 0; ///< when it last looked for memory
  unsigned tries = 0;            ///< without progress

  std::atomic<bool> abort{false};
  std::atomic<std::uint64_t> done{0};
  std::unique_ptr<task_work>
      work; ///< used by the pool and in the cluster's turn, one after the other
  std::atomic<bool> taken{false}; ///< an import has begun, or been aborted before
  data::upload_claim_ptr claim;   ///< of an import, until it ends

  std::mutex mutex; ///< guards all below
  std::condition_variable ended;
  store::task_row row;
  bool closed = false;                           ///< it has ended, and that is in the database
  std::chrono::steady_clock::time_point begun{}; ///< in this process
  std::uint64_t done_before = 0;                 ///< when it was begun in this process
  double recent_loss = 0;
  std::exception_ptr trouble; ///< why it failed
  /// Called once it has ended.
  std::vector<std::function<void(const std::exception_ptr&)>> listeners;
  std::vector<loss_point> loss_curve;

  /// How training goes.
  void note(const training_losses& losses) {
    const std::lock_guard lock(mutex);
    recent_loss = losses.recent();
    loss_curve = losses.curve();
  }
};

/// For `cluster_files::write_snapshot`.
struct pending_snapshot {
  std::vector<std::byte> bytes; ///< empty: there is none
  std::uint64_t generation = 0;
};

/// A cluster in memory: its place in the fleet, its files, its tasks.
struct live_cluster {
  live_cluster(std::string name, user_ptr of, const engine_parts& parts)
      : id(std::move(name)), owner(std::move(of)),
        files(parts.clusters_folder / id, parts.data.key(), parts.config.engine.sync_journal,
              &parts.journals) {}

  const std::string id;
  const user_ptr owner;
  member_id fleet_id{};

  // In the cluster's turn only.
  cluster_files files;
  task_position where;

  std::atomic<std::uint64_t> waiting{0};      ///< unanswered direct calls
  std::atomic<std::uint64_t> journal_size{0}; ///< bytes since the last snapshot
  std::atomic<bool> dirty{false};             ///< has learned since the last snapshot
  std::atomic<std::int64_t> dirty_since{0};   ///< by `steady_ms`
  std::atomic<bool> listed{false};            ///< in the list of those that need a snapshot
  std::atomic<bool> snapshotting{false};
  std::atomic<bool> broken{false};       ///< the journal has failed
  std::atomic<bool> gone{false};         ///< removed
  std::atomic<bool> away{false};         ///< leaving memory, or has left; set with `mutex` held
  std::atomic<std::int64_t> last_use{0}; ///< by `steady_ms`
  std::atomic<bool> journal_open{false};
  std::atomic<std::uint64_t> noted_bytes{0};  ///< on disk, as far as the database knows
  std::atomic<std::uint64_t> samples{0};      ///< trained
  std::atomic<std::uint64_t> neurons{0};      ///< as of the last snapshot, slice of a task or look
  std::atomic<std::uint64_t> bytes{0};        ///< of memory, likewise
  std::atomic<std::uint64_t> drifts{0};       ///< likewise
  std::atomic<std::int64_t> watched_until{0}; ///< by `steady_ms`: somebody looks at it
  pulse_counts pulse;
  std::atomic<std::int64_t> refused_at{-1}; ///< for memory, last, by `steady_ms`; -1: never

  std::mutex adding; ///< held while a task is numbered and queued

  std::mutex mutex;             ///< guards all below
  std::condition_variable idle; ///< it has no jobs, or has left memory or not
  bool left = false;            ///< memory; there may be another one of the id now
  std::shared_ptr<const cluster_shape> shape;
  std::string noted_summary;                       ///< that the database has
  std::deque<std::shared_ptr<running_task>> queue; ///< the first one is running
  std::size_t jobs = 0;                            ///< of others, running for it

  std::shared_ptr<const cluster_shape> present_shape() {
    const std::lock_guard lock(mutex);
    return shape;
  }
  /// What lists show, in the cluster's turn.
  void note_counts(const cluster& net) {
    const cluster_statistics now = net.statistics();
    samples = now.samples;
    neurons = now.neurons;
    bytes = now.bytes;
    drifts = now.drifts;
  }
  cluster_counts counts() const { return {samples, neurons, now_ms() - (steady_ms() - last_use)}; }
  /// Appends to the journal, in the cluster's turn.
  void append(const journal_bytes& record) {
    try {
      files.append(record);
    } catch (...) {
      broken = true;
      throw;
    }
    journal_size = files.journal_size();
    journal_open = files.journal_is_open();
  }
  /// In the cluster's turn.
  void close_journal() noexcept {
    files.close_journal();
    journal_open = false;
  }
  /// A snapshot, and a new journal, in the cluster's turn.
  pending_snapshot begin_generation(const cluster& net) {
    pending_snapshot made{take_snapshot(net, where), files.begin_generation()};
    broken = false;
    dirty = false;
    note_counts(net);
    journal_size = 0;
    journal_open = false;
    return made;
  }
};

using live_ptr = std::shared_ptr<live_cluster>;
using task_ptr = std::shared_ptr<running_task>;

/// A job that another thread does for a cluster: it stays in memory, and its removal waits.
class cluster_job {
 public:
  /// For a cluster that has another job or a task, so that it cannot leave at the moment.
  explicit cluster_job(live_ptr of) : of_(std::move(of)) {
    const std::lock_guard lock(of_->mutex);
    ++of_->jobs;
  }
  /// nullptr for a cluster that has left memory.
  static std::unique_ptr<cluster_job> begin(const live_ptr& of) {
    {
      const std::lock_guard lock(of->mutex);
      if (of->away) {
        return nullptr;
      }
      ++of->jobs;
    }
    return std::unique_ptr<cluster_job>(new cluster_job(of, already_counted{}));
  }
  cluster_job(const cluster_job&) = delete;
  cluster_job& operator=(const cluster_job&) = delete;
  ~cluster_job() {
    const std::lock_guard lock(of_->mutex);
    if (--of_->jobs == 0) {
      of_->idle.notify_all();
    }
  }

 private:
  struct already_counted {};
  cluster_job(live_ptr of, already_counted) noexcept : of_(std::move(of)) {}

  live_ptr of_;
};

} // namespace hanami::service::engine::detail
