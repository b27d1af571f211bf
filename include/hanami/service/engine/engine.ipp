// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
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
#include "delayed_labels.hpp"
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
  const cluster fresh = detail::fresh_cluster(
      detail::template_from(template_text, s.parts.config.engine.cluster_memory, kind_if_missing),
      options);
  return s.add_cluster(caller, name, visible_to, detail::shape_of(fresh), fresh.statistics(),
                       to_checkpoint(fresh));
}

HANAMI_SERVICE_INLINE store::resource_row
engine::create_from_checkpoint(const identity& caller, std::string_view name,
                               std::string_view checkpoint_id, visibility visible_to) {
  state& s = *state_;
  const auto from = s.parts.resources.get(caller, store::resource_kind::checkpoint, checkpoint_id);
  const cluster restored = detail::load_checkpoint(s.parts, from.id);
  return s.add_cluster(caller, name, visible_to, detail::shape_of(restored), restored.statistics(),
                       to_checkpoint(restored));
}

HANAMI_SERVICE_INLINE store::resource_row engine::clone(const identity& caller,
                                                        std::string_view cluster_id,
                                                        std::string_view name,
                                                        visibility visible_to) {
  state& s = *state_;
  const auto from = s.parts.resources.get(caller, store::resource_kind::cluster, cluster_id);
  s.refuse_taken_name(caller, name, {}); // before the work
  const detail::live_ptr live = s.live_of(from.id);
  auto copied =
      s.in_turn(live, [](cluster& net) { return std::pair(to_checkpoint(net), net.statistics()); });
  return s.add_cluster(caller, name, visible_to, *live->present_shape(), copied.second,
                       std::move(copied.first));
}

HANAMI_SERVICE_INLINE void engine::reset(const identity& caller, std::string_view cluster_id) {
  state& s = *state_;
  const auto of =
      s.parts.resources.get_to_change(caller, store::resource_kind::cluster, cluster_id);
  const detail::live_ptr live = s.live_of(of.id);
  s.replace(live, [](cluster& net) { net = cluster(net.cluster_template(), net.options()); });
  s.labels.forget(of.id);
  detail::keep_shape(s.parts, *live,
                     s.in_turn(live, [](cluster& net) { return detail::shape_of(net); }));
}

HANAMI_SERVICE_INLINE learning_options engine::learning(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return net.options(); });
}

HANAMI_SERVICE_INLINE learning_options
engine::change_learning(const identity& caller, std::string_view cluster_id,
                        const std::function<void(learning_options&)>& change) {
  state& s = *state_;
  const auto of =
      s.parts.resources.get_to_change(caller, store::resource_kind::cluster, cluster_id);
  const detail::live_ptr live = s.live_of(of.id);
  learning_options options = s.in_turn(live, [](cluster& net) { return net.options(); });
  change(options);
  const cluster_shape& shape = *live->present_shape();
  if (options.rehearsal > 0) {
    s.make_room(*live->owner,
                options.replay_capacity * sizeof(float) * (shape.input_size + shape.output_size));
  }
  s.replace(live, [options](cluster& net) { net.change_options(options); });
  return options;
}

HANAMI_SERVICE_INLINE template_estimate engine::check_template(std::string_view text,
                                                               learning_options options) {
  cluster_template wanted = detail::template_from(text, state_->parts.config.engine.cluster_memory);
  constexpr std::uint64_t large = std::uint64_t{32} << 20; // of which one at a time is made
  std::unique_lock alone(state_->checking, std::defer_lock);
  if (detail::first_bytes(wanted) > large && !alone.try_lock()) {
    refusal busy(refusal_code::busy, "another large template is being checked; try again");
    busy.retry_after_s = 1;
    throw busy;
  }
  const cluster fresh = detail::fresh_cluster(std::move(wanted), options);
  template_estimate found;
  found.shape = detail::shape_of(fresh);
  found.statistics = fresh.statistics();
  found.most_bytes = fresh.cluster_template().settings.memory_limit;
  found.disk_bytes = to_checkpoint(fresh).size();
  return found;
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
  const std::string found =
      state_->parts.resources.get_to_change(caller, store::resource_kind::cluster, id).id;
  state_->remove(found);
  state_->labels.forget(found);
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

HANAMI_SERVICE_INLINE std::vector<json::value>
engine::summaries(const std::vector<std::string>& ids) {
  return state_->summaries(ids);
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

HANAMI_SERVICE_INLINE void engine::infer_for_label(const cluster_handle& of,
                                                   std::string_view user_id,
                                                   const std::string& label_id,
                                                   std::span<const float> input,
                                                   answered_callback done) {
  const auto keep =
      [this, cluster_id = of.live_->id, label_id,
       asked = detail::open_question{std::string(user_id), {input.begin(), input.end()}, {}},
       done = std::move(done)](std::span<const float> found, std::exception_ptr why) mutable {
        if (!why) {
          asked.prediction.assign(found.begin(), found.end());
          try {
            state_->labels.put(cluster_id, label_id, std::move(asked));
          } catch (...) {
            why = std::current_exception();
          }
        }
        done(found, why);
      };
  infer(of, user_id, input, keep);
}

HANAMI_SERVICE_INLINE void engine::train_label(const cluster_handle& of, std::string_view user_id,
                                               const std::string& label_id,
                                               std::span<const float> target,
                                               trained_callback done) {
  const cluster_shape& shape = of.shape();
  detail::check_sample(target.size(), shape.output_size, "/targets");
  state& s = *state_;
  const std::string cluster_id = of.live_->id;
  const auto asked = std::make_shared<detail::open_question>(s.labels.take(cluster_id, label_id));
  if (asked->input.size() != shape.input_size || asked->prediction.size() != shape.output_size) {
    throw conflict("the cluster was replaced by a checkpoint of another shape meanwhile");
  }
  const auto put_back = [&s, cluster_id, label_id, asked]() noexcept {
    try {
      s.labels.put(cluster_id, label_id, std::move(*asked));
    } catch (...) { // somebody has asked so meanwhile
    }
  };
  try {
    s.train(of.live_, user_id, asked->input, target,
            [&s, cluster_id, asked, put_back, handle = of,
             truth = std::vector<float>(target.begin(), target.end()),
             done = std::move(done)](const train_result& result, const std::exception_ptr& why) {
              if (why) {
                put_back();
              } else if (const auto error =
                             s.labels.score(cluster_id, handle.shape(), asked->prediction, truth)) {
                s.note_error(cluster_id, *error);
              }
              done(result, why);
            });
  } catch (...) {
    put_back();
    throw;
  }
}

HANAMI_SERVICE_INLINE std::vector<output_error> engine::label_errors(std::string_view cluster_id) {
  return state_->labels.errors_of(cluster_id);
}

HANAMI_SERVICE_INLINE std::uint64_t engine::labels_waiting(std::string_view cluster_id) {
  return state_->labels.waiting(cluster_id);
}

// --- What goes on.

HANAMI_SERVICE_INLINE std::vector<pulse_point> engine::history(std::string_view cluster_id,
                                                               pulse_span span, std::size_t most) {
  return state_->board.read(cluster_id, span, now_ms() / 1000, most);
}

HANAMI_SERVICE_INLINE void engine::watch(std::string_view cluster_id) { state_->watch(cluster_id); }

HANAMI_SERVICE_INLINE std::vector<std::pair<std::string, pulse_point>>
engine::busy_clusters(std::string_view user_id, std::int64_t since) {
  constexpr std::size_t most = 100;
  return state_->board.busy_of(user_id, since, most);
}

HANAMI_SERVICE_INLINE std::uint64_t engine::tasks_ended() const noexcept {
  return state_->tasks_ended;
}

HANAMI_SERVICE_INLINE std::vector<task_view> engine::open_tasks(std::string_view user_id) {
  constexpr std::size_t most = 100;
  std::vector<task_view> all;
  for (const detail::task_ptr& task : state_->open_tasks_of(user_id, most)) {
    all.push_back(state::view_of_open(*task));
  }
  return all;
}

// --- Many samples.

namespace detail {

inline constexpr std::size_t most_batch_samples = 10'000;
inline constexpr std::size_t most_batch_values = 1'000'000;

/// The samples of a batch.
inline std::size_t check_batch(std::size_t inputs, const cluster_shape& shape) {
  if (inputs == 0 || inputs % shape.input_size != 0) {
    throw invalid_value_at("/inputs", std::to_string(inputs) +
                                          " values; accepted are whole rows of " +
                                          std::to_string(shape.input_size));
  }
  const std::size_t samples = inputs / shape.input_size;
  if (samples > most_batch_samples) {
    throw invalid_value_at("/inputs",
                           std::to_string(samples) + " samples; at most 10000 are taken at once");
  }
  return samples;
}

inline void check_answers(std::size_t samples, const cluster_shape& shape) {
  if (samples * shape.output_size > most_batch_values) {
    throw invalid_value_at(
        "/inputs", std::to_string(samples) + " answers of " + std::to_string(shape.output_size) +
                       " values; a million values are given at once, so ask for " +
                       std::to_string(most_batch_values / shape.output_size) + " at most");
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void engine::train_batch(const cluster_handle& of, std::string_view user_id,
                                               std::vector<float> inputs,
                                               std::vector<float> targets,
                                               batch_trained_callback done) {
  const cluster_shape& shape = of.shape();
  const std::size_t samples = detail::check_batch(inputs.size(), shape);
  detail::check_sample(targets.size(), samples * shape.output_size, "/targets");
  state_->train_batch(of.live_, user_id, std::move(inputs), std::move(targets), shape,
                      std::move(done));
}

HANAMI_SERVICE_INLINE void engine::infer_batch(const cluster_handle& of, std::string_view user_id,
                                               std::vector<float> inputs,
                                               batch_answered_callback done) {
  const cluster_shape& shape = of.shape();
  detail::check_answers(detail::check_batch(inputs.size(), shape), shape);
  state_->infer_batch(of.live_, user_id, std::move(inputs), shape, std::move(done));
}

HANAMI_SERVICE_INLINE engine::dataset_rows engine::read_rows(const identity& caller,
                                                             const cluster_handle& of,
                                                             task_plan plan, std::uint64_t first,
                                                             std::uint64_t count) {
  plan.kind = task_kind::request;
  detail::check_between(plan.window, 1, 1'000'000, "/window");
  cluster_shape shape = of.shape();
  const auto samples = detail::open_samples(
      plan, shape, [&](const std::string& id) { return state_->parts.data.open(caller, id); });
  dataset_rows rows;
  rows.total = samples->size();
  first = std::min(first, rows.total);
  count = std::min(count, rows.total - first);
  detail::check_between(count * shape.input_size, 0, detail::most_batch_values, "/count");
  rows.inputs.resize(static_cast<std::size_t>(count) * shape.input_size);
  for (std::uint64_t i = 0; i < count; ++i) {
    samples->read(first + i,
                  std::span(rows.inputs)
                      .subspan(static_cast<std::size_t>(i) * shape.input_size, shape.input_size),
                  {});
  }
  return rows;
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
                                                                const store::page_request& wanted,
                                                                const task_filter& only) {
  state& s = *state_;
  const bool others = only.everybody || (!only.owner_id.empty() && only.owner_id != caller.user_id);
  if (others && !caller.admin && !caller.project_admin) {
    throw forbidden("others' tasks are for administrators, of the server or of the project");
  }
  store::task_scope of{cluster_id, others ? std::string_view(only.owner_id) : caller.user_id, {}};
  of.kind = only.kind;
  of.state = only.state;
  if (cluster_id.empty()) {
    of.project_id = caller.admin ? std::string_view() : caller.project_id;
    of.of_public_clusters = !others;
  } else if (may_change(caller,
                        s.parts.resources.get(caller, store::resource_kind::cluster, cluster_id))) {
    of.owner_id = only.owner_id;
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
