// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cluster_files.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "../../io/checkpoint.hpp"
#include "../base/compile.hpp"

namespace hanami::service::engine {

namespace detail {

inline task_position position_from(const checkpoint_metadata& metadata) {
  task_position where;
  const auto text = [&](std::string_view key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  const auto number = [&](std::string_view key) {
    const std::string digits = text(key);
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  where.task_id = text("task");
  if (!where.task_id.empty()) {
    where.done = number("done");
    where.state = static_cast<store::task_state>(number("state"));
    where.error = text("error");
    where.refused = number("refused");
    where.refusal = text("refusal");
    where.losses = training_losses::from_text(text("losses"));
  }
  return where;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::vector<std::byte> take_snapshot(const cluster& of,
                                                           const task_position& where) {
  checkpoint_metadata metadata;
  if (!where.task_id.empty()) {
    metadata = {{"task", where.task_id},
                {"done", std::to_string(where.done)},
                {"state", std::to_string(static_cast<unsigned>(where.state))},
                {"error", where.error},
                {"refused", std::to_string(where.refused)},
                {"refusal", where.refusal},
                {"losses", where.losses.to_text()}};
  }
  return to_checkpoint(of, metadata);
}

HANAMI_SERVICE_INLINE cluster_files::recovered
cluster_files::recover(const journal_replay& replay) {
  std::optional<recovered> found;
  snapshot_files::recover(
      [&](std::span<const std::byte> bytes) {
        found.emplace(recovered{from_checkpoint(bytes), detail::position_from(metadata_of(bytes))});
      },
      [&](const journal_record& record) { return replay(found->net, record, found->where); });
  return *std::move(found);
}

} // namespace hanami::service::engine
