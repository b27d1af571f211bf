// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../io/dataset.hpp"
#include "options.hpp"
#include "scheduler.hpp"
#include "work.hpp"

namespace hanami::inline HANAMI_ISA {

/// Hears what training on one sample found, or why it was refused or cancelled.
template <class Function>
concept train_callback = requires(Function& done, const train_result& result,
                                  const std::exception_ptr& error) {
  done(result, error);
};

/// Hears an answer, or why there is none. The answer is valid during the call only.
template <class Function>
concept infer_callback = requires(Function& done, std::span<const float> answer,
                                  const std::exception_ptr& error) {
  done(answer, error);
};

/// Writes the next sample of a task into the two spans, NaN where a value is missing; false ends
/// the task.
template <class Function>
concept sample_source = std::is_invocable_r_v<bool, Function&, std::span<float>, std::span<float>>;

/// A task given to a fleet; copies are the same task. Safe from any thread. The task goes on when
/// the last of them is gone.
class training_task {
 public:
  explicit training_task(std::shared_ptr<detail::task_state> state) : state_(std::move(state)) {}

  task_progress progress() const {
    using namespace std::chrono_literals;
    const bool done = state_->result.wait_for(0s) == std::future_status::ready;
    return {state_->samples, state_->refused, state_->length, state_->recent_loss, done};
  }

  /// Ends the task before its next sample; the cluster keeps what it has learned.
  void cancel() const noexcept { state_->cancelled = true; }

  /// Waits for the end. Rethrows what the task's source has thrown; throws
  /// `errc::invalid_argument` in a child made by `fork`.
  task_result wait() const {
    state_->made_in->require();
    return state_->result.get();
  }

 private:
  std::shared_ptr<detail::task_state> state_;
};

/// Thousands of independent clusters (one a sensor, one a user) behind a few threads.
///
/// A member is a cluster that lives in the fleet. It is trained and asked by one thread at a time,
/// in the order of the calls, so it becomes what it would have become alone, to the bit. Members
/// with work take turns: one block of samples each, round and round, however much waits. Members of
/// a group take turns as one: whoever has many clusters gets no more than who has one.
///
/// All functions may be called from any thread, except the destructor, and from callbacks, except
/// those that wait for work (`leave`, `drain`; they throw there). Callbacks run on the fleet's
/// threads, one at a time for a member: they should be short. What a callback throws is reported to
/// `fleet_options::on_error`.
///
/// Values are flat, as `cluster` takes them. Spans are copied before a call returns. Common to all
/// functions that take a `member_id`: they throw `errc::invalid_argument` for one that is not a
/// member or is leaving. Those that queue work wait while the queue is full, or throw
/// `errc::queue_full` if the options say so; a call is taken whole as soon as there is any room.
///
/// The threads are one of the fleet's own and oneTBB's workers. oneTBB has one worker less than the
/// machine has cores; with more `threads` than cores, raise `tbb::global_control` as well.
///
/// After `fork` the threads are the parent's alone. In the child every function throws
/// `errc::invalid_argument`, and the destructor leaves all as it is, without freeing its memory;
/// futures that have waited before wait for ever there. The parent goes on.
class fleet {
 public:
  /// Throws `errc::invalid_argument` for options out of range.
  explicit fleet(fleet_options options = {})
      : core_(std::make_shared<detail::fleet_core>(std::move(options))) {
    core_->start();
  }

  /// Ends what runs at its next sample and cancels what waits: futures get, and callbacks hear (on
  /// the thread of the destructor), `errc::cancelled`. Call `drain` first to have all finished. Not
  /// from a callback.
  ~fleet() {
    if (core_->has_threads()) {
      core_->stop();
    } else {
      static_cast<void>(new (std::nothrow) std::shared_ptr<detail::fleet_core>(std::move(core_)));
    }
  }

  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// `group`: any number that the members of a group share.
  member_id join(cluster c, group_id group = {}) { return core_->join(std::move(c), group); }
  /// Memory of a group's members together, as `memory_budget` is of all; holds until the last of
  /// them has left. No effect on a group without members.
  void limit_group(group_id group, std::size_t most_bytes) {
    core_->limit_group(group, most_bytes);
  }
  /// Memory of a group's members, after their last turns.
  std::size_t group_bytes(group_id group) const { return core_->group_bytes(group); }
  /// Makes the cluster, too; throws what its constructor throws.
  member_id join(cluster_template from, learning_options options = {}) {
    return join(cluster(std::move(from), options));
  }

  /// Takes no more work for a member, waits until its queue is done or cancelled, and hands the
  /// cluster over. A task ends when its source does: an endless one must be cancelled.
  cluster leave(member_id id, pending_work pending = pending_work::finish) {
    return *core_->leave(id, false, pending == pending_work::cancel);
  }

  /// A member without a cluster: somebody else's work, which takes its turns among the clusters'.
  /// Its memory counts in its group, as far as `set_guest_bytes` tells of it.
  member_id join_guest(group_id group = {}) { return core_->join(std::nullopt, group); }

  /// Memory that a guest's work holds now; no effect on one that is leaving. Clusters of its group
  /// grow by so much less under `limit_group`.
  void set_guest_bytes(member_id id, std::size_t bytes) { core_->set_guest_bytes(id, bytes); }

  /// Takes no more work for a guest and waits until its queue is done or cancelled; work that is
  /// cancelled is destroyed without a call.
  void leave_guest(member_id id, pending_work pending = pending_work::finish) {
    core_->leave(id, true, pending == pending_work::cancel);
  }

  /// Calls `function()` in a member's turn: a short piece of work, since everybody else waits for
  /// it. What it throws is reported to `fleet_options::on_error`.
  template <std::invocable Function>
  void take_turn(member_id id, Function function) {
    core_->submit(id, false, [&](detail::sample_size) {
      return std::make_unique<detail::turn_job<Function>>(std::move(function));
    });
  }

  /// Trains one sample. An error of the sample (a wrong size, an infinite value) reaches the future
  /// and nothing else.
  std::future<train_result> train(member_id id, std::span<const float> input,
                                  std::span<const float> target) {
    std::promise<train_result> promise;
    auto result = promise.get_future();
    train(id, input, target, keep_promise<train_result>{std::move(promise)});
    return result;
  }

  /// The same; `done(result, error)` hears of it.
  template <train_callback Done>
  void train(member_id id, std::span<const float> input, std::span<const float> target, Done done) {
    core_->submit(id, false, [&](detail::sample_size) {
      return std::make_unique<detail::train_job<Done>>(input, target, input.size(), target.size(),
                                                       std::move(done));
    });
  }

  /// Trains as many samples as the spans hold, inputs after inputs and targets after targets.
  /// `done` hears of each; without it errors are reported to `on_error`. Throws
  /// `errc::invalid_argument` where the sizes do not make whole samples.
  template <train_callback Done = detail::nobody>
  void train_batch(member_id id, std::span<const float> inputs, std::span<const float> targets,
                   Done done = {}) {
    core_->submit(id, false, [&](detail::sample_size size) {
      const std::size_t count = whole(inputs.size(), size.input, "inputs");
      if (whole(targets.size(), size.target, "targets") != count) {
        throw error(errc::invalid_argument, "inputs of " + std::to_string(count) +
                                                " samples and targets of " +
                                                std::to_string(targets.size() / size.target));
      }
      return std::make_unique<detail::train_job<Done>>(inputs, targets, size.input, size.target,
                                                       std::move(done));
    });
  }

  /// Trains one sample of each of many members: the spans hold them one after the other, in the
  /// order of `ids`. The cheapest way to feed many small clusters. Errors of a sample are reported
  /// to `on_error`. Where a member cannot take its sample this throws, and the members before it
  /// have taken theirs.
  void train_each(std::span<const member_id> ids, std::span<const float> inputs,
                  std::span<const float> targets) {
    core_->submit_each(ids, inputs, targets);
  }

  /// Answers one input. An error of the input reaches the future and nothing else.
  std::future<std::vector<float>> infer(member_id id, std::span<const float> input,
                                        answer_order order = answer_order::queued) {
    std::promise<std::vector<float>> promise;
    auto result = promise.get_future();
    infer(id, input, keep_promise<std::vector<float>>{std::move(promise)}, order);
    return result;
  }

  /// The same; `done(answer, error)` hears it.
  template <infer_callback Done>
  void infer(member_id id, std::span<const float> input, Done done,
             answer_order order = answer_order::queued) {
    core_->submit(id, order == answer_order::next, [&](detail::sample_size) {
      return std::make_unique<detail::infer_job<Done>>(input, input.size(), std::move(done));
    });
  }

  /// Answers as many inputs as the span holds; `done` hears each in turn. Throws
  /// `errc::invalid_argument` where the size does not make whole inputs.
  template <infer_callback Done>
  void infer_batch(member_id id, std::span<const float> inputs, Done done,
                   answer_order order = answer_order::queued) {
    core_->submit(id, order == answer_order::next, [&](detail::sample_size size) {
      whole(inputs.size(), size.input, "inputs");
      return std::make_unique<detail::infer_job<Done>>(inputs, size.input, std::move(done));
    });
  }

  /// Trains on a whole dataset, which must outlive the task. Throws `errc::invalid_argument` where
  /// its samples do not fit the cluster, or for no epochs.
  template <dataset Data>
  training_task start(member_id id, const Data& data, task_options options = {}) {
    if (options.epochs == 0) {
      throw error(errc::invalid_argument, "a task needs at least one epoch");
    }
    auto source = [&data, index = std::size_t{0}, epochs = options.epochs](
                      std::span<float> input, std::span<float> target) mutable {
      if (index == data.size()) {
        index = 0;
        --epochs;
      }
      if (epochs == 0 || data.size() == 0) {
        return false;
      }
      data.read(index++, input, target);
      return true;
    };
    const auto fits = [&](detail::sample_size size) {
      check_width(data.input_size(), size.input, "inputs");
      check_width(data.target_size(), size.target, "targets");
    };
    return start_task(id, std::move(source), data.size() * options.epochs, options.anneal, fits);
  }
  template <dataset Data>
  training_task start(member_id id, const Data&& data, task_options options = {}) = delete;

  /// Trains what `source` writes until it says false; `length` is how many samples that will be, 0
  /// if nobody knows. The source runs on the fleet's threads, one call at a time, and should not
  /// wait. What it throws ends the task.
  template <sample_source Source>
  training_task start(member_id id, Source source, std::uint64_t length = 0) {
    return start_task(id, std::move(source), length, true, [](detail::sample_size) {});
  }

  /// Calls `function(cluster&)` in the member's turn: to save it, to plan a task, to look at it.
  /// Its result, or what it throws, reaches the future.
  template <std::invocable<cluster&> Function>
  auto call(member_id id, Function function) {
    std::future<std::invoke_result_t<Function&, cluster&>> result;
    core_->submit(id, false, [&](detail::sample_size) {
      auto job = std::make_unique<detail::call_job<Function>>(std::move(function));
      result = job->result();
      return job;
    });
    return result;
  }

  /// Waits until no member has work; what others give meanwhile counts.
  void drain() { core_->drain(); }

  fleet_statistics statistics() const { return core_->statistics(); }
  member_statistics statistics(member_id id) const { return core_->statistics(id); }

 private:
  /// A callback that fills a future.
  template <class Result>
  struct keep_promise {
    std::promise<Result> promise;

    void operator()(const auto& result, const std::exception_ptr& error) {
      if (error) {
        promise.set_exception(error);
      } else if constexpr (std::is_same_v<Result, train_result>) {
        promise.set_value(result);
      } else {
        promise.set_value(Result(result.begin(), result.end()));
      }
    }
  };

  template <class Source, class Check>
  training_task start_task(member_id id, Source source, std::uint64_t length, bool anneal,
                           const Check& check) {
    auto state = std::make_shared<detail::task_state>(length, core_->made_in());
    core_->submit(id, false, [&](detail::sample_size size) {
      check(size);
      return std::make_unique<detail::task_job<Source>>(std::move(source), state, anneal);
    });
    return training_task(std::move(state));
  }

  static std::size_t whole(std::size_t values, std::size_t width, const char* what) {
    if (width == 0 || values % width != 0) {
      throw error(errc::invalid_argument, std::to_string(values) + " values do not make whole " +
                                              what + " of " + std::to_string(width));
    }
    return values / width;
  }

  static void check_width(std::size_t found, std::size_t expected, const char* what) {
    if (found != expected) {
      throw error(errc::invalid_argument,
                  "the dataset has " + std::string(what) + " of " + std::to_string(found) +
                      " values; the cluster takes " + std::to_string(expected));
    }
  }

  std::shared_ptr<detail::fleet_core> core_;
};

} // namespace hanami
