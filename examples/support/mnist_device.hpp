// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <hanami/cluster.hpp>
#include <hanami/foundation/error.hpp>
#include <hanami/io/image_epochs.hpp>

#if defined(EXAMPLE_CUDA)
#include <hanami/cuda/cuda.hpp>
#endif

namespace example {

/// Trains a cluster on a GPU, which is given 4,096 samples at a time; `go_on` is asked before each.
/// Throws what `hanami::gpu::trainer` throws, and `errc::unsupported_machine` where the program
/// was built without CUDA.
template <class GoOn>
void train_on_device([[maybe_unused]] hanami::cluster& trained,
                     [[maybe_unused]] hanami::image_epochs& samples,
                     [[maybe_unused]] const GoOn& go_on) {
#if defined(EXAMPLE_CUDA)
  constexpr std::size_t rows = 4096;
  const std::size_t inputs = trained.input_size();
  const std::size_t outputs = trained.output_size();
  hanami::gpu::trainer device;
  hanami::cluster* const members[] = {&trained};
  device.train_streams(members, rows, [&](std::span<float> input, std::span<float> target) {
    std::size_t row = 0;
    while (
        row < rows && go_on() &&
        samples.next(input.subspan(row * inputs, inputs), target.subspan(row * outputs, outputs))) {
      ++row;
    }
    return row;
  });
#else
  throw hanami::error(hanami::errc::unsupported_machine,
                      "this program was built without CUDA; -DHANAMI_CUDA=ON builds it with");
#endif
}

} // namespace example
