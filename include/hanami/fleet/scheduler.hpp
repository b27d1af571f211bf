// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <tbb/info.h>
#include <tbb/task_arena.h>

#include "../cluster.hpp"
#include "../executor/handover.hpp"
#include "job.hpp"
#include "line.hpp"
#include "member.hpp"
#include "options.hpp"
#include "process_mark.hpp"

/// Who of a fleet works when: members with work stand in a line; a thread takes the first, runs a
/// block of its samples, puts it at the end of the line.

namespace hanami::inline HANAMI_ISA::detail {

class fleet_core : public std::enable_shared_from_this<fleet_core> {
 public:
  using lock = std::unique_lock<std::mutex>;

  explicit fleet_core(fleet_options options)
      : options_(std::move(options)), report_(options_.on_error) {
    check_options();
    if (options_.threads == 0) {
      options_.threads = static_cast<std::size_t>(tbb::info::default_concurrency());
    }
    at_work_.reserve(options_.threads);
    if (options_.threads > 1) {
      helpers_arena_.initialize(static_cast<int>(options_.threads - 1), 0);
    }
  }

  void start() {
    own_ = std::thread([this] { work_until_stopped(); });
  }

  /// Whether its threads are here: not in a child made by `fork`, where there is nothing to stop
  /// and even to destroy it could wait for ever.
  bool has_threads() const noexcept { return made_in_->is_here(); }
  const std::shared_ptr<const process_mark>& made_in() const noexcept { return made_in_; }

  /// Ends at the next sample, cancels what waits.
  void stop() {
    {
      const lock held(mutex_);
      stop_ = true;
    }
    work_.notify_all();
    own_.join();
    lock held(mutex_);
    calm_.wait(held, [this] { return helpers_at_work_ == 0; });
    const auto all = members_.clear();
    line_.clear();
    held.unlock();
    for (const auto& m : all) {
      cancel_all(m->soon, m->id);
      cancel_all(m->queue, m->id);
    }
  }

  /// Without a cluster it is a guest.
  member_id join(std::optional<cluster>&& c, group_id group) {
    const lock held = enter();
    fleet_member& m = members_.add(std::move(c));
    try {
      line_.enter(m, group);
    } catch (...) {
      members_.remove(m);
      throw;
    }
    bytes_ += m.bytes;
    guests_ += m.net ? 0U : 1U;
    return m.id;
  }

  /// The member's cluster; nothing from a guest.
  std::optional<cluster> leave(member_id id, bool guest, bool drop) {
    std::unique_ptr<fleet_member> gone;
    {
      lock held = enter();
      refuse_to_wait("leave");
      fleet_member& m = members_.find(id);
      if (m.net.has_value() == guest) {
        throw error(errc::invalid_argument, guest ? "the member has a cluster and is no guest"
                                                  : "a guest has no cluster to hand over");
      }
      m.leaving = true;
      m.dropped = drop;
      room_.notify_all(); // who waits to give it more work is told that it leaves
      calm_.wait(held, [&] { return !m.busy; });
      line_.exit(m);
      gone = members_.remove(m);
      bytes_ -= gone->net ? gone->bytes : 0;
      guests_ -= gone->net ? 0U : 1U;
      room_.notify_all();
    }
    cancel_all(gone->soon, id);
    cancel_all(gone->queue, id);
    if (gone->net) {
      gone->net->allow_growth(std::numeric_limits<std::size_t>::max());
    }
    return std::move(gone->net);
  }

  void set_guest_bytes(member_id id, std::size_t bytes) {
    const lock held = enter();
    fleet_member* const m = members_.look_up(id);
    if (m == nullptr) {
      return;
    }
    if (m->net) {
      throw error(errc::invalid_argument, "the member has a cluster and is no guest");
    }
    if (m->group != nullptr) {
      m->group->bytes += bytes - m->bytes;
    }
    m->bytes = bytes;
  }

  void limit_group(group_id group, std::size_t most_bytes) {
    const lock held = enter();
    if (member_group* g = line_.find(group)) {
      g->most_bytes = most_bytes;
      limited_ = limited_ || most_bytes != std::numeric_limits<std::size_t>::max();
    }
  }

  /// Queues the job that `make(sample_size)` returns, unless it has nothing to do.
  template <class Make>
  void submit(member_id id, bool soon, const Make& make) {
    lock held = enter();
    fleet_member& m = admit(id, held);
    std::unique_ptr<fleet_job> job = make(m.size);
    if (!m.net && job->needs_cluster()) {
      refuse_guest();
    }
    if (job->left() > 0) {
      members_.push(m, std::move(job), soon);
      give_work(m);
    }
  }

  /// One sample to learn for each of many members.
  void submit_each(std::span<const member_id> ids, std::span<const float> inputs,
                   std::span<const float> targets) {
    constexpr std::size_t at_once = 256; // others want the lock, too
    for (std::size_t begin = 0; begin < ids.size(); begin += at_once) {
      lock held = enter();
      for (const member_id id : ids.subspan(begin, std::min(at_once, ids.size() - begin))) {
        fleet_member& m = admit(id, held);
        if (!m.net) {
          refuse_guest();
        }
        const auto [in, out] = m.size;
        if (inputs.size() < in || targets.size() < out) {
          refuse_rows("too few values for so many members");
        }
        members_.push_row(m, inputs.first(in), targets.first(out), options_.block_samples);
        give_work(m);
        inputs = inputs.subspan(in);
        targets = targets.subspan(out);
      }
    }
    if (!inputs.empty() || !targets.empty()) {
      refuse_rows("more values than the members take");
    }
  }

  /// Waits until no member has work.
  void drain() {
    lock held = enter();
    refuse_to_wait("drain");
    calm_.wait(held, [this] { return busy_ == 0; });
  }

  fleet_statistics statistics() {
    const lock held = enter();
    fleet_statistics s = counts_;
    s.threads = options_.threads;
    s.members = members_.size();
    s.guests = guests_;
    s.busy = busy_;
    s.queued = members_.queued();
    s.queued_bytes = members_.queued_bytes();
    s.bytes = bytes_ + members_.bytes();
    s.errors = report_.count();
    s.samples_per_second = rate_.per_second();
    return s;
  }

  std::size_t group_bytes(group_id group) {
    const lock held = enter();
    const member_group* g = line_.find(group);
    return g == nullptr ? 0 : g->bytes;
  }

  member_statistics statistics(member_id id) {
    const lock held = enter();
    const fleet_member& m = members_.find(id);
    return {m.queued, m.bytes, m.trained};
  }

 private:
  /// A member's turn: its jobs, out of others' reach, and what became of them.
  struct block {
    fleet_member* member;
    job_list soon;
    job_list queue;
    std::size_t samples;      ///< most that it may run
    bool limited = false;     ///< it may grow by `grant` only
    std::size_t grant = 0;    ///< bytes
    std::size_t dequeued = 0; ///< samples
    std::size_t freed = 0;    ///< bytes of finished jobs
    std::size_t bytes = 0;    ///< of the cluster afterwards
  };

  /// Work for a oneTBB worker. The pointer keeps the core alive until it has come.
  class helper_call {
   public:
    explicit helper_call(std::shared_ptr<fleet_core>* core) noexcept { adopt(core); }
    helper_call(const helper_call& other) noexcept { adopt(other.core_); }
    helper_call& operator=(const helper_call&) = delete;

    void operator()() const noexcept {
      taken_over(this);
      const std::unique_ptr<std::shared_ptr<fleet_core>> core(core_);
      handed_over(this);
      // Code in a callback that waits for tasks of its own must not meet another helper there.
      tbb::this_task_arena::isolate([&] { (*core)->help(); });
    }

   private:
    void adopt(std::shared_ptr<fleet_core>* core) noexcept {
      taken_over(this);
      core_ = core;
      handed_over(this);
    }
    std::shared_ptr<fleet_core>* core_;
  };

  void check_options() const {
    const auto check = [](bool good, const char* why) {
      if (!good) {
        throw error(errc::invalid_argument, why);
      }
    };
    check(options_.threads <= 4096, "a fleet's threads must be at most 4096");
    check(options_.block_samples > 0, "block_samples must be at least 1");
    check(options_.queue_samples > 0, "queue_samples must be at least 1");
    check(options_.queue_bytes > 0, "queue_bytes must be at least 1");
  }

  /// The lock, for whoever calls from outside.
  lock enter() {
    made_in_->require();
    return lock(mutex_);
  }

  // --- Members and their queues; all with the lock held.

  bool full(const fleet_member& m) const noexcept {
    return m.queued >= options_.queue_samples || members_.queued_bytes() >= options_.queue_bytes;
  }

  /// The member, once it may take more work.
  fleet_member& admit(member_id id, lock& held) {
    for (;;) {
      fleet_member& m = members_.find(id);
      if (!full(m)) {
        return m;
      }
      if (options_.when_full == full_queue::refuse || called_back()) {
        throw error(errc::queue_full,
                    "fleet member " + std::to_string(index_of(id)) + ": " +
                        std::to_string(m.queued) + " samples wait, " +
                        std::to_string(members_.queued_bytes()) +
                        " bytes in all; limits: " + std::to_string(options_.queue_samples) +
                        " and " + std::to_string(options_.queue_bytes));
      }
      room_.wait(held);
    }
  }

  /// Whether this thread runs members right now: their callbacks must not wait for them.
  bool called_back() const noexcept {
    return std::find(at_work_.begin(), at_work_.end(), std::this_thread::get_id()) !=
           at_work_.end();
  }

  void refuse_to_wait(const char* call) const {
    if (called_back()) {
      throw error(errc::invalid_argument,
                  std::string(call) +
                      " would wait for itself: called from a callback of the fleet");
    }
  }

  [[noreturn]] static void refuse_rows(const char* why) {
    throw error(errc::invalid_argument,
                std::string("one sample for each member: ") + why +
                    "; members take the sizes of their clusters, one after the other");
  }

  [[noreturn]] static void refuse_guest() {
    throw error(errc::invalid_argument, "a guest has no cluster; it takes turns only");
  }

  void give_work(fleet_member& m) {
    if (!m.busy) {
      m.busy = true;
      ++busy_;
      line_.stand(m);
      wake_one();
    }
  }

  // --- Threads.

  void wake_one() {
    if (own_idle_) {
      own_idle_ = false;
      work_.notify_one();
    } else if (helpers_ + 1 < options_.threads) {
      ++helpers_;
      call_helper();
    }
  }

  void call_helper() noexcept {
    try {
      auto keep = std::make_unique<std::shared_ptr<fleet_core>>(shared_from_this());
      helpers_arena_.enqueue(helper_call(keep.get()));
      static_cast<void>(keep.release()); // the helper has it now
    } catch (...) { // no memory for a task: the fleet's own thread does the work
      --helpers_;
    }
  }

  void work_until_stopped() {
    fleet_turn turn{stop_, report_, options_.when_memory_full};
    lock held(mutex_);
    at_work_.push_back(std::this_thread::get_id());
    while (!stop_) {
      if (!line_.empty()) {
        work(held, std::numeric_limits<std::size_t>::max(), turn);
      } else {
        own_idle_ = true;
        work_.wait(held);
        own_idle_ = false;
      }
    }
  }

  /// One visit of a oneTBB worker: short enough for others in the process to get it back soon.
  void help() {
    constexpr std::size_t blocks = 16;
    lock held(mutex_);
    if (stop_) {
      return;
    }
    at_work_.push_back(std::this_thread::get_id());
    ++helpers_at_work_;
    {
      fleet_turn turn{stop_, report_, options_.when_memory_full};
      work(held, blocks, turn);
    }
    --helpers_at_work_;
    at_work_.erase(std::find(at_work_.begin(), at_work_.end(), std::this_thread::get_id()));
    if (!stop_ && !line_.empty()) {
      call_helper();
    } else {
      --helpers_;
    }
    if (stop_) {
      calm_.notify_all();
    }
  }

  void work(lock& held, std::size_t blocks, fleet_turn& turn) {
    for (; blocks > 0 && !line_.empty() && !stop_; --blocks) {
      block b = begin_block();
      held.unlock();
      run(b, turn);
      held.lock();
      end_block(b, turn);
    }
  }

  block begin_block() {
    fleet_member& m = line_.take();
    block b{&m, std::move(m.soon), std::move(m.queue), m.dropped ? 0 : options_.block_samples,
            m.net && budgeted()};
    m.open = nullptr;
    if (b.limited) {
      std::size_t room = room_below(options_.memory_budget, bytes_ + granted_);
      if (m.group != nullptr) {
        room = std::min(room, room_below(m.group->most_bytes, m.group->bytes + m.group->granted));
      }
      // Whoever comes while this block runs gets a share of what is left then.
      b.grant = std::max(room / options_.threads, std::min(room, m.net->refused_growth()));
      granted_ += b.grant;
      if (m.group != nullptr) {
        m.group->granted += b.grant;
      }
    }
    return b;
  }

  bool budgeted() const noexcept {
    return limited_ || options_.memory_budget != std::numeric_limits<std::size_t>::max();
  }
  static std::size_t room_below(std::size_t most, std::size_t used) noexcept {
    return most - std::min(most, used);
  }

  /// Without the lock: nobody else touches the cluster or these jobs.
  void run(block& b, fleet_turn& turn) noexcept {
    std::optional<cluster>& net = b.member->net;
    cluster* const c = net ? &*net : nullptr;
    turn.member = b.member->id;
    turn.trained = turn.answered = turn.refused = 0;
    if (b.limited) {
      c->allow_growth(b.grant);
    }
    std::size_t rest = b.samples;
    for (job_list* jobs : {&b.soon, &b.queue}) {
      while (rest > 0 && !jobs->empty() && !turn.stopped()) {
        fleet_job& job = jobs->front();
        const std::size_t before = job.left();
        rest -= std::clamp(job.run(c, rest, turn), std::size_t{1}, rest);
        b.dequeued += before - job.left();
        if (job.left() == 0) {
          b.freed += job.charged;
          jobs->pop();
        }
      }
    }
    b.bytes = c == nullptr ? 0 : c->bytes();
  }

  void end_block(block& b, const fleet_turn& turn) {
    fleet_member& m = *b.member;
    const bool was_full = full(m);
    members_.done(m, b.dequeued, b.freed);
    if (m.net) { // a guest tells itself
      granted_ -= b.grant;
      bytes_ += b.bytes - m.bytes;
      if (m.group != nullptr) {
        m.group->granted -= b.grant;
        m.group->bytes += b.bytes - m.bytes;
      }
      m.bytes = b.bytes;
    }
    m.trained += turn.trained;
    count(turn);
    m.soon.put_back(std::move(b.soon));
    m.queue.put_back(std::move(b.queue));
    if (!m.dropped && !(m.soon.empty() && m.queue.empty())) {
      line_.stand(m);
    } else {
      m.busy = false;
      --busy_;
      if (busy_ == 0 || m.leaving) {
        calm_.notify_all();
      }
    }
    if (was_full && !full(m)) {
      room_.notify_all();
    }
  }

  void count(const fleet_turn& turn) noexcept {
    ++counts_.blocks;
    counts_.trained += turn.trained;
    counts_.answered += turn.answered;
    counts_.refused += turn.refused;
    rate_.add(turn.trained + turn.answered);
  }

  void cancel_all(job_list& jobs, member_id member) noexcept {
    for (; !jobs.empty(); jobs.pop()) {
      jobs.front().cancel(report_, member);
    }
  }

  std::shared_ptr<const process_mark> made_in_ = std::make_shared<process_mark>();
  fleet_options options_;
  error_reporter report_;
  std::atomic<bool> stop_{false}; ///< set with the lock held

  std::mutex mutex_;             ///< guards all below
  std::condition_variable work_; ///< the fleet's own thread waits for members in the line
  std::condition_variable room_; ///< callers wait for room in queues
  std::condition_variable calm_; ///< callers wait for members, or all, to have no work
  fleet_members members_;
  fleet_line line_;
  std::size_t guests_ = 0; ///< members without a cluster
  std::size_t busy_ = 0;
  std::size_t bytes_ = 0;   ///< of all clusters, after their last turns
  std::size_t granted_ = 0; ///< bytes that those at work may grow
  bool limited_ = false;    ///< there has been a limit for a group
  std::size_t helpers_ = 0; ///< workers called and not gone yet
  std::size_t helpers_at_work_ = 0;
  bool own_idle_ = false;
  std::vector<std::thread::id> at_work_; ///< threads that run members, the fleet's own included
  fleet_statistics counts_;
  rate_meter rate_;
  std::thread own_;
  tbb::task_arena helpers_arena_;
};

} // namespace hanami::detail
