// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "task_plan.hpp"

#include <array>
#include <cstddef>
#include <exception>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"

namespace hanami::service::engine {

namespace detail {

inline constexpr std::array<std::string_view, 5> task_kind_names = {"train", "request", "evaluate",
                                                                    "save", "restore"};

inline json::array links_to_json(const std::vector<column_link>& links, std::string_view buffer) {
  json::array list;
  for (const column_link& link : links) {
    list.push_back(json::object{
        {buffer, link.buffer}, {"dataset_id", link.dataset_id}, {"column", link.column}});
  }
  return list;
}

inline std::string plan_text(const json::object& from, std::string_view key) {
  const json::string& text = from.at(key).as_string();
  return {text.data(), text.size()};
}

inline std::vector<column_link> links_from_json(const json::value& list, std::string_view buffer) {
  std::vector<column_link> links;
  for (const json::value& item : list.as_array()) {
    const json::object& link = item.as_object();
    links.push_back(
        {plan_text(link, buffer), plan_text(link, "dataset_id"), plan_text(link, "column")});
  }
  return links;
}

inline task_kind task_kind_of(std::string_view name) {
  for (std::size_t i = 0; i < task_kind_names.size(); ++i) {
    if (task_kind_names[i] == name) {
      return static_cast<task_kind>(i);
    }
  }
  throw error(errc::invalid_data, "a stored task is of the kind '" + std::string(name) +
                                      "'; known are train, request, evaluate, save and restore");
}

inline task_plan read_task_plan(const json::object& stored) {
  task_plan plan;
  plan.kind = task_kind_of(stored.at("kind").as_string());
  plan.name = plan_text(stored, "name");
  plan.cluster_id = plan_text(stored, "cluster_id");
  plan.inputs = links_from_json(stored.at("inputs"), "input");
  plan.outputs = links_from_json(stored.at("outputs"), "output");
  for (const json::value& item : stored.at("results").as_array()) {
    const json::object& link = item.as_object();
    plan.results.push_back(
        {plan_text(link, "output"), plan_text(link, "name"), plan_text(link, "dataset_id")});
  }
  plan.winners = stored.at("winners").as_bool();
  plan.epochs = stored.at("epochs").to_number<std::uint32_t>();
  plan.window = stored.at("window").to_number<std::uint32_t>();
  plan.horizon = stored.at("horizon").to_number<std::uint32_t>();
  plan.anneal = stored.at("anneal").as_bool();
  plan.checkpoint_id = plan_text(stored, "checkpoint_id");
  plan.project_id = plan_text(stored, "project_id");
  return plan;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string_view name_of(task_kind kind) {
  return detail::task_kind_names.at(static_cast<std::size_t>(kind));
}

HANAMI_SERVICE_INLINE json::object to_json(const task_plan& plan) {
  json::array results;
  for (const result_link& link : plan.results) {
    results.push_back(json::object{
        {"output", link.buffer}, {"name", link.name}, {"dataset_id", link.dataset_id}});
  }
  return {{"kind", name_of(plan.kind)},
          {"name", plan.name},
          {"cluster_id", plan.cluster_id},
          {"inputs", detail::links_to_json(plan.inputs, "input")},
          {"outputs", detail::links_to_json(plan.outputs, "output")},
          {"results", std::move(results)},
          {"winners", plan.winners},
          {"epochs", plan.epochs},
          {"window", plan.window},
          {"horizon", plan.horizon},
          {"anneal", plan.anneal},
          {"checkpoint_id", plan.checkpoint_id},
          {"project_id", plan.project_id}};
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
