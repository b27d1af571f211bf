// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "task_work.hpp"

#include <utility>

#include "../../../foundation/error.hpp"
#include "../../../io/checkpoint.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "answer_work.hpp"
#include "checkpoint_work.hpp"
#include "evaluate_work.hpp"
#include "training_work.hpp"

namespace hanami::service::engine::detail {

inline std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

HANAMI_SERVICE_INLINE std::string reason_of(const engine_parts& parts,
                                            const std::exception_ptr& thrown) {
  std::string reason = text_of(thrown);
  const std::string folder = parts.config.data.string() + "/";
  for (auto at = reason.find(folder); at != std::string::npos; at = reason.find(folder, at)) {
    reason.erase(at, folder.size());
  }
  return reason;
}

HANAMI_SERVICE_INLINE cluster_shape shape_of(const cluster& net) {
  cluster_shape shape;
  for (const auto& in : net.state().topology.inputs) {
    shape.inputs.push_back({in.name, in.first, in.size});
  }
  for (const auto& out : net.state().topology.outputs) {
    shape.outputs.push_back({out.name, out.first, out.size, out.kind});
  }
  shape.input_size = net.input_size();
  shape.output_size = net.output_size();
  return shape;
}

HANAMI_SERVICE_INLINE json::object to_json(const cluster_shape& shape) {
  const auto list = [](const std::vector<buffer_shape>& buffers) {
    json::array shown;
    for (const buffer_shape& b : buffers) {
      json::array classes;
      for (const auto& [place, names] : b.classes) {
        classes.push_back(
            json::object{{"value", place}, {"names", json::array(names.begin(), names.end())}});
      }
      json::object buffer{{"name", b.name}, {"size", b.size}};
      if (!classes.empty()) {
        buffer["classes"] = std::move(classes);
      }
      shown.push_back(std::move(buffer));
    }
    return shown;
  };
  return {{"inputs", list(shape.inputs)}, {"outputs", list(shape.outputs)}};
}

inline void read_classes_of(const json::value& stored, std::vector<buffer_shape>& into) {
  for (const json::value& each : stored.as_array()) {
    const json::value* classes = each.as_object().if_contains("classes");
    for (buffer_shape& buffer : into) {
      if (classes == nullptr || each.at("name").as_string() != buffer.name) {
        continue;
      }
      for (const json::value& one : classes->as_array()) {
        const auto place = one.at("value").to_number<std::size_t>();
        for (const json::value& name : one.at("names").as_array()) {
          buffer.classes[place].emplace_back(name.as_string());
        }
      }
    }
  }
}

HANAMI_SERVICE_INLINE void read_classes(std::string_view stored, cluster_shape& into) {
  const json::value parsed = json::parse(stored);
  if (const json::value* inputs = parsed.as_object().if_contains("inputs")) {
    read_classes_of(*inputs, into.inputs);
    read_classes_of(parsed.at("outputs"), into.outputs);
  }
}

HANAMI_SERVICE_INLINE void keep_shape(const engine_parts& parts, live_cluster& of,
                                      cluster_shape shape) {
  parts.resources.set_detail(of.id, json::serialize(to_json(shape)));
  const std::lock_guard lock(of.mutex);
  of.shape = std::make_shared<const cluster_shape>(std::move(shape));
}

HANAMI_SERVICE_INLINE cluster load_checkpoint(const engine_parts& parts,
                                              const std::string& checkpoint_id) {
  const auto row = parts.resources.find(store::resource_kind::checkpoint, checkpoint_id);
  if (!row) {
    throw not_found("checkpoint", checkpoint_id);
  }
  const data::block_reader file(parts.checkpoints_folder / row->id, parts.data.key());
  const std::size_t most = parts.config.engine.cluster_memory;
  cluster restored = from_checkpoint(read_all(file));
  if (restored.bytes() > most) {
    throw refusal(refusal_code::too_large,
                  "the cluster of the checkpoint takes " + std::to_string(restored.bytes()) +
                      " bytes; a cluster may take " + std::to_string(most));
  }
  return restored;
}

// --- Samples.

HANAMI_SERVICE_INLINE std::unique_ptr<data::sample_reader>
open_samples(task_plan& plan, cluster_shape& shape, const data_opener& open) {
  column_linker links(plan.kind, plan.window, open);
  links.resolve(plan.inputs, shape.inputs, "input");
  std::vector<data::sample_link> targets;
  if (plan.kind != task_kind::request) {
    links.resolve(plan.outputs, shape.outputs, "output");
    targets = links.values_of(plan.outputs, shape.outputs, true);
  }
  auto samples =
      std::make_unique<data::sample_reader>(links.values_of(plan.inputs, shape.inputs, false),
                                            std::move(targets), plan.window, plan.horizon);
  if (samples->size() == 0) {
    throw invalid_value_at("/inputs",
                           "a dataset has too few rows for one sample with this window and "
                           "horizon");
  }
  if (plan.kind == task_kind::train) {
    links.note_classes(plan.inputs, shape.inputs);
    links.note_classes(plan.outputs, shape.outputs);
  }
  return samples;
}

// --- Learning and replaying.

HANAMI_SERVICE_INLINE void begin_training(cluster& net, std::uint64_t anneal_over) {
  if (anneal_over > 0 || !net.endless()) {
    net.start_task(anneal_over);
  }
}

HANAMI_SERVICE_INLINE void learn_sample(cluster& net, std::span<const float> input,
                                        std::span<const float> target, task_position& where,
                                        train_result& found) {
  try {
    found = net.train(input, target);
    where.losses.add(found.loss);
  } catch (const error& e) {
    if (e.code() != errc::invalid_argument) {
      throw;
    }
    if (where.refused++ == 0) {
      where.refusal = e.what();
    }
  }
  ++where.done;
}

HANAMI_SERVICE_INLINE bool journal_player::operator()(cluster& net, const journal_record& record,
                                                      task_position& where) {
  return std::visit([&](const auto& r) { return again(net, r, where); }, record);
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster& net, const journal_sample& record,
                                                 task_position&) {
  try {
    net.train(std::span<const float>(record.input), record.target);
    return true;
  } catch (const error& e) {
    if (e.code() == errc::invalid_argument) { // of another cluster's shape
      return false;
    }
    throw;
  }
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster& net, const journal_begin& record,
                                                 task_position& where) {
  begin_training(net, record.anneal_over);
  where = {};
  where.task_id = record.task_id;
  return true;
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster& net, const journal_rows& record,
                                                 task_position& where) {
  try {
    if (task_id_ != record.task_id) {
      const auto task = parts_.tasks.find(record.task_id);
      if (!task) {
        return false;
      }
      task_plan plan = task_plan_from(json::parse(task->plan).as_object());
      cluster_shape shape = shape_of(net);
      samples_ =
          open_samples(plan, shape, [this](const std::string& id) { return parts_.data.open(id); });
      task_id_ = record.task_id;
    }
    std::vector<float> input(net.input_size());
    std::vector<float> target(net.output_size());
    train_result found;
    for (std::uint64_t i = record.first; i < record.first + record.count; ++i) {
      samples_->read(i % samples_->size(), input, target);
      learn_sample(net, input, target, where, found);
    }
    return true;
  } catch (const refusal&) { // the dataset is gone, or another one
    return false;
  } catch (const error& e) {
    if (e.code() == errc::invalid_data) { // damaged meanwhile
      return false;
    }
    throw;
  }
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster& net, const journal_end& record,
                                                 task_position& where) {
  if (record.annealed) {
    net.start_task(0);
  }
  where.state = record.state;
  where.error = record.error;
  return true;
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster& net, const journal_restore& record,
                                                 task_position& where) {
  try {
    net = load_checkpoint(parts_, record.checkpoint_id);
  } catch (const refusal&) {
    return false;
  }
  where = {};
  where.task_id = record.task_id;
  where.state = store::task_state::finished;
  return true;
}

HANAMI_SERVICE_INLINE bool journal_player::again(cluster&, const journal_batch&, task_position&) {
  return false; // no cluster takes rows
}

// --- The kinds.

/// A task that cannot start.
class failed_work final : public task_work {
 public:
  explicit failed_work(std::exception_ptr why) : why_(std::move(why)) {}
  bool run(cluster&, work_clock::time_point) override { std::rethrow_exception(why_); }
  json::object finish(const task_end&) override { return {}; }

 private:
  std::exception_ptr why_;
};

/// The samples of a task that begins. What is decided then stays, also after a restart.
inline std::unique_ptr<data::sample_reader> open_samples_of(const engine_parts& parts,
                                                            live_cluster& of, running_task& task) {
  cluster_shape shape = *of.present_shape();
  task_plan plan = task.plan;
  auto samples =
      open_samples(plan, shape, [&](const std::string& id) { return parts.data.open(id); });
  const std::uint64_t epochs = plan.kind == task_kind::train ? plan.epochs : 1;
  if (samples->size() * epochs != task.total) {
    throw conflict("the datasets are not those that the task was made for: " +
                   std::to_string(samples->size()) + " samples, expected " +
                   std::to_string(task.total / epochs));
  }
  if (json::object now = to_json(shape); now != to_json(*of.present_shape())) {
    keep_shape(parts, of, std::move(shape));
  }
  task.plan = std::move(plan);
  const std::lock_guard lock(task.mutex);
  if (std::string now = json::serialize(to_json(task.plan)); now != task.row.plan) {
    parts.tasks.set_plan(task.id, now);
    task.row.plan = std::move(now);
  }
  return samples;
}

inline std::unique_ptr<task_work> make_training(const engine_parts& parts, live_cluster& of,
                                                running_task& task) {
  std::unique_ptr<data::sample_reader> samples;
  std::exception_ptr trouble;
  try {
    samples = open_samples_of(parts, of, task);
  } catch (...) { // it may have begun before a restart, and has to be ended then
    trouble = std::current_exception();
  }
  return std::make_unique<training_work>(of, task, std::move(samples), std::move(trouble));
}

HANAMI_SERVICE_INLINE std::unique_ptr<task_work> make_work(const engine_parts& parts,
                                                           live_cluster& of, running_task& task) {
  try {
    switch (task.plan.kind) {
    case task_kind::train:
      return make_training(parts, of, task);
    case task_kind::request:
      return std::make_unique<request_work>(parts, of, task, *of.present_shape(),
                                            open_samples_of(parts, of, task));
    case task_kind::evaluate:
      return std::make_unique<evaluate_work>(of, task, *of.present_shape(),
                                             open_samples_of(parts, of, task));
    case task_kind::save:
      return std::make_unique<save_work>(parts, of, task);
    case task_kind::restore:
      return std::make_unique<restore_work>(parts, of, task);
    case task_kind::import: // of no cluster
    case task_kind::derive:
      break;
    }
    throw error(errc::invalid_argument, "a task of no known kind");
  } catch (...) {
    return std::make_unique<failed_work>(std::current_exception());
  }
}

} // namespace hanami::service::engine::detail
