// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// The plain data of webhooks. Times are milliseconds since 1970; 0: never.

namespace hanami::service::webhooks {

/// Of one stream, and of one user for tasks in a project.
inline constexpr std::size_t most_webhooks = 10;
/// Messages of one webhook that wait; what comes beyond is dropped, and counted.
inline constexpr std::int64_t most_waiting = 1000;
/// Messages of one webhook that have come to their end and are still shown.
inline constexpr std::int64_t most_ended = 200;

/// What webhooks are of: of a stream, whose alarms they tell, or of a user, for tasks in a project.
struct webhook_place {
  std::string stream_id;
  std::string user_id;    ///< empty: of a stream
  std::string project_id; ///< of tasks
};

/// Whose tasks.
enum class task_reach : std::uint8_t { own, project, all };

/// Where alarms of a stream are sent, or ends of tasks.
struct webhook {
  std::string id;
  webhook_place place;
  task_reach reach = task_reach::own; ///< of tasks
  unsigned states = 0;                ///< of tasks: those that are told, a sum of 1 << state
  std::string owner_id;               ///< of the stream, or of the webhook
  std::string url;
  bool enabled = true;
  std::string reason;           ///< why it was disabled; empty: nobody but its owner has done so
  std::uint64_t last_alarm = 0; ///< number of the last alarm that was queued
  std::uint64_t dropped = 0;    ///< alarms and ends that found no place
  std::int64_t created_at = 0;
  std::int64_t failing_since = 0;
  std::int64_t disabled_at = 0; ///< by the service
};

enum class message_state : std::uint8_t { waiting, delivered, failed };

/// A message, and what became of it.
struct message {
  std::int64_t number = 0; ///< grows from message to message
  std::string id;          ///< `webhook-id`: the same at each try
  std::string type;
  std::string body;
  message_state state = message_state::waiting;
  std::uint32_t tries = 0;
  unsigned status = 0; ///< of the last answer; 0: none came
  std::string trouble; ///< of the last try
  std::int64_t created_at = 0;
  std::int64_t tried_at = 0;
  std::int64_t next_at = 0; ///< of the next try, while it waits
};

} // namespace hanami::service::webhooks
