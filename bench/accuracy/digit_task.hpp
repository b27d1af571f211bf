// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <support/digit_templates.hpp>

namespace bench {

/// How digits are learned.
struct digit_task {
  hanami::cluster_template shape = support::fields_of(64);
  hanami::image_epoch_options samples = {}; ///< of all training images that are not held out
  hanami::learning_options learning = {};
  bool endless = false;     ///< the cluster is not told how many samples will come
  double drawn_labels = 0;  ///< share of the training labels that are drawn at random instead
  std::size_t validate = 0; ///< images held out of the training and tested on; 0: the test's
};

struct digit_score {
  double accuracy = 0; ///< in percent
  double bytes_per_synapse = 0;
};

/// Learns digits, then takes the test. The same for the same seed.
inline digit_score learn_digits(const hanami::digit_images& digits, digit_task task,
                                std::uint64_t seed) {
  task.learning.seed = task.samples.seed = seed;
  task.samples.limit = digits.train.size() - task.validate;
  hanami::cluster cluster(task.shape, task.learning);
  hanami::image_epochs samples(digits.train, task.samples);
  std::vector<float> input(digits.train.input_size());
  std::vector<float> target(digits.train.target_size());
  cluster.start_task(task.endless ? 0 : samples.size());
  for (std::uint64_t number = 0; samples.next(input, target); ++number) {
    if (static_cast<double>(hanami::random_unit(seed, 2000, number)) < task.drawn_labels) {
      std::fill(target.begin(), target.end(), 0.0f);
      target[hanami::random_below(static_cast<std::uint32_t>(target.size()), seed, 2001, number)] =
          1;
    }
    cluster.train(input, target);
  }
  cluster.compact();
  cluster.shrink_to_fit();

  const hanami::image_dataset& asked = task.validate == 0 ? digits.test : digits.train;
  const hanami::image_converter converter(task.samples.conversion, input.size());
  const std::size_t first = task.validate == 0 ? 0 : task.samples.limit;
  hanami::workspace<float> workspace;
  std::size_t right = 0;
  for (std::size_t i = first; i < asked.size(); ++i) {
    converter.convert(asked.pixels(i), input);
    const auto prediction = cluster.infer(input, workspace);
    const auto best = std::max_element(prediction.begin(), prediction.end()) - prediction.begin();
    right += static_cast<std::size_t>(best) == asked.label(i) ? 1U : 0U;
  }
  const auto grown = cluster.statistics();
  return {100.0 * static_cast<double>(right) / static_cast<double>(asked.size() - first),
          static_cast<double>(grown.bytes) / static_cast<double>(grown.synapses)};
}

} // namespace bench
