// SPDX-License-Identifier: Apache-2.0
#pragma once

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
#include "../base/compile.hpp"
#include "../base/identity.hpp"
#include "../base/settings.hpp"
#include "../data/block_file.hpp"
#include "../data/datasets.hpp"
#include "../store/resources.hpp"
#include "../store/tasks.hpp"
#include "cluster_shape.hpp"
#include "engine_types.hpp"
#include "task_plan.hpp"

/// Many users' clusters, alive at once: asked and trained directly and by tasks, each in the order
/// of the calls, all of them by one fleet. What was acknowledged survives a kill: a cluster is its
/// last snapshot and a journal of what it has learned since, and learning is the same to the bit
/// when it is done again.

namespace hanami::service::engine {

/// All functions are safe from any thread. Rights are checked where an `identity` is given. They
/// throw `problem`; callbacks get `problem`s too.
class engine {
 public:
  engine(const server_config& config, store::database& db, store::resources& rows,
         store::tasks& tasks, access::accounts& people, datasets& data);
  /// Writes what has been learned and ends.
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Brings back what was there: clusters with a journal are replayed, tasks that were queued or
  /// active go on from where their cluster stands. Clusters without work come into memory when they
  /// are first asked for.
  void start();

  // Clusters.

  /// Makes a cluster from a template's text. 422 ("invalid_template", with line and column), 409
  /// for a name that the caller's project has already, 403 "quota_exceeded". An empty template
  /// makes the smallest one that learns: one input and one output, named "input" and "output".
  store::resource_row create(const identity& who, std::string_view name,
                             std::string_view template_text,
                             visibility visible_to = visibility::owner_only,
                             learning_options options = {});
  /// Aborts its tasks, lets go of its memory and its files.
  void remove(const identity& who, std::string_view id);
  std::shared_ptr<const cluster_shape> shape(std::string_view id);
  cluster_statistics statistics(std::string_view id);
  std::string template_text(std::string_view id);
  /// What `draw/draw.hpp` draws of it as it is now: "svg" or "dot".
  std::string picture(std::string_view id, std::string_view format);

  // One sample at a time. Who asks must have looked at the rights; `user_id` is who it is counted
  // for. Sizes are checked here: 422. The callback comes after all that was asked of the cluster
  // before; that of a training after the journal has it.

  void train(std::string_view id, std::string_view user_id, std::span<const float> input,
             std::span<const float> target, trained_callback done);
  void infer(std::string_view id, std::string_view user_id, std::span<const float> input,
             answered_callback done);

  // Tasks. Those of a cluster run one after the other, in slices, so that direct use goes on
  // between them.

  /// Checks everything that can be checked before it begins: names of inputs and outputs, columns,
  /// widths (422 with a pointer to the fault), rights on cluster (change for train and restore),
  /// datasets and checkpoint (use), quota.
  task_view start_task(const identity& who, task_plan plan);
  task_view task(const identity& who, std::string_view id);
  store::page<task_view> list_tasks(const identity& who, std::string_view cluster_id,
                                    const store::page_request& wanted);
  /// Ends it before its next slice; what was learned stays. One that has ended already stays as it
  /// is.
  task_view abort(const identity& who, std::string_view id);
  /// Aborts it if need be and forgets it.
  void remove_task(const identity& who, std::string_view id);

  // Checkpoints.

  /// A complete upload becomes a checkpoint, after a look at all of it: 422.
  store::resource_row import_checkpoint(const identity& who, std::string_view upload_id);
  /// The file of a checkpoint as `hanami::load` reads it, decrypted on the way.
  std::shared_ptr<const block_reader> open_checkpoint(const identity& who, std::string_view id);
  void remove_checkpoint(const identity& who, std::string_view id);

  engine_statistics statistics();
  std::vector<user_work> work_by_user();
  /// Writes all that is not on disk yet in full.
  void snapshot_all();

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace hanami::service::engine

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "engine.ipp"
#endif
