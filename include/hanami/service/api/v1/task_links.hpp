// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "../../base/json.hpp"
#include "../../engine/task/task_plan.hpp"
#include "views.hpp"

/// Which columns of datasets feed inputs and outputs, as JSON.

namespace hanami::service::api::detail {

inline schema link_schema(const char* buffer) {
  return schema::object(
      {{buffer, schema::text(1, 255).describe("name in the cluster's template")},
       {"dataset_id", id_schema("dataset")},
       {"columns",
        schema::list(schema::text(1, 255), 0, 65'536)
            .otherwise(json::array{})
            .describe("columns of the dataset, side by side; none: the one of the same "
                      "name. A column of classes may feed one value of an input, or "
                      "stand alone for a softmax output, whose values are its classes")}});
}

inline std::vector<engine::column_link> links_from(const json::value* given, const char* buffer) {
  std::vector<engine::column_link> links;
  if (given != nullptr) {
    for (const json::value& link : given->as_array()) {
      const auto text = [&](const char* key) {
        const json::string& found = link.at(key).as_string();
        return std::string(found.data(), found.size());
      };
      links.push_back({text(buffer), text("dataset_id"), {}});
      for (const json::value& column : link.at("columns").as_array()) {
        links.back().columns.emplace_back(column.as_string());
      }
    }
  }
  return links;
}

} // namespace hanami::service::api::detail
