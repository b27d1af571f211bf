// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include <sodium.h>

#include "../../../version.hpp"
#include "../../base/compile.hpp"
#include "../../base/descriptors.hpp"
#include "../../base/ip_network.hpp"
#include "../../base/refusal.hpp"
#include "../../http/forwarded.hpp"
#include "../../monitor/process_use.hpp"
#include "../credentials.hpp"
#include "../host_views.hpp"
#include "../openapi.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline constexpr const char* compiler_name =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

/// Of the process and what it stands on.
inline void write_process_metrics(monitor::metrics_text& text, const server_config& config) {
  const auto one = [&](const char* name, const char* type, const char* help, double value) {
    text.family(name, type, help);
    text.value(value);
  };
  text.family("hanami_build_info", "gauge", "1; the version and how it was built");
  text.value(1, {{"version", HANAMI_VERSION_STRING}, {"compiler", compiler_name}});
  const monitor::process_use use = monitor::read_process_use();
  one("process_start_time_seconds", "gauge", "When the server began, seconds since 1970",
      use.started_at_s);
  one("process_cpu_seconds_total", "counter", "Time of processors", use.cpu_s);
  one("process_resident_memory_bytes", "gauge", "Memory of the server, the clusters' included",
      static_cast<double>(use.resident_bytes));
  one("process_open_fds", "gauge", "Descriptors that are open",
      static_cast<double>(open_descriptors()));
  one("process_max_fds", "gauge", "Descriptors that may be open",
      static_cast<double>(descriptor_limit()));
  std::error_code trouble;
  const std::filesystem::space_info disk = std::filesystem::space(config.data, trouble);
  if (!trouble) {
    one("hanami_disk_bytes", "gauge", "Of the file system with the data",
        static_cast<double>(disk.capacity));
    one("hanami_disk_free_bytes", "gauge", "Of it, what the server may still fill",
        static_cast<double>(disk.available));
  }
}

/// Of each cluster used lately; no more of them than a collector bears.
inline void write_cluster_metrics(monitor::metrics_text& text, services& s) {
  constexpr std::size_t most = 100;
  const std::vector<engine::cluster_use> clusters = s.engine.last_used(most);
  const auto all = [&](const char* name, const char* type, const char* help, auto value_of) {
    text.family(name, type, help);
    for (const engine::cluster_use& each : clusters) {
      text.value(static_cast<double>(value_of(each)),
                 {{"cluster", each.id}, {"owner", each.owner_id}});
    }
  };
  using use = const engine::cluster_use&;
  all("hanami_cluster_trained_total", "counter",
      "Samples trained since the cluster came into memory, of the 100 used last",
      [](use c) { return c.trained; });
  all("hanami_cluster_queued", "gauge", "Samples and calls of it that wait",
      [](use c) { return c.queued; });
  all("hanami_cluster_memory_bytes", "gauge", "Its memory", [](use c) { return c.bytes; });
  all("hanami_cluster_journal_bytes", "gauge", "Its journal since the last snapshot",
      [](use c) { return c.journal_bytes; });
  all("hanami_cluster_disk_bytes", "gauge", "Its files", [](use c) { return c.disk_bytes; });
}

inline std::string metrics_page(services& s) {
  monitor::metrics_text text;
  const auto one = [&](const char* name, const char* type, const char* help, double value) {
    text.family(name, type, help);
    text.value(value);
  };
  write_process_metrics(text, s.config);
  s.counts.write(text);
  const http::transport_statistics t = s.transport();
  one("hanami_connections", "gauge", "Connections that are open",
      static_cast<double>(t.connections));
  one("hanami_websockets", "gauge", "WebSockets that are open", static_cast<double>(t.sockets));
  one("hanami_connections_accepted_total", "counter", "Connections since the start",
      static_cast<double>(t.accepted));
  one("hanami_connections_refused_total", "counter", "Connections refused, too many were open",
      static_cast<double>(t.refused));
  one("hanami_received_bytes_total", "counter", "Bytes received", static_cast<double>(t.bytes_in));
  one("hanami_sent_bytes_total", "counter", "Bytes sent", static_cast<double>(t.bytes_out));
  const engine::engine_statistics e = s.engine.statistics();
  one("hanami_clusters_in_memory", "gauge", "Clusters in memory", static_cast<double>(e.clusters));
  one("hanami_cluster_bytes", "gauge", "Memory of the clusters", static_cast<double>(e.bytes));
  one("hanami_cluster_budget_bytes", "gauge", "Most memory that the clusters may take",
      static_cast<double>(e.budget));
  one("hanami_clusters_loaded_total", "counter", "Clusters that came into memory",
      static_cast<double>(e.loaded));
  one("hanami_clusters_left_total", "counter", "Clusters that left memory, being unused",
      static_cast<double>(e.left));
  one("hanami_memory_refusals_total", "counter",
      "Clusters, samples and tasks refused for want of memory",
      static_cast<double>(e.refused_for_memory));
  one("hanami_journals_open", "gauge", "Journals that are open",
      static_cast<double>(e.journals_open));
  one("hanami_queued", "gauge", "Samples and calls that wait", static_cast<double>(e.queued));
  one("hanami_trained_total", "counter", "Samples trained", static_cast<double>(e.trained));
  one("hanami_answered_total", "counter", "Samples answered", static_cast<double>(e.answered));
  one("hanami_snapshots_total", "counter", "Clusters written in full",
      static_cast<double>(e.snapshots));
  one("hanami_journal_bytes_total", "counter", "Bytes of journals",
      static_cast<double>(e.journal_bytes));
  one("hanami_tasks_open", "gauge", "Tasks queued or active", static_cast<double>(e.tasks_open));
  const streams::streams_statistics of_streams = s.streams.all_statistics();
  one("hanami_streams_in_memory", "gauge", "Streams in memory",
      static_cast<double>(of_streams.streams));
  one("hanami_stream_bytes", "gauge", "Memory of the streams",
      static_cast<double>(of_streams.bytes));
  one("hanami_stream_rows_total", "counter", "Rows that streams have learned",
      static_cast<double>(of_streams.rows));
  one("hanami_stream_alarms_total", "counter", "Alarms of streams",
      static_cast<double>(of_streams.alarms));
  const streams::mqtt_statistics of_broker = s.mqtt();
  one("hanami_mqtt_connected", "gauge", "Whether there is a connection to a broker of MQTT",
      of_broker.connected ? 1 : 0);
  one("hanami_mqtt_messages_total", "counter", "Messages of the broker",
      static_cast<double>(of_broker.messages));
  one("hanami_mqtt_messages_lost_total", "counter", "Messages of which no row could be kept",
      static_cast<double>(of_broker.lost));
  write_cluster_metrics(text, s);
  return text.take();
}

/// Throws unless the request may see the metrics: see `auth_settings::metrics_token`.
inline void expect_metrics_reader(const services& s, const request_context& request) {
  const std::string& wanted = s.config.auth.metrics_token;
  if (wanted.empty()) {
    const auto address = ip_address::parse(request.message.address);
    if (!address || !address->is_loopback() || http::is_forwarded(request.message.headers)) {
      throw forbidden("without auth.metrics_token in the configuration, only this machine itself "
                      "may ask for metrics, and by no proxy");
    }
    return;
  }
  const std::string_view given = token_of(request.message);
  if (given.size() != wanted.size() ||
      sodium_memcmp(given.data(), wanted.data(), wanted.size()) != 0) {
    throw unauthenticated("the token of the metrics is needed: 'Authorization: Bearer ...'");
  }
}

inline endpoint plain_get(const char* id, const char* path, const char* summary) {
  endpoint added;
  added.id = id;
  added.method = "GET";
  added.path = path;
  added.tag = "system";
  added.summary = summary;
  return added;
}

inline void add_health_endpoints(registry& to, services& s) {
  endpoint health = plain_get("get_health", "/healthz", "Whether the server lives");
  health.audience = audience::anyone;
  health.non_blocking = true;
  health.response_schema = schema::object({{"status", schema::text()}});
  health.handle = [](request_context&) { return answer(json::object{{"status", "ok"}}); };
  to.add(health);

  endpoint ready = plain_get("get_readiness", "/readyz", "Whether the server can be used");
  ready.audience = audience::anyone;
  ready.non_blocking = true;
  ready.refusals = {503};
  ready.description = "`memory` is short where clusters, samples or tasks were refused for want of "
                      "memory within the last minute.";
  ready.response_schema =
      schema::object({{"status", schema::text()}, {"memory", schema::choice({"enough", "short"})}});
  ready.handle = [&s](request_context&) {
    if (!s.ready()) {
      refusal why(refusal_code::starting, "the server is still reading what it knew");
      why.retry_after_s = 1;
      throw why;
    }
    return answer(json::object{{"status", "ready"},
                               {"memory", s.engine.is_short_of_memory() ? "short" : "enough"}});
  };
  to.add(ready);

  endpoint metrics = plain_get("get_metrics", "/metrics", "Counts and sizes for Prometheus");
  metrics.audience = audience::anyone;
  metrics.description = "For this machine's own addresses; with auth.metrics_token in the "
                        "configuration, for who has that token.";
  metrics.refusals = {401, 403};
  metrics.response_type = "text/plain";
  metrics.handle = [&s](request_context& request) {
    expect_metrics_reader(s, request);
    answer given;
    given.text = metrics_page(s);
    given.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return given;
  };
  to.add(metrics);

  endpoint version = plain_get("get_version", "/v1/version", "The version of the server");
  version.audience = audience::anyone;
  version.non_blocking = true;
  version.response_schema = schema::object({{"version", schema::text()}});
  version.handle = [](request_context&) {
    return answer(json::object{{"version", HANAMI_VERSION_STRING}});
  };
  to.add(version);
}

inline void add_description(registry& to, services& s, api::dialect dialect, const char* id,
                            const std::string& path) {
  endpoint description = plain_get(id, path.c_str(), "This description (OpenAPI 3.1)");
  description.dialect = dialect;
  description.audience = audience::anyone;
  description.response_schema = schema::any();
  description.handle = [&s, dialect](request_context&) {
    answer given;
    given.text = json::serialize(describe(s.endpoints, dialect, HANAMI_VERSION_STRING));
    given.content_type = "application/json";
    return given;
  };
  to.add(description);
}

/// Who comes by a browser, to the address alone.
inline void add_front_door(registry& to) {
  endpoint door = plain_get("get_front_door", "/", "Leads to the documentation");
  door.audience = audience::anyone;
  door.status = 307;
  door.non_blocking = true;
  door.handle = [](request_context&) {
    answer given;
    given.location = "/docs";
    given.content_type = "text/plain; charset=utf-8";
    given.text = "the documentation is at /docs\n";
    return given;
  };
  to.add(door);
}

inline void add_host_endpoints(registry& to, services& s) {
  endpoint host = plain_get("get_host", "/v1/host", "The machine: processors, clocks, memory");
  host.response_schema = schema::any().describe("speeds in kHz; 0: not shown by the machine");
  host.handle = [](request_context&) { return answer(show_host(monitor::read_host())); };
  to.add(host);

  endpoint bounds = plain_get("set_host_speed", "/v1/host/speed",
                              "Between which clocks the processors are kept from now on");
  bounds.method = "PUT";
  bounds.audience = audience::admin;
  bounds.description = "In kHz, within what GET /v1/host shows as `minimum_speed` and "
                       "`maximum_speed`; what is left out stays as it is. The machine may take the "
                       "nearest that it knows. 409 says why a machine does not allow it.";
  bounds.refusals = {409};
  bounds.body = schema::object({{"minimum_speed", schema::integer(1), presence::optional},
                                {"maximum_speed", schema::integer(1), presence::optional}});
  bounds.response_schema = host.response_schema;
  bounds.handle = [](request_context& request) {
    const auto khz = [&](const char* name) {
      return request.find(name) == nullptr
                 ? std::nullopt
                 : std::optional(static_cast<std::uint64_t>(request.integer(name)));
    };
    monitor::set_clock_bounds(khz("minimum_speed"), khz("maximum_speed"));
    return answer(show_host(monitor::read_host()));
  };
  to.add(bounds);

  endpoint reset = plain_get("reset_host_speed", "/v1/host/speed",
                             "Lets the processors use all the clocks that they have");
  reset.method = "DELETE";
  reset.audience = audience::admin;
  reset.refusals = {409};
  reset.response_schema = host.response_schema;
  reset.handle = [](request_context&) {
    monitor::reset_clock_bounds();
    return answer(show_host(monitor::read_host()));
  };
  to.add(reset);

  endpoint measured = plain_get("get_measurements", "/v1/host/measurements",
                                "Clock, temperature and power over time");
  measured.description = "Each series as 60 seconds, 60 minutes, 24 hours and 365 days, oldest "
                         "first; null where the machine does not show it.";
  measured.response_schema = schema::any().describe("speed_mhz, temperature_celsius, power_watt");
  measured.handle = [&s](request_context&) {
    const monitor::measurements m = s.sampler.read();
    const auto shown = [](bool has, const monitor::series& of) {
      return has ? json::value(show_series(of)) : json::value();
    };
    return answer(
        json::object{{"speed_mhz", shown(m.has_speed, m.speed_mhz)},
                     {"temperature_celsius", shown(m.has_temperature, m.temperature_celsius)},
                     {"power_watt", shown(m.has_power, m.power_watt)}});
  };
  to.add(measured);

  endpoint threads = plain_get("get_threads", "/v1/host/threads",
                               "The server's threads and the processors each may run on");
  threads.response_schema = schema::map(schema::list(schema::integer()));
  threads.handle = [](request_context&) { return answer(show_placement()); };
  to.add(threads);

  endpoint work = plain_get("get_work", "/v1/work",
                            "What each user has had trained and answered since the start");
  work.audience = audience::admin;
  work.response_schema = schema::object(
      {{"items", schema::list(schema::object({{"user_id", schema::text()},
                                              {"trained", schema::integer()},
                                              {"answered", schema::integer()},
                                              {"cpu_seconds", schema::number()}}))}});
  work.handle = [&s](request_context&) {
    json::array items;
    for (const engine::user_work& w : s.engine.work_by_user()) {
      items.push_back(json::object{{"user_id", w.user_id},
                                   {"trained", w.trained},
                                   {"answered", w.answered},
                                   {"cpu_seconds", w.cpu_seconds}});
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(work);
}

inline schema log_filter_schema() {
  return schema::object(
      {{"user_id", schema::text(0, 254).otherwise("")},
       {"method", schema::text(0, 16).otherwise("")},
       {"operation", schema::text(0, 128).otherwise("")},
       {"from", schema::integer(0).otherwise(0).describe("milliseconds since 1970")},
       {"until", schema::integer(0).otherwise(0).describe("exclusive; 0: no end")},
       {"limit", schema::integer(1, 1000).otherwise(100)},
       {"after", schema::text(0, 255).otherwise("").describe("`next` of the page before")}});
}

inline store::log_filter log_filter_from(const request_context& request) {
  store::log_filter filter;
  filter.user_id = request.text("user_id");
  filter.method = request.text("method");
  filter.operation = request.text("operation");
  filter.from = request.integer("from");
  filter.until = request.integer("until");
  filter.limit = static_cast<std::uint32_t>(request.integer("limit"));
  filter.after = request.text("after");
  return filter;
}

inline void add_log_endpoints(registry& to, services& s) {
  endpoint audit = plain_get("get_audit_log", "/v1/audit-log", "Who changed what, newest first");
  audit.description = "Users see their own entries, project administrators those of their project, "
                      "administrators all. User: who; `offset` pages.";
  audit.query = log_filter_schema();
  const schema token =
      schema::text().describe("of the API token that spoke for the user; empty: none did");
  audit.response_schema = list_schema(schema::object({{"at", time_schema()},
                                                      {"user_id", schema::text()},
                                                      {"project_id", schema::text()},
                                                      {"method", schema::text()},
                                                      {"path", schema::text()},
                                                      {"operation", schema::text()},
                                                      {"status", schema::integer()},
                                                      {"address", schema::text()},
                                                      {"token_id", token}}));
  audit.handle = [&s](request_context& request) {
    store::log_filter filter = log_filter_from(request);
    if (!request.caller.admin) {
      if (request.caller.project_admin) {
        filter.project_id = request.caller.project_id;
      } else {
        filter.user_id = request.caller.user_id;
        filter.project_id = request.caller.project_id;
      }
    }
    return show_page(s.logs.audit(filter), [](const store::audit_entry& e) {
      return json::object{
          {"at", to_rfc3339(e.at)}, {"user_id", e.user_id}, {"project_id", e.project_id},
          {"method", e.method},     {"path", e.path},       {"operation", e.operation},
          {"status", e.status},     {"address", e.address}, {"token_id", e.token_id}};
    });
  };
  to.add(audit);

  endpoint errors =
      plain_get("get_error_log", "/v1/error-log", "Faults of the server itself, newest first");
  errors.audience = audience::admin;
  errors.query = log_filter_schema();
  errors.response_schema = list_schema(schema::object({{"at", time_schema()},
                                                       {"user_id", schema::text()},
                                                       {"operation", schema::text()},
                                                       {"input", schema::text()},
                                                       {"message", schema::text()}}));
  errors.handle = [&s](request_context& request) {
    return show_page(s.logs.errors(log_filter_from(request)), [](const store::error_entry& e) {
      return json::object{{"at", to_rfc3339(e.at)},
                          {"user_id", e.user_id},
                          {"operation", e.operation},
                          {"input", e.input},
                          {"message", e.message}};
    });
  };
  to.add(errors);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_system_endpoints(registry& to, services& s) {
  detail::add_front_door(to);
  detail::add_health_endpoints(to, s);
  detail::add_host_endpoints(to, s);
  detail::add_log_endpoints(to, s);
  detail::add_description(to, s, dialect::modern, "get_openapi", "/v1/openapi.json");
  detail::add_description(to, s, dialect::reference, "get_reference_openapi",
                          "/v1.0alpha/openapi.json");
  add_documentation_endpoints(to);
}

} // namespace hanami::service::api
