// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "../../fleet/options.hpp"
#include "../access/token.hpp"
#include "../base/clock.hpp"
#include "../engine/disk/snapshot_files.hpp"
#include "../engine/user_meter.hpp"
#include "stream_session.hpp"

namespace hanami::service::streams::detail {

struct live_stream;

/// Work that waits for its turn at a stream.
struct stream_job {
  /// Works until then or to the end; true: there is more to do. What it throws goes to `refuse`.
  std::function<bool(live_stream&, stream_session::clock::time_point until)> run;
  std::function<void(std::exception_ptr)> refuse; ///< it will not be done (any more)
  std::size_t bytes = 0;                          ///< that it holds
  bool upkeep = false;                            ///< nobody has asked for it
};

/// A stream in memory: its place in the fleet, its files, and what waits.
struct live_stream : std::enable_shared_from_this<live_stream> {
  live_stream(std::string name, engine::detail::user_ptr of, std::filesystem::path folder,
              const std::optional<access::secret_key>& key, bool sync_journal,
              engine::journal_places& places)
      : id(std::move(name)), owner(std::move(of)),
        files(std::move(folder), key, sync_journal, &places) {}

  const std::string id;
  const engine::detail::user_ptr owner;
  member_id fleet_id{};

  // In the stream's turn only.
  engine::snapshot_files files;
  stream_session session;
  std::uint64_t worked_ns =
      0; ///< CPU time since the last snapshot, which a replay would take again
  std::uint64_t uncounted = 0; ///< rows learned since `bytes` was counted

  std::atomic<std::size_t> bytes{0};          ///< of the session, counted now and then
  std::atomic<std::uint64_t> journal_size{0}; ///< bytes since the last snapshot
  std::atomic<std::int64_t> dirty_since{0};   ///< by `steady_ms`; 0: a snapshot has all
  std::atomic<std::int64_t> used_at{steady_ms()};
  std::atomic<bool> snapshotting{false};
  std::atomic<bool> journal_open{false};
  std::atomic<std::uint64_t> noted_bytes{0}; ///< on disk, as far as the database knows
  std::atomic<std::uint64_t> alarms{0};      ///< so far

  std::mutex mutex; ///< guards all below
  std::condition_variable idle;
  std::deque<stream_job> waiting; ///< the first one is being done
  std::size_t waiting_bytes = 0;
  bool gone = false; ///< removed: takes nothing more

  bool is_gone() {
    const std::lock_guard lock(mutex);
    return gone;
  }
  bool is_idle() {
    const std::lock_guard lock(mutex);
    return waiting.empty();
  }
  void wait_until_idle() {
    std::unique_lock lock(mutex);
    idle.wait(lock, [this] { return waiting.empty(); });
  }
};

using live_ptr = std::shared_ptr<live_stream>;

} // namespace hanami::service::streams::detail
