// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hanami/cluster.hpp>
#include <hanami/cuda/trainer.hpp>
#include <hanami/io/archive.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/one_hexagon.hpp>

#include "support/sample_clusters.hpp"

/// Clusters that together use all of what a device can do, and samples for them.

namespace hanami_test {

/// All that a cluster knows. (Takes a copy: archives may change what they read.)
inline std::vector<std::byte> saved(hanami::cluster c) {
  hanami::archive_writer archive;
  c.serialize(archive);
  return archive.bytes();
}

struct owned_table {
  std::vector<float> inputs;
  std::vector<float> targets;
  hanami::gpu::sample_table view() const { return {inputs, targets}; }
};

inline owned_table table_for(const hanami::cluster& c, std::size_t rows, std::uint64_t seed = 1) {
  owned_table table;
  for (std::size_t k = 0; k < rows; ++k) {
    const sample s = sample_for(c, k, seed);
    table.inputs.insert(table.inputs.end(), s.input.begin(), s.input.end());
    table.targets.insert(table.targets.end(), s.target.begin(), s.target.end());
  }
  return table;
}

inline void train_serially(hanami::cluster& c, const owned_table& table) {
  for (std::size_t k = 0; k * c.input_size() < table.inputs.size(); ++k) {
    c.train(std::span(table.inputs).subspan(k * c.input_size(), c.input_size()),
            std::span(table.targets).subspan(k * c.output_size(), c.output_size()));
  }
}

/// 3 x 3 windows of a picture, each with two bricks.
inline hanami::cluster picture_cluster(std::uint64_t seed = 1) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.initial_bricks = 2;
  settings.max_bricks = 2;
  settings.max_steps = 1;
  const hanami::hex_range field{{1, 1, 1}, {3, 3, 1}};
  return hanami::cluster(hanami::template_builder{}
                             .settings(settings)
                             .hexagons(field)
                             .hexagon({2, 2, 3})
                             .axons(field, {2, 2, 3})
                             .input_windows("picture", 10, 10, {5, 5, 0, field})
                             .output("digit", {2, 2, 3}, 10, hanami::output_kind::softmax)
                             .build(),
                         learning(seed));
}

/// Several levels of hexagons that grow by bricks, connections drawn by distance, reduction, two
/// outputs.
inline hanami::cluster deep_cluster(std::uint64_t seed = 1) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_connection_distance = 2;
  settings.enable_pruning = true;
  settings.max_bricks = 3;
  settings.max_steps = 1;
  settings.activation = hanami::activation_kind::log2;
  auto options = learning(seed);
  options.growth_loss_per_neuron = 0.5;
  return hanami::cluster(hanami::template_builder{}
                             .settings(settings)
                             .hexagons({{1, 1, 1}, {5, 3, 1}})
                             .input("a", {1, 1, 1}, 6)
                             .input("b", {1, 2, 1}, 40)
                             .output("class", {5, 1, 1}, 3, hanami::output_kind::softmax)
                             .output("flag", {5, 3, 1}, 2, hanami::output_kind::sigmoid)
                             .build(),
                         options);
}

/// One hexagon of relu neurons between few inputs and an output.
inline hanami::cluster_template sensor_template() {
  hanami::cluster_settings settings;
  settings.brick_size = 128;
  settings.max_steps = 1;
  settings.activation = hanami::activation_kind::relu;
  return hanami::one_hexagon(16, 3, hanami::output_kind::softmax, settings);
}
inline hanami::cluster sensor_cluster(std::uint64_t seed = 1) {
  return hanami::cluster(sensor_template(), learning(seed));
}

/// Two folded columns and many classes.
inline hanami::cluster folded_cluster(std::uint64_t seed = 1) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = 1;
  return hanami::cluster(hanami::one_hexagon(2, 120, hanami::output_kind::softmax, settings),
                         learning(seed));
}

inline std::vector<named_cluster> device_clusters() {
  std::vector<named_cluster> all;
  all.push_back({"windows", picture_cluster()});
  all.push_back({"windows of a task", picture_cluster(2)});
  all.back().cluster.start_task(1500);
  all.push_back({"deep", deep_cluster()});
  all.push_back({"deep of a task", deep_cluster(2)});
  all.back().cluster.start_task(1500);
  all.push_back({"sensor", sensor_cluster()});
  all.push_back({"folded", folded_cluster()});
  return all;
}

} // namespace hanami_test
