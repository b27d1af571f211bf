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
#include <map>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>
#include <hanami/io/lines/given_paths.hpp>
#include <hanami/stream.hpp>
#include <hanami/stream/live/live_session.hpp>

#include "support/program.hpp"
#include "support/row_format_options.hpp"
#include "support/save_signal.hpp"
#include "support/stop_signal.hpp"

namespace {

void add_options(CLI::App& app, hanami::live_session_options& o, std::string& zone) {
  std::string group;
  const auto add = [&](const char* name, auto& value, const char* type, const char* about) {
    return app.add_option(name, value, about)->type_name(type)->group(group);
  };
  const auto add_list = [&](const char* name, auto& list, const char* type, const char* about) {
    return add(name, list, type, about)->delimiter(',')->allow_extra_args(false);
  };
  const auto range = [](auto from, auto to) { return CLI::Range(from, to).description(""); };
  hanami::stream_reader_options& rows = o.live.rows;
  hanami::stream_options& learning = o.live.learning;

  group = "what comes in: rows in lines, as CSV or JSON";
  add("--input", o.input, "FILE", "file or pipe (-: standard input)");
  app.add_flag("--follow", o.follow,
               "wait for more at the end, and go on where the file is rotated")
      ->group(group);
  add_list("--columns", rows.columns, "A,B", "fields to learn (all numbers but the time)");
  add("--by", rows.by, "FIELD", "field that tells devices apart: a model for each");
  add("--max-devices", o.live.most_devices, "N",
      "kept at once (1000); the longest silent one is dropped")
      ->check(range(std::size_t{1}, std::size_t{1} << 30));

  group = "the time of rows (found)";
  add("--time", rows.time.field, "NAME", "field that is the time, A+B for two, or none");
  add("--time-format", rows.time.format, "FORM", "as strptime has it: %d.%m.%Y %H:%M");
  add("--time-unit", rows.time.unit, "UNIT", "of numbers: s, ms, us, ns, min, h, d, excel, ...");
  add("--zone", zone, "ZONE",
      "whose hours and weekdays matter, Europe/Berlin or +05:30; local times\n"
      "become UTC by it. Without: times as they stand");
  example::add_row_format(app, rows.format);

  group = "learning";
  add("--window", learning.window, "N",
      "last changes of a column that forecasts see (12);\n"
      "0: one network sees the newest row only, many times as fast")
      ->check(range(0, 1000));
  add_list("--horizons", learning.horizons, "N,M", "rows ahead (1, and a day where that is known)")
      ->check(example::not_negative());
  add("--step", learning.step, "SECONDS",
      "from row to row; without it the first ten times tell,\nwhich are waited for")
      ->check(range(1e-6, 1e9));
  add("--alarms-per-day", learning.alarms_per_day, "X", "false alarms to be expected (1/30)")
      ->check(range(1e-9, 1e6));
  const std::map<std::string, hanami::point_forecast> points = {
      {"median", hanami::point_forecast::median}, {"mean", hanami::point_forecast::mean}};
  add("--point", learning.point, "KIND",
      "of a forecast: median, for small absolute errors (default), or mean,\nfor squared ones")
      ->transform(CLI::CheckedTransformer(points).description(""));
  add("--seed", learning.seed, "N", "of all randomness (1)")->check(example::not_negative());

  group = "what comes out: a line for each row";
  add("--output", o.output, "FILE", "instead of standard output");
  app.add_flag("--json", o.live.json, "JSON objects instead of CSV")->group(group);
  app.add_flag("--quiet", o.live.quiet, "no rows, only what is said at the end")->group(group);
  add("--report", o.report, "FILE.html", "page with plots, written at the end");

  group = "checkpoints";
  add("--checkpoint", o.checkpoint, "FILE",
      "go on from there if it exists, with the columns and the learning that it\n"
      "has; save there at the end, on SIGUSR1 and");
  add("--checkpoint-every", o.checkpoint_every, "N", "after so many rows (10000)")
      ->check(range(std::uint64_t{1}, std::uint64_t{1} << 40));
}

/// Nothing is written where something is read or kept.
void check_paths(const hanami::live_session_options& o) {
  hanami::given_paths paths;
  paths.reads("--input", o.input);
  if (!o.output.empty() || !o.live.quiet) {
    paths.writes("--output", o.output);
  }
  if (!o.checkpoint.empty()) {
    paths.replaces("--checkpoint", o.checkpoint, "hanamiCP");
    paths.counts("--checkpoint", o.checkpoint + ".lines");
  }
  if (!o.report.empty()) {
    paths.writes("--report", o.report, "<");
  }
}

int run(const hanami::live_session_options& o) {
  hanami::live_session session(
      o, [](const std::string& what) { std::cerr << "sensor: " << what << '\n'; });
  const example::stop_signal stop;
  const example::save_signal save;
  const bool ended = session.run(&example::stop_signal::wanted, &example::save_signal::take);
  if (const std::string why = session.failure(); ended && !why.empty()) {
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
  hanami::live_session_options o;
  std::string zone;
  add_options(app, o, zone);
  return example::run_program(app, count, arguments, [&] {
    try {
      check_paths(o);
    } catch (const hanami::error& e) {
      throw CLI::ValidationError(e.what());
    }
    if (!zone.empty()) {
      o.live.rows.time.zone = o.live.learning.zone = hanami::time_zone(zone);
    }
    return run(o);
  });
}
