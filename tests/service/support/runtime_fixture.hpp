// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hanami/service/base/runtime.hpp>

/// A log that says nothing, a pool and a timer, for parts that are tested alone.
struct quiet_runtime : hanami::service::runtime {
  /// `requests`: how many the pool works on at a time.
  explicit quiet_runtime(std::size_t requests = 2) : runtime(config_of(requests)) {}

 private:
  static hanami::service::server_config config_of(std::size_t requests) {
    hanami::service::server_config made;
    made.log_level = "off";
    made.http.workers = requests;
    return made;
  }
};
