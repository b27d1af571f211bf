// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "../../../base/compile.hpp"
#include "../../../base/refusal.hpp"
#include "../cluster_views.hpp"
#include "../endpoints.hpp"
#include "../views.hpp"
#include "presets.hpp"

/// Templates before there is a cluster.

namespace hanami::service::api {

namespace detail {

inline schema estimate_schema() {
  return schema::object(
             {{"inputs", schema::list(input_schema())},
              {"outputs", schema::list(output_schema())},
              {"hexagons", schema::integer()},
              {"neurons", schema::integer().describe("at first; it grows while it learns")},
              {"memory_bytes", schema::integer().describe("at first")},
              {"most_memory_bytes", schema::integer().describe("however much it grows")},
              {"disk_bytes", schema::integer().describe("at first, beside its journal")}})
      .called("TemplateEstimate");
}

inline json::object show_estimate(const engine::template_estimate& found) {
  return {{"inputs", show_inputs(found.shape.inputs)},
          {"outputs", show_outputs(found.shape.outputs)},
          {"hexagons", found.statistics.hexagons},
          {"neurons", found.statistics.neurons},
          {"memory_bytes", found.statistics.bytes},
          {"most_memory_bytes", found.most_bytes},
          {"disk_bytes", found.disk_bytes}};
}

/// The number behind a word in a message, such as "line 3, column 7"; null: there is none.
inline json::value number_behind(std::string_view text, std::string_view word) {
  const std::size_t at = text.find(word);
  std::uint32_t number = 0;
  if (at == std::string_view::npos ||
      std::from_chars(text.data() + at + word.size(), text.data() + text.size(), number).ec !=
          std::errc()) {
    return nullptr;
  }
  return number;
}

inline schema template_check_schema() {
  return schema::object({{"valid", schema::boolean()},
                         {"fault", schema::object({{"detail", schema::text()},
                                                   {"line", schema::integer(1).or_null()},
                                                   {"column", schema::integer(1).or_null()}})
                                       .or_null()
                                       .describe("the first one")},
                         {"estimate", estimate_schema().or_null()}})
      .called("TemplateCheck");
}

inline void add_template_check(registry& to, services& s) {
  endpoint check;
  check.tag = "templates";
  check.id = "check_template";
  check.method = "POST";
  check.path = "/v1/templates/check";
  check.summary = "What a template would make, and what is wrong with it, without making it";
  check.audited = false;
  check.body =
      schema::object({{"template", schema::text(0, 1 << 20).describe("text of a cluster template")},
                      {"learning", learning_schema(), presence::optional}});
  check.response_schema = template_check_schema();
  check.handle = [&s](request_context& request) {
    try {
      const engine::template_estimate found = s.engine.check_template(
          request.text("template"), learning_from(request.find("learning")));
      return answer(
          json::object{{"valid", true}, {"fault", nullptr}, {"estimate", show_estimate(found)}});
    } catch (const refusal& why) {
      if (why.code() != refusal_code::invalid_template &&
          why.code() != refusal_code::invalid_value) {
        throw;
      }
      const std::string_view text = why.what();
      return answer(
          json::object{{"valid", false},
                       {"fault", json::object{{"detail", text},
                                              {"line", number_behind(text, "line ")},
                                              {"column", number_behind(text, "column ")}}},
                       {"estimate", nullptr}});
    }
  };
  to.add(check);
}

inline void add_presets(registry& to) {
  endpoint list;
  list.tag = "templates";
  list.id = "list_template_presets";
  list.method = "GET";
  list.path = "/v1/templates/presets";
  list.summary = "Templates to begin with, for so many inputs and outputs";
  const auto size = [](std::int64_t most, std::int64_t standard) {
    return schema::integer(1, most).otherwise(standard);
  };
  list.query = schema::object({{"inputs", size(100'000, 4)},
                               {"outputs", size(10'000, 3)},
                               {"rows", size(1000, 28)},
                               {"columns", size(1000, 28)}});
  list.response_schema =
      schema::object({{"items", schema::list(schema::object({{"name", schema::text()},
                                                             {"description", schema::text()},
                                                             {"template", schema::text()}}))}});
  list.handle = [](request_context& request) {
    const auto number = [&](const char* key) {
      return static_cast<std::uint32_t>(request.integer(key));
    };
    const preset_sizes sizes{number("inputs"), number("outputs"), number("rows"),
                             number("columns")};
    json::array items;
    for (const template_preset& preset : template_presets) {
      try {
        items.push_back(json::object{{"name", preset.name},
                                     {"description", preset.description},
                                     {"template", preset_text(preset.name, sizes)}});
      } catch (const error& why) {
        throw invalid_value(std::string(preset.name) + ": " + why.what());
      }
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_template_endpoints(registry& to, services& s) {
  detail::add_template_check(to, s);
  detail::add_presets(to);
}

} // namespace hanami::service::api
