// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "../base/json.hpp"
#include "../monitor/host.hpp"

namespace hanami::service::api::detail {

inline json::array show_ring(std::span<const double> values) {
  return json::array(values.begin(), values.end());
}

inline json::object show_series(const monitor::series& s) {
  return {{"seconds", show_ring(s.seconds)},
          {"minutes", show_ring(s.minutes)},
          {"hours", show_ring(s.hours)},
          {"days", show_ring(s.days)}};
}

inline json::object show_host(const monitor::host_info& host) {
  json::array packages;
  for (const monitor::cpu_package& package : host.packages) {
    json::array cores;
    for (const monitor::cpu_core& core : package.cores) {
      json::array threads;
      for (const std::uint32_t id : core.threads) {
        threads.push_back(json::object{{"id", id}});
      }
      cores.push_back(json::object{{"id", core.id},
                                   {"minimum_speed", core.minimum_khz},
                                   {"maximum_speed", core.maximum_khz},
                                   {"current_minimum_speed", core.current_minimum_khz},
                                   {"current_maximum_speed", core.current_maximum_khz},
                                   {"current_speed", core.current_khz},
                                   {"threads", std::move(threads)}});
    }
    packages.push_back(json::object{{"id", package.id}, {"cores", std::move(cores)}});
  }
  return {{"hostname", host.host_name},
          {"has_hyperthreading", host.hyper_threading},
          {"memory_bytes", host.memory_bytes},
          {"memory_available_bytes", host.memory_available_bytes},
          {"packages", std::move(packages)}};
}

inline json::object show_placement() {
  json::object placed;
  for (const auto& [name, processors] : monitor::thread_placement()) {
    placed[name] = json::array(processors.begin(), processors.end());
  }
  return placed;
}

} // namespace hanami::service::api::detail
