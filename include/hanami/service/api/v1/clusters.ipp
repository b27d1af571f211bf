// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../http/problem.hpp"
#include "cluster_socket.hpp"
#include "cluster_views.hpp"
#include "direct_use.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline void add_cluster_resources(registry& to, services& s) {
  endpoint common;
  common.tag = "clusters";
  common.response_schema = cluster_schema();
  const schema one = one_id("cluster_id", "cluster");

  endpoint create = common;
  create.id = "create_cluster";
  create.method = "POST";
  create.path = "/v1/clusters";
  create.summary = "Makes a cluster";
  create.description = "From a template, or from a checkpoint that one may use. Without either it "
                       "is the smallest one that learns: one value in, one value out.";
  create.status = 201;
  create.idempotent = true;
  create.refusals = {404, 409};
  create.body = schema::object(
      {{"name", name_schema()},
       {"template", schema::text(0, 1 << 20).describe("text of a cluster template").otherwise(""),
        presence::optional},
       {"checkpoint_id",
        id_schema("checkpoint")
            .describe("instead of a template and of learning: "
                      "what it was when that was saved"),
        presence::optional},
       {"visibility", visibility_schema().otherwise("private"), presence::optional},
       {"learning", learning_schema(), presence::optional}});
  create.handle = [&s](request_context& request) {
    const std::string text = request.text("template");
    const visibility visible_to = visibility_from(request.text("visibility"));
    const bool saved = request.find("checkpoint_id") != nullptr;
    if (saved && (!text.empty() || request.find("learning") != nullptr)) {
      throw invalid_value_at("/checkpoint_id", "goes without `template` and `learning`");
    }
    const store::resource_row row =
        saved ? s.engine.create_from_checkpoint(request.caller, request.text("name"),
                                                request.text("checkpoint_id"), visible_to)
              : s.engine.create(request.caller, request.text("name"), text, visible_to,
                                learning_from(request.find("learning")));
    answer given = cluster_answer(s, row);
    given.location = "/v1/clusters/" + row.id;
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_clusters";
  list.method = "GET";
  list.path = "/v1/clusters";
  list.summary = "All clusters that one may use";
  list.query = resource_page_schema();
  list.response_schema = list_schema(cluster_schema());
  list.non_blocking = true;
  list.handle = [&s](request_context& request) {
    const auto found = s.resources.list(request.caller, store::resource_kind::cluster,
                                        page_from(request), filter_from(request));
    std::vector<std::string> ids;
    for (const store::resource_row& row : found.rows) {
      ids.push_back(row.id);
    }
    const std::vector<json::value> summaries = s.engine.summaries(ids);
    std::size_t next = 0;
    return show_page(found, [&](const store::resource_row& row) {
      return show_cluster(row, summaries[next++]);
    });
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_cluster";
  get.method = "GET";
  get.path = "/v1/clusters/{cluster_id}";
  get.summary = "One cluster";
  get.path_values = one;
  get.refusals = {404};
  get.non_blocking = true;
  get.handle = [&s](request_context& request) {
    return cluster_answer(s, s.resources.get(request.caller, store::resource_kind::cluster,
                                             request.text("cluster_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_cluster";
  change.method = "PATCH";
  change.path = "/v1/clusters/{cluster_id}";
  change.summary = "Changes name or visibility";
  change.path_values = one;
  change.body = change_schema();
  change.refusals = {404, 409, 412};
  change.handle = [&s](request_context& request) {
    return cluster_answer(
        s, s.engine.change_cluster(
               request.caller, request.text("cluster_id"), change_from(request),
               request.expected_version(
                   version_of(s.resources, request, store::resource_kind::cluster, "cluster_id"))));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_cluster";
  remove.method = "DELETE";
  remove.path = "/v1/clusters/{cluster_id}";
  remove.summary = "Deletes a cluster; its tasks are aborted";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 412};
  remove.handle = [&s](request_context& request) {
    check_version(request,
                  version_of(s.resources, request, store::resource_kind::cluster, "cluster_id"));
    s.engine.remove(request.caller, request.text("cluster_id"));
    return answer();
  };
  to.add(remove);
}

inline void add_cluster_views(registry& to, services& s) {
  endpoint common;
  common.tag = "clusters";
  common.method = "GET";
  common.path_values = one_id("cluster_id", "cluster");
  common.refusals = {404};
  const auto open = [&s](const request_context& request) {
    const std::string id = request.text("cluster_id");
    s.resources.kept_ownership(request.caller, store::resource_kind::cluster, id);
    return s.engine.open_cluster(id);
  };

  endpoint statistics = common;
  statistics.id = "get_cluster_statistics";
  statistics.path = "/v1/clusters/{cluster_id}/statistics";
  statistics.summary = "Inputs, outputs and size of a cluster as it is now";
  statistics.response_schema = schema::object({{"inputs", schema::list(input_schema())},
                                               {"outputs", schema::list(output_schema())},
                                               {"statistics", cluster_statistics_schema()},
                                               {"labels", labels_schema()}});
  statistics.handle = [&s, open](request_context& request) {
    const engine::cluster_handle cluster = open(request);
    return answer(json::object{{"inputs", show_inputs(cluster.shape().inputs)},
                               {"outputs", show_outputs(cluster.shape().outputs)},
                               {"statistics", show_statistics(s.engine.statistics(cluster))},
                               {"labels", show_labels(s.engine, request.text("cluster_id"))}});
  };
  to.add(statistics);

  endpoint text = common;
  text.id = "get_cluster_template";
  text.path = "/v1/clusters/{cluster_id}/template";
  text.summary = "The template of a cluster";
  text.response_type = "text/plain";
  text.handle = [&s, open](request_context& request) {
    answer given;
    given.text = s.engine.template_text(open(request));
    given.content_type = "text/plain; charset=utf-8";
    return given;
  };
  to.add(text);

  endpoint picture = common;
  picture.id = "get_cluster_picture";
  picture.path = "/v1/clusters/{cluster_id}/picture";
  picture.summary = "A drawing of a cluster as it is now: hexagons, bricks, who feeds whom";
  picture.query = schema::object({{"format", schema::choice({"svg", "dot"}).otherwise("svg")}});
  picture.response_type = "image/svg+xml";
  picture.other_response_types = {"text/vnd.graphviz"};
  picture.handle = [&s, open](request_context& request) {
    answer given;
    given.text = s.engine.picture(open(request), request.text("format"));
    given.content_type =
        request.text("format") == "svg" ? "image/svg+xml" : "text/vnd.graphviz; charset=utf-8";
    // The drawing contains texts of users: nothing in it may be executed.
    given.headers.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    return given;
  };
  to.add(picture);
}

/// The cluster of a request: found when it arrived, or brought into memory now.
inline const engine::cluster_handle& cluster_of(services& s, request_context& request,
                                                std::string_view id) {
  if (!request.cluster) {
    request.cluster = s.engine.open_cluster(id);
  }
  return request.cluster;
}

inline void add_direct_use(registry& to, services& s) {
  endpoint common;
  common.tag = "clusters";
  common.method = "POST";
  common.path_values = one_id("cluster_id", "cluster");
  common.refusals = {404, 503};
  common.audited = false; // a sample is not an event
  common.is_ready = [&s](request_context& request) {
    constexpr std::size_t short_body = std::size_t{64} << 10; // read in less than a millisecond
    if (request.message.body.size() <= short_body) {
      request.cluster = s.engine.find_cluster(request.text("cluster_id"));
    }
    return bool(request.cluster);
  };

  endpoint infer = common;
  infer.id = "infer";
  infer.path = "/v1/clusters/{cluster_id}/infer";
  infer.summary = "Asks a cluster: an answer for one sample, at once";
  infer.description =
      "The answer comes from the cluster after all that was asked of it before. With an `id`, what "
      "was asked waits in memory for its label: a day, if the operator has set nothing else, and "
      "at "
      "most 100,000 questions of a user, of 16 MiB together, of which the oldest are forgotten "
      "first. It does not survive a restart of the server.";
  infer.body = question_schema();
  infer.response_schema = schema::object({{"outputs", named_values_schema()}});
  infer.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    const std::string id = request->text("cluster_id");
    s.resources.kept_ownership(request->caller, store::resource_kind::cluster, id);
    const engine::cluster_handle& cluster = cluster_of(s, *request, id);
    const std::vector<float> inputs = inputs_from(request->values, cluster.shape());
    const auto show = [request, done = std::move(done)](std::span<const float> found,
                                                        const std::exception_ptr& why) {
      answer given;
      if (!why) {
        given.text = "{\"outputs\":";
        append_buffers(given.text, found, request->cluster.shape().outputs);
        given.text += '}';
        given.content_type = "application/json";
      }
      done(std::move(given), why);
    };
    if (request->find("id") != nullptr) {
      s.engine.infer_for_label(cluster, request->caller.user_id, request->text("id"), inputs, show);
    } else {
      s.engine.infer(cluster, request->caller.user_id, inputs, show);
    }
  };
  to.add(infer);

  endpoint train = common;
  train.id = "train";
  train.path = "/v1/clusters/{cluster_id}/train";
  train.summary = "Trains a cluster on one sample, at once";
  train.description =
      "The answer comes when the sample is learned and survives a kill of the "
      "server. A null in the targets is nothing to learn. With the `id` of a question "
      "the sample is what was asked then, once.";
  train.body = lesson_schema();
  train.response_schema = learned_schema();
  train.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    const std::string id = request->text("cluster_id");
    s.resources.expect_changeable(request->caller, store::resource_kind::cluster, id);
    const engine::cluster_handle& cluster = cluster_of(s, *request, id);
    const bool labels = is_label(request->values);
    const std::vector<float> targets = targets_from(request->values, cluster.shape());
    const auto show = [done = std::move(done)](const train_result& r,
                                               const std::exception_ptr& why) {
      answer given;
      if (!why) {
        given.body = show_learned(r);
      }
      done(std::move(given), why);
    };
    if (labels) {
      s.engine.train_label(cluster, request->caller.user_id, request->text("id"), targets, show);
    } else {
      s.engine.train(cluster, request->caller.user_id,
                     inputs_from(request->values, cluster.shape()), targets, show);
    }
  };
  to.add(train);
}

inline constexpr const char* socket_description =
    "Any number of requests may be sent without waiting; each gets one answer, in their "
    "order. The answer to a training comes when the sample survives a kill of the server."
    " The token comes as for all requests or, since browsers cannot set other fields, as "
    "a WebSocket protocol: 'Sec-WebSocket-Protocol: hanami.v1, bearer.<token>'.\n\n"
    "Text frames hold one JSON object: {\"id\": any, \"infer\": B} or {\"id\": any, \"train\": "
    "B}, where B is the body of the calls 'infer' and 'train'. Answers: {\"id\": ..., "
    "\"outputs\": {...}}, {\"id\": ..., \"learned\": {\"loss\", \"error\", \"learned\"}} or "
    "{\"id\": "
    "..., \"error\": a problem}. An id in B is that of a question whose label comes later, as "
    "there; its training is sent once the answer has come.\n\n"
    "Binary frames are little-endian: op (1 byte: 1 infer, 2 train), 0 (1), number of "
    "blocks (2), request id (4); each block: kind (1: 0 input, 1 target or output), 0 "
    "(1), number of the input or output as the statistics list them, from 0 (2), count "
    "(4), so many float32, NaN for what is missing. Answers begin with 0x81 (outputs, a "
    "block each), 0x82 (one block of kind 2: loss, error, 1 or 0 for learned) or 0xff "
    "(refused: the status in the place of the blocks, behind the id a problem as JSON).\n\n"
    "A wrong request is answered with its error. What is no request closes the socket "
    "with 1002 or 1003, a frame that is too long with 1009, a token that is no longer "
    "valid with 1008, the end of the cluster or the server with 1001.";

inline void add_cluster_socket(registry& to, services& s) {
  endpoint socket;
  socket.id = "open_cluster_socket";
  socket.method = "GET";
  socket.path = "/v1/clusters/{cluster_id}/socket";
  socket.tag = "clusters";
  socket.summary = "A WebSocket that asks and trains a cluster, sample by sample";
  socket.description = socket_description;
  socket.path_values = one_id("cluster_id", "cluster");
  socket.query = schema::object({ticket_property()});
  socket.by_ticket = true;
  socket.status = 101;
  socket.refusals = {400, 404, 426};
  socket.handle = [&s](request_context& request) -> answer {
    s.resources.get(request.caller, store::resource_kind::cluster, request.text("cluster_id"));
    throw http::problem(http::transport_fault::upgrade_required,
                        "this is a WebSocket: 'Upgrade: websocket' is needed");
  };
  socket.open_socket = [&s](request_context& request, std::shared_ptr<http::socket> peer) {
    return open_cluster_socket(s, request, std::move(peer));
  };
  to.add(socket);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_cluster_endpoints(registry& to, services& s) {
  detail::add_cluster_resources(to, s);
  detail::add_cluster_views(to, s);
  detail::add_direct_use(to, s);
  detail::add_cluster_socket(to, s);
}

} // namespace hanami::service::api
