// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "../../../../template/builder.hpp"
#include "../../../../template/one_hexagon.hpp"
#include "../../../../template/writer.hpp"

/// Templates to begin with.

namespace hanami::service::api::detail {

struct template_preset {
  std::string_view name;
  std::string_view description;
};

inline constexpr std::array<template_preset, 5> template_presets{{
    {"classes", "tells `outputs` classes apart by `inputs` values: a row of a table, say"},
    {"values", "`outputs` values from `inputs` others"},
    {"probabilities", "`outputs` things that are so or not, each by itself, from `inputs` values"},
    {"series",
     "the next `outputs` values from the last `inputs`, with room for more steps between"},
    {"picture", "tells `outputs` classes of pictures of `rows` x `columns` pixels apart"},
}};

struct preset_sizes {
  std::uint32_t inputs = 1;
  std::uint32_t outputs = 1;
  std::uint32_t rows = 28;
  std::uint32_t columns = 28;
};

/// The text of a preset. Throws `errc::invalid_template` for sizes that no template may have.
inline std::string preset_text(std::string_view name, const preset_sizes& sizes) {
  if (name == "picture") { // 25 windows that overlap, each read by a hexagon of its own
    cluster_settings settings;
    settings.brick_size = 64;
    settings.max_bricks = 1;
    const hex_range readers{{1, 1, 1}, {5, 5, 1}};
    return to_text(template_builder{}
                       .settings(settings)
                       .hexagons(readers)
                       .hexagon({3, 3, 3})
                       .axons(readers, {3, 3, 3})
                       .input_windows("picture", sizes.rows, sizes.columns,
                                      {.rows = std::min<std::uint32_t>(10, sizes.rows),
                                       .columns = std::min<std::uint32_t>(10, sizes.columns),
                                       .hexagons = readers})
                       .output("class", {3, 3, 3}, sizes.outputs, output_kind::softmax)
                       .build());
  }
  if (name == "series") {
    return to_text(template_builder{}
                       .hexagons({{1, 1, 1}, {4, 1, 1}})
                       .input("input", {1, 1, 1}, sizes.inputs)
                       .output("output", {4, 1, 1}, sizes.outputs, output_kind::linear)
                       .build());
  }
  return to_text(one_hexagon(sizes.inputs, sizes.outputs,
                             name == "classes"         ? output_kind::softmax
                             : name == "probabilities" ? output_kind::sigmoid
                                                       : output_kind::linear));
}

} // namespace hanami::service::api::detail
