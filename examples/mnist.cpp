// SPDX-License-Identifier: Apache-2.0
// Learns to read handwritten digits: MNIST if it is at hand, else digits that it draws itself.
//
// test-arguments: --train-limit 10000
// test-output: accuracy +9[0-9]

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <iostream>
#include <optional>
#include <span>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/io/gzip.hpp>
#include <hanami/io/progress.hpp>

#include "support/mnist_cluster.hpp"
#include "support/mnist_device.hpp"
#include "support/mnist_options.hpp"
#include "support/mnist_report.hpp"
#include "support/mnist_result.hpp"
#include "support/program.hpp"
#include "support/stop_signal.hpp"

namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Until all is learned, or a signal asks to stop.
void train(const example::mnist_options& o, hanami::cluster& cluster, hanami::image_epochs& samples,
           example::learning_curve& curve) {
  if (!o.endless || !cluster.endless()) {
    cluster.start_task(o.endless ? 0 : samples.size());
  }
  hanami::progress shown("training", samples.size());
  const auto go_on = [&] {
    shown.advance(samples.given());
    return !example::stop_signal::wanted();
  };
  if (o.executor == "cuda") {
    return example::train_on_device(cluster, samples, go_on);
  }
  std::vector<float> input(cluster.input_size());
  std::vector<float> target(cluster.output_size());
  while (go_on() && samples.next(input, target)) {
    curve.note(cluster.train(input, target), cluster);
  }
}

/// Asks the model for all images from number `first` on.
template <class Model, class Workspace>
void test(const Model& model, Workspace workspace, const example::mnist_options& o,
          const hanami::image_dataset& images, std::size_t first, example::mnist_result& r) {
  const hanami::image_converter converter(o.samples.conversion, images.input_size());
  std::vector<float> input(images.input_size());
  const std::size_t count = images.size() - first;
  const std::size_t classes = images.classes();
  std::vector<float> predictions(count * classes);
  const double begin = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) {
    converter.convert(images.pixels(first + i), input);
    const auto prediction = model.infer(input, workspace);
    std::copy(prediction.begin(), prediction.end(), predictions.data() + i * classes);
  }
  r.inferences_per_second = static_cast<double>(count) / std::max(cpu_seconds() - begin, 1e-9);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span row(predictions.data() + i * classes, classes);
    const auto best = std::max_element(row.begin(), row.end());
    const auto answer = static_cast<std::size_t>(best - row.begin());
    const std::size_t label = images.label(first + i);
    r.scores.add(r.first_label + label, r.first_label + answer, *best, row[label]);
    if (answer != label && r.misread.size() < 44) {
      r.misread.push_back({i, r.first_label + label, r.first_label + answer, double{*best}});
    }
  }
}

int run(const example::mnist_options& o) {
  if (!o.report.empty() && o.executor != "serial") {
    throw CLI::ValidationError("--report shows what each sample did: it needs --executor serial");
  }
  std::optional<example::stop_signal> catch_signals;
  if (!o.save.empty()) {
    catch_signals.emplace();
  }
  const auto digits = hanami::load_digits(o.data, &hanami::read_file_or_gzip, o.set);
  if (digits.drawn) {
    std::cerr << "mnist: no MNIST at hand (--data, HANAMI_MNIST_DIR): learning drawn digits\n";
  }
  hanami::cluster cluster = example::make_cluster(o, digits.train);
  hanami::image_epochs samples(digits.train, example::samples_of(o, digits.train.size()));
  example::learning_curve curve(o.report.empty() ? 0 : samples.size());
  example::mnist_result result;
  result.dataset = digits.name();
  result.first_label = digits.first_label;
  result.classes = digits.train.classes();
  result.train_images = samples.images();
  const double cpu = cpu_seconds();
  const double wall = wall_seconds();
  if (samples.size() > 0) {
    train(o, cluster, samples, curve);
  }
  result.train_cpu_seconds = cpu_seconds() - cpu;
  result.train_wall_seconds = wall_seconds() - wall;
  result.samples = samples.given();
  if (samples.size() > 0 && !o.save.empty()) {
    hanami::save(cluster, o.save); // before it is made compact: it can go on learning
  }
  if (example::stop_signal::wanted()) {
    std::cerr << "mnist: stopped after " << result.samples << " samples, saved " << o.save << '\n';
    return 130;
  }
  cluster.compact();
  cluster.shrink_to_fit();
  const auto& asked = o.validate == 0 ? digits.test : digits.train;
  const std::size_t first = o.validate == 0 ? 0 : asked.size() - o.validate;
  if (o.int8) {
    const hanami::quantized_cluster copy(cluster);
    result.copy_bytes = copy.bytes();
    test(copy, hanami::quantized_workspace{}, o, asked, first, result);
  } else {
    test(cluster, hanami::workspace<float>{}, o, asked, first, result);
  }
  result.grown = cluster.statistics();
  o.json ? print_json(o, result) : print_summary(o, result);
  if (!o.report.empty()) {
    write_mnist_report(o, result, curve, cluster, asked, first);
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("mnist");
  CLI::App app("Trains a cluster of hexagons on handwritten digits, one image at a time, from raw "
               "bytes,\nthen tests it.",
               "mnist");
  example::mnist_options o;
  add_options(app, o);
  return example::run_program(app, count, arguments, [&] { return run(o); });
}
