// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include <unistd.h>

#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/json.hpp"
#include "../../data/data_import.hpp"
#include "../given_clusters.hpp"
#include "../task/checkpoint_work.hpp"
#include "../task/derive_task.hpp"

/// Imports and derivations: tasks of no cluster. What they make is there as a whole or not at all:
/// an upload stays until its dataset or checkpoint has its row, and one that was interrupted begins
/// anew.

namespace hanami::service::engine::detail {

HANAMI_SERVICE_INLINE void engine_core::enqueue_import(const task_ptr& task) {
  {
    const std::lock_guard lock(table_);
    open_[task->id] = task;
    progress_check_.every(std::chrono::seconds(1));
  }
  import_threads_->post(work_kind::request, [this, task] { run_import(task); });
}

/// Where the process ended: the upload is there still, or what it was to become is.
HANAMI_SERVICE_INLINE void engine_core::resume_import(const store::task_row& row) {
  auto task = std::make_shared<running_task>(row, task_plan());
  try {
    task->plan = task_plan_from(json::parse(row.plan).as_object());
    identity owner;
    owner.user_id = row.owner_id;
    owner.project_id = task->plan.project_id;
    const std::string& made = task->plan.becomes;
    if (task->plan.kind == task_kind::derive) {
      enqueue_import(task);
    } else if (parts.resources.find(store::resource_kind::dataset, made)) {
      end_row(*task, {}, {{"dataset_id", made}});
    } else if (parts.resources.find(store::resource_kind::checkpoint, made)) {
      end_row(*task, {}, {{"checkpoint_id", made}});
    } else {
      task->claim = parts.data.claim(owner, task->plan.upload_id);
      enqueue_import(task);
    }
  } catch (...) {
    end_row(*task, {store::task_state::failed, reason_of(parts, std::current_exception())}, {});
  }
}

HANAMI_SERVICE_INLINE void engine_core::run_import(const task_ptr& task) {
  if (imports_end_ || task->taken.exchange(true)) {
    return;
  }
  task_end how;
  json::object outcome;
  try {
    {
      const std::lock_guard lock(task->mutex);
      task->row.state = store::task_state::active;
      task->row.started_at = task->row.started_at == 0 ? now_ms() : task->row.started_at;
      task->begun = work_clock::now();
      parts.tasks.update(task->row);
    }
    const std::function<bool(double)> tell = [this, &task](double share) {
      task->done = static_cast<std::uint64_t>(share * static_cast<double>(task->total));
      return !task->abort && !imports_end_;
    };
    outcome = task->plan.kind == task_kind::derive ? derive(*task, tell) : import(*task, tell);
    task->done = task->total;
  } catch (const data::import_cancelled&) {
    if (!task->abort) {
      return; // it goes on after the next start
    }
    how.state = store::task_state::aborted;
    task->trouble = std::make_exception_ptr(conflict("the task was aborted"));
  } catch (...) {
    how = {store::task_state::failed, reason_of(parts, std::current_exception())};
    task->trouble = std::current_exception();
  }
  task->claim.reset(); // before anybody can see that it has ended
  try {
    end_row(*task, how, outcome);
  } catch (...) { // the database fails: the next start finds out how it has ended
    report(std::current_exception());
  }
  close(*task);
}

HANAMI_SERVICE_INLINE json::object engine_core::import(running_task& task,
                                                       const std::function<bool(double)>& tell) {
  const data::upload_claim_ptr claimed = task.claim;
  identity owner;
  owner.user_id = task.row.owner_id;
  owner.project_id = task.plan.project_id;
  const data::upload from = parts.data.progress(owner, task.plan.upload_id);
  if (from.format != data::upload_format::checkpoint) {
    return {{"dataset_id", parts.data.finish(claimed, tell).id}};
  }
  parts.data.take_over(claimed, [&](const std::filesystem::path& file) {
    std::uint64_t samples = 0;
    const std::vector<std::byte> bytes =
        checked_checkpoint(file, parts.config.engine.cluster_memory, samples);
    if (!tell(0.5)) {
      throw data::import_cancelled();
    }
    store::resource_row row;
    row.id = from.becomes;
    row.name = from.row.name;
    row.visible_to = from.visible_to;
    row.detail = json::serialize(json::object{{"samples", samples}});
    keep_checkpoint(parts, owner, std::move(row), bytes, from.row.bytes);
  });
  return {{"checkpoint_id", from.becomes}};
}

/// All datasets or, when it throws, none.
HANAMI_SERVICE_INLINE json::object engine_core::derive(running_task& task,
                                                       const std::function<bool(double)>& tell) {
  identity owner;
  owner.user_id = task.row.owner_id;
  owner.project_id = task.plan.project_id;
  data::derivation what =
      derivation_of(task.plan, [this](const std::string& id) { return parts.data.open(id); });
  if (what.rows() != task.total) {
    throw conflict("the datasets are not those that the task was made for: " +
                   std::to_string(what.rows()) + " rows, expected " + std::to_string(task.total));
  }
  std::vector<std::unique_ptr<data::data_writer>> writers;
  std::vector<data::data_writer*> to;
  for (const data::data_layout& layout : what.layouts()) {
    const std::string& id = task.plan.parts[writers.size()].dataset_id;
    writers.push_back(
        std::make_unique<data::data_writer>(parts.data.path_of(id), layout, parts.data.key()));
    to.push_back(writers.back().get());
  }
  what.write(to, tell);
  json::array ids;
  try {
    for (std::size_t i = 0; i < writers.size(); ++i) {
      const derived_part& part = task.plan.parts[i];
      writers[i]->finish();
      parts.data.adopt(owner, part.dataset_id, part.name, visibility::owner_only);
      ids.emplace_back(part.dataset_id);
    }
  } catch (...) {
    for (const derived_part& part : task.plan.parts) {
      parts.resources.remove(part.dataset_id);
      ::unlink(parts.data.path_of(part.dataset_id).c_str());
    }
    throw;
  }
  return {{"dataset_ids", std::move(ids)}};
}

/// Takes an import that has not begun from its queue.
HANAMI_SERVICE_INLINE bool engine_core::drop_import(const task_ptr& task) {
  if (task->taken.exchange(true)) {
    return false;
  }
  task->claim.reset();
  task->trouble = std::make_exception_ptr(conflict("the task was aborted"));
  return true;
}

HANAMI_SERVICE_INLINE void engine_core::end_imports() {
  imports_end_ = true;
  import_threads_.reset();
  std::vector<task_ptr> waiting;
  {
    const std::lock_guard lock(table_);
    for (const auto& [id, task] : open_) {
      if (task->row.cluster_id.empty()) {
        waiting.push_back(task);
      }
    }
  }
  for (const task_ptr& task : waiting) {
    std::vector<std::function<void(const std::exception_ptr&)>> listeners;
    {
      const std::lock_guard lock(task->mutex);
      listeners.swap(task->listeners);
    }
    for (const auto& tell : listeners) {
      tell(std::make_exception_ptr(being_stopped()));
    }
  }
}

} // namespace hanami::service::engine::detail
