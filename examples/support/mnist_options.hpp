// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include "program.hpp"

namespace example {

/// What `mnist` takes.
struct mnist_options {
  std::string data;
  std::string set;                ///< what the names of its files begin with
  std::string cluster = "fields"; ///< the name of a template, or its file
  std::string load;
  std::string save;
  std::string executor = "serial";
  std::string report;
  std::size_t validate = 0; ///< training images that are held out and tested on
  bool endless = false;
  bool int8 = false;
  bool json = false;
  hanami::image_epoch_options samples;
  hanami::learning_options learning;
};

inline void add_options(CLI::App& app, mnist_options& o) {
  const char* group = "data";
  const auto add = [&](const char* name, const char* takes, auto& value, const char* about) {
    return app.add_option(name, value, about)->group(group)->type_name(takes);
  };
  const auto add_flag = [&](const char* name, bool& value, const char* about) {
    app.add_flag(name, value, about)->group(group);
  };
  add("--data", "DIR", o.data,
      "folder with the four files of MNIST or a set alike (Fashion-MNIST,\n"
      "EMNIST: up to 256 classes), also packed (.gz); '': drawn digits")
      ->envname("HANAMI_MNIST_DIR");
  add("--stem", "NAME", o.set,
      "what the names of the files begin with, where the folder has several\n"
      "sets: emnist-letters for emnist-letters-train-images-idx3-ubyte.gz");
  add("--train-limit", "N", o.samples.limit, "learn from the first N images only")
      ->check(not_negative());
  add("--validate", "N", o.validate, "hold out the last N training images and test on those")
      ->check(not_negative());

  group = "cluster";
  add("--template", "NAME", o.cluster,
      "fields (default): 25 windows of 10 x 10 pixels; plain: one hexagon\n"
      "of 512 neurons; or a template file");
  add("--load", "FILE", o.load,
      "begin with a checkpoint, its template and learning options; with\n"
      "--epochs 0 only test it");
  add("--save", "FILE", o.save,
      "write a checkpoint after training, also when stopped by Ctrl-C or\nSIGTERM");

  group = "learning";
  add("--epochs", "N", o.samples.epochs, "times that each image is seen (1); 0: only test")
      ->check(not_negative());
  add_flag("--endless", o.endless, "do not tell the cluster how many samples will come");
  add("--seed", "N", o.learning.seed, "of all randomness (1)")->check(not_negative());
  add("--learning-rate", "X", o.learning.learning_rate, "at the first sample (0.04)")
      ->check(CLI::Range(1e-9, 10.0));
  add("--reduction", "SHARE", o.learning.pruning, "share of the steps to remove while learning (0)")
      ->check(CLI::Range(0.0, 0.95));
  add("--rehearsal", "N", o.learning.rehearsal,
      "remembered samples learned again after each sample (0)")
      ->check(CLI::Range(0, 1000));
  add("--executor", "NAME", o.executor,
      "serial (default): one thread; cuda: a GPU, where built for it")
      ->check(CLI::IsMember({"serial", "cuda"}));

  group = "what is done to the images (raw bytes 0..255 otherwise)";
  add("--scale", "X", o.samples.conversion.scale, "multiply every pixel")
      ->check(CLI::Range(1e-30, 1e30));
  add("--feature-scale", "SEED", o.samples.conversion.feature_scale,
      "multiply every pixel by a factor of its own, 10^U(-3, 6), of this seed")
      ->check(not_negative());
  add_flag("--binary", o.samples.conversion.binary, "above 127 is 1, the rest 0");
  add("--shift", "N", o.samples.shift,
      "move every training image by up to so many pixels each way, anew\neach time")
      ->check(CLI::Range(0, 27));
  add("--corrupt-every", "N", o.samples.corrupt_every,
      "before the first and every N-th image another one, a million times\ntoo bright")
      ->check(not_negative());

  group = "what comes out";
  add_flag("--int8", o.int8, "test an 8-bit copy of the cluster: faster, smaller");
  add_flag("--json", o.json, "one JSON object instead of the summary");
  add("--report", "FILE", o.report, "write a page (HTML) with curves and misread digits");
}

/// The samples to learn from, of so many training images. Throws `errc::invalid_argument` where
/// none would be left.
inline hanami::image_epoch_options samples_of(const mnist_options& o, std::size_t images) {
  if (o.validate >= images) {
    throw hanami::error(hanami::errc::invalid_argument,
                        "of " + std::to_string(images) +
                            " training images, fewer must be held out");
  }
  hanami::image_epoch_options samples = o.samples;
  const std::size_t left = images - o.validate;
  samples.limit = o.samples.limit == 0 ? left : std::min(left, o.samples.limit);
  samples.seed = o.learning.seed;
  return samples;
}

} // namespace example
