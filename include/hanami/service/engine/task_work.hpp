// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "../../cluster.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../data/sample_reader.hpp"
#include "live_cluster.hpp"
#include "task_plan.hpp"
#include "work.hpp"

/// What tasks do, one slice at a time. Defined in `impl/task_work.ipp`.

namespace hanami::service::engine {

namespace detail {

/// The work of a task. Nothing is thrown: what stands in the way comes from its first slice.
std::unique_ptr<task_work> make_work(const engine_parts& parts, live_cluster& of,
                                     running_task& task);

/// Opens a dataset by its id.
using data_opener = std::function<std::shared_ptr<const data_reader>(const std::string&)>;

/// A reader of what the plan wants from a cluster of this shape. Throws
/// `invalid_value` with a pointer to what does not fit, and what the opener throws.
std::unique_ptr<sample_reader> open_samples(const task_plan& plan, const cluster_shape& shape,
                                            const data_opener& open);

/// Announces a training task to the cluster; `planned` as in `journal_begin`.
void begin_training(cluster& net, std::uint64_t anneal_over);
/// Learns a sample, or counts it as refused; and that it is done.
void learn_sample(cluster& net, std::span<const float> input, std::span<const float> target,
                  task_position& where, train_result& found);

/// Learns again what a journal says. For one journal at a time.
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

  const engine_parts& parts_;
  std::string task_id_; ///< whose samples are open
  std::shared_ptr<sample_reader> samples_;
};

std::shared_ptr<const cluster_shape> shape_of(const cluster& net);
json::object to_json(const cluster_shape& shape);
/// The cluster of a checkpoint file. Throws as `block_reader` and `from_checkpoint`, and
/// `too_large` for one that takes more memory than a cluster may.
cluster load_checkpoint(const engine_parts& parts, const std::string& checkpoint_id);
/// What users are told of an exception: nothing of where files lie.
std::string reason_of(const engine_parts& parts, const std::exception_ptr& thrown);

} // namespace detail

} // namespace hanami::service::engine
