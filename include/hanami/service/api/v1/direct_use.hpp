// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "../../../cluster.hpp"
#include "../../base/json.hpp"
#include "../../base/refusal.hpp"
#include "../../engine/cluster_shape.hpp"
#include "../json_schema.hpp"
#include "samples.hpp"
#include "views.hpp"

/// Single samples and their answers in JSON, for the REST calls and the WebSocket of a cluster.

namespace hanami::service::api::detail {

inline schema named_values_schema() { return schema::map(values_schema()); }

/// Names a question whose truth comes later.
inline schema label_id_schema() { return schema::text(1, 128, text_form::label); }

/// A question, whose label may come later.
inline schema question_schema() {
  return schema::object(
      {{"inputs",
        named_values_schema().example(json::object{{"input", json::array{0.5, nullptr, 17}}})},
       {"id",
        label_id_schema().describe("keeps what was asked and answered for a training with this id"),
        presence::optional}});
}
inline schema lesson_schema() {
  return schema::object(
      {{"inputs", named_values_schema().describe("or an id"), presence::optional},
       {"id", label_id_schema().describe("of what was asked before, instead of its inputs"),
        presence::optional},
       {"targets", named_values_schema()}});
}

/// Whether a training is on a question of before, which its id names. `pointer`: to the body.
/// Throws `invalid_value` where it has both id and inputs, or neither.
inline bool is_label(const json::object& body, const std::string& pointer = {}) {
  const bool label = body.contains("id");
  if (label == body.contains("inputs")) {
    throw invalid_value_at(pointer + "/inputs",
                           "a training has either `inputs` or the `id` of a question");
  }
  return label;
}
inline std::string label_id_in(const json::object& body) {
  const json::string& id = body.at("id").as_string();
  return {id.data(), id.size()};
}

inline schema learned_schema() {
  return schema::object(
      {{"loss", schema::number().describe("in nats, before it was learned")},
       {"error", schema::number().describe("largest error of an output value, in inner units")},
       {"learned", schema::boolean().describe("false: known well enough already")}});
}
inline json::object show_learned(const train_result& r) {
  return {{"loss", r.loss}, {"error", r.error}, {"learned", r.learned}};
}

/// `pointer`: to the body, for error messages.
inline std::vector<float> inputs_from(const json::object& body, const engine::cluster_shape& of,
                                      const std::string& pointer = {}) {
  return flat_values(body.at("inputs").as_object(), of.inputs, of.input_size, pointer + "/inputs");
}
inline std::vector<float> targets_from(const json::object& body, const engine::cluster_shape& of,
                                       const std::string& pointer = {}) {
  return flat_values(body.at("targets").as_object(), of.outputs, of.output_size,
                     pointer + "/targets");
}

} // namespace hanami::service::api::detail
