// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../../../model/class_label.hpp"
#include "../../../model/classification_scores.hpp"
#include "answer_work.hpp"

namespace hanami::service::engine::detail {

/// How good the answers of one output are.
class output_scores {
 public:
  /// `told`: the classes of the column that it is compared with; empty: its values are compared.
  output_scores(const buffer_shape& buffer, const std::vector<std::string>& told)
      : buffer_(buffer), by_name_(!told.empty()) {
    if (by_name_) {
      names_ = told;
    }
    for (std::size_t i = names_.size(); has_classes() && i < buffer.size; ++i) {
      names_.push_back(buffer.class_name(i));
    }
  }

  const std::string& name() const noexcept { return buffer_.name; }

  /// Takes the answer and the target of a whole sample.
  void add(std::span<const float> answer, std::span<const float> target) {
    const auto found = answer.subspan(buffer_.first, buffer_.size);
    const auto wanted = target.subspan(buffer_.first, buffer_.size);
    if (by_name_) {
      if (!std::isnan(wanted[0])) {
        add_class(found, static_cast<std::size_t>(wanted[0]));
      }
      return;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!std::isnan(wanted[i])) {
        const double difference = static_cast<double>(found[i]) - static_cast<double>(wanted[i]);
        ++values_;
        absolute_ += std::abs(difference);
        squared_ += difference * difference;
      }
    }
    const auto truth = winner_of(wanted);
    if (truth && has_classes()) {
      add_class(found, *truth);
    }
  }

  json::object shown() const {
    json::object fields;
    if (!by_name_) {
      fields["values"] = values_;
    }
    if (values_ > 0) {
      const auto count = static_cast<double>(values_);
      fields["mean_absolute_error"] = absolute_ / count;
      fields["root_mean_square_error"] = std::sqrt(squared_ / count);
    }
    if (scores_.samples() > 0) {
      fields["accuracy"] = scores_.accuracy();
      fields["kappa"] = scores_.kappa();
      fields["log_loss"] = scores_.log_loss();
      fields["calibration_error"] = scores_.calibration_error();
      show_classes(fields);
    }
    return fields;
  }

 private:
  static constexpr std::size_t most_shown = 1000;
  static constexpr std::size_t most_confused = 100;

  /// Whether the largest of its values is an answer.
  bool has_classes() const noexcept {
    return buffer_.size > 1 && (by_name_ || buffer_.kind != output_kind::linear);
  }

  void add_class(std::span<const float> found, std::size_t truth) {
    const auto best = winner_of(found);
    if (!best) {
      return;
    }
    const auto share = [](float value) { return std::clamp(value, 0.0F, 1.0F); };
    scores_.add(names_[truth], names_[*best], share(found[*best]),
                truth < found.size() ? share(found[truth]) : 0.0F);
  }

  /// Those that were true or predicted, in the order of the output's values.
  std::vector<std::size_t> seen() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (scores_.classes().find(names_[i])) {
        all.push_back(i);
      }
    }
    return all;
  }

  void show_classes(json::object& fields) const {
    const std::vector<std::size_t> all = seen();
    const std::size_t shown = std::min(all.size(), most_shown);
    json::array classes;
    for (std::size_t i = 0; i < shown; ++i) {
      const std::string& name = names_[all[i]];
      const double precision = scores_.precision(name);
      const double recall = scores_.recall(name);
      const double both = precision + recall;
      classes.push_back(json::object{{"name", name},
                                     {"precision", precision},
                                     {"recall", recall},
                                     {"f1", both > 0 ? 2 * precision * recall / both : 0.0},
                                     {"support", support(name, all)}});
    }
    fields["classes"] = std::move(classes);
    if (all.size() > most_confused) {
      return;
    }
    json::array confusion;
    for (const std::size_t truth : all) {
      json::array row;
      for (const std::size_t predicted : all) {
        row.push_back(scores_.count(names_[truth], names_[predicted]));
      }
      confusion.push_back(std::move(row));
    }
    fields["confusion"] = std::move(confusion);
  }

  std::uint64_t support(const std::string& name, const std::vector<std::size_t>& all) const {
    std::uint64_t samples = 0;
    for (const std::size_t predicted : all) {
      samples += scores_.count(name, names_[predicted]);
    }
    return samples;
  }

  const buffer_shape buffer_;
  const bool by_name_;
  std::vector<std::string> names_; ///< those of its values, then others of the column
  classification_scores scores_;
  std::uint64_t values_ = 0;
  double absolute_ = 0; ///< sum of the errors
  double squared_ = 0;
};

/// Compares answers with the targets.
class evaluate_work final : public answer_work {
 public:
  evaluate_work(const live_cluster& of, running_task& task, const cluster_shape& shape,
                std::unique_ptr<data::sample_reader> samples)
      : answer_work(of, task, std::move(samples)) {
    for (const buffer_shape& buffer : shape.outputs) {
      outputs_.emplace_back(buffer, told_of(task.plan, buffer));
    }
  }

  json::object finish(const task_end& how) override {
    if (how.state != store::task_state::finished) {
      return {};
    }
    json::object all;
    for (const output_scores& o : outputs_) {
      all[o.name()] = o.shown();
    }
    return {
        {"samples", task().total - refused()}, {"refused", refused()}, {"outputs", std::move(all)}};
  }

 private:
  static std::vector<std::string> told_of(const task_plan& plan, const buffer_shape& buffer) {
    for (const column_link& link : plan.outputs) {
      if (link.buffer == buffer.name && !link.classes.empty()) {
        return link.classes.front();
      }
    }
    return {};
  }

  void on_answer(std::span<const float> answer, std::span<const float> target) override {
    if (answer.empty()) {
      return;
    }
    for (output_scores& o : outputs_) {
      o.add(answer, target);
    }
  }

  std::vector<output_scores> outputs_;
};

} // namespace hanami::service::engine::detail
