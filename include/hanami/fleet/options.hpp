// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <string>

#include "../config.hpp"

/// The plain data of a fleet: what its users choose, and what it tells them.

namespace hanami::inline HANAMI_ISA {

/// Names a member of one fleet; never used again after the member has left.
enum class member_id : std::uint64_t {};

/// Names members of one fleet that take turns as one, such as those of one user; 0: none.
enum class group_id : std::uint64_t {};

/// What a call does that finds a queue full.
enum class full_queue : std::uint8_t {
  wait,  ///< waits for room; from a callback of the fleet it throws instead
  refuse ///< throws `errc::queue_full`
};

/// What becomes of a sample whose cluster has gone without growth for want of shared memory.
enum class full_memory : std::uint8_t {
  stop_growth, ///< it is learned by the neurons that are there
  refuse       ///< it is not learned: `errc::out_of_memory`, until there is room
};

struct fleet_options {
  /// Threads that work; 0: as many as the machine has for this process. One is the fleet's own, the
  /// rest are oneTBB's workers, which it shares with everybody else in the process.
  std::size_t threads = 0;
  /// Samples of a member before it is another one's turn, >= 1. Longer blocks use the caches
  /// better: 512 take 1 % to 4 % more CPU time a sample than 4096, 64 take 7 % more for clusters of
  /// 50 KB (1 us a sample) and 22 % more for clusters of 1 MB (4 us a sample).
  std::size_t block_samples = 512;
  /// A member takes more samples as long as fewer than this wait, >= 1.
  std::size_t queue_samples = 65536;
  /// Everybody takes more samples as long as all that wait take less memory than this.
  std::size_t queue_bytes = std::size_t{256} << 20;
  full_queue when_full = full_queue::wait;
  /// Memory of all clusters together; beyond it none grows. Each one's own limit is in its
  /// template.
  std::size_t memory_budget = std::numeric_limits<std::size_t>::max();
  full_memory when_memory_full = full_memory::stop_growth;
  /// Hears of exceptions that nobody waits for: of callbacks, and of samples trained without one.
  /// On any thread, several at once. Empty: a line on the standard error stream.
  std::function<void(member_id, std::exception_ptr)> on_error = {};
};

/// Sizes and events of a fleet.
struct fleet_statistics {
  std::size_t threads = 0;
  std::size_t members = 0;
  std::size_t guests = 0; ///< members without a cluster
  std::size_t busy = 0;   ///< members that work or wait for a thread
  std::size_t queued = 0; ///< samples that wait; a task or a call counts as one
  std::size_t queued_bytes = 0;
  std::size_t bytes = 0;         ///< of all clusters, and of what the fleet keeps about them
  std::uint64_t blocks = 0;      ///< turns taken
  std::uint64_t trained = 0;     ///< samples
  std::uint64_t answered = 0;    ///< inputs
  std::uint64_t refused = 0;     ///< samples and inputs that a cluster would not take
  std::uint64_t errors = 0;      ///< reported to `on_error`
  double samples_per_second = 0; ///< trained and answered, over the last second or so
};

struct member_statistics {
  std::size_t queued = 0; ///< samples that wait; a task or a call counts as one
  std::size_t bytes = 0;  ///< of the cluster, after its last turn; of a guest, as it was told
  std::uint64_t trained = 0;
};

/// When an input is answered.
enum class answer_order : std::uint8_t {
  queued, ///< after all that was given to the member before
  next    ///< at the member's next turn, before what waits in its queue: between two blocks of a
          ///< long task, by the cluster as it is then
};

/// What `leave` does with a member's work.
enum class pending_work : std::uint8_t { finish, cancel };

struct task_options {
  std::uint32_t epochs = 1; ///< passes over a dataset, >= 1
  /// The cluster is told the length: its learning rate falls to zero at the task's end. Otherwise,
  /// and where the length is not known, it learns as from an endless stream.
  bool anneal = true;
};

struct task_progress {
  std::uint64_t samples = 0; ///< trained so far
  std::uint64_t refused = 0; ///< samples that the cluster would not take
  std::uint64_t length = 0;  ///< of the whole task, in samples; 0: not known
  double recent_loss = 0;    ///< in nats, a running mean over about 256 samples
  bool done = false;
};

/// What a training task came to.
struct task_result {
  std::uint64_t samples = 0; ///< trained
  std::uint64_t refused = 0; ///< samples that the cluster would not take
  double mean_loss = 0;      ///< in nats, each sample's before it was learned
  bool cancelled = false;    ///< it ended early because somebody asked
  std::string first_error;   ///< why the first refused sample was refused
};

} // namespace hanami
