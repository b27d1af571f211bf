// SPDX-License-Identifier: Apache-2.0
// What hanami makes of real and made streams, beside what streams are usually predicted with:
// forecasts, clean and dirty, anomalies, false alarms, drift, classes. Everything is scored before
// it is learned from.
#include <array>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/hanami.hpp>
#include <hanami/stream.hpp>

#include <support/program.hpp>
#include <support/report.hpp>

#include "streams/alarm_rates.hpp"
#include "streams/anomalies.hpp"
#include "streams/class_scores.hpp"
#include "streams/drift_scores.hpp"
#include "streams/faults.hpp"
#include "streams/forecasts.hpp"
#include "streams/part.hpp"

namespace {

/// In the order of the report.
constexpr std::array parts{
    bench::part{"forecasts", false, bench::add_forecasts},
    bench::part{"anomalies", true, bench::add_anomalies},
    bench::part{"faults", false, bench::add_faults},
    bench::part{"alarms", false, bench::add_alarms},
    bench::part{"drift", false, bench::add_drift},
    bench::part{"classes", false, bench::add_classes},
};

struct program_options {
  bench::part_options parts;
  std::string only;
  bool json = false;
};

void add_options(CLI::App& app, program_options& o) {
  app.add_option("--data", o.parts.data, "folder with the recordings; without it made streams only")
      ->envname("HANAMI_SENSORS_DIR")
      ->type_name("DIR");
  app.add_flag("--half", o.parts.half,
               "the first half of ETTh2 only: for choices, which must not be made\non the rest");
  std::vector<std::string> names;
  for (const bench::part& p : parts) {
    names.emplace_back(p.name);
  }
  app.add_option("--only", o.only, "one part of all")
      ->check(CLI::IsMember(names))
      ->type_name("PART");
  app.add_option("--alarm-seeds", o.parts.alarm_seeds, "streams of each kind of noise (1)");
  app.add_option("--alarm-days", o.parts.alarm_days,
                 "false alarms at the default rate, too: so many days of a row a minute");
  support::add_json_flag(app, o.json);
}

int run(const program_options& o) {
  std::vector<support::table> tables;
  if (o.parts.data.empty()) {
    std::cerr << "streams: no recordings at hand (--data, HANAMI_SENSORS_DIR)\n";
  }
  for (const bench::part& p : parts) {
    if ((o.only.empty() || o.only == p.name) && !(p.needs_recordings && o.parts.data.empty())) {
      p.add(o.parts, tables);
    }
  }
  support::print_report({{"instruction_set", hanami::instruction_set()}}, tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("streams");
  CLI::App app("Forecasts, anomalies, false alarms, drift and classes beside the usual baselines.",
               "streams");
  program_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
