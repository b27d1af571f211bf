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
#include <vector>

#include "../../cluster.hpp"
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
#include "engine_types.hpp"
#include "task_plan.hpp"

/// Many users' clusters, alive at once: asked and trained directly and by tasks, each in the order
/// of the calls, all of them by one fleet. What was acknowledged survives a kill: a cluster is its
/// last snapshot and a journal of what it has learned since, and learning is the same to the bit
/// when it is done again.

namespace hanami::service::engine {

/// All functions are safe from any thread. Rights are checked where an `identity` is given. They
/// throw `refusal`, named by its code below; callbacks get `refusal`s too.
class engine {
 public:
  engine(const server_config& config, runtime& common, store::resources& resources,
         store::tasks& tasks, access::accounts& accounts, datasets& data);
  /// Writes what has been learned and ends.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Brings back what was there: clusters with a journal are replayed, tasks that were queued or
  /// active go on from where their cluster stands. Clusters without work come into memory when they
  /// are first asked for.
  void start();

  // Clusters.

  /// Makes a cluster from a template's text. `invalid_template` with line and column, `conflict`
  /// for a name that the caller's project has already, `quota_exceeded`. An empty template makes
  /// the smallest one that learns: one input and one output, named "input" and "output".
  /// `kind_if_missing` as in `parse_template`.
  store::resource_row create(const identity& caller, std::string_view name,
                             std::string_view template_text,
                             visibility visible_to = visibility::owner_only,
                             learning_options options = {},
                             std::optional<output_kind> kind_if_missing = std::nullopt);
  /// Aborts its tasks, lets go of its memory and its files.
  void remove(const identity& caller, std::string_view id);
  /// The cluster, brought into memory if need be, which may take long. Rights are the caller's
  /// business. `not_found`; `damaged` for one that cannot be read.
  cluster_handle open_cluster(std::string_view id);
  /// The same without waiting: of no cluster unless it is in memory.
  cluster_handle find_cluster(std::string_view id);
  cluster_statistics statistics(const cluster_handle& of);
  std::string template_text(const cluster_handle& of);
  /// What `draw/draw.hpp` draws of it as it is now: "svg" or "dot".
  std::string picture(const cluster_handle& of, std::string_view format);

  // One sample at a time. Rights are the caller's business; `user_id` is who it is counted for.
  // Sizes are checked against the handle's shape: `invalid_value`. The callback comes after all
  // that was asked of the cluster before; that of a training after the journal has it.

  void train(const cluster_handle& of, std::string_view user_id, std::span<const float> input,
             std::span<const float> target, trained_callback done);
  /// The answer is of the handle's shape: `conflict` where the cluster was restored to another one
  /// meanwhile.
  void infer(const cluster_handle& of, std::string_view user_id, std::span<const float> input,
             answered_callback done);

  // Tasks. Those of a cluster run one after the other, in slices, so that direct use goes on
  // between them.

  /// Checks everything that can be checked before it begins: names of inputs and outputs, columns,
  /// widths (`invalid_value` with a pointer to the fault), rights on cluster (change for train and
  /// restore), datasets and checkpoint (use), quota.
  task_view start_task(const identity& caller, task_plan plan);
  task_view task(const identity& caller, std::string_view id);
  /// The same when it has ended, or after `most`, whichever comes first.
  task_view wait_for_end(const identity& caller, std::string_view id,
                         std::chrono::milliseconds most);
  store::page<task_view> list_tasks(const identity& caller, std::string_view cluster_id,
                                    const store::page_request& wanted);
  /// Ends it before its next slice; what was learned stays. One that has ended already stays as it
  /// is.
  task_view abort(const identity& caller, std::string_view id);
  /// Aborts it if need be and forgets it.
  void remove_task(const identity& caller, std::string_view id);

  // Checkpoints.

  /// A complete upload becomes a checkpoint, after a look at all of it: `too_large`,
  /// `invalid_checkpoint`.
  store::resource_row import_checkpoint(const identity& caller, std::string_view upload_id);
  /// The file of a checkpoint as `hanami::load` reads it, decrypted on the way.
  std::shared_ptr<const block_reader> open_checkpoint(const identity& caller, std::string_view id);
  void remove_checkpoint(const identity& caller, std::string_view id);

  engine_statistics statistics();
  std::vector<user_work> work_by_user();
  /// Writes all that is not on disk yet in full.
  void snapshot_all();

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace hanami::service::engine
