// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream_plan.hpp"

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "../base/compile.hpp"

namespace hanami::service::streams {

namespace detail {

/// Reads members of an object where they are there.
class member_reader {
 public:
  explicit member_reader(const json::object& from) : from_(from) {}

  void operator()(std::string_view name, std::string& to) const {
    if (const json::value* found = get(name)) {
      to = std::string(found->as_string());
    }
  }
  void operator()(std::string_view name, double& to) const {
    if (const json::value* found = get(name)) {
      to = found->to_number<double>();
    }
  }
  template <std::unsigned_integral Number>
  void operator()(std::string_view name, Number& to) const {
    if (const json::value* found = get(name)) {
      to = found->to_number<Number>();
    }
  }
  template <class Item>
  void operator()(std::string_view name, std::vector<Item>& to) const {
    if (const json::value* found = get(name)) {
      to.clear();
      for (const json::value& item : found->as_array()) {
        if constexpr (std::is_same_v<Item, std::string>) {
          to.emplace_back(item.as_string());
        } else {
          to.push_back(item.to_number<Item>());
        }
      }
    }
  }

 private:
  const json::value* get(std::string_view name) const {
    const json::value* found = from_.if_contains(name);
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  const json::object& from_;
};

} // namespace detail

HANAMI_SERVICE_INLINE stream_plan plan_from(const json::object& values) {
  stream_plan plan;
  const detail::member_reader read(values);
  if (const json::value* time = values.if_contains("time"); time != nullptr && time->is_object()) {
    const detail::member_reader of_time(time->get_object());
    of_time("field", plan.time_field);
    of_time("format", plan.time_format);
    of_time("unit", plan.time_unit);
    of_time("zone", plan.zone);
  }
  read("columns", plan.columns);
  read("by", plan.by);
  read("max_devices", plan.max_devices);
  read("window", plan.window);
  read("horizons", plan.horizons);
  read("step", plan.step);
  read("alarms_per_day", plan.alarms_per_day);
  std::string point;
  read("point", point);
  plan.mean = point == "mean";
  read("seed", plan.seed);
  read("history", plan.history);
  return plan;
}

HANAMI_SERVICE_INLINE json::object to_json(const stream_plan& plan) {
  const auto text = [](const std::string& value) {
    return value.empty() ? json::value() : json::value(value);
  };
  json::array columns(plan.columns.begin(), plan.columns.end());
  json::array horizons(plan.horizons.begin(), plan.horizons.end());
  return {{"columns", std::move(columns)},
          {"time", json::object{{"field", text(plan.time_field)},
                                {"format", text(plan.time_format)},
                                {"unit", text(plan.time_unit)},
                                {"zone", text(plan.zone)}}},
          {"by", text(plan.by)},
          {"max_devices", plan.max_devices},
          {"window", plan.window},
          {"horizons", std::move(horizons)},
          {"step", plan.step > 0 ? json::value(plan.step) : json::value()},
          {"alarms_per_day", plan.alarms_per_day},
          {"point", plan.mean ? "mean" : "median"},
          {"seed", plan.seed},
          {"history", plan.history}};
}

HANAMI_SERVICE_INLINE std::uint64_t tracks_in(std::size_t bytes, std::uint32_t window) noexcept {
  // What one column and horizon takes, measured and rounded up.
  const std::size_t one = window == 0 ? std::size_t{32} << 10 : std::size_t{384} << 10;
  return std::max<std::uint64_t>(1, bytes / one);
}

} // namespace hanami::service::streams
