// SPDX-License-Identifier: Apache-2.0
// Learns to read handwritten digits: MNIST if it is at hand, else digits that it draws itself.
//
// test-arguments: --train-limit 10000 --data=
// test-output: accuracy +9[0-9]

#include <cstddef>
#include <cstdio>
#include <iostream>
#include <optional>
#include <span>
#include <string>

#include "support/command_line.hpp"
#include "support/json.hpp"
#include "support/mnist_report.hpp"
#include "support/mnist_task.hpp"

namespace {

struct program_options {
  example::mnist_options task;
  std::string report;
  bool json = false;
};

/// False if only the help was asked for.
bool read_options(std::span<char* const> arguments, program_options& all) {
  auto& o = all.task;
  example::command_line line(
      "mnist", "[options]",
      "Trains a cluster of hexagons on handwritten digits, one image at a time, from raw bytes,\n"
      "then tests it. Without MNIST at hand it draws digits of its own.");
  line.section("data");
  line.option("data", "DIR", o.data,
              "folder with MNIST's four files, also packed (.gz);\n"
              "without it the folder that HANAMI_MNIST_DIR names");
  line.option("train-limit", "N", o.train_limit, "learn from the first N images only");
  line.option("validate", "N", o.validate,
              "hold out the last N training images and test on those,\nnot on the test images");
  line.section("cluster");
  line.option("template", "NAME", o.cluster_text,
              "fields (default): 25 windows of 10 x 10 pixels;\n"
              "plain: one hexagon of 512 neurons; or a template file");
  line.option(
      "load", "FILE", o.load,
      "begin with a checkpoint, its template and learning options;\nwith --epochs 0 only test it");
  line.option("save", "FILE", o.save,
              "write a checkpoint after training, also when stopped by\nCtrl-C or SIGTERM");
  line.section("learning");
  line.option("epochs", "N", o.epochs, "times that each image is seen (1); 0: only test");
  line.flag("endless", o.endless, "do not tell the cluster how many samples will come");
  line.option("seed", "N", o.learning.seed, "of all randomness (1)");
  line.option("learning-rate", "X", o.learning.learning_rate, "at the first sample (0.04)",
              {1e-9, 10.0});
  line.option("reduction", "SHARE", o.learning.reduction,
              "share of the steps to remove while learning (0)", {0.0, 0.95});
  line.option("rehearsal", "N", o.learning.rehearsal,
              "remembered samples learned again after each sample (0)", {0, 1000});
  line.option("executor", "NAME", o.executor,
              "serial (default): one thread; or cuda: a GPU, if the\nprogram was built with it");
  line.section("what is done to the images (raw bytes 0..255 otherwise)");
  line.option("scale", "X", o.images.scale, "multiply every pixel by X", {1e-30, 1e30});
  line.option("feature-scale", "SEED", o.images.feature_scale,
              "multiply every pixel by a factor of its own, 10^U(-3, 6)");
  line.flag("binary", o.images.binary, "above 127 is 1, the rest 0");
  line.option("shift", "N", o.images.shift,
              "move every training image by up to N pixels each way,\nnew each time", {0, 27});
  line.option("corrupt-every", "N", o.images.corrupt_every,
              "before the first and every N-th image another one, a\nmillion times too bright");
  line.section("what comes out");
  line.flag("int8", o.int8, "test an 8-bit copy of the cluster: faster, smaller");
  line.flag("json", all.json, "one JSON object instead of the summary");
  line.option("report", "FILE", all.report, "write a page (HTML) with curves and misread digits");
  return line.parse(arguments);
}

std::string to_json(const program_options& all, const example::mnist_data& data,
                    const example::mnist_result& r) {
  const auto& s = r.statistics;
  example::json_object out;
  out.add("dataset", data.name);
  out.add("template", all.task.load.empty() ? all.task.cluster_text : all.task.load);
  out.add("train_samples", r.train_samples);
  out.add("test_samples", r.test_samples);
  out.add("epochs", all.task.epochs);
  out.add("seed", all.task.learning.seed);
  out.add("endless", all.task.endless);
  out.add("executor", all.task.executor);
  out.add("threads", 1);
  out.add("instruction_set", hanami::instruction_set());
  out.add("test_accuracy", r.test_accuracy);
  out.add("train_cpu_seconds", r.train_cpu_seconds);
  out.add("train_wall_seconds", r.train_wall_seconds);
  out.add("inferences_per_second", r.inferences_per_second);
  out.add("int8_copy_bytes", r.copy_bytes);
  out.add("hexagons", s.hexagons);
  out.add("bricks", s.bricks);
  out.add("neurons", s.neurons);
  out.add("sections", s.sections);
  out.add("steps", s.steps);
  out.add("synapses", s.synapses);
  out.add("total_bytes", s.bytes);
  out.add("bytes_per_synapse", example::bytes_per_synapse(s));
  out.add("samples_shown", r.samples_shown);
  out.add("samples_learned", s.samples_learned);
  out.add("sections_grown", s.growth.sections_grown);
  out.add("steps_grown", s.growth.steps_grown);
  out.add("bricks_grown", s.growth.bricks_grown);
  out.add("growth_denied", s.growth.growth_denied);
  out.add("steps_removed", s.growth.steps_removed);
  return out.text();
}

void print_summary(const program_options& all, const example::mnist_data& data,
                   const example::mnist_result& r) {
  const auto& s = r.statistics;
  std::printf("dataset     %s: learned from %zu images, tested on %zu\n", data.name.c_str(),
              r.train_samples, r.test_samples);
  std::printf("template    %s\n",
              (all.task.load.empty() ? all.task.cluster_text : all.task.load).c_str());
  std::printf("accuracy    %.2f %%\n", r.test_accuracy);
  std::printf("training    %.2f s of CPU for %llu samples\n", r.train_cpu_seconds,
              static_cast<unsigned long long>(r.samples_shown));
  std::printf("answering   %.0f inferences/s on one thread (%s)\n", r.inferences_per_second,
              hanami::instruction_set());
  if (r.copy_bytes != 0) {
    std::printf("            by an 8-bit copy of %zu bytes\n", r.copy_bytes);
  }
  std::printf("grown       %zu neurons in %zu bricks, %zu synapses in %zu sections\n", s.neurons,
              s.bricks, s.synapses, s.sections);
  std::printf("memory      %zu bytes, %.2f a synapse\n", s.bytes, example::bytes_per_synapse(s));
  std::printf("growth      %llu sections, %llu further steps, %llu bricks; %llu steps removed\n",
              static_cast<unsigned long long>(s.growth.sections_grown),
              static_cast<unsigned long long>(s.growth.steps_grown),
              static_cast<unsigned long long>(s.growth.bricks_grown),
              static_cast<unsigned long long>(s.growth.steps_removed));
}

int run(std::span<char* const> arguments) {
  program_options all;
  if (!read_options(arguments, all)) {
    return 0;
  }
  if (!all.report.empty()) {
    if (all.task.executor != "serial") {
      throw example::usage_error("--report shows what each sample did: it needs --executor serial");
    }
    all.task.curve_points = 150;
    all.task.misread_kept = 44;
  }
  std::optional<example::stop_signal> catch_signals;
  if (!all.task.save.empty()) {
    catch_signals.emplace();
  }
  const example::mnist_data data = example::find_mnist(all.task.data);
  if (data.drawn()) {
    std::cerr << "mnist: no MNIST at hand (--data, HANAMI_MNIST_DIR): learning drawn digits\n";
  }
  example::mnist_task task(all.task, data);
  const example::mnist_result result = task.run();
  if (result.interrupted) {
    std::cerr << "mnist: stopped after " << result.samples_shown << " samples, saved "
              << all.task.save << '\n';
    return 130;
  }
  if (all.json) {
    std::cout << to_json(all, data, result) << '\n';
  } else {
    print_summary(all, data, result);
  }
  if (!all.report.empty()) {
    example::write_mnist_report(all.report, all.task, data, result, task.cluster());
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("mnist");
  return example::run_program("mnist", [&] {
    return run({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
  });
}
