// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>
#include <hanami/template/parser.hpp>
#include <hanami/template/validation.hpp>

/// Texts of templates, and what is said of those that are wrong.

namespace hanami_test {

/// As the reference writes it: every word of its grammar, nothing else.
inline constexpr std::string_view classic = R"(version: 1
settings:
    neuron_cooldown: 100000000.0
    refractory_time: 1
    max_connection_distance: 2
    enable_reduction: False
hexagons:
    1,1,1
    2,1,1
    3,1,1
inputs:
    picture:
        target: 1,1,1
        number_of_inputs: 784
outputs:
    digit:
        target: 3,1,1
        number_of_outputs: 10
        kind: sigmoid
)";

inline constexpr std::string_view windowed = R"(
version: 1          # sixteen windows of 12 x 12 pixels
settings:
  activation: log2
  brick_size: 128
  initial_bricks: 2;  max_bricks: 4
  max_steps: auto
  memory_limit: 64 MiB
hexagons:
  1..4, 1..4, 1
  1, 1, 2
axons:
  1..4, 1..4, 1 -> 1, 1, 2
inputs:
  picture: shape: 28 x 28  windows: 12 x 12 to 1..4, 1..4, 1  margin: 1
outputs:
  digit: target: 1, 1, 2  number_of_outputs: 10  kind: softmax
)";

/// What the parser says of a text; "accepted" if nothing.
inline std::string refusal(std::string_view text) {
  try {
    hanami::parse_template(text);
  } catch (const hanami::error& failure) {
    CHECK(failure.code() == hanami::errc::invalid_template);
    return failure.what();
  }
  return "accepted";
}

inline std::string refusal(const hanami::cluster_template& made) {
  try {
    hanami::validate(made);
  } catch (const hanami::error& failure) {
    CHECK(failure.code() == hanami::errc::invalid_template);
    return failure.what();
  }
  return "accepted";
}

/// The classic template with the first `from` replaced.
inline std::string with(std::string_view from, std::string_view to,
                        std::string_view base = classic) {
  std::string text(base);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// A template around some settings, hexagons, inputs and outputs, each starting a line of its own:
/// settings in line 2, hexagons in line 3, inputs in line 4, outputs in line 5.
inline std::string
lines(std::string_view settings, std::string_view hexagons = "1,1,1 2,1,1",
      std::string_view inputs = "a: target: 1,1,1 number_of_inputs: 3",
      std::string_view outputs = "b: target: 2,1,1 number_of_outputs: 2 kind: sigmoid") {
  return "version: 1\nsettings: " + std::string(settings) + "\nhexagons: " + std::string(hexagons) +
         "\ninputs: " + std::string(inputs) + "\noutputs: " + std::string(outputs) + "\n";
}

inline std::string input_line(std::string_view inputs) { return lines("", "1,1,1 2,1,1", inputs); }
inline std::string output_line(std::string_view outputs) {
  return lines("", "1,1,1 2,1,1", "a: target: 1,1,1 number_of_inputs: 3", outputs);
}

inline hanami::cluster_template valid() { return hanami::parse_template(classic); }

} // namespace hanami_test
