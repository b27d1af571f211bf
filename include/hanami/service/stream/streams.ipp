// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "streams.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include "../../foundation/error.hpp"
#include "../../io/checkpoint.hpp"
#include "../base/compile.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "streams_state.hpp"

namespace hanami::service::streams {

HANAMI_SERVICE_INLINE streams::streams(const server_config& config, runtime& common,
                                       store::resources& resources, access::accounts& accounts,
                                       data::datasets& data, engine::engine& engine)
    : state_(std::make_unique<state>(config, common, resources, accounts, data, engine)) {}

HANAMI_SERVICE_INLINE streams::~streams() { state_->stop(); }

HANAMI_SERVICE_INLINE store::resource_row streams::create(const identity& caller,
                                                          std::string_view name, stream_plan plan,
                                                          visibility visible_to) {
  state& s = *state_;
  plan.max_tracks = tracks_in(s.config.stream.stream_memory, plan.window);
  store::resource_row row;
  row.kind = store::resource_kind::stream;
  row.id = new_uuid();
  row.name = name;
  row.visible_to = visible_to;
  row.detail = json::serialize(to_json(plan));
  const stream_session fresh(std::move(plan));
  engine::snapshot_files files(s.folder / row.id, s.data.key(), false);
  files.create(to_checkpoint(fresh));
  try {
    row.bytes = files.bytes();
    const quota limits = s.accounts.quota_of(caller.user_id);
    return s.resources.add(caller, std::move(row), limits.streams, limits.bytes,
                           store::name_rule::unique_in_project);
  } catch (...) {
    files.remove();
    throw;
  }
}

HANAMI_SERVICE_INLINE store::resource_row streams::change(const identity& caller,
                                                          std::string_view id,
                                                          const store::resource_change& what,
                                                          std::optional<std::uint64_t> version) {
  return state_->resources.change(caller, store::resource_kind::stream, id, what, version,
                                  store::name_rule::unique_in_project);
}

HANAMI_SERVICE_INLINE void streams::remove(const identity& caller, std::string_view id) {
  state_->remove(state_->resources.get_to_change(caller, store::resource_kind::stream, id).id);
}

HANAMI_SERVICE_INLINE bool streams::is_loaded(std::string_view id) {
  return state_->find_live(id) != nullptr;
}

HANAMI_SERVICE_INLINE void streams::feed(std::string_view id, std::string_view user_id,
                                         row_batch batch, wanted_answers wanted,
                                         batch_callback done) {
  state& s = *state_;
  const detail::live_ptr live = s.live_of(id);
  s.expect_room(*live);
  s.engine.expect_disk_quota(*live->owner);
  s.feed(live, s.engine.meter_of(user_id), std::move(batch), wanted, std::move(done));
}

HANAMI_SERVICE_INLINE stream_statistics streams::statistics(std::string_view id) {
  return state_->in_turn(id,
                         [](const detail::live_stream& live) { return live.session.statistics(); });
}

HANAMI_SERVICE_INLINE std::vector<stream_alarm>
streams::alarms_before(std::string_view id, std::uint64_t before, std::size_t most) {
  return state_->in_turn(id, [before, most](const detail::live_stream& live) {
    return live.session.alarms_before(before, most);
  });
}

HANAMI_SERVICE_INLINE std::vector<stream_alarm>
streams::alarms_after(std::string_view id, std::uint64_t after, std::size_t most) {
  return state_->in_turn(id, [after, most](const detail::live_stream& live) {
    return live.session.alarms_after(after, most);
  });
}

HANAMI_SERVICE_INLINE history_page streams::history_before(std::string_view id,
                                                           std::uint64_t before, std::size_t most) {
  return state_->in_turn(id, [before, most](const detail::live_stream& live) {
    return live.session.history_before(before, most);
  });
}

HANAMI_SERVICE_INLINE std::optional<std::string> streams::forecasts(std::string_view id,
                                                                    std::string_view key) {
  return state_->in_turn(id, [key = std::string(key)](const detail::live_stream& live) {
    return live.session.forecasts(key);
  });
}

HANAMI_SERVICE_INLINE std::optional<std::uint64_t> streams::alarm_count(std::string_view id) {
  const detail::live_ptr live = state_->find_live(id);
  return live ? std::optional<std::uint64_t>(live->alarms) : std::nullopt;
}

HANAMI_SERVICE_INLINE store::resource_row streams::save(const identity& caller, std::string_view id,
                                                        std::string_view name) {
  state& s = *state_;
  const auto of = s.resources.get(caller, store::resource_kind::stream, id);
  std::uint64_t rows = 0;
  const auto bytes = s.in_turn(of.id, [&rows](const detail::live_stream& live) {
    rows = live.session.rows();
    return to_checkpoint(live.session);
  });
  store::resource_row row;
  row.id = new_uuid();
  row.name = name;
  row.detail = json::serialize(json::object{{"stream_id", of.id}, {"samples", rows}});
  return s.engine.add_checkpoint(caller, std::move(row), bytes);
}

HANAMI_SERVICE_INLINE store::resource_row
streams::restore(const identity& caller, std::string_view id, std::string_view checkpoint_id) {
  state& s = *state_;
  const auto of = s.resources.get_to_change(caller, store::resource_kind::stream, id);
  const auto content = engine::detail::read_all(*s.engine.open_checkpoint(caller, checkpoint_id));
  auto restored = std::make_shared<stream_session>();
  try {
    *restored = from_checkpoint<stream_session>(content);
  } catch (const error& e) {
    throw refusal(refusal_code::invalid_checkpoint, e.what());
  }
  const std::string plan = json::serialize(to_json(restored->plan()));
  const std::uint64_t bytes = s.in_turn(of.id, [&s, restored](detail::live_stream& live) {
    // On disk before it is there: rows that come next stand in a journal that follows from it.
    live.files.write_snapshot(live.files.begin_generation(), to_checkpoint(*restored));
    live.session = std::move(*restored);
    live.journal_size = 0;
    live.journal_open = false;
    live.dirty_since = 0;
    live.alarms = live.session.alarms();
    s.count_bytes(live);
    live.noted_bytes = live.files.bytes();
    return live.noted_bytes.load();
  });
  s.resources.update(of.id, bytes, plan);
  s.engine.note_files(*s.engine.meter_of(of.owner_id));
  return *s.resources.find(store::resource_kind::stream, of.id);
}

HANAMI_SERVICE_INLINE std::uint64_t streams::alarms() const noexcept { return state_->alarms; }

HANAMI_SERVICE_INLINE void streams::on_alarm(std::function<void(const std::string&)> hear) {
  const std::unique_lock lock(state_->hearing);
  state_->hear_alarm = std::move(hear);
}

HANAMI_SERVICE_INLINE streams_statistics streams::all_statistics() {
  return {state_->all_live().size(), state_->bytes, state_->rows, state_->alarms};
}

} // namespace hanami::service::streams
