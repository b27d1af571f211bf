// SPDX-License-Identifier: Apache-2.0
// Learns from measurements while they come, line by line, and says for each row what comes next,
// how sure that is, and how strange the row was.
//
// test-arguments: --input @CMAKE_CURRENT_SOURCE_DIR@/data/turbine.csv
// test-arguments: --columns wind,celsius,yield
// test-output: row,time,.*_ahead_1

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>

#include "support/program.hpp"
#include "support/row_format_options.hpp"
#include "support/sensor_paths.hpp"
#include "support/sensor_stream.hpp"

namespace {

void add_options(CLI::App& app, example::sensor_options& o) {
  const char* const input = "what comes in: rows in lines, as CSV or JSON";
  app.add_option("--input", o.input, "file or pipe (-: standard input)")
      ->type_name("FILE")
      ->group(input);
  app.add_flag("--follow", o.follow,
               "wait for more at the end of the file, and go on where it is rotated")
      ->group(input);
  app.add_option("--columns", o.rows.columns, "fields to learn (all numbers but the time)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(input);
  app.add_option("--by", o.rows.by, "field that tells devices apart: a model for each")
      ->type_name("FIELD")
      ->group(input);
  app.add_option("--max-devices", o.max_devices,
                 "kept at once (1000); the longest silent one is dropped")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 30).description(""))
      ->group(input);

  const char* const time = "the time of rows (found)";
  app.add_option("--time", o.rows.time.field, "field that is the time, A+B for two, or none")
      ->type_name("NAME")
      ->group(time);
  app.add_option("--time-format", o.rows.time.format, "as strptime has it: %d.%m.%Y %H:%M")
      ->type_name("FORM")
      ->group(time);
  app.add_option("--time-unit", o.rows.time.unit,
                 "of numbers: s, ms, us, ns, min, h, d, excel, ...")
      ->type_name("UNIT")
      ->group(time);
  app.add_option("--zone", o.zone,
                 "whose hours and weekdays matter, Europe/Berlin or +05:30; local times\n"
                 "become UTC by it. Without: times as they stand")
      ->type_name("ZONE")
      ->group(time);
  example::add_row_format(app, o.rows.format);

  const char* const learning = "learning";
  app.add_option("--window", o.learning.window,
                 "last changes of a column that forecasts see (12);\n"
                 "0: one network sees the newest row only, many times as fast")
      ->type_name("N")
      ->check(CLI::Range(0, 1000).description(""))
      ->group(learning);
  app.add_option("--horizons", o.learning.horizons, "rows ahead (1, and a day where that is known)")
      ->type_name("N,M")
      ->check(example::not_negative())
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(learning);
  app.add_option("--step", o.learning.step,
                 "from row to row; without it the first ten times tell,\nwhich are waited for")
      ->type_name("SECONDS")
      ->check(CLI::Range(1e-6, 1e9).description(""))
      ->group(learning);
  app.add_option("--alarms-per-day", o.learning.alarms_per_day,
                 "false alarms to be expected (1/30)")
      ->type_name("X")
      ->check(CLI::Range(1e-9, 1e6).description(""))
      ->group(learning);
  app.add_option("--seed", o.learning.seed, "of all randomness (1)")
      ->type_name("N")
      ->check(example::not_negative())
      ->group(learning);

  const char* const output = "what comes out: a line for each row";
  app.add_option("--output", o.output, "instead of standard output")
      ->type_name("FILE")
      ->group(output);
  app.add_flag("--json", o.json, "JSON objects instead of CSV")->group(output);
  app.add_flag("--quiet", o.quiet, "no rows, only what is said at the end")->group(output);
  app.add_option("--report", o.report, "page with plots, written at the end")
      ->type_name("FILE.html")
      ->group(output);

  const char* const checkpoints = "checkpoints";
  app.add_option("--checkpoint", o.checkpoint,
                 "go on from there if it exists, with the columns and the learning that it\n"
                 "has; save there at the end, on SIGUSR1 and")
      ->type_name("FILE")
      ->group(checkpoints);
  app.add_option("--checkpoint-every", o.checkpoint_every, "after so many rows (10000)")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40).description(""))
      ->group(checkpoints);
}

/// Nothing is written where something is read or kept.
void check_paths(const example::sensor_options& o) {
  example::given_paths paths;
  paths.reads("--input", o.input);
  if (!o.output.empty() || !o.quiet) {
    paths.writes("--output", o.output);
  }
  if (!o.checkpoint.empty()) {
    paths.writes("--checkpoint", o.checkpoint, "hanamiCP");
    paths.counts("--checkpoint", o.checkpoint + ".lines");
  }
  if (!o.report.empty()) {
    paths.writes("--report", o.report, "<");
  }
}

int run(const example::sensor_options& o) {
  check_paths(o);
  example::sensor_stream stream(o);
  const bool ended = stream.run();
  std::cerr << "sensor: " << stream.summary() << '\n';
  if (const std::string why = stream.failure(); ended && !why.empty()) {
    throw std::runtime_error(why);
  }
  return ended ? EXIT_SUCCESS : 130;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("sensor");
  CLI::App app("Learns and answers while measurements come: forecasts, intervals, anomalies.",
               "sensor");
  app.get_formatter()->column_width(30);
  example::sensor_options o;
  add_options(app, o);
  return example::run_program(app, count, arguments, [&] { return run(o); });
}
