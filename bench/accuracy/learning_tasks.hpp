// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hanami/hanami.hpp>

namespace bench {

/// `hidden` hexagons in a row between the picture and the digit, of two bricks each; `neurons` of a
/// hexagon: 64, 128, 256 or 512.
inline hanami::cluster_template row_template(std::size_t hidden, std::uint32_t distance,
                                             std::uint32_t neurons) {
  hanami::cluster_settings settings;
  settings.brick_size = neurons / 2;
  settings.initial_bricks = settings.max_bricks = 2;
  settings.max_connection_distance = distance;
  const auto last = static_cast<std::int32_t>(hidden) + 2;
  return hanami::template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {last, 1, 1}})
      .input("picture", {1, 1, 1}, 784)
      .output("digit", {last, 1, 1}, 10, hanami::output_kind::softmax)
      .build();
}

/// A block of hexagons in three dimensions: the picture enters at the bottom, the digit is read at
/// the top.
inline hanami::cluster_template spatial_template() {
  hanami::cluster_settings settings;
  settings.brick_size = 128;
  settings.initial_bricks = settings.max_bricks = 1;
  return hanami::template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {2, 2, 3}})
      .input("picture", {1, 1, 1}, 784)
      .output("digit", {2, 2, 3}, 10, hanami::output_kind::softmax)
      .build();
}

/// Four raw inputs of ranges 100, 0.01, 1e5 and 1; the class is the field of an 8 x 8 grid over the
/// first two. One pass over 60,000 samples, grown from one brick; percent of 10,000 others.
inline double grid_accuracy(std::uint64_t seed) {
  hanami::cluster_settings settings;
  settings.brick_size = 64;
  settings.max_bricks = 4;
  hanami::learning_options options;
  options.seed = seed;
  hanami::cluster cluster(hanami::one_hexagon(4, 64, hanami::output_kind::softmax, settings),
                          options);
  constexpr std::uint64_t training = 60000;
  constexpr std::uint64_t testing = 10000;
  constexpr std::array<float, 4> ranges{100.0f, 0.01f, 1e5f, 1.0f};
  std::array<float, 4> input{};
  std::array<float, 64> target{};
  const auto draw = [&](std::uint64_t number) {
    std::array<float, 4> unit{};
    for (std::size_t k = 0; k < 4; ++k) {
      unit[k] = hanami::random_unit(seed, 1000 + k, number);
      input[k] = ranges[k] * unit[k];
    }
    return static_cast<std::size_t>(unit[0] * 8) * 8 + static_cast<std::size_t>(unit[1] * 8);
  };
  cluster.start_task(training);
  for (std::uint64_t i = 0; i < training; ++i) {
    const std::size_t field = draw(i);
    target.fill(0);
    target[field] = 1;
    cluster.train(input, target);
  }
  hanami::workspace<float> activity;
  std::size_t right = 0;
  for (std::uint64_t i = training; i < training + testing; ++i) {
    const std::size_t field = draw(i);
    const auto answer = cluster.infer(input, activity);
    right += std::max_element(answer.begin(), answer.end()) - answer.begin() ==
                     static_cast<std::ptrdiff_t>(field)
                 ? 1U
                 : 0U;
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(testing);
}

/// How well the levels of a table were learned.
struct table_levels {
  double error = 0;      ///< mean absolute error at the trained levels
  double unseen_off = 0; ///< how far a level never seen answers from the largest one that was
};

/// 100 rows each of 0, 80, 30, 10, 0 with the targets 0, 1, 0.5, 0.75, 0; windows of 25 inputs and
/// the targets of their last 5 rows, in file order, 100 times; two hidden hexagons.
inline table_levels learn_table(hanami::output_kind kind, std::uint64_t seed) {
  constexpr std::array<float, 5> levels{0, 80, 30, 10, 0};
  constexpr std::array<float, 5> targets{0, 1, 0.5f, 0.75f, 0};
  constexpr std::size_t rows = 500;
  constexpr std::size_t window = 25;
  constexpr std::size_t ahead = 5;
  constexpr std::size_t epochs = 100;
  std::vector<float> values(rows);
  std::vector<float> wanted(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    values[r] = levels[r / 100];
    wanted[r] = targets[r / 100];
  }
  hanami::cluster_settings settings;
  settings.brick_size = 64;
  hanami::learning_options options;
  options.seed = seed;
  hanami::cluster cluster(hanami::template_builder{}
                              .settings(settings)
                              .hexagons({{1, 1, 1}, {4, 1, 1}})
                              .input("rows", {1, 1, 1}, window)
                              .output("targets", {4, 1, 1}, ahead, kind)
                              .build(),
                          options);
  const std::size_t windows = rows - window + 1;
  cluster.start_task(epochs * windows);
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t first = 0; first < windows; ++first) {
      cluster.train(std::span<const float>(values.data() + first, window),
                    std::span<const float>(wanted.data() + first + window - ahead, ahead));
    }
  }
  const auto answer_to = [&](float level) { return cluster.infer(std::vector(window, level)); };
  table_levels found;
  for (std::size_t k = 0; k < levels.size(); ++k) {
    for (const float y : answer_to(levels[k])) {
      found.error += static_cast<double>(std::abs(y - targets[k])) / (5.0 * ahead);
    }
  }
  const auto largest = answer_to(80);
  const auto unseen = answer_to(100);
  for (std::size_t k = 0; k < ahead; ++k) {
    found.unseen_off =
        std::max(found.unseen_off, static_cast<double>(std::abs(unseen[k] - largest[k])));
  }
  return found;
}

} // namespace bench
