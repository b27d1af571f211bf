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

#include <hanami/io/archive.hpp>

#include "support/time_table.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("the time is found by its name, however that is written", "[stream]") {
  for (const char* name : {"time",
                           "Time",
                           "TIME",
                           "timestamp",
                           "Timestamp",
                           "TimeStamp",
                           "time_stamp",
                           "@timestamp",
                           "_time",
                           "DateTime",
                           "date_time",
                           "Date/Time",
                           "Date Time",
                           "Time [s]",
                           "Time (s)",
                           "time(UTC)",
                           "Timestamp (UTC)",
                           "timestamp_ms",
                           "__REALTIME_TIMESTAMP",
                           "epoch",
                           "unix_time",
                           "UnixTime",
                           "tst",
                           "ts",
                           "zeit",
                           "Zeit",
                           "Zeitstempel",
                           "Datum",
                           "fecha",
                           "Fecha",
                           "date",
                           "when",
                           "created_at",
                           "createdAt",
                           "updated_at",
                           "measured_at",
                           "recorded_at",
                           "event_time",
                           "log_time",
                           "sample_time",
                           "gps_time",
                           "utc_time",
                           "local time",
                           "frame.time_epoch",
                           "payload.time",
                           "Time.local",
                           "horodatage",
                           "时间",
                           "日時",
                           "Дата",
                           "t",
                           "elapsed",
                           "uptime",
                           "<DATE>",
                           "#time",
                           "\"time\""}) {
    INFO(name);
    table found({"value", name, "other"});
    found.fill(20, [](std::int64_t i) { return texts{"20.5", iso_and_value(i).front(), "7"}; });
    CHECK(runs(found.times(), july, 60));
    CHECK(found.column.is_time(1));
    CHECK_FALSE(found.column.is_time(0));
    // and as seconds since 1970, unless the name says another unit
    table plain({"value", name});
    plain.fill(20, [](std::int64_t i) { return texts{"20.5", std::to_string(july + 60 * i)}; });
    const double unit = std::string_view(name) == "timestamp_ms" ? 1000 : 1;
    CHECK(runs(plain.times(), july / unit, 60 / unit));
  }
}

TEST_CASE("of several times one is taken, and the rest is none", "[stream]") {
  table two({"date", "timestamp", "v"});
  two.fill(20, [](std::int64_t i) {
    return texts{iso_and_value(i).front(), std::to_string(july + 60 * i), "1"};
  });
  CHECK(runs(two.times(), july, 60));
  CHECK(two.said() == "the time is 'timestamp', as seconds");
  table index({"", "time", "v"});
  index.fill(20, [](std::int64_t i) {
    return texts{std::to_string(i), iso_and_value(i).front(), "1"};
  });
  CHECK(runs(index.times(), july, 60));
  CHECK(index.said() == "the time is 'time', as %Y-%m-%d %H:%M:%S");
}

TEST_CASE("values that are times are found without a name", "[stream]") {
  for (const char* name : {"", "column_1", "Unnamed: 0", "stamp_of_row", "period"}) {
    INFO(name);
    table dated({name, "v"});
    CHECK(runs(dated.fill(20, iso_and_value).times(), july, 60));
    table seconds({name, "v"});
    seconds.fill(20, [](std::int64_t i) {
      return texts{std::to_string(july + 60 * i) + ".934018425", "1"};
    });
    CHECK(runs(seconds.times(), static_cast<double>(july) + 0.934018425, 60));
  }
}

TEST_CASE("dates and clocks in digits are found without names", "[stream]") {
  table both({"column_1", "column_2", "column_3"});
  both.fill(100, [](std::int64_t i) {
    const std::int64_t time = july + 60 * i;
    return texts{write_time("%Y%m%d", time, i), write_time("%H%M%S", time, i), "5"};
  });
  CHECK(runs(both.times(), july, 60));
  table days({"column_1", "column_2"});
  days.fill(30, [](std::int64_t i) { return texts{write_time("%Y%m%d", july + day * i, i), "5"}; });
  CHECK(runs(days.times(), july, day));
  table counts({"column_1", "column_2"});
  counts.fill(30, [](std::int64_t i) { return texts{"20160701", std::to_string(235959 - i)}; });
  CHECK(std::isnan(counts.times().front()));
}

TEST_CASE("a unit may stand behind the number, apart or not", "[stream]") {
  for (const char* unit : {"s", " s"}) {
    table passed({"time", "v"});
    passed.fill(30, [&](std::int64_t i) {
      return texts{std::to_string(i / 2) + (i % 2 == 0 ? ".0" : ".5") + unit, "1"};
    });
    CHECK(runs(passed.times(), 0, 0.5));
  }
}

TEST_CASE("a time that cannot be read is not known, and so is one that is not there", "[stream]") {
  table damaged({"time", "v"});
  damaged.fill(30, [](std::int64_t i) {
    return i == 5   ? texts{"half past nine", "1"}
           : i == 6 ? texts{"NA", "1"}
           : i == 7 ? texts{"", "1"}
           : i == 8 ? texts{}
                    : iso_and_value(i);
  });
  const auto times = damaged.times();
  CHECK(times[4] == july + 240);
  CHECK(times[9] == july + 540);
  for (const std::size_t row : {5U, 6U, 7U, 8U}) {
    const row_time said = damaged.column.read(damaged.rows[row]);
    CHECK(std::isnan(said.seconds));
    CHECK(said.what == (row == 5 ? row_time::state::unreadable : row_time::state::absent));
  }
  table strange({"time", "v"});
  strange.fill(30, [](std::int64_t) { return texts{"half past nine", "1"}; });
  CHECK(std::isnan(strange.times().front()));
  CHECK(strange.column.timed());
  CHECK(strange.column.read(strange.rows[0]).what == row_time::state::unreadable);
}

TEST_CASE("forms that change in the middle are read, too", "[stream]") {
  table mixed({"time", "v"});
  mixed.fill(40, [](std::int64_t i) {
    return texts{i < 15   ? write_time("%Y-%m-%d %H:%M:%S", july + 60 * i, i)
                 : i < 30 ? write_time("%Y-%m-%dT%H:%M:%S.%3Z", july + 60 * i, 0)
                          : std::to_string(july + 60 * i),
                 "1"};
  });
  CHECK(runs(mixed.times(), july, 60));
}

TEST_CASE("offsets count, and with a zone local times become UTC", "[stream]") {
  const time_zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
  const std::int64_t spring = 1711832400; // 2024-03-30 22:00 +01:00
  const auto local = [&](std::int64_t time) {
    return time + berlin.offset(static_cast<double>(time));
  };
  table offsets({"time", "v"});
  offsets.fill(60, [&](std::int64_t i) {
    const std::int64_t time = spring + 600 * i;
    return texts{write_time("%Y-%m-%d %H:%M:%S", local(time), i) +
                     (local(time) - time == 3600 ? "+01:00" : "+02:00"),
                 "1"};
  });
  CHECK(runs(offsets.times(), spring, 600));
  for (const std::int64_t start : {spring, std::int64_t{1729980000}}) { // and a night of autumn
    table zoned({"time", "v"}, {.zone = berlin});
    zoned.fill(60, [&](std::int64_t i) {
      return texts{write_time("%d.%m.%Y %H:%M", local(start + 600 * i), i), "1"};
    });
    CHECK(runs(zoned.times(), static_cast<double>(start), 600));
  }
  table utc({"Timestamp (UTC)", "v"}, {.zone = berlin});
  CHECK(runs(utc.fill(20, iso_and_value).times(), july, 60));
  CHECK(utc.said() == "the time is 'Timestamp (UTC)', as %Y-%m-%d %H:%M:%S, of UTC");
  table ahead({"Date Time, GMT+02:00", "v"});
  CHECK(runs(ahead.fill(20, iso_and_value).times(), july, 60));
  CHECK(ahead.said() == "the time is 'Date Time, GMT+02:00', as %Y-%m-%d %H:%M:%S");
}

TEST_CASE("what is given is taken", "[stream]") {
  table named({"time", "when", "v"}, {.field = "when"});
  named.fill(20, [](std::int64_t i) { return texts{"x", std::to_string(i), "1"}; });
  CHECK(runs(named.times(), 0, 1));
  table unit({"time", "v"}, {.unit = "min"});
  unit.fill(20, [](std::int64_t i) { return texts{std::to_string(i), "1"}; });
  CHECK(runs(unit.times(), 0, 60));
  table form({"stamp", "v"}, {.field = "stamp", .format = "%d|%m|%Y %H-%M"});
  form.fill(20, [](std::int64_t i) {
    return texts{write_time("%d|%m|%Y %H-%M", july + 60 * i, i), "1"};
  });
  CHECK(runs(form.times(), july, 60));
  table joined({"d", "x", "c"}, {.field = "D+C"});
  joined.fill(20, [](std::int64_t i) {
    return texts{write_time("%d.%m.%Y", july + 60 * i, i), "1",
                 write_time("%H:%M", july + 60 * i, i)};
  });
  CHECK(runs(joined.times(), july, 60));
  table none({"time", "v"}, {.field = "none"});
  CHECK(std::isnan(none.fill(20, iso_and_value).times().front()));
  CHECK(none.said() == "rows have no time, as told");
  table missing({"a", "b"}, {.field = "when"});
  CHECK_THROWS_WITH(missing.times(), Catch::Contains("no field 'when'") && Catch::Contains("a, b"));
  CHECK_THROWS_AS(time_column({.format = "%Q"}), error);
  CHECK_THROWS_WITH(time_column({.unit = "fortnights"}), Catch::Contains("ms"));
}

TEST_CASE("a field that comes later is the time, if its name says so", "[stream]") {
  table late({"mode"});
  late.fill(3, [](std::int64_t) { return texts{"1"}; });
  late.times();
  CHECK_FALSE(late.column.timed());
  late.names = {"mode", "lat", "time"};
  CHECK(late.column.add_fields(late.names));
  CHECK(late.column.is_time(2));
  const texts row{"3", "48.0", "2016-07-01T00:01:00.000Z"};
  CHECK(late.column.read(row).seconds == july + 60);
  CHECK_FALSE(late.column.add_fields(late.names));
  table other({"mode"});
  other.times();
  other.names = {"mode", "t"};
  CHECK_FALSE(other.column.add_fields(other.names));
}

TEST_CASE("a wrong order of day and month is put right, and that is said", "[stream]") {
  table order({"time", "v"});
  order.fill(60, [](std::int64_t i) {
    return texts{write_time("%d/%m/%Y %H:%M", july + 3600 * i, i), "1"};
  });
  for (std::size_t i = 0; i < 10; ++i) {
    order.column.look(order.names, order.rows[i]);
  }
  order.column.choose(order.names);
  std::size_t corrected = 0;
  for (std::size_t i = 0; i < order.rows.size(); ++i) {
    const row_time said = order.column.read(order.rows[i]);
    corrected += said.corrected ? 1U : 0U;
    CHECK((i < 24 ||
           said.seconds == static_cast<double>(july + 3600 * static_cast<std::int64_t>(i))));
  }
  CHECK(corrected == 1);
  CHECK(order.said() == "the time is 'time', as %d/%m/%Y %H:%M");
}

TEST_CASE("it is known when no more rows are needed for the choice", "[stream]") {
  table clear({"timestamp", "v"});
  clear.column.look(clear.names, iso_and_value(0));
  CHECK(clear.column.sure(clear.names));
  table vague({"time", "v"});
  vague.column.look(vague.names, texts{"01/07/2016 13:05", "1"});
  CHECK_FALSE(vague.column.sure(vague.names));
  table plain({"time", "v"});
  plain.column.look(plain.names, texts{"5", "1"});
  CHECK_FALSE(plain.column.sure(plain.names));
  CHECK(time_column({.field = "none"}).sure(plain.names));
}

TEST_CASE("a saved column goes on exactly, and a made-up one is refused", "[stream]") {
  for (const char* form : {"%H:%M:%S", "%d/%m/%Y %H:%M", "%b %d %H:%M:%S"}) {
    table before({"time", "v"}, {.zone = time_zone("CET-1CEST,M3.5.0,M10.5.0/3")});
    before.fill(100, [&](std::int64_t i) {
      return texts{write_time(form, july + 82800 + 600 * i, i), "1"};
    });
    const auto times = before.times();
    table saved = before;
    saved.times();
    table half = before;
    half.column = time_column(time_options{.zone = time_zone("CET-1CEST,M3.5.0,M10.5.0/3")});
    const std::vector<texts> rest(half.rows.begin() + 50, half.rows.end());
    half.rows.resize(50);
    half.times();
    archive_writer writer;
    writer(half.column);
    time_column again;
    archive_reader reader(writer.bytes());
    reader(again);
    CHECK(again.description(half.names) == half.said());
    for (std::size_t i = 0; i < rest.size(); ++i) {
      REQUIRE(again.read(rest[i]).seconds == times[50 + i]);
    }
    auto bytes = writer.bytes();
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      auto damaged = bytes;
      damaged[i] ^= std::byte{0x55};
      time_column other;
      try {
        archive_reader from(damaged);
        from(other);
        other.read(rest[0]);
        other.description(half.names);
      } catch (const error& refused) {
        CHECK(refused.code() == errc::invalid_checkpoint);
      }
    }
  }
}
