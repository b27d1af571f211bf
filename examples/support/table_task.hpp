// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>
#include <hanami/io/progress.hpp>

#include "table_columns.hpp"
#include "text.hpp"

namespace example {

struct table_options {
  std::string csv;
  std::string requests; ///< CSV to answer right after training
  std::string template_file;
  std::string kind = "linear";
  std::string save;
  std::string load;
  std::size_t epochs = 20;
  double hold_out = 0.0;
  bool endless = false;
  table_columns columns;
  hanami::learning_options learning;
};

/// Input, one hexagon, outputs: one for all numbers, or one for each value that is a class.
inline hanami::cluster_template make_table_template(const table_columns& columns,
                                                    std::size_t inputs, std::size_t outputs) {
  hanami::template_builder made;
  made.hexagons({{1, 1, 1}, {3, 1, 1}});
  made.input("row", {1, 1, 1}, static_cast<std::uint32_t>(inputs));
  if (!columns.of_classes()) {
    made.output("answer", {3, 1, 1}, static_cast<std::uint32_t>(outputs), columns.kind);
    return made.build();
  }
  for (std::size_t row = 0; row < columns.target_rows; ++row) {
    for (std::size_t t = 0; t < columns.targets.size(); ++t) {
      made.output("answer_" + std::to_string(row) + "_" + std::to_string(t), {3, 1, 1},
                  static_cast<std::uint32_t>(columns.classes[t].size()), columns.kind);
    }
  }
  return made.build();
}

inline hanami::cluster make_table_cluster(const table_options& o,
                                          const hanami::table_dataset& data) {
  if (o.template_file.empty()) {
    return hanami::cluster(make_table_template(o.columns, data.input_size(), data.target_size()),
                           o.learning);
  }
  std::ifstream file(o.template_file, std::ios::binary);
  if (!file) {
    throw hanami::error(hanami::errc::file_error,
                        "cannot read the template '" + o.template_file + "'");
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return hanami::cluster(hanami::parse_template(text), o.learning);
}

/// The columns that are learned from; targets of classes may hold any text.
inline hanami::table_dataset read_table(const table_options& o) {
  hanami::csv_options options;
  options.columns = o.columns.inputs;
  options.columns.insert(options.columns.end(), o.columns.targets.begin(), o.columns.targets.end());
  if (o.columns.of_classes()) {
    options.categorical = o.columns.targets;
    for (const auto& name : o.columns.inputs) {
      if (std::find(o.columns.targets.begin(), o.columns.targets.end(), name) !=
          o.columns.targets.end()) {
        throw hanami::error(hanami::errc::invalid_argument,
                            "column '" + name + "' cannot be an input and a target of classes");
      }
    }
  }
  return hanami::load_table(o.csv, options, o.columns.layout());
}

/// Samples to learn from and samples to be tested on.
struct table_split {
  std::vector<std::uint32_t> train;
  std::vector<std::uint32_t> test;
};

/// Rows that stand each for itself are drawn at random; of a series the end is held out.
inline table_split split_table(const table_options& o, std::size_t count) {
  const bool series = o.columns.window > 1 || o.columns.horizon > 0;
  const auto order = hanami::epoch_order(count, series ? 0 : 1, o.learning.seed);
  const auto held = static_cast<std::size_t>(o.hold_out * static_cast<double>(count));
  const auto cut = order.end() - static_cast<std::ptrdiff_t>(held);
  return {{order.begin(), cut}, {cut, order.end()}};
}

inline void check_table_targets(const table_columns& columns, std::span<const float> target) {
  for (const float t : target) {
    if (columns.kind == hanami::output_kind::sigmoid && (t < 0.0f || t > 1.0f)) {
      throw hanami::error(hanami::errc::invalid_data, "a target of a sigmoid output is " +
                                                          std::to_string(t) +
                                                          "; values from 0 to 1 are taken");
    }
  }
}

inline void train_table(hanami::cluster& cluster, const table_options& o,
                        const hanami::table_dataset& data,
                        const std::vector<std::uint32_t>& samples) {
  const std::size_t total = o.epochs * samples.size();
  if (!o.endless) {
    cluster.start_task(total);
  }
  hanami::progress shown("training", total);
  hanami::sample_buffer buffer;
  std::size_t done = 0;
  for (std::size_t epoch = 0; epoch < o.epochs; ++epoch) {
    for (const auto i : hanami::epoch_order(samples.size(), epoch, o.learning.seed)) {
      const auto [input, target] = buffer.read(data, samples[i]);
      check_table_targets(o.columns, target);
      cluster.train(input, target);
      shown.advance(++done);
    }
  }
}

/// The places of the answers that belong together: the classes of one value, or one number.
template <class Visit>
void for_each_value(const table_columns& columns, Visit visit) {
  std::size_t first = 0;
  for (std::size_t row = 0; row < columns.target_rows; ++row) {
    for (std::size_t t = 0; t < columns.targets.size(); ++t) {
      const std::size_t size = columns.of_classes() ? columns.classes[t].size() : 1;
      visit(row, t, first, size);
      first += size;
    }
  }
}

inline std::size_t largest(std::span<const float> values) {
  return static_cast<std::size_t>(
      std::distance(values.begin(), std::max_element(values.begin(), values.end())));
}

/// Mean absolute error, or the share of right classes, of one value after the other.
inline std::string test_table(const hanami::cluster& cluster, const table_columns& columns,
                              const hanami::table_dataset& data,
                              const std::vector<std::uint32_t>& samples) {
  hanami::sample_buffer buffer;
  hanami::workspace<float> activity;
  double sum = 0;
  double values = 0;
  for (const auto i : samples) {
    const auto [input, target] = buffer.read(data, i);
    const auto answer = cluster.infer(input, activity);
    for_each_value(columns, [&, truth = target](std::size_t, std::size_t, std::size_t first,
                                                std::size_t size) {
      if (std::isnan(truth[first])) {
        return; // not known
      }
      ++values;
      if (columns.of_classes()) {
        const bool right =
            largest(answer.subspan(first, size)) == largest(truth.subspan(first, size));
        sum += right ? 100.0 : 0.0;
      } else {
        sum += std::abs(static_cast<double>(answer[first]) - static_cast<double>(truth[first]));
      }
    });
  }
  return formatted("%s %.5g%s over %.0f held-out values",
                   columns.of_classes() ? "accuracy" : "mean absolute error",
                   sum / std::max(values, 1.0), columns.of_classes() ? " %" : "", values);
}

inline void write_answer_header(hanami::csv_writer& out, const table_columns& columns) {
  out.field("row");
  for_each_value(columns, [&](std::size_t row, std::size_t t, std::size_t, std::size_t) {
    const std::string suffix = columns.target_rows > 1 ? "_" + std::to_string(row + 1) : "";
    out.field(columns.targets[t] + suffix);
    if (columns.of_classes()) {
      out.field(columns.targets[t] + suffix + "_certainty");
    }
  });
  out.end_row();
}

/// Answers as CSV: one row for each row of the file that has a whole window behind it.
inline void answer_table(const hanami::cluster& cluster, const table_columns& columns,
                         const std::string& csv) {
  const hanami::table_dataset data =
      hanami::load_table(csv, {.columns = columns.inputs},
                         {columns.inputs, {columns.inputs[0]}, columns.window, 1, 0, false});
  hanami::csv_writer out(std::cout);
  write_answer_header(out, columns);
  hanami::sample_buffer buffer;
  hanami::workspace<float> activity;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto values = cluster.infer(buffer.read(data, i).input, activity);
    out.field(std::to_string(i + columns.window));
    for_each_value(columns, [&](std::size_t, std::size_t t, std::size_t first, std::size_t size) {
      if (columns.of_classes()) {
        const std::size_t best = largest(values.subspan(first, size));
        out.field(columns.classes[t][best]).field(values[first + best]);
      } else {
        out.field(values[first]);
      }
    });
    out.end_row();
  }
}

} // namespace example
