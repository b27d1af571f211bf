// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../../../access/tickets.hpp"
#include "../../../base/clock.hpp"
#include "../../../base/compile.hpp"
#include "../../../base/refusal.hpp"
#include "../../../stream/stream_texts.hpp"
#include "../../credentials.hpp"
#include "../endpoints.hpp"
#include "../task_views.hpp"
#include "../views.hpp"

/// Event streams of what goes on, and what went on before.

namespace hanami::service::api {

namespace detail {

inline schema pulse_schema() {
  const schema rate = schema::number(0).describe("samples");
  const schema known = schema::number().or_null();
  return schema::object(
             {{"at", schema::integer().describe("its beginning, in seconds since 1970")},
              {"seconds", schema::integer(1).describe("how long it is")},
              {"trained_per_second", rate},
              {"answered_per_second", rate},
              {"loss", known.describe("mean, in nats; null: nothing was learned")},
              {"loss_least", known.describe("of the means of its parts")},
              {"loss_most", known},
              {"prequential_error",
               known.describe("mean, of predictions whose label has come then")},
              {"neurons", known.describe("last seen; null: not")},
              {"memory_bytes", known},
              {"drifts", known.describe("changes of the data noticed since it was made")}})
      .called("Pulse");
}

inline json::object show_pulse(const engine::pulse_point& p) {
  const auto length = static_cast<double>(std::max<std::int64_t>(p.seconds, 1));
  const auto known = [](bool is, double value) { return is ? json::value(value) : json::value(); };
  const bool losses = p.losses > 0;
  return {{"at", p.at},
          {"seconds", p.seconds},
          {"trained_per_second", p.trained / length},
          {"answered_per_second", p.answered / length},
          {"loss", known(losses, losses ? p.loss_sum / p.losses : 0)},
          {"loss_least", known(losses, p.loss_least)},
          {"loss_most", known(losses, p.loss_most)},
          {"prequential_error", known(p.errors > 0, p.errors > 0 ? p.error_sum / p.errors : 0)},
          {"neurons", known(p.neurons > 0, p.neurons)},
          {"memory_bytes", known(p.neurons > 0, p.bytes)},
          {"drifts", known(p.neurons > 0, p.drifts)}};
}

/// A stream of events that come once a second, as long as who listens may. Events are numbered by
/// their seconds, so that who comes again goes on where it was.
class second_events : public http::event_source {
 public:
  second_events(services& with, const request_context& request)
      : s_(with), caller_(request.caller), token_(token_of(request.message)), seen_(changes()),
        last_(first_second(request)) {}

  bool next(std::string& out) final {
    const std::int64_t over = now_ms() / 1000 - 1; // the second that has ended
    if (over <= looked_at_) {
      return true;
    }
    looked_at_ = over;
    try {
      if (now_ms() >= caller_.expires * 1000 || changes() != seen_) {
        seen_ = changes();
        caller_ = s_.authenticator.identify(token_);
      }
      tell(out, last_, over);
      last_ = over;
      return true;
    } catch (const refusal& why) {
      out += "event: end\ndata: " +
             json::serialize(json::object{{"code", name_of(why.code())}, {"detail", why.what()}}) +
             "\n\n";
      return false;
    }
  }

 protected:
  /// Appends the events of the seconds (after, until]. Throws `refusal` where that is over.
  virtual void tell(std::string& out, std::int64_t after, std::int64_t until) = 0;

  static void event(std::string& out, std::int64_t id, const char* name, const json::value& data) {
    out += "id: " + std::to_string(id) + "\nevent: " + name + "\ndata: " + json::serialize(data) +
           "\n\n";
  }

  services& s_;
  identity caller_;

 private:
  std::uint64_t changes() const { return s_.authenticator.changes() + s_.resources.changes(); }

  /// What was heard last: of who comes for the first time, the second before the last.
  static std::int64_t first_second(const request_context& request) {
    const std::int64_t now = now_ms() / 1000;
    std::string text(request.message.headers.get("Last-Event-ID"));
    if (text.empty()) {
      text = request.text_if("last_event_id").value_or("");
    }
    std::int64_t given = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, trouble] = std::from_chars(text.data(), end, given);
    const bool good = trouble == std::errc() && behind == end && given > 0;
    return good ? std::clamp(given, now - 61, now) : now - 2;
  }

  std::string token_;
  std::uint64_t seen_;
  std::int64_t last_;
  std::int64_t looked_at_ = 0;
};

class cluster_events final : public second_events {
 public:
  cluster_events(services& with, const request_context& request)
      : second_events(with, request), id_(request.text("cluster_id")) {}

 private:
  void tell(std::string& out, std::int64_t after, std::int64_t until) override {
    s_.resources.kept_ownership(caller_, store::resource_kind::cluster, id_);
    s_.engine.watch(id_);
    constexpr std::size_t most = 60;
    std::map<std::int64_t, engine::pulse_point> kept;
    for (const engine::pulse_point& p : s_.engine.history(id_, engine::pulse_span::seconds, most)) {
      kept.emplace(p.at, p);
    }
    for (std::int64_t second = std::max(after, until - 60) + 1; second <= until; ++second) {
      engine::pulse_point point;
      point.at = second;
      point.seconds = 1;
      const auto found = kept.find(second);
      event(out, second, "pulse", show_pulse(found == kept.end() ? point : found->second));
    }
  }

  std::string id_;
};

class user_events final : public second_events {
 public:
  user_events(services& with, const request_context& request) : second_events(with, request) {}

 private:
  void tell(std::string& out, std::int64_t after, std::int64_t until) override {
    tell_tasks(out, after, until);
    tell_alarms(out, after, until);
    json::array busy;
    for (const auto& [id, point] : s_.engine.busy_clusters(caller_.user_id, until - 2)) {
      json::object shown = show_pulse(point);
      shown["cluster_id"] = id;
      busy.push_back(std::move(shown));
    }
    if (!busy.empty()) {
      event(out, until, "clusters", std::move(busy));
    }
  }

  void tell_tasks(std::string& out, std::int64_t after, std::int64_t until) {
    std::map<std::string, std::string> open;
    for (const engine::task_view& view : s_.engine.open_tasks(caller_.user_id)) {
      json::value shown = show_task_briefly(view);
      std::string text = json::serialize(shown);
      if (const auto before = told_.find(view.row.id);
          before == told_.end() || before->second != text) {
        event(out, until, "task", shown);
      }
      open.emplace(view.row.id, std::move(text));
    }
    std::set<std::string> ended;
    for (const auto& [id, text] : told_) {
      if (!open.contains(id)) {
        ended.insert(id);
      }
    }
    told_ = std::move(open);
    const std::uint64_t now_ended = s_.engine.tasks_ended();
    const bool changed = now_ended != seen_ended_;
    if (!changed && !look_again_ && ended.empty()) {
      return; // without asking the database
    }
    look_again_ = changed; // for those of the second that is not over
    seen_ended_ = now_ended;
    store::page_request newest;
    newest.descending = true;
    newest.limit = 50;
    for (const engine::task_view& view : s_.engine.list_tasks(caller_, {}, newest).rows) {
      const std::int64_t second = view.row.ended_at / 1000;
      if (store::is_over(view.row.state) &&
          (ended.contains(view.row.id) || (second > after && second <= until))) {
        event(out, until, "task", show_task_briefly(view));
        ended.erase(view.row.id);
      }
    }
    for (const std::string& id : ended) { // made long ago, or deleted
      try {
        event(out, until, "task", show_task_briefly(s_.engine.task(caller_, id)));
      } catch (const refusal&) {
        event(out, until, "task_gone", json::object{{"id", id}});
      }
    }
  }

  void tell_alarms(std::string& out, std::int64_t after, std::int64_t until) {
    const std::uint64_t so_far = s_.streams.alarms();
    since_ = since_.value_or(after);
    if (so_far == seen_alarms_) {
      return; // without asking the database
    }
    bool all = true;
    store::page_request every;
    every.limit = 1000;
    for (const store::resource_row& row :
         s_.resources.list(caller_, store::resource_kind::stream, every, {caller_.user_id, {}, {}})
             .rows) {
      all = tell_alarms_of(out, row.id, until) && all;
    }
    if (all) { // else some are of the second that is not over
      seen_alarms_ = so_far;
    }
  }

  /// False: there are more.
  bool tell_alarms_of(std::string& out, const std::string& id, std::int64_t until) {
    constexpr std::size_t most = 100;
    const std::optional<std::uint64_t> count = s_.streams.alarm_count(id);
    if (!count) {
      return true;
    }
    const auto [told, fresh] = told_alarms_.emplace(id, *count);
    std::vector<streams::stream_alarm> alarms;
    if (fresh) { // those that came since who listens was here last
      alarms = s_.streams.alarms_before(id, std::numeric_limits<std::uint64_t>::max(), most);
      std::reverse(alarms.begin(), alarms.end());
      std::erase_if(alarms,
                    [&](const streams::stream_alarm& each) { return each.at / 1000 <= *since_; });
    } else if (*count > told->second) {
      alarms = s_.streams.alarms_after(id, told->second, most);
    } else {
      told->second = *count; // it was taken back to a checkpoint, perhaps
    }
    for (const streams::stream_alarm& each : alarms) {
      if (each.at / 1000 > until) {
        told->second = each.number - 1;
        return false;
      }
      std::string data = "{\"stream_id\":\"" + id + "\",\"alarm\":";
      streams::append_alarm(data, each);
      out += "id: " + std::to_string(until) + "\nevent: alarm\ndata: " + data + "}\n\n";
      told->second = each.number;
    }
    return alarms.size() < most;
  }

  std::map<std::string, std::uint64_t> told_alarms_; ///< by stream: the number of the last one
  std::optional<std::int64_t> since_;                ///< the second at which it was begun
  std::optional<std::uint64_t> seen_alarms_;         ///< `streams::alarms`
  std::map<std::string, std::string> told_;          ///< open tasks, as they were told of
  bool look_again_ = true;
  std::uint64_t seen_ended_ = 0; ///< `engine::tasks_ended`
};

inline schema event_query() {
  return schema::object(
      {ticket_property(),
       {"last_event_id",
        schema::text(1, 32).describe("for who cannot set Last-Event-ID: goes on behind it, as far "
                                     "as a minute back"),
        presence::optional}});
}

inline void add_event_streams(registry& to, services& s) {
  endpoint common;
  common.tag = "live";
  common.method = "GET";
  common.query = event_query();
  common.by_ticket = true;
  common.response_type = "text/event-stream";

  endpoint of_cluster = common;
  of_cluster.id = "watch_cluster";
  of_cluster.path = "/v1/clusters/{cluster_id}/events";
  of_cluster.summary = "What goes on in a cluster, as server-sent events: a `pulse` each second";
  of_cluster.description = "Each is a Pulse, numbered by its second. `end` says why no more come.";
  of_cluster.path_values = one_id("cluster_id", "cluster");
  of_cluster.refusals = {404};
  of_cluster.handle = [&s](request_context& request) {
    s.resources.kept_ownership(request.caller, store::resource_kind::cluster,
                               request.text("cluster_id")); // 404 before
    answer given;
    given.events = std::make_unique<cluster_events>(s, request);
    return given;
  };
  to.add(of_cluster);

  endpoint of_user = common;
  of_user.id = "watch_own";
  of_user.path = "/v1/events";
  of_user.summary = "What goes on with what is one's own, as server-sent events";
  of_user.description =
      "`task`: an own task (as in lists) whenever it has changed, at most once a second, and when "
      "it has ended; `task_gone`: it was deleted. `clusters`: a list of Pulses with `cluster_id` "
      "of "
      "the own clusters that were busy, at most 100, once a second. `alarm`: of an own stream, "
      "with "
      "`stream_id`. `end` says why no more come.";
  of_user.handle = [&s](request_context& request) {
    answer given;
    given.events = std::make_unique<user_events>(s, request);
    return given;
  };
  to.add(of_user);
}

inline engine::pulse_span span_named(std::string_view name) {
  using engine::pulse_span;
  return name == "hour"   ? pulse_span::minutes
         : name == "day"  ? pulse_span::hours
         : name == "year" ? pulse_span::days
                          : pulse_span::seconds;
}

inline void add_history(registry& to, services& s) {
  endpoint history;
  history.tag = "live";
  history.id = "get_cluster_history";
  history.method = "GET";
  history.path = "/v1/clusters/{cluster_id}/history";
  history.summary = "What went on in a cluster: over a minute, an hour, a day or a year";
  history.description =
      "Kept in memory, of the 400 clusters that were busy last; empty where there "
      "is none, as after a restart of the server.";
  history.path_values = one_id("cluster_id", "cluster");
  history.refusals = {404};
  history.query = schema::object(
      {{"span", schema::choice({"minute", "hour", "day", "year"}).otherwise("minute")},
       {"points",
        schema::integer(1, 365).otherwise(365).describe("at most: neighbours are merged")}});
  history.response_schema = schema::object({{"points", schema::list(pulse_schema(), 0, 365)}});
  history.handle = [&s](request_context& request) {
    const std::string id = request.text("cluster_id");
    s.resources.kept_ownership(request.caller, store::resource_kind::cluster, id);
    json::array points;
    for (const engine::pulse_point& p :
         s.engine.history(id, span_named(request.text("span")),
                          static_cast<std::size_t>(request.integer("points")))) {
      points.push_back(show_pulse(p));
    }
    return answer(json::object{{"points", std::move(points)}});
  };
  to.add(history);
}

inline void add_tickets(registry& to, services& s) {
  endpoint give;
  give.tag = "live";
  give.id = "create_ticket";
  give.method = "POST";
  give.path = "/v1/tickets";
  give.summary = "A ticket that opens one event stream or WebSocket from a browser";
  give.description = "EventSource and WebSocket of browsers can set no Authorization: they take "
                     "`?ticket=` in the address instead. It is good for one use within 30 seconds, "
                     "as the token that it was asked for with.";
  give.status = 201;
  give.audited = false;
  give.non_blocking = true;
  give.response_schema = schema::object(
      {{"ticket", schema::text()}, {"expires_in_s", schema::integer().describe("from now on")}});
  give.handle = [&s](request_context& request) {
    return answer(
        json::object{{"ticket", s.tickets.add(request.caller.user_id, token_of(request.message))},
                     {"expires_in_s", access::tickets::good_for.count()}});
  };
  to.add(give);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_live_endpoints(registry& to, services& s) {
  detail::add_event_streams(to, s);
  detail::add_history(to, s);
  detail::add_tickets(to, s);
}

} // namespace hanami::service::api
