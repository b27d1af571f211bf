// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../../base/compile.hpp"
#include "../cluster_views.hpp"
#include "../endpoints.hpp"
#include "../views.hpp"

/// What is done with a cluster as a whole.

namespace hanami::service::api {

namespace detail {

inline schema present_learning_schema() {
  return schema::object({{"seed", schema::integer()},
                         {"learning_rate", schema::number()},
                         {"rehearsal", schema::integer()},
                         {"reduction", schema::number().describe("0: as the template says")}})
      .called("Learning");
}

inline answer learning_answer(const learning_options& now) {
  return answer(json::object{{"seed", now.seed},
                             {"learning_rate", now.learning_rate},
                             {"rehearsal", now.rehearsal},
                             {"reduction", now.pruning}});
}

inline void add_copies(registry& to, services& s) {
  endpoint clone;
  clone.tag = "clusters";
  clone.id = "clone_cluster";
  clone.method = "POST";
  clone.path = "/v1/clusters/{cluster_id}/clone";
  clone.summary = "Makes another cluster that knows what this one knows now";
  clone.status = 201;
  clone.idempotent = true;
  clone.path_values = one_id("cluster_id", "cluster");
  clone.refusals = {404, 409};
  clone.body = schema::object(
      {{"name", name_schema()},
       {"visibility", visibility_schema().otherwise("private"), presence::optional}});
  clone.response_schema = cluster_schema();
  clone.handle = [&s](request_context& request) {
    const store::resource_row row =
        s.engine.clone(request.caller, request.text("cluster_id"), request.text("name"),
                       visibility_from(request.text("visibility")));
    answer given = cluster_answer(s, row);
    given.location = "/v1/clusters/" + row.id;
    return given;
  };
  to.add(clone);

  endpoint reset = clone;
  reset.id = "reset_cluster";
  reset.path = "/v1/clusters/{cluster_id}/reset";
  reset.summary = "Makes it as if it had never learned";
  reset.description = "Template and learning stay. Not while it has tasks.";
  reset.status = 200;
  reset.idempotent = false;
  reset.body.reset();
  reset.handle = [&s](request_context& request) {
    const std::string id = request.text("cluster_id");
    s.engine.reset(request.caller, id);
    return cluster_answer(s, s.resources.get(request.caller, store::resource_kind::cluster, id));
  };
  to.add(reset);
}

inline void add_learning(registry& to, services& s) {
  endpoint get;
  get.tag = "clusters";
  get.id = "get_cluster_learning";
  get.method = "GET";
  get.path = "/v1/clusters/{cluster_id}/learning";
  get.summary = "How a cluster learns";
  get.path_values = one_id("cluster_id", "cluster");
  get.refusals = {404, 503};
  get.response_schema = present_learning_schema();
  get.handle = [&s](request_context& request) {
    const std::string id = request.text("cluster_id");
    s.resources.get(request.caller, store::resource_kind::cluster, id);
    return learning_answer(s.engine.learning(s.engine.open_cluster(id)));
  };
  to.add(get);

  endpoint change = get;
  change.id = "change_cluster_learning";
  change.method = "PATCH";
  change.summary = "Changes how a cluster learns, from its next sample on";
  change.description = "What it has learned stays, but for the samples that it remembers for "
                       "rehearsal. Not while it has tasks.";
  change.refusals = {404, 409, 503};
  change.body = schema::object({{"learning_rate", schema::number(1e-6, 10), presence::optional},
                                {"rehearsal", schema::integer(0, 1000), presence::optional},
                                {"reduction", schema::number(0, 0.95), presence::optional}});
  change.handle = [&s](request_context& request) {
    const auto number = [&](const char* key, double& to_change) {
      if (const json::value* given = request.find(key)) {
        to_change = given->to_number<double>();
      }
    };
    return learning_answer(s.engine.change_learning(
        request.caller, request.text("cluster_id"), [&](learning_options& options) {
          number("learning_rate", options.learning_rate);
          number("reduction", options.pruning);
          if (request.find("rehearsal") != nullptr) {
            options.rehearsal = static_cast<std::uint32_t>(request.integer("rehearsal"));
          }
        }));
  };
  to.add(change);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_cluster_change_endpoints(registry& to, services& s) {
  detail::add_copies(to, s);
  detail::add_learning(to, s);
}

} // namespace hanami::service::api
