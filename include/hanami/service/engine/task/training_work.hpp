// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "task_work.hpp"

namespace hanami::service::engine::detail {

/// Trains on datasets; continues where the cluster is.
class training_work final : public task_work {
 public:
  /// `samples`: nullptr where they are not available, for the reason in `trouble`.
  training_work(live_cluster& of, running_task& task, std::unique_ptr<data::sample_reader> samples,
                std::exception_ptr trouble)
      : of_(of), task_(task), samples_(std::move(samples)), trouble_(std::move(trouble)),
        anneal_over_(task.plan.anneal ? task.total : 0) {}

  bool run(cluster& net, work_clock::time_point until) override {
    task_position& where = of_.where;
    if (where.task_id == task_.id && where.state != store::task_state::active) {
      return false; // it ended before the process did
    }
    if (trouble_) {
      std::rethrow_exception(trouble_);
    }
    if (where.task_id != task_.id) {
      of_.append(of_.files.encoded(journal_begin{task_.id, anneal_over_}));
      begin_training(net, anneal_over_);
      where = {};
      where.task_id = task_.id;
    }
    input_.resize(net.input_size());
    target_.resize(net.output_size());
    if (net.refused_growth() == 0) { // else it waits for memory
      run_slice(net, until);
    }
    task_.done = where.done;
    task_.note(where.losses);
    return where.done < task_.total;
  }

  void settle(cluster& net, task_end& how) override {
    task_position& where = of_.where;
    if (where.task_id != task_.id) {
      return; // it changed nothing
    }
    if (where.state == store::task_state::active) {
      if (how.state == store::task_state::finished && where.refused == task_.total) {
        how = {store::task_state::failed, "the cluster took no sample: " + where.refusal};
      }
      end(net, how);
    }
    how = {where.state, where.error};
    task_.done = where.done;
    task_.note(where.losses);
    snapshot_ = of_.begin_generation(net);
    outcome_ = {{"samples", where.done - where.refused}, {"refused", where.refused}};
    if (where.refused > 0) {
      outcome_["first_refusal"] = where.refusal;
    }
    if (where.losses.samples() > 0) {
      outcome_["final_loss"] = where.losses.recent();
      json::array curve;
      for (const loss_point& point : where.losses.curve()) {
        curve.push_back(json::object{{"samples", point.samples}, {"loss", point.loss}});
      }
      outcome_["loss_curve"] = std::move(curve);
    }
  }

  /// From here on, the datasets are no longer needed to recover the cluster.
  json::object finish(const task_end&) override {
    if (!snapshot_.bytes.empty()) {
      of_.files.write_snapshot(snapshot_.generation, snapshot_.bytes);
    }
    return outcome_;
  }

 private:
  /// Direct use of the cluster waits hardly longer than this.
  static constexpr std::chrono::milliseconds patience{1};

  void run_slice(cluster& net, work_clock::time_point until) {
    task_position& where = of_.where;
    const std::uint64_t first = where.done;
    const auto begun = work_clock::now();
    try {
      for (bool more = where.done < task_.total; more;) {
        samples_->read(where.done % samples_->size(), input_, target_);
        train_result found;
        learn_sample(net, input_, target_, where, found);
        const auto now = work_clock::now();
        more = where.done < task_.total && now < until &&
               !task_.abort.load(std::memory_order_relaxed) && net.refused_growth() == 0 &&
               (of_.waiting.load(std::memory_order_relaxed) == 0 || now < begun + patience);
      }
    } catch (...) {
      journal(first);
      throw;
    }
    journal(first);
  }

  void journal(std::uint64_t first) {
    const std::uint64_t count = of_.where.done - first;
    if (count > 0) {
      of_.append(of_.files.encoded(journal_rows{task_.id, first, count}));
      task_.owner->trained += count;
    }
  }

  void end(cluster& net, const task_end& how) {
    task_position& where = of_.where;
    try {
      of_.append(of_.files.encoded(journal_end{task_.id, how.state, how.error, anneal_over_ > 0}));
    } catch (const error&) { // the snapshot that follows holds it
    }
    if (anneal_over_ > 0) {
      net.start_task(0);
    }
    where.state = how.state;
    where.error = how.error;
  }

  live_cluster& of_;
  running_task& task_;
  std::unique_ptr<data::sample_reader> samples_;
  std::exception_ptr trouble_;
  std::uint64_t anneal_over_;
  std::vector<float> input_;
  std::vector<float> target_;
  pending_snapshot snapshot_;
  json::object outcome_;
};

} // namespace hanami::service::engine::detail
