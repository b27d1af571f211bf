// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include "class_tasks.hpp"
#include "digit_task.hpp"
#include "learning_tasks.hpp"

namespace bench {

/// How a mean is held against its goal.
enum class bound {
  at_least,
  at_most,
  within ///< no further from zero, to either side
};

inline const char* to_text(bound b) {
  return b == bound::at_least ? "at least" : b == bound::at_most ? "at most" : "within";
}

/// One measurement: a number for a seed, and the goal for the mean over seeds. `measure` keeps
/// nothing between calls, so that several threads may call it at once.
struct row {
  std::string name;
  std::string unit;
  bound goal_is = bound::at_least;
  double goal = 0;
  std::size_t least_seeds = 1;
  std::function<double(std::uint64_t seed)> measure;

  /// In the row's unit; 0: met.
  double missed_by(double mean) const {
    const double over = goal_is == bound::at_least ? goal - mean
                        : goal_is == bound::within ? std::abs(mean) - goal
                                                   : mean - goal;
    return over > 1e-9 ? over : 0.0; // a mean that equals its goal may be rounded to below it
  }
};

/// Rows that train on MNIST.
class mnist_rows {
 public:
  /// Keeps a reference to the data. With `validate` above 0 the test is taken on so many training
  /// images instead, which are held out.
  mnist_rows(const hanami::digit_images& data, std::size_t validate)
      : data_(data), validate_(validate) {}

  /// In the order of the table. The rows refer to this object.
  std::vector<row> all() const {
    std::vector<row> rows = of_one_pass();
    for (auto more : {of_other_data(), of_other_shapes()}) {
      rows.insert(rows.end(), more.begin(), more.end());
    }
    return rows;
  }

 private:
  digit_score run(digit_task task, std::uint64_t seed) const {
    task.validate = validate_;
    return learn_digits(data_, std::move(task), seed);
  }

  template <class Change>
  row accurate(std::string name, double goal, Change change) const {
    digit_task task;
    change(task);
    return {std::move(name), "%", bound::at_least, goal, 1, [this, task](std::uint64_t seed) {
              return run(task, seed).accuracy;
            }};
  }

  /// Points lost against the `fields` run of the same seed.
  template <class Change>
  row losing(std::string name, bound goal_is, double goal, Change change) const {
    digit_task task;
    change(task);
    return {std::move(name), "points lost", goal_is, goal, 1, [this, task](std::uint64_t seed) {
              return run({}, seed).accuracy - run(task, seed).accuracy;
            }};
  }

  row in_shape(std::string name, double goal, const hanami::cluster_template& shape) const {
    return accurate(std::move(name), goal, [&](digit_task& task) { task.shape = shape; });
  }

  /// Of an endless stream, a share of whose labels are drawn at random.
  row drawing(std::string name, double goal, double share) const {
    return accurate(std::move(name), goal, [share](digit_task& task) {
      task.endless = true;
      task.drawn_labels = share;
    });
  }

  std::vector<row> of_one_pass() const {
    const auto plain = [](digit_task& task) { task.shape = support::plain_of(512, 128); };
    const auto endless = [](digit_task& task) { task.endless = true; };
    return {
        accurate("fields", 98.25, [](digit_task&) {}),
        accurate("plain", 97.6, plain),
        accurate("endless", 98.15, endless),
        accurate("endless-plain", 97.6,
                 [&](digit_task& task) {
                   endless(task);
                   plain(task);
                 }),
        accurate("endless-rehearsal", 98.5,
                 [&](digit_task& task) {
                   endless(task);
                   task.learning.rehearsal = 2;
                 }),
        accurate("epochs-10", 98.7, [](digit_task& task) { task.samples.epochs = 10; }),
        accurate("epochs-5-shifted", 99.1,
                 [](digit_task& task) {
                   task.samples.epochs = 5;
                   task.samples.shift = 1;
                   task.learning.rehearsal = 1;
                 }),
    };
  }

  std::vector<row> of_other_data() const {
    return {
        losing("scale-1000", bound::within, 0.05,
               [](digit_task& task) { task.samples.conversion.scale = 1000; }),
        losing("scale-0.001", bound::within, 0.05,
               [](digit_task& task) { task.samples.conversion.scale = 0.001; }),
        losing("feature-scale-7", bound::within, 0.05,
               [](digit_task& task) { task.samples.conversion.feature_scale = 7; }),
        losing("corrupt-every-1000", bound::within, 0.15,
               [](digit_task& task) { task.samples.corrupt_every = 1000; }),
        drawing("labels-drawn-0.2", 95.6, 0.2),
        drawing("labels-drawn-0.4", 94.4, 0.4),
        accurate("binary", 97.8, [](digit_task& task) { task.samples.conversion.binary = true; }),
        losing("reduction-0.3", bound::at_most, 0.1,
               [](digit_task& task) { task.learning.pruning = 0.3; }),
        losing("reduction-0.5", bound::at_most, 0.35,
               [](digit_task& task) { task.learning.pruning = 0.5; }),
        {"bytes-per-synapse", "bytes", bound::at_most, 4.6, 1,
         [this](std::uint64_t seed) { return run({}, seed).bytes_per_synapse; }},
    };
  }

  std::vector<row> of_other_shapes() const {
    return {
        in_shape("two-in-a-row", 97.3, row_template(2, 1, 256)),
        in_shape("three-distance-2", 97.3, row_template(3, 2, 256)),
        in_shape("two-in-a-row-512", 97.3, row_template(2, 1, 512)),
        in_shape("three-distance-2-512", 97.3, row_template(3, 2, 512)),
        in_shape("three-dimensions", 97.1, spatial_template()),
    };
  }

  const hanami::digit_images& data_;
  std::size_t validate_;
};

/// Rows of few columns and many classes.
inline std::vector<row> class_rows() {
  using borders = class_task::borders;
  const auto accurate = [](std::string name, double goal, const class_task& task) {
    return row{std::move(name), "%", bound::at_least, goal, 1, [task](std::uint64_t seed) {
                 return learn_classes(task, seed).accuracy;
               }};
  };
  const class_task thousand{borders::even, 1000, 200000};
  class_task endless = thousand;
  endless.endless = true;
  return {
      accurate("column-10", 99.0, {borders::even, 10, 20000}),
      accurate("column-300", 97.5, {borders::skewed, 300, 60000}),
      accurate("column-1000", 97.5, thousand),
      accurate("column-1000-endless", 96.5, endless),
      {"column-1000-time", "s", bound::at_most, 6.0, 1,
       [thousand](std::uint64_t seed) { return learn_classes(thousand, seed).seconds; }},
      accurate("columns-256", 98.0, {borders::grid, 256, 100000}),
      accurate("cells-256", 93.5, {borders::cells, 256, 100000}),
  };
}

/// Rows that make their own data.
inline std::vector<row> made_rows() {
  using hanami::output_kind;
  constexpr std::size_t seeds = 10;
  const auto levels = [](output_kind kind) {
    return [kind](std::uint64_t seed) { return learn_table(kind, seed).error; };
  };
  const auto unseen = [](output_kind kind) {
    return [kind](std::uint64_t seed) { return learn_table(kind, seed).unseen_off; };
  };
  return {
      {"grid", "%", bound::at_least, 98.0, 1, grid_accuracy},
      {"table", "mean error", bound::at_most, 0.005, seeds, levels(output_kind::sigmoid)},
      {"table-unseen", "off its like", bound::within, 0.01, seeds, unseen(output_kind::sigmoid)},
      {"table-linear", "mean error", bound::at_most, 0.005, seeds, levels(output_kind::linear)},
      {"table-linear-unseen", "off its like", bound::within, 0.01, seeds,
       unseen(output_kind::linear)},
  };
}

} // namespace bench
