// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <unistd.h>

#include "../../../io/checkpoint.hpp"
#include "../../data/block_file.hpp"
#include "task_work.hpp"

namespace hanami::service::engine::detail {

/// Writes a checkpoint and adds its row; where that fails, the file is removed. Does nothing for an
/// id that exists. `spare`: bytes of the quota that are about to be released.
inline store::resource_row keep_checkpoint(const engine_parts& parts, const identity& owner,
                                           store::resource_row row,
                                           std::span<const std::byte> bytes,
                                           std::uint64_t spare = 0) {
  if (const auto there = parts.resources.find(store::resource_kind::checkpoint, row.id)) {
    return *there;
  }
  const std::filesystem::path file = parts.checkpoints_folder / row.id;
  const quota limits = parts.accounts.quota_of(owner.user_id);
  data::block_writer writer(file, parts.data.key());
  writer.write(bytes);
  writer.finish();
  try {
    row.kind = store::resource_kind::checkpoint;
    row.bytes = std::filesystem::file_size(file);
    const std::uint64_t most = limits.bytes + std::min(spare, ~limits.bytes);
    return parts.resources.add(owner, std::move(row), limits.checkpoints, most);
  } catch (...) {
    ::unlink(file.c_str());
    throw;
  }
}

class save_work final : public task_work {
 public:
  save_work(const engine_parts& parts, live_cluster& of, running_task& task)
      : parts_(parts), of_(of), task_(task) {}

  bool run(cluster& net, work_clock::time_point) override {
    bytes_ = to_checkpoint(net);
    samples_ = net.statistics().samples;
    task_.done = task_.total;
    return false;
  }

  json::object finish(const task_end& how) override {
    if (how.state != store::task_state::finished) {
      return {};
    }
    identity owner;
    owner.user_id = task_.row.owner_id;
    owner.project_id = task_.plan.project_id;
    store::resource_row row;
    row.id = task_.id;
    row.name = task_.plan.name;
    json::object detail = to_json(*of_.present_shape()); // with the classes it knows
    detail["cluster_id"] = task_.plan.cluster_id;
    detail["samples"] = samples_;
    row.detail = json::serialize(detail);
    keep_checkpoint(parts_, owner, std::move(row), bytes_);
    return {{"checkpoint_id", task_.id}};
  }

 private:
  const engine_parts& parts_;
  live_cluster& of_;
  running_task& task_;
  std::vector<std::byte> bytes_;
  std::uint64_t samples_ = 0;
};

/// Replaces the cluster by the content of a checkpoint.
class restore_work final : public task_work {
 public:
  restore_work(const engine_parts& parts, live_cluster& of, running_task& task)
      : parts_(parts), of_(of), task_(task),
        restored_(load_checkpoint(parts, task.plan.checkpoint_id)) {}

  bool run(cluster& net, work_clock::time_point) override {
    task_position& where = of_.where;
    if (where.task_id != task_.id) { // else it was done before the process ended
      of_.append(of_.files.encoded(journal_restore{task_.id, task_.plan.checkpoint_id}));
      net = std::move(*restored_);
      where = {};
      where.task_id = task_.id;
      where.state = store::task_state::finished;
    }
    restored_.reset();
    shape_ = shape_of(net);
    if (const auto row =
            parts_.resources.find(store::resource_kind::checkpoint, task_.plan.checkpoint_id)) {
      read_classes(row->detail, shape_);
    }
    const std::lock_guard lock(of_.mutex);
    of_.shape = std::make_shared<const cluster_shape>(shape_);
    task_.done = task_.total;
    return false;
  }

  void settle(cluster& net, task_end&) override {
    if (of_.where.task_id == task_.id) {
      snapshot_ = of_.begin_generation(net);
    }
  }

  json::object finish(const task_end&) override {
    if (!snapshot_.bytes.empty()) {
      of_.files.write_snapshot(snapshot_.generation, snapshot_.bytes);
      parts_.resources.update(of_.id, 0, json::serialize(to_json(shape_)));
    }
    return {};
  }

 private:
  const engine_parts& parts_;
  live_cluster& of_;
  running_task& task_;
  std::optional<cluster> restored_;
  cluster_shape shape_;
  pending_snapshot snapshot_;
};

} // namespace hanami::service::engine::detail
