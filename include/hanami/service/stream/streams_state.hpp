// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <sys/stat.h>

#include "../../foundation/error.hpp"
#include "../../io/checkpoint.hpp"
#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "live_stream.hpp"
#include "streams.hpp"

/// The inside of `streams`: which of them are in memory, whose turn it is, what is written to disk.
/// No rights are checked here.
///
/// Threads: those of the engine's fleet work on streams, one at a time on each; those of the pool
/// load them, write snapshots and see who leaves memory. The lock of the table is held while a
/// stream that nobody uses is let go, and no other lock is held while a part is called that takes
/// one.

namespace hanami::service::streams {

namespace detail {

/// How long a stream works before another one's turn.
inline constexpr std::chrono::milliseconds slice_time{10};
/// A snapshot is written before replaying the journal would take longer.
inline constexpr std::uint64_t most_replay_ns = 5'000'000'000;
/// The share of the memory of all streams that is made free when some of it has to be.
inline constexpr std::size_t spare_part = 16;
/// Batches that may wait, of one stream and of all.
inline constexpr std::size_t most_waiting = 10'000;
inline constexpr std::size_t most_waiting_bytes = std::size_t{32} << 20;
inline constexpr std::size_t most_waiting_of_all = std::size_t{256} << 20;

inline refusal being_stopped() {
  refusal why(refusal_code::stopping, "the service is being stopped");
  why.retry_after_s = 10;
  return why;
}

inline refusal too_busy(const std::string& why) {
  refusal busy(refusal_code::busy, why);
  busy.retry_after_s = 1;
  return busy;
}

/// What a caller gets for an error.
inline std::exception_ptr refusal_for(const std::exception_ptr& thrown, logger& log) {
  try {
    std::rethrow_exception(thrown);
  } catch (const refusal&) {
    return thrown;
  } catch (const error& e) {
    log.error("stream", thrown);
    if (e.code() == errc::too_many_files) {
      return std::make_exception_ptr(too_many_files());
    }
    if (e.code() == errc::file_error) {
      return std::make_exception_ptr(
          refusal(refusal_code::no_space, "rows cannot be kept on disk at present"));
    }
  } catch (...) {
    log.error("stream", thrown);
  }
  return std::make_exception_ptr(refusal(refusal_code::internal, "the stream has failed"));
}

} // namespace detail

struct streams::state {
  using live_ptr = detail::live_ptr;
  using live_stream = detail::live_stream;
  using user_counts = engine::detail::user_counts;
  using clock = stream_session::clock;

  state(const server_config& with, runtime& shared, store::resources& all_resources,
        access::accounts& all_accounts, data::datasets& all_data, engine::engine& of);
  void stop();

  // --- Streams in memory.

  std::vector<live_ptr> all_live();
  /// nullptr unless it is in memory.
  live_ptr find_live(std::string_view id);
  live_ptr live_of(std::string_view id);
  live_ptr load(std::string_view id);
  void remove(const std::string& id);

  // --- Memory.

  /// Refuses rows where streams, or what the user has in memory, take more than they may.
  void expect_room(live_stream& live);
  /// Makes streams that nobody uses leave, and clusters of the user, until so many bytes more fit.
  /// Throws as `expect_room`.
  void make_room(user_counts& owner, std::size_t more);
  refusal no_memory() const;
  void count_bytes(live_stream& live);
  /// In the order of their last use; `of`: only this user's.
  template <class Enough>
  void make_leave(const user_counts* of, const Enough& enough);
  enum class unsaved : std::uint8_t { stays, leaves };
  /// Out of memory, if nobody has come to use it. What no snapshot holds is in its journal.
  void let_go(const std::string& id, unsaved what);

  // --- Turns.

  void enqueue(const live_ptr& live, detail::stream_job job);
  void submit(const live_ptr& live);
  void try_again();
  void take_turn(const live_ptr& live);
  bool end_job(live_stream& live);
  void refuse_all(const live_ptr& live, const refusal& why);
  /// Calls `look(session)` in the stream's turn and waits for its result.
  template <class Look>
  auto in_turn(std::string_view id, Look look) {
    using result = std::invoke_result_t<Look&, live_stream&>;
    const live_ptr live = live_of(id);
    auto promise = std::make_shared<std::promise<result>>();
    auto waits = promise->get_future();
    enqueue(live, {[promise, look = std::move(look)](live_stream& of, clock::time_point) mutable {
                     promise->set_value(look(of));
                     return false;
                   },
                   [promise](std::exception_ptr why) { promise->set_exception(why); }, 0});
    return waits.get();
  }

  void feed(const live_ptr& live, engine::detail::user_ptr user, row_batch batch,
            wanted_answers wanted, batch_callback done);
  void append(live_stream& s, const row_batch& batch);
  void finish(live_stream& s, user_counts& user, batch_callback& hear);

  // --- To disk.

  void keep(live_stream& s);
  void write(live_stream& s, std::uint64_t generation, std::span<const std::byte> bytes_of);
  void note_disk(live_stream& s) noexcept;
  void look_after();
  /// Has it done in the stream's turn, which counts as no use of it.
  void look_after(const live_ptr& live, std::function<void(live_stream&)> work);

  const server_config& config;
  runtime& common;
  store::resources& resources;
  access::accounts& accounts;
  data::datasets& data;
  engine::engine& engine;
  const std::filesystem::path folder;

  std::atomic<std::size_t> bytes{0}; ///< of streams in memory
  std::atomic<bool> room_due{false}; ///< room is being made, or soon
  std::atomic<std::size_t> waiting_bytes{0};
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> alarms{0};

  std::shared_mutex hearing;
  std::function<void(const std::string&)> hear_alarm; ///< under `hearing`

  std::mutex table; ///< guards the two
  std::map<std::string, std::shared_future<live_ptr>, std::less<>> known;
  bool stopping = false;

  std::mutex delayed_mutex;
  std::vector<live_ptr> delayed; ///< to be submitted again, since the fleet was full

  work_group disk_work{common.pool, work_kind::upkeep};
  timed_work upkeep{common.timer, [this] { look_after(); }};
  timed_work next_try{common.timer, [this] { try_again(); }};
};

} // namespace hanami::service::streams
