// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "../foundation/random.hpp"

namespace hanami::inline HANAMI_ISA {

/// The order of samples 0..count-1 in one epoch: as they are in epoch 0, then shuffled
/// (Fisher-Yates), each epoch its own way. The same for the same seed. `count` is below 2^32.
inline std::vector<std::uint32_t> epoch_order(std::size_t count, std::size_t epoch,
                                              std::uint64_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (epoch == 0) {
    return order;
  }
  for (std::size_t i = count; i > 1; --i) {
    const auto j = random_below(static_cast<std::uint32_t>(i), seed, epoch, i);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

} // namespace hanami
