// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "../base/timer.hpp"

namespace hanami::service::api {

/// A socket whose permission can end while it is idle.
class expiring_socket {
 public:
  virtual ~expiring_socket() = default;
  /// Closes the socket if its permission has ended.
  virtual void close_if_expired() noexcept = 0;
};

/// All open sockets; as long as there are any, checks them once a second. Safe from any thread.
class open_sockets {
 public:
  explicit open_sockets(maintenance_timer& timer) : check_(timer, [this] { check(); }) {}

  void add(std::weak_ptr<expiring_socket> opened);

 private:
  void check();

  std::mutex mutex_;
  std::vector<std::weak_ptr<expiring_socket>> sockets_;
  timed_work check_;
};

} // namespace hanami::service::api
