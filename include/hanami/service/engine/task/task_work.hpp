// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "../../../cluster.hpp"
#include "../../base/json.hpp"
#include "../../base/refusal.hpp"
#include "../../data/sample_reader.hpp"
#include "../live_cluster.hpp"
#include "link_columns.hpp"
#include "task_plan.hpp"
#include "work.hpp"

/// What tasks do, one slice at a time.

namespace hanami::service::engine::detail {

/// The work of a task. Does not throw: problems are reported by its first slice.
std::unique_ptr<task_work> make_work(const engine_parts& parts, live_cluster& of,
                                     running_task& task);

/// A reader of the samples that the plan describes, for a cluster of this shape. Columns and
/// classes that the plan leaves open are decided and written into it; those that a training task
/// tells the cluster, into the shape. Throws `invalid_value` with a pointer to what does not fit,
/// and what `open` throws.
std::unique_ptr<data::sample_reader> open_samples(task_plan& plan, cluster_shape& shape,
                                                  const data_opener& open);

/// Announces a training task to the cluster; `anneal_over` as in `journal_begin`.
void begin_training(cluster& net, std::uint64_t anneal_over);
/// Learns a sample, or counts it as refused, and counts it as done.
void learn_sample(cluster& net, std::span<const float> input, std::span<const float> target,
                  task_position& where, train_result& found);

/// Replays journals. For one journal at a time.
class journal_player {
 public:
  explicit journal_player(const engine_parts& parts) : parts_(parts) {}
  bool operator()(cluster& net, const journal_record& record, task_position& where);

 private:
  bool again(cluster& net, const journal_sample& record, task_position& where);
  bool again(cluster& net, const journal_begin& record, task_position& where);
  bool again(cluster& net, const journal_rows& record, task_position& where);
  bool again(cluster& net, const journal_end& record, task_position& where);
  bool again(cluster& net, const journal_restore& record, task_position& where);
  bool again(cluster& net, const journal_batch& record, task_position& where);

  const engine_parts& parts_;
  std::string task_id_; ///< the task whose samples are open
  std::shared_ptr<data::sample_reader> samples_;
};

/// Without the classes, which the cluster itself does not know.
cluster_shape shape_of(const cluster& net);
json::object to_json(const cluster_shape& shape);
/// Adds the classes that `to_json` has written, as far as they fit the shape.
void read_classes(std::string_view stored, cluster_shape& into);
/// Lets the cluster have this shape, and its row tell of it.
void keep_shape(const engine_parts& parts, live_cluster& of, cluster_shape shape);
/// The cluster in a checkpoint file. Throws like `block_reader` and `from_checkpoint`, and
/// `too_large` for one that takes more memory than a cluster may.
cluster load_checkpoint(const engine_parts& parts, const std::string& checkpoint_id);
/// What users may know of an exception: no paths of files.
std::string reason_of(const engine_parts& parts, const std::exception_ptr& thrown);

} // namespace hanami::service::engine::detail
