// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../../../base/clock.hpp"
#include "../../../base/compile.hpp"
#include "../../../webhook/webhooks.hpp"
#include "../endpoints.hpp"
#include "stream_looks.hpp"
#include "webhook_views.hpp"

namespace hanami::service::api {

namespace detail {

/// The stream of a request, whose webhooks the caller may see and change.
inline std::string stream_with_webhooks(services& s, const request_context& request) {
  std::string id = request.text("stream_id");
  s.resources.expect_changeable(request.caller, store::resource_kind::stream, id);
  return id;
}

inline answer webhook_answer(const webhooks::webhook& of) { return answer(show_webhook(of)); }

inline void add_webhook_resources(registry& to, services& s) {
  endpoint common;
  common.tag = "webhooks";
  common.response_schema = schema::object(webhook_properties()).called("Webhook");
  common.refusals = {404};
  const schema one =
      schema::object({{"stream_id", id_schema("stream")}, {"webhook_id", id_schema("webhook")}});

  endpoint create = common;
  create.id = "create_webhook";
  create.method = "POST";
  create.path = "/v1/streams/{stream_id}/webhooks";
  create.summary = "Makes a webhook: from now on, the stream's alarms are sent to a URL";
  create.description =
      "Each alarm is sent once, as JSON by POST: {\"type\": \"stream.alarm\", \"timestamp\": .., "
      "\"data\": {\"stream_id\": .., \"alarm\": ..}}. It is signed by the convention of Standard "
      "Webhooks: the field `webhook-signature` holds \"v1,\" and, in base64, the HMAC-SHA256 of "
      "\"<webhook-id>.<webhook-timestamp>.<body>\" with the secret, which is shown this once. Any "
      "status of 2xx says that it was taken; all else, redirects too, is tried again after a while "
      "that grows sixfold each time, for about a day in all, with the same `webhook-id`. 410 "
      "disables the webhook, and so does a receiver that has taken nothing for days: an event "
      "`webhook_disabled` of the stream and its `reason` tell. Addresses that are not of the open "
      "internet are not connected to, unless the operator has named their network.";
  create.path_values = one_id("stream_id", "stream");
  create.body = schema::object({{"url", webhook_url_schema()}});
  std::vector<schema_property> shown = webhook_properties();
  shown.push_back({"secret", schema::text().describe("what the receiver verifies with; whsec_..")});
  create.response_schema = schema::object(std::move(shown)).called("NewWebhook");
  create.status = 201;
  create.refusals = {404, 503};
  create.handle = [&s](request_context& request) {
    const std::string stream = stream_with_webhooks(s, request);
    const std::string owner =
        s.resources.get(request.caller, store::resource_kind::stream, stream).owner_id;
    auto [made, secret] = s.webhooks.create(stream, owner, request.text("url"));
    json::object body = show_webhook(made);
    body["secret"] = secret;
    answer given(std::move(body));
    given.location = "/v1/streams/" + stream + "/webhooks/" + made.id;
    given.headers.add("Cache-Control", "no-store");
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_webhooks";
  list.method = "GET";
  list.path = "/v1/streams/{stream_id}/webhooks";
  list.summary = "The webhooks of a stream, by creation";
  list.path_values = one_id("stream_id", "stream");
  list.response_schema = schema::object(
      {{"items", schema::list(*common.response_schema, 0, webhooks::most_webhooks)}});
  list.handle = [&s](request_context& request) {
    json::array items;
    for (const webhooks::webhook& each : s.webhooks.list(stream_with_webhooks(s, request))) {
      items.push_back(show_webhook(each));
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_webhook";
  get.method = "GET";
  get.path = "/v1/streams/{stream_id}/webhooks/{webhook_id}";
  get.summary = "One webhook";
  get.path_values = one;
  get.handle = [&s](request_context& request) {
    return webhook_answer(
        s.webhooks.get(stream_with_webhooks(s, request), request.text("webhook_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_webhook";
  change.method = "PATCH";
  change.path = "/v1/streams/{stream_id}/webhooks/{webhook_id}";
  change.summary = "Changes where it leads, disables it or enables it again";
  change.description = "One that is enabled again begins with the next alarm; what waits in one "
                       "that is disabled is not sent.";
  change.path_values = one;
  change.body = schema::object({{"url", webhook_url_schema(), presence::optional},
                                {"enabled", schema::boolean(), presence::optional}});
  change.refusals = {404, 503};
  change.handle = [&s](request_context& request) {
    webhooks::webhook_change what;
    what.url = request.text_if("url");
    if (const json::value* enabled = request.values.if_contains("enabled")) {
      what.enabled = enabled->as_bool();
    }
    return webhook_answer(
        s.webhooks.change(stream_with_webhooks(s, request), request.text("webhook_id"), what));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_webhook";
  remove.method = "DELETE";
  remove.path = "/v1/streams/{stream_id}/webhooks/{webhook_id}";
  remove.summary = "Deletes a webhook and what waits in it";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.handle = [&s](request_context& request) {
    s.webhooks.remove(stream_with_webhooks(s, request), request.text("webhook_id"));
    return answer();
  };
  to.add(remove);
}

inline void add_webhook_messages(registry& to, services& s) {
  endpoint common;
  common.tag = "webhooks";
  common.refusals = {404};
  common.path_values =
      schema::object({{"stream_id", id_schema("stream")}, {"webhook_id", id_schema("webhook")}});

  endpoint test = common;
  test.id = "test_webhook";
  test.method = "POST";
  test.path = "/v1/streams/{stream_id}/webhooks/{webhook_id}/test";
  test.summary = "Sends a message of the type `webhook.test`";
  test.status = 202;
  test.response_schema = webhook_message_schema();
  test.refusals = {404, 409};
  test.handle = [&s](request_context& request) {
    return answer(show_message(
        s.webhooks.test(stream_with_webhooks(s, request), request.text("webhook_id"))));
  };
  to.add(test);

  endpoint list = common;
  list.id = "list_webhook_messages";
  list.method = "GET";
  list.path = "/v1/streams/{stream_id}/webhooks/{webhook_id}/messages";
  list.summary = "What was sent and what waits, newest first: states, tries, last trouble";
  list.description = "All that wait, and the last 200 that were delivered or have failed.";
  list.query = place_schema();
  list.response_schema = list_schema(webhook_message_schema());
  list.handle = [&s](request_context& request) {
    const std::uint64_t before = place_from(request);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return show_page(s.webhooks.messages(stream_with_webhooks(s, request),
                                         request.text("webhook_id"),
                                         static_cast<std::int64_t>(std::min(before, most)),
                                         static_cast<std::size_t>(request.integer("limit"))),
                     show_message);
  };
  to.add(list);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_webhook_endpoints(registry& to, services& s) {
  detail::add_webhook_resources(to, s);
  detail::add_webhook_messages(to, s);
}

} // namespace hanami::service::api
