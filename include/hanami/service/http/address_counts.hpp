// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace hanami::service::http::detail {

/// How many connections each network has open. Safe from any thread.
class address_counts {
 public:
  /// One of a network's; it counts until its end.
  class share {
   public:
    share() = default;
    share(share&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), network_(std::move(other.network_)) {}
    share& operator=(share&& other) noexcept {
      std::swap(of_, other.of_);
      network_.swap(other.network_);
      return *this;
    }
    ~share() {
      if (of_ != nullptr) {
        of_->leave(network_);
      }
    }

   private:
    friend address_counts;
    share(address_counts& of, std::string network) : of_(&of), network_(std::move(network)) {}

    address_counts* of_ = nullptr;
    std::string network_;
  };

  /// A share, and how many there are then.
  std::pair<share, std::size_t> enter(std::string network) {
    std::size_t now = 0;
    {
      const std::lock_guard lock(mutex_);
      now = ++open_[network];
    }
    return {share(*this, std::move(network)), now};
  }

 private:
  void leave(const std::string& network) {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(network);
    if (--at->second == 0) {
      open_.erase(at);
    }
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> open_;
};

} // namespace hanami::service::http::detail
