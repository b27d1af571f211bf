// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../base/runtime.hpp"
#include "../stream/streams.hpp"
#include "webhook_rows.hpp"

namespace hanami::service::webhooks::detail {

/// Alarms that are turned into messages at once.
inline constexpr std::size_t alarm_step = 100;

inline message alarm_message(const std::string& stream_id, const streams::stream_alarm& alarm,
                             std::int64_t now) {
  message made;
  // The time, since numbers come again in a stream that was taken back to a checkpoint.
  made.id =
      "msg_" + stream_id + '_' + std::to_string(alarm.number) + '_' + std::to_string(alarm.at);
  made.type = "stream.alarm";
  made.body = R"({"type":"stream.alarm","timestamp":")" + to_rfc3339(alarm.at) +
              R"(","data":{"stream_id":")" + stream_id + R"(","alarm":)";
  streams::append_alarm(made.body, alarm);
  made.body += "}}";
  made.created_at = made.next_at = now;
  return made;
}

/// Makes messages of alarms: the threads that learn rows only note whose turn it is, a worker reads
/// the alarms. Safe from any thread.
class alarm_intake {
 public:
  /// Begins with what came before the end of the process before. `queued` is called when there are
  /// new messages.
  alarm_intake(runtime& common, store::database& db, streams::streams& streams,
               std::function<void()> queued)
      : log_(common.log), db_(db), streams_(streams), queued_(std::move(queued)),
        work_(common.pool, work_kind::request) {
    db_.read([&](store::connection& on) {
      store::statement rows = on.query("SELECT DISTINCT stream_id FROM webhooks WHERE enabled = 1 "
                                       "AND stream_id IS NOT NULL");
      while (rows.step()) {
        alarmed_.insert(rows.text(0));
      }
    });
    if (!alarmed_.empty()) {
      work_.post([this] { take_alarms(); });
    }
    streams_.on_alarm([this](const std::string& id) { note_alarm(id); });
  }
  ~alarm_intake() {
    streams_.on_alarm({});
    stopping_ = true;
    work_.close();
  }
  alarm_intake(const alarm_intake&) = delete;
  alarm_intake& operator=(const alarm_intake&) = delete;

  /// A stream that was taken back to a checkpoint has fewer alarms than before.
  void rewind(std::string_view stream_id) {
    if (const auto count = streams_.alarm_count(stream_id)) {
      db_.write([&](store::connection& on) {
        on.execute("UPDATE webhooks SET last_alarm = ? WHERE stream_id = ? AND last_alarm > ?",
                   *count, stream_id, *count);
      });
    }
  }

 private:
  void note_alarm(const std::string& id) {
    const std::lock_guard lock(mutex_);
    if (!alarmed_.insert(id).second) {
      again_.insert(id);
    } else if (alarmed_.size() == 1) {
      work_.post([this] { take_alarms(); });
    }
  }

  void take_alarms() {
    for (;;) {
      std::string id;
      {
        const std::lock_guard lock(mutex_);
        if (alarmed_.empty() || stopping_) {
          return;
        }
        id = *alarmed_.begin();
      }
      try {
        take_alarms_of(id);
      } catch (const refusal& why) { // it is gone, or there is no memory: with its next alarm
        if (why.code() != refusal_code::not_found) {
          log_.warning("webhook", "alarms of stream " + id + " wait: " + why.what());
        }
      } catch (...) {
        log_.error("webhook", std::current_exception());
      }
      const std::lock_guard lock(mutex_);
      if (again_.erase(id) == 0) {
        alarmed_.erase(id);
      }
    }
  }

  void take_alarms_of(const std::string& stream_id) {
    for (;;) {
      std::vector<webhook> all = db_.read([&](store::connection& on) {
        return webhooks_of(on, {stream_id, {}, {}});
      });
      std::erase_if(all, [](const webhook& each) { return !each.enabled; });
      if (all.empty()) {
        return;
      }
      const auto first =
          std::min_element(all.begin(), all.end(), [](const webhook& a, const webhook& b) {
            return a.last_alarm < b.last_alarm;
          });
      const std::vector<streams::stream_alarm> alarms =
          streams_.alarms_after(stream_id, first->last_alarm, alarm_step);
      if (alarms.empty()) {
        rewind(stream_id);
        return;
      }
      db_.write([&](store::connection& on) {
        for (const webhook& each : all) {
          queue(on, each, alarms);
        }
      });
      queued_();
    }
  }

  static void queue(store::connection& on, const webhook& to,
                    const std::vector<streams::stream_alarm>& alarms) {
    if (on.execute("UPDATE webhooks SET last_alarm = max(last_alarm, ?) WHERE id = ? AND "
                   "enabled = 1",
                   alarms.back().number, to.id) == 0) {
      return; // it was removed or disabled meanwhile
    }
    std::int64_t room = most_waiting - count_waiting(on, to.id);
    std::int64_t dropped = 0;
    for (const streams::stream_alarm& alarm : alarms) {
      if (alarm.number <= to.last_alarm) {
        continue;
      }
      if (room-- > 0) {
        add_message(on, to.id, alarm_message(to.place.stream_id, alarm, now_ms()));
      } else {
        ++dropped;
      }
    }
    if (dropped > 0) {
      on.execute("UPDATE webhooks SET dropped = dropped + ? WHERE id = ?", dropped, to.id);
    }
  }

  logger& log_;
  store::database& db_;
  streams::streams& streams_;
  const std::function<void()> queued_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;              ///< guards the two
  std::set<std::string> alarmed_; ///< streams whose alarms are to become messages
  std::set<std::string> again_;   ///< those of them that had another one while that was done
  work_group work_;
};

} // namespace hanami::service::webhooks::detail
