// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <hanami/hanami.hpp>
#include <hanami/io/template_file.hpp>

#include "mnist_options.hpp"

namespace example {

/// 25 windows of 10 x 10 pixels, each with a hexagon of 64 neurons; the output reads them all.
inline constexpr const char* fields_template = R"(version: 1
settings: brick_size: 64 max_bricks: 1
hexagons:
    1..5, 1..5, 1
    3, 3, 3
axons: 1..5, 1..5, 1 -> 3, 3, 3
inputs: picture: shape: 28 x 28 windows: 10 x 10 to 1..5, 1..5, 1
outputs: digit: target: 3, 3, 3 number_of_outputs: 10 kind: softmax)";

/// One hidden hexagon of 512 neurons that sees every pixel.
inline constexpr const char* plain_template = R"(version: 1
settings: brick_size: 128 initial_bricks: 4 max_bricks: 4
hexagons: 1..3, 1, 1
inputs: picture: target: 1, 1, 1 number_of_inputs: 784
outputs: digit: target: 3, 1, 1 number_of_outputs: 10 kind: softmax)";

/// A new cluster, or the one of a checkpoint. The built-in templates follow the number of classes.
/// Throws `errc::invalid_template` for a cluster that does not fit the images.
inline hanami::cluster make_cluster(const mnist_options& o, const hanami::image_dataset& images) {
  const auto shape = [&] {
    if (o.cluster != "fields" && o.cluster != "plain") {
      return hanami::load_template(o.cluster);
    }
    auto built_in =
        hanami::parse_template(o.cluster == "fields" ? fields_template : plain_template);
    built_in.outputs.front().size = static_cast<std::uint32_t>(images.classes());
    return built_in;
  };
  hanami::cluster made =
      o.load.empty() ? hanami::cluster(shape(), o.learning) : hanami::load(o.load);
  if (made.input_size() != images.input_size() || made.output_size() != images.classes()) {
    throw hanami::error(hanami::errc::invalid_template,
                        "the template has " + std::to_string(made.input_size()) + " inputs and " +
                            std::to_string(made.output_size()) + " outputs; the images need " +
                            std::to_string(images.input_size()) + " and " +
                            std::to_string(images.classes()));
  }
  return made;
}

} // namespace example
