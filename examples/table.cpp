// SPDX-License-Identifier: Apache-2.0
// Learns to fill columns of a table from others, words or numbers, then answers for new rows.
//
// test-arguments: train --csv @CMAKE_CURRENT_SOURCE_DIR@/data/turbine.csv --inputs wind,celsius
// test-arguments: --targets state --kind softmax --hold-out 0.2
// test-output: accuracy 9[0-9]

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/io/lines/given_paths.hpp>
#include <hanami/io/template_file.hpp>

#include "support/program.hpp"
#include "support/table_data.hpp"
#include "support/table_fit.hpp"
#include "support/table_model.hpp"
#include "support/table_options.hpp"

namespace {

using example::table_model;
using example::table_options;

void make_models(const table_options& o, const hanami::table_dataset& data, table_model& table) {
  const auto inputs = static_cast<std::uint32_t>(data.input_size());
  const auto values = static_cast<std::uint32_t>(table.value_count());
  const auto network = o.template_file.empty()
                           ? hanami::one_hexagon(inputs, o.of_classes() ? 1 : values, o.kind,
                                                 hanami::settings_for_inputs(inputs))
                           : hanami::load_template(o.template_file);
  if (o.of_classes()) {
    table.classes.assign(values, hanami::classifier(network, o.learning));
  } else {
    table.numbers.emplace_back(network, o.learning);
  }
}

void test(const table_model& table, const hanami::table_dataset& data,
          const hanami::dataset_part<hanami::table_dataset>& samples, std::ostream& report) {
  for (std::size_t k = 0; k < table.classes.size(); ++k) {
    report << table.name_of(k) << ": "
           << hanami::evaluate(table.classes[k], table.labelled(data, samples, k));
  }
  for (const auto& model : table.numbers) {
    report << hanami::evaluate(model, samples);
  }
}

/// One row for each row of a CSV file that has a whole window behind it, on standard output.
void answer(const table_options& o, const table_model& table, const std::string& csv) {
  auto known = table.input_columns;
  for (std::size_t i = 0; i < known.size(); ++i) {
    known[i].name = table.inputs[i]; // columns may be called otherwise here
  }
  const auto data =
      example::load_table(csv, {.format = o.format, .columns = table.inputs, .known = known},
                          {.inputs = table.inputs,
                           .targets = {table.inputs[0]},
                           .window = table.window,
                           .one_hot_inputs = true});
  hanami::csv_writer out(std::cout);
  out.field("row");
  for (std::size_t k = 0; k < table.value_count(); ++k) {
    out.field(table.name_of(k));
    if (!table.classes.empty()) {
      out.field(table.name_of(k) + "_certainty");
    }
  }
  out.end_row();
  hanami::sample_buffer buffer;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto input = buffer.read(data, i).input;
    out.field(std::to_string(i + table.window));
    for (const auto& model : table.classes) {
      const auto said = model.probabilities(input);
      out.field(said.best().label.text()).field(said.best().probability);
    }
    for (const auto& model : table.numbers) {
      for (const float value : model.predict_values(input)) {
        out.field(value);
      }
    }
    out.end_row();
  }
}

/// What was learned does not take the place of anything else.
void check_paths(const table_options& o) {
  hanami::given_paths paths;
  paths.reads("--csv", o.csv);
  if (!o.save.empty()) {
    paths.replaces("--save", o.save, "hanamiCP");
  }
}

void train(const table_options& o, table_model table) {
  const std::vector<std::string> names = example::names_of_columns(o.csv, o.format);
  example::name_columns(table.inputs, names);
  example::name_columns(table.targets, names);
  for (const std::string& name : table.inputs) {
    if (o.of_classes() && std::count(table.targets.begin(), table.targets.end(), name) > 0) {
      throw CLI::ValidationError("--inputs", name + " cannot be an input and a class");
    }
  }
  hanami::table_options columns{.format = o.format, .columns = table.inputs};
  columns.columns.insert(columns.columns.end(), table.targets.begin(), table.targets.end());
  columns.categorical = o.of_classes() ? table.targets : std::vector<std::string>();
  const auto data = example::load_table(o.csv, columns, table.layout());
  table.take_columns(data, o.of_classes());
  const auto samples = example::split(o, table, data);
  if (samples.train.size() == 0) {
    throw hanami::error(hanami::errc::invalid_data, o.csv + " has too few rows for a sample");
  }
  make_models(o, data, table);
  example::fit(o, data, samples.train, table);
  if (!o.save.empty()) {
    hanami::save(table, o.save);
  }
  test(table, data, samples.test, o.requests.empty() ? std::cout : std::cerr);
  if (!o.requests.empty()) {
    answer(o, table, o.requests);
  }
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("table");
  table_options o;
  table_model table;
  CLI::App app("Learns to fill columns of a CSV file from others; answers for new rows.", "table");
  example::add_options(app, o, table);
  return example::run_program(app, count, arguments, [&] {
    if (app.got_subcommand("train")) {
      check_paths(o);
      train(o, std::move(table));
    } else {
      auto loaded = hanami::load<table_model>(o.load);
      example::name_columns(table.inputs, example::names_of_columns(o.csv, o.format));
      loaded.rename_inputs(table.inputs);
      answer(o, loaded, o.csv);
    }
    return 0;
  });
}
