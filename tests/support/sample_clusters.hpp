// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <hanami/cluster.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

/// Clusters that together use every part of the core, and samples for them.

namespace hanami_test {

struct named_cluster {
  std::string name;
  hanami::cluster cluster;
};

struct sample {
  std::vector<float> input;
  std::vector<float> target;
};

inline hanami::learning_options learning(std::uint64_t seed) {
  hanami::learning_options options;
  options.seed = seed;
  return options;
}

/// As small as a sensor's: a few inputs, one hidden hexagon, long chains; grows by loss.
inline hanami::cluster small_cluster(std::uint64_t seed = 1, std::uint32_t inputs = 4) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_bricks = 3;
  auto options = learning(seed);
  options.growth_loss_per_neuron = 0.2;
  return hanami::cluster(hanami::one_hexagon(inputs, 1, hanami::output_kind::linear, settings),
                         options);
}

/// 3 x 3 windows of a picture, each with two bricks.
inline hanami::cluster window_cluster(std::uint64_t seed = 1) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.initial_bricks = 2;
  settings.max_bricks = 2;
  const hanami::hex_range field{{1, 1, 1}, {3, 3, 1}};
  return hanami::cluster(hanami::template_builder{}
                             .settings(settings)
                             .hexagons(field)
                             .hexagon({2, 2, 3})
                             .axons(field, {2, 2, 3})
                             .input_windows("picture", 10, 10, {5, 5, 0, field})
                             .output("digit", {2, 2, 3}, 4, hanami::output_kind::softmax)
                             .build(),
                         learning(seed));
}

/// Several levels; growth by loss, reduction, rehearsal, all kinds of outputs.
inline hanami::cluster busy_cluster(std::uint64_t seed = 1, bool spiking = false) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_connection_distance = 2;
  settings.enable_pruning = true;
  settings.max_bricks = 4;
  if (spiking) {
    settings.neuron_cooldown = {1.1, 3.0};
    settings.refractory_time = {1, 4};
  }
  auto options = learning(seed);
  options.rehearsal = 1;
  options.replay_capacity = 50;
  options.growth_loss_per_neuron = 0.2;
  return hanami::cluster(hanami::template_builder{}
                             .settings(settings)
                             .hexagons({{1, 1, 1}, {5, 3, 1}})
                             .input("a", {1, 1, 1}, 6)
                             .input("b", {1, 2, 1}, 40)
                             .output("class", {5, 1, 1}, 3, hanami::output_kind::softmax)
                             .output("value", {5, 2, 1}, 1, hanami::output_kind::linear)
                             .output("flag", {5, 3, 1}, 2, hanami::output_kind::sigmoid)
                             .build(),
                         options);
}

inline std::vector<named_cluster> sample_clusters() {
  std::vector<named_cluster> all;
  all.push_back({"small", small_cluster()});
  all.push_back({"windows", window_cluster()});
  all.push_back({"busy", busy_cluster()});
  all.push_back({"spiking", busy_cluster(1, true)});
  return all;
}

/// Sample `number` of the stream `seed`: raw values of several scales, a third of them silent, some
/// negative later on; targets that can be learned.
inline sample sample_for(const hanami::cluster& c, std::uint64_t number, std::uint64_t seed = 1) {
  using namespace hanami;
  sample s;
  for (std::size_t i = 0; i < c.input_size(); ++i) {
    const float scale = i % 3 == 0 ? 100.0f : 0.01f;
    const bool silent = random_below(3, seed, 2 * i, number) == 0;
    s.input.push_back(silent ? 0.0f : scale * random_unit(seed, 2 * i + 1, number));
  }
  if (number > 100) {
    s.input[1] = -s.input[1];
  }
  for (const auto& output : c.cluster_template().outputs) {
    const float share = s.input[0] * 0.01f;
    const auto hot = static_cast<std::uint32_t>(share * static_cast<float>(output.size) * 0.999f);
    for (std::uint32_t k = 0; k < output.size; ++k) {
      s.target.push_back(output.kind == output_kind::linear ? s.input[0] - 300 * s.input[1]
                         : k == hot                         ? 1.0f
                                                            : 0.0f);
    }
  }
  return s;
}

} // namespace hanami_test
