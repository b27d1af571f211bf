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

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>

#include "support/program.hpp"
#include "support/sensor_stream.hpp"

namespace {

void add_options(CLI::App& app, example::sensor_options& o) {
  const char* const input = "what comes in: a row in a line, as CSV or as flat JSON objects";
  app.add_option("--input", o.input, "file or pipe (-: standard input)")
      ->type_name("FILE")
      ->group(input);
  app.add_flag("--follow", o.follow, "wait for more at the end of the file")->group(input);
  app.add_option("--time", o.time, "field that is the time (time, timestamp, date, ...)")
      ->type_name("NAME")
      ->group(input);
  app.add_option("--zone", o.zone,
                 "whose hours and weekdays matter, Europe/Berlin or +05:30; local times\n"
                 "become UTC by it. Without: times as they stand")
      ->type_name("ZONE")
      ->group(input);
  app.add_option("--columns", o.columns, "fields to learn (all but the time)")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(input);

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

int run(const example::sensor_options& o) {
  example::sensor_stream stream(o);
  const bool ended = stream.run();
  const example::sensor_state& done = stream.state();
  std::cerr << "sensor: " << done.model.rows() << " rows learned, " << done.damaged
            << " damaged lines skipped";
  if (!done.model.columns().empty()) {
    std::cerr << ", " << done.model.missing_rows() << " missing rows, " << done.alarms
              << " alarms, " << done.model.bytes() / 1024 << " KiB";
  }
  std::cerr << '\n';
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
