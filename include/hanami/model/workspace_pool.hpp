// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "../structure/workspace.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Workspaces for whoever asks a model at the same time: each call borrows one, so that asking is
/// safe from many threads and allocates nothing once as many have been made as threads ask. A copy
/// begins empty.
class workspace_pool {
 public:
  struct seat {
    workspace<float> work;
    std::vector<float> row; ///< for rows that are no floats in a row
  };

  workspace_pool() = default;
  workspace_pool(const workspace_pool&) noexcept {}
  workspace_pool& operator=(const workspace_pool&) noexcept { return *this; }

  /// A borrowed seat; it goes back when this goes.
  class lease {
   public:
    explicit lease(workspace_pool& from) : from_(from), seat_(from.take()) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { from_.give_back(std::move(seat_)); }

    seat* operator->() noexcept { return seat_.get(); }

   private:
    workspace_pool& from_;
    std::unique_ptr<seat> seat_;
  };

 private:
  std::unique_ptr<seat> take() {
    {
      const std::lock_guard hold(guard_);
      if (!free_.empty()) {
        auto taken = std::move(free_.back());
        free_.pop_back();
        return taken;
      }
      ++seats_;
      free_.reserve(seats_); // giving back must not fail
    }
    return std::make_unique<seat>();
  }

  void give_back(std::unique_ptr<seat> used) noexcept {
    const std::lock_guard hold(guard_);
    free_.push_back(std::move(used));
  }

  std::mutex guard_;
  std::vector<std::unique_ptr<seat>> free_;
  std::size_t seats_ = 0;
};

} // namespace hanami::detail
