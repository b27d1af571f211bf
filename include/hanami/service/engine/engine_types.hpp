// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../../cluster.hpp"
#include "../store/tasks.hpp"
#include "cluster_shape.hpp"
#include "task/training_losses.hpp"

/// The plain data of the engine.

namespace hanami::service::engine {

/// A task, with what is not in its row.
struct task_view {
  store::task_row row;
  double recent_loss = 0;               ///< in nats; of an active training task
  std::vector<loss_point> loss_curve{}; ///< of an active training task
  double samples_per_second = 0;
  double seconds_left = 0; ///< 0: unknown
};

/// Which tasks of a list; what is empty lets all through.
struct task_filter {
  std::string kind{};
  std::optional<store::task_state> state{};
  std::string owner_id{};
  bool everybody = false; ///< of others, too: for administrators and those of the project
};

struct engine_statistics {
  std::size_t clusters = 0;             ///< in memory
  std::size_t bytes = 0;                ///< of them
  std::size_t budget = 0;               ///< most bytes of them
  std::uint64_t loaded = 0;             ///< clusters that came into memory
  std::uint64_t left = 0;               ///< clusters that left memory
  std::uint64_t refused_for_memory = 0; ///< clusters, samples and tasks
  std::size_t journals_open = 0;
  std::size_t queued = 0;  ///< waiting samples and calls
  std::uint64_t turns = 0; ///< of clusters: grows while anything is done
  std::uint64_t trained = 0;
  std::uint64_t answered = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t journal_bytes = 0; ///< written
  std::uint64_t tasks_open = 0;
};

/// A cluster in memory, as its last turn has left it.
struct cluster_use {
  std::string id;
  std::string owner_id;
  std::uint64_t trained = 0;       ///< samples, since it came into memory
  std::size_t queued = 0;          ///< waiting samples and calls
  std::size_t bytes = 0;           ///< of memory
  std::uint64_t journal_bytes = 0; ///< since its last snapshot
  std::uint64_t disk_bytes = 0;    ///< of all its files, as last counted
};

/// Samples trained and answered for a user, and the CPU time they took.
struct user_work {
  std::string user_id;
  std::uint64_t trained = 0;
  std::uint64_t answered = 0;
  double cpu_seconds = 0;
};

/// Called for one trained sample, on a thread of the engine; must return quickly.
using trained_callback = std::function<void(const train_result&, std::exception_ptr)>;
/// The same for an answer, which is valid only during the call.
using answered_callback = std::function<void(std::span<const float>, std::exception_ptr)>;

/// What a template would make.
struct template_estimate {
  cluster_shape shape;
  cluster_statistics statistics; ///< before anything is learned
  std::uint64_t most_bytes = 0;  ///< of memory, however much it grows
  std::uint64_t disk_bytes = 0;  ///< at first
};

/// How far off the predictions of an output were whose labels came later: of classes the share of
/// wrong ones, else the mean distance.
struct output_error {
  std::string output;
  std::uint64_t labels = 0;
  double error = 0;  ///< over all of them
  double recent = 0; ///< over about the last 256
};

/// What came of training on a batch.
struct batch_learned {
  std::uint64_t kept = 0;    ///< samples that were learned and survive a kill
  std::uint64_t changed = 0; ///< of them, those that changed weights
  std::uint64_t refused = 0; ///< that the cluster did not take
  std::string first_refusal; ///< why it did not take the first of them
  std::vector<float> losses; ///< of each, in nats, before it was learned; NaN: refused
};

/// Called once for a batch, on any thread; must return quickly. Where it failed on the way, `kept`
/// samples were learned.
using batch_trained_callback = std::function<void(const batch_learned&, std::exception_ptr)>;
/// The same for answers, row after row, which are valid only during the call.
using batch_answered_callback = std::function<void(std::span<const float>, std::exception_ptr)>;

} // namespace hanami::service::engine
