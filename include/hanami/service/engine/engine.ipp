// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "../../draw/draw.hpp"
#include "../../foundation/error.hpp"
#include "../../io/archive.hpp"
#include "../../io/checkpoint.hpp"
#include "../../template/parser.hpp"
#include "../../template/writer.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "../data/column_name.hpp"
#include "engine_core.hpp"
#include "given_clusters.hpp"
#include "task/checkpoint_work.hpp"
#include "task/derive_task.hpp"
#include "task/task_work.hpp"

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
  using detail::engine_core::engine_core;

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

HANAMI_SERVICE_INLINE engine::engine(const server_config& config, runtime& common,
                                     store::resources& resources, store::tasks& tasks,
                                     access::accounts& accounts, data::datasets& data)
    : state_(std::make_unique<state>(config, common, resources, tasks, accounts, data)) {}

HANAMI_SERVICE_INLINE engine::~engine() { state_->stop(); }

HANAMI_SERVICE_INLINE void engine::start() { state_->start(); }

// --- Clusters.

HANAMI_SERVICE_INLINE store::resource_row
engine::create(const identity& caller, std::string_view name, std::string_view template_text,
               visibility visible_to, learning_options options,
               std::optional<output_kind> kind_if_missing) {
  state& s = *state_;
  const server_config& config = s.parts.config;
  cluster_template wanted =
      detail::template_from(template_text, config.engine.cluster_memory, kind_if_missing);
  const std::lock_guard one_name_at_a_time(s.creating);
  s.refuse_taken_name(caller, name, {});
  store::resource_row row;
  row.kind = store::resource_kind::cluster;
  row.id = new_uuid();
  row.name = name;
  row.visible_to = visible_to;
  std::vector<std::byte> snapshot;
  std::size_t memory = 0;
  try {
    const cluster fresh(std::move(wanted), options);
    memory = fresh.bytes();
    row.detail = json::serialize(detail::to_json(detail::shape_of(fresh)));
    snapshot = to_checkpoint(fresh);
  } catch (const error& e) {
    const bool text = e.code() == errc::invalid_template;
    throw refusal(text ? refusal_code::invalid_template : refusal_code::invalid_value, e.what());
  }
  s.make_room(*s.users.of(caller.user_id), memory);
  const quota limits = s.parts.accounts.quota_of(caller.user_id);
  cluster_files files(s.parts.clusters_folder / row.id, s.parts.data.key(), false);
  files.create(snapshot);
  try {
    row.bytes = files.bytes();
    return s.parts.resources.add(caller, std::move(row), limits.clusters, limits.bytes);
  } catch (...) {
    files.remove();
    throw;
  }
}

HANAMI_SERVICE_INLINE store::resource_row
engine::change_cluster(const identity& caller, std::string_view cluster_id,
                       const store::resource_change& what, std::optional<std::uint64_t> version) {
  const std::lock_guard one_name_at_a_time(state_->creating);
  if (what.name) {
    state_->refuse_taken_name(caller, *what.name, cluster_id);
  }
  return state_->parts.resources.change(caller, store::resource_kind::cluster, cluster_id, what,
                                        version);
}

HANAMI_SERVICE_INLINE void engine::remove(const identity& caller, std::string_view id) {
  state_->remove(
      state_->parts.resources.get_to_change(caller, store::resource_kind::cluster, id).id);
}

HANAMI_SERVICE_INLINE cluster_handle::cluster_handle(std::shared_ptr<detail::live_cluster> of)
    : live_(std::move(of)) {
  renew();
}

HANAMI_SERVICE_INLINE void cluster_handle::renew() {
  shape_ = live_ == nullptr ? nullptr : live_->present_shape();
}

HANAMI_SERVICE_INLINE bool cluster_handle::is_in_memory() const noexcept {
  return live_ != nullptr && !live_->away && !live_->gone;
}

HANAMI_SERVICE_INLINE cluster_handle engine::open_cluster(std::string_view id) {
  return cluster_handle(state_->live_of(id));
}

HANAMI_SERVICE_INLINE cluster_handle engine::find_cluster(std::string_view id) {
  return cluster_handle(state_->live_in_memory(id));
}

HANAMI_SERVICE_INLINE cluster_statistics engine::statistics(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return net.statistics(); });
}

HANAMI_SERVICE_INLINE std::string engine::template_text(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return to_text(net.cluster_template()); });
}

HANAMI_SERVICE_INLINE std::string engine::picture(const cluster_handle& of,
                                                  std::string_view format) {
  if (format != "svg" && format != "dot") {
    throw invalid_value_at("query/format", "accepted are svg and dot");
  }
  return state_->in_turn(of.live_, [svg = format == "svg"](cluster& net) {
    return svg ? draw_svg(net.state()) : to_graphviz(net.state());
  });
}

// --- One sample at a time.

HANAMI_SERVICE_INLINE void engine::train(const cluster_handle& of, std::string_view user_id,
                                         std::span<const float> input,
                                         std::span<const float> target, trained_callback done) {
  detail::check_sample(input.size(), of.shape().input_size, "/inputs");
  detail::check_sample(target.size(), of.shape().output_size, "/targets");
  state_->train(of.live_, user_id, input, target, std::move(done));
}

HANAMI_SERVICE_INLINE void engine::infer(const cluster_handle& of, std::string_view user_id,
                                         std::span<const float> input, answered_callback done) {
  detail::check_sample(input.size(), of.shape().input_size, "/inputs");
  state_->infer(of.live_, user_id, input, of.shape().output_size, std::move(done));
}

// --- Tasks.

HANAMI_SERVICE_INLINE task_view engine::start_task(const identity& caller, task_plan plan) {
  state& s = *state_;
  const bool changes = plan.kind == task_kind::train || plan.kind == task_kind::restore;
  const auto kind = store::resource_kind::cluster;
  plan.cluster_id = (changes ? s.parts.resources.get_to_change(caller, kind, plan.cluster_id)
                             : s.parts.resources.get(caller, kind, plan.cluster_id))
                        .id;
  plan.project_id = caller.project_id;
  const detail::live_ptr live = s.live_of(plan.cluster_id);
  if (changes) {
    s.expect_disk_quota(*live->owner);
  }
  const std::uint64_t total = s.check_plan(caller, plan, *live->present_shape());
  return s.view_of(s.add_task(caller, live, plan, total));
}

HANAMI_SERVICE_INLINE task_view engine::task(const identity& caller, std::string_view id) {
  return state_->view_of(state_->visible_task(caller, id));
}

HANAMI_SERVICE_INLINE task_view engine::wait_for_end(const identity& caller, std::string_view id,
                                                     std::chrono::milliseconds most) {
  const store::task_row row = state_->visible_task(caller, id);
  if (const detail::task_ptr open = state_->open_task(row.id)) {
    state::wait_for_end(*open, most);
  }
  return task(caller, row.id);
}

HANAMI_SERVICE_INLINE store::page<task_view> engine::list_tasks(const identity& caller,
                                                                std::string_view cluster_id,
                                                                const store::page_request& wanted) {
  state& s = *state_;
  store::task_scope of{cluster_id, caller.user_id, {}};
  if (cluster_id.empty()) {
    of.project_id = caller.admin ? std::string_view() : caller.project_id;
  } else if (may_change(caller,
                        s.parts.resources.get(caller, store::resource_kind::cluster, cluster_id))) {
    of.owner_id = {};
  }
  store::page<store::task_row> found = s.parts.tasks.list(of, wanted);
  store::page<task_view> result;
  result.next = std::move(found.next);
  result.total = found.total;
  for (const store::task_row& row : found.rows) {
    if (s.sees_task(caller, row)) { // else it has become private, or is of another project
      result.rows.push_back(s.view_of(row));
    }
  }
  return result;
}

HANAMI_SERVICE_INLINE task_view engine::abort(const identity& caller, std::string_view id) {
  const store::task_row row = state_->visible_task(caller, id);
  state_->abort(row.id);
  return task(caller, row.id);
}

HANAMI_SERVICE_INLINE void engine::remove_task(const identity& caller, std::string_view id) {
  const store::task_row row = state_->visible_task(caller, id);
  state_->abort(row.id);
  if (state_->open_task(row.id)) {
    throw conflict("the task is still being ended; it can be removed in a moment");
  }
  state_->parts.tasks.remove(row.id);
}

// --- Imports.

HANAMI_SERVICE_INLINE task_view engine::import_upload(const identity& caller,
                                                      std::string_view upload_id,
                                                      import_callback done) {
  state& s = *state_;
  const data::upload from = s.parts.data.progress(caller, upload_id);
  const std::size_t most = s.parts.config.engine.cluster_memory;
  if (from.format == data::upload_format::checkpoint && from.parts.at(0).size > most) {
    throw refusal(refusal_code::too_large, "a checkpoint of " + std::to_string(from.parts[0].size) +
                                               " bytes; accepted are " + std::to_string(most));
  }
  task_plan plan;
  plan.kind = task_kind::import;
  plan.name = from.row.name;
  plan.upload_id = from.row.id;
  plan.becomes = from.becomes;
  plan.project_id = from.row.project_id;
  store::task_row row;
  row.kind = name_of(plan.kind);
  row.name = plan.name;
  row.owner_id = from.row.owner_id;
  row.plan = json::serialize(to_json(plan));
  row.total = from.row.bytes;
  auto claimed = s.parts.data.claim(caller, upload_id);
  row = s.parts.tasks.add(std::move(row), s.parts.accounts.quota_of(row.owner_id).open_tasks);
  auto task = std::make_shared<detail::running_task>(row, std::move(plan));
  task->claim = std::move(claimed);
  if (done) {
    task->listeners.push_back(std::move(done));
  }
  s.enqueue_import(task);
  return s.view_of(row);
}

HANAMI_SERVICE_INLINE task_view engine::derive_datasets(const identity& caller, task_plan plan) {
  state& s = *state_;
  const data::derivation what = detail::derivation_of(
      plan, [&](const std::string& id) { return s.parts.data.open(caller, id); });
  const quota limits = s.parts.accounts.quota_of(caller.user_id);
  const store::usage used = s.parts.resources.used_by(caller.user_id);
  if (used.datasets + plan.parts.size() > limits.datasets) {
    throw quota_exceeded("no more than " + std::to_string(limits.datasets) +
                         " datasets may be owned");
  }
  detail::expect_room_for(what.bytes(), used, limits);
  plan.kind = task_kind::derive;
  plan.project_id = caller.project_id;
  for (derived_part& part : plan.parts) {
    part.dataset_id = new_uuid();
  }
  store::task_row row;
  row.kind = name_of(plan.kind);
  row.name = plan.name;
  row.owner_id = caller.user_id;
  row.plan = json::serialize(to_json(plan));
  row.total = what.rows();
  row = s.parts.tasks.add(std::move(row), limits.open_tasks);
  s.enqueue_import(std::make_shared<detail::running_task>(row, std::move(plan)));
  return s.view_of(row);
}

HANAMI_SERVICE_INLINE void engine::end_imports() { state_->end_imports(); }

// --- Checkpoints.

HANAMI_SERVICE_INLINE std::shared_ptr<const data::block_reader>
engine::open_checkpoint(const identity& caller, std::string_view id) {
  const detail::engine_parts& parts = state_->parts;
  const auto row = parts.resources.get(caller, store::resource_kind::checkpoint, id);
  return std::make_shared<const data::block_reader>(parts.checkpoints_folder / row.id,
                                                    parts.data.key());
}

HANAMI_SERVICE_INLINE void engine::remove_checkpoint(const identity& caller, std::string_view id) {
  const detail::engine_parts& parts = state_->parts;
  const auto row = parts.resources.get_to_change(caller, store::resource_kind::checkpoint, id);
  if (parts.tasks.mentions(row.id)) {
    throw conflict("an open task uses the checkpoint '" + row.id + "'");
  }
  parts.resources.remove(row.id);
  ::unlink((parts.checkpoints_folder / row.id).c_str());
}

HANAMI_SERVICE_INLINE store::resource_row engine::add_checkpoint(const identity& owner,
                                                                 store::resource_row row,
                                                                 std::span<const std::byte> bytes) {
  return detail::keep_checkpoint(state_->parts, owner, std::move(row), bytes);
}

// --- All of it.

HANAMI_SERVICE_INLINE engine_statistics engine::statistics() { return state_->statistics(); }

HANAMI_SERVICE_INLINE std::vector<cluster_use> engine::last_used(std::size_t most) {
  return state_->last_used(most);
}

HANAMI_SERVICE_INLINE bool engine::is_short_of_memory() { return state_->is_short_of_memory(); }

HANAMI_SERVICE_INLINE std::uint64_t engine::memory_of(std::string_view user_id) {
  return state_->memory_of(*state_->users.of(user_id));
}

HANAMI_SERVICE_INLINE std::vector<user_work> engine::work_by_user() {
  std::vector<user_work> all;
  state_->users.each([&all](const std::string& id, const detail::user_counts& counts) {
    all.push_back({id, counts.trained, counts.answered, static_cast<double>(counts.cpu_ns) * 1e-9});
  });
  return all;
}

HANAMI_SERVICE_INLINE fleet& engine::turns() { return state_->common_fleet(); }

HANAMI_SERVICE_INLINE detail::user_ptr engine::meter_of(std::string_view user_id) {
  return state_->users.of(user_id);
}

HANAMI_SERVICE_INLINE journal_places& engine::journals() { return state_->journals(); }

HANAMI_SERVICE_INLINE bool engine::make_room(detail::user_counts& owner, std::size_t bytes) {
  return state_->make_room_in_quota(owner, bytes);
}

HANAMI_SERVICE_INLINE bool engine::has_room(const detail::user_counts& owner, std::size_t bytes) {
  return state_->fits_quota(owner, bytes);
}

HANAMI_SERVICE_INLINE refusal engine::memory_refusal(const detail::user_counts& owner) {
  return state_->memory_quota_refusal(owner);
}

HANAMI_SERVICE_INLINE void engine::expect_disk_quota(detail::user_counts& owner) {
  state_->expect_disk_quota(owner);
}

HANAMI_SERVICE_INLINE void engine::note_files(detail::user_counts& owner) {
  state_->check_disk(owner);
}

HANAMI_SERVICE_INLINE void engine::snapshot_all() { state_->snapshot_all(); }

} // namespace hanami::service::engine
