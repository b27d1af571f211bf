// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/memory.hpp"
#include "job.hpp"
#include "options.hpp"
#include "work.hpp"

/// Who is in a fleet, and what waits for whom.

namespace hanami::inline HANAMI_ISA::detail {

/// Values of one sample of a cluster. They stay readable while it is at work.
struct sample_size {
  std::size_t input;
  std::size_t target;
};

struct fleet_member;

/// Members one after the other, by their `next`.
struct member_line {
  fleet_member* first = nullptr;
  fleet_member* last = nullptr;

  void push(fleet_member& m) noexcept;
  fleet_member& pop() noexcept;
};

/// Members that take turns as one.
struct member_group {
  group_id id{};
  member_line waiting; ///< have work, but another one stands in the fleet's line
  bool stands = false; ///< one of them does
  std::size_t members = 0;
  std::size_t bytes = 0;   ///< of their clusters, after their last turns, and of guests
  std::size_t granted = 0; ///< bytes that those at work may grow
  std::size_t most_bytes = std::numeric_limits<std::size_t>::max();
};

struct fleet_member {
  fleet_member(std::optional<cluster>&& c, member_id name)
      : net(std::move(c)), id(name),
        size(net ? sample_size{net->input_size(), net->output_size()} : sample_size{0, 0}),
        bytes(net ? net->bytes() : 0) {}

  std::optional<cluster> net; ///< nothing: a guest
  const member_id id;
  const sample_size size;
  job_list soon;             ///< answered before everything else
  job_list queue;            ///< in the order of the calls
  quiet_job* open = nullptr; ///< the last in the queue, where it can take more samples
  member_group* group = nullptr;
  fleet_member* next = nullptr; ///< in a line
  std::size_t queued = 0;
  std::size_t bytes;
  std::uint64_t trained = 0;
  bool busy = false;    ///< stands in the line or is at work
  bool leaving = false; ///< takes no more work
  bool dropped = false; ///< does no more work
};

inline void member_line::push(fleet_member& m) noexcept {
  (first == nullptr ? first : last->next) = &m;
  last = &m;
}

inline fleet_member& member_line::pop() noexcept {
  fleet_member& m = *first;
  first = std::exchange(m.next, nullptr);
  return m;
}

/// The members by id, their queues and all sums over them. Not safe from several threads: the
/// fleet's lock guards it.
class fleet_members {
 public:
  std::size_t size() const noexcept { return size_; }
  std::size_t queued() const noexcept { return queued_; }
  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  /// What the fleet keeps beside the clusters.
  std::size_t bytes() const noexcept {
    return size_ * overhead_bytes + allocated_bytes(slots_) + allocated_bytes(free_);
  }

  fleet_member& add(std::optional<cluster>&& c) {
    if (free_.empty()) {
      slots_.emplace_back();
      free_.reserve(slots_.capacity()); // so that removing cannot fail
      free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    slot& s = slots_[free_.back()];
    const member_id id{(std::uint64_t{s.generation + 1} << 32) | free_.back()};
    s.member = std::make_unique<fleet_member>(std::move(c), id);
    ++s.generation;
    ++size_;
    free_.pop_back();
    return *s.member;
  }

  /// Throws `errc::invalid_argument` for one that is not there or is leaving.
  /// nullptr for one that is leaving or has left.
  fleet_member* look_up(member_id id) const noexcept {
    const std::size_t index = index_in_slots(id);
    fleet_member* m = index < slots_.size() ? slots_[index].member.get() : nullptr;
    return m == nullptr || m->id != id || m->leaving ? nullptr : m;
  }

  fleet_member& find(member_id id) const {
    fleet_member* const m = look_up(id);
    if (m == nullptr) {
      throw error(errc::invalid_argument, "the fleet has no member " +
                                              std::to_string(index_of(id)) +
                                              "; ids are what join() returned, until leave()");
    }
    return *m;
  }

  std::unique_ptr<fleet_member> remove(fleet_member& m) noexcept {
    const std::size_t index = index_in_slots(m.id);
    free_.push_back(static_cast<std::uint32_t>(index));
    --size_;
    queued_ -= m.queued;
    queued_bytes_ -= m.soon.charged() + m.queue.charged();
    return std::move(slots_[index].member);
  }

  void push(fleet_member& m, std::unique_ptr<fleet_job> job, bool soon) noexcept {
    charge(*job);
    note(m, job->left());
    if (soon) {
      m.soon.push(std::move(job));
    } else {
      m.open = nullptr;
      m.queue.push(std::move(job));
    }
  }

  /// One more sample that nobody waits for; such samples share a job of up to `most`.
  void push_row(fleet_member& m, std::span<const float> input, std::span<const float> target,
                std::size_t most) {
    if (m.open != nullptr && m.open->left() < most) {
      m.open->append(input, target, 1);
      charge(*m.open);
      note(m, 1);
      return;
    }
    auto job = std::make_unique<quiet_job>(input, target, input.size(), target.size(), nobody{});
    quiet_job* last = job.get();
    push(m, std::move(job), false);
    m.open = last;
  }

  /// Work that is done: so many samples, jobs of so many bytes.
  void done(fleet_member& m, std::size_t samples, std::size_t bytes) noexcept {
    m.queued -= samples;
    queued_ -= samples;
    queued_bytes_ -= bytes;
  }

  /// Forgets all members and hands them over.
  std::vector<std::unique_ptr<fleet_member>> clear() {
    std::vector<std::unique_ptr<fleet_member>> all;
    for (slot& s : slots_) {
      if (s.member) {
        all.push_back(remove(*s.member));
      }
    }
    return all;
  }

 private:
  struct slot {
    std::unique_ptr<fleet_member> member;
    std::uint32_t generation = 0; ///< how many members have had the slot
  };

  /// What a member takes beside its cluster, as the heap rounds it.
  static constexpr std::size_t overhead_bytes =
      round_up(sizeof(fleet_member) + sizeof(void*), 2 * sizeof(void*)) -
      sizeof(std::optional<cluster>);

  static std::size_t index_in_slots(member_id id) noexcept { return index_of(id) & 0xffffffffU; }

  void charge(fleet_job& job) noexcept {
    const std::size_t bytes = job.bytes();
    queued_bytes_ += bytes - job.charged;
    job.charged = bytes;
  }

  void note(fleet_member& m, std::size_t samples) noexcept {
    m.queued += samples;
    queued_ += samples;
  }

  std::vector<slot> slots_;
  std::vector<std::uint32_t> free_; ///< slots, with room for all of them
  std::size_t size_ = 0;
  std::size_t queued_ = 0;
  std::size_t queued_bytes_ = 0;
};

/// Events a second, over windows of at least one second.
class rate_meter {
 public:
  void add(std::uint64_t events) noexcept {
    count_ += events;
    close_window();
  }
  double per_second() noexcept {
    close_window();
    return rate_;
  }

 private:
  using clock = std::chrono::steady_clock;

  void close_window() noexcept {
    const auto now = clock::now();
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    if (seconds >= 1) {
      rate_ = static_cast<double>(std::exchange(count_, 0)) / seconds;
      begin_ = now;
    }
  }

  clock::time_point begin_ = clock::now();
  std::uint64_t count_ = 0;
  double rate_ = 0;
};

} // namespace hanami::detail
