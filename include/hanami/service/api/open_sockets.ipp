// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "open_sockets.hpp"

#include <chrono>
#include <utility>

#include "../base/compile.hpp"

namespace hanami::service::api {

HANAMI_SERVICE_INLINE void open_sockets::add(std::weak_ptr<expiring_socket> opened) {
  const std::lock_guard lock(mutex_);
  sockets_.push_back(std::move(opened));
  check_.every(std::chrono::seconds(1));
}

HANAMI_SERVICE_INLINE void open_sockets::check() {
  std::vector<std::shared_ptr<expiring_socket>> open;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sockets_, [&](const std::weak_ptr<expiring_socket>& each) {
      open.push_back(each.lock());
      if (open.back()) {
        return false;
      }
      open.pop_back();
      return true;
    });
    if (sockets_.empty()) {
      check_.unset();
    }
  }
  for (const auto& each : open) {
    each->close_if_expired();
  }
}

} // namespace hanami::service::api
