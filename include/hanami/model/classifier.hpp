// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../template/one_hexagon.hpp"
#include "class_label.hpp"
#include "class_probabilities.hpp"
#include "classification_scores.hpp"
#include "label_encoder.hpp"
#include "model_base.hpp"
#include "rows.hpp"

namespace hanami::inline HANAMI_ISA {

/// Tells classes apart: learns from rows with labels, one at a time or many, and answers at any
/// moment. A class needs no announcement: with the first label of its name it gets an output of its
/// own, and what was learned before stays.
///
///     hanami::classifier weather({"wind", "celsius"});
///     weather.learn({3.5f, -4.0f}, "iced");
///     weather.learn({{"celsius", 21.0f}, {"wind", 12.0f}}, "full");
///     std::cout << weather.predict({3.0f, -5.0f}); // iced
///
/// Rows are raw values in any range, NaN where one is missing; infinities are refused. Labels are
/// text, integers, booleans or enumerators. A value: copies are independent, and equal in
/// everything they do from then on; the same options and samples make the same classifier, bit for
/// bit.
///
/// Threads: `predict`, `predict_many`, `probabilities`, `probability` and `test` may run on many at
/// once, as long as none learns. Everything else needs the classifier for itself.
///
/// Time: learning and asking are linear in the weights that the present values of a row touch, and
/// in the classes.
template <class Cluster>
class basic_classifier : public model_base<Cluster> {
  using base = model_base<Cluster>;

 public:
  static constexpr std::string_view checkpoint_kind =
      std::same_as<Cluster, hanami::cluster> ? "classifier" : "compact_classifier";
  static constexpr std::uint32_t checkpoint_version = 1;
  using scores_type = classification_scores;
  using base::cluster;
  using base::input_size;

  /// For rows of `inputs` values: one hexagon, up to 512 neurons. Throws `errc::invalid_argument`
  /// for a size or options out of range.
  explicit basic_classifier(std::size_t inputs, const learning_options& options = {})
      : base(one_hexagon(base::checked_size(inputs, "inputs"), 1, output_kind::softmax,
                         settings_for_inputs(inputs)),
             options, {}) {}

  /// The same for rows whose values have names. Throws `errc::invalid_argument` for names that are
  /// empty or there twice.
  explicit basic_classifier(const std::vector<std::string>& names,
                            const learning_options& options = {})
      : base(one_hexagon(base::checked_size(names.size(), "inputs"), 1, output_kind::softmax,
                         settings_for_inputs(names.size())),
             options, names) {}

  /// A network of one's own: windows for pictures, spiking neurons, more hexagons. It has one
  /// output, of kind softmax, whose size does not matter: it grows with the classes. Throws
  /// `errc::invalid_template`.
  explicit basic_classifier(cluster_template from, const learning_options& options = {})
      : base(with_one_class(std::move(from)), options, {}) {}

  explicit basic_classifier(archive_reader& from) : basic_classifier(1) { from(*this); }

  /// The classes that have appeared, in that order.
  const label_encoder& classes() const noexcept { return classes_; }

  /// Learns from one row. A label that is new grows the output (linear in its weights). Throws
  /// `errc::invalid_argument` for another size, infinite values, a column that is not there or an
  /// empty label; nothing has changed then but that a new class is known.
  template <model_row Row>
  train_result learn(const Row& row, const label_view& label) {
    return learn_class(row, number_of(label));
  }
  train_result learn(std::initializer_list<float> row, const label_view& label) {
    return learn(std::span(row.begin(), row.size()), label);
  }
  train_result learn(std::initializer_list<named_value> row, const label_view& label) {
    return learn<std::initializer_list<named_value>>(row, label);
  }

  /// Learns from rows in their order, as `learn` would from each.
  template <row_range Rows, label_range Labels>
  void learn_many(const Rows& rows, const Labels& labels) {
    learn_samples(detail::labelled_rows(rows, labels, input_size()));
  }
  template <labelled_dataset Data>
  void learn_many(const Data& data) {
    learn_samples(detail::labelled_samples(data));
  }

  /// Learns from rows that are all there: as often as is best for rows held out (`fit_result`), in
  /// a drawn order, with a rate that falls to zero. What was learned before stays. Rows with an
  /// empty label are passed over.
  template <row_range Rows, label_range Labels>
  fit_result fit(const Rows& rows, const Labels& labels, const fit_options& options = {}) {
    return fit_labelled(detail::labelled_rows(rows, labels, input_size()), options);
  }
  template <labelled_dataset Data>
  fit_result fit(const Data& data, const fit_options& options = {}) {
    return fit_labelled(detail::labelled_samples(data), options);
  }

  /// The most likely class; the reference lives as long as the classifier. Throws
  /// `errc::invalid_argument` while no class is known, and as `learn`.
  template <model_row Row>
  const class_label& predict(const Row& row) const {
    return base::ask(row, [&](std::span<const float> answer) -> const class_label& {
      return classes_[best_of(answer)];
    });
  }
  const class_label& predict(std::initializer_list<float> row) const {
    return predict(std::span(row.begin(), row.size()));
  }
  const class_label& predict(std::initializer_list<named_value> row) const {
    return predict<std::initializer_list<named_value>>(row);
  }

  template <row_range Rows>
  std::vector<class_label> predict_many(const Rows& rows) const {
    const detail::row_list<Rows> list(rows, input_size(), "rows");
    std::vector<class_label> all;
    all.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      all.push_back(predict(list[i]));
    }
    return all;
  }

  /// How likely every class is. Throws as `predict`.
  template <model_row Row>
  class_probabilities probabilities(const Row& row) const {
    return base::ask(row, [&](std::span<const float> answer) {
      best_of(answer);
      std::vector<class_probability> all;
      for (std::size_t k = 0; k < classes_.size(); ++k) {
        all.push_back({classes_[k], answer[k]});
      }
      return class_probabilities(std::move(all));
    });
  }
  class_probabilities probabilities(std::initializer_list<float> row) const {
    return probabilities(std::span(row.begin(), row.size()));
  }
  class_probabilities probabilities(std::initializer_list<named_value> row) const {
    return probabilities<std::initializer_list<named_value>>(row);
  }

  /// Predicts, and notes how good that was. A class that has not appeared yet counts as wrong;
  /// while no class is known, and for an empty label, nothing is noted.
  template <model_row Row>
  void test(const Row& row, const label_view& label, classification_scores& scores) const {
    if (classes_.empty() || label.text().empty()) {
      return;
    }
    base::ask(row, [&](std::span<const float> answer) {
      const std::size_t best = best_of(answer);
      const auto truth = classes_.find(label);
      scores.add(label, classes_[best], answer[best], truth ? answer[*truth] : 0.0f);
    });
  }

  /// What `test` and then `learn` do, in one pass wherever the current weights answer: their
  /// prediction is part of learning. A missing label teaches nothing.
  template <model_row Row>
  void test_then_learn(const Row& row, const label_view& label, classification_scores& scores) {
    if (label.text().empty()) {
      return;
    }
    if (!classes_.find(label) || !base::learning_predicts()) {
      test(row, label, scores);
      learn(row, label);
      return;
    }
    const std::size_t index = number_of(label);
    const std::span<const float> answer = learn_class(row, index).prediction;
    const std::size_t best = best_of(answer);
    scores.add(label, classes_[best], answer[best], answer[index]);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    base::serialize_base(archive, true);
    archive(classes_);
    archive.require(cluster().output_size() == std::max<std::size_t>(classes_.size(), 1),
                    "a classifier has other classes than outputs");
    target_.assign(cluster().output_size(), 0.0f);
    last_ = 0;
  }

 private:
  static cluster_template with_one_class(cluster_template from) {
    base::only_output(from, true).size = 1;
    return from;
  }

  /// The number of a class, which gets an output where it is new.
  std::size_t number_of(const label_view& label) {
    if (const auto known = classes_.find(label)) {
      return *known;
    }
    if (!label.text().empty()) { // `add` refuses it
      grow_to(classes_.size() + 1);
    }
    return classes_.add(label);
  }

  template <model_row Row>
  trained_sample<float> learn_class(const Row& row, std::size_t index) {
    target_[last_] = 0;
    target_[index] = 1;
    last_ = index;
    return base::train(row, target_);
  }

  void grow_to(std::size_t classes) {
    const auto size = static_cast<std::uint32_t>(std::max<std::size_t>(classes, 1));
    base::net().grow_output(cluster().cluster_template().outputs[0].name, size);
    target_.resize(size);
  }

  std::size_t best_of(std::span<const float> answer) const {
    if (classes_.empty()) {
      raise(errc::invalid_argument, "the classifier has not learned any class yet");
    }
    return static_cast<std::size_t>(std::max_element(answer.begin(), answer.end()) -
                                    answer.begin());
  }

  template <class Samples>
  void learn_samples(Samples samples) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples.visit(i, [&](const auto& row, const label_view& label) {
        if (!label.text().empty()) {
          this->learn(row, label);
        }
      });
    }
  }

  template <class Samples>
  fit_result fit_labelled(Samples samples, const fit_options& options) {
    std::vector<std::uint32_t> known;
    label_encoder fresh;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples.with_label(i, [&](const label_view& label) {
        if (label.text().empty()) {
          return;
        }
        known.push_back(static_cast<std::uint32_t>(i));
        if (!classes_.find(label)) {
          fresh.add(label);
        }
      });
    }
    grow_to(classes_.size() + fresh.size());
    for (const class_label& one : fresh) {
      classes_.add(one);
    }
    std::vector<float> of_class; // that a row belongs to
    for (std::size_t i = 0; i < (detail::tries_epochs(options, known.size()) ? known.size() : 0);
         ++i) {
      samples.with_label(known[i], [&](const label_view& label) {
        of_class.push_back(static_cast<float>(*classes_.find(label)));
      });
    }
    const auto loss = [](const basic_classifier& model, const auto& row, const label_view& label,
                         detail::mean_loss& found) {
      constexpr float least = 1e-4f; // a wrong label must not decide alone
      model.ask(row, [&](std::span<const float> answer) {
        const float truth = std::max(answer[*model.classes_.find(label)], least);
        found.add(-std::log(static_cast<double>(truth)));
      });
    };
    return detail::fitting(*this, samples, known, options, loss).run(of_class);
  }

  label_encoder classes_;
  std::vector<float> target_{0.0f}; ///< of the last sample
  std::size_t last_ = 0;            ///< its class
};

} // namespace hanami
