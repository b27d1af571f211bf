// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../../../base/refusal.hpp"
#include "../../registry.hpp"
#include "../../services.hpp"
#include "../views.hpp"
#include "stream_views.hpp"

/// Endpoints that look at a stream: pages of rows and alarms, forecasts, events.

namespace hanami::service::api::detail {

inline answer text_answer(std::string text) {
  answer given;
  given.text = std::move(text);
  given.content_type = "application/json";
  return given;
}

/// A page begins before this row or alarm.
inline std::uint64_t place_from(const request_context& request) {
  const std::string after = request.text_if("after").value_or("");
  std::uint64_t number = std::numeric_limits<std::uint64_t>::max();
  const char* const end = after.data() + after.size();
  const auto read = std::from_chars(after.data(), end, number);
  if (!after.empty() && (read.ec != std::errc() || read.ptr != end)) {
    throw invalid_value_at("query/after", "must be `next` of the page before");
  }
  return number;
}

inline schema place_schema() {
  return schema::object(
      {{"limit", schema::integer(1, 1000).otherwise(100), presence::optional},
       {"after", schema::text(1, 20).describe("`next` of the page before"), presence::optional}});
}

inline std::string page_text(const std::string& items, std::uint64_t next, std::uint64_t total) {
  return R"({"items":[)" + items + R"(],"next":)" +
         (next == 0 ? std::string("null") : '"' + std::to_string(next) + '"') + R"(,"total":)" +
         std::to_string(total) + '}';
}

/// Tells of alarms as they come; number by number, so that who comes again goes on where it was.
class alarm_events final : public http::event_source {
 public:
  alarm_events(services& s, identity caller, std::string id, std::uint64_t after)
      : s_(s), caller_(std::move(caller)), id_(std::move(id)), after_(after) {}

  bool next(std::string& out) override {
    try {
      s_.resources.kept_ownership(caller_, store::resource_kind::stream, id_);
      tell_of_webhooks(out);
      const auto count = s_.streams.alarm_count(id_);
      if (!first_ && (!count || *count <= after_)) {
        return true;
      }
      first_ = false;
      for (const streams::stream_alarm& alarm : s_.streams.alarms_after(id_, after_, 100)) {
        out += "id: " + std::to_string(alarm.number) + "\nevent: alarm\ndata: ";
        streams::append_alarm(out, alarm);
        out += "\n\n";
        after_ = alarm.number;
      }
      return true;
    } catch (const refusal&) {
      out += "event: gone\ndata: {}\n\n";
      return false;
    }
  }

 private:
  void tell_of_webhooks(std::string& out) {
    for (const webhooks::webhook& each : s_.webhooks.disabled_after(id_, disabled_)) {
      const json::object said = {{"webhook_id", each.id}, {"reason", each.reason}};
      out += "event: webhook_disabled\ndata: " + json::serialize(said) + "\n\n";
      disabled_ = std::max(disabled_, each.disabled_at);
    }
  }

  services& s_;
  identity caller_;
  std::string id_;
  std::uint64_t after_;
  std::int64_t disabled_ = now_ms(); ///< webhooks up to then have been told of
  bool first_ = true;
};

inline void add_stream_views(registry& to, services& s) {
  endpoint common;
  common.tag = "streams";
  common.method = "GET";
  common.path_values = one_id("stream_id", "stream");
  common.refusals = {404, 503};
  const auto usable = [&s](const request_context& request) {
    std::string id = request.text("stream_id");
    s.resources.kept_ownership(request.caller, store::resource_kind::stream, id);
    return id;
  };

  endpoint statistics = common;
  statistics.id = "get_stream_statistics";
  statistics.path = "/v1/streams/{stream_id}/statistics";
  statistics.summary = "Rows, alarms, columns and size of a stream as it is now";
  statistics.response_schema = stream_statistics_schema();
  statistics.handle = [&s, usable](request_context& request) {
    return answer(show_stream_statistics(s.streams.statistics(usable(request))));
  };
  to.add(statistics);

  endpoint history = common;
  history.id = "list_rows";
  history.path = "/v1/streams/{stream_id}/rows";
  history.summary = "The last rows and what was answered, newest first";
  history.query = place_schema();
  history.response_schema = list_schema(stream_answer_schema());
  history.handle = [&s, usable](request_context& request) {
    const streams::history_page page = s.streams.history_before(
        usable(request), place_from(request), static_cast<std::size_t>(request.integer("limit")));
    return text_answer(page_text(page.answers, page.next, page.kept));
  };
  to.add(history);

  endpoint forecasts = common;
  forecasts.id = "get_forecasts";
  forecasts.path = "/v1/streams/{stream_id}/forecasts";
  forecasts.summary = "What is forecast from the newest row on";
  forecasts.query = schema::object(
      {{"key", schema::text(0, 1024).otherwise("").describe("the device, where the stream tells "
                                                            "them apart")}});
  forecasts.response_schema = schema::object({{"forecasts", stream_forecasts_schema()}});
  forecasts.handle = [&s, usable](request_context& request) {
    const std::string id = usable(request);
    const std::string key = request.text("key");
    const auto found = s.streams.forecasts(id, key);
    if (!found && key.empty()) {
      throw invalid_value_at("query/key", "the stream tells devices apart: one has to be named");
    }
    if (!found) {
      throw not_found("device", key);
    }
    return text_answer("{\"forecasts\":" + *found + '}');
  };
  to.add(forecasts);

  endpoint alarms = common;
  alarms.id = "list_alarms";
  alarms.path = "/v1/streams/{stream_id}/alarms";
  alarms.summary = "The last alarms, up to 1000, newest first";
  alarms.query = place_schema();
  alarms.response_schema = list_schema(stream_alarm_schema().called("StreamAlarm"));
  alarms.handle = [&s, usable](request_context& request) {
    const std::string id = usable(request);
    const auto limit = static_cast<std::size_t>(request.integer("limit"));
    std::vector<streams::stream_alarm> found =
        s.streams.alarms_before(id, place_from(request), limit + 1);
    const bool more = found.size() > limit;
    found.resize(std::min(found.size(), limit));
    std::string items;
    for (const streams::stream_alarm& alarm : found) {
      items += items.empty() ? "" : ",";
      streams::append_alarm(items, alarm);
    }
    const std::uint64_t so_far = s.streams.alarm_count(id).value_or(0);
    return text_answer(page_text(items, more ? found.back().number : 0,
                                 std::min<std::uint64_t>(so_far, streams::most_alarms)));
  };
  to.add(alarms);

  endpoint events = common;
  events.id = "watch_stream";
  events.path = "/v1/streams/{stream_id}/events";
  events.summary = "Alarms as they come, as server-sent events: `alarm`, `webhook_disabled`, and "
                   "`gone` at the end";
  events.description = "The id of an event is the number of the alarm; with `Last-Event-ID` those "
                       "behind it come first. Without it only new ones come.";
  events.query = schema::object({ticket_property()});
  events.by_ticket = true;
  events.response_type = "text/event-stream";
  events.handle = [&s, usable](request_context& request) {
    const std::string id = usable(request);
    const std::string_view last = request.message.headers.get("Last-Event-ID");
    std::uint64_t after = 0;
    const auto read = std::from_chars(last.data(), last.data() + last.size(), after);
    if (last.empty()) {
      after = s.streams.statistics(id).alarms;
    } else if (read.ec != std::errc() || read.ptr != last.data() + last.size()) {
      throw bad_request("Last-Event-ID must be the id of an event");
    }
    answer given;
    given.events = std::make_unique<alarm_events>(s, request.caller, id, after);
    return given;
  };
  to.add(events);
}

} // namespace hanami::service::api::detail
