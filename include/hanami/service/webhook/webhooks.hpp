// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/runtime.hpp"
#include "../base/settings.hpp"
#include "../store/database.hpp"
#include "../store/page.hpp"
#include "../store/tasks.hpp"
#include "../stream/streams.hpp"
#include "webhook_types.hpp"

/// Webhooks of streams and of tasks: each alarm becomes a message for each webhook of its stream,
/// which is sent until somebody takes it, or for a day. Messages wait in the database, so that they
/// survive a kill, like the number of the last alarm that became one: an alarm that was
/// acknowledged is told of, if need be twice, with the same id. The threads that learn rows only
/// note that there is an alarm. The end of a task becomes messages in the transaction that writes
/// it down.

namespace hanami::service::webhooks {

/// Which ends of tasks a webhook tells.
struct wanted_ends {
  task_reach reach = task_reach::own;
  unsigned states = 0; ///< a sum of 1 << state
};

/// Of a change only what is there.
struct webhook_change {
  std::optional<std::string> url;
  std::optional<bool> enabled;
};

/// Safe from any thread. No rights are checked here; a webhook of another place is `not_found`.
class webhooks {
 public:
  /// All of them must outlive this. Begins where the process before has ended.
  webhooks(const server_config& config, runtime& common, store::database& db,
           streams::streams& streams, store::tasks& tasks);
  /// Messages that are not sent yet wait for the next start.
  ~webhooks();
  webhooks(const webhooks&) = delete;
  webhooks& operator=(const webhooks&) = delete;

  /// Begins with the next alarm or end. The secret is told once. `invalid_value` for a URL that
  /// cannot be one or names an address that may not be reached, `quota_exceeded`.
  std::pair<webhook, std::string> create(const webhook_place& place, std::string_view owner_id,
                                         std::string_view url, const wanted_ends& ends = {});
  std::vector<webhook> list(const webhook_place& place);
  webhook get(const webhook_place& place, std::string_view id);
  /// One that is enabled begins with the next alarm; one that is disabled sends nothing more, and
  /// what waits fails.
  webhook change(const webhook_place& place, std::string_view id, const webhook_change& what);
  void remove(const webhook_place& place, std::string_view id);

  /// To be called once a stream was taken back to a checkpoint, with its fewer alarms.
  void rewind(std::string_view stream_id);

  /// Sends a message of the type `webhook.test`. `quota_exceeded` where too many wait, `conflict`
  /// for a webhook that is disabled.
  message test(const webhook_place& place, std::string_view id);
  /// Messages with numbers below `before`, newest first; `total`: of all numbers.
  store::page<message> messages(const webhook_place& place, std::string_view id,
                                std::int64_t before, std::size_t most);

  /// Those of a stream that the service has disabled after that time; next to nothing where none
  /// was since the last start.
  std::vector<webhook> disabled_after(std::string_view stream_id, std::int64_t at);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::webhooks
