// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

#include "epoch_order.hpp"
#include "mnist_data.hpp"
#include "mnist_device.hpp"
#include "mnist_stream.hpp"
#include "progress.hpp"
#include "stop_signal.hpp"
#include "stopwatch.hpp"

namespace example {

/// 25 windows of 10 x 10 pixels, each with a hexagon of 64 neurons; the output reads them all.
inline constexpr const char* fields_template = R"(version: 1
settings:
    brick_size: 64
    max_bricks: 1
hexagons:
    1..5, 1..5, 1
    3, 3, 3
axons:
    1..5, 1..5, 1 -> 3, 3, 3
inputs:
    picture:
        shape: 28 x 28
        windows: 10 x 10 to 1..5, 1..5, 1
outputs:
    digit:
        target: 3, 3, 3
        number_of_outputs: 10
        kind: softmax
)";

/// One hidden hexagon of 512 neurons that sees every pixel.
inline constexpr const char* plain_template = R"(version: 1
settings:
    brick_size: 128
    initial_bricks: 4
    max_bricks: 4
hexagons:
    1..3, 1, 1
inputs:
    picture:
        target: 1, 1, 1
        number_of_inputs: 784
outputs:
    digit:
        target: 3, 1, 1
        number_of_outputs: 10
        kind: softmax
)";

struct mnist_options {
  std::string data;                    ///< folder; empty: HANAMI_MNIST_DIR, or drawn digits
  std::string cluster_text = "fields"; ///< fields, plain or a file with a template
  std::string template_text;           ///< the template itself, in place of `cluster_text`
  std::size_t epochs = 1;              ///< 0: only test
  std::size_t train_limit = 0;         ///< the first images only; 0: all
  std::size_t validate = 0;            ///< test on the last training images instead
  bool endless = false;                ///< the cluster is not told how many samples will come
  bool int8 = false;                   ///< test an 8-bit copy of the cluster
  std::string save;                    ///< checkpoint to write after training; empty: none
  std::string load;                    ///< checkpoint to begin with; empty: a new cluster
  std::size_t curve_points = 0;        ///< of `mnist_result::curve`; 0: none
  std::size_t misread_kept = 0;        ///< of `mnist_result::misread`
  bool show_progress = true;           ///< on a terminal
  std::string executor = "serial";     ///< or cuda, where the program was built with it
  image_treatment images;
  hanami::learning_options learning; ///< of a new cluster, and the seed of the order of images
};

/// One point of the learning curve: what happened since the point before it.
struct curve_point {
  std::uint64_t samples = 0; ///< seen so far
  double loss = 0;           ///< mean, in nats, of samples not yet learned from
  double known = 0;          ///< share whose digit got more than half of the probability
  double learned = 0;        ///< share that was not known well enough and so learned from
  hanami::cluster_statistics grown;
};

struct misread_digit {
  std::size_t image = 0; ///< of the test images
  std::uint8_t label = 0;
  std::uint8_t answer = 0;
  double certainty = 0; ///< probability of the answer
};

struct mnist_result {
  std::size_t train_samples = 0; ///< images, each seen once an epoch
  std::size_t test_samples = 0;
  std::uint64_t samples_shown = 0; ///< in all epochs, corrupted ones included
  double test_accuracy = 0;        ///< in percent
  double train_cpu_seconds = 0;    ///< user time, the conversion of pixels included
  double train_wall_seconds = 0;
  double inferences_per_second = 0; ///< of CPU time on one thread, conversion included
  std::size_t copy_bytes = 0;       ///< of the 8-bit copy, if it took the test
  bool interrupted = false;         ///< stopped by a signal, saved, not tested
  hanami::cluster_statistics statistics;
  std::array<std::array<std::uint32_t, 10>, 10> confusion{}; ///< [label][answer]
  std::vector<curve_point> curve;
  std::vector<misread_digit> misread;
  std::string cluster_text; ///< the template in words
};

inline double bytes_per_synapse(const hanami::cluster_statistics& s) {
  return s.synapses == 0 ? 0.0 : static_cast<double>(s.bytes) / static_cast<double>(s.synapses);
}

/// The text of a template by name, or from a file.
inline std::string mnist_template(const std::string& name) {
  if (name == "fields") {
    return fields_template;
  }
  if (name == "plain") {
    return plain_template;
  }
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    throw hanami::error(hanami::errc::file_error, "cannot read the template '" + name +
                                                      "'; 'fields' and 'plain' are built in");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Learns to read digits, then takes the test.
class mnist_task {
 public:
  /// Keeps references to both.
  mnist_task(const mnist_options& options, const mnist_data& data)
      : options_(options), data_(data), cluster_(make_cluster()),
        converter_(options.images, data.train.rows(), data.train.columns(), options.learning.seed) {
    if (cluster_.input_size() != data.train.input_size() || cluster_.output_size() != 10) {
      throw hanami::error(hanami::errc::invalid_template,
                          "the template has " + std::to_string(cluster_.input_size()) +
                              " inputs and " + std::to_string(cluster_.output_size()) +
                              " outputs; the images need " +
                              std::to_string(data.train.input_size()) + " and 10");
    }
    if (options.executor != "serial" && options.executor != "cuda") {
      throw hanami::error(hanami::errc::invalid_argument,
                          "no executor '" + options.executor + "'; there are serial and cuda");
    }
    if (options.validate >= data.train.size()) {
      throw hanami::error(hanami::errc::invalid_argument,
                          "of " + std::to_string(data.train.size()) +
                              " training images, fewer must be held out");
    }
    const std::size_t rest = data.train.size() - options.validate;
    result_.train_samples = options.train_limit == 0 ? rest : std::min(rest, options.train_limit);
    result_.test_samples = options.validate == 0 ? data.test.size() : options.validate;
    result_.cluster_text = hanami::to_text(cluster_.plan());
  }

  mnist_result run() {
    train();
    if (!options_.save.empty() && options_.epochs > 0) {
      hanami::save(cluster_, options_.save); // before freezing: it can go on learning
    }
    if (!result_.interrupted) {
      cluster_.freeze();
      cluster_.shrink_to_fit();
      if (options_.int8) {
        const hanami::quantized_cluster copy(cluster_);
        result_.copy_bytes = copy.bytes();
        test(copy, hanami::quantized_activity{});
      } else {
        test(cluster_, hanami::activity<float>{});
      }
    }
    result_.statistics = cluster_.statistics();
    return std::move(result_);
  }

  /// The images that the test is taken on.
  static std::span<const std::uint8_t> test_pixels(const mnist_options& options,
                                                   const mnist_data& data, std::size_t image) {
    return options.validate == 0 ? data.test.pixels(image)
                                 : data.train.pixels(data.train.size() - options.validate + image);
  }

  const hanami::cluster& cluster() const noexcept { return cluster_; }

 private:
  hanami::cluster make_cluster() const {
    if (!options_.load.empty()) {
      return hanami::load(options_.load);
    }
    const std::string& text = options_.template_text;
    return hanami::cluster(
        hanami::parse_template(text.empty() ? mnist_template(options_.cluster_text) : text),
        options_.learning);
  }

  void train() {
    const std::size_t every = options_.images.corrupt_every;
    const std::uint64_t total =
        options_.epochs * (result_.train_samples + corrupted_among(result_.train_samples, every));
    if (total == 0) {
      return;
    }
    if (!options_.endless) {
      cluster_.plan_task(total);
    } else if (!cluster_.endless()) {
      cluster_.plan_task(0); // a loaded cluster that had learned for a task
    }
    progress shown("training", total, options_.show_progress);
    point_every_ =
        options_.curve_points == 0 ? 0 : std::max<std::uint64_t>(1, total / options_.curve_points);
    const double user = user_seconds();
    const double wall = wall_seconds();
    if (options_.executor == "cuda") {
      train_elsewhere(shown);
    }
    for (std::size_t epoch = 0;
         options_.executor == "serial" && epoch < options_.epochs && !result_.interrupted;
         ++epoch) {
      train_epoch(epoch, shown);
    }
    result_.train_cpu_seconds = user_seconds() - user;
    result_.train_wall_seconds = wall_seconds() - wall;
  }

  void train_epoch(std::size_t epoch, progress& shown) {
    const std::size_t n = result_.train_samples;
    const std::size_t every = options_.images.corrupt_every;
    const auto order = epoch_order(n, epoch, options_.learning.seed);
    for (std::size_t i = 0; i < n; ++i) {
      if (every != 0 && i % every == 0) {
        show(corrupted_image(n, order[i], epoch, i, options_.learning.seed), 1e6f);
      }
      show(order[i], 1.0f);
      shown.advance(result_.samples_shown);
      if (stop_signal::wanted()) {
        result_.interrupted = true;
        return;
      }
    }
  }

  /// All epochs on a device, which is given the images in parts.
  void train_elsewhere(progress& shown) {
    constexpr std::size_t rows = 4096;
    const std::size_t n = result_.train_samples;
    const std::size_t every = options_.images.corrupt_every;
    std::size_t epoch = 0;
    std::size_t at = 0;
    bool corrupted = false; // the image before number `at` has been shown
    auto order = epoch_order(n, 0, options_.learning.seed);
    train_on_device(cluster_, rows, [&](std::span<float> inputs, std::span<float> targets) {
      std::size_t row = 0;
      for (; row < rows && epoch < options_.epochs && !stop_signal::wanted(); ++row) {
        const auto input = inputs.subspan(row * data_.train.input_size());
        const auto target = targets.subspan(row * 10, 10);
        corrupted = every != 0 && at % every == 0 && !corrupted;
        if (corrupted) {
          place(corrupted_image(n, order[at], epoch, at, options_.learning.seed), 1e6f, input,
                target);
          continue;
        }
        place(order[at], 1.0f, input, target);
        if (++at == n) {
          order = epoch_order(n, ++epoch, options_.learning.seed);
          at = 0;
        }
      }
      shown.advance(result_.samples_shown);
      return row;
    });
    result_.interrupted = stop_signal::wanted();
  }

  void place(std::size_t image, float brightness, std::span<float> input, std::span<float> target) {
    const auto values =
        converter_.convert_moved(data_.train.pixels(image), result_.samples_shown, brightness);
    std::copy(values.begin(), values.end(), input.begin());
    std::fill(target.begin(), target.end(), 0.0f);
    target[data_.train.label(image)] = 1.0f;
    ++result_.samples_shown;
  }

  void show(std::size_t image, float brightness) {
    const auto input =
        converter_.convert_moved(data_.train.pixels(image), result_.samples_shown, brightness);
    std::array<float, 10> target{};
    target[data_.train.label(image)] = 1.0f;
    const hanami::train_result found = cluster_.train(input, target);
    ++result_.samples_shown;
    if (point_every_ != 0) {
      note(found);
    }
  }

  void note(const hanami::train_result& found) {
    now_.loss += found.loss;
    now_.known += found.error < 0.5 ? 1.0 : 0.0; // of a softmax: what its label lacks to 1
    now_.learned += found.learned ? 1.0 : 0.0;
    if (result_.samples_shown % point_every_ == 0) {
      now_.samples = result_.samples_shown;
      for (double* sum : {&now_.loss, &now_.known, &now_.learned}) {
        *sum /= static_cast<double>(point_every_);
      }
      now_.grown = cluster_.statistics();
      result_.curve.push_back(std::exchange(now_, {}));
    }
  }

  template <class Model, class Activity>
  void test(const Model& model, Activity activity) {
    const auto& images = options_.validate == 0 ? data_.test : data_.train;
    const std::size_t first = images.size() - result_.test_samples;
    std::vector<std::array<float, 10>> answers(result_.test_samples);
    const double begin = thread_seconds();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto answer = model.infer(converter_.convert(images.pixels(first + i)), activity);
      std::copy_n(answer.begin(), 10, answers[i].begin());
    }
    const double seconds = thread_seconds() - begin;
    result_.inferences_per_second = static_cast<double>(answers.size()) / (seconds + 1e-12);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      judge(i, images.label(first + i), answers[i]);
    }
    std::uint32_t right = 0;
    for (std::size_t digit = 0; digit < 10; ++digit) {
      right += result_.confusion[digit][digit];
    }
    result_.test_accuracy =
        100.0 * right / static_cast<double>(std::max<std::size_t>(1, result_.test_samples));
  }

  void judge(std::size_t image, std::size_t label, const std::array<float, 10>& answer) {
    const auto best = static_cast<std::size_t>(
        std::distance(answer.begin(), std::max_element(answer.begin(), answer.end())));
    ++result_.confusion[label][best];
    if (best != label && result_.misread.size() < options_.misread_kept) {
      result_.misread.push_back({image, static_cast<std::uint8_t>(label),
                                 static_cast<std::uint8_t>(best),
                                 static_cast<double>(answer[best])});
    }
  }

  const mnist_options& options_;
  const mnist_data& data_;
  hanami::cluster cluster_;
  image_converter converter_;
  mnist_result result_;
  curve_point now_;
  std::uint64_t point_every_ = 0;
};

/// The task as a whole, for programs that only want the numbers.
inline mnist_result run_mnist(const mnist_options& options, const mnist_data& data) {
  return mnist_task(options, data).run();
}
inline mnist_result run_mnist(const mnist_options& options) {
  return run_mnist(options, find_mnist(options.data));
}

} // namespace example
