// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "database.hpp"
#include "page.hpp"

/// The rows of tasks.

namespace hanami::service::store {

enum class task_state : std::uint8_t { queued, active, finished, aborted, failed };

std::string_view name_of(task_state state);
std::optional<task_state> task_state_named(std::string_view name);
inline bool is_over(task_state state) {
  return state != task_state::queued && state != task_state::active;
}

struct task_row {
  std::string id;
  std::uint64_t sequence = 0; ///< order of creation
  std::string cluster_id;     ///< empty: of none
  std::string kind; ///< "train", "request", "evaluate", "save", "restore", "import", "derive"
  std::string name;
  std::string owner_id;
  task_state state = task_state::queued;
  std::string plan = "{}";    ///< JSON: what to do
  std::string outcome = "{}"; ///< JSON: what came of it
  std::string error;          ///< of a failed task
  std::uint64_t total = 0;    ///< samples, all epochs
  std::uint64_t done = 0;
  std::int64_t queued_at = 0; ///< milliseconds since 1970; 0: not reached
  std::int64_t started_at = 0;
  std::int64_t ended_at = 0;
};

/// Which tasks; empty members match all.
struct task_scope {
  std::string_view cluster_id;
  std::string_view owner_id;
  std::string_view project_id; ///< on clusters of this project, or public ones, or on none
  bool of_public_clusters = true;
  std::string_view kind = {};
  std::optional<task_state> state = {};
};

/// Safe from any thread; changes are on disk when a call returns.
class tasks {
 public:
  /// Told of a task that ends, within the transaction that writes it down.
  using end_note = std::function<void(connection&, const task_row&)>;

  explicit tasks(database& db) : db_(db) {}

  /// `within` from now on, and then, once it is on disk, `behind`; both must be quick. When this
  /// returns, nobody calls a former `behind` any more.
  void on_end(end_note within, std::function<void()> behind);

  /// Adds a queued task with a new UUID, unless `task.id` is given, and the next number. Beyond
  /// `most_open` queued and active ones of the owner: `quota_exceeded`.
  task_row add(task_row task, std::uint64_t most_open);
  std::optional<task_row> find(std::string_view id);
  /// By sequence, whatever `wanted.by` says. `invalid_value` for an invalid page.
  page<task_row> list(const task_scope& of, const page_request& wanted);
  /// Queued and active ones, by sequence.
  std::vector<task_row> open();
  /// Writes state, outcome, error, total, done and times of a task that goes on. Does nothing where
  /// the row is gone.
  void update(const task_row& task);
  /// The same for a task that has ended, on a full disk, too; who wants to know is told.
  void end(const task_row& task);
  void set_plan(std::string_view id, std::string_view plan);
  void remove(std::string_view id);
  void remove_of_cluster(std::string_view cluster_id);
  /// Whether the plan of a queued or active task refers to this id.
  bool mentions(std::string_view resource_id);

 private:
  database& db_;
  std::shared_mutex notes_; ///< guards the two
  end_note within_;
  std::function<void()> behind_;
};

} // namespace hanami::service::store
