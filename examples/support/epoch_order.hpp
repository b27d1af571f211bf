// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <hanami/foundation/random.hpp>

namespace example {

/// The order of samples 0..n-1 in one epoch: the file's in epoch 0, then shuffled (Fisher-Yates),
/// each epoch its own way.
inline std::vector<std::uint32_t> epoch_order(std::size_t n, std::size_t epoch,
                                              std::uint64_t seed) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  if (epoch == 0) {
    return order;
  }
  for (std::size_t i = n; i > 1; --i) {
    const auto j = hanami::random_below(static_cast<std::uint32_t>(i), seed, epoch, i);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

} // namespace example
