// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../fleet/fleet.hpp"
#include "../base/refusal.hpp"
#include "../base/runtime.hpp"
#include "engine_types.hpp"
#include "live_cluster.hpp"
#include "task/task_work.hpp"

/// The inside of the engine: which clusters are in memory, whose turn it is, what is written to
/// disk. Defined in `engine_core.ipp` and `engine_turns.ipp`. No rights are checked here.
///
/// Threads: those of the fleet work on clusters, one at a time on each; those of the pool wait for
/// the disk, and look after what the timer says is due. Where nothing is to be done, no thread
/// wakes. A lock is never held while another part is called that takes one, but for
/// `live_cluster::adding` and `running_task::mutex`, under which rows of tasks are written, and
/// for the timer's.

namespace hanami::service::engine::detail {

inline refusal being_stopped() {
  refusal why(refusal_code::stopping, "the service is being stopped");
  why.retry_after_s = 10;
  return why;
}

class engine_core {
 public:
  engine_core(const server_config& config, runtime& common, store::resources& resources,
              store::tasks& tasks, access::accounts& accounts, data::datasets& data);
  engine_core(const engine_core&) = delete;
  engine_core& operator=(const engine_core&) = delete;

  void start();
  /// Must be called once, as the last call.
  void stop();

  /// The cluster, brought into memory if necessary. `not_found`; `damaged` for one that cannot be
  /// read.
  live_ptr live_of(std::string_view id);
  /// The same without waiting: nullptr unless it is in memory, and always once the engine is
  /// stopping.
  live_ptr live_in_memory(std::string_view id);
  void remove(const std::string& id);
  void train(const live_ptr& live, std::string_view user_id, std::span<const float> input,
             std::span<const float> target, trained_callback done);
  /// `values`: the expected size of the answer.
  void infer(const live_ptr& live, std::string_view user_id, std::span<const float> input,
             std::size_t values, answered_callback done);
  /// Calls `look(cluster&)` in the cluster's turn and waits for its result.
  template <class Look>
  auto in_turn(const live_ptr& live, Look look) {
    refuse_when_stopping();
    try {
      return fleet_->call(live->fleet_id, std::move(look)).get();
    } catch (const error&) {
      std::rethrow_exception(refusal_for(*live, std::current_exception()));
    }
  }

  void enqueue(const live_ptr& live, const task_ptr& task);
  /// An upload becomes a dataset or a checkpoint, on a thread of its own; `task.claim` is set.
  void enqueue_import(const task_ptr& task);
  /// Stops imports, which go on after the next start, and tells those who wait for them.
  void end_imports();
  task_ptr open_task(std::string_view id);
  /// Waits until it has ended, at most ten seconds.
  void abort(const std::string& task_id);
  /// Waits until a task has ended, but no longer than `most`.
  static void wait_for_end(running_task& task, std::chrono::milliseconds most);

  void snapshot_all();
  engine_statistics statistics();

  const engine_parts parts;
  user_table users;
  std::mutex creating; ///< held from checking a name until the cluster exists

 private:
  using live_future = std::shared_future<live_ptr>;

  fleet_options options_of(const engine_settings& settings);
  live_ptr load(const std::string& id);
  std::vector<live_ptr> all_live();
  void remove_strangers();
  void resume(const store::task_row& row);
  void resume_import(const store::task_row& row);
  void run_import(const task_ptr& task);
  json::object import(running_task& task);
  bool drop_import(const task_ptr& task);
  void forget_tasks(const live_ptr& live);

  /// The `refusal` that a caller gets for an error in the fleet.
  std::exception_ptr refusal_for(const live_cluster& live, const std::exception_ptr& thrown) const;
  void refuse_when_stopping() const;

  void begin(const live_ptr& live, const task_ptr& task);
  void submit_turn(const live_ptr& live, const task_ptr& task);
  void turn(const live_ptr& live, const task_ptr& task, cluster& net);
  void conclude(const live_ptr& live, const task_ptr& task, task_end how);
  void end_row(running_task& task, const task_end& how, const json::object& outcome);
  bool unqueue(const task_ptr& task);
  void close(running_task& task);
  void next_task(const live_ptr& live, const task_ptr& ended);
  /// Runs work for a cluster on a thread of the pool; exceptions are reported.
  template <class Work>
  void post(const live_ptr& live, Work work) {
    disk_work_.post([this, job = std::make_shared<cluster_job>(live), work = std::move(work)] {
      try {
        work();
      } catch (...) {
        report(std::current_exception());
      }
    });
  }
  void report(const std::exception_ptr& trouble) const noexcept;

  void note_learned(const live_ptr& live);
  void note_journal(const live_ptr& live, std::uint64_t bytes_before);
  void list_dirty(const live_ptr& live);
  void request_snapshot(const live_ptr& live);
  void keep(const live_ptr& live, const pending_snapshot& made);
  void keep_replayed(const live_ptr& live, const cluster& net);
  void look_after_snapshots();
  void write_progress();
  void try_again();

  std::optional<fleet> fleet_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> trained_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::uint64_t> snapshots_{0};
  std::atomic<std::uint64_t> journal_bytes_{0};

  std::mutex table_;                                     ///< guards the two maps
  std::map<std::string, live_future, std::less<>> live_; ///< in memory, or being loaded
  std::map<std::string, task_ptr, std::less<>> open_;

  std::mutex lists_;                           ///< guards the two
  std::vector<live_ptr> dirty_;                ///< need a snapshot sooner or later
  std::vector<std::function<void()>> delayed_; ///< to be repeated, since the fleet was full

  /// They take long, and would keep others waiting.
  static constexpr std::size_t imports_at_once = 2;
  std::atomic<bool> imports_end_{false};
  std::optional<worker_pool> import_threads_;

  runtime& common_;
  work_group disk_work_{common_.pool, work_kind::upkeep};
  timed_work snapshot_check_{common_.timer, [this] { look_after_snapshots(); }};
  timed_work progress_check_{common_.timer, [this] { write_progress(); }}; ///< while tasks are open
  timed_work next_try_{common_.timer, [this] { try_again(); }};
};

} // namespace hanami::service::engine::detail
