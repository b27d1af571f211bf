// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "../../base/json.hpp"
#include "../../engine/engine_types.hpp"
#include "views.hpp"

/// Tasks as JSON, and their schema.

namespace hanami::service::api::detail {

inline schema task_kind_schema() {
  return schema::choice({"train", "request", "evaluate", "save", "restore", "import", "derive"});
}
inline schema task_state_schema() {
  return schema::choice({"queued", "active", "finished", "aborted", "failed"});
}

inline schema task_schema() {
  return schema::object(
             {{"id", id_schema("task")},
              {"name", name_schema()},
              {"kind", task_kind_schema()},
              {"cluster_id",
               id_schema("cluster").or_null().describe("null: of an import or a derivation")},
              {"owner_id", schema::text()},
              {"state", task_state_schema()},
              {"error", schema::text().or_null().describe("why it failed")},
              {"done", schema::integer().describe("samples; import: bytes; derive: rows")},
              {"total",
               schema::integer().describe("samples, all epochs; import: bytes; derive: rows")},
              {"progress", schema::number(0, 1)},
              {"recent_loss",
               schema::number().or_null().describe(
                   "train: mean of about the last 256 samples, in nats, also once it has ended")},
              {"loss_curve",
               schema::list(schema::object({{"samples", schema::integer().describe("until then")},
                                            {"loss", schema::number().describe("their mean")}}),
                            0, 128)
                   .describe("train: not in lists"),
               presence::optional},
              {"samples_per_second", schema::number().or_null()},
              {"seconds_left", schema::number().or_null()},
              {"queued_at", time_schema()},
              {"started_at", time_schema().or_null()},
              {"ended_at", time_schema().or_null()},
              {"plan", schema::any().describe("what it was asked to do")},
              {"outcome",
               schema::any().describe("request: `datasets`, the id of each output's; evaluate: "
                                      "`outputs`, the accuracy and errors of each, and, not in "
                                      "lists, precision, recall, F1 and support of its classes and "
                                      "which were taken for which (`confusion`: a row a true "
                                      "class, a column a predicted one, in the order of "
                                      "`classes`); save: `checkpoint_id`; derive: `dataset_ids`; "
                                      "import: `dataset_id` or "
                                      "`checkpoint_id`")}})
      .called("Task");
}

inline json::value time_or_null(std::int64_t ms) {
  return ms == 0 ? json::value() : json::value(to_rfc3339(ms));
}

inline json::value stored_json(const std::string& text) {
  json::error_code trouble;
  json::value parsed = json::parse(text, trouble);
  return trouble ? json::value(json::object{}) : parsed;
}

/// The losses of a training task, and its outcome without them.
struct shown_outcome {
  explicit shown_outcome(const engine::task_view& t) : rest(stored_json(t.row.outcome)) {
    if (json::object* const stored = rest.if_object()) {
      if (const json::value* loss = stored->if_contains("final_loss")) {
        recent_loss = *loss;
        curve = stored->at("loss_curve");
        stored->erase("final_loss");
        stored->erase("loss_curve");
      }
    }
    if (!t.loss_curve.empty()) {
      recent_loss = t.recent_loss;
      json::array points;
      for (const engine::loss_point& p : t.loss_curve) {
        points.push_back(json::object{{"samples", p.samples}, {"loss", p.loss}});
      }
      curve = std::move(points);
    }
  }

  /// Without what is long.
  json::value brief() const {
    json::value shown = rest;
    json::value* outputs = shown.is_object() ? shown.get_object().if_contains("outputs") : nullptr;
    if (outputs != nullptr && outputs->is_object()) {
      for (auto& output : outputs->get_object()) {
        output.value().as_object().erase("classes");
        output.value().as_object().erase("confusion");
      }
    }
    return shown;
  }

  json::value rest;
  json::value recent_loss;
  json::value curve; ///< null: none
};

enum class detail_shown : std::uint8_t { brief, all };

inline json::object show_task_as(const engine::task_view& t, detail_shown how_much) {
  const store::task_row& r = t.row;
  const shown_outcome outcome(t);
  const auto or_null = [&](double value) {
    return r.state == store::task_state::active && value > 0 ? json::value(value) : json::value();
  };
  const double progress = r.state == store::task_state::finished ? 1.0
                          : r.total == 0
                              ? 0.0
                              : static_cast<double>(r.done) / static_cast<double>(r.total);
  json::object shown{
      {"id", r.id},
      {"name", r.name},
      {"kind", r.kind},
      {"cluster_id", r.cluster_id.empty() ? json::value() : json::value(r.cluster_id)},
      {"owner_id", r.owner_id},
      {"state", store::name_of(r.state)},
      {"error", r.error.empty() ? json::value() : json::value(r.error)},
      {"done", r.done},
      {"total", r.total},
      {"progress", progress},
      {"recent_loss", outcome.recent_loss},
      {"samples_per_second", or_null(t.samples_per_second)},
      {"seconds_left", or_null(t.seconds_left)},
      {"queued_at", to_rfc3339(r.queued_at)},
      {"started_at", time_or_null(r.started_at)},
      {"ended_at", time_or_null(r.ended_at)},
      {"plan", stored_json(r.plan)},
      {"outcome", how_much == detail_shown::all ? outcome.rest : outcome.brief()}};
  if (how_much == detail_shown::all && outcome.curve.is_array()) {
    shown["loss_curve"] = outcome.curve;
  }
  return shown;
}

inline json::object show_task(const engine::task_view& t) {
  return show_task_as(t, detail_shown::all);
}
/// As in lists.
inline json::object show_task_briefly(const engine::task_view& t) {
  return show_task_as(t, detail_shown::brief);
}

} // namespace hanami::service::api::detail
