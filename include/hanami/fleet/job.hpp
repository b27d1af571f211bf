// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "../cluster.hpp"
#include "options.hpp"

/// What waits in the queue of a fleet's member. A job knows nothing of threads: one at a time runs
/// it, a part of it at a turn.

namespace hanami::inline HANAMI_ISA::detail {

/// Takes exceptions that have nobody to go to. Safe from many threads.
class error_reporter {
 public:
  using handler = std::function<void(member_id, std::exception_ptr)>;

  explicit error_reporter(handler tell) : tell_(std::move(tell)) {}

  void operator()(member_id member, std::exception_ptr error) const noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);
    try {
      if (tell_) {
        tell_(member, error);
        return;
      }
    } catch (...) { // a handler that fails leaves both to the standard error stream
      print(member, std::current_exception());
    }
    print(member, error);
  }

  std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  static void print(member_id member, const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      say(member, e.what());
    } catch (...) {
      say(member, "an exception of unknown type");
    }
  }

  static void say(member_id member, const char* what) noexcept {
    try {
      std::cerr << "hanami: fleet member " + std::to_string(index_of(member)) + ": " + what + "\n";
    } catch (...) { // nothing is left to report it with
    }
  }

  handler tell_;
  mutable std::atomic<std::uint64_t> count_{0};
};

/// What a thread brings along to a turn of a member, and counts there.
struct fleet_turn {
  const std::atomic<bool>& stop;
  const error_reporter& report;
  full_memory when_full = full_memory::stop_growth;
  member_id member{};
  workspace<float> act = {}; ///< for answers; follows whatever cluster it is used with
  std::uint64_t trained = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;

  bool stopped() const noexcept { return stop.load(std::memory_order_relaxed); }
  /// Throws `errc::out_of_memory` where the cluster is not to learn for want of memory.
  void expect_room(const cluster& c) const {
    if (when_full == full_memory::refuse && c.refused_growth() > 0) {
      throw error(errc::out_of_memory, "the clusters of the fleet may take no more memory; " +
                                           std::to_string(c.refused_growth()) +
                                           " bytes more are needed");
    }
  }
};

/// Calls back; what is thrown there is reported and ends there.
template <class Done, class... Arguments>
void deliver(Done& done, const error_reporter& report, member_id member,
             const Arguments&... arguments) noexcept {
  try {
    done(arguments...);
  } catch (...) {
    report(member, std::current_exception());
  }
}

class fleet_job {
 public:
  fleet_job() = default;
  fleet_job(const fleet_job&) = delete;
  fleet_job& operator=(const fleet_job&) = delete;
  virtual ~fleet_job() = default;

  /// Runs up to `most` samples, at least one, and tells how many. Less only at the job's end or
  /// when the turn is stopped. `c`: the member's cluster; nullptr where it has none.
  virtual std::size_t run(cluster* c, std::size_t most, fleet_turn& turn) noexcept = 0;
  /// Whether only a member with a cluster can run it.
  virtual bool needs_cluster() const noexcept { return true; }
  /// Samples that wait in it; a task or a call counts as one. 0: finished.
  virtual std::size_t left() const noexcept = 0;
  /// Tells all who wait for it that it will not be done (any more).
  virtual void cancel(const error_reporter& report, member_id member) noexcept = 0;
  virtual std::size_t bytes() const noexcept = 0;

  fleet_job* next = nullptr; ///< in the list that owns it
  std::size_t charged = 0;   ///< bytes counted for it
};

inline std::exception_ptr cancelled_error(member_id member) {
  return std::make_exception_ptr(error(errc::cancelled, "fleet member " +
                                                            std::to_string(index_of(member)) +
                                                            ": cancelled before its turn came"));
}

/// Jobs in order; owns them.
class job_list {
 public:
  job_list() = default;
  job_list(job_list&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  job_list& operator=(job_list&& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(last_, other.last_);
    return *this;
  }
  ~job_list() {
    while (!empty()) {
      pop();
    }
  }

  bool empty() const noexcept { return first_ == nullptr; }
  fleet_job& front() noexcept { return *first_; }

  void push(std::unique_ptr<fleet_job> job) noexcept {
    fleet_job* added = job.release();
    (empty() ? first_ : last_->next) = added;
    last_ = added;
  }
  /// Bytes counted for all of them.
  std::size_t charged() const noexcept {
    std::size_t sum = 0;
    for (const fleet_job* job = first_; job != nullptr; job = job->next) {
      sum += job->charged;
    }
    return sum;
  }
  void pop() noexcept { delete std::exchange(first_, first_->next); }
  /// Puts `earlier` before all that is here.
  void put_back(job_list earlier) noexcept {
    if (!earlier.empty()) {
      earlier.last_->next = first_;
      last_ = empty() ? earlier.last_ : last_;
      first_ = std::exchange(earlier.first_, nullptr);
    }
  }

 private:
  fleet_job* first_ = nullptr;
  fleet_job* last_ = nullptr;
};

} // namespace hanami::detail
