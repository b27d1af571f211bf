// SPDX-License-Identifier: Apache-2.0
#include <hanami/hanami.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <system_error>
#include <vector>

#if CONSUMER_HAS_GZIP
#include <hanami/io/gzip.hpp>
#endif

/// Learns a curve and saves it, as any program would.
int main() {
  hanami::cluster curve(hanami::parse_template(R"(
    version: 1
    hexagons:
      1..3, 1, 1
    inputs:
      x: target: 1, 1, 1   number_of_inputs: 1
    outputs:
      y: target: 3, 1, 1   number_of_outputs: 1   kind: linear)"));
  const auto truth = [](float x) { return 1000 * x * x; };
  curve.start_task(2000);
  for (unsigned i = 0; i < 2000; ++i) {
    const float x = hanami::random_unit(1, 0, i);
    curve.train(std::vector{x}, std::vector{truth(x)});
  }
  std::error_code code;
  hanami::save(curve, "curve.checkpoint", {{"unit", "mm"}}, code);
  const auto restored = hanami::load("curve.checkpoint", code);
  if (!restored) {
    std::cerr << code.message() << '\n';
    return 1;
  }
  double worst = 0;
  for (const float x : {0.1f, 0.3f, 0.5f, 0.7f, 0.9f}) {
    worst = std::max(worst, std::abs(double{restored->infer(std::vector{x})[0]} - truth(x)));
  }
#if CONSUMER_HAS_GZIP
  if (hanami::read_file_or_gzip("curve.checkpoint", 1 << 20).size() < 100) {
    return 1;
  }
#endif
  std::cout << "hanami " HANAMI_VERSION_STRING ": off by " << worst << " of 1000\n";
  return worst < 100 ? 0 : 1;
}
