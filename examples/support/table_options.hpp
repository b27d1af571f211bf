// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>

#include "program.hpp"
#include "row_format_options.hpp"
#include "table_model.hpp"

namespace example {

/// What `table` takes, beside the columns, which stand in a `table_model`.
struct table_options {
  std::string csv;
  hanami::row_format format;
  std::string template_file;
  std::string save;
  std::string load;
  std::string requests; ///< CSV to answer right after training
  hanami::output_kind kind = hanami::output_kind::linear;
  std::size_t epochs = 0; ///< 0: as many as are best for rows held out
  double hold_out = 0;
  bool endless = false;
  hanami::learning_options learning;

  bool of_classes() const { return kind == hanami::output_kind::softmax; }
};

namespace detail {

inline void add_training(CLI::App& command, table_options& o, table_model& table) {
  static const std::map<std::string, hanami::output_kind> kinds = {
      {"linear", hanami::output_kind::linear},
      {"sigmoid", hanami::output_kind::sigmoid},
      {"softmax", hanami::output_kind::softmax}};
  const auto add = [&](const char* name, const char* takes, auto& value, const char* about) {
    return command.add_option(name, value, about)->type_name(takes);
  };
  add("--csv", "FILE", o.csv, "what to learn from: CSV of any kind, or JSON objects")->required();
  add_names(command, "--inputs", table.inputs,
            "columns that are known, by name or number; text is a category each")
      ->required();
  add_names(command, "--targets", table.targets, "columns to answer")->required();
  add("--kind", "KIND", o.kind,
      "linear (default): any numbers; sigmoid: numbers from 0 to 1;\nsoftmax: classes, in any "
      "words")
      ->transform(CLI::CheckedTransformer(kinds).description(""));
  add("--window", "N", table.window, "rows of input for one answer (1)")
      ->check(CLI::Range(1, 100000).description(""));
  add("--target-rows", "N", table.target_rows, "rows to answer at once (1)")
      ->check(CLI::Range(1, 100000).description(""));
  add("--horizon", "N", table.horizon,
      "0 (default): the last rows of the window; 1: the rows after it;\nN: N - 1 rows later")
      ->check(not_negative());
  add("--template", "FILE", o.template_file,
      "cluster template with one input and one output; one hexagon else");
  add("--epochs", "N", o.epochs,
      "times that each sample is seen; 0 (default): as often as is best for\n"
      "a fifth of the samples, held out first; once beyond 10,000")
      ->check(not_negative());
  add("--seed", "N", o.learning.seed, "of all randomness (1)")->check(not_negative());
  add("--learning-rate", "X", o.learning.learning_rate,
      "of classes and shares, at the first sample (0.04)");
  add("--step-size", "X", o.learning.step_size,
      "of numbers: the share of an error that a first step removes (0.25)");
  command.add_flag("--endless", o.endless, "do not tell how many samples will come");
  add("--hold-out", "SHARE", o.hold_out,
      "samples not to learn but to be tested on: the end of a series,\nelse any rows (0)")
      ->check(CLI::Range(0.0, 0.9).description(""));
  add("--save", "FILE", o.save, "what was learned, with what the columns are");
  add("--answer", "FILE", o.requests, "CSV to answer right away, on standard output");
  add_row_format(command, o.format);
}

} // namespace detail

inline void add_options(CLI::App& app, table_options& o, table_model& table) {
  app.require_subcommand(1);
  detail::add_training(*app.add_subcommand("train", "learns from a CSV file"), o, table);
  CLI::App& answer = *app.add_subcommand("answer", "answers for every row of a CSV file, as CSV");
  answer.add_option("--load", o.load, "what 'table train' saved")->type_name("FILE")->required();
  answer.add_option("--csv", o.csv, "rows to answer for")->type_name("FILE")->required();
  add_names(answer, "--inputs", table.inputs, "input columns, if called otherwise here");
  add_row_format(answer, o.format);
}

} // namespace example
