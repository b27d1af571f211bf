// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../../cluster.hpp"
#include "../store/tasks.hpp"
#include "disk/snapshot_files.hpp"
#include "task/training_losses.hpp"

/// A cluster on disk.

namespace hanami::service::engine {

/// The progress of the task that was the last to change a cluster.
struct task_position {
  std::string task_id;                                 ///< empty: none
  std::uint64_t done = 0;                              ///< samples, over all epochs
  store::task_state state = store::task_state::active; ///< or how it ended
  std::string error;
  std::uint64_t refused = 0; ///< samples that the cluster refused
  std::string refusal;       ///< the reason for the first of them
  training_losses losses;    ///< of the others
};

/// The bytes of a snapshot.
std::vector<std::byte> take_snapshot(const cluster& of, const task_position& where);

/// Replays a record; false: it and all that follow can no longer be replayed.
using journal_replay = std::function<bool(cluster&, const journal_record&, task_position&)>;

class cluster_files : public snapshot_files {
 public:
  using snapshot_files::snapshot_files;

  struct recovered {
    cluster net;
    task_position where;
  };
  /// The cluster as it was; throws as `snapshot_files::recover`.
  recovered recover(const journal_replay& replay);
};

} // namespace hanami::service::engine
