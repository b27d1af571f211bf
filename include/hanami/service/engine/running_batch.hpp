// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../../cluster.hpp"
#include "engine_types.hpp"
#include "live_cluster.hpp"

namespace hanami::service::engine::detail {

/// Samples that came together, on their way through turns of their cluster. Who waits for them
/// hears of it once, also where they are dropped.
struct running_batch {
  running_batch(live_ptr of, user_ptr by, std::unique_ptr<cluster_job> held)
      : live(std::move(of)), user(std::move(by)), job(std::move(held)) {
    ++live->waiting; // tasks make room soon
    ++user->batches;
  }
  running_batch(const running_batch&) = delete;
  running_batch& operator=(const running_batch&) = delete;
  ~running_batch() {
    if (trained || answered) { // dropped before its turn
      end(std::make_exception_ptr(live->gone ? not_found("cluster", live->id) : being_stopped()));
    }
    --live->waiting;
    --user->batches;
  }

  std::size_t samples() const noexcept { return inputs.size() / input_size; }
  bool trains() const noexcept { return bool(trained); }
  std::span<const float> input(std::size_t i) const {
    return std::span(inputs).subspan(i * input_size, input_size);
  }
  std::span<const float> target(std::size_t i) const {
    return std::span(targets).subspan(i * output_size, output_size);
  }

  /// Tells who waits. `why`: what went wrong, or nothing.
  void end(const std::exception_ptr& why) noexcept {
    try {
      if (const auto tell = std::exchange(trained, nullptr)) {
        tell(learned, why);
      }
      if (const auto tell = std::exchange(answered, nullptr)) {
        tell(answers, why);
      }
    } catch (...) { // who waited is gone
    }
  }

  const live_ptr live;
  const user_ptr user;
  const std::unique_ptr<cluster_job> job; ///< it stays in memory
  std::size_t input_size = 1;
  std::size_t output_size = 1;
  std::vector<float> inputs;
  std::vector<float> targets;
  batch_trained_callback trained;
  batch_answered_callback answered;

  // In the cluster's turn only.
  std::size_t next = 0;
  unsigned tries = 0; ///< to find memory, without progress
  batch_learned learned;
  std::vector<float> answers;
  std::unique_ptr<workspace<float>> stream; ///< of the answers
};

using batch_ptr = std::shared_ptr<running_batch>;

} // namespace hanami::service::engine::detail
