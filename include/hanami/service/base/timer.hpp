// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include "../../foundation/error.hpp"
#include "worker_pool.hpp"

/// When something is due: the one thread that waits for a time to come.

namespace hanami::service {

class timed_work;

/// Sleeps until the next piece of work is due, for ever where none is, and hands it to the pool.
/// Outlives all that is registered with it.
class maintenance_timer {
 public:
  using clock = std::chrono::steady_clock;

  explicit maintenance_timer(worker_pool& pool) : pool_(pool), thread_([this] { run(); }) {
    ::pthread_setname_np(thread_.native_handle(), "timer");
  }
  ~maintenance_timer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  maintenance_timer(const maintenance_timer&) = delete;
  maintenance_timer& operator=(const maintenance_timer&) = delete;

 private:
  friend class timed_work;

  inline void run();
  inline clock::time_point post_due(clock::time_point now);

  worker_pool& pool_;
  const clock::time_point begun_ = clock::now();
  std::mutex mutex_; ///< guards all below, and what is in each of `works_`
  std::condition_variable wake_;
  std::condition_variable done_; ///< a piece of work has ended
  std::vector<timed_work*> works_;
  clock::time_point next_ = clock::time_point::max(); ///< until when the thread sleeps
  bool stop_ = false;
  std::thread thread_;
};

/// A piece of work for the pool, as upkeep, that is done when it is due: once or again and again,
/// never twice at the same time. Safe from any thread, also from its own work, but for the
/// destructor.
class timed_work {
 public:
  using clock = maintenance_timer::clock;

  /// Not due yet. What `work` throws goes to the log.
  timed_work(maintenance_timer& timer, std::function<void()> work)
      : timer_(timer), work_(std::move(work)) {
    const std::lock_guard lock(timer_.mutex_);
    timer_.works_.push_back(this);
  }
  /// Waits for work under way.
  ~timed_work() {
    end();
    const std::lock_guard lock(timer_.mutex_);
    std::erase(timer_.works_, this);
  }
  timed_work(const timed_work&) = delete;
  timed_work& operator=(const timed_work&) = delete;

  /// Due once, in that time or sooner if it is due sooner already. While its work is under way, it
  /// is due once more.
  void set(std::chrono::milliseconds after) {
    const std::lock_guard lock(timer_.mutex_);
    due_at(clock::now() + after);
  }

  /// Due again and again from now on. Those of the same period are due together, so that they wake
  /// the process once; one that is still at work then is left out. Throws `errc::invalid_argument`
  /// for a period that is not greater than 0.
  void every(std::chrono::milliseconds period) {
    if (period <= std::chrono::milliseconds::zero()) {
      throw error(errc::invalid_argument, "the period of timed work must be greater than 0");
    }
    const std::lock_guard lock(timer_.mutex_);
    period_ = period;
    due_at(next_beat(clock::now()));
  }

  /// Not due any more. Does not wait for work under way.
  void unset() {
    const std::lock_guard lock(timer_.mutex_);
    due_ = clock::time_point::max();
    period_ = std::chrono::milliseconds::zero();
  }

  /// Never due again, whatever is set later. Waits for work under way; not from its own work.
  void end() {
    std::unique_lock lock(timer_.mutex_);
    ended_ = true;
    due_ = clock::time_point::max();
    period_ = std::chrono::milliseconds::zero();
    timer_.done_.wait(lock, [this] { return !at_work_; });
  }

  /// When it is due next; the greatest of all times: not at all.
  clock::time_point due() const {
    const std::lock_guard lock(timer_.mutex_);
    return due_;
  }

 private:
  friend class maintenance_timer;

  clock::time_point next_beat(clock::time_point after) const {
    const auto beats = (after - timer_.begun_) / period_;
    return timer_.begun_ + (beats + 1) * period_;
  }

  // With the timer's lock held.

  void due_at(clock::time_point when) {
    due_ = ended_ ? clock::time_point::max() : std::min(due_, when);
    wake_timer();
  }
  void wake_timer() {
    if (due_ < timer_.next_) {
      timer_.wake_.notify_one();
    }
  }
  /// Whether it is to be done now.
  bool begin(clock::time_point now) {
    const bool begins = due_ <= now && !at_work_;
    if (due_ <= now && (begins || period_ > std::chrono::milliseconds::zero())) {
      due_ =
          period_ > std::chrono::milliseconds::zero() ? next_beat(now) : clock::time_point::max();
    }
    at_work_ = at_work_ || begins;
    return begins;
  }
  void work() {
    struct end {
      timed_work& of;
      ~end() {
        const std::lock_guard lock(of.timer_.mutex_);
        of.at_work_ = false;
        of.wake_timer();
        of.timer_.done_.notify_all();
      }
    };
    const end when_done{*this};
    work_();
  }

  maintenance_timer& timer_;
  const std::function<void()> work_;
  clock::time_point due_ = clock::time_point::max();
  std::chrono::milliseconds period_{0}; ///< 0: once
  bool at_work_ = false;
  bool ended_ = false;
};

void maintenance_timer::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    next_ = post_due(clock::now());
    if (next_ == clock::time_point::max()) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, next_);
    }
    next_ = clock::time_point::max();
  }
}

/// Hands over what is due; gives when to look again.
maintenance_timer::clock::time_point maintenance_timer::post_due(clock::time_point now) {
  clock::time_point next = clock::time_point::max();
  for (timed_work* const each : works_) {
    if (each->begin(now)) {
      pool_.post(work_kind::upkeep, [each] { each->work(); });
    }
    if (each->due_ > now) { // else it is still at work, and says so when it is not
      next = std::min(next, each->due_);
    }
  }
  return next;
}

} // namespace hanami::service
