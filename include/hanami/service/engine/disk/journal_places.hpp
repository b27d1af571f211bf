// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

#include "../../base/descriptors.hpp"

namespace hanami::service::engine {

/// How long a journal stays open without use.
inline constexpr std::chrono::milliseconds journal_rest{10'000};

/// The descriptors that the journals of all clusters and streams share. Safe from any thread.
class journal_places {
 public:
  /// `most`: journals that stay open; others are opened for each record.
  explicit journal_places(std::size_t most) noexcept : most_(most), left_(most) {}

  bool take() noexcept {
    std::size_t left = left_.load();
    while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left > 0;
  }
  void give_back() noexcept { ++left_; }
  std::size_t taken() const noexcept { return most_ - left_; }
  spare_descriptor& spare() noexcept { return spare_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> left_;
  spare_descriptor spare_;
};

} // namespace hanami::service::engine
