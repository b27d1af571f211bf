// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>
#include <hanami/io/json_text.hpp>

#include "mnist_options.hpp"

namespace example {

/// One point of the learning curve: what happened since the point before it.
struct curve_point {
  std::uint64_t samples = 0; ///< seen so far
  double loss = 0;           ///< mean, in nats, of samples not yet learned from
  double known = 0;          ///< share whose digit got more than half of the probability
  double learned = 0;        ///< share that was not known well enough and so learned from
  hanami::cluster_statistics grown;
};

/// The curve of a training, 150 points or none at all.
class learning_curve {
 public:
  /// Of `samples` samples; 0: none is drawn.
  explicit learning_curve(std::uint64_t samples)
      : every_(samples == 0 ? 0 : std::max<std::uint64_t>(1, samples / 150)) {}

  void note(const hanami::train_result& found, const hanami::cluster& cluster) {
    if (every_ == 0) {
      return;
    }
    const double share = 1 / static_cast<double>(every_);
    now_.loss += share * found.loss;
    now_.known += found.error < 0.5 ? share : 0.0; // of a softmax: what its label lacks to 1
    now_.learned += found.learned ? share : 0.0;
    if (++now_.samples % every_ == 0) {
      now_.grown = cluster.statistics();
      points_.push_back(std::exchange(now_, {}));
      now_.samples = points_.back().samples;
    }
  }

  const std::vector<curve_point>& points() const noexcept { return points_; }

 private:
  std::uint64_t every_;
  curve_point now_;
  std::vector<curve_point> points_;
};

/// A digit that was read as another one.
struct misread_digit {
  std::size_t image = 0; ///< of the images of the test
  std::size_t label = 0;
  std::size_t answer = 0;
  double certainty = 0; ///< probability of the answer
};

struct mnist_result {
  const char* dataset = "";
  std::size_t first_label = 0;
  std::size_t classes = 10;
  std::size_t train_images = 0;
  std::uint64_t samples = 0;    ///< learned from, in all epochs, corrupted ones included
  double train_cpu_seconds = 0; ///< the conversion of pixels included
  double train_wall_seconds = 0;
  double inferences_per_second = 0; ///< of CPU time on one thread, conversion included
  std::size_t copy_bytes = 0;       ///< of the 8-bit copy, if it took the test
  hanami::classification_scores scores;
  std::vector<misread_digit> misread; ///< the first ones
  hanami::cluster_statistics grown;

  double bytes_per_synapse() const {
    return static_cast<double>(grown.bytes) /
           static_cast<double>(std::max<std::size_t>(1, grown.synapses));
  }
};

inline void print_summary(const mnist_options& o, const mnist_result& r) {
  std::printf("%s: learned from %zu images, tested on %zu; template %s\n", r.dataset,
              r.train_images, static_cast<std::size_t>(r.scores.samples()),
              (o.load.empty() ? o.cluster : o.load).c_str());
  std::printf("%s\n%s\n", to_string(r.scores).c_str(), hanami::to_string(r.grown).c_str());
  std::printf(
      "%.2f bytes a synapse; learned in %.2f s of CPU; %.0f inferences/s on one thread (%s)\n",
      r.bytes_per_synapse(), r.train_cpu_seconds, r.inferences_per_second,
      hanami::instruction_set());
  if (r.copy_bytes != 0) {
    std::printf("tested by an 8-bit copy of %zu bytes\n", r.copy_bytes);
  }
}

/// The same, and more, as one JSON object.
inline void print_json(const mnist_options& o, const mnist_result& r) {
  const char* separator = "{";
  const auto text = [&](const char* key, const std::string& value) {
    std::printf("%s\n  \"%s\": %s", std::exchange(separator, ","), key,
                hanami::json_string(value).c_str());
  };
  const auto number = [&](const char* key, auto value) {
    const bool whole = std::is_integral_v<decltype(value)>;
    std::printf("%s\n  \"%s\": %.*g", std::exchange(separator, ","), key, whole ? 17 : 6,
                static_cast<double>(value));
  };
  const auto& s = r.grown;
  text("dataset", r.dataset);
  text("template", o.load.empty() ? o.cluster : o.load);
  number("train_samples", r.train_images);
  number("test_samples", r.scores.samples());
  number("epochs", o.samples.epochs);
  number("seed", o.learning.seed);
  std::printf(",\n  \"endless\": %s", o.endless ? "true" : "false");
  text("executor", o.executor);
  number("threads", 1);
  text("instruction_set", hanami::instruction_set());
  number("test_accuracy", 100 * r.scores.accuracy());
  number("train_cpu_seconds", r.train_cpu_seconds);
  number("train_wall_seconds", r.train_wall_seconds);
  number("inferences_per_second", r.inferences_per_second);
  number("int8_copy_bytes", r.copy_bytes);
  number("hexagons", s.hexagons);
  number("bricks", s.bricks);
  number("neurons", s.neurons);
  number("sections", s.sections);
  number("steps", s.steps);
  number("synapses", s.synapses);
  number("total_bytes", s.bytes);
  number("bytes_per_synapse", r.bytes_per_synapse());
  number("samples_shown", r.samples);
  number("samples_learned", s.samples_learned);
  number("sections_grown", s.growth.sections_grown);
  number("steps_grown", s.growth.steps_grown);
  number("bricks_grown", s.growth.bricks_grown);
  number("growth_denied", s.growth.growth_denied);
  number("steps_removed", s.growth.steps_removed);
  std::puts("\n}");
}

} // namespace example
