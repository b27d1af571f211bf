// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>

#include "../../foundation/error.hpp"
#include "logger.hpp"
#include "settings.hpp"
#include "timer.hpp"
#include "worker_pool.hpp"

/// What the parts of a service have in common.

namespace hanami::service {

namespace detail {

inline std::size_t workers_of(const http_settings& settings) {
  constexpr std::size_t most = 1024;
  if (settings.workers > most) {
    throw error(errc::invalid_argument, "http.workers is at most 1024");
  }
  return settings.workers > 0 ? settings.workers
                              : std::max<std::size_t>(4, std::thread::hardware_concurrency());
}

} // namespace detail

/// One log, one pool, one timer. It outlives all parts that are given it.
struct runtime {
  /// Throws `errc::file_error` and `errc::invalid_argument`.
  explicit runtime(const server_config& config)
      : log(config), pool(detail::workers_of(config.http), log), timer(pool) {}

  logger log;
  worker_pool pool;
  maintenance_timer timer;
};

} // namespace hanami::service
