// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../../../cluster.hpp"
#include "../../base/json.hpp"
#include "../services.hpp"
#include "views.hpp"

/// Clusters as JSON, and their schemas.

namespace hanami::service::api::detail {

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

inline schema labels_schema() {
  return schema::object(
             {{"waiting", schema::integer().describe("questions with an id")},
              {"prequential",
               schema::list(schema::object({{"output", schema::text()},
                                            {"labels", schema::integer()},
                                            {"error", schema::number()},
                                            {"recent_error", schema::number().describe(
                                                                 "over about the last 256")}}))
                   .describe("how far off the predictions were when they were made, of questions "
                             "whose label has come since the server was started: of classes the "
                             "share of wrong ones, else the mean distance")}})
      .called("DelayedLabels");
}

inline json::object show_labels(engine::engine& from, const std::string& cluster_id) {
  json::array errors;
  for (const engine::output_error& e : from.label_errors(cluster_id)) {
    errors.push_back(json::object{{"output", e.output},
                                  {"labels", e.labels},
                                  {"error", e.error},
                                  {"recent_error", e.recent}});
  }
  return {{"waiting", from.labels_waiting(cluster_id)}, {"prequential", std::move(errors)}};
}

inline schema cluster_schema() {
  const schema name = schema::text();
  const schema size = schema::integer(1);
  return resource_schema(
             "cluster",
             {{"state", schema::choice({"in_memory", "at_rest", "working"})
                            .describe("working: on tasks; at_rest: comes back when it is used")},
              {"samples", schema::integer().or_null().describe("trained; null: not known until it "
                                                               "is used again")},
              {"neurons",
               schema::integer().or_null().describe("after the last snapshot or slice of a task")},
              {"last_used_at", time_schema().or_null()},
              {"inputs", schema::list(schema::object({{"name", name}, {"size", size}}), 0, 32)
                             .describe("the first 32")},
              {"outputs",
               schema::list(
                   schema::object(
                       {{"name", name},
                        {"size", size},
                        {"kind", schema::choice({"softmax", "sigmoid", "linear"})},
                        {"classes", schema::list(name, 0, 10).describe("the first 10 names")},
                        {"class_count", schema::integer().describe("0: none are known")}}),
                   0, 32)
                   .describe("the first 32")}})
      .called("Cluster");
}

/// `summary`: of `engine::summaries`.
inline json::object show_cluster(const store::resource_row& row, const json::value& summary) {
  json::object shown = show_resource(row);
  const json::object* known = summary.if_object();
  const auto field = [&](const char* key, json::value otherwise) {
    const json::value* found = known == nullptr ? nullptr : known->if_contains(key);
    return found == nullptr ? otherwise : *found;
  };
  const std::int64_t used_at = field("used_at", 0).to_number<std::int64_t>();
  shown["state"] = field("state", "at_rest");
  shown["samples"] = field("samples", nullptr);
  shown["neurons"] = field("neurons", nullptr);
  shown["last_used_at"] = used_at == 0 ? json::value() : json::value(to_rfc3339(used_at));
  shown["inputs"] = field("inputs", json::array());
  shown["outputs"] = field("outputs", json::array());
  return shown;
}

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

inline answer cluster_answer(services& s, const store::resource_row& row) {
  answer given(show_cluster(row, s.engine.summaries({row.id}).at(0)));
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

} // namespace hanami::service::api::detail
