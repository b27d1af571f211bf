// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "../data/column_name.hpp"
#include "cluster_summary.hpp"
#include "core/engine_core.hpp"
#include "delayed_labels.hpp"
#include "engine.hpp"
#include "task/task_work.hpp"

/// What an engine is inside, and what several of its functions do.

namespace hanami::service::engine {

namespace detail {

inline void check_sample(std::size_t found, std::size_t expected, const char* pointer) {
  if (found != expected) {
    throw invalid_value_at(pointer, "has " + std::to_string(found) + " values, expected " +
                                        std::to_string(expected));
  }
}

inline void check_between(std::uint64_t value, std::uint64_t least, std::uint64_t most,
                          const char* pointer) {
  if (value < least || value > most) {
    throw invalid_value_at(pointer, std::to_string(value) + " is not in " + std::to_string(least) +
                                        ".." + std::to_string(most));
  }
}

/// Gives each result an id; the first has the task's.
inline void prepare_results(task_plan& plan, const cluster_shape& shape) {
  std::vector<result_link>& results = plan.results;
  if (results.empty()) {
    throw invalid_value_at("/results", "a request needs at least one output to keep");
  }
  std::set<std::string> taken;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string pointer = "/results/" + std::to_string(i);
    const buffer_shape* const output = shape.output(results[i].buffer);
    if (output == nullptr) {
      throw invalid_value_at(pointer + "/output", "the cluster has no such output");
    }
    if (plan.answers == answer_form::classes &&
        (output->kind == output_kind::linear || output->size < 2)) {
      throw invalid_value_at(pointer + "/output",
                             "has no classes: it is " +
                                 std::string(output->size < 2 ? "a single value" : "linear") +
                                 "; `answers` may be values");
    }
    if (!taken.insert(results[i].buffer).second) {
      throw invalid_value_at(pointer + "/output", "is there twice");
    }
    if (const char* fault = data::detail::fault_of_column_name(results[i].name)) {
      throw invalid_value_at(pointer + "/name", fault);
    }
    results[i].dataset_id = i == 0 ? std::string() : new_uuid();
  }
}

} // namespace detail

struct engine::state : detail::engine_core {
  state(const server_config& config, runtime& common, store::resources& resources,
        store::tasks& tasks, access::accounts& accounts, data::datasets& data)
      : engine_core(config, common, resources, tasks, accounts, data),
        labels(config.engine.label_time) {}

  detail::delayed_labels labels;
  std::mutex checking; ///< a large template

  /// The task, if `caller` may see it: its owner, and whoever may change the cluster.
  store::task_row visible_task(const identity& caller, std::string_view id) {
    if (const auto row = parts.tasks.find(id); row && sees_task(caller, *row)) {
      return *row;
    }
    throw not_found("task", std::string(id.substr(0, 254)));
  }

  bool sees_task(const identity& caller, const store::task_row& task) {
    if (task.cluster_id.empty()) {
      const task_plan plan = task_plan_from(json::parse(task.plan).as_object());
      return may_change(caller, ownership{task.owner_id, plan.project_id});
    }
    const auto of = parts.resources.find(store::resource_kind::cluster, task.cluster_id);
    return of &&
           (may_change(caller, *of) || (task.owner_id == caller.user_id && may_use(caller, *of)));
  }

  /// `own`: the cluster that may have it.
  void refuse_taken_name(const identity& caller, std::string_view name, std::string_view own) {
    if (parts.resources.has_name(caller, store::resource_kind::cluster, name, own)) {
      throw conflict("there is a cluster '" + std::string(name) + "' already");
    }
  }

  /// Adds a cluster whose snapshot this is.
  store::resource_row add_cluster(const identity& caller, std::string_view name,
                                  visibility visible_to, const cluster_shape& shape,
                                  const cluster_statistics& size,
                                  const std::vector<std::byte>& snapshot) {
    const std::lock_guard one_name_at_a_time(creating);
    refuse_taken_name(caller, name, {});
    make_room(*users.of(caller.user_id), size.bytes);
    store::resource_row row;
    row.kind = store::resource_kind::cluster;
    row.id = new_uuid();
    row.name = name;
    row.visible_to = visible_to;
    row.detail = json::serialize(detail::to_json(shape));
    const quota limits = parts.accounts.quota_of(caller.user_id);
    cluster_files files(parts.clusters_folder / row.id, parts.data.key(), false);
    files.create(snapshot);
    try {
      row.bytes = files.bytes();
      row = parts.resources.add(caller, std::move(row), limits.clusters, limits.bytes);
    } catch (...) {
      files.remove();
      throw;
    }
    parts.resources.set_summary(
        row.id, json::serialize(detail::summary_of(shape, {size.samples, size.neurons, 0})));
    return row;
  }

  /// Changes a cluster in a way that no journal tells: a snapshot is on disk when it returns.
  /// `conflict` while it has tasks.
  void replace(const detail::live_ptr& live, const std::function<void(cluster&)>& change) {
    in_turn(live, [live, change](cluster& net) {
      std::deque<detail::task_ptr> tasks;
      {
        const std::lock_guard lock(live->mutex);
        tasks = live->queue;
      }
      for (const detail::task_ptr& task : tasks) {
        const std::lock_guard lock(task->mutex);
        if (!store::is_over(task->row.state)) {
          throw conflict("the cluster has tasks; they have to end, or be aborted, before");
        }
      }
      change(net);
      live->where = {};
      const detail::pending_snapshot made = live->begin_generation(net);
      live->files.write_snapshot(made.generation, made.bytes);
    });
    note_disk(live);
  }

  /// The number of samples of a task; checks everything else on the way.
  std::uint64_t check_plan(const identity& caller, task_plan& plan, const cluster_shape& shape) {
    using detail::check_between;
    const quota limits = parts.accounts.quota_of(caller.user_id);
    const store::usage used = parts.resources.used_by(caller.user_id);
    if (plan.kind == task_kind::save) {
      if (used.checkpoints >= limits.checkpoints) {
        throw quota_exceeded("no more than " + std::to_string(limits.checkpoints) +
                             " checkpoints may be owned");
      }
      return 1;
    }
    if (plan.kind == task_kind::restore) {
      plan.checkpoint_id =
          parts.resources.get(caller, store::resource_kind::checkpoint, plan.checkpoint_id).id;
      return 1;
    }
    check_between(plan.epochs, 1, 1'000'000, "/epochs");
    check_between(plan.window, 1, 1'000'000, "/window");
    check_between(plan.horizon, 0, 1'000'000, "/horizon");
    if (plan.kind == task_kind::request) {
      detail::prepare_results(plan, shape);
      if (used.datasets + plan.results.size() > limits.datasets) {
        throw quota_exceeded("no more than " + std::to_string(limits.datasets) +
                             " datasets may be owned");
      }
    }
    task_plan decided = plan; // it is decided when it begins: tasks before it may tell of classes
    cluster_shape told = shape;
    const std::uint64_t samples = detail::open_samples(decided, told, [&](const std::string& id) {
                                    return parts.data.open(caller, id);
                                  })->size();
    const std::uint64_t epochs = plan.kind == task_kind::train ? plan.epochs : 1;
    check_between(samples, 1, (std::uint64_t{1} << 62) / epochs, "/epochs");
    return samples * epochs;
  }

  /// Adds a task to the database and to the queue of its cluster.
  store::task_row add_task(const identity& caller, const detail::live_ptr& live,
                           const task_plan& plan, std::uint64_t total) {
    store::task_row row;
    row.cluster_id = live->id;
    row.kind = name_of(plan.kind);
    row.name = plan.name;
    row.owner_id = caller.user_id;
    row.plan = json::serialize(to_json(plan));
    row.total = total;
    row.queued_at = now_ms();
    const std::lock_guard order(live->adding);
    row = parts.tasks.add(std::move(row), parts.accounts.quota_of(caller.user_id).open_tasks);
    try {
      enqueue(live, std::make_shared<detail::running_task>(row, plan));
    } catch (...) {
      parts.tasks.remove(row.id);
      throw;
    }
    return row;
  }

  task_view view_of(const store::task_row& row) {
    const detail::task_ptr task = open_task(row.id);
    return task ? view_of_open(*task) : task_view{row};
  }

  static task_view view_of_open(detail::running_task& task) {
    const std::lock_guard lock(task.mutex);
    task_view view{task.row};
    if (store::is_over(view.row.state)) {
      return view;
    }
    view.row.done = task.done;
    if (task.begun != std::chrono::steady_clock::time_point{}) {
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - task.begun;
      const auto here =
          static_cast<double>(view.row.done - std::min(view.row.done, task.done_before));
      view.recent_loss = task.recent_loss;
      view.loss_curve = task.loss_curve;
      view.samples_per_second = passed.count() > 0 ? here / passed.count() : 0;
      if (view.samples_per_second > 0) {
        view.seconds_left =
            static_cast<double>(task.total - view.row.done) / view.samples_per_second;
      }
    }
    return view;
  }
};

} // namespace hanami::service::engine
