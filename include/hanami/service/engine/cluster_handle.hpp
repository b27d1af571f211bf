// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "cluster_shape.hpp"

namespace hanami::service::engine {

namespace detail {
struct live_cluster;
}

/// A cluster in memory, looked up once and then used any number of times, with its inputs and
/// outputs as they were then. Copies are cheap. When the cluster is removed, what it is used for is
/// refused as `not_found`. Safe from any thread as an `int` is.
class cluster_handle {
 public:
  cluster_handle() = default; ///< of no cluster
  explicit cluster_handle(std::shared_ptr<detail::live_cluster> of);

  explicit operator bool() const noexcept { return live_ != nullptr; }
  const cluster_shape& shape() const noexcept { return *shape_; }
  /// Takes the inputs and outputs as they are now: a task may have restored the cluster to another
  /// one.
  void renew();

 private:
  friend class engine;

  std::shared_ptr<detail::live_cluster> live_;
  std::shared_ptr<const cluster_shape> shape_;
};

} // namespace hanami::service::engine
