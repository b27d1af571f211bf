// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace hanami::service {

/// A queue for work of which only a little may be done at a time, so that a flood of it leaves
/// threads to everybody else. Safe from any thread; it outlives its work.
class limited_work {
 public:
  using work = std::function<void()>;
  using executor = std::function<void(work)>;

  /// `width`: how many are done at a time; `most_waiting`: how many may wait for that.
  limited_work(std::size_t width, std::size_t most_waiting)
      : width_(width), most_waiting_(most_waiting) {}

  /// Hands it to `run_by`, now or when its turn comes; false: too many wait. What `what` throws
  /// goes where `run_by` lets it go, and the next has its turn all the same.
  bool post(const executor& run_by, work what) {
    {
      const std::lock_guard lock(mutex_);
      if (running_ == width_) {
        if (waiting_.size() >= most_waiting_) {
          return false;
        }
        waiting_.push_back(std::move(what));
        return true;
      }
      ++running_;
    }
    start(run_by, std::move(what));
    return true;
  }

 private:
  void start(const executor& run_by, work what) {
    run_by([this, run_by, what = std::move(what)] {
      const end_of_one end{*this, run_by};
      what();
    });
  }

  void end_one(const executor& run_by) {
    work next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        --running_;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    start(run_by, std::move(next));
  }

  struct end_of_one {
    limited_work& of;
    const executor& run_by;
    ~end_of_one() { of.end_one(run_by); }
  };

  const std::size_t width_;
  const std::size_t most_waiting_;
  std::mutex mutex_; ///< guards all below
  std::size_t running_ = 0;
  std::deque<work> waiting_;
};

} // namespace hanami::service
