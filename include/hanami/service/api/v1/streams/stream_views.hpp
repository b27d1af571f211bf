// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../../base/json.hpp"
#include "../../../stream/stream_types.hpp"
#include "../../endpoint.hpp"
#include "../views.hpp"

/// JSON of streams, and its schemas.

namespace hanami::service::api::detail {

inline schema stream_plan_schema_part(const char* about, std::size_t longest = 255) {
  return schema::text(0, longest).or_null().describe(about);
}

/// What a stream is made with, beside its name.
inline std::vector<schema_property> stream_plan_properties() {
  const auto optional = presence::optional;
  const schema time = schema::object(
      {{"field",
        stream_plan_schema_part("field that is the time, A+B for two, none for rows without; "
                                "left out: found by its name or its values"),
        optional},
       {"format", stream_plan_schema_part("as strptime has it: %d.%m.%Y %H:%M; left out: found"),
        optional},
       {"unit",
        stream_plan_schema_part("of numbers: s, ms, us, ns, min, h, d, ...; left out: found"),
        optional},
       {"zone",
        stream_plan_schema_part("whose hours and weekdays matter, Europe/Berlin or +05:30; left "
                                "out: times as they stand"),
        optional}});
  return {
      {"columns",
       schema::list(schema::text(1, 255), 0, 256)
           .otherwise(json::array{})
           .describe("fields to learn; none: every field of numbers but the time and `by`"),
       optional},
      {"time", time, optional},
      {"by",
       stream_plan_schema_part("field that tells devices apart: a model for each of its values"),
       optional},
      {"max_devices", schema::integer(1, 100'000)
                          .otherwise(1000)
                          .describe("kept at once; beyond that, and beyond the memory of a stream, "
                                    "the one that has been silent for longest is dropped")},
      {"window", schema::integer(0, 1000).otherwise(12).describe(
                     "last changes of a column that its forecasts see; 0: one network "
                     "sees the newest row only, many times as fast")},
      {"horizons",
       schema::list(schema::integer(1, 10'000), 0, 24)
           .otherwise(json::array{})
           .describe("rows ahead that are forecast, ascending; none: one row, and a day where that "
                     "is known")},
      {"step",
       schema::number(1e-6, 1e9).or_null().describe("seconds from row to row; left out: "
                                                    "the first times tell"),
       optional},
      {"alarms_per_day",
       schema::number(1e-9, 1e6).otherwise(1.0 / 30).describe("false alarms to be expected")},
      {"point", schema::choice({"median", "mean"})
                    .otherwise("median")
                    .describe("of a forecast: for small absolute errors, or for squared ones")},
      {"seed", schema::integer().otherwise(1)},
      {"history",
       schema::integer(0, 100'000).otherwise(500).describe("last answers that are kept")}};
}

inline schema stream_alarm_schema() {
  return schema::object({{"number", schema::integer(1).describe("counts the alarms of the stream")},
                         {"row", schema::integer(1)},
                         {"at", time_schema().describe("when the row came; RFC 3339, UTC")},
                         {"time", schema::text().or_null().describe("of the row, as it came")},
                         {"key", schema::text().or_null().describe("the device")},
                         {"column", schema::text().describe("the strangest one")},
                         {"expected", schema::number().or_null()},
                         {"seen", schema::number().or_null()},
                         {"probability", schema::number(0, 1)},
                         {"score", schema::number(0, 30)},
                         {"reason", schema::text().describe("in words")}});
}

inline schema stream_forecasts_schema() {
  const auto value = [](const char* about) { return schema::number().or_null().describe(about); };
  return schema::map(schema::list(schema::object({{"ahead", schema::integer(1).describe("rows")},
                                                  {"value", value("null: not known yet")},
                                                  {"low", value("one truth in ten lies below")},
                                                  {"high", value("one truth in ten lies above")}})),
                     0, 10'000)
      .describe("of each column");
}

inline schema stream_answer_schema() {
  return schema::object(
             {{"row", schema::integer(1).describe("counts the rows of the stream")},
              {"time", schema::text().or_null().describe("as it came")},
              {"key", schema::text().describe("the device, where `by` tells them apart"),
               presence::optional},
              {"values", schema::map(schema::number().or_null(), 0, 10'000)},
              {"probability", schema::number(0, 1).describe("of a row at least as strange, if "
                                                            "nothing is wrong")},
              {"score", schema::number(0, 30).describe("-log10 of that")},
              {"alarm", stream_alarm_schema().or_null()},
              {"forecasts", stream_forecasts_schema()}})
      .called("StreamAnswer");
}

inline schema batch_answer_schema() {
  return schema::object(
             {{"rows", schema::integer().describe("learned")},
              {"last_row", schema::integer().describe("number of the last one")},
              {"alarms", schema::integer()},
              {"lost", schema::integer().describe("lines or objects that are no rows")},
              {"notes",
               schema::list(schema::object(
                   {{"what", schema::text().describe("what was wrong, and what was done about it")},
                    {"line", schema::integer().describe("of the first time, from 1")},
                    {"example", schema::text().or_null()},
                    {"count", schema::integer()}}))},
              {"answers", schema::list(stream_answer_schema())}})
      .called("BatchAnswer");
}

inline schema wanted_answers_schema() {
  return schema::choice({"all", "last", "alarms", "none"})
      .otherwise("all")
      .describe("which rows are answered");
}

inline streams::wanted_answers answers_named(std::string_view name) {
  return name == "last"     ? streams::wanted_answers::last
         : name == "alarms" ? streams::wanted_answers::alarms
         : name == "none"   ? streams::wanted_answers::none
                            : streams::wanted_answers::all;
}

inline streams::batch_syntax syntax_named(std::string_view name) {
  return name == "csv"             ? streams::batch_syntax::csv
         : name == "line_protocol" ? streams::batch_syntax::line_protocol
                                   : streams::batch_syntax::json;
}

/// The body of the answer to a batch.
inline std::string batch_text(const streams::batch_result& result) {
  json::array notes;
  for (const row_trouble& note : result.notes) {
    notes.push_back(
        json::object{{"what", note.what},
                     {"line", note.first.line},
                     {"example", note.example.empty() ? json::value() : json::value(note.example)},
                     {"count", note.count}});
  }
  return R"({"rows":)" + std::to_string(result.rows) + R"(,"last_row":)" +
         std::to_string(result.last) + R"(,"alarms":)" + std::to_string(result.alarms) +
         R"(,"lost":)" + std::to_string(result.lost) + R"(,"notes":)" + json::serialize(notes) +
         R"(,"answers":[)" + result.answers + "]}";
}

/// Why nothing of a batch could be read; nothing where something could.
inline std::optional<refusal> refusal_of_batch(const streams::batch_result& result) {
  if (result.rows > 0 || (result.refusal.empty() && result.lost == 0)) {
    return std::nullopt;
  }
  std::string why = result.refusal;
  for (const row_trouble& note : result.notes) {
    if (why.empty()) {
      why = note.message();
    }
  }
  return refusal(refusal_code::invalid_data, "no row could be read: " + why);
}

inline schema stream_schema() {
  return resource_schema(
             "stream",
             {{"settings",
               schema::object(stream_plan_properties()).describe("what it was made with")}})
      .called("Stream");
}

inline schema stream_statistics_schema() {
  return schema::object(
             {{"rows", schema::integer().describe("learned")},
              {"missing_rows", schema::integer().describe("that by the times of others have not "
                                                          "come")},
              {"lost", schema::integer().describe("lines or objects that were no rows")},
              {"alarms", schema::integer()},
              {"devices", schema::integer()},
              {"devices_dropped", schema::integer()},
              {"memory_bytes", schema::integer()},
              {"last_batch_at", time_schema().or_null()},
              {"columns", schema::list(schema::text())},
              {"times", schema::list(schema::text().describe("how times are read"))}})
      .called("StreamStatistics");
}

inline json::object show_stream_statistics(const streams::stream_statistics& s) {
  return {{"rows", s.rows},
          {"missing_rows", s.missing_rows},
          {"lost", s.lost},
          {"alarms", s.alarms},
          {"devices", s.devices},
          {"devices_dropped", s.devices_dropped},
          {"memory_bytes", s.bytes},
          {"last_batch_at", s.last_at == 0 ? json::value() : json::value(to_rfc3339(s.last_at))},
          {"columns", json::array(s.columns.begin(), s.columns.end())},
          {"times", json::array(s.times.begin(), s.times.end())}};
}

} // namespace hanami::service::api::detail
