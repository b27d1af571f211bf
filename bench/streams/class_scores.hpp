// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <hanami/hanami.hpp>

#include <support/class_learners.hpp>
#include <support/report.hpp>
#include <support/stopwatch.hpp>

#include "class_streams.hpp"
#include "part.hpp"

namespace bench {

/// Share of the rows, in percent, that `learner` tells before it learns them.
template <class Learner>
double prequential_accuracy(Learner learner, const class_stream& stream) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    right += learner.predict(stream.row(i)) == stream.labels[i] ? 1U : 0U;
    learner.learn(stream.row(i), stream.labels[i]);
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(stream.size());
}

/// What learners make of one stream, in percent; of the peers with a rate the best one, which
/// nobody knows before.
struct class_score {
  double last = 0;
  double softmax = 0;
  double mlp = 0;
  double nearest = 0;
  double accuracy = 0; ///< of a default classifier
  double early = 0;    ///< the same, first 400 rows
  double kappa = 0;    ///< against the last class, times 100
  double seconds = 0;  ///< of CPU: predicting and learning

  void add(const class_score& other, double share) {
    for (double class_score::*value :
         {&class_score::last, &class_score::softmax, &class_score::mlp, &class_score::nearest,
          &class_score::accuracy, &class_score::early, &class_score::kappa,
          &class_score::seconds}) {
      this->*value += share * other.*value;
    }
  }
};

inline class_score score_classes(const class_stream& stream, std::uint64_t seed) {
  constexpr std::size_t early = 400;
  class_score score;
  score.last = prequential_accuracy(peers::last_class(), stream);
  score.nearest = prequential_accuracy(peers::nearest_rows(stream.inputs, stream.classes), stream);
  for (const float rate : {0.01f, 0.05f, 0.2f}) {
    score.softmax = std::max(
        score.softmax,
        prequential_accuracy(peers::mlp(stream.inputs, stream.classes, 0, rate, seed), stream));
  }
  for (const float rate : {0.01f, 0.05f}) {
    score.mlp = std::max(
        score.mlp,
        prequential_accuracy(peers::mlp(stream.inputs, stream.classes, 64, rate, seed), stream));
  }
  hanami::classifier model(stream.inputs, {.seed = seed});
  std::vector<std::vector<float>> rows;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    rows.emplace_back(stream.row(i).begin(), stream.row(i).end());
  }
  const double begin = support::thread_seconds();
  const auto found = hanami::test_then_train(model, rows, stream.labels);
  score.seconds = support::thread_seconds() - begin;
  score.accuracy = 100 * found.accuracy();
  score.kappa = 100 * found.kappa_against_last();
  hanami::classifier fresh(stream.inputs, {.seed = seed});
  rows.resize(std::min(rows.size(), early));
  const std::vector<std::uint32_t> labels(
      stream.labels.begin(), stream.labels.begin() + static_cast<std::ptrdiff_t>(rows.size()));
  score.early = 100 * hanami::test_then_train(fresh, rows, labels).accuracy();
  return score;
}

/// Three seeds of each stream, defaults only.
inline void add_classes(const part_options&, std::vector<support::table>& tables) {
  constexpr std::size_t rows = 20000;
  constexpr std::uint64_t seeds = 3;
  std::vector<class_score> scores;
  std::vector<std::string> names;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto streams = make_class_streams(rows, seed);
    scores.resize(streams.size());
    names.clear();
    for (std::size_t i = 0; i < streams.size(); ++i) {
      scores[i].add(score_classes(streams[i], seed), 1.0 / static_cast<double>(seeds));
      names.push_back(streams[i].name);
    }
  }
  support::table out("classes",
                     "classes, 20,000 rows of each, every row told before it is learned, three "
                     "seeds: accuracy in percent; of softmax regression and the perceptron the "
                     "best of their rates",
                     {{"stream", "stream"},
                      {"last class", "last_class", 1},
                      {"softmax", "softmax", 1},
                      {"MLP", "mlp", 1},
                      {"nearest 5 of 1,000", "nearest", 1},
                      {"hanami", "hanami", 1},
                      {"first 400", "early", 1},
                      {"kappa over last class", "kappa", 1},
                      {"s", "seconds", 2}});
  class_score mean;
  const auto add = [&](const std::string& name, const class_score& s) {
    out.add({name, s.last, s.softmax, s.mlp, s.nearest, s.accuracy, s.early, s.kappa, s.seconds});
  };
  for (std::size_t i = 0; i < scores.size(); ++i) {
    add(names[i], scores[i]);
    mean.add(scores[i], 1.0 / static_cast<double>(scores.size()));
  }
  add("mean", mean);
  tables.push_back(out);
}

} // namespace bench
