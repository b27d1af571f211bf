// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

namespace example {

/// A table that has been learned, as it is saved: what its columns are, and a model for the
/// targets.
struct table_model {
  static constexpr std::string_view checkpoint_kind = "example table";
  static constexpr std::uint32_t checkpoint_version = 2;

  std::vector<std::string> inputs;
  std::vector<hanami::table_column> input_columns = {}; ///< with the categories of those of text
  std::vector<std::string> targets;
  std::uint64_t window = 1;
  std::uint64_t target_rows = 1;
  std::uint64_t horizon = 0;
  /// Targets that are classes have a classifier each, for each row of them; numbers share one
  /// regressor.
  std::vector<hanami::classifier> classes = {};
  std::vector<hanami::regressor> numbers = {};

  hanami::table_layout layout() const {
    return {.inputs = inputs,
            .targets = targets,
            .window = window,
            .target_rows = target_rows,
            .horizon = horizon,
            .one_hot_inputs = true};
  }

  /// Keeps what the inputs are. Throws where a column cannot be what it is asked to be.
  void take_columns(const hanami::table_dataset& data, bool of_classes) {
    constexpr std::size_t most_words = 1000;
    const auto refuse = [](const std::string& name, const std::string& what) {
      throw hanami::error(hanami::errc::invalid_data, "column \"" + name + "\" " + what);
    };
    input_columns.clear();
    for (const std::string& name : inputs) {
      input_columns.push_back(data.columns()[data.column_index(name)]);
      if (input_columns.back().categories.size() > most_words) {
        refuse(name, "has more than " + std::to_string(most_words) +
                         " different words, too many for an input; leave it out");
      }
    }
    for (const std::string& name : targets) {
      if (!of_classes && !data.columns()[data.column_index(name)].categories.empty()) {
        refuse(name, "holds text; classes are learned with --kind softmax");
      }
    }
  }

  /// The columns of another table may be called otherwise. Throws where they are not as many.
  void rename_inputs(const std::vector<std::string>& names) {
    if (!names.empty() && names.size() != inputs.size()) {
      throw hanami::error(hanami::errc::invalid_argument,
                          "--inputs names " + std::to_string(names.size()) + " columns; " +
                              std::to_string(inputs.size()) + " were learned");
    }
    inputs = names.empty() ? inputs : names;
  }

  /// Calls `visit(model, number of the value, label)` for the targets of a sample that are known.
  template <class Models, class Visit>
  static void for_each_class(Models& models, const hanami::table_dataset& data,
                             const std::vector<std::string>& targets, hanami::sample_view sample,
                             Visit visit) {
    for (std::size_t k = 0; k < models.size(); ++k) {
      if (!std::isnan(sample.target[k])) {
        const auto& column = data.columns()[data.column_index(targets[k % targets.size()])];
        visit(models[k], k, column.categories[static_cast<std::size_t>(sample.target[k])]);
      }
    }
  }

  void start_task(std::uint64_t samples) {
    for (auto& model : classes) {
      model.start_task(samples);
    }
    for (auto& model : numbers) {
      model.start_task(samples);
    }
  }

  void learn(const hanami::table_dataset& data, hanami::sample_view sample) {
    for_each_class(classes, data, targets, sample,
                   [&](auto& model, std::size_t, const std::string& label) {
                     model.learn(sample.input, label);
                   });
    for (auto& model : numbers) {
      model.learn(sample.input, sample.target);
    }
  }

  /// What value `k` of an answer is called: its column, with the row where there are several.
  std::string name_of(std::size_t k) const {
    const std::size_t row = k / targets.size();
    return targets[k % targets.size()] + (target_rows > 1 ? "_" + std::to_string(row + 1) : "");
  }
  std::size_t value_count() const { return targets.size() * target_rows; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(inputs, input_columns, targets, window, target_rows, horizon, classes, numbers);
    archive.require(inputs.size() == input_columns.size(), "inputs that are no columns");
    archive.require(!targets.empty() && classes.size() + numbers.size() > 0,
                    "a table without targets");
    archive.require(numbers.empty() ? classes.size() == value_count()
                                    : numbers.size() == 1 && classes.empty() &&
                                          numbers[0].value_count() == value_count(),
                    "a table with other models than targets");
  }
};

} // namespace example
