// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include <hanami/hanami.hpp>

namespace support {

/// One hexagon of `neurons` neurons, a power of two, that sees every pixel.
inline hanami::cluster_template plain_of(std::uint32_t neurons, std::uint32_t largest_brick = 256) {
  hanami::cluster_settings settings;
  settings.brick_size = std::min(neurons, largest_brick);
  settings.initial_bricks = settings.max_bricks = neurons / settings.brick_size;
  return hanami::one_hexagon(784, 10, hanami::output_kind::softmax, settings);
}

/// A grid of windows, each with a hexagon of neurons; the output reads them all.
struct windows_plan {
  std::int32_t down, across;   ///< windows
  std::uint32_t rows, columns; ///< pixels of one window
  std::uint32_t neurons;       ///< of one window: 32, 64, 128 or 256
};

inline hanami::cluster_template windows_of(const windows_plan& plan) {
  hanami::cluster_settings settings;
  settings.brick_size = plan.neurons;
  settings.max_bricks = 1;
  const hanami::hex_range grid{{1, 1, 1}, {plan.across, plan.down, 1}};
  const hanami::hex_position end{1, 1, 3};
  return hanami::template_builder{}
      .settings(settings)
      .hexagons(grid)
      .hexagon(end)
      .axons(grid, end)
      .input_windows("picture", 28, 28, {plan.rows, plan.columns, 0, grid})
      .output("digit", end, 10, hanami::output_kind::softmax)
      .build();
}

/// 25 windows of 10 x 10 pixels, the most accurate of the templates here.
inline hanami::cluster_template fields_of(std::uint32_t neurons) {
  return windows_of({5, 5, 10, 10, neurons});
}

} // namespace support
