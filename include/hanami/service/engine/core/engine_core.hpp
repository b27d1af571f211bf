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

#include "../../../fleet/fleet.hpp"
#include "../../base/refusal.hpp"
#include "../../base/runtime.hpp"
#include "../engine_types.hpp"
#include "../live/pulse_board.hpp"
#include "../live_cluster.hpp"
#include "../running_batch.hpp"
#include "../task/task_work.hpp"

/// The inside of the engine: which clusters are in memory, whose turn it is, what is written to
/// disk. Defined in `engine_core.ipp`, `engine_memory.ipp` and `engine_turns.ipp`. No rights are
/// checked here.
///
/// Threads: those of the fleet work on clusters, one at a time on each; those of the pool wait for
/// the disk, and look after what the timer says is due. Where nothing is to be done, no thread
/// wakes. A lock is never held while another part is called that takes one, but for
/// `live_cluster::adding` and `running_task::mutex`, under which rows of tasks are written, and
/// for the timer's.

namespace hanami::service::engine::detail {

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
  /// read; `no_memory` and `quota_exceeded` as `make_room`.
  live_ptr live_of(std::string_view id);
  /// The same without waiting: nullptr unless it is in memory, and always once the engine is
  /// stopping.
  live_ptr live_in_memory(std::string_view id);
  void remove(const std::string& id);
  void train(live_ptr live, std::string_view user_id, std::span<const float> input,
             std::span<const float> target, trained_callback done);
  /// `values`: the expected size of the answer.
  void infer(live_ptr live, std::string_view user_id, std::span<const float> input,
             std::size_t values, answered_callback done);
  /// The same for many; `shape`: the cluster's as the caller knows it.
  void train_batch(live_ptr live, std::string_view user_id, std::vector<float> inputs,
                   std::vector<float> targets, const cluster_shape& shape,
                   batch_trained_callback done);
  void infer_batch(live_ptr live, std::string_view user_id, std::vector<float> inputs,
                   const cluster_shape& shape, batch_answered_callback done);
  /// Calls `look(cluster&)` in the cluster's turn and waits for its result.
  template <class Look>
  auto in_turn(live_ptr live, Look look) {
    refuse_when_stopping();
    const auto held = hold(live);
    try {
      return fleet_->call(live->fleet_id, std::move(look)).get();
    } catch (const error&) {
      std::rethrow_exception(refusal_for(*live, std::current_exception()));
    }
  }

  void enqueue(live_ptr live, const task_ptr& task);
  /// An import, whose `claim` is set, or a derivation, on a thread that works for no cluster.
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
  /// As `engine::last_used`.
  std::vector<cluster_use> last_used(std::size_t most);
  fleet& common_fleet() noexcept { return *fleet_; }

  /// Makes clusters that nobody uses leave memory, until so many bytes more fit: the owner's own
  /// where its quota says no, else anybody's, whose last use is longest ago first. Throws
  /// `no_memory`, and `quota_exceeded` for the quota.
  void make_room(user_counts& owner, std::size_t bytes);
  /// The same for what is no cluster, so that only the quota counts; false: it does not fit.
  bool make_room_in_quota(user_counts& owner, std::size_t bytes);
  bool fits_quota(const user_counts& owner, std::size_t bytes);
  /// Why something finds no room in the quota.
  refusal memory_quota_refusal(const user_counts& owner);
  bool is_short_of_memory();
  /// Notes an error of a prediction, whose label has come.
  void note_error(const std::string& cluster_id, double error);
  /// Somebody looks at the cluster for the next seconds: its size is kept up to date.
  void watch(std::string_view cluster_id);
  pulse_board board;
  std::atomic<std::uint64_t> tasks_ended{0};
  /// Open tasks of a user, at most `most`.
  std::vector<task_ptr> open_tasks_of(std::string_view user_id, std::size_t most);
  /// Notes what the files of a cluster take; on a thread that may wait.
  void note_disk(const live_ptr& live) noexcept;
  /// What lists show of clusters, in the order of the ids; null for what is not known.
  std::vector<json::value> summaries(const std::vector<std::string>& ids);
  std::uint64_t memory_of(const user_counts& user);
  /// `quota_exceeded` where the files of the user take more than they may.
  void expect_disk_quota(user_counts& owner);
  /// Looks whether they do.
  void check_disk(user_counts& owner);
  journal_places& journals() noexcept { return journals_; }

 private:
  journal_places journals_{descriptor_shares(descriptor_limit()).journals};

 public:
  const engine_parts parts;
  user_table users;
  std::mutex creating; ///< held from checking a name until the cluster exists

 private:
  using live_future = std::shared_future<live_ptr>;

  fleet_options options_of(const engine_settings& settings);
  live_ptr load(const std::string& id);
  void admit(const live_ptr& live, cluster net);
  /// Keeps the cluster in memory; where it has left, it is brought back, and `live` is another one.
  std::unique_ptr<cluster_job> hold(live_ptr& live);
  /// The same for one direct sample, until `waiting` is lowered again.
  void hold_for_sample(live_ptr& live);

  std::exception_ptr keep_sample(const live_ptr& live, user_counts& user,
                                 const journal_bytes& record);
  bool fits_budget(std::size_t bytes);
  /// The least that is kept free, as long as others can leave for it.
  std::size_t spare_bytes() const noexcept;
  /// `make_room` with `room_` held.
  void make_room_now(user_counts& owner, std::size_t bytes, std::uint64_t quota);
  void leave_for_quota(user_counts& owner, std::size_t bytes, std::uint64_t quota);
  /// Why a cluster cannot grow.
  refusal memory_refusal(const user_counts& owner);
  /// Of those that nobody uses; `of`: only this user's.
  void make_leave(const user_counts* of, const std::function<bool()>& enough);
  enum class departure : std::uint8_t {
    left,
    soon,  ///< it cannot yet: a snapshot is being written, or the end of a task noted
    in_use ///< or not on disk as it is
  };
  departure leave_memory(const live_ptr& live);
  void look_after_memory();
  void look_after_idle();
  /// After growth that found no memory; the task goes on or fails.
  void find_room(const live_ptr& live, const task_ptr& task, std::size_t bytes);
  void rest_journal(const live_ptr& live);
  /// What is done for a sample whose cluster has to grow and may not.
  enum class room : std::uint8_t { to_be_made, was_made };
  void train(live_ptr live, const user_ptr& user, std::span<const float> input,
             std::span<const float> target, trained_callback done, room when_short);
  void train_in_new_room(const live_ptr& live, const user_ptr& user, const journal_bytes& record,
                         const trained_callback& done);
  batch_ptr new_batch(live_ptr live, std::string_view user_id);
  void submit_batch(const batch_ptr& batch);
  void batch_turn(const batch_ptr& batch, cluster& net);
  void learn_slice(running_batch& batch, cluster& net);
  void answer_slice(running_batch& batch, cluster& net);
  void keep_samples(running_batch& batch, const journal_bytes& records, std::uint64_t count,
                    double loss_sum);
  void find_room(const batch_ptr& batch, std::size_t bytes);
  void try_later(std::function<void()> work);
  /// Its history has to be written at the end of this second.
  void note_busy(const live_ptr& live);
  void write_pulses();
  /// Notes what lists show of it.
  void note_summary(live_cluster& live);
  std::vector<live_ptr> all_live();
  void remove_strangers();
  void resume(const store::task_row& row);
  void resume_import(const store::task_row& row);
  void run_import(const task_ptr& task);
  json::object import(running_task& task, const std::function<bool(double)>& tell);
  json::object derive(running_task& task, const std::function<bool(double)>& tell);
  bool drop_import(const task_ptr& task);
  void fail_unresumed(const store::task_row& row);
  void forget_tasks(const live_ptr& live);

  /// The `refusal` that a caller gets for an error in the fleet.
  std::exception_ptr refusal_for(const live_cluster& live, const std::exception_ptr& thrown);
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

  std::atomic<std::uint64_t> loaded_{0};
  std::atomic<std::uint64_t> left_{0};
  std::atomic<std::uint64_t> refused_for_memory_{0};
  std::atomic<std::int64_t> refused_at_{-1}; ///< for memory, last, by `steady_ms`; -1: never
  std::atomic<bool> memory_due_{false};      ///< `memory_check_` is
  std::atomic<bool> idle_due_{false};        ///< `idle_check_` is
  std::mutex room_;                          ///< held while room is made and taken

  std::mutex table_;                                     ///< guards the two maps
  std::map<std::string, live_future, std::less<>> live_; ///< in memory, or being loaded
  std::map<std::string, task_ptr, std::less<>> open_;

  std::mutex lists_;                           ///< guards the three
  std::vector<live_ptr> busy_;                 ///< since the last second
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
  timed_work pulse_check_{common_.timer, [this] { write_pulses(); }}; ///< after work
  timed_work idle_check_{common_.timer, [this] { look_after_idle(); }};
  timed_work memory_check_{common_.timer, [this] { look_after_memory(); }}; ///< after training
};

} // namespace hanami::service::engine::detail
