// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "endpoints.hpp"
#include "task_views.hpp"
#include "views.hpp"

/// Datasets from datasets.

namespace hanami::service::api {

namespace detail {

inline schema derived_column_schema() {
  return schema::object(
      {{"name", schema::text(1, 254)},
       {"rule",
        schema::choice(
            {"copy", "one_hot", "lag", "difference", "add", "subtract", "multiply", "divide"})
            .describe("copy: `column` by another name; one_hot: a value for each of its classes; "
                      "lag: `column`, `by` rows before; difference: `column` minus itself `by` "
                      "rows before; the others: `column` and `other`, value by value. What cannot "
                      "be computed is missing")},
       {"column", schema::text(1, 254)},
       {"other", schema::text(1, 254).describe("of as many values as `column`, or of one"),
        presence::optional},
       {"by", schema::integer(1, 1'000'000).otherwise(1).describe("rows; of lag and difference")}});
}

inline schema derivation_schema() {
  return schema::object(
      {{"name", name_schema().describe("of the task")},
       {"append",
        schema::list(id_schema("dataset"), 0, 16)
            .otherwise(json::array{})
            .describe("datasets whose rows follow, one after the other; they need the columns of "
                      "the first; classes are put together by name")},
       {"columns", schema::list(schema::text(1, 254), 0, 65'536)
                       .otherwise(json::array{})
                       .describe("those to keep, in this order; none: all")},
       {"derived", schema::list(derived_column_schema(), 0, 1000)
                       .otherwise(json::array{})
                       .describe("columns to compute, behind those that are kept")},
       {"parts", schema::list(schema::object({{"name", name_schema().describe("of the dataset")},
                                              {"share", schema::number(0, 1).otherwise(1).describe(
                                                            "of the rows; together at most 1")}}),
                              1, 100)
                     .describe("the datasets to make; several split the rows")},
       {"seed",
        schema::integer().describe("deals the rows at random, the same ones for the same seed; "
                                   "left out: the first rows make the first part"),
        presence::optional}});
}

inline std::vector<std::string> texts_from(const json::value& list) {
  std::vector<std::string> texts;
  for (const json::value& text : list.as_array()) {
    texts.emplace_back(text.as_string());
  }
  return texts;
}

inline engine::task_plan derivation_from(const request_context& request) {
  engine::task_plan plan;
  plan.name = request.text("name");
  plan.dataset_id = request.text("dataset_id");
  plan.append = texts_from(request.values.at("append"));
  plan.columns = texts_from(request.values.at("columns"));
  for (const json::value& column : request.values.at("derived").as_array()) {
    const json::value* other = column.as_object().if_contains("other");
    plan.derived.push_back({std::string(column.at("name").as_string()),
                            data::column_rule_of(column.at("rule").as_string()),
                            std::string(column.at("column").as_string()),
                            other == nullptr ? std::string() : std::string(other->as_string()),
                            column.at("by").to_number<std::uint64_t>()});
  }
  for (const json::value& part : request.values.at("parts").as_array()) {
    plan.parts.push_back(
        {std::string(part.at("name").as_string()), part.at("share").to_number<double>()});
  }
  if (request.find("seed") != nullptr) {
    plan.seed = static_cast<std::uint64_t>(request.integer("seed"));
  }
  return plan;
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_derivation_endpoints(registry& to, services& s) {
  endpoint derive;
  derive.tag = "datasets";
  derive.id = "derive_datasets";
  derive.method = "POST";
  derive.path = "/v1/datasets/{dataset_id}/derive";
  derive.summary = "Makes new datasets: rows appended, split, columns left out, renamed, computed";
  derive.description =
      "The dataset stays as it is: datasets never change, so that training can be repeated. It is "
      "a task, of the kind derive, whose `outcome` has the `dataset_ids`, in the order of the "
      "parts.";
  derive.status = 202;
  derive.idempotent = true;
  derive.refusals = {404};
  derive.path_values = detail::one_id("dataset_id", "dataset");
  derive.body = detail::derivation_schema();
  derive.response_schema = detail::task_schema();
  derive.handle = [&s](request_context& request) {
    const engine::task_view started =
        s.engine.derive_datasets(request.caller, detail::derivation_from(request));
    answer given(detail::show_task(started));
    given.location = "/v1/tasks/" + started.row.id;
    return given;
  };
  to.add(derive);
}

} // namespace hanami::service::api
