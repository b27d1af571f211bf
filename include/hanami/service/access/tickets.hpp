// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../base/clock.hpp"
#include "../base/uuid.hpp"

namespace hanami::service::access {

/// Stand in for a token where a browser can set no field: in the address of an event stream or of a
/// WebSocket. Good for one use, for half a minute. In memory alone. Safe from any thread.
class tickets {
 public:
  static constexpr std::chrono::seconds good_for{30};

  /// Of one user at most 100 at a time: the oldest is void then.
  std::string add(const std::string& user_id, std::string_view token) {
    const std::lock_guard lock(mutex_);
    forget_old();
    std::size_t own = 0;
    for (const auto& each : order_) {
      own += each.user_id == user_id ? 1U : 0U;
    }
    for (auto each = order_.begin(); own >= most_of_user; ++each) {
      if (each->user_id == user_id) {
        tokens_.erase(each->ticket);
        order_.erase(each);
        break;
      }
    }
    std::string ticket = new_uuid() + new_uuid(); // 244 random bits
    order_.push_back({ticket, user_id, steady_ms()});
    tokens_.emplace(ticket, token);
    return ticket;
  }

  /// The token, once.
  std::optional<std::string> take(const std::string& ticket) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto found = tokens_.find(ticket);
    if (found == tokens_.end()) {
      return {};
    }
    std::string token = std::move(found->second);
    tokens_.erase(found);
    return token;
  }

 private:
  static constexpr std::size_t most_of_user = 100;

  struct entry {
    std::string ticket;
    std::string user_id;
    std::int64_t made_at; ///< by `steady_ms`
  };

  void forget_old() {
    const std::int64_t oldest = steady_ms() - std::chrono::milliseconds(good_for).count();
    while (!order_.empty() && order_.front().made_at <= oldest) {
      tokens_.erase(order_.front().ticket);
      order_.pop_front();
    }
  }

  std::mutex mutex_;
  std::deque<entry> order_; ///< oldest first; those that were used stay until they are old
  std::map<std::string, std::string> tokens_;
};

} // namespace hanami::service::access
