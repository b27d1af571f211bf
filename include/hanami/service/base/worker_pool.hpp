// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

#include "logger.hpp"

/// The threads for all that may wait: for the disk, for a password's hash, for a cluster's turn.

namespace hanami::service {

/// Who a piece of work is for.
enum class work_kind : std::uint8_t {
  upkeep, ///< of the service itself: never waits for other work of the pool
  request ///< of a client: may wait for upkeep
};

/// A few threads that sleep while there is nothing to do. One of them is kept from requests, so
/// that the upkeep which a request may wait for always has a thread. Safe from any thread.
class worker_pool {
 public:
  /// `requests`: how many of them are worked on at a time, 1..1024; one thread more is made.
  worker_pool(std::size_t requests, logger& log) : log_(log), most_requests_(requests) {
    try {
      for (std::size_t i = 0; i <= requests; ++i) {
        threads_.emplace_back([this] { run(); });
        ::pthread_setname_np(threads_.back().native_handle(),
                             ("work-" + std::to_string(i)).c_str());
      }
    } catch (...) { // the system has no more threads
      end();
      throw;
    }
  }
  /// Does all that was posted, then ends.
  ~worker_pool() { end(); }
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// What `work` throws goes to the log.
  void post(work_kind kind, std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      (kind == work_kind::upkeep ? upkeep_ : requests_).push_back(std::move(work));
    }
    wake_.notify_one();
  }

 private:
  void end() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& each : threads_) {
      each.join();
    }
  }

  bool has_request() const { return !requests_.empty() && at_requests_ < most_requests_; }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] {
        return !upkeep_.empty() || has_request() || (stop_ && requests_.empty());
      });
      if (!upkeep_.empty()) {
        do_one(upkeep_, lock);
      } else if (has_request()) {
        ++at_requests_;
        do_one(requests_, lock);
        --at_requests_;
        if (has_request()) {
          wake_.notify_one(); // whoever was woken for it may have found no room
        }
      } else {
        return;
      }
    }
  }

  void do_one(std::deque<std::function<void()>>& from, std::unique_lock<std::mutex>& lock) {
    std::function<void()> work = std::move(from.front());
    from.pop_front();
    lock.unlock();
    try {
      work();
    } catch (...) {
      log_.error("work", std::current_exception());
    }
    work = nullptr;
    lock.lock();
    if (stop_) {
      wake_.notify_all(); // this may have been the last
    }
  }

  logger& log_;
  const std::size_t most_requests_;
  std::mutex mutex_; ///< guards all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> upkeep_;
  std::deque<std::function<void()>> requests_;
  std::size_t at_requests_ = 0; ///< threads
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

/// What one part of the program has given to the pool: its end waits for all of it. Safe from any
/// thread.
class work_group {
 public:
  work_group(worker_pool& pool, work_kind kind) : pool_(pool), kind_(kind) {}
  ~work_group() { close(); }
  work_group(const work_group&) = delete;
  work_group& operator=(const work_group&) = delete;

  /// False, and nothing else, after `close`. What `work` throws goes to the log.
  bool post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) {
        return false;
      }
      ++open_;
    }
    pool_.post(kind_, [this, work = std::move(work)]() mutable {
      const end_of_one end{*this, work};
      work();
    });
    return true;
  }

  /// Waits until nothing of it is left to be done; not from its own work.
  void drain() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return open_ == 0; });
  }

  /// Takes nothing more and waits as `drain`.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return open_ == 0; });
  }

 private:
  struct end_of_one {
    work_group& of;
    std::function<void()>& work;

    ~end_of_one() {
      work = nullptr; // what it holds goes first
      const std::lock_guard lock(of.mutex_);
      if (--of.open_ == 0) {
        of.idle_.notify_all();
      }
    }
  };

  worker_pool& pool_;
  const work_kind kind_;
  std::mutex mutex_; ///< guards all below
  std::condition_variable idle_;
  std::size_t open_ = 0; ///< posted and not done
  bool closed_ = false;
};

} // namespace hanami::service
