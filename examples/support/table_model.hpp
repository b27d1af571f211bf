// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

namespace example {

/// Samples with the words of one of their targets as labels. The samples must outlive it.
class labelled_target {
 public:
  /// Value `k` of the targets, whose numbers mean `categories`. A label is empty where it is
  /// missing.
  labelled_target(const hanami::dataset_part<hanami::table_dataset>& samples, std::size_t k,
                  const std::vector<std::string>& categories)
      : samples_(samples) {
    hanami::sample_buffer buffer;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const float value = buffer.read(samples, i).target[k];
      labels_.push_back(std::isnan(value) ? std::string_view()
                                          : categories[static_cast<std::size_t>(value)]);
    }
  }

  std::size_t size() const { return labels_.size(); }
  std::size_t input_size() const { return samples_.input_size(); }
  std::size_t target_size() const { return samples_.target_size(); }
  void read(std::size_t index, std::span<float> input, std::span<float> target) const {
    samples_.read(index, input, target);
  }
  std::string_view label(std::size_t index) const { return labels_[index]; }

 private:
  const hanami::dataset_part<hanami::table_dataset>& samples_;
  std::vector<std::string_view> labels_;
};

static_assert(hanami::labelled_dataset<labelled_target>);

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

  /// Whether samples share rows or follow each other in time.
  bool is_series() const { return window > 1 || horizon > 0; }

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

  /// The samples with the classes of value `k`.
  labelled_target labelled(const hanami::table_dataset& data,
                           const hanami::dataset_part<hanami::table_dataset>& samples,
                           std::size_t k) const {
    const std::string& target = targets[k % targets.size()];
    return {samples, k, data.columns()[data.column_index(target)].categories};
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
