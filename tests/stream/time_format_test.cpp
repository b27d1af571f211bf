// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/time_format.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/archive.hpp>

#include "support/written_time.hpp"

using namespace hanami;
using hanami_test::write_time;

namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

double seconds(const std::optional<time_reading>& said) {
  return said ? static_cast<double>(said->seconds) + said->part : std::nan("");
}

/// Times from 1970 to 2068, so that short years are what they seem.
std::int64_t any_time(std::uint64_t draw) {
  return static_cast<std::int64_t>(
      (0.5 + 0.5 * static_cast<double>(random_signed_unit(3, 5, draw))) * 3.1e9);
}

} // namespace

TEST_CASE("times are read as they stand in recordings", "[stream]") {
  CHECK(parse_time("1970-01-01") == 0);
  CHECK(parse_time("1970-01-02 00:00:01") == 86401);
  CHECK(parse_time("2016-07-01T13:05:00.25") == 1467378300.25);
  CHECK(parse_time("2016-07-01 13:05") == 1467378300);
  CHECK(parse_time("2016-02-29 00:00:00Z") == 1456704000);
  CHECK(parse_time("1467378300.5") == 1467378300.5);
  CHECK(parse_time("-3") == -3);
}

TEST_CASE("what is no time is not known", "[stream]") {
  for (const std::string_view text : {"",
                                      "yesterday",
                                      "2016-02-30",
                                      "2016-13-01",
                                      "2016-07-01 25:00",
                                      "2016-07-01 10:xx",
                                      "2016-07-",
                                      "2016-07-01 24:01",
                                      "2016-07-01 13:60",
                                      "2016-07-01 13:05:61",
                                      "inf",
                                      "nan",
                                      "1e999",
                                      "20 C",
                                      "'0s'0s",
                                      "20 s 30 s",
                                      "192.168.1.17",
                                      "10.0.0.1",
                                      "1-2-3-4",
                                      "v1.2.3",
                                      "2016-W54-1",
                                      "2015-366",
                                      "2016-07-01 13:05:20 in the afternoon",
                                      "31.02.2016",
                                      "0x1f",
                                      "12:30:20:1:2",
                                      "1:2:3:4:5",
                                      "2016-07-01T13:05:00+25:00",
                                      "Jul",
                                      "Monday",
                                      "13 o'clock",
                                      "2016-06-31",
                                      "--",
                                      ":",
                                      "T"}) {
    INFO(text);
    CHECK(std::isnan(parse_time(text)));
  }
}

TEST_CASE("every form of ISO 8601 and RFC 3339 is read", "[stream]") {
  const double noon = 1467378300; // 2016-07-01 13:05:00
  using pair = std::pair<std::string_view, double>;
  for (const auto& [text, time] : {pair{"2016-07-01T13:05:00Z", noon},
                                   pair{"2016-07-01t13:05:00z", noon},
                                   pair{"2016-07-01T13:05Z", noon},
                                   pair{"2016-07-01T13:05:00+02:00", noon - 7200},
                                   pair{"2016-07-01T13:05:00-0330", noon + 12600},
                                   pair{"2016-07-01T13:05:00+05", noon - 18000},
                                   pair{"2016-07-01T13:05:00.123456789Z", noon + 0.123456789},
                                   pair{"2016-07-01T13:05:00,5", noon + 0.5},
                                   pair{"20160701T1305", noon},
                                   pair{"20160701T130500Z", noon},
                                   pair{"20160701T130500.5+0200", noon - 7199.5},
                                   pair{"20160701T13", noon - 300},
                                   pair{"2016-07-01T13", noon - 300},
                                   pair{"2016-W26-5T13:05:00", noon},
                                   pair{"2016W265T130500", noon},
                                   pair{"2016-183T13:05:00", noon},
                                   pair{"2016183", noon - 47100},
                                   pair{"2016-07-01T24:00:00", noon + 39300},
                                   pair{"2016-06-30T23:59:60Z", noon - 47100},
                                   pair{"2016-07-01T13:05.5", noon + 30},
                                   pair{"2016-07", noon - 47100},
                                   pair{"2016-07-01T13:05:00+02:00[Europe/Berlin]", noon - 7200},
                                   pair{"2016-07-01 13:05:00 UTC", noon},
                                   pair{"2016-07-01 13:05:00 +0200 CEST", noon - 7200},
                                   pair{"2016-07-01  13:05:00", noon},
                                   pair{" 2016-7-1 13:5:0 ", noon},
                                   pair{"\"2016-07-01 13:05:00\"", noon}}) {
    INFO(text);
    const time_format form;
    const auto said = time_format(form).read(text);
    REQUIRE(said);
    CHECK(seconds(said) == Approx(time).margin(1e-6).epsilon(0));
    CHECK(said->dated);
  }
}

TEST_CASE("times of tools and of many countries are read", "[stream]") {
  const double noon = 1467378320; // 2016-07-01 13:05:20
  using pair = std::pair<std::string_view, double>;
  for (const auto& [text, time] :
       {pair{"20160701:1305", noon - 20},
        pair{"20160701:13:05:20", noon},
        pair{"2016m7", noon - 47120},
        pair{"2016M07", noon - 47120},
        pair{"2016-M07", noon - 47120},
        pair{"Fri, 01 Jul 2016 13:05:20 +0200", noon - 7200},
        pair{"Fri Jul  1 13:05:20 2016", noon},
        pair{"Fri Jul  1 13:05:20 UTC 2016", noon},
        pair{"Fri Jul  1 13:05:20 CEST 2016", noon - 7200},
        pair{"[01/Jul/2016:13:05:20 -0700]", noon + 25200},
        pair{"01-Jul-2016 13:05:20", noon},
        pair{"01-JUL-16 01.05.20.000000 PM", noon},
        pair{"01JUL2016:13:05:20", noon},
        pair{"01JUL16:13:05:20", noon},
        pair{"2016-07-01 13:05:20.0 +0000 UTC m=+0.001", noon},
        pair{"01.07.2016 13:05:20 - 01.07.2016 14:05:20", noon},
        pair{"2016-07-01T13:05:20Z/2016-07-01T14:05:20Z", noon},
        pair{"7/1/2016 1:05:20 PM", noon},
        pair{"13/07/2016 1:05:20 p.m.", noon + 12 * 86400},
        pair{"2016/07/01 13:05:20", noon},
        pair{"01.07.2016 13:05:20", noon},
        pair{"1.7.2016, 13:05:20 Uhr", noon},
        pair{"1. Juli 2016 13:05:20", noon},
        pair{"Fr., 1. Juli 2016 13:05:20", noon},
        pair{"1 juillet 2016 13:05:20", noon},
        pair{"1 de julio de 2016, 13:05:20", noon},
        pair{"01/07/2016 13.05.20", noon},
        pair{"2016年7月1日 13:05:20", noon},
        pair{"2016年07月01日 13时05分20秒", noon},
        pair{"2016-07-01_13-05-20", noon},
        pair{"2016-07-01-13-05-20", noon},
        pair{"20160701_130520", noon},
        pair{"2016:07:01 13:05:20", noon},
        pair{"13:05:20 01.07.2016", noon},
        pair{"Friday, July 1, 2016 1:05:20 PM", noon},
        pair{"16-07-01 13:05:20", noon},
        pair{"@1467378320", noon},
        pair{"1467378320:", noon},
        pair{"1467378320.0s", noon},
        pair{"1,467378320e9", noon},
        pair{"Fri Jul 01 2016 13:05:20 GMT+0200 (Central European Summer Time)", noon - 7200}}) {
    INFO(text);
    CHECK(parse_time(text) == time);
  }
}

TEST_CASE("clocks without a date and dates without a clock or a year say so", "[stream]") {
  using pair = std::pair<std::string_view, double>;
  for (const auto& [text, time] :
       {pair{"13:05:20", 47120.0}, pair{"13:05", 47100.0}, pair{"13:05:20.25", 47120.25},
        pair{"13:05:20,25", 47120.25}, pair{"13:05:20:250", 47120.25}, pair{"1:05 pm", 47100.0},
        pair{"12:30 AM", 1800.0}, pair{"12:30 PM", 45000.0}, pair{"05:20.3", 320.3},
        pair{"123:05:20", 443120.0}, pair{"13h05", 47100.0}, pair{"13h05m20s", 47120.0},
        pair{"18.30.00", 66600.0}, pair{"1 days 02:03:04", 93784.0}, pair{"1.02:03:04", 93784.0},
        pair{"1-02:03:04", 93784.0}, pair{"24:00", 86400.0}}) {
    INFO(text);
    time_format form;
    const auto said = form.read(text);
    REQUIRE(said);
    CHECK(seconds(said) == Approx(time).epsilon(1e-15));
    CHECK_FALSE(said->dated);
    CHECK(said->clocked);
  }
  for (const std::string_view text :
       {"Q3 2016", "2016-Q3", "2016Q3", "Jul 2016", "07/2016", "Jul-16"}) {
    INFO(text);
    const auto month = time_format().read(text);
    REQUIRE(month);
    CHECK(month->seconds == 1467331200);
    CHECK_FALSE(month->clocked);
  }
  const auto syslog = time_format().read("Jul  1 13:05:20");
  REQUIRE(syslog);
  CHECK(syslog->yearless);
}

TEST_CASE("what is written in a form is found and read back, row after row", "[stream]") {
  for (const std::string_view written : {"%Y-%m-%d %H:%M:%S",
                                         "%Y-%m-%dT%H:%M:%S%z",
                                         "%Y-%m-%dT%H:%M:%S.%6Z",
                                         "%Y/%m/%d %H:%M",
                                         "%Y%m%dT%H%M%S",
                                         "%Y%m%d%H%M%S",
                                         "%Y%m%d%H%M",
                                         "%Y%m%d %H:%M:%S",
                                         "%d.%m.%Y %H:%M:%S",
                                         "%d.%m.%Y %H:%M",
                                         "%-d.%-m.%Y %-H:%M",
                                         "%d.%m.%y %H:%M:%S",
                                         "%d/%m/%Y %H:%M:%S",
                                         "%m/%d/%Y %H:%M:%S",
                                         "%m/%d/%Y %I:%M:%S %p",
                                         "%-m/%-d/%Y %-I:%M %p",
                                         "%m-%d-%Y %H:%M",
                                         "%d-%m-%Y %H:%M",
                                         "%d-%b-%Y %H:%M:%S",
                                         "%d-%b-%y %H:%M:%S",
                                         "%d %b %Y %H:%M:%S.%3",
                                         "%b %d, %Y %I:%M:%S %p",
                                         "%a, %d %b %Y %H:%M:%S %z",
                                         "%a %b %_d %H:%M:%S %Y",
                                         "%d/%b/%Y:%H:%M:%S %z",
                                         "%Y-%jT%H:%M:%S",
                                         "%Y-%m-%d %H:%M:%S,%3",
                                         "%y-%m-%d %H:%M:%S",
                                         "%Y.%m.%d %H.%M.%S",
                                         "%Y-%m-%d_%H-%M-%S",
                                         "%H:%M:%S %d.%m.%Y",
                                         "%Y年%-m月%-d日 %H:%M:%S",
                                         "%d/%m/%Y %H.%M.%S",
                                         "%Y-%m-%d",
                                         "%d.%m.%Y",
                                         "%Y%m%d",
                                         "%d-%b-%Y",
                                         "%Y-%m-%d %I:%M:%S %p"}) {
    for (std::uint64_t draw = 0; draw < 20; ++draw) {
      // hours for forms with a clock, so that some days pass; days for the others
      const bool clock = written.find("%M") != std::string_view::npos;
      const std::int64_t step = clock ? 5 * hour + 60 : day;
      const std::int64_t start = any_time(draw) / (clock ? 60 : day) * (clock ? 60 : day);
      time_format form;
      for (int pass = 0; pass < 2; ++pass) { // the second one knows what the texts have told
        form.begin_again();
        for (std::int64_t row = 0; row < 90; ++row) {
          const std::string text = write_time(written, start + row * step, row);
          INFO(written << ": " << text << " as " << form.pattern());
          const auto said = form.read(text);
          REQUIRE(said);
          if (pass == 1) {
            REQUIRE(seconds(said) ==
                    Approx(hanami_test::said_time(written, start + row * step, row))
                        .margin(1e-6)
                        .epsilon(0));
          }
        }
      }
    }
  }
}

TEST_CASE("day and month are told apart by the texts that follow", "[stream]") {
  const auto last_of = [](std::string_view written, std::int64_t start, std::int64_t step,
                          int rows) {
    time_format form;
    std::optional<time_reading> said;
    for (int row = 0; row < rows; ++row) {
      said = form.read(write_time(written, start + row * step, row));
    }
    REQUIRE(said);
    return said->seconds - start - (rows - 1) * step;
  };
  const std::int64_t july = 1467331200; // 2016-07-01
  for (const std::string_view written : {"%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M",
                                         "%m-%d-%Y %H:%M", "%d.%m.%y %H:%M", "%m/%d/%y %H:%M"}) {
    INFO(written);
    CHECK(last_of(written, july, hour, 30) == 0); // over one midnight
    CHECK(last_of(written, july, day, 3) == 0);
    CHECK(last_of(written, july + 12 * day, hour, 1) == 0); // no month is a thirteenth
  }
  CHECK(last_of("%m/%d/%Y", 1451606400, 366 * day / 12, 1) == 0);
  time_format form;
  CHECK(seconds(form.read("01/07/2016 23:00")) == 1452207600); // in January, as it seems
  CHECK_FALSE(form.turned());
  CHECK(seconds(form.read("02/07/2016 00:00")) == 1467417600);
  CHECK(form.turned());
  CHECK(form.ambiguous());
  CHECK(seconds(form.read("13/07/2016 00:00")) == 1468368000);
  CHECK_FALSE(form.turned());
  CHECK_FALSE(form.ambiguous());
}

TEST_CASE("a form that is given is the only one that is read", "[stream]") {
  time_format form("%d/%m/%Y %H:%M:%S.%f");
  CHECK(seconds(form.read("01/07/2016 13:05:20.5")) == 1467378320.5);
  CHECK(seconds(form.read("01/07/2016 13:05:20")) == 1467378320);
  CHECK(seconds(form.read("1/7/2016 13:05:20,25")) == 1467378320.25);
  CHECK_FALSE(form.read("2016-07-01 13:05:20"));
  using triple = std::tuple<const char*, const char*, double>;
  for (const auto& [pattern, text, time] :
       {triple{"%s", "1467378320", 1467378320.0},
        triple{"%F %T", "2016-07-01 13:05:20", 1467378320.0},
        triple{"%D %R", "07/01/16 13:05", 1467378300.0}, triple{"%Y%j", "2016183", 1467331200.0},
        triple{"%G-W%V", "2016-W26", 1467331200.0 - 4 * 86400},
        triple{"%b %Y", "Jul 2016", 1467331200.0},
        triple{"day %d of %m in %Y", "day 1 of 7 in 2016", 1467331200.0},
        triple{"%Y-%m-%dT%H:%M:%OS3%z", "2016-07-01T13:05:20.250+0200", 1467371120.25},
        triple{"%M:%S", "05:20", 320.0},
        triple{"%Y-%m-%d %l:%M %P", "2016-07-01  1:05 pm", 1467378300.0},
        triple{"%H:%M:%S:%f", "13:05:20:250", 47120.25},
        triple{"100%% %Y", "100% 2016", 1451606400.0}}) {
    INFO(pattern);
    time_format given{std::string(pattern)};
    CHECK(seconds(given.read(text)) == time);
  }
  for (const char* pattern : {"", "%", "%Q", "yyyy", "%p", "%Y-%V", "%G", "%%"}) {
    INFO(pattern);
    CHECK_THROWS_AS(time_format{std::string(pattern)}, error);
  }
}

TEST_CASE("a form in letters is refused with what strptime writes for it", "[stream]") {
  using pair = std::pair<const char*, const char*>;
  for (const auto& [letters, meant] :
       {pair{"yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S"},
        pair{"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S%z"},
        pair{"YYYY-MM-DD hh:mm", "%Y-%m-%d %H:%M"}, pair{"dd.MM.yy", "%d.%m.%y"},
        pair{"mm/dd/yyyy hh:mm AM/PM", "%m/%d/%Y %I:%M %p"},
        pair{"dd-MMM-yyyy h:mm:ss a", "%d-%b-%Y %I:%M:%S %p"},
        pair{"EEE, d MMM yyyy HH:mm:ss Z", "%a, %d %b %Y %H:%M:%S %z"}, pair{"HH:mm", "%H:%M"}}) {
    INFO(letters);
    CHECK_NOTHROW(time_format{std::string(meant)});
    CHECK_THROWS_WITH(time_format{std::string(letters)},
                      Catch::Contains("strptime writes it '" + std::string(meant) + "'"));
  }
  for (const char* none : {"foo", "iso8601", "yyyy", "%Q yyyy-MM-dd", "", "M", "pattern: dd MM"}) {
    INFO(none);
    CHECK_THROWS_WITH(time_format{std::string(none)}, Catch::Contains("known are %Y"));
  }
}

TEST_CASE("an offset behind a Z is the one that counts", "[stream]") {
  time_format form;
  CHECK(seconds(form.read("2016-07-01T13:05:20.250000Z+0200")) == 1467371120.25);
  CHECK(seconds(form.read("2016-07-01T13:05:20.250000Z+0000")) == 1467378320.25);
  CHECK(seconds(form.read("2016-07-01T13:05:20Z")) == 1467378320);
}

TEST_CASE("the first of each month is that in whichever order it is written", "[stream]") {
  for (const std::string written : {"%m/%d/%Y", "%d.%m.%Y", "%m/%d/%y", "%d-%m-%Y"}) {
    for (const bool padded : {true, false}) {
      INFO(written);
      time_format form;
      for (int month = 0; month < 30; ++month) {
        const std::chrono::sys_days first{std::chrono::year{2020 + month / 12} / (month % 12 + 1) /
                                          1};
        const std::int64_t time = first.time_since_epoch().count() * day;
        std::string text = write_time(written, time, 0);
        if (!padded && text[0] == '0') {
          text.erase(0, 1);
        }
        CHECK(seconds(form.read(text)) == static_cast<double>(time));
        CHECK_FALSE(form.turned());
      }
    }
  }
  time_format days; // from the first of January on, the day in front
  for (int row = 0; row < 40; ++row) {
    days.read(write_time("%d/%m/%Y", 1577836800 + row * day, row));
  }
  CHECK(days.pattern() == "%d/%m/%Y");
}

TEST_CASE("numbers keep every digit that a time has", "[stream]") {
  using detail::find_unit;
  const auto read = [](const char* text, const char* unit) {
    const auto number = detail::read_decimal(text);
    REQUIRE(number);
    const auto said = detail::reading_of(*number, *find_unit(unit));
    REQUIRE(said);
    return *said;
  };
  const time_reading nanoseconds = read("1700000000123456789", "ns");
  CHECK(nanoseconds.seconds == 1700000000);
  CHECK(nanoseconds.part == Approx(0.123456789).epsilon(1e-12));
  CHECK(read("1700000000123", "ms").part == Approx(0.123));
  CHECK(read("-1.5", "s").seconds == -2);
  CHECK(read("-1.5", "s").part == 0.5);
  CHECK(read("1.7e+12", "ms").seconds == 1700000000);
  CHECK(read("2457571.0451389", "julian").seconds == 1467378300);
  CHECK(read("42552.5451389", "excel").seconds == 1467378300);
  CHECK(read("57570.5", "mjd").seconds == 1467374400);
  CHECK(read("2016.5", "year").seconds == 1467417600);
  CHECK(read("16983", "d").seconds == 1467331200);
  CHECK(read("131118519000000000", "filetime").seconds == 1467378300);
  CHECK(read("636029751000000000", "ticks").seconds == 1467378300);
  CHECK_FALSE(detail::reading_of(*detail::read_decimal("1e300"), *find_unit("s")));
  CHECK_FALSE(detail::reading_of(*detail::read_decimal("1e300"), *find_unit("year")));
}

TEST_CASE("a zone reads local times, and a text that says its offset means that", "[stream]") {
  const time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
  const double noon = parse_time("2024-07-01 12:00:00");
  CHECK(parse_time("2024-07-01T12:00:00Z", berlin) == noon);
  CHECK(parse_time("2024-07-01T12:00:00.5+02:00", berlin) == noon - 7200 + 0.5);
  CHECK(parse_time("2024-07-01T12:00-0330", berlin) == noon + 12600);
  CHECK(parse_time("2024-07-01 12:00", berlin) == noon - 7200);
  CHECK(parse_time("1700000000.25", berlin) == 1700000000.25);
  CHECK(parse_time("2024-10-27 02:30:00", berlin, parse_time("2024-10-27 00:30:00Z")) ==
        parse_time("2024-10-27 01:30:00Z"));
  CHECK(std::isnan(parse_time("2024-07-01 12:00:00 in the afternoon", berlin)));
  CHECK(std::isnan(parse_time("yesterday", berlin)));
}

TEST_CASE("a saved form goes on as it was, and a damaged one is refused", "[stream]") {
  time_format form;
  form.read("01/07/2016 22:00");
  form.read("01/07/2016 23:00");
  archive_writer writer;
  writer(form);
  time_format again;
  archive_reader(writer.bytes())(again);
  CHECK(again.ambiguous());
  CHECK(seconds(again.read("02/07/2016 00:00")) == seconds(form.read("02/07/2016 00:00")));
  CHECK(again.pattern() == "%d/%m/%Y %H:%M");
  auto bytes = writer.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] = std::byte{'%'};
    time_format other;
    try {
      archive_reader reader(damaged);
      reader(other);
      other.read("01/07/2016 23:00");
    } catch (const error& refused) {
      CHECK(refused.code() == errc::invalid_checkpoint);
    }
  }
}
