// SPDX-License-Identifier: Apache-2.0
// Learns to fill columns of any CSV file from others, then answers for rows it has not seen.
//
// test-arguments: train --csv @CMAKE_CURRENT_SOURCE_DIR@/data/turbine.csv --inputs wind,celsius
// test-arguments: --targets state --kind softmax --hold-out 0.2
// test-output: accuracy 9[0-9]

#include <cstddef>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hanami/hanami.hpp>

#include "support/command_line.hpp"
#include "support/table_columns.hpp"
#include "support/table_task.hpp"

namespace {

using example::table_columns;

void need(bool given, const char* option) {
  if (!given) {
    throw example::usage_error(std::string("'") + option + "' is needed");
  }
}

int run_training(std::span<char* const> arguments) {
  example::table_options o;
  example::command_line line("table train", "--csv FILE --inputs a,b --targets c [options]",
                             "Learns to answer the targets from the inputs of a CSV file.");
  line.option("csv", "FILE", o.csv, "what to learn from, as a rule with a line of column names");
  line.option("inputs", "A,B,...", o.columns.inputs, "columns that are known");
  line.option("targets", "C,...", o.columns.targets, "columns to answer");
  line.option("kind", "KIND", o.kind,
              "linear (default): any numbers; sigmoid: numbers from 0 to 1;\n"
              "softmax: classes, in any words");
  line.section("series");
  line.option("window", "N", o.columns.window, "rows of input for one answer (1)", {1, 100000});
  line.option("target-rows", "N", o.columns.target_rows, "rows to answer at once (1)", {1, 100000});
  line.option("horizon", "N", o.columns.horizon,
              "0 (default): the last rows of the window; 1: the rows after it;\n"
              "N: N - 1 rows later",
              {0, 1000000});
  line.section("learning");
  line.option("template", "FILE", o.template_file, "cluster template; one hidden hexagon else");
  line.option("epochs", "N", o.epochs, "times that each sample is seen (20)", {1, 1000000});
  line.option("seed", "N", o.learning.seed, "of all randomness (1)");
  line.option("learning-rate", "X", o.learning.learning_rate,
              "of classes and probabilities, at the first sample (0.04)", {1e-9, 10.0});
  line.option("mend", "X", o.learning.step_size,
              "linear outputs: the share of an error that the first step mends (0.25)",
              {1e-9, 1.0});
  line.flag("endless", o.endless, "do not tell the cluster how many samples will come");
  line.option("hold-out", "SHARE", o.hold_out,
              "samples not to learn but to be tested on: the end of a series,\n"
              "else any rows (0)",
              {0.0, 0.9});
  line.section("what comes out");
  line.option("save", "FILE", o.save, "checkpoint, with what the columns are");
  line.option("answer", "FILE", o.requests, "CSV to answer right away, on standard output");
  if (!line.parse(arguments)) {
    return 0;
  }
  need(!o.csv.empty(), "--csv");
  need(!o.columns.inputs.empty(), "--inputs");
  need(!o.columns.targets.empty(), "--targets");
  try {
    o.columns.kind = example::parse_kind(o.kind);
  } catch (const hanami::error& e) {
    throw example::usage_error(e.what());
  }

  const hanami::table_dataset data = example::read_table(o);
  if (o.columns.of_classes()) {
    for (const auto& name : o.columns.targets) {
      o.columns.classes.push_back(data.columns()[data.column_index(name)].categories);
    }
  }
  const example::table_split samples = example::split_table(o, data.size());
  if (samples.train.empty()) {
    throw hanami::error(hanami::errc::invalid_data,
                        o.csv + " has too few rows for a single sample");
  }
  hanami::cluster cluster = example::make_table_cluster(o, data);
  example::train_table(cluster, o, data, samples.train);
  if (!o.save.empty()) {
    hanami::save(cluster, o.save, example::to_metadata(o.columns));
  }
  std::ostream& report = o.requests.empty() ? std::cout : std::cerr;
  const auto grown = cluster.statistics();
  report << "learned from " << samples.train.size() << " samples, " << o.epochs
         << " epochs: " << grown.neurons << " neurons, " << grown.synapses << " synapses\n";
  if (!samples.test.empty()) {
    report << example::test_table(cluster, o.columns, data, samples.test) << '\n';
  }
  if (!o.requests.empty()) {
    example::answer_table(cluster, o.columns, o.requests);
  }
  return 0;
}

int run_answering(std::span<char* const> arguments) {
  example::table_options o;
  example::command_line line("table answer", "--load FILE --csv FILE [options]",
                             "Answers for every row of a CSV file, as CSV on standard output.");
  line.option("load", "FILE", o.load, "checkpoint that 'table train' saved");
  line.option("csv", "FILE", o.csv, "rows to answer for");
  line.option("inputs", "A,B,...", o.columns.inputs,
              "input columns, if they have other names here");
  if (!line.parse(arguments)) {
    return 0;
  }
  need(!o.load.empty(), "--load");
  need(!o.csv.empty(), "--csv");
  const hanami::cluster cluster = hanami::load(o.load);
  table_columns columns = example::from_metadata(hanami::load_metadata(o.load));
  if (!o.columns.inputs.empty()) {
    columns.inputs = o.columns.inputs;
  }
  std::size_t values = 0;
  example::for_each_value(
      columns, [&](std::size_t, std::size_t, std::size_t, std::size_t size) { values += size; });
  if (values != cluster.output_size()) {
    throw hanami::error(hanami::errc::invalid_data, "the columns do not belong to this checkpoint");
  }
  example::answer_table(cluster, columns, o.csv);
  return 0;
}

int run(std::span<char* const> arguments) {
  const std::string_view command = arguments.empty() ? std::string_view{} : arguments.front();
  if (command == "train") {
    return run_training(arguments.subspan(1));
  }
  if (command == "answer") {
    return run_answering(arguments.subspan(1));
  }
  if (command == "--help" || command == "-h") {
    std::cout << "usage: table train --help\n       table answer --help\n\n"
                 "Learns to fill columns of a CSV file from others; answers for new rows.\n";
    return 0;
  }
  throw example::usage_error("expected 'train' or 'answer' first; 'table --help' tells more");
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("table");
  return example::run_program("table", [&] {
    return run({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
  });
}
