// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../access/token.hpp"
#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../base/runtime.hpp"
#include "../base/settings.hpp"
#include "../http/client/web_client.hpp"
#include "signature.hpp"
#include "webhook_rows.hpp"

namespace hanami::service::webhooks::detail {

/// Under way at once: of all, and of one user. Of a webhook: one.
inline constexpr std::size_t most_under_way = 64;
inline constexpr std::size_t most_of_user = 4;
/// A try is put off no longer than that.
inline constexpr std::int64_t longest_wait_ms = std::int64_t{12} * 3600 * 1000;

/// How long after a try that failed the next one comes: six times as long each time.
inline std::int64_t wait_after(std::uint32_t tries, const webhook_settings& settings,
                               std::uint32_t asked_for_s) {
  std::int64_t wait = settings.retry.count();
  for (std::uint32_t i = 1; i < tries && wait < longest_wait_ms; ++i) {
    wait *= 6;
  }
  wait = std::max(wait, std::int64_t{asked_for_s} * 1000);
  return std::min(wait, longest_wait_ms);
}

inline http::web_client_settings client_settings(const webhook_settings& from) {
  return {from.authorities, "webhook.authorities", from.timeout,
          [reachable = http::reachable_addresses(from.private_networks)](
              const ip_address& address) { return reachable.contains(address); },
          "has no address that webhooks may reach; the operator can name networks in "
          "webhook.private_networks"};
}

/// Sends the messages of all webhooks when they are due, and notes what became of them. Safe from
/// any thread.
class outbox {
 public:
  /// `key`: for the secrets.
  outbox(const webhook_settings& settings, runtime& common, store::database& db,
         const access::secret_key& key)
      : settings_(settings), log_(common.log), db_(db), key_(key),
        next_try_(common.timer, [this] { send_due(); }), results_(common.pool, work_kind::upkeep),
        out_(client_settings(settings), common.log, "webhooks") {
    look();
  }
  ~outbox() { next_try_.end(); }
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;

  /// There may be something that is due.
  void look() { next_try_.set(std::chrono::milliseconds(0)); }
  /// Webhooks that were disabled since the start.
  std::uint64_t disabled() const noexcept { return disabled_; }

 private:
  /// A message that is due, with what it is sent by.
  struct due_message {
    webhook to;
    std::string secret; ///< sealed
    message what;
  };

  /// Starts what is due, as far as there is room; says when to come again.
  void send_due() {
    const std::int64_t now = now_ms();
    std::int64_t next = 0;
    std::vector<due_message> due = db_.read([&](store::connection& on) {
      std::vector<due_message> found;
      store::statement rows =
          on.query("SELECT webhook_id, min(next_at) FROM webhook_messages WHERE state = 0 GROUP BY "
                   "webhook_id ORDER BY 2");
      while (rows.step()) {
        if (rows.integer(1) > now) {
          next = rows.integer(1);
          break;
        }
        due_message one;
        one.to.id = rows.text(0);
        found.push_back(std::move(one));
      }
      return found;
    });
    for (due_message& each : due) {
      if (begin(each.to.id)) {
        start(std::move(each));
      }
    }
    if (next > 0) {
      next_try_.set(std::chrono::milliseconds(std::max<std::int64_t>(next - now_ms(), 0)));
    }
  }

  /// False: it waits for others to end, which look again.
  bool begin(const std::string& webhook_id) {
    const std::lock_guard lock(mutex_);
    const auto rest = resting_.find(webhook_id);
    return (rest == resting_.end() || rest->second <= now_ms()) &&
           under_way_.size() < most_under_way && under_way_.insert(webhook_id).second;
  }

  void start(due_message one) {
    const std::string id = one.to.id;
    try {
      const bool found = db_.read([&](store::connection& on) { return read_due(on, one); });
      if (found && begin_of_user(one.to.owner_id)) {
        send(std::move(one));
        return;
      }
    } catch (...) {
      log_.error("webhook", std::current_exception());
      next_try_.set(std::chrono::minutes(1));
    }
    const std::lock_guard lock(mutex_);
    under_way_.erase(id);
  }

  static bool read_due(store::connection& on, due_message& one) {
    {
      store::statement row = on.query(std::string(select_webhooks) + "WHERE id = ?", one.to.id);
      if (!row.step()) {
        return false;
      }
      one.to = read_webhook(row);
    }
    {
      store::statement row = on.query("SELECT secret FROM webhooks WHERE id = ?", one.to.id);
      row.step();
      one.secret = row.text(0);
    }
    store::statement row = on.query(std::string(select_messages) +
                                        "WHERE webhook_id = ? AND state = 0 AND next_at <= ? "
                                        "ORDER BY next_at, number LIMIT 1",
                                    one.to.id, now_ms());
    if (!row.step()) {
      return false;
    }
    one.what = read_message(row);
    return true;
  }

  bool begin_of_user(const std::string& user_id) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = of_user_[user_id];
    if (count >= most_of_user) {
      return false;
    }
    ++count;
    return true;
  }

  void send(due_message one) {
    http::web_request request;
    try {
      const std::int64_t seconds = now_ms() / 1000;
      request.to = http::parse_web_address(one.to.url);
      request.fields = {{"Content-Type", "application/json"},
                        {"webhook-id", one.what.id},
                        {"webhook-timestamp", std::to_string(seconds)},
                        {"webhook-signature", signature_of(unsealed(one.secret, key_), one.what.id,
                                                           seconds, one.what.body)}};
    } catch (const refusal& why) {
      hear(std::move(one), {0, 0, why.what(), {}});
      return;
    }
    request.body = one.what.body;
    auto kept = std::make_shared<due_message>(std::move(one));
    out_.send(std::move(request),
              [this, kept](http::web_result result) { hear(std::move(*kept), std::move(result)); });
  }

  void hear(due_message one, http::web_result result) {
    auto kept = std::make_shared<due_message>(std::move(one));
    results_.post([this, kept, result = std::move(result)] {
      std::int64_t rests_until = 0;
      try {
        note_result(*kept, result);
      } catch (...) { // it is sent again, but not over and over
        log_.error("webhook", std::current_exception());
        rests_until = now_ms() + 60'000;
        next_try_.set(std::chrono::minutes(1));
      }
      {
        const std::lock_guard lock(mutex_);
        resting_.erase(kept->to.id);
        if (rests_until > 0) {
          resting_[kept->to.id] = rests_until;
        }
        under_way_.erase(kept->to.id);
        const auto user = of_user_.find(kept->to.owner_id);
        if (--user->second == 0) {
          of_user_.erase(user);
        }
      }
      look();
    });
  }

  void note_result(const due_message& one, const http::web_result& result) {
    const std::int64_t now = now_ms();
    const bool taken = result.status / 100 == 2;
    const std::uint32_t tries = one.what.tries + 1;
    const bool last = tries >= settings_.tries;
    std::string trouble = result.trouble;
    if (!taken && result.status != 0) {
      trouble = "the answer was " + std::to_string(result.status);
      if (result.status / 100 == 3) {
        trouble += "; redirects are not followed";
      }
    }
    const bool lasting =
        one.to.failing_since != 0 &&
        now - one.to.failing_since >= std::chrono::milliseconds(settings_.disable_after).count();
    const bool disables = !taken && (result.status == 410 || lasting);
    const auto state = taken              ? message_state::delivered
                       : disables || last ? message_state::failed
                                          : message_state::waiting;
    db_.write_anyway([&](store::connection& on) {
      on.execute("UPDATE webhook_messages SET state = ?, tries = ?, status = ?, trouble = ?, "
                 "tried_at = ?, next_at = ? WHERE number = ? AND state = 0",
                 static_cast<int>(state), tries, result.status, trouble, now,
                 now + wait_after(tries, settings_, result.wait_s), one.what.number);
      if (taken) {
        on.execute("UPDATE webhooks SET failing_since = 0 WHERE id = ?", one.to.id);
      } else {
        on.execute("UPDATE webhooks SET failing_since = ? WHERE id = ? AND failing_since = 0", now,
                   one.to.id);
      }
      if (disables) {
        const std::string why = result.status == 410
                                    ? "its receiver said 410: it is gone"
                                    : "every message has failed since " +
                                          to_rfc3339(one.to.failing_since) + ", last: " + trouble;
        on.execute("UPDATE webhooks SET enabled = 0, reason = ?, disabled_at = ? WHERE id = ? AND "
                   "enabled = 1",
                   why, now, one.to.id);
        fail_waiting(on, one.to.id, "the webhook was disabled");
      }
      if (state != message_state::waiting) {
        forget_old_messages(on, one.to.id);
      }
    });
    if (disables) {
      ++disabled_;
      log_.warning("webhook", "webhook " + one.to.id + " of " +
                                  (one.to.place.stream_id.empty()
                                       ? "tasks in project " + one.to.place.project_id
                                       : "stream " + one.to.place.stream_id) +
                                  " is disabled; last trouble: " + trouble);
    }
  }

  const webhook_settings& settings_;
  logger& log_;
  store::database& db_;
  const access::secret_key key_;
  std::atomic<std::uint64_t> disabled_{0};
  std::mutex mutex_;                            ///< guards the three
  std::set<std::string> under_way_;             ///< webhooks
  std::map<std::string, std::size_t> of_user_;  ///< under way
  std::map<std::string, std::int64_t> resting_; ///< webhooks, until when: nothing could be noted
  timed_work next_try_;
  work_group results_;
  http::web_client out_; ///< first to end: what it calls is there until then
};

} // namespace hanami::service::webhooks::detail
