// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

namespace bench {

/// Few columns, many classes: which class is where is drawn at random.
struct class_task {
  /// Where the borders of the classes run.
  enum class borders {
    even,   ///< a uniform column is cut into equal intervals
    skewed, ///< a lognormal column into intervals of equal frequency
    grid,   ///< two uniform columns into a square of equal fields
    cells   ///< two uniform columns: the nearest of as many points
  };
  borders where = borders::even;
  std::size_t classes = 10;
  std::uint64_t training = 20000;
  bool endless = false; ///< the classifier is not told how many rows will come
};

struct class_task_score {
  double accuracy = 0; ///< of 10,000 rows after training, in percent
  double seconds = 0;  ///< of training, by the clock of the thread
};

/// Draws the rows of a task; the same for the same seed.
class class_task_rows {
 public:
  class_task_rows(const class_task& task, std::uint64_t seed)
      : task_(task), seed_(seed), label_(task.classes) {
    std::iota(label_.begin(), label_.end(), std::size_t{0});
    for (std::size_t k = task.classes; k > 1; --k) {
      const auto other = hanami::random_below(static_cast<std::uint32_t>(k), seed, 3000, k);
      std::swap(label_[k - 1], label_[other]);
    }
    for (std::size_t k = 0; k < task.classes; ++k) {
      points_.push_back({hanami::random_unit(seed, 3001, k), hanami::random_unit(seed, 3002, k)});
    }
  }

  std::size_t columns() const noexcept {
    return task_.where == class_task::borders::even || task_.where == class_task::borders::skewed
               ? 1
               : 2;
  }

  /// The values of a row, into `to`, and its class.
  std::size_t draw(std::uint64_t number, std::vector<float>& to) const {
    const std::array<float, 2> unit{hanami::random_unit(seed_, 3003, number),
                                    hanami::random_unit(seed_, 3004, number)};
    to.assign({300.0f + 80.0f * unit[0], 0.02f * unit[1] - 0.005f});
    to.resize(columns());
    switch (task_.where) {
    case class_task::borders::even:
      return label_[at(unit[0], task_.classes)];
    case class_task::borders::skewed: {
      // Of the logistic distribution, which is nearly the normal one: its quantiles are closed.
      const double middle = std::clamp(static_cast<double>(unit[0]), 1e-6, 1 - 1e-6);
      to[0] = static_cast<float>(std::exp(std::log(middle / (1 - middle))));
      return label_[at(unit[0], task_.classes)];
    }
    case class_task::borders::grid: {
      const auto side =
          static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(task_.classes))));
      return label_[at(unit[0], side) * side + at(unit[1], side)];
    }
    case class_task::borders::cells:
      break;
    }
    return nearest(unit);
  }

 private:
  static std::size_t at(float unit, std::size_t parts) noexcept {
    return std::min(parts - 1, static_cast<std::size_t>(static_cast<double>(unit) *
                                                        static_cast<double>(parts)));
  }
  std::size_t nearest(const std::array<float, 2>& unit) const noexcept {
    std::size_t best = 0;
    float least = std::numeric_limits<float>::max();
    for (std::size_t k = 0; k < points_.size(); ++k) {
      const float dx = unit[0] - points_[k][0];
      const float dy = unit[1] - points_[k][1];
      if (dx * dx + dy * dy < least) {
        least = dx * dx + dy * dy;
        best = k;
      }
    }
    return best;
  }

  class_task task_;
  std::uint64_t seed_;
  std::vector<std::size_t> label_;           ///< per place
  std::vector<std::array<float, 2>> points_; ///< per class
};

inline double thread_seconds() noexcept {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// A classifier on defaults learns the rows, then takes the test.
inline class_task_score learn_classes(const class_task& task, std::uint64_t seed) {
  const class_task_rows rows(task, seed);
  hanami::learning_options options;
  options.seed = seed;
  hanami::classifier model(rows.columns(), options);
  std::vector<float> row;
  const double begun = thread_seconds();
  if (!task.endless) {
    model.start_task(task.training);
  }
  for (std::uint64_t i = 0; i < task.training; ++i) {
    const std::size_t label = rows.draw(i, row);
    model.learn(row, label);
  }
  class_task_score score;
  score.seconds = thread_seconds() - begun;
  constexpr std::uint64_t testing = 10000;
  std::size_t right = 0;
  for (std::uint64_t i = task.training; i < task.training + testing; ++i) {
    const std::size_t label = rows.draw(i, row);
    right += model.predict(row) == label ? 1U : 0U;
  }
  score.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(testing);
  return score;
}

} // namespace bench
