// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "task_work.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "../../foundation/error.hpp"
#include "../../io/checkpoint.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "answer_work.hpp"
#include "checkpoint_work.hpp"
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

HANAMI_SERVICE_INLINE std::shared_ptr<const cluster_shape> shape_of(const cluster& net) {
  auto shape = std::make_shared<cluster_shape>();
  for (const auto& in : net.state().topology.inputs) {
    shape->inputs.push_back({in.name, in.first, in.size});
  }
  for (const auto& out : net.state().topology.outputs) {
    shape->outputs.push_back({out.name, out.first, out.size});
  }
  shape->input_size = net.input_size();
  shape->output_size = net.output_size();
  return shape;
}

HANAMI_SERVICE_INLINE json::object to_json(const cluster_shape& shape) {
  const auto list = [](const std::vector<buffer_shape>& buffers) {
    json::array shown;
    for (const buffer_shape& b : buffers) {
      shown.push_back(json::object{{"name", b.name}, {"size", b.size}});
    }
    return shown;
  };
  return {{"inputs", list(shape.inputs)}, {"outputs", list(shape.outputs)}};
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

/// Finds the column of a link and checks it against the buffer.
inline data::sample_link link_column(const column_link& link, const buffer_shape& buffer,
                                     std::uint64_t rows, const std::string& pointer,
                                     std::shared_ptr<const data::data_reader> from) {
  const std::string& name = link.column.empty() ? link.buffer : link.column;
  data::data_column column;
  try {
    column = from->layout().column(name);
  } catch (const refusal& e) {
    throw invalid_value_at(pointer + "/column", e.what());
  }
  if (column.width() > buffer.size || column.width() * rows != buffer.size) {
    throw invalid_value_at(pointer, "'" + buffer.name + "' has " + std::to_string(buffer.size) +
                                        " values; the column '" + column.name + "' has " +
                                        std::to_string(column.width()) + " a row, in " +
                                        std::to_string(rows) + " row(s)");
  }
  return {std::move(from), std::move(column), buffer.first, buffer.size};
}

/// Opens each dataset once.
class opened_datasets {
 public:
  explicit opened_datasets(const data_opener& open) : open_(open) {}

  /// A link for each buffer, each once.
  std::vector<data::sample_link> link(const std::vector<column_link>& links,
                                      const std::vector<buffer_shape>& buffers, std::uint64_t rows,
                                      const std::string& side) {
    std::vector<data::sample_link> made;
    std::set<std::string> linked;
    for (std::size_t i = 0; i < links.size(); ++i) {
      const std::string pointer = "/" + side + "s/" + std::to_string(i);
      const auto buffer = std::find_if(buffers.begin(), buffers.end(), [&](const buffer_shape& b) {
        return b.name == links[i].buffer;
      });
      if (buffer == buffers.end() || !linked.insert(buffer->name).second) {
        throw invalid_value_at(pointer + "/" + side,
                               std::string(buffer == buffers.end() ? "the cluster has no such name"
                                                                   : "is there twice") +
                                   "; accepted are, each once: " + names_of(buffers));
      }
      made.push_back(link_column(links[i], *buffer, rows, pointer, dataset(links[i].dataset_id)));
    }
    if (made.size() < buffers.size()) {
      throw invalid_value_at("/" + side + "s",
                             "one is missing; required are: " + names_of(buffers));
    }
    return made;
  }

 private:
  static std::string names_of(const std::vector<buffer_shape>& buffers) {
    std::string names;
    for (const buffer_shape& b : buffers) {
      names += (names.empty() ? "'" : ", '") + b.name + "'";
    }
    return names;
  }

  std::shared_ptr<const data::data_reader> dataset(const std::string& id) {
    std::shared_ptr<const data::data_reader>& reader = open_ones_[id];
    if (!reader) {
      reader = open_(id);
    }
    return reader;
  }

  const data_opener& open_;
  std::map<std::string, std::shared_ptr<const data::data_reader>> open_ones_;
};

HANAMI_SERVICE_INLINE std::unique_ptr<data::sample_reader>
open_samples(const task_plan& plan, const cluster_shape& shape, const data_opener& open) {
  opened_datasets sets(open);
  auto inputs = sets.link(plan.inputs, shape.inputs, plan.window, "input");
  std::vector<data::sample_link> targets;
  if (plan.kind != task_kind::request) {
    targets = sets.link(plan.outputs, shape.outputs, 1, "output");
  }
  auto samples = std::make_unique<data::sample_reader>(std::move(inputs), std::move(targets),
                                                       plan.window, plan.horizon);
  if (samples->size() == 0) {
    throw invalid_value_at("/inputs",
                           "a dataset has too few rows for one sample with this window and "
                           "horizon");
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
      samples_ = open_samples(task_plan_from(json::parse(task->plan).as_object()), *shape_of(net),
                              [this](const std::string& id) { return parts_.data.open(id); });
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

inline std::unique_ptr<data::sample_reader>
open_samples_of(const engine_parts& parts, live_cluster& of, const running_task& task) {
  auto samples = open_samples(task.plan, *of.present_shape(),
                              [&](const std::string& id) { return parts.data.open(id); });
  const std::uint64_t epochs = task.plan.kind == task_kind::train ? task.plan.epochs : 1;
  if (samples->size() * epochs != task.total) {
    throw conflict("the datasets are not those that the task was made for: " +
                   std::to_string(samples->size()) + " samples, expected " +
                   std::to_string(task.total / epochs));
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
      return std::make_unique<save_work>(parts, task);
    case task_kind::restore:
      return std::make_unique<restore_work>(parts, of, task);
    }
    throw error(errc::invalid_argument, "a task of no known kind");
  } catch (...) {
    return std::make_unique<failed_work>(std::current_exception());
  }
}

} // namespace hanami::service::engine::detail
