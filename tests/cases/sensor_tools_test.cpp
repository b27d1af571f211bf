// SPDX-License-Identifier: Apache-2.0
// The lines of the README, with the tools themselves where they are installed.
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>
#include <support/skip.hpp>

using namespace hanami_test;

namespace {

bool installed(const std::string& tool) {
  if (run_program("/bin/sh", {"-c", "command -v " + tool}).status == 0) {
    return true;
  }
  skip("there is no " + tool);
  return false;
}

/// Runs a line of the shell in a folder of its own, with the program as $sensor.
program_result shell(const std::string& line) {
  const scratch_folder folder;
  return run_program("/bin/sh", {"-c", "cd " + folder.path.string() + "; sensor='" +
                                           std::string(HANAMI_SENSOR) + " --window 0'; " + line});
}

bool learned(const program_result& got, int rows) {
  INFO(got.err);
  return got.status == 0 &&
         got.err.find("sensor: " + std::to_string(rows) +
                      " rows learned, 0 damaged lines skipped, 0 missing rows") !=
             std::string::npos;
}

} // namespace

TEST_CASE("a query of SQLite is read as it comes", "[cases]") {
  if (!installed("sqlite3")) {
    return;
  }
  const std::string query =
      "\"with recursive r(i) as (select 0 union all select i + 1 from r where "
      "i < 49) select datetime(1700000000 + 60 * i, 'unixepoch') as time, "
      "i % 7 as v from r\"";
  CHECK(learned(shell("sqlite3 -json :memory: " + query + " | $sensor"), 50));
  CHECK(learned(shell("sqlite3 -csv -header :memory: " + query + " | $sensor"), 50));
  CHECK(learned(shell("sqlite3 -separator '|' -header :memory: " + query + " | $sensor"), 50));
}

TEST_CASE("columns that SQLite prints are read where cells are empty", "[cases]") {
  if (!installed("sqlite3")) {
    return;
  }
  const auto got =
      shell("sqlite3 -column -header :memory: \"with recursive r(i) as (select 0 union "
            "all select i + 1 from r where i < 49) select datetime(1700000000 + 60 * i, "
            "'unixepoch') as time, case when i % 4 = 1 then null else i end as a, i % 7 "
            "as b from r\" | $sensor");
  CHECK(learned(got, 50));
  CHECK(got.err.find("too few fields") == std::string::npos);
  CHECK(got.out.find(",a_ahead_1,") != std::string::npos);
}

TEST_CASE("what top and free print is refused with what would do", "[cases]") {
  for (const char* line : {"top -b -n 1", "free -s 1 -c 1"}) {
    if (!installed(std::string(line).substr(0, std::string(line).find(' ')))) {
      continue;
    }
    const auto got = shell(std::string(line) + " | $sensor");
    INFO(got.err);
    CHECK(got.status == 1);
    CHECK(got.err.find("vmstat -t 1") != std::string::npos);
    CHECK(got.out.empty());
  }
}

TEST_CASE("vmstat is read as it comes", "[cases]") {
  if (!installed("vmstat")) {
    return;
  }
  const auto got = shell("vmstat -t 1 3 | $sensor");
  INFO(got.err);
  CHECK(got.status == 0);
  CHECK(got.err.find("3 rows learned") != std::string::npos);
  CHECK(got.out.find(",free_ahead_1,") != std::string::npos);
}

TEST_CASE("rrdtool xport is read as it comes", "[cases]") {
  if (!installed("rrdtool")) {
    return;
  }
  const auto got = shell("rrdtool create t.rrd --start 1699999980 --step 60 DS:temp:GAUGE:120:U:U "
                         "RRA:AVERAGE:0.5:1:100 && for i in $(seq 1 50); do rrdtool update t.rrd "
                         "$((1699999980 + 60 * i)):$((20 + i % 7)); done; rrdtool xport --json "
                         "--start 1699999980 --end 1700002980 DEF:a=t.rrd:temp:AVERAGE "
                         "XPORT:a:temperature | $sensor");
  INFO(got.err);
  CHECK(got.status == 0);
  CHECK(got.err.find("the time is 'time', as seconds") != std::string::npos);
  CHECK(got.out.find(",temperature_ahead_1,") != std::string::npos);
}

TEST_CASE("rrdtool fetch is read as it comes", "[cases]") {
  if (!installed("rrdtool")) {
    return;
  }
  const auto got = shell("rrdtool create t.rrd --start 1699999980 --step 60 DS:temp:GAUGE:120:U:U "
                         "RRA:AVERAGE:0.5:1:100 && for i in $(seq 1 50); do rrdtool update t.rrd "
                         "$((1699999980 + 60 * i)):$((20 + i % 7)); done; rrdtool fetch t.rrd "
                         "AVERAGE --start 1699999980 --end 1700002920 | $sensor");
  INFO(got.err);
  CHECK(got.status == 0);
  CHECK(got.err.find("the time is 'time', as seconds") != std::string::npos);
  CHECK(got.out.find(",temp_ahead_1,") != std::string::npos);
}

TEST_CASE("sadf is read as it comes", "[cases]") {
  if (!installed("sadf")) {
    return;
  }
  const auto got = shell("/usr/lib/sysstat/sadc 1 4 file > /dev/null 2>&1; sadf -d file | $sensor");
  INFO(got.err);
  CHECK(got.status == 0);
  CHECK(got.err.find("the time is 'timestamp'") != std::string::npos);
  CHECK(got.out.find(",%user_ahead_1,") != std::string::npos);
}

TEST_CASE("what pandas writes is read as it is", "[cases]") {
  if (run_program("/bin/sh", {"-c", "python3 -c 'import pandas'"}).status != 0) {
    skip("there is no pandas");
    return;
  }
  const std::string make = "python3 -c 'import pandas, sys; t = pandas.date_range(\"2024-01-01\", "
                           "periods=50, freq=\"min\"); f = pandas.DataFrame({\"v\": range(50)}, "
                           "index=t); ";
  CHECK(learned(shell(make + "f.to_csv(sys.stdout)' | $sensor"), 50));
  CHECK(learned(shell(make + "f.reset_index().to_json(sys.stdout, orient=\"records\", "
                             "lines=True)' | $sensor"),
                50));
}

TEST_CASE("what R writes is read as it is", "[cases]") {
  if (!installed("Rscript")) {
    return;
  }
  const std::string make = "Rscript -e 'd <- data.frame(time = as.POSIXct(\"2024-01-01\", tz = "
                           "\"UTC\") + 60 * 0:49, v = 0:49 %% 7); ";
  CHECK(learned(shell(make + "write.csv(d)' | $sensor"), 50));
  CHECK(learned(shell(make + "write.csv2(d)' | $sensor"), 50));
  CHECK(learned(shell(make + "write.table(d)' | $sensor"), 50));
}
