// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include <hanami/hanami.hpp>

namespace bench {

/// One hexagon of `neurons` neurons, a power of two, that sees every pixel: bricks as large as they
/// come.
inline hanami::cluster_template plain_of(std::uint32_t neurons) {
  hanami::cluster_settings settings;
  settings.brick_size = std::min(neurons, 256U);
  settings.initial_bricks = settings.max_bricks = neurons / settings.brick_size;
  return hanami::template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {3, 1, 1}})
      .input("picture", {1, 1, 1}, 784)
      .output("digit", {3, 1, 1}, 10, hanami::output_kind::softmax)
      .build();
}

/// `across` x `across` windows of `pixels` x `pixels`, each with a hexagon of `lanes` neurons; the
/// output reads them all.
inline hanami::cluster_template fields_of(std::uint32_t lanes, std::int32_t across = 5,
                                          std::uint32_t pixels = 10) {
  hanami::cluster_settings settings;
  settings.brick_size = lanes;
  settings.max_bricks = 1;
  const hanami::hex_range grid{{1, 1, 1}, {across, across, 1}};
  return hanami::template_builder{}
      .settings(settings)
      .hexagons(grid)
      .hexagon({3, 3, 3})
      .axons(grid, {3, 3, 3})
      .input_windows("picture", 28, 28, {pixels, pixels, 0, grid})
      .output("digit", {3, 3, 3}, 10, hanami::output_kind::softmax)
      .build();
}

} // namespace bench
