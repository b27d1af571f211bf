// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <unistd.h>

#include "task_work.hpp"

namespace hanami::service::engine::detail {

/// Answers the samples of datasets in order. Starts over after a restart, since it changes nothing.
class answer_work : public task_work {
 public:
  answer_work(const live_cluster& of, running_task& task,
              std::unique_ptr<data::sample_reader> samples)
      : of_(of), task_(task), samples_(std::move(samples)) {}

  bool run(cluster& net, work_clock::time_point until) override {
    if (!act_) { // spiking neurons continue from the state after the last training
      act_.emplace(net.state().topology.spikes() ? net.current_workspace() : workspace<float>());
      input_.resize(net.input_size());
      target_.resize(net.output_size());
    }
    const auto begun = work_clock::now();
    const std::uint64_t first = next_;
    for (bool more = next_ < task_.total; more;) {
      samples_->read(next_++, input_, target_);
      on_answer(answer_of(net), target_);
      const auto now = work_clock::now();
      more = next_ < task_.total && now < until && !task_.abort.load(std::memory_order_relaxed) &&
             (of_.waiting.load(std::memory_order_relaxed) == 0 ||
              now < begun + std::chrono::milliseconds(1));
    }
    end_of_slice();
    task_.done = next_;
    task_.owner->answered += next_ - first;
    return next_ < task_.total;
  }

 protected:
  /// Called for each sample; an empty answer: the cluster refused it.
  virtual void on_answer(std::span<const float> answer, std::span<const float> target) = 0;
  virtual void end_of_slice() {}

  running_task& task() noexcept { return task_; }
  std::uint64_t refused() const noexcept { return refused_; }

 private:
  /// Empty: the cluster refused the sample.
  std::span<const float> answer_of(const cluster& net) {
    try {
      return net.infer(std::span<const float>(input_), *act_);
    } catch (const error& e) {
      if (e.code() != errc::invalid_argument) {
        throw;
      }
      ++refused_;
      return {};
    }
  }

  const live_cluster& of_;
  running_task& task_;
  std::unique_ptr<data::sample_reader> samples_;
  std::uint64_t next_ = 0;
  std::uint64_t refused_ = 0;
  std::optional<workspace<float>> act_;
  std::vector<float> input_;
  std::vector<float> target_;
};

/// The index of the largest value that is a number; nothing where none is.
inline std::optional<std::size_t> winner_of(std::span<const float> values) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i]) && (!best || values[i] > values[*best])) {
      best = i;
    }
  }
  return best;
}

/// Stores answers as datasets, one for each requested output.
class request_work final : public answer_work {
 public:
  request_work(const engine_parts& parts, const live_cluster& of, running_task& task,
               const cluster_shape& shape, std::unique_ptr<data::sample_reader> samples)
      : answer_work(of, task, std::move(samples)), parts_(parts) {
    for (const result_link& link : task.plan.results) {
      const buffer_shape* const found = shape.output(link.buffer);
      if (found == nullptr) { // it was restored to something else in the meantime
        throw invalid_value("the cluster has no output '" + link.buffer + "'");
      }
      const buffer_shape& buffer = *found;
      const bool classes = task.plan.answers == answer_form::classes;
      data::data_layout layout;
      layout.rows = task.total;
      layout.width = classes ? 1 : buffer.size;
      layout.columns = {{link.name, 0, layout.width}};
      for (std::size_t i = 0; classes && i < buffer.size; ++i) {
        layout.columns[0].classes.push_back(buffer.class_name(i));
      }
      result r{link,         link.dataset_id.empty() ? task.id : link.dataset_id,
               buffer.first, buffer.size,
               {},           {}};
      r.writer =
          std::make_unique<data::data_writer>(parts.data.path_of(r.id), layout, parts.data.key());
      results_.push_back(std::move(r));
    }
  }

  json::object finish(const task_end& how) override {
    if (how.state != store::task_state::finished) {
      results_.clear();
      return {};
    }
    for (result& r : results_) {
      r.writer->finish();
    }
    json::object outcome{{"datasets", adopt_all()}};
    if (refused() > 0) {
      outcome["refused"] = refused();
    }
    return outcome;
  }

 private:
  struct result {
    result_link link;
    std::string id;
    std::size_t first;
    std::size_t size;
    std::unique_ptr<data::data_writer> writer;
    std::vector<float> rows; ///< not written yet
  };

  void on_answer(std::span<const float> answer, std::span<const float>) override {
    constexpr std::size_t enough = 65536;
    for (result& r : results_) {
      keep(r, answer.empty() ? answer : answer.subspan(r.first, r.size));
      if (r.rows.size() >= enough) {
        write(r);
      }
    }
  }

  /// `values`: empty where the cluster refused the sample.
  void keep(result& r, std::span<const float> values) {
    constexpr float missing = std::numeric_limits<float>::quiet_NaN();
    const auto best = winner_of(values);
    const std::size_t at = r.rows.size();
    switch (task().plan.answers) {
    case answer_form::values:
      r.rows.resize(at + r.size, missing);
      std::copy(values.begin(), values.end(), r.rows.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case answer_form::winners:
      r.rows.resize(at + r.size, 0.0F);
      if (best) {
        r.rows[at + *best] = 1;
      }
      break;
    case answer_form::classes:
      r.rows.push_back(best ? static_cast<float>(*best) : missing);
      break;
    }
  }

  void end_of_slice() override {
    for (result& r : results_) {
      write(r);
    }
  }

  static void write(result& r) {
    r.writer->write(std::span<const float>(r.rows));
    r.rows.clear();
  }

  /// All of them or, when it throws, none.
  json::object adopt_all() {
    identity owner;
    owner.user_id = task().row.owner_id;
    owner.project_id = task().plan.project_id;
    json::object ids;
    std::vector<std::string> fresh;
    try {
      for (const result& r : results_) {
        const bool known = parts_.resources.find(store::resource_kind::dataset, r.id).has_value();
        parts_.data.adopt(owner, r.id, r.link.name, visibility::owner_only);
        if (!known) {
          fresh.push_back(r.id);
        }
        ids[r.link.buffer] = r.id;
      }
    } catch (...) {
      for (const std::string& id : fresh) {
        parts_.resources.remove(id);
      }
      for (const result& r : results_) {
        ::unlink(parts_.data.path_of(r.id).c_str());
      }
      throw;
    }
    return ids;
  }

  const engine_parts& parts_;
  std::vector<result> results_;
};

} // namespace hanami::service::engine::detail
