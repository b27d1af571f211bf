// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../access/accounts.hpp"
#include "../base/identity.hpp"
#include "../base/runtime.hpp"
#include "../base/settings.hpp"
#include "../data/datasets.hpp"
#include "../engine/engine.hpp"
#include "../store/resources.hpp"
#include "stream_plan.hpp"
#include "stream_types.hpp"

/// The streams of many users: rows come in, forecasts and alarms come out. Each stream takes rows
/// in the order of the calls; all of a user's take turns with the user's clusters, in the engine's
/// fleet. A batch is written to the stream's journal before it is learned, so that what was
/// acknowledged survives a kill, and replaying the journal is exact.

namespace hanami::service::streams {

/// Called once for a batch, on a thread of the fleet; must return quickly.
using batch_callback = std::function<void(batch_result, std::exception_ptr)>;

struct streams_statistics {
  std::size_t streams = 0; ///< in memory
  std::size_t bytes = 0;   ///< of them
  std::uint64_t rows = 0;  ///< learned since the start
  std::uint64_t alarms = 0;
};

/// All functions are safe from any thread. Rights are checked where an `identity` is given. They
/// throw `refusal`, named by its code below; callbacks get `refusal`s too.
class streams {
 public:
  streams(const server_config& config, runtime& common, store::resources& resources,
          access::accounts& accounts, data::datasets& data, engine::engine& engine);
  /// Learns what has been accepted and writes it to disk.
  ~streams();
  streams(const streams&) = delete;
  streams& operator=(const streams&) = delete;

  /// `invalid_value` for a plan that cannot be, `conflict` for a name that exists in the caller's
  /// project, `quota_exceeded`.
  store::resource_row create(const identity& caller, std::string_view name, stream_plan plan,
                             visibility visible_to);
  /// As `store::resources::change`, with names unique in a project.
  store::resource_row change(const identity& caller, std::string_view id,
                             const store::resource_change& what,
                             std::optional<std::uint64_t> version);
  void remove(const identity& caller, std::string_view id);

  // No rights are checked below where no `identity` is given. A stream is brought into memory if
  // necessary, which may take long: `not_found`, `damaged`.

  /// Whether it is in memory: `feed` will not wait for a disk then.
  bool is_loaded(std::string_view id);
  /// Rows for a stream; the work is counted for the user `user_id`. `busy` where too much waits,
  /// `no_space` where the journal cannot be written.
  void feed(std::string_view id, std::string_view user_id, row_batch batch, wanted_answers wanted,
            batch_callback done);
  stream_statistics statistics(std::string_view id);
  /// See `stream_session`.
  std::vector<stream_alarm> alarms_before(std::string_view id, std::uint64_t before,
                                          std::size_t most);
  std::vector<stream_alarm> alarms_after(std::string_view id, std::uint64_t after,
                                         std::size_t most);
  history_page history_before(std::string_view id, std::uint64_t before, std::size_t most);
  std::optional<std::string> forecasts(std::string_view id, std::string_view key);
  /// Alarms so far, without waiting; nothing for one that is not in memory.
  std::optional<std::uint64_t> alarm_count(std::string_view id);

  /// What the stream is now, as a checkpoint of the caller's.
  store::resource_row save(const identity& caller, std::string_view id, std::string_view name);
  /// Replaces what the stream has learned by a checkpoint's, with its plan. `invalid_checkpoint`
  /// for one of anything else. Returns the stream's row.
  store::resource_row restore(const identity& caller, std::string_view id,
                              std::string_view checkpoint_id);

  streams_statistics all_statistics();
  /// Alarms of all since the start: whether there are new ones, at no cost.
  std::uint64_t alarms() const noexcept;

  /// Has `hear(id of the stream)` called whenever there are new alarms, on a thread of the fleet;
  /// it must return quickly. One that was set before is not called any more once this returns.
  void on_alarm(std::function<void(const std::string&)> hear);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::streams
