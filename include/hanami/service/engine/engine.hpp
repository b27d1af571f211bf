// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../cluster.hpp"
#include "../../fleet/fleet.hpp"
#include "../access/accounts.hpp"
#include "../base/identity.hpp"
#include "../base/runtime.hpp"
#include "../base/settings.hpp"
#include "../data/block_file.hpp"
#include "../data/datasets.hpp"
#include "../store/resources.hpp"
#include "../store/tasks.hpp"
#include "cluster_handle.hpp"
#include "cluster_shape.hpp"
#include "disk/journal_places.hpp"
#include "engine_types.hpp"
#include "live/pulse.hpp"
#include "task/task_plan.hpp"
#include "user_meter.hpp"

/// The clusters of many users, used directly and by tasks, each in the order of the calls, all of
/// them by one fleet. What was acknowledged survives a kill: a cluster is stored as its last
/// snapshot and a journal of what it has learned since, and replaying the journal is exact to the
/// bit.

namespace hanami::service::engine {

/// All functions are safe from any thread. Rights are checked where an `identity` is given. They
/// throw `refusal`, named by its code below; callbacks get `refusal`s too.
class engine {
 public:
  engine(const server_config& config, runtime& common, store::resources& resources,
         store::tasks& tasks, access::accounts& accounts, data::datasets& data);
  /// Writes to disk what has been learned.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Resumes the tasks that were queued or active, from where their cluster is. Clusters without
  /// tasks are brought into memory when they are first used.
  void start();

  // Clusters.

  /// Creates a cluster from the text of a template. Throws `invalid_template` with line and column,
  /// `conflict` for a name that exists in the caller's project, `quota_exceeded`, and `no_memory`
  /// where it would find no room beside the clusters in use. An empty text
  /// stands for the smallest template that learns: one input and one output, named "input" and
  /// "output". `kind_if_missing` as in `parse_template`.
  store::resource_row create(const identity& caller, std::string_view name,
                             std::string_view template_text,
                             visibility visible_to = visibility::owner_only,
                             learning_options options = {},
                             std::optional<output_kind> kind_if_missing = std::nullopt);
  /// The same from a checkpoint that the caller may use, and from a cluster, as it is now. Throw as
  /// above, and `not_found`.
  store::resource_row create_from_checkpoint(const identity& caller, std::string_view name,
                                             std::string_view checkpoint_id,
                                             visibility visible_to = visibility::owner_only);
  store::resource_row clone(const identity& caller, std::string_view cluster_id,
                            std::string_view name, visibility visible_to = visibility::owner_only);
  /// Makes it what its template and its options make, as if it had never learned. `conflict` while
  /// it has tasks.
  void reset(const identity& caller, std::string_view cluster_id);
  learning_options learning(const cluster_handle& of);
  /// Calls `change` with the present options and takes what it makes of them; samples remembered
  /// for rehearsal are forgotten. `invalid_value` for what is out of range, `conflict` while it has
  /// tasks.
  learning_options change_learning(const identity& caller, std::string_view cluster_id,
                                   const std::function<void(learning_options&)>& change);
  /// What a template would make, without making it. Throws as `create`, and `busy` for a large one
  /// while another is checked.
  template_estimate check_template(std::string_view text, learning_options options = {});
  /// As `store::resources::change`; `conflict` for a name that another cluster of the project has.
  store::resource_row change_cluster(const identity& caller, std::string_view cluster_id,
                                     const store::resource_change& what,
                                     std::optional<std::uint64_t> version);
  /// Aborts its tasks and releases its memory and its files.
  void remove(const identity& caller, std::string_view id);
  /// The cluster, brought into memory if necessary, which may take long. Does not check rights.
  /// Throws `not_found`, `damaged` for a cluster that cannot be read, and `no_memory` and
  /// `quota_exceeded` for one that finds no room beside those that are in use.
  cluster_handle open_cluster(std::string_view id);
  /// The same without waiting: refers to no cluster unless it is in memory.
  cluster_handle find_cluster(std::string_view id);
  cluster_statistics statistics(const cluster_handle& of);
  /// What lists show of clusters, in the order of the ids: `samples`, `neurons` (as of the last
  /// snapshot or slice of a task), `used_at`, `state`, and the first 32 `inputs` and `outputs`;
  /// null for what is not known. Rights are not checked; brings nothing into memory.
  std::vector<json::value> summaries(const std::vector<std::string>& ids);
  std::string template_text(const cluster_handle& of);
  /// A drawing of its present state by `draw/draw.hpp`. `format`: "svg" or "dot".
  std::string picture(const cluster_handle& of, std::string_view format);

  // One sample at a time. Rights are not checked; the work is counted for the user `user_id`. Sizes
  // are checked against the handle's shape: `invalid_value`. Callbacks are called in the order of
  // the calls, that of `train` after the sample was written to the journal. Where the cluster has
  // to grow and memory is short, a sample waits until others have left, and later ones may overtake
  // it; where none can leave, it is refused: `no_memory`, or `quota_exceeded`.

  void train(const cluster_handle& of, std::string_view user_id, std::span<const float> input,
             std::span<const float> target, trained_callback done);
  /// The answer has the handle's shape: `conflict` where the cluster was replaced by a different
  /// one in the meantime.
  void infer(const cluster_handle& of, std::string_view user_id, std::span<const float> input,
             answered_callback done);

  // Labels that come later. What was asked waits in memory for its label, at most
  // `engine.label_time` and, of one user, 100,000 questions of 16 MiB together, of which the oldest
  // are forgotten first; it does not survive a restart.

  /// As `infer`; what was asked and answered is kept under `label_id`, 1 to 128 bytes. Replaces
  /// what the same user asked so; `conflict` for what somebody else did.
  void infer_for_label(const cluster_handle& of, std::string_view user_id,
                       const std::string& label_id, std::span<const float> input,
                       answered_callback done);
  /// As `train` on what was asked so, once; `not_found` where none waits. What fails may be tried
  /// again.
  void train_label(const cluster_handle& of, std::string_view user_id, const std::string& label_id,
                   std::span<const float> target, trained_callback done);
  /// How good the predictions of then were, by output, since the service was started.
  std::vector<output_error> label_errors(std::string_view cluster_id);
  std::uint64_t labels_waiting(std::string_view cluster_id);

  // What goes on, for who looks at it. Kept in memory, of the 400 clusters that were busy last.

  /// At most `most` points of equal length, oldest first; the last second is the one that is over.
  /// Nothing of a cluster that has not been busy for long.
  std::vector<pulse_point> history(std::string_view cluster_id, pulse_span span, std::size_t most);
  /// Somebody looks at it: its size is kept up to date for the next five seconds.
  void watch(std::string_view cluster_id);
  /// The clusters of a user that were busy after the second `since`, at most 100, and how.
  std::vector<std::pair<std::string, pulse_point>> busy_clusters(std::string_view user_id,
                                                                 std::int64_t since);
  /// Counts tasks that have ended, of everybody: as long as it stays, no task has.
  std::uint64_t tasks_ended() const noexcept;
  /// Queued and active tasks of a user, at most 100.
  std::vector<task_view> open_tasks(std::string_view user_id);

  // Many samples at once, row after row. They take turns of a few milliseconds, between which
  // single samples of the same cluster are learned and answered; each turn's samples are in the
  // journal before the next one. The arguments are checked: `invalid_value` for none, for more than
  // 10,000, for rows that are not whole, and for more than a million values of answers; `busy`
  // beyond 16 unfinished ones of the user. As above in all else.

  void train_batch(const cluster_handle& of, std::string_view user_id, std::vector<float> inputs,
                   std::vector<float> targets, batch_trained_callback done);
  void infer_batch(const cluster_handle& of, std::string_view user_id, std::vector<float> inputs,
                   batch_answered_callback done);

  /// The inputs for some samples of a question to datasets.
  struct dataset_rows {
    std::vector<float> inputs;
    std::uint64_t total = 0; ///< samples that there are
  };
  /// Reads samples [first, first + count), as far as they are there, for `infer_batch`. `plan`: of
  /// a request, `inputs` and `window` alone. Rights on the datasets are checked, everything else as
  /// for a task. May take long.
  dataset_rows read_rows(const identity& caller, const cluster_handle& of, task_plan plan,
                         std::uint64_t first, std::uint64_t count);

  // Tasks. Those of a cluster run one after the other, in slices, between which direct use
  // continues.

  /// Checks everything that can be checked in advance: names of inputs and outputs, columns, widths
  /// (`invalid_value` with a pointer to the fault), rights on the cluster (to change it for train
  /// and restore), the datasets and the checkpoint (to use them), and the quota.
  task_view start_task(const identity& caller, task_plan plan);
  task_view task(const identity& caller, std::string_view id);
  /// The same after it has ended, or after `most`, whichever comes first.
  task_view wait_for_end(const identity& caller, std::string_view id,
                         std::chrono::milliseconds most);
  /// The caller's own, of all clusters where `cluster_id` is empty; of one that the caller may
  /// change, those of others as well. `forbidden` for others' tasks to who administers nothing.
  store::page<task_view> list_tasks(const identity& caller, std::string_view cluster_id,
                                    const store::page_request& wanted,
                                    const task_filter& only = {});
  /// Ends it before its next slice; what was learned is kept. No effect on a task that has ended.
  task_view abort(const identity& caller, std::string_view id);
  /// Aborts it if necessary and deletes it.
  void remove_task(const identity& caller, std::string_view id);

  // Imports: tasks of no cluster, which turn a complete upload into a dataset or a checkpoint. They
  // begin anew after a restart. Where they fail or are aborted, the upload stays, and can be
  // mended.

  /// Throws `incomplete`, `conflict` while it is being finished already, `too_large` for a
  /// checkpoint beyond the memory that a cluster may take, `quota_exceeded` beyond the open tasks
  /// of its owner. What is wrong with the content, or too much for a quota, makes the task fail.
  /// `done` is called once it has ended, with why it failed or was aborted, or `stopping` where the
  /// service ends before; on a thread of the engine.
  using import_callback = std::function<void(const std::exception_ptr&)>;
  task_view import_upload(const identity& caller, std::string_view upload_id,
                          import_callback done = {});
  /// Makes datasets from some that the caller may use: `plan.dataset_id`, `append`, `columns`,
  /// `derived`, `parts`, `seed`. Throws as `data::derivation`, and `quota_exceeded`.
  task_view derive_datasets(const identity& caller, task_plan plan);
  /// Interrupts tasks of no cluster until the next start. For a service that ends, before those who
  /// wait for them do.
  void end_imports();

  // Checkpoints.

  /// The file of a checkpoint as `hanami::load` reads it, decrypted on the fly.
  std::shared_ptr<const data::block_reader> open_checkpoint(const identity& caller,
                                                            std::string_view id);
  void remove_checkpoint(const identity& caller, std::string_view id);
  /// Adds a checkpoint of anything, `bytes` as `to_checkpoint` gives them. Throws as
  /// `store::resources::add`.
  store::resource_row add_checkpoint(const identity& owner, store::resource_row row,
                                     std::span<const std::byte> bytes);

  engine_statistics statistics();
  /// Whether the clusters in use leave hardly any memory to others.
  bool is_short_of_memory();
  /// Bytes that the clusters and streams of a user take in memory.
  std::uint64_t memory_of(std::string_view user_id);
  std::vector<user_work> work_by_user();
  /// Those in memory that were used last, at most so many; no turn of theirs is waited for.
  std::vector<cluster_use> last_used(std::size_t most);

  // For what else learns here, such as streams.

  /// Where their work takes turns with the clusters'. Gone when the engine is.
  fleet& turns();
  /// What is counted for a user, whose number is the group of the fleet that all of the user's work
  /// takes turns in.
  detail::user_ptr meter_of(std::string_view user_id);
  /// The descriptors that its journals share with the clusters'.
  journal_places& journals();
  /// Makes clusters of the user leave that nobody uses, until so many bytes more fit into what the
  /// user may have in memory; false: they do not. May take long.
  bool make_room(detail::user_counts& owner, std::size_t bytes);
  /// The same as it is, without waiting.
  bool has_room(const detail::user_counts& owner, std::size_t bytes);
  /// Why something of the user finds no room there: `quota_exceeded`.
  refusal memory_refusal(const detail::user_counts& owner);
  /// `quota_exceeded` where the user's files take more than they may.
  void expect_disk_quota(detail::user_counts& owner);
  /// The user's files have changed, as far as `store::resources` knows of them.
  void note_files(detail::user_counts& owner);

  /// Writes snapshots of all clusters that have changed since their last one.
  void snapshot_all();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::engine
