// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "../../../cluster.hpp"
#include "../../base/json.hpp"
#include "../../store/tasks.hpp"

namespace hanami::service::engine::detail {

using work_clock = std::chrono::steady_clock;

struct task_end {
  store::task_state state = store::task_state::finished;
  std::string error;
};

/// The work of a task. Constructed and finished on a thread that may wait; the other functions are
/// called in turns of the cluster.
class task_work {
 public:
  virtual ~task_work() = default;
  /// Works until then or to the end; true: there is more to do. An exception ends the task.
  virtual bool run(cluster& net, work_clock::time_point until) = 0;
  /// Called after the last slice, however the task ended; may change that.
  virtual void settle(cluster&, task_end&) {}
  /// Makes the result permanent and returns the outcome. An exception makes the task fail.
  virtual json::object finish(const task_end& how) = 0;
};

} // namespace hanami::service::engine::detail
