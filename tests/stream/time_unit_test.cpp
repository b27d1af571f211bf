// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/time_column.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

#include "support/time_table.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

double noise(std::int64_t i) {
  return static_cast<double>(random_signed_unit(9, 1, static_cast<std::uint64_t>(i)));
}

} // namespace

TEST_CASE("numbers that only look like times are none", "[stream]") {
  using row = std::pair<const char*, std::string (*)(std::int64_t)>;
  for (const auto& [name, cell] :
       {row{"response_time", [](std::int64_t i) { return number(1 + noise(i), 3); }},
        row{"t", [](std::int64_t i) { return number(20 + noise(i), 1); }},
        row{"min", [](std::int64_t i) { return number(noise(i), 2); }},
        row{"rx_bytes", [](std::int64_t i) { return std::to_string(1500000000 + i * i * 12345); }},
        row{"id", [](std::int64_t) { return std::string("1467331200"); }},
        row{"version", [](std::int64_t i) { return "12.5." + std::to_string(i); }},
        row{"addr", [](std::int64_t i) { return "10.0.0." + std::to_string(i + 1); }},
        row{"data", [](std::int64_t i) { return number(noise(i), 4); }},
        row{"lifetime", [](std::int64_t i) { return number(5 + noise(i), 1); }},
        row{"code", [](std::int64_t i) { return std::to_string(20160701 + i); }},
        row{"i0", [](std::int64_t i) { return number(17053 + 40 * noise(i), 2); }},
        row{"birthdate",
            [](std::int64_t i) {
              return write_time("%Y-%m-%d", july + (i % 2 * 2 - 1) * 900 * day, i);
            }},
        row{"name", [](std::int64_t i) { return "station " + std::to_string(i); }}}) {
    INFO(name);
    table none({name, "v"});
    none.fill(20, [&, write = cell](std::int64_t i) { return texts{write(i), "1"}; });
    CHECK(std::isnan(none.times().front()));
    CHECK(none.said() == "no field is the time of rows");
    CHECK_FALSE(none.column.timed());
  }
}

TEST_CASE("the unit of numbers is found by their size and regularity", "[stream]") {
  struct kind {
    const char* name;
    const char* unit;  ///< as it is said
    double per_second; ///< units
    double zero;       ///< number at 1970
    std::int64_t step; ///< seconds
    int places;
  };
  for (const kind& k :
       {kind{"time", "seconds", 1, 0, 60, 0}, kind{"time", "seconds", 1, 0, 3600, 3},
        kind{"time", "milliseconds", 1e3, 0, 60, 0}, kind{"ts", "milliseconds", 1e3, 0, 1, 1},
        kind{"time", "microseconds", 1e6, 0, 60, 0}, kind{"time", "nanoseconds", 1e9, 0, 10, 0},
        kind{"timestamp", "days of a spreadsheet, since 1899-12-30", 1.0 / 86400, 25569, 3600, 8},
        kind{"timestamp", "days of a spreadsheet, since 1899-12-30", 1.0 / 86400, 25569, 300, 10},
        kind{"Date", "days of a spreadsheet, since 1899-12-30", 1.0 / 86400, 25569, 86400, 0},
        kind{"time", "Julian days", 1.0 / 86400, 2440587.5, 60, 8},
        kind{"julian", "Julian days", 1.0 / 86400, 2440587.5, 86400, 1},
        kind{"mjd", "modified Julian days", 1.0 / 86400, 40587, 8640, 5},
        kind{"date", "days", 1.0 / 86400, 0, 86400, 0},
        kind{"Timestamp", "units of 100 ns since 1601", 1e7, 116444736000000000, 60, 0},
        kind{"Timestamp", "units of 100 ns since the year 1", 1e7, 621355968000000000, 60, 0},
        kind{"time_us", "microseconds", 1e6, 0, 60, 0}}) {
    INFO(k.name << " in " << k.unit << ", " << k.step << " s a row");
    table column({k.name, "v"});
    column.fill(60, [&](std::int64_t i) {
      const std::int64_t time = july + k.step * i;
      const bool whole = k.per_second >= 1;
      const auto exact =
          static_cast<std::int64_t>(k.zero) + time * static_cast<std::int64_t>(k.per_second);
      return texts{
          whole
              ? std::to_string(exact) +
                    (k.places > 0 ? "." + std::string(static_cast<std::size_t>(k.places), '0') : "")
              : number(static_cast<double>(time) * k.per_second + k.zero, k.places),
          "1"};
    });
    CHECK(runs(column.times(), july, static_cast<double>(k.step),
               k.per_second < 1 ? 1e-3 + 86400 * std::pow(10, -k.places) : 1e-6));
    CHECK(column.said() == "the time is '" + std::string(k.name) + "', as " + k.unit);
  }
}

TEST_CASE("numbers since a start are in the unit that their name says, or seconds", "[stream]") {
  using pair = std::pair<const char*, double>;
  for (const auto& [name, second] :
       {pair{"time", 1}, pair{"Time [s]", 1}, pair{"time_ms", 1e-3}, pair{"elapsed (ms)", 1e-3},
        pair{"milliseconds", 1e-3}, pair{"t_us", 1e-6}, pair{"time [min]", 60}, pair{"minutes", 60},
        pair{"Time (h)", 3600}, pair{"hours", 3600}, pair{"days", 86400}, pair{"seconds", 1},
        pair{"uptime", 1}, pair{"t", 1}}) {
    INFO(name);
    table column({name, "v"});
    column.fill(30, [](std::int64_t i) { return texts{std::to_string(5 + 20 * i), "1"}; });
    CHECK(runs(column.times(), 5 * second, 20 * second));
  }
}

TEST_CASE("years, months and dates in digits are dates", "[stream]") {
  const auto start_of = [](table& column) { return column.times().front(); };
  for (const char* name : {"year", "date", "Year", "time"}) {
    table years({name, "temp"});
    years.fill(60, [](std::int64_t i) { return texts{std::to_string(1900 + i), "20"}; });
    CHECK(start_of(years) == -2208988800);
    CHECK(years.said() == "the time is '" + std::string(name) + "', as years");
  }
  table parts({"time", "v"}); // as R writes months
  parts.fill(60, [](std::int64_t i) {
    return texts{number(1949 + static_cast<double>(i) / 12, 4), "1"};
  });
  const auto months = parts.times();
  CHECK(months[12] - months[0] == Approx(365 * day));
  for (const char* form : {"%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y-%m-%d"}) {
    INFO(form);
    table dates({"date", "v"});
    dates.fill(60, [&](std::int64_t i) { return texts{write_time(form, july + day * i, i), "1"}; });
    CHECK(runs(dates.times(), july, day));
    CHECK(dates.said() == "the time is 'date', as " + std::string(form));
  }
  table ordinal({"date", "v"});
  ordinal.fill(30, [](std::int64_t i) { return texts{std::to_string(2016183 + i), "1"}; });
  CHECK(runs(ordinal.times(), july, day));
  table month({"month", "v"});
  month.fill(30, [](std::int64_t i) {
    return texts{std::to_string(2016 + i / 12) + (i % 12 < 9 ? "-0" : "-") +
                     std::to_string(i % 12 + 1),
                 "1"};
  });
  const auto of_months = month.times();
  CHECK(of_months[12] - of_months[0] == 366 * day);
}

TEST_CASE("a date and a clock in two fields are one time", "[stream]") {
  using form = std::array<const char*, 4>;
  for (const auto& [date_name, clock_name, date, clock] :
       {form{"Date", "Time", "%Y-%m-%d", "%H:%M:%S"}, form{"Datum", "Uhrzeit", "%d.%m.%Y", "%H:%M"},
        form{"Date", "Heure", "%d/%m/%Y", "%H:%M:%S"}, form{"fecha", "hora", "%d/%m/%Y", "%H:%M"},
        form{"date", "time", "%m/%d/%Y", "%H%M"}, form{"YYYYMMDD", "hhmm", "%Y%m%d", "%H%M"},
        form{"<DATE>", "<TIME>", "%Y%m%d", "%H%M%S"}, form{"DATE", "HHMM", "%Y%m%d", "%H%M"},
        form{"date", "time", "%m/%d/%Y", "%I:%M %p"}, form{"Date", "Time", "%d/%m/%Y", "%H.%M.%S"},
        form{"column_1", "column_2", "%Y-%m-%d", "%H:%M:%S"},
        form{"day", "clock", "%d-%b-%Y", "%H:%M"}}) {
    for (const bool swapped : {false, true}) {
      INFO(date_name << " " << clock_name << " " << date << " " << clock);
      table two(swapped ? texts{clock_name, date_name, "v"} : texts{date_name, clock_name, "v"});
      two.fill(40, [&, d = date, c = clock](std::int64_t i) {
        const std::int64_t time = july + 20 * 3600 + 600 * i;
        const std::string first = write_time(d, time, i);
        const std::string second = write_time(c, time, i);
        return swapped ? texts{second, first, "1"} : texts{first, second, "1"};
      });
      const auto times = two.times();
      CHECK(runs(times, july + 20 * 3600, 600));
      CHECK((two.column.is_time(0) && two.column.is_time(1)));
    }
  }
  table hours({"date", "hour", "v"});
  hours.fill(40, [](std::int64_t i) {
    return texts{write_time("%Y-%m-%d", july + 3600 * i, i), write_time("%H", july + 3600 * i, i),
                 "1"};
  });
  CHECK(runs(hours.times(), july, 3600));
  CHECK(hours.column.text(hours.rows[3]) == "2016-07-01 03");
}

TEST_CASE("year, month, day and hour in fields of their own are one time", "[stream]") {
  table parts({"No", "year", "month", "day", "hour", "pm2.5"});
  parts.fill(60, [](std::int64_t i) {
    const std::int64_t time = july + 20 * 3600 + 3600 * i;
    return texts{std::to_string(i + 1),      write_time("%Y", time, i),  write_time("%-m", time, i),
                 write_time("%-d", time, i), write_time("%-H", time, i), "NA"};
  });
  CHECK(runs(parts.times(), july + 20 * 3600, 3600));
  CHECK_FALSE(parts.column.is_time(0));
  CHECK_FALSE(parts.column.is_time(5));
  CHECK(parts.said() ==
        "the time is 'year' with 'month' with 'day' with 'hour', as year month day hour");
}

TEST_CASE("clocks without a date go on at midnight, and those that count time go on for ever",
          "[stream]") {
  for (const char* form : {"%H:%M:%S", "%H:%M", "%I:%M %p"}) {
    table clock({"time", "v"});
    clock.fill(3000, [&](std::int64_t i) {
      return texts{write_time(form, july + 79980 + 60 * i, i), "1"};
    });
    CHECK(runs(clock.times(), 79980, 60));
  }
  table passed({"elapsed", "v"});
  passed.fill(3000, [](std::int64_t i) {
    return texts{
        std::to_string(i / 60) + (i % 60 < 10 ? ":0" : ":") + std::to_string(i % 60) + ":00", "1"};
  });
  CHECK(runs(passed.times(), 0, 60));
  table syslog({"when", "v"});
  syslog.fill(120, [](std::int64_t i) {
    return texts{write_time("%b %_d %H:%M:%S", july + 183 * day + 82800 + 60 * i, i), "1"};
  });
  const auto times = syslog.times();
  CHECK(runs(times, times.front(), 60));
}

TEST_CASE("neighbours of a few nanoseconds stay apart and in order", "[stream]") {
  table fast({"timestamp", "v"});
  fast.fill(1000, [](std::int64_t i) {
    return texts{std::to_string(1700000000123456789 + 100 * i), "1"};
  });
  const auto times = fast.times();
  for (std::size_t i = 1; i < times.size(); ++i) {
    REQUIRE(times[i] - times[i - 1] == Approx(100e-9).epsilon(1e-2));
  }
  // by whole weeks: hour and weekday are what they were
  CHECK(std::fmod(1700000000 - std::floor(times[0]), 7 * 86400) == 0);
}
