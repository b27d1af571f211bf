// SPDX-License-Identifier: Apache-2.0
// Compiled for several processors: FUNCTION learns a line and gives its answer to 0.98.

#include <array>
#include <cmath>

#include <hanami/cluster.hpp>
#include <hanami/template/one_hexagon.hpp>

float FUNCTION() {
  hanami::cluster c(hanami::one_hexagon(40, 1, hanami::output_kind::linear));
  std::array<float, 40> input{};
  for (int n = 0; n < 500; ++n) {
    const float x = static_cast<float>(n % 50) / 50;
    for (std::size_t i = 0; i < input.size(); ++i) {
      input[i] = std::cos(x * static_cast<float>(i));
    }
    c.train(input, std::array<float, 1>{x});
  }
  return c.infer(input)[0];
}
