// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>

/// How much work was done for each user.

namespace hanami::service::engine::detail {

struct user_counts {
  std::atomic<std::uint64_t> trained{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> cpu_ns{0};
  std::atomic<std::uint64_t> batches{0}; ///< waiting or at work
  std::uint64_t number = 0;              ///< of the user, from 1 on
  std::string id;

  std::atomic<std::uint64_t> most_memory{~std::uint64_t{0}}; ///< the quota, when last looked at
  std::atomic<bool> over_disk{false};           ///< the files of the user take more than they may
  std::atomic<std::int64_t> disk_checked_at{0}; ///< by `steady_ms`
};

using user_ptr = std::shared_ptr<user_counts>;

/// CPU time of this thread in nanoseconds.
inline std::uint64_t thread_cpu_ns() noexcept {
  std::timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(t.tv_nsec);
}

/// Estimates the CPU time of direct samples on this thread of the fleet, which processes them one
/// after the other: every 16th is measured, from the end of the previous one, and counted 16 times,
/// since reading the clock takes as long as a small sample.
class direct_meter {
 public:
  static direct_meter& of_this_thread() {
    thread_local direct_meter meter;
    return meter;
  }
  void sample_done(user_counts& user) noexcept {
    if (began_ != 0) {
      user.cpu_ns.fetch_add((thread_cpu_ns() - began_) * every, std::memory_order_relaxed);
      began_ = 0;
    } else if (++count_ % (every - 1) == 0) {
      began_ = thread_cpu_ns();
    }
  }
  /// The thread has done something else.
  void interrupt() noexcept { began_ = 0; }

 private:
  static constexpr std::uint64_t every = 16;
  std::uint64_t count_ = 0;
  std::uint64_t began_ = 0; ///< 0: the current one is not measured
};

/// All users since the process started. Safe from any thread.
class user_table {
 public:
  user_ptr of(std::string_view id) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = users_.find(id); found != users_.end()) {
        return found->second;
      }
    }
    const std::unique_lock lock(mutex_);
    user_ptr& user = users_[std::string(id)];
    if (!user) {
      user = std::make_shared<user_counts>();
      user->number = users_.size();
      user->id = id;
    }
    return user;
  }

  template <class Visit>
  void each(const Visit& visit) const {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, counts] : users_) {
      visit(id, *counts);
    }
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, user_ptr, std::less<>> users_;
};

} // namespace hanami::service::engine::detail
