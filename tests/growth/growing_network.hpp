// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <hanami/algorithm/average.hpp>
#include <hanami/algorithm/borders.hpp>
#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/growth/grow.hpp>
#include <hanami/template/builder.hpp>

/// Networks that grow by the samples that they are shown, and learn nothing.

namespace hanami_test {

inline hanami::cluster_settings small_bricks(std::uint32_t max_steps) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = max_steps;
  return settings;
}

inline hanami::cluster_template row(const hanami::cluster_settings& settings, std::int32_t length,
                                    std::uint32_t inputs) {
  return hanami::template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {length, 1, 1}, 3, hanami::output_kind::sigmoid)
      .build();
}

/// A network that is shown samples: it grows as in training, but learns nothing.
template <class Real>
struct growing {
  hanami::network<Real> net;
  hanami::workspace<Real> ws;

  explicit growing(const hanami::cluster_template& from, std::uint64_t seed = 1)
      : net(hanami::make_network<Real>(from, seed)) {
    hanami::set_averaging(net, true);
  }

  void show(const std::vector<Real>& values) {
    ws.fit_to_learn(net);
    if (hanami::place_inputs<Real>(net, values, ws).new_negative) {
      for (std::size_t i = 0; i < net.topology.inputs.size(); ++i) {
        hanami::open_negative_input(net, i);
      }
      ws.fit_to_learn(net);
      hanami::place_inputs<Real>(net, values, ws);
    }
    hanami::grow_forward(net, ws, hanami::serial_executor{});
    for (std::size_t b = 0; b < net.bricks.size(); ++b) {
      hanami::track_borders(net, b, ws);
    }
  }
  void show_often(int times, const std::vector<Real>& values) {
    for (int i = 0; i < times; ++i) {
      show(values);
    }
  }
  std::vector<Real> answer(const std::vector<Real>& values,
                           hanami::weight_set weights = hanami::weight_set::current) {
    hanami::workspace<Real> fresh;
    fresh.fit(net);
    hanami::place_inputs<Real>(net, values, fresh);
    hanami::infer_placed(net, weights, fresh, hanami::serial_executor{});
    return {fresh.prediction.begin(), fresh.prediction.end()};
  }
  std::size_t sections() const { return static_cast<std::size_t>(net.growth.sections_grown); }
  std::uint32_t steps() const { return net.bricks[0].step_count(0); }
  /// Where the first step of the first section ends.
  double border() const { return 1.0 / static_cast<double>(net.bricks[0].inverse_width[0]); }
};

/// A network of one input, bound to a border rule with sections of `max_steps`.
inline growing<double> one_input(std::uint32_t max_steps) {
  return growing<double>(row(small_bricks(max_steps), 3, 1));
}

} // namespace hanami_test
