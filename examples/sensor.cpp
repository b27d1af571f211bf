// SPDX-License-Identifier: Apache-2.0
// Learns from measurements while they come, line by line, and says for each row what comes next,
// how sure that is, and how strange the row was.
//
// test-arguments: --input @CMAKE_CURRENT_SOURCE_DIR@/data/turbine.csv
// test-arguments: --columns wind,celsius,yield
// test-output: row,time,.*_ahead_1

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <hanami/hanami.hpp>

#include "support/command_line.hpp"
#include "support/sensor_stream.hpp"

namespace {

bool read_options(std::span<char* const> arguments, example::stream_options& o) {
  example::command_line line("sensor", "[options]",
                             "Learns and answers while measurements come: forecasts, intervals, "
                             "anomalies.");
  line.section("what comes in: a row in a line, as CSV or as flat JSON objects");
  line.option("input", "FILE", o.input, "file or pipe (-: standard input)");
  line.flag("follow", o.follow, "wait for more at the end of the file");
  line.option("time", "NAME", o.time, "field that is the time (time, timestamp, date, ...)");
  line.option("columns", "A,B,...", o.columns, "fields to learn (all but the time)");
  line.section("learning");
  line.option("window", "N", o.settings.window,
              "last changes of a column that forecasts see (12);\n"
              "0: one network sees the newest row only, many times as fast",
              {0, 1000});
  std::vector<std::string> horizons;
  line.option("horizons", "N,M,...", horizons, "rows ahead (1, and a day where that is known)");
  line.option("step", "SECONDS", o.settings.step,
              "from row to row; without it the first ten times tell,\nwhich are waited for",
              {1e-6, 1e9});
  line.option("alarms-per-day", "X", o.settings.alarms_per_day,
              "false alarms to be expected (1/30)", {1e-9, 1e6});
  line.option("seed", "N", o.settings.seed, "of all randomness (1)");
  line.section("what comes out: a line for each row");
  line.option("output", "FILE", o.output, "instead of standard output");
  line.flag("json", o.json, "JSON objects instead of CSV");
  line.flag("quiet", o.quiet, "no rows, only what is said at the end");
  line.option("report", "FILE.html", o.report, "page with plots, written at the end");
  line.section("checkpoints");
  line.option("checkpoint", "FILE", o.checkpoint,
              "go on from there if it exists, with the columns and the learning that it\n"
              "has; save there at the end, on SIGUSR1 and");
  line.option("checkpoint-every", "N", o.checkpoint_every, "after so many rows (10000)",
              {1, std::uint64_t{1} << 40});
  if (!line.parse(arguments)) {
    return false;
  }
  for (const std::string& text : horizons) {
    std::uint32_t rows = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), rows);
    if (code != std::errc() || end != text.data() + text.size()) {
      throw example::usage_error("'--horizons' takes numbers of rows, not '" + text + "'");
    }
    o.settings.horizons.push_back(rows);
  }
  return true;
}

int run(std::span<char* const> arguments) {
  example::stream_options o;
  if (!read_options(arguments, o)) {
    return 0;
  }
  example::sensor_stream stream(o);
  const bool ended = stream.run();
  const example::stream_state& done = stream.state();
  std::cerr << "sensor: " << done.rows << " rows learned, " << done.damaged
            << " damaged lines skipped";
  if (done.model) {
    std::cerr << ", " << done.model->gaps() << " missing rows, " << done.alarms << " alarms, "
              << done.model->bytes() / 1024 << " KiB";
  }
  std::cerr << '\n';
  return ended ? 0 : 130;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("sensor");
  return example::run_program("sensor", [&] {
    return run({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
  });
}
