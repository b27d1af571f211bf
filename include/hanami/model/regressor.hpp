// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../algorithm/sample_check.hpp"
#include "../template/one_hexagon.hpp"
#include "held_out_values.hpp"
#include "model_base.hpp"
#include "regression_scores.hpp"
#include "rows.hpp"

namespace hanami::inline HANAMI_ISA {

/// Predicts one or several values of a row: learns from rows with their truth, one at a time or
/// many, and answers at any moment.
///
///     hanami::regressor yield({"wind", "celsius"});
///     yield.learn({9.9f, -8.8f}, 476);
///     std::cout << yield.predict({8.0f, 15.0f});
///
/// It answers the mean of what the targets of such rows are, also where nearly all of them are 0;
/// `value_loss` asks for the bulk (huber: far targets count for little) or for a quantile:
///
///     hanami::regressor most({"wind", "celsius"}, 1, {}, {hanami::loss_kind::quantile, 0.9});
///
/// Rows and targets are raw values in any range and in their own units, NaN where one is missing;
/// infinities are refused. A single target far beyond all others changes next to nothing; what
/// comes up more often than once in some 500 rows counts in full. A value: copies are independent,
/// and equal in everything they do from then on; the same options and samples make the same
/// regressor, bit for bit.
///
/// Threads: `predict`, `predict_values`, `predict_many` and `test` may run on many at once, as long
/// as none learns. Everything else needs the regressor for itself.
///
/// Time: learning and asking are linear in the weights that the present values of a row touch.
template <class Cluster>
class basic_regressor : public model_base<Cluster> {
  using base = model_base<Cluster>;

 public:
  static constexpr std::string_view checkpoint_kind =
      std::same_as<Cluster, hanami::cluster> ? "regressor" : "compact_regressor";
  static constexpr std::uint32_t checkpoint_version = 1;
  using scores_type = regression_scores;
  using base::cluster;
  using base::input_size;

  /// For rows of `inputs` values with `values` targets each: one hexagon, up to 512 neurons. Throws
  /// `errc::invalid_argument` for a size or options out of range, `errc::invalid_template` for such
  /// a loss.
  explicit basic_regressor(std::size_t inputs, std::size_t values = 1,
                           const learning_options& options = {}, const value_loss& loss = {})
      : base(make_template(inputs, values, loss), options, {}) {}

  /// The same for rows whose values have names.
  explicit basic_regressor(const std::vector<std::string>& names, std::size_t values = 1,
                           const learning_options& options = {}, const value_loss& loss = {})
      : base(make_template(names.size(), values, loss), options, names) {}

  /// A network of one's own. It has one output, of kind linear (any values) or sigmoid (values from
  /// 0 to 1). Throws `errc::invalid_template`.
  explicit basic_regressor(cluster_template from, const learning_options& options = {})
      : base(checked(std::move(from)), options, {}) {}

  explicit basic_regressor(archive_reader& from) : basic_regressor(1) { from(*this); }

  /// Targets of a row.
  std::size_t value_count() const noexcept { return cluster().output_size(); }

  /// Learns from one row. Throws `errc::invalid_argument` for another size, infinite values or a
  /// column that is not there, and has then changed nothing.
  template <model_row Row, number_row Targets>
  train_result learn(const Row& row, const Targets& targets) {
    return base::train(row, base::floats_of(targets, targets_));
  }
  template <model_row Row, class Target>
  requires std::is_arithmetic_v<Target> train_result learn(const Row& row, Target target) {
    const auto one = static_cast<float>(target);
    return base::train(row, std::span(&one, 1));
  }
  template <class Targets>
  train_result learn(std::initializer_list<float> row, const Targets& targets) {
    return learn(std::span(row.begin(), row.size()), targets);
  }
  template <class Targets>
  train_result learn(std::initializer_list<named_value> row, const Targets& targets) {
    return learn<std::initializer_list<named_value>>(row, targets);
  }

  /// Learns from rows in their order, as `learn` would from each. `targets`: a range of rows, or
  /// all values in one, row after row.
  template <row_range Rows, row_range Targets>
  void learn_many(const Rows& rows, const Targets& targets) {
    learn_samples(detail::valued_rows(rows, targets, input_size(), value_count()));
  }
  template <dataset Data>
  void learn_many(const Data& data) {
    learn_samples(detail::valued_samples(data));
  }

  /// Learns from rows that are all there: as often as is best for rows held out (`fit_result`), in
  /// a drawn order, with a rate that falls to zero. What was learned before stays.
  template <row_range Rows, row_range Targets>
  fit_result fit(const Rows& rows, const Targets& targets, const fit_options& options = {}) {
    return fit_valued(detail::valued_rows(rows, targets, input_size(), value_count()), options);
  }
  template <dataset Data>
  fit_result fit(const Data& data, const fit_options& options = {}) {
    return fit_valued(detail::valued_samples(data), options);
  }

  /// The value of a row. Throws `errc::invalid_argument` while nothing has been learned, where the
  /// regressor has several values, and as `learn`.
  template <model_row Row>
  float predict(const Row& row) const {
    if (value_count() != 1) {
      raise(errc::invalid_argument, "the regressor predicts " + std::to_string(value_count()) +
                                        " values a row; ask predict_values");
    }
    return answer(row, [](std::span<const float> values) { return values[0]; });
  }
  float predict(std::initializer_list<float> row) const {
    return predict(std::span(row.begin(), row.size()));
  }
  float predict(std::initializer_list<named_value> row) const {
    return predict<std::initializer_list<named_value>>(row);
  }

  /// All values of a row. Throws as `predict`.
  template <model_row Row>
  std::vector<float> predict_values(const Row& row) const {
    return answer(row, [](std::span<const float> values) {
      return std::vector<float>(values.begin(), values.end());
    });
  }
  std::vector<float> predict_values(std::initializer_list<float> row) const {
    return predict_values(std::span(row.begin(), row.size()));
  }
  std::vector<float> predict_values(std::initializer_list<named_value> row) const {
    return predict_values<std::initializer_list<named_value>>(row);
  }

  /// The values of many rows, row after row.
  template <row_range Rows>
  std::vector<float> predict_many(const Rows& rows) const {
    const detail::row_list<Rows> list(rows, input_size(), "rows");
    std::vector<float> all;
    all.reserve(list.size() * value_count());
    for (std::size_t i = 0; i < list.size(); ++i) {
      answer(list[i], [&](std::span<const float> values) {
        all.insert(all.end(), values.begin(), values.end());
      });
    }
    return all;
  }

  /// Predicts, and notes how good that was; nothing while nothing has been learned.
  template <model_row Row, number_row Targets>
  void test(const Row& row, const Targets& targets, regression_scores& scores) const {
    if (base::samples() == 0) {
      return;
    }
    std::vector<float> room;
    const std::span<const float> truth = base::floats_of(targets, room);
    answer(row, [&](std::span<const float> values) { scores.add(truth, values); });
  }
  template <model_row Row, class Target>
  requires std::is_arithmetic_v<Target>
  void test(const Row& row, Target target, regression_scores& scores) const {
    test(row, std::span(&target, 1), scores);
  }

  /// What `test` and then `learn` do, in one pass wherever the current weights answer: their
  /// prediction is part of learning.
  template <model_row Row, number_row Targets>
  void test_then_learn(const Row& row, const Targets& targets, regression_scores& scores) {
    if (base::samples() == 0 || !base::learning_predicts()) {
      test(row, targets, scores);
      learn(row, targets);
      return;
    }
    const std::span<const float> truth = base::floats_of(targets, targets_);
    scores.add(truth, base::train(row, truth).prediction);
  }
  template <model_row Row, class Target>
  requires std::is_arithmetic_v<Target>
  void test_then_learn(const Row& row, Target target, regression_scores& scores) {
    test_then_learn(row, std::span(&target, 1), scores);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    base::serialize_base(archive, false);
  }

 private:
  static cluster_template make_template(std::size_t inputs, std::size_t values,
                                        const value_loss& loss) {
    return one_hexagon(base::checked_size(inputs, "inputs"), base::checked_size(values, "values"),
                       output_kind::linear, settings_for_inputs(inputs), loss);
  }
  static cluster_template checked(cluster_template from) {
    base::only_output(from, false);
    return from;
  }

  template <model_row Row, class Read>
  decltype(auto) answer(const Row& row, Read read) const {
    if (base::samples() == 0) {
      raise(errc::invalid_argument, "the regressor has not learned anything yet");
    }
    return base::ask(row, read);
  }

  template <class Samples>
  void learn_samples(Samples samples) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples.visit(i, [&](const auto& row, const auto& targets) { this->learn(row, targets); });
    }
  }

  template <class Samples>
  fit_result fit_valued(Samples samples, const fit_options& options) {
    std::vector<std::uint32_t> all(samples.size());
    std::iota(all.begin(), all.end(), 0U);
    detail::held_out_values measure(value_count(), cluster().cluster_template().outputs[0].loss);
    std::vector<float> first; // target of a row
    std::vector<float> room;
    for (std::size_t i = 0; i < (detail::tries_epochs(options, all.size()) ? all.size() : 0); ++i) {
      samples.visit(i, [&](const auto&, const auto& targets) {
        const std::span<const float> truth = this->floats_of(targets, room);
        measure.note(truth);
        first.push_back(std::isnan(truth[0]) ? std::numeric_limits<float>::max() : truth[0]);
      });
    }
    measure.find_scales();
    const auto loss = [&](const basic_regressor& model, const auto& row, const auto& targets,
                          detail::mean_loss& found) {
      const std::span<const float> truth = model.floats_of(targets, room);
      model.ask(row, [&](std::span<const float> said) { measure.add(truth, said, found); });
    };
    return detail::fitting(*this, samples, all, options, loss).run(first);
  }

  std::vector<float> targets_; ///< for targets that are no floats in a row
};

} // namespace hanami
