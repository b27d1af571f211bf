// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "cluster_shape.hpp"

namespace hanami::service::engine {

namespace detail {
struct live_cluster;
}

/// A cluster, looked up once and then used any number of times, together with the inputs and
/// outputs it had at that time. Cheap to copy. Does not keep the cluster in memory: using one that
/// has left brings it back, which may take long. Once the cluster is removed, any use is refused as
/// `not_found`. As safe from several threads as an `int`.
class cluster_handle {
 public:
  cluster_handle() = default; ///< refers to no cluster
  explicit cluster_handle(std::shared_ptr<detail::live_cluster> of);

  explicit operator bool() const noexcept { return live_ != nullptr; }
  const cluster_shape& shape() const noexcept { return *shape_; }
  /// Whether it can be used without waiting.
  bool is_in_memory() const noexcept;
  /// Updates inputs and outputs: a task may have replaced the cluster by a checkpoint.
  void renew();

 private:
  friend class engine;

  std::shared_ptr<detail::live_cluster> live_;
  std::shared_ptr<const cluster_shape> shape_;
};

} // namespace hanami::service::engine
