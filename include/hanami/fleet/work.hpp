// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "job.hpp"
#include "process_mark.hpp"

/// The kinds of work a fleet does: samples to learn, inputs to answer, whole tasks, calls.

namespace hanami::inline HANAMI_ISA::detail {

/// Training without an answer to anybody.
struct nobody {
  void operator()(const train_result&, const std::exception_ptr&) const noexcept {}
};

/// Samples of one width to train, stored as rows: input, then target. `done` hears of each.
template <class Done>
class train_job final : public fleet_job {
 public:
  train_job(std::span<const float> inputs, std::span<const float> targets, std::size_t input_width,
            std::size_t target_width, Done done)
      : input_width_(input_width), width_(input_width + target_width), done_(std::move(done)) {
    append(inputs, targets, input_width == inputs.size() ? 1 : inputs.size() / input_width);
  }

  void append(std::span<const float> inputs, std::span<const float> targets, std::size_t count) {
    const std::size_t target_width = width_ - input_width_;
    values_.reserve(values_.size() + inputs.size() + targets.size());
    for (std::size_t k = 0; k < count; ++k) {
      const auto input = inputs.subspan(k * input_width_, input_width_);
      const auto target = targets.subspan(k * target_width, target_width);
      values_.insert(values_.end(), input.begin(), input.end());
      values_.insert(values_.end(), target.begin(), target.end());
    }
    count_ += count;
  }

  std::size_t run(cluster* c, std::size_t most, fleet_turn& turn) noexcept override {
    const std::size_t begin = next_;
    const std::size_t end = next_ + std::min(most, left());
    while (next_ < end && !turn.stopped()) {
      train_one(*c, turn);
    }
    return next_ - begin;
  }

  std::size_t left() const noexcept override { return count_ - next_; }
  std::size_t bytes() const noexcept override { return sizeof(*this) + allocated_bytes(values_); }

  void cancel(const error_reporter& report, member_id member) noexcept override {
    if constexpr (!std::is_same_v<Done, nobody>) {
      const auto why = cancelled_error(member);
      for (; next_ < count_; ++next_) {
        deliver(done_, report, member, train_result{}, why);
      }
    }
  }

 private:
  void train_one(cluster& c, fleet_turn& turn) noexcept {
    const std::span<const float> row(values_.data() + next_++ * width_, width_);
    try {
      turn.expect_room(c);
      const train_result found = c.train(row.first(input_width_), row.subspan(input_width_));
      ++turn.trained;
      deliver(done_, turn.report, turn.member, found, std::exception_ptr());
    } catch (...) {
      ++turn.refused;
      if constexpr (std::is_same_v<Done, nobody>) {
        turn.report(turn.member, std::current_exception());
      } else {
        deliver(done_, turn.report, turn.member, train_result{}, std::current_exception());
      }
    }
  }

  std::size_t input_width_;
  std::size_t width_; ///< of a row
  std::size_t count_ = 0;
  std::size_t next_ = 0;
  std::vector<float> values_;
  [[no_unique_address]] Done done_;
};

using quiet_job = train_job<nobody>;

/// Inputs of one width to answer, in a row. They are one stream: of a spiking cluster it goes on
/// from what the cluster has been trained on.
template <class Done>
class infer_job final : public fleet_job {
 public:
  infer_job(std::span<const float> inputs, std::size_t width, Done done)
      : width_(width), count_(width == inputs.size() ? 1 : inputs.size() / width),
        values_(inputs.begin(), inputs.end()), done_(std::move(done)) {}

  std::size_t run(cluster* c, std::size_t most, fleet_turn& turn) noexcept override {
    const std::size_t begin = next_;
    const std::size_t end = next_ + std::min(most, left());
    while (next_ < end && !turn.stopped()) {
      answer_one(*c, turn);
    }
    return next_ - begin;
  }

  std::size_t left() const noexcept override { return count_ - next_; }
  std::size_t bytes() const noexcept override { return sizeof(*this) + allocated_bytes(values_); }

  void cancel(const error_reporter& report, member_id member) noexcept override {
    const auto why = cancelled_error(member);
    for (; next_ < count_; ++next_) {
      deliver(done_, report, member, std::span<const float>(), why);
    }
  }

 private:
  void answer_one(cluster& c, fleet_turn& turn) noexcept {
    const std::span<const float> input(values_.data() + next_++ * width_, width_);
    try {
      const auto answer = c.infer(input, stream_of(c, turn));
      ++turn.answered;
      deliver(done_, turn.report, turn.member, answer, std::exception_ptr());
    } catch (...) {
      ++turn.refused;
      deliver(done_, turn.report, turn.member, std::span<const float>(), std::current_exception());
    }
  }

  /// Only neurons that spike remember; all others can use the thread's activity.
  workspace<float>& stream_of(const cluster& c, fleet_turn& turn) {
    if (!c.state().topology.spikes()) {
      return turn.act;
    }
    if (!stream_) {
      stream_ = std::make_unique<workspace<float>>(c.current_workspace());
    }
    return *stream_;
  }

  std::size_t width_;
  std::size_t count_;
  std::size_t next_ = 0;
  std::vector<float> values_;
  std::unique_ptr<workspace<float>> stream_;
  Done done_;
};

/// Anything else that needs the cluster for itself.
template <class Function, class Result = std::invoke_result_t<Function&, cluster&>>
class call_job final : public fleet_job {
 public:
  explicit call_job(Function function) : function_(std::move(function)) {}
  std::future<Result> result() { return result_.get_future(); }

  std::size_t run(cluster* c, std::size_t, fleet_turn&) noexcept override {
    done_ = true;
    try {
      if constexpr (std::is_void_v<Result>) {
        function_(*c);
        result_.set_value();
      } else {
        result_.set_value(function_(*c));
      }
    } catch (...) {
      result_.set_exception(std::current_exception());
    }
    return 1;
  }

  std::size_t left() const noexcept override { return done_ ? 0 : 1; }
  std::size_t bytes() const noexcept override { return sizeof(*this); }
  void cancel(const error_reporter&, member_id member) noexcept override {
    result_.set_exception(cancelled_error(member));
  }

 private:
  Function function_;
  std::promise<Result> result_;
  bool done_ = false;
};

/// Somebody's own work, in a turn of a member. What it throws is reported.
template <class Function>
class turn_job final : public fleet_job {
 public:
  explicit turn_job(Function function) : function_(std::move(function)) {}

  std::size_t run(cluster*, std::size_t, fleet_turn& turn) noexcept override {
    done_ = true;
    deliver(function_, turn.report, turn.member);
    return 1;
  }

  bool needs_cluster() const noexcept override { return false; }
  std::size_t left() const noexcept override { return done_ ? 0 : 1; }
  std::size_t bytes() const noexcept override { return sizeof(*this); }
  void cancel(const error_reporter&, member_id) noexcept override {}

 private:
  Function function_;
  bool done_ = false;
};

/// What a task and those who follow it share.
struct task_state {
  task_state(std::uint64_t planned, std::shared_ptr<const process_mark> where)
      : length(planned), made_in(std::move(where)) {}

  const std::uint64_t length; ///< samples; 0: not known
  std::atomic<std::uint64_t> samples{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<double> recent_loss{0}; ///< running mean over about 256 samples
  std::atomic<bool> cancelled{false};
  const std::shared_ptr<const process_mark> made_in;
  std::promise<task_result> promise;
  std::shared_future<task_result> result = promise.get_future().share();
};

/// Trains what `source(input, target)` writes into the two spans, until it says false. `plan` is
/// whether the cluster is told the length.
template <class Source>
class task_job final : public fleet_job {
 public:
  task_job(Source source, std::shared_ptr<task_state> state, bool plan)
      : source_(std::move(source)), state_(std::move(state)), plan_(plan) {}

  std::size_t run(cluster* c, std::size_t most, fleet_turn& turn) noexcept override {
    std::size_t count = 0;
    try {
      if (!begun_) {
        begin(*c);
      }
      while (count < most && !finished_ && !turn.stopped()) {
        if (state_->cancelled.load(std::memory_order_relaxed) || !source_next()) {
          finish();
          break;
        }
        ++count;
        train_one(*c, turn);
      }
    } catch (...) { // of the source, which cannot go on
      finished_ = true;
      state_->promise.set_exception(std::current_exception());
    }
    return count;
  }

  std::size_t left() const noexcept override { return finished_ ? 0 : 1; }
  std::size_t bytes() const noexcept override {
    return sizeof(*this) + sizeof(task_state) + allocated_bytes(input_) + allocated_bytes(target_);
  }
  void cancel(const error_reporter&, member_id) noexcept override {
    state_->cancelled = true;
    finish();
  }

 private:
  void begin(cluster& c) {
    begun_ = true;
    input_.resize(c.input_size());
    target_.resize(c.output_size());
    if (plan_ && state_->length > 0) {
      c.start_task(state_->length);
    } else if (!c.endless()) {
      c.start_task(0); // what it had learned for has ended
    }
  }

  bool source_next() { return source_(std::span<float>(input_), std::span<float>(target_)); }

  void train_one(cluster& c, fleet_turn& turn) {
    try {
      turn.expect_room(c);
      const train_result found = c.train(std::span<const float>(input_), target_);
      ++turn.trained;
      ++result_.samples;
      loss_sum_ += found.loss;
      const double weight = std::max(1.0 / 256, 1.0 / static_cast<double>(result_.samples));
      const double before = state_->recent_loss.load(std::memory_order_relaxed);
      state_->recent_loss.store(before + weight * (found.loss - before), std::memory_order_relaxed);
      state_->samples.store(result_.samples, std::memory_order_relaxed);
    } catch (const std::exception& e) {
      ++turn.refused;
      if (result_.refused++ == 0) {
        result_.first_error = e.what();
      }
      state_->refused.store(result_.refused, std::memory_order_relaxed);
    }
  }

  void finish() noexcept {
    finished_ = true;
    result_.cancelled = state_->cancelled;
    if (result_.samples > 0) {
      result_.mean_loss = loss_sum_ / static_cast<double>(result_.samples);
    }
    state_->promise.set_value(std::move(result_));
  }

  Source source_;
  std::shared_ptr<task_state> state_;
  bool plan_;
  bool begun_ = false;
  bool finished_ = false;
  double loss_sum_ = 0;
  task_result result_;
  std::vector<float> input_;
  std::vector<float> target_;
};

} // namespace hanami::detail
