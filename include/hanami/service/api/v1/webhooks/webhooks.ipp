// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../../base/clock.hpp"
#include "../../../base/compile.hpp"
#include "../../../webhook/webhooks.hpp"
#include "../endpoints.hpp"
#include "../streams/stream_looks.hpp"
#include "webhook_views.hpp"

namespace hanami::service::api {

namespace detail {

/// Webhooks of one sort: the same endpoints twice.
struct webhook_sort {
  bool of_tasks = false;
  std::string path;
  schema path_values = schema::object();
  std::string word; ///< in the ids of operations
  /// What those of a request are of, which the caller may see and change.
  std::function<webhooks::webhook_place(const request_context&)> place;

  std::string id(const char* begin, const char* end = "") const { return begin + word + end; }
  schema one() const {
    std::vector<schema_property> all = path_values.properties();
    all.push_back({"webhook_id", id_schema("webhook")});
    return schema::object(std::move(all));
  }
  std::vector<schema_property> shown() const { return webhook_properties(of_tasks); }
};

inline webhook_sort webhooks_of_streams(services& s) {
  webhook_sort sort;
  sort.path = "/v1/streams/{stream_id}/webhooks";
  sort.path_values = one_id("stream_id", "stream");
  sort.word = "webhook";
  sort.place = [&s](const request_context& request) -> webhooks::webhook_place {
    std::string id = request.text("stream_id");
    s.resources.expect_changeable(request.caller, store::resource_kind::stream, id);
    return {std::move(id), {}, {}};
  };
  return sort;
}

/// Each has their own, for the project that the token is for.
inline webhook_sort webhooks_of_tasks() {
  webhook_sort sort;
  sort.of_tasks = true;
  sort.path = "/v1/webhooks";
  sort.word = "task_webhook";
  sort.place = [](const request_context& request) -> webhooks::webhook_place {
    return {{}, request.caller.user_id, request.caller.project_id};
  };
  return sort;
}

/// Throws `forbidden` for tasks that the caller does not lead.
inline webhooks::wanted_ends wanted_ends_from(const request_context& request) {
  webhooks::wanted_ends wanted;
  const std::string reach = request.text("reach");
  const identity& caller = request.caller;
  if (reach == "all" && !caller.admin) {
    throw forbidden("the tasks of all are told to administrators");
  }
  if (reach == "project" && !caller.admin && !caller.project_admin) {
    throw forbidden("the tasks of a project are told to who leads it");
  }
  wanted.reach = reach == "all"       ? webhooks::task_reach::all
                 : reach == "project" ? webhooks::task_reach::project
                                      : webhooks::task_reach::own;
  for (const json::value& each : request.values.at("states").as_array()) {
    const json::string& name = each.as_string();
    wanted.states |= 1U << static_cast<unsigned>(
                         *store::task_state_named(std::string_view(name.data(), name.size())));
  }
  return wanted;
}

/// How messages are sent, whatever they tell.
inline constexpr const char* how_messages_go =
    " It is signed by the convention of Standard "
    "Webhooks: the field `webhook-signature` holds \"v1,\" and, in base64, the HMAC-SHA256 of "
    "\"<webhook-id>.<webhook-timestamp>.<body>\" with the secret, which is shown this once. Any "
    "status of 2xx says that it was taken; all else, redirects too, is tried again after a while "
    "that grows sixfold each time, for about a day in all, with the same `webhook-id`. 410 "
    "disables the webhook, and so does a receiver that has taken nothing for days: its `reason` "
    "tells, and of a stream's an event `webhook_disabled`. Addresses that are not of the open "
    "internet are not connected to, unless the operator has named their network.";

inline answer webhook_answer(const webhooks::webhook& of) { return answer(show_webhook(of)); }

inline void add_webhook_creation(registry& to, services& s, const webhook_sort& sort) {
  endpoint create;
  create.tag = "webhooks";
  create.id = sort.id("create_");
  create.method = "POST";
  create.path = sort.path;
  std::vector<schema_property> body = {{"url", webhook_url_schema()}};
  if (sort.of_tasks) {
    create.summary = "Makes a webhook: from now on, the ends of tasks are sent to a URL";
    create.description =
        std::string("Each task that ends is told of once, as JSON by POST: {\"type\": "
                    "\"task.ended\", \"timestamp\": .., \"data\": {\"task_id\": .., \"state\": .., "
                    "..}}, as long as one may see it: in the project, leads it, is an "
                    "administrator.") +
        how_messages_go;
    body.push_back({"reach", task_reach_schema().otherwise("own"), presence::optional});
    body.push_back({"states",
                    ended_states_schema().otherwise(json::array{"finished", "failed", "aborted"}),
                    presence::optional});
  } else {
    create.summary = "Makes a webhook: from now on, the stream's alarms are sent to a URL";
    create.description =
        std::string("Each alarm is sent once, as JSON by POST: {\"type\": \"stream.alarm\", "
                    "\"timestamp\": .., \"data\": {\"stream_id\": .., \"alarm\": ..}}.") +
        how_messages_go;
  }
  create.path_values = sort.path_values;
  create.body = schema::object(std::move(body));
  std::vector<schema_property> shown = sort.shown();
  shown.push_back({"secret", schema::text().describe("what the receiver verifies with; whsec_..")});
  create.response_schema =
      schema::object(std::move(shown)).called(sort.of_tasks ? "NewTaskWebhook" : "NewWebhook");
  create.status = 201;
  create.refusals = {404, 503};
  create.handle = [&s, sort](request_context& request) {
    const webhooks::webhook_place place = sort.place(request);
    std::string owner = place.user_id;
    webhooks::wanted_ends ends;
    if (sort.of_tasks) {
      ends = wanted_ends_from(request);
    } else {
      owner =
          s.resources.get(request.caller, store::resource_kind::stream, place.stream_id).owner_id;
    }
    auto [made, secret] = s.webhooks.create(place, owner, request.text("url"), ends);
    json::object shown_once = show_webhook(made);
    shown_once["secret"] = secret;
    answer given(std::move(shown_once));
    given.location = request.message.path + '/' + made.id;
    given.headers.add("Cache-Control", "no-store");
    return given;
  };
  to.add(create);
}

inline void add_webhook_resources(registry& to, services& s, const webhook_sort& sort) {
  endpoint common;
  common.tag = "webhooks";
  common.response_schema =
      schema::object(sort.shown()).called(sort.of_tasks ? "TaskWebhook" : "Webhook");
  common.refusals = {404};

  endpoint list = common;
  list.id = sort.id("list_", "s");
  list.method = "GET";
  list.path = sort.path;
  list.summary = sort.of_tasks ? "The own webhooks of tasks in this project, by creation"
                               : "The webhooks of a stream, by creation";
  list.path_values = sort.path_values;
  list.response_schema = schema::object(
      {{"items", schema::list(*common.response_schema, 0, webhooks::most_webhooks)}});
  list.handle = [&s, sort](request_context& request) {
    json::array items;
    for (const webhooks::webhook& each : s.webhooks.list(sort.place(request))) {
      items.push_back(show_webhook(each));
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);

  endpoint get = common;
  get.id = sort.id("get_");
  get.method = "GET";
  get.path = sort.path + "/{webhook_id}";
  get.summary = "One webhook";
  get.path_values = sort.one();
  get.handle = [&s, sort](request_context& request) {
    return webhook_answer(s.webhooks.get(sort.place(request), request.text("webhook_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = sort.id("change_");
  change.method = "PATCH";
  change.path = sort.path + "/{webhook_id}";
  change.summary = "Changes where it leads, disables it or enables it again";
  change.description =
      "One that is enabled again begins with the next alarm or end; what waits in one "
      "that is disabled is not sent.";
  change.path_values = sort.one();
  change.body = schema::object({{"url", webhook_url_schema(), presence::optional},
                                {"enabled", schema::boolean(), presence::optional}});
  change.refusals = {404, 503};
  change.handle = [&s, sort](request_context& request) {
    webhooks::webhook_change what;
    what.url = request.text_if("url");
    if (const json::value* enabled = request.values.if_contains("enabled")) {
      what.enabled = enabled->as_bool();
    }
    return webhook_answer(s.webhooks.change(sort.place(request), request.text("webhook_id"), what));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = sort.id("delete_");
  remove.method = "DELETE";
  remove.path = sort.path + "/{webhook_id}";
  remove.summary = "Deletes a webhook and what waits in it";
  remove.path_values = sort.one();
  remove.response_schema.reset();
  remove.status = 204;
  remove.handle = [&s, sort](request_context& request) {
    s.webhooks.remove(sort.place(request), request.text("webhook_id"));
    return answer();
  };
  to.add(remove);
}

inline void add_webhook_messages(registry& to, services& s, const webhook_sort& sort) {
  endpoint common;
  common.tag = "webhooks";
  common.refusals = {404};
  common.path_values = sort.one();

  endpoint test = common;
  test.id = sort.id("test_");
  test.method = "POST";
  test.path = sort.path + "/{webhook_id}/test";
  test.summary = "Sends a message of the type `webhook.test`";
  test.status = 202;
  test.response_schema = webhook_message_schema();
  test.refusals = {404, 409};
  test.handle = [&s, sort](request_context& request) {
    return answer(show_message(s.webhooks.test(sort.place(request), request.text("webhook_id"))));
  };
  to.add(test);

  endpoint list = common;
  list.id = sort.id("list_", "_messages");
  list.method = "GET";
  list.path = sort.path + "/{webhook_id}/messages";
  list.summary = "What was sent and what waits, newest first: states, tries, last trouble";
  list.description = "All that wait, and the last 200 that were delivered or have failed.";
  list.query = place_schema();
  list.response_schema = list_schema(webhook_message_schema());
  list.handle = [&s, sort](request_context& request) {
    const std::uint64_t before = place_from(request);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return show_page(s.webhooks.messages(sort.place(request), request.text("webhook_id"),
                                         static_cast<std::int64_t>(std::min(before, most)),
                                         static_cast<std::size_t>(request.integer("limit"))),
                     show_message);
  };
  to.add(list);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_webhook_endpoints(registry& to, services& s) {
  for (const detail::webhook_sort& sort :
       {detail::webhooks_of_streams(s), detail::webhooks_of_tasks()}) {
    detail::add_webhook_creation(to, s, sort);
    detail::add_webhook_resources(to, s, sort);
    detail::add_webhook_messages(to, s, sort);
  }
}

} // namespace hanami::service::api
