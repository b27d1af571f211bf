// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "../base/ip_network.hpp"
#include "../base/refusal.hpp"
#include "../base/settings.hpp"

/// Slows down password guessing: limits the logins of each address, and the failures of each user
/// from each network, so that a stranger's failures lock nobody else out. Unknown users are treated
/// like existing ones.

namespace hanami::service::access::detail {

/// Safe from any thread. Times are given by the caller, and never go back.
class login_guard {
  enum class outcome : std::uint8_t { unknown, success, failure };

 public:
  using time = std::chrono::steady_clock::time_point;

  explicit login_guard(const auth_settings& settings) : settings_(settings) {}

  /// Counts a login from this address: `logins_per_second` on average, and bursts of up to two
  /// seconds' worth. Throws `too_many_requests`.
  void come(std::string_view address, time now) {
    const std::lock_guard lock(mutex_);
    const double rate = settings_.logins_per_second;
    bucket& of = bucket_of(address, now);
    of.tokens = std::min(most_tokens(), of.tokens + rate * seconds(now - of.at));
    of.at = now;
    if (of.tokens < 1) {
      throw too_many("too many logins from this address", (1 - of.tokens) / rate);
    }
    of.tokens -= 1;
  }

  /// An attempt to log in with a password. Throws `too_many_requests` where the user is locked out
  /// of that network. Waits while so many attempts for the same user are in progress there that
  /// their failures could lock the user out.
  class attempt {
   public:
    attempt(login_guard& guard, std::string_view user_id, std::string_view address, time now)
        : guard_(guard), key_(network_of(address) + '\n' + std::string(user_id)) {
      guard_.begin(key_, now);
    }
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;
    /// Without a call of one of the other two, the attempt does not count.
    ~attempt() {
      if (open_) {
        finish(outcome::unknown, {});
      }
    }
    void succeeded() { finish(outcome::success, {}); }
    void failed(time now) { finish(outcome::failure, now); }

   private:
    void finish(outcome came, time now) {
      open_ = false;
      guard_.end(key_, came, now);
    }

    login_guard& guard_;
    std::string key_; ///< the network and the user
    bool open_ = true;
  };

  /// Forgets what no longer matters.
  void clean(time now) {
    const std::lock_guard lock(mutex_);
    clean_users(now);
    clean_addresses(now);
  }

 private:
  struct bucket {
    double tokens = 0;
    time at{};
  };
  struct tries {
    std::uint32_t failed = 0; ///< in a row
    std::uint32_t open = 0;
    time last{}; ///< failure
    time locked_until{};
  };

  // More than can arrive while entries matter: hashing a password takes time.
  static constexpr std::size_t most_users = 100'000;
  static constexpr std::size_t most_addresses = 20'000;

  static double seconds(std::chrono::steady_clock::duration d) {
    return std::chrono::duration<double>(d).count();
  }
  static refusal too_many(const char* what, double wait_s) {
    refusal why(refusal_code::too_many_requests, what);
    why.retry_after_s = static_cast<unsigned>(std::max(1.0, std::ceil(std::min(wait_s, 1e6))));
    return why;
  }

  double most_tokens() const { return std::max(1.0, 2 * settings_.logins_per_second); }

  bucket& bucket_of(std::string_view address, time now) {
    const std::string key = network_of(address);
    const auto known = addresses_.find(key);
    if (known != addresses_.end()) {
      return known->second;
    }
    if (addresses_.size() >= most_addresses && now - swept_ > std::chrono::seconds{1}) {
      clean_addresses(now);
    }
    if (addresses_.size() >= most_addresses) {
      return others_;
    }
    return addresses_.emplace(key, bucket{most_tokens(), now}).first->second;
  }

  void begin(const std::string& key, time now) {
    std::unique_lock lock(mutex_);
    if (users_.size() >= most_users && !users_.contains(key)) {
      clean_users(now);
      if (users_.size() >= most_users) {
        throw too_many("too many logins fail at present", 60);
      }
    }
    while (true) { // the entry may be removed and added again while this waits
      tries& of = users_[key];
      if (of.locked_until > now) {
        throw too_many("too many failed logins of this user from here",
                       seconds(of.locked_until - now));
      }
      if (now - of.last > settings_.lockout) {
        of.failed = 0;
      }
      if (of.failed + of.open < std::max(1u, settings_.failed_logins)) {
        ++of.open;
        return;
      }
      changed_.wait(lock);
    }
  }

  void end(const std::string& key, outcome came, time now) {
    {
      const std::lock_guard lock(mutex_);
      const auto at = users_.find(key);
      tries& of = at->second;
      --of.open;
      if (came == outcome::success) {
        of.failed = 0;
      } else if (came == outcome::failure) {
        of.last = now;
        if (++of.failed >= settings_.failed_logins) {
          of.failed = 0;
          of.locked_until = now + settings_.lockout;
        }
      }
      if (of.open == 0 && of.failed == 0 && of.locked_until == time{}) {
        users_.erase(at);
      }
    }
    changed_.notify_all();
  }

  void clean_users(time now) {
    std::erase_if(users_, [&](const auto& entry) {
      const tries& of = entry.second;
      return of.open == 0 && of.locked_until <= now && now - of.last > settings_.lockout;
    });
  }

  void clean_addresses(time now) {
    swept_ = now;
    const double refilled_s = most_tokens() / settings_.logins_per_second;
    std::erase_if(addresses_,
                  [&](const auto& entry) { return seconds(now - entry.second.at) > refilled_s; });
  }

  const auth_settings& settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, tries> users_; ///< by network and user
  std::unordered_map<std::string, bucket> addresses_;
  bucket others_; ///< shared by all addresses beyond `most_addresses`
  time swept_{};
};

} // namespace hanami::service::access::detail
