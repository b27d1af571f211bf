// SPDX-License-Identifier: Apache-2.0
// Times of small inputs of real tools: what is found is what a person would read.
#include <hanami/stream/time/row_clock.hpp>
#include <hanami/stream/time_column.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/row_reader.hpp>

#include "support/skip.hpp"

using namespace hanami;

namespace {

struct found_times {
  std::string said;
  double first = std::nan("");
  double step = 0; ///< by the clock of rows
  std::uint64_t rows = 0;
  std::uint64_t missing = 0; ///< rows, by the clock of rows
  std::uint64_t unknown = 0; ///< times
};

/// Reads all rows as a program would: the first ten of them decide.
found_times read_times(const std::filesystem::path& path) {
  std::ifstream file(path);
  row_reader reader;
  time_column column;
  row_clock clock;
  found_times found;
  std::vector<std::vector<std::string>> first;
  const auto take = [&](const auto& row) {
    const row_time time = column.read(row);
    ++found.rows;
    found.unknown += std::isnan(time.seconds) ? 1U : 0U;
    found.first = std::isnan(found.first) ? time.seconds : found.first;
    if (time.corrected) {
      clock.begin_again();
    }
    found.missing += clock.missing_before(time.seconds);
    found.missing -= clock.taken_back();
  };
  const auto choose = [&] {
    column.choose(reader.fields());
    for (const auto& row : std::exchange(first, {})) {
      take(row);
    }
  };
  bool chosen = false;
  const auto take_rows = [&] {
    while (reader.next()) {
      if (chosen) {
        column.add_fields(reader.fields());
        take(reader.cells());
        continue;
      }
      column.look(reader.fields(), reader.cells());
      first.emplace_back();
      for (const row_cell& cell : reader.cells()) {
        first.back().emplace_back(cell.text);
      }
      if (first.size() == 10) {
        chosen = true;
        choose();
      }
    }
  };
  for (std::string line; std::getline(file, line);) {
    reader.feed(line);
    take_rows();
  }
  reader.finish();
  take_rows();
  if (!chosen) {
    choose();
  }
  clock.settle();
  found.step = clock.step();
  found.said = column.description(reader.fields());
  return found;
}

constexpr double november = 1700000000; // 2023-11-14 22:13:20, where many of them begin
constexpr double july = 1467331200;     // 2016-07-01
constexpr double march = 1709251200;    // 2024-03-01

struct expectation {
  const char* file;
  double first;
  double step;
  std::uint64_t missing = 0;
  std::uint64_t unknown = 0;
};

} // namespace

TEST_CASE("times of real tools are what a person would read", "[stream]") {
  const char* const folder = std::getenv("HANAMI_CASES_DIR");
  if (folder == nullptr) {
    hanami_test::skip("HANAMI_CASES_DIR is not set");
    return;
  }
  constexpr double offset = 5.5 * 3600;
  for (const expectation& expected :
       std::vector<expectation>{{"tn_@timestamp.csv", november, 60},
                                {"tn_DateTime.csv", november, 60},
                                {"tn_Time-[s].csv", november, 60},
                                {"tn_Timestamp-(UTC).csv", november, 60},
                                {"tn___REALTIME_TIMESTAMP.csv", november, 60},
                                {"tn__time.csv", november, 60},
                                {"tn_elapsed.csv", november, 60},
                                {"tn_epoch.csv", november, 60},
                                {"tn_tst.csv", november, 60},
                                {"tn_zeit.csv", november, 60},
                                {"collectd.csv", november + 0.79, 10.001},
                                {"headless_epoch.csv", november, 60},
                                {"mosq_I.csv", november - offset, 60},
                                {"mosq_Itp.csv", november - offset, 60},
                                {"mosq_U.csv", november + 0.934018425, 60},
                                {"hash_header.csv", november, 60},
                                {"ts_two_times.csv", november, 60},
                                {"Year_time.csv", -2208988800, 31536000},
                                {"year.csv", -2208988800, 31536000},
                                {"msepoch.csv", november, 60},
                                {"msepoch.json", november, 60},
                                {"jsontime_s_us.json", november, 60},
                                {"numeric_text_time.json", november, 60.000001},
                                {"influx.csv", november, 10},
                                {"julian.csv", 1700006400, 60},
                                {"days.csv", 1699920000, 86400},
                                {"time_ms.csv", july, 3600},
                                {"time_us.csv", july, 3600},
                                {"time_excel.csv", july, 3600},
                                {"time_yyyymmdd.csv", 1546300800, 86400},
                                {"time_iso_date.csv", 1546300800, 86400},
                                {"month3.csv", 946684800, 2678400},
                                {"ampm.csv", november, 60},
                                {"iso_ampm.csv", november, 3600},
                                {"time_ampm.csv", july, 3600},
                                {"basic_iso.csv", november, 60},
                                {"time_basic.csv", july, 3600},
                                {"min_Z.csv", november - 20, 60},
                                {"time_iso_Z.csv", july, 3600},
                                {"time_iso_minutes_Z.csv", july, 3600},
                                {"time_iso_hour.csv", july, 3600},
                                {"clock_only.csv", 80000, 60},
                                {"german_date.csv", november, 60},
                                {"time_german_dots.csv", july, 3600},
                                {"slash_date.csv", november, 60},
                                {"time_slash_ymd.csv", july, 3600},
                                {"time_unpadded.csv", july, 3600},
                                {"time_double_space.csv", july, 3600},
                                {"date_and_time.csv", november, 60},
                                {"date_and_time_num.csv", november - 800, 3600},
                                {"space_sep.txt", november, 60},
                                {"semicolon_decimal_comma.csv", july, 3600},
                                {"tz_dst.csv", 1711832400, 600},
                                {"mixed_step.csv", november, 0.01},
                                {"step_even.csv", march, 600},
                                {"step_longer.csv", march, 600},
                                {"gap_4_days.csv", march, 300, 1152},
                                {"gap_units.csv", november, 60, 1440},
                                {"restart_clock.csv", 0, 60},
                                {"backwards.csv", november, 0},
                                {"same_time.csv", november, 0},
                                {"dup_time.csv", november, 0.5},
                                {"dup_rows.csv", march, 30},
                                {"event_driven.csv", march, 0},
                                {"uptime_reset.csv", 5, 60},
                                {"pandas_index.csv", november - 3600, 60},
                                {"b_pandas_index.csv", july, 3600},
                                {"csv_time_NA.csv", november, 60, 0, 1},
                                {"json_time_missing.json", november + 60, 60, 0, 30},
                                {"json_time_absent_first.json", november + 120, 60, 0, 2},
                                {"gpsd.json", november, 1, 0, 1},
                                {"tpv_nofix.json", november + 3, 1, 0, 3},
                                {"rtl433_csvlike.csv", november, 60},
                                {"rtl_same_time.json", 0, 0},
                                {"nul_in_time.csv", november, 60.000001},
                                {"sigrok_time.csv", 0.001, 0.001},
                                {"dupnames.csv", 0.001, 0.001},
                                {"b_bom.csv", july, 3600},
                                {"sadf.csv", november, 60},
                                {"rrdgraph.csv", november, 60},
                                {"bool.csv", november, 60}}) {
    const auto path = std::filesystem::path(folder) / expected.file;
    if (!std::filesystem::exists(path)) {
      continue;
    }
    const found_times found = read_times(path);
    INFO(expected.file << ": " << found.said << ", " << found.rows << " rows");
    CHECK(found.first == Approx(expected.first).margin(1e-3).epsilon(0));
    CHECK(found.step == Approx(expected.step).epsilon(2e-4));
    CHECK(found.missing == expected.missing);
    CHECK(found.unknown == expected.unknown);
  }
}
