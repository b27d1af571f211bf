// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "classifier.hpp"
#include "regressor.hpp"
#include "rows.hpp"

/// How good a model is: on rows that it has not learned from (`evaluate`), or on a stream, where
/// every row is first predicted and then learned (`test_then_train`). Both give the scores of the
/// model's kind, which print themselves.

namespace hanami::inline HANAMI_ISA {

/// A classifier, a regressor, or anything with `test` and `test_then_learn` of their form.
template <class Model>
concept scorable = requires {
  typename Model::scores_type;
};

namespace detail {

template <class Cluster, row_range Rows, label_range Labels>
auto samples_for(const basic_classifier<Cluster>& model, const Rows& rows, const Labels& labels) {
  return labelled_rows(rows, labels, model.input_size());
}
template <class Cluster, labelled_dataset Data>
auto samples_for(const basic_classifier<Cluster>&, const Data& data) {
  return labelled_samples(data);
}
template <class Cluster, row_range Rows, row_range Targets>
auto samples_for(const basic_regressor<Cluster>& model, const Rows& rows, const Targets& targets) {
  return valued_rows(rows, targets, model.input_size(), model.value_count());
}
template <class Cluster, dataset Data>
auto samples_for(const basic_regressor<Cluster>&, const Data& data) {
  return valued_samples(data);
}

} // namespace detail

/// Predicts every row and compares with its truth; the model stays as it is. `given`: rows and
/// their labels (or targets), or a dataset. Throws as `predict`.
template <scorable Model, class... Given>
typename Model::scores_type evaluate(const Model& model, const Given&... given) {
  typename Model::scores_type scores;
  auto samples = detail::samples_for(model, given...);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples.visit(i, [&](const auto& row, const auto& truth) { model.test(row, truth, scores); });
  }
  return scores;
}

/// Predicts every row, compares with its truth, and only then learns from it (prequential
/// evaluation, Dawid 1984). A first row that meets a model without knowledge is learned, not
/// counted. Throws as `learn`.
template <scorable Model, class... Given>
typename Model::scores_type test_then_train(Model& model, const Given&... given) {
  typename Model::scores_type scores;
  auto samples = detail::samples_for(model, given...);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples.visit(
        i, [&](const auto& row, const auto& truth) { model.test_then_learn(row, truth, scores); });
  }
  return scores;
}

} // namespace hanami
