// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/stream/stream_session.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/json.hpp>

#include "service/support/refusal_of.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::streams;

namespace {

std::string time_of(int i) {
  const int minutes = i % 60;
  const int hours = i / 60;
  const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return "2026-01-" + two(1 + hours / 24) + "T" + two(hours % 24) + ":" + two(minutes) + ":00Z";
}

double wave(int i) { return 20 + 5 * std::sin(i * 0.1); }

std::string json_row(int i, double value, const std::string& device = {}) {
  return R"({"ts":")" + time_of(i) + R"(","celsius":)" + std::to_string(value) + R"(,"hPa":)" +
         std::to_string(1000 + wave(i + 7)) +
         (device.empty() ? "" : R"(,"device":")" + device + '"') + '}';
}

/// Rows [from, to) of a wave, one a line.
std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    text += json_row(i, wave(i)) + '\n';
  }
  return text;
}

batch_result take(stream_session& session, std::string text,
                  wanted_answers wanted = wanted_answers::all,
                  batch_syntax syntax = batch_syntax::json) {
  return session.take({syntax, 1'770'000'000'000, std::move(text)}, wanted);
}

json::array answers_of(const batch_result& result) {
  return json::parse("[" + result.answers + "]").as_array();
}

stream_plan small_plan() {
  stream_plan plan;
  plan.window = 0;
  plan.history = 10;
  return plan;
}

} // namespace

TEST_CASE("a row is answered with forecasts, an interval and its probability", "[service]") {
  stream_session session{stream_plan{}};
  take(session, lines(0, 60));
  const json::array answers = answers_of(take(session, json_row(60, wave(60))));
  REQUIRE(answers.size() == 1);
  const json::object& said = answers[0].as_object();
  CHECK(said.at("row").as_int64() == 61);
  CHECK(said.at("time").as_string() == time_of(60));
  CHECK(said.at("values").at("celsius").to_number<double>() == Approx(wave(60)));
  CHECK(said.at("alarm").is_null());
  CHECK(said.at("probability").to_number<double>() > 0);
  CHECK(said.at("probability").to_number<double>() <= 1);
  const json::value& ahead = said.at("forecasts").at("celsius").at(0);
  CHECK(ahead.at("ahead").as_int64() == 1);
  CHECK(ahead.at("low").to_number<double>() <= ahead.at("value").to_number<double>());
  CHECK(ahead.at("high").to_number<double>() >= ahead.at("value").to_number<double>());
  CHECK(ahead.at("value").to_number<double>() == Approx(wave(61)).margin(1.5));
  CHECK(json::parse(*session.forecasts("")).at("celsius").at(0).at("value") == ahead.at("value"));
  CHECK(session.statistics().columns == std::vector<std::string>{"celsius", "hPa"});
}

TEST_CASE("lists, lines and tables of the same rows lead to the same stream", "[service]") {
  std::string list = "[";
  std::string table = "ts,celsius,hPa\n";
  for (int i = 0; i < 100; ++i) {
    list += (i > 0 ? ",\n" : "") + json_row(i, wave(i));
    table += time_of(i) + ',' + std::to_string(wave(i)) + ',' + std::to_string(1000 + wave(i + 7)) +
             '\n';
  }
  stream_session a{small_plan()};
  stream_session b{small_plan()};
  stream_session c{small_plan()};
  const batch_result of_list = take(a, list + "]");
  const batch_result of_lines = take(b, lines(0, 100));
  const batch_result of_table = take(c, table, wanted_answers::all, batch_syntax::csv);
  CHECK(of_list.rows == 100);
  CHECK(of_list.answers == of_lines.answers);
  CHECK(of_table.answers == of_lines.answers);
  // Formats may change from batch to batch.
  CHECK(take(a, lines(100, 101)).answers == take(c, json_row(100, wave(100))).answers);
  // A header once, and none after it.
  CHECK(take(c, time_of(101) + ",21.5,1013\n", wanted_answers::all, batch_syntax::csv).rows == 1);
}

TEST_CASE("a stream is the same however its rows are cut into batches and saved", "[service]") {
  stream_plan plan = small_plan();
  plan.by = "device";
  std::mt19937 random(3);
  stream_session whole(plan);
  stream_session parts(plan);
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += json_row(i, wave(i), "pump" + std::to_string(i % 3)) + '\n';
  }
  const std::string all = take(whole, text).answers;
  std::string pieces;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find('\n', std::min(at + random() % 2000, text.size() - 1)),
                               text.size() - 1) +
                      1;
    parts.begin({batch_syntax::json, 1'770'000'000'000, text.substr(at, end - at)},
                wanted_answers::all);
    while (parts.work(stream_session::clock::time_point::min())) { // slice by slice
    }
    pieces += (pieces.empty() ? "" : ",") + parts.end().answers;
    parts = from_checkpoint<stream_session>(to_checkpoint(parts));
    at = end;
  }
  CHECK(pieces == all);
  const std::string next = json_row(300, 21.5, "pump1");
  CHECK(take(parts, next).answers == take(whole, next).answers);
  CHECK(parts.history_before(1000, 100).answers == whole.history_before(1000, 100).answers);
}

TEST_CASE("an alarm has a reason, and is kept", "[service]") {
  stream_session session{stream_plan{}};
  for (int i = 0; i < 4; ++i) {
    take(session, lines(i * 500, (i + 1) * 500), wanted_answers::none);
  }
  const std::uint64_t before = session.alarms();
  batch_result found;
  for (int i = 2000; i < 2010 && found.alarms == 0; ++i) { // what is torn lasts
    found = take(session, json_row(i, wave(i) - 60), wanted_answers::alarms);
  }
  REQUIRE(found.alarms == 1);
  const json::value alarm = answers_of(found).at(0).at("alarm");
  CHECK(alarm.at("number").as_int64() == static_cast<std::int64_t>(before + 1));
  CHECK(alarm.at("column").as_string() == "celsius");
  const std::string reason(alarm.at("reason").as_string());
  INFO(reason);
  CHECK(reason.starts_with("celsius is "));
  CHECK(alarm.at("probability").to_number<double>() < 0.01);
  CHECK(alarm.at("at").as_string() == "2026-02-02T02:40:00.000Z");
  const auto kept = session.alarms_before(1'000'000, 1);
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].number == before + 1);
  CHECK(session.alarms_after(before, 10).size() == 1);
  CHECK(session.alarms_after(before + 1, 10).empty());
}

TEST_CASE("devices, history and fields of a stream are bounded", "[service]") {
  stream_plan plan = small_plan();
  plan.by = "device";
  plan.max_devices = 5;
  plan.max_tracks = 6; // of two columns: three devices
  stream_session session(plan);
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += json_row(i, wave(i), "d" + std::to_string(i % 20)) + '\n';
  }
  CHECK(take(session, text).rows == 200);
  CHECK(session.statistics().devices == 3);
  CHECK(session.statistics().devices_dropped > 0);
  const history_page page = session.history_before(1'000'000, 4);
  CHECK(json::parse("[" + page.answers + "]").as_array().size() == 4);
  CHECK(page.kept == 10);
  CHECK(page.next == 197);
  CHECK(session.history_before(page.next, 100).next == 0);

  stream_session wide{small_plan()};
  std::string row = "{\"ts\":1";
  for (int i = 0; i < 1000; ++i) {
    row += ",\"c" + std::to_string(i) + "\":1";
  }
  const batch_result found = take(wide, row + '}');
  CHECK(found.rows == 1);
  CHECK(wide.statistics().columns.size() <= most_fields + 8);
  REQUIRE_FALSE(found.notes.empty());
}

TEST_CASE("what is no row is counted and costs no other row", "[service]") {
  stream_session session{small_plan()};
  const batch_result garbage = take(session, "hello, world");
  CHECK(garbage.rows == 0);
  CHECK_FALSE(garbage.refusal.empty());
  CHECK(take(session, "").rows == 0);
  CHECK(take(session, "[]").rows == 0);
  CHECK(take(session, lines(0, 20)).rows == 20);
  const batch_result mixed =
      take(session, lines(20, 22) + "{\"ts\": broken\n" +
                        R"({"ts":"2026-01-01T00:22:00Z","celsius":"warm"})" + "\n" + lines(23, 25));
  CHECK(mixed.rows == 5);
  CHECK(mixed.lost == 1);
  bool told = false;
  for (const row_trouble& note : mixed.notes) {
    told = told || (note.first.line == 4 && note.example.find("warm") != std::string::npos);
  }
  CHECK(told); // by the line of this batch
  CHECK(take(session, lines(25, 26)).notes.empty());
}

TEST_CASE("a plan that cannot be is refused with the place of the fault", "[service]") {
  const auto refused = [](auto change) {
    stream_plan plan;
    change(plan);
    try {
      stream_session session(plan);
    } catch (const refusal& why) {
      return why.faults.empty() ? std::string() : why.faults[0].pointer;
    }
    return std::string("accepted");
  };
  CHECK(refused([](stream_plan&) {}) == "accepted");
  CHECK(refused([](stream_plan& p) { p.zone = "Nowhere/Town"; }) == "/time/zone");
  CHECK(refused([](stream_plan& p) { p.zone = "../../etc/passwd"; }) == "/time/zone");
  CHECK(refused([](stream_plan& p) { p.time_unit = "fortnights"; }) == "/time");
  CHECK(refused([](stream_plan& p) { p.horizons = {5, 1}; }) == "/horizons");
  CHECK(refused([](stream_plan& p) { p.columns = {"a", "a"}; }) == "/columns");
  CHECK(refused([](stream_plan& p) {
          p.columns = {"a", "b", "c"};
          p.horizons = {1, 2, 3, 4};
          p.max_tracks = 8;
        }) == "/columns");
}

TEST_CASE("rows in the line protocol are rows like others, and tags tell devices apart",
          "[service]") {
  stream_plan plan = small_plan();
  plan.by = "room";
  stream_session session(plan);
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "weather,room=" + std::to_string(i % 2) + " celsius=" + std::to_string(wave(i)) +
            ",open=t " + std::to_string(1'770'000'000LL + i * 60) + "000000000\n";
  }
  const batch_result found = take(session, text, wanted_answers::last, batch_syntax::line_protocol);
  CHECK(found.rows == 40);
  CHECK(found.lost == 0);
  CHECK(answers_of(found).at(0).at("key").as_string() == "1");
  CHECK(session.statistics().devices == 2);
  CHECK(session.statistics().columns == std::vector<std::string>{"celsius", "open"});
  CHECK(session.statistics().times.at(0).find("nanosecond") != std::string::npos);
}
