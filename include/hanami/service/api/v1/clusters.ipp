// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../http/problem.hpp"
#include "cluster_socket.hpp"
#include "direct_use.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema input_schema() {
  return schema::object(
             {{"name", schema::text()},
              {"size", schema::integer(1)},
              {"classes",
               schema::list(schema::object({{"value", schema::integer().describe("in a row")},
                                            {"names", schema::list(schema::text())}}))
                   .describe("what the numbers 0, 1, ... in a value stand for, where columns of "
                             "classes have trained it")}})
      .called("ClusterInput");
}

inline schema output_schema() {
  return schema::object(
             {{"name", schema::text()},
              {"size", schema::integer(1)},
              {"kind", schema::choice({"softmax", "sigmoid", "linear"})},
              {"classes",
               schema::list(schema::text())
                   .describe(
                       "what its values stand for, where a column of classes has trained it")}})
      .called("ClusterOutput");
}

inline schema cluster_statistics_schema() {
  return schema::object({{"samples", schema::integer().describe("trained")},
                         {"samples_learned", schema::integer().describe("that changed weights")},
                         {"drifts", schema::integer().describe("changes of the data noticed")},
                         {"hexagons", schema::integer()},
                         {"bricks", schema::integer()},
                         {"neurons", schema::integer()},
                         {"sections", schema::integer()},
                         {"synapses", schema::integer()},
                         {"memory_bytes", schema::integer()}})
      .called("ClusterStatistics");
}

inline schema cluster_schema() { return resource_schema("cluster").called("Cluster"); }

inline json::array show_inputs(const std::vector<engine::buffer_shape>& inputs) {
  json::array shown;
  for (const engine::buffer_shape& b : inputs) {
    json::array classes;
    for (const auto& [place, names] : b.classes) {
      classes.push_back(
          json::object{{"value", place}, {"names", json::array(names.begin(), names.end())}});
    }
    shown.push_back(
        json::object{{"name", b.name}, {"size", b.size}, {"classes", std::move(classes)}});
  }
  return shown;
}

inline json::array show_outputs(const std::vector<engine::buffer_shape>& outputs) {
  json::array shown;
  for (const engine::buffer_shape& b : outputs) {
    const auto known = b.classes.find(0);
    const std::vector<std::string> names =
        known == b.classes.end() ? std::vector<std::string>() : known->second;
    shown.push_back(json::object{{"name", b.name},
                                 {"size", b.size},
                                 {"kind", b.kind == output_kind::softmax   ? "softmax"
                                          : b.kind == output_kind::sigmoid ? "sigmoid"
                                                                           : "linear"},
                                 {"classes", json::array(names.begin(), names.end())}});
  }
  return shown;
}

inline json::object show_statistics(const cluster_statistics& c) {
  return {{"samples", c.samples},   {"samples_learned", c.samples_learned},
          {"drifts", c.drifts},     {"hexagons", c.hexagons},
          {"bricks", c.bricks},     {"neurons", c.neurons},
          {"sections", c.sections}, {"synapses", c.synapses},
          {"memory_bytes", c.bytes}};
}

inline answer cluster_answer(const store::resource_row& row) {
  answer given(show_resource(row));
  given.version = row.version;
  return given;
}

inline schema learning_schema() {
  constexpr learning_options standard{};
  return schema::object(
             {{"seed", schema::integer().otherwise(static_cast<std::int64_t>(standard.seed))},
              {"learning_rate", schema::number(1e-6, 10), presence::optional},
              {"rehearsal",
               schema::integer(0, 1000).describe("remembered samples that are learned "
                                                 "again with each new one"),
               presence::optional},
              {"reduction",
               schema::number(0, 0.95).describe("share of the synapses that are "
                                                "removed again over a task"),
               presence::optional}})
      .describe("how it learns; the defaults are good for most");
}

inline learning_options learning_from(const json::value* given) {
  learning_options options;
  if (given == nullptr) {
    return options;
  }
  const json::object& values = given->as_object();
  if (const json::value* seed = values.if_contains("seed")) {
    options.seed = static_cast<decltype(options.seed)>(seed->as_int64());
  }
  if (const json::value* rate = values.if_contains("learning_rate")) {
    options.learning_rate = rate->to_number<double>();
  }
  if (const json::value* rehearsal = values.if_contains("rehearsal")) {
    options.rehearsal = static_cast<decltype(options.rehearsal)>(rehearsal->as_int64());
  }
  if (const json::value* reduction = values.if_contains("reduction")) {
    options.pruning = reduction->to_number<double>();
  }
  return options;
}

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
  create.description = "Without a template it is the smallest one that learns: one value in, one "
                       "value out.";
  create.status = 201;
  create.idempotent = true;
  create.refusals = {409};
  create.body = schema::object(
      {{"name", name_schema()},
       {"template", schema::text(0, 1 << 20).describe("text of a cluster template").otherwise(""),
        presence::optional},
       {"visibility", visibility_schema().otherwise("private"), presence::optional},
       {"learning", learning_schema(), presence::optional}});
  create.handle = [&s](request_context& request) {
    const store::resource_row row = s.engine.create(
        request.caller, request.text("name"), request.text("template"),
        visibility_from(request.text("visibility")), learning_from(request.find("learning")));
    answer given = cluster_answer(row);
    given.location = "/v1/clusters/" + row.id;
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_clusters";
  list.method = "GET";
  list.path = "/v1/clusters";
  list.summary = "All clusters that one may use, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(cluster_schema());
  list.non_blocking = true;
  list.handle = [&s](request_context& request) {
    return show_page(
        s.resources.list(request.caller, store::resource_kind::cluster, page_from(request)),
        show_resource);
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
    return cluster_answer(
        s.resources.get(request.caller, store::resource_kind::cluster, request.text("cluster_id")));
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
    return cluster_answer(s.engine.change_cluster(
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
                                               {"statistics", cluster_statistics_schema()}});
  statistics.handle = [&s, open](request_context& request) {
    const engine::cluster_handle cluster = open(request);
    return answer(json::object{{"inputs", show_inputs(cluster.shape().inputs)},
                               {"outputs", show_outputs(cluster.shape().outputs)},
                               {"statistics", show_statistics(s.engine.statistics(cluster))}});
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
  infer.description = "The answer comes from the cluster after all that was asked of it before.";
  infer.body = question_schema();
  infer.response_schema = schema::object({{"outputs", named_values_schema()}});
  infer.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    const std::string id = request->text("cluster_id");
    s.resources.kept_ownership(request->caller, store::resource_kind::cluster, id);
    const engine::cluster_handle& cluster = cluster_of(s, *request, id);
    s.engine.infer(
        cluster, request->caller.user_id, inputs_from(request->values, cluster.shape()),
        [request, done = std::move(done)](std::span<const float> found, std::exception_ptr why) {
          answer given;
          if (!why) {
            given.text = "{\"outputs\":";
            append_buffers(given.text, found, request->cluster.shape().outputs);
            given.text += '}';
            given.content_type = "application/json";
          }
          done(std::move(given), why);
        });
  };
  to.add(infer);

  endpoint train = common;
  train.id = "train";
  train.path = "/v1/clusters/{cluster_id}/train";
  train.summary = "Trains a cluster on one sample, at once";
  train.description = "The answer comes when the sample is learned and survives a kill of the "
                      "server. A null in the targets is nothing to learn.";
  train.body = lesson_schema();
  train.response_schema = learned_schema();
  train.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    const std::string id = request->text("cluster_id");
    s.resources.expect_changeable(request->caller, store::resource_kind::cluster, id);
    const engine::cluster_handle& cluster = cluster_of(s, *request, id);
    s.engine.train(cluster, request->caller.user_id, inputs_from(request->values, cluster.shape()),
                   targets_from(request->values, cluster.shape()),
                   [done = std::move(done)](const train_result& r, const std::exception_ptr& why) {
                     answer given;
                     if (!why) {
                       given.body = show_learned(r);
                     }
                     done(std::move(given), why);
                   });
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
    "..., \"error\": a problem}.\n\n"
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
