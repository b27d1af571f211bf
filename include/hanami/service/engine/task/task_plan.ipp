// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "task_plan.hpp"

#include <array>
#include <cstddef>
#include <exception>

#include "../../../foundation/error.hpp"
#include "../../base/compile.hpp"

namespace hanami::service::engine {

namespace detail {

inline constexpr std::array<std::string_view, 7> task_kind_names = {
    "train", "request", "evaluate", "save", "restore", "import", "derive"};

inline constexpr std::array<std::string_view, 3> answer_form_names = {"values", "winners",
                                                                      "classes"};

/// Whether it works on a cluster.
inline bool has_cluster(task_kind kind) {
  return kind != task_kind::import && kind != task_kind::derive;
}

inline bool has_samples(task_kind kind) {
  return kind == task_kind::train || kind == task_kind::request || kind == task_kind::evaluate;
}

inline json::array names_to_json(const std::vector<std::string>& names) {
  return json::array(names.begin(), names.end());
}

inline json::array links_to_json(const std::vector<column_link>& links, std::string_view buffer) {
  json::array list;
  for (const column_link& link : links) {
    json::object shown{{buffer, link.buffer},
                       {"dataset_id", link.dataset_id},
                       {"columns", names_to_json(link.columns)}};
    if (!link.classes.empty()) {
      json::array classes;
      for (const std::vector<std::string>& names : link.classes) {
        classes.push_back(names_to_json(names));
      }
      shown["classes"] = std::move(classes);
    }
    list.push_back(std::move(shown));
  }
  return list;
}

inline std::string plan_text(const json::object& from, std::string_view key) {
  const json::string& text = from.at(key).as_string();
  return {text.data(), text.size()};
}

inline std::vector<std::string> plan_names(const json::value& list) {
  std::vector<std::string> names;
  for (const json::value& name : list.as_array()) {
    names.emplace_back(name.as_string());
  }
  return names;
}

inline std::vector<column_link> links_from_json(const json::value& list, std::string_view buffer) {
  std::vector<column_link> links;
  for (const json::value& item : list.as_array()) {
    const json::object& stored = item.as_object();
    column_link link{plan_text(stored, buffer), plan_text(stored, "dataset_id"),
                     plan_names(stored.at("columns"))};
    if (const json::value* classes = stored.if_contains("classes")) {
      for (const json::value& names : classes->as_array()) {
        link.classes.push_back(plan_names(names));
      }
    }
    links.push_back(std::move(link));
  }
  return links;
}

inline task_kind task_kind_of(std::string_view name) {
  for (std::size_t i = 0; i < task_kind_names.size(); ++i) {
    if (task_kind_names[i] == name) {
      return static_cast<task_kind>(i);
    }
  }
  throw error(errc::invalid_data,
              "a stored task is of the kind '" + std::string(name) +
                  "'; known are train, request, evaluate, save, restore, import and derive");
}

inline answer_form answer_form_of(std::string_view name) {
  for (std::size_t i = 0; i < answer_form_names.size(); ++i) {
    if (answer_form_names[i] == name) {
      return static_cast<answer_form>(i);
    }
  }
  throw error(errc::invalid_data, "a stored task answers by '" + std::string(name) + "'");
}

inline void read_samples(const json::object& stored, task_plan& into) {
  into.inputs = links_from_json(stored.at("inputs"), "input");
  into.window = stored.at("window").to_number<std::uint32_t>();
  if (into.kind == task_kind::request) {
    for (const json::value& item : stored.at("results").as_array()) {
      const json::object& link = item.as_object();
      into.results.push_back(
          {plan_text(link, "output"), plan_text(link, "name"), plan_text(link, "dataset_id")});
    }
    into.answers = answer_form_of(stored.at("answers").as_string());
  } else {
    into.outputs = links_from_json(stored.at("outputs"), "output");
    into.horizon = stored.at("horizon").to_number<std::uint32_t>();
  }
  if (into.kind == task_kind::train) {
    into.epochs = stored.at("epochs").to_number<std::uint32_t>();
    into.anneal = stored.at("anneal").as_bool();
  }
}

inline task_plan read_task_plan(const json::object& stored) {
  task_plan plan;
  plan.kind = task_kind_of(stored.at("kind").as_string());
  plan.name = plan_text(stored, "name");
  if (has_cluster(plan.kind)) {
    plan.cluster_id = plan_text(stored, "cluster_id");
  }
  plan.project_id = plan_text(stored, "project_id");
  if (has_samples(plan.kind)) {
    read_samples(stored, plan);
  }
  if (plan.kind == task_kind::restore) {
    plan.checkpoint_id = plan_text(stored, "checkpoint_id");
  }
  if (plan.kind == task_kind::import) {
    plan.upload_id = plan_text(stored, "upload_id");
    plan.becomes = plan_text(stored, "becomes");
  }
  if (plan.kind == task_kind::derive) {
    plan.dataset_id = plan_text(stored, "dataset_id");
    plan.append = plan_names(stored.at("append"));
    plan.columns = plan_names(stored.at("columns"));
    for (const json::value& column : stored.at("derived").as_array()) {
      const json::object& fields = column.as_object();
      plan.derived.push_back({plan_text(fields, "name"),
                              data::column_rule_of(fields.at("rule").as_string()),
                              plan_text(fields, "column"), plan_text(fields, "other"),
                              fields.at("by").to_number<std::uint64_t>()});
    }
    for (const json::value& part : stored.at("parts").as_array()) {
      const json::object& fields = part.as_object();
      plan.parts.push_back({plan_text(fields, "name"), fields.at("share").to_number<double>(),
                            plan_text(fields, "dataset_id")});
    }
    if (const json::value& seed = stored.at("seed"); !seed.is_null()) {
      plan.seed = seed.to_number<std::uint64_t>();
    }
  }
  return plan;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string_view name_of(task_kind kind) {
  return detail::task_kind_names.at(static_cast<std::size_t>(kind));
}

HANAMI_SERVICE_INLINE std::string_view name_of(answer_form form) {
  return detail::answer_form_names.at(static_cast<std::size_t>(form));
}

HANAMI_SERVICE_INLINE json::object to_json(const task_plan& plan) {
  json::object made{
      {"kind", name_of(plan.kind)}, {"name", plan.name}, {"project_id", plan.project_id}};
  if (detail::has_cluster(plan.kind)) {
    made["cluster_id"] = plan.cluster_id;
  }
  if (detail::has_samples(plan.kind)) {
    made["inputs"] = detail::links_to_json(plan.inputs, "input");
    made["window"] = plan.window;
  }
  if (plan.kind == task_kind::train || plan.kind == task_kind::evaluate) {
    made["outputs"] = detail::links_to_json(plan.outputs, "output");
    made["horizon"] = plan.horizon;
  }
  if (plan.kind == task_kind::train) {
    made["epochs"] = plan.epochs;
    made["anneal"] = plan.anneal;
  }
  if (plan.kind == task_kind::request) {
    json::array results;
    for (const result_link& link : plan.results) {
      results.push_back(json::object{
          {"output", link.buffer}, {"name", link.name}, {"dataset_id", link.dataset_id}});
    }
    made["results"] = std::move(results);
    made["answers"] = name_of(plan.answers);
  }
  if (plan.kind == task_kind::restore) {
    made["checkpoint_id"] = plan.checkpoint_id;
  }
  if (plan.kind == task_kind::import) {
    made["upload_id"] = plan.upload_id;
    made["becomes"] = plan.becomes;
  }
  if (plan.kind == task_kind::derive) {
    json::array derived;
    for (const data::derived_column& column : plan.derived) {
      derived.push_back(json::object{{"name", column.name},
                                     {"rule", data::name_of(column.rule)},
                                     {"column", column.column},
                                     {"other", column.other},
                                     {"by", column.by}});
    }
    json::array parts;
    for (const derived_part& part : plan.parts) {
      parts.push_back(json::object{
          {"name", part.name}, {"share", part.share}, {"dataset_id", part.dataset_id}});
    }
    made["dataset_id"] = plan.dataset_id;
    made["append"] = detail::names_to_json(plan.append);
    made["columns"] = detail::names_to_json(plan.columns);
    made["derived"] = std::move(derived);
    made["parts"] = std::move(parts);
    made["seed"] = plan.seed ? json::value(*plan.seed) : json::value();
  }
  return made;
}

HANAMI_SERVICE_INLINE task_plan task_plan_from(const json::object& stored) {
  try {
    return detail::read_task_plan(stored);
  } catch (const error&) {
    throw;
  } catch (const std::exception& e) {
    throw error(errc::invalid_data, std::string("a stored task cannot be read: ") + e.what());
  }
}

} // namespace hanami::service::engine
