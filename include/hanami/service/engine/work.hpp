// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "../../cluster.hpp"
#include "../base/json.hpp"
#include "../store/tasks.hpp"

namespace hanami::service::engine::detail {

using work_clock = std::chrono::steady_clock;

struct task_end {
  store::task_state state = store::task_state::finished;
  std::string error;
};

/// A task at work. Made, and brought to its end by `finish`, on a thread that may wait; the rest is
/// called in turns of the cluster.
class task_work {
 public:
  virtual ~task_work() = default;
  /// Goes on until then or the end; true: there is more. What it throws ends the task.
  virtual bool run(cluster& net, work_clock::time_point until) = 0;
  /// After the last slice, however the task has ended; may change that.
  virtual void settle(cluster&, task_end&) {}
  /// Makes sure that what has come of it stays. What it throws fails the task. Gives its outcome.
  virtual json::object finish(const task_end& how) = 0;
};

} // namespace hanami::service::engine::detail
