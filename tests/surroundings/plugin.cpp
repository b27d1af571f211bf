// SPDX-License-Identifier: Apache-2.0
#include "plugin.hpp"

#include <array>
#include <cmath>

#include <hanami/cluster.hpp>
#include <hanami/quantized/quantized_cluster.hpp>
#include <hanami/template/parser.hpp>

namespace {

hanami::cluster* make() {
  return new hanami::cluster(hanami::parse_template(
      "version: 1 settings: brick_size: 32 max_bricks: 12 hexagons: 1..3, 1, 1 "
      "inputs: in: target: 1, 1, 1 number_of_inputs: 40 "
      "outputs: out: target: 3, 1, 1 number_of_outputs: 2 kind: linear"));
}

std::array<float, 40> input_of(float x) {
  std::array<float, 40> input{};
  for (std::size_t i = 0; i < input.size(); ++i) {
    input[i] = std::sin(x * static_cast<float>(i + 1)); // negative parts are opened, too
  }
  return input;
}

void train(hanami::cluster& c, unsigned first, unsigned last) {
  for (unsigned n = first; n < last; ++n) {
    const float x = hanami::random_unit(7, 0, n);
    c.train(input_of(x), std::array<float, 2>{std::cos(9 * x), x > 0.5f ? 1.0f : -1.0f});
  }
}

float infer(const hanami::cluster& c, float x) {
  static hanami::workspace<float> used;
  return c.infer(input_of(x), used)[0];
}

hanami::quantized_cluster* copy(const hanami::cluster& c) {
  return new hanami::quantized_cluster(c);
}

float infer_copy(const hanami::quantized_cluster& c, float x) {
  static hanami::quantized_workspace used;
  return c.infer(input_of(x), used)[0];
}

std::error_code code() { return make_error_code(hanami::errc::queue_full); }

void fail() { hanami::raise(hanami::errc::queue_full, "full"); }

bool knows(void (*other)()) {
  try {
    other();
  } catch (const hanami::error& failure) {
    return failure.code() == hanami::errc::queue_full &&
           failure.code() != hanami::errc::cancelled &&
           failure.code() == code().default_error_condition() && failure.what()[0] == 'f';
  }
  return false;
}

} // namespace

extern "C" __attribute__((visibility("default"))) plugin hanami_plugin() {
  return {make, [](hanami::cluster* c) { delete c; },           train, infer, infer_copy,
          copy, [](hanami::quantized_cluster* c) { delete c; }, code,  fail,  knows};
}
