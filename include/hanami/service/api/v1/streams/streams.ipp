// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../../base/compile.hpp"
#include "../../../base/refusal.hpp"
#include "../../../http/problem.hpp"
#include "../endpoints.hpp"
#include "../views.hpp"
#include "stream_looks.hpp"
#include "stream_socket.hpp"
#include "stream_views.hpp"

namespace hanami::service::api {

namespace detail {

/// Most of one batch.
inline constexpr std::size_t batch_bytes = std::size_t{16} << 20;

inline json::object show_stream(const store::resource_row& row) {
  json::object shown = show_resource(row);
  json::error_code trouble;
  json::value settings = json::parse(row.detail, trouble);
  shown["settings"] = trouble ? json::value(json::object{}) : std::move(settings);
  return shown;
}

inline answer stream_answer(const store::resource_row& row) {
  answer given(show_stream(row));
  given.version = row.version;
  return given;
}

/// Which syntax a body is in, by its type.
inline streams::batch_syntax syntax_of(const http::request& message) {
  std::string_view type = message.headers.get("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) {
    type.remove_suffix(1);
  }
  const auto is = [type](std::string_view name) {
    return std::equal(type.begin(), type.end(), name.begin(), name.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  };
  // What curl says where nobody tells it is taken as it is everywhere else: as JSON.
  if (type.empty() || is("application/json") || is("application/x-ndjson") ||
      is("application/jsonl") || is("application/x-www-form-urlencoded")) {
    return streams::batch_syntax::json;
  }
  if (is("text/csv")) {
    return streams::batch_syntax::csv;
  }
  if (is("text/plain")) {
    return streams::batch_syntax::line_protocol;
  }
  throw bad_request("Content-Type is '" + std::string(type.substr(0, 100)) +
                    "'; rows come as application/json, application/x-ndjson, text/csv, or "
                    "text/plain in InfluxDB's line protocol");
}

inline void add_stream_resources(registry& to, services& s) {
  endpoint common;
  common.tag = "streams";
  common.response_schema = stream_schema();
  const schema one = one_id("stream_id", "stream");
  constexpr auto kind = store::resource_kind::stream;

  endpoint create = common;
  create.id = "create_stream";
  create.method = "POST";
  create.path = "/v1/streams";
  create.summary = "Makes a stream: rows go in as they come, forecasts and alarms come out";
  create.status = 201;
  create.idempotent = true;
  create.refusals = {409};
  std::vector<schema_property> properties = {
      {"name", name_schema()},
      {"visibility", visibility_schema().otherwise("private"), presence::optional}};
  for (schema_property& each : stream_plan_properties()) {
    properties.push_back(std::move(each));
  }
  create.body = schema::object(std::move(properties));
  create.handle = [&s](request_context& request) {
    const store::resource_row row =
        s.streams.create(request.caller, request.text("name"), streams::plan_from(request.values),
                         visibility_from(request.text("visibility")));
    answer given = stream_answer(row);
    given.location = "/v1/streams/" + row.id;
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_streams";
  list.method = "GET";
  list.path = "/v1/streams";
  list.summary = "All streams that one may use, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(stream_schema());
  list.non_blocking = true;
  list.handle = [&s](request_context& request) {
    return show_page(s.resources.list(request.caller, kind, page_from(request)), show_stream);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_stream";
  get.method = "GET";
  get.path = "/v1/streams/{stream_id}";
  get.summary = "One stream";
  get.path_values = one;
  get.refusals = {404};
  get.non_blocking = true;
  get.handle = [&s](request_context& request) {
    return stream_answer(s.resources.get(request.caller, kind, request.text("stream_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_stream";
  change.method = "PATCH";
  change.path = "/v1/streams/{stream_id}";
  change.summary = "Changes name or visibility";
  change.path_values = one;
  change.body = change_schema();
  change.refusals = {404, 409, 412};
  change.handle = [&s](request_context& request) {
    return stream_answer(s.streams.change(
        request.caller, request.text("stream_id"), change_from(request),
        request.expected_version(version_of(s.resources, request, kind, "stream_id"))));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_stream";
  remove.method = "DELETE";
  remove.path = "/v1/streams/{stream_id}";
  remove.summary = "Deletes a stream and what it has learned";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 412};
  remove.handle = [&s](request_context& request) {
    check_version(request, version_of(s.resources, request, kind, "stream_id"));
    s.streams.remove(request.caller, request.text("stream_id"));
    return answer();
  };
  to.add(remove);
}

inline void add_stream_rows(registry& to, services& s) {
  endpoint feed;
  feed.id = "add_rows";
  feed.method = "POST";
  feed.path = "/v1/streams/{stream_id}/rows";
  feed.tag = "streams";
  feed.summary = "Rows for a stream: one or many, answered at once";
  feed.description =
      "As JSON: an object for a row, or a list of them; as NDJSON: an object a line; as CSV: with "
      "a "
      "header, which may be left out once one has come; as text/plain: in InfluxDB's line "
      "protocol, "
      "with fields `measurement` and `time` beside those that it names. Members and columns are "
      "fields; those that "
      "the stream has no use for are left out. A null, an empty field or one that is not there is "
      "a missing value. Rows are learned in their order. The answer comes when all of them are "
      "learned and survive a kill of the server; a batch is kept whole or not at all. With an "
      "`Idempotency-Key` a repeated request is not learned again.";
  feed.path_values = one_id("stream_id", "stream");
  feed.query = schema::object({{"answers", wanted_answers_schema()}});
  feed.body_forms = {
      {"application/json", schema::any().describe("a row, or a list of rows"),
       R"([{"time":"2026-01-31T12:00:00Z","celsius":21.5,"hPa":1013}])"},
      {"application/x-ndjson", schema::text().describe("a row a line"),
       "{\"time\":1769860800,\"celsius\":21.5}\n{\"time\":1769860860,\"celsius\":21.6}\n"},
      {"text/csv", schema::text().describe("with any usual separator"),
       "time,celsius\n2026-01-31T12:00:00Z,21.5\n2026-01-31T12:01:00Z,21.6\n"},
      {"text/plain", schema::text().describe("InfluxDB's line protocol"),
       "boiler,room=2 celsius=21.5,open=t 1769860800000000000\n"}};
  feed.body_bytes = batch_bytes;
  feed.response_schema = batch_answer_schema();
  feed.refusals = {400, 404, 413, 503, 507};
  feed.idempotent = true;
  feed.audited = false; // a row is not an event
  feed.is_ready = [&s](request_context& request) {
    return request.message.headers.get("Idempotency-Key").empty() &&
           s.streams.is_loaded(request.text("stream_id"));
  };
  feed.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    const std::string id = request->text("stream_id");
    s.resources.expect_changeable(request->caller, store::resource_kind::stream, id);
    const streams::batch_syntax syntax = syntax_of(request->message);
    s.streams.feed(
        id, request->caller.user_id, {syntax, now_ms(), std::move(request->message.body)},
        answers_named(request->text("answers")),
        [done = std::move(done)](const streams::batch_result& result, std::exception_ptr why) {
          answer given;
          if (!why) {
            if (const auto refused = refusal_of_batch(result)) {
              why = std::make_exception_ptr(*refused);
            } else {
              given = text_answer(batch_text(result));
            }
          }
          done(std::move(given), why);
        });
  };
  to.add(feed);
}

inline void add_stream_checkpoints(registry& to, services& s) {
  endpoint save;
  save.id = "save_stream";
  save.method = "POST";
  save.path = "/v1/streams/{stream_id}/checkpoints";
  save.tag = "streams";
  save.summary = "Makes a checkpoint of a stream as it is now";
  save.path_values = one_id("stream_id", "stream");
  save.body = schema::object({{"name", name_schema().describe("of the checkpoint")}});
  save.response_schema = checkpoint_schema();
  save.status = 201;
  save.idempotent = true;
  save.refusals = {404, 503};
  save.handle = [&s](request_context& request) {
    const store::resource_row row =
        s.streams.save(request.caller, request.text("stream_id"), request.text("name"));
    answer given(show_resource(row));
    given.version = row.version;
    given.location = "/v1/checkpoints/" + row.id;
    return given;
  };
  to.add(save);

  endpoint restore;
  restore.id = "restore_stream";
  restore.method = "POST";
  restore.path = "/v1/streams/{stream_id}/restore";
  restore.tag = "streams";
  restore.summary = "Replaces a stream by a checkpoint of a stream, settings included";
  restore.path_values = one_id("stream_id", "stream");
  restore.body = schema::object({{"checkpoint_id", id_schema("checkpoint")}});
  restore.response_schema = stream_schema();
  restore.refusals = {404, 503};
  restore.handle = [&s](request_context& request) {
    const store::resource_row row =
        s.streams.restore(request.caller, request.text("stream_id"), request.text("checkpoint_id"));
    s.webhooks.rewind(row.id);
    return stream_answer(row);
  };
  to.add(restore);
}

inline void add_stream_socket(registry& to, services& s) {
  endpoint socket;
  socket.id = "open_stream_socket";
  socket.method = "GET";
  socket.path = "/v1/streams/{stream_id}/socket";
  socket.tag = "streams";
  socket.summary = "A WebSocket that takes rows as they come";
  socket.description =
      "A text frame holds rows as the body of `add_rows` does, in the format of the query; its "
      "answer is the same as there, or {\"error\": a problem}. Any number of frames may be sent "
      "without waiting; each gets one answer, in their order, when its rows survive a kill of the "
      "server. The token comes as for all requests or, since browsers cannot set other fields, as "
      "a WebSocket protocol: 'Sec-WebSocket-Protocol: hanami.v1, bearer.<token>'. A binary frame "
      "closes the socket with 1003, a token that is no longer valid with 1008, the end of the "
      "stream or the server with 1001.";
  socket.path_values = one_id("stream_id", "stream");
  socket.query = schema::object(
      {{"format", schema::choice({"json", "csv", "line_protocol"}).otherwise("json")},
       {"answers", wanted_answers_schema()},
       ticket_property()});
  socket.by_ticket = true;
  socket.status = 101;
  socket.refusals = {400, 404, 426};
  socket.handle = [&s](request_context& request) -> answer {
    s.resources.get(request.caller, store::resource_kind::stream, request.text("stream_id"));
    throw http::problem(http::transport_fault::upgrade_required,
                        "this is a WebSocket: 'Upgrade: websocket' is needed");
  };
  socket.open_socket = [&s](request_context& request, std::shared_ptr<http::socket> peer) {
    return open_stream_socket(s, request, std::move(peer));
  };
  to.add(socket);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_stream_endpoints(registry& to, services& s) {
  detail::add_stream_resources(to, s);
  detail::add_stream_rows(to, s);
  detail::add_stream_socket(to, s);
  detail::add_stream_views(to, s);
  detail::add_stream_checkpoints(to, s);
}

} // namespace hanami::service::api
