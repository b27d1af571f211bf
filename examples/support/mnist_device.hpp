// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include <hanami/cluster.hpp>
#include <hanami/foundation/error.hpp>

#if defined(EXAMPLE_CUDA)
#include <hanami/cuda/cuda.hpp>
#endif

namespace example {

/// Fills rows of inputs and targets; returns how many, 0 at the end.
using sample_source = std::function<std::size_t(std::span<float> inputs, std::span<float> targets)>;

/// Trains a cluster on a GPU, in parts of up to `rows` samples. Throws what
/// `hanami::gpu::executor` throws, and `errc::unsupported_machine` where the program was built
/// without CUDA.
inline void train_on_device([[maybe_unused]] hanami::cluster& trained,
                            [[maybe_unused]] std::size_t rows,
                            [[maybe_unused]] const sample_source& next) {
#if defined(EXAMPLE_CUDA)
  hanami::gpu::executor device;
  hanami::cluster* const members[] = {&trained};
  device.train_streams(members, rows, next);
#else
  throw hanami::error(hanami::errc::unsupported_machine,
                      "this program was built without CUDA; -DHANAMI_CUDA=ON builds it with");
#endif
}

} // namespace example
