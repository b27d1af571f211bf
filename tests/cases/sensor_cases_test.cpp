// SPDX-License-Identifier: Apache-2.0
// Inputs of real tools: what `sensor` makes of each.
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>
#include <support/skip.hpp>

namespace {

struct expected {
  const char* file;
  int status;
  int rows;
  int missing;         ///< rows that are missing by the times of others
  const char* time;    ///< how it is read; empty: there is none
  const char* columns; ///< with | between them
};

// clang-format off
constexpr expected all[] = {
    {"R_rownames.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "column_1|v"},
    {"Year_time.csv", 0, 60, 0, "'date', as years", "temp"},
    {"ampm.csv", 0, 60, 0, "'time', as %m/%d/%Y %I:%M:%S %p", "v"},
    {"b_bom.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"b_missing_words.csv", 0, 80, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "a|b"},
    {"b_pandas_index.csv", 0, 60, 0, "'column_1', as %Y-%m-%d %H:%M:%S", "value"},
    {"b_plus.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "volt|amp"},
    {"b_trailing_comma.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"backwards.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"basic_iso.csv", 0, 60, 0, "'time', as %Y%m%dT%H%M%S%z", "v"},
    {"bom.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"bom_value_first.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"bool.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "on|v"},
    {"bool_R.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "on|v"},
    {"brain.csv", 0, 600, 0, "", "i0|i1|i2|i3|i4|i5|i6|i7|i8|i9|i10|i11|i12|i13|i14|i15|i16|i17|i18|i19|i20|i21|i22|i23|i24|i25|i26|o0|o1|o2|o3|o4|o5|o6"},
    {"clock_only.csv", 0, 60, 0, "'time', as %H:%M:%S", "v"},
    {"collectd.csv", 0, 60, 0, "'epoch', as seconds", "value"},
    {"comment_first.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"comments_then_header.csv", 0, 60, 0, "", "A0|A1"},
    {"const_inf.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"csv2.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"csv_time_NA.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"date_and_time.csv", 0, 60, 0, "'Date' with 'Time', as %Y-%m-%d %H:%M:%S", "v"},
    {"date_and_time_num.csv", 0, 60, 0, "'date' with 'hour', as %Y-%m-%d clock in digits", "v"},
    {"days.csv", 0, 60, 0, "'date', as %Y-%m-%d", "v"},
    {"decimal_comma_quoted.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"dup_rows.csv", 0, 4000, 0, "'time', as %Y-%m-%dT%H:%M:%S", "value"},
    {"dup_time.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"dupnames.csv", 0, 60, 0, "'milliseconds', as milliseconds", "V DC|V DC_2"},
    {"empty.csv", 1, 0, 0, "", ""},
    {"empty_header_cell.csv", 0, 60, 0, "'time', as seconds", "v|w"},
    {"event_driven.csv", 0, 2520, 0, "'time', as %Y-%m-%dT%H:%M:%S", "value"},
    {"false_empty.csv", 0, 60, 0, "'time', as milliseconds", "door|v"},
    {"float_exp.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"gap_4_days.csv", 0, 1400, 1152, "'time', as %Y-%m-%dT%H:%M:%S", "value"},
    {"gap_units.csv", 0, 60, 1440, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"german_date.csv", 0, 60, 0, "'time', as %d.%m.%Y %H:%M:%S", "v"},
    {"hash_header.csv", 0, 60, 0, "'time', as seconds", "v|w"},
    {"header_only.csv", 1, 0, 0, "", ""},
    {"headless_epoch.csv", 0, 60, 0, "'column_1', as seconds", "column_2"},
    {"hexid.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"influx.csv", 0, 60, 0, "'time', as nanoseconds", "hum|value"},
    {"influx_num.csv", 0, 60, 0, "'time', as nanoseconds", "value"},
    {"influx_two.csv", 0, 120, 0, "'time', as seconds", "value"},
    {"inter_num.csv", 0, 60, 0, "'time', as seconds", "id|v"},
    {"iso_ampm.csv", 0, 60, 0, "'time', as %Y-%m-%d %I:%M:%S %p", "v"},
    {"julian.csv", 0, 60, 0, "'time', as Julian days", "v"},
    {"leading_dot.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"min_Z.csv", 0, 60, 0, "'time', as %Y-%m-%dT%H:%M%z", "v"},
    {"missing_words.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"mixed_step.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"month3.csv", 0, 60, 0, "'date', as %b %d %Y", "price"},
    {"mosq_I.csv", 0, 60, 0, "'column_1', as %Y-%m-%dT%H:%M:%S%z", "column_3"},
    {"mosq_Itp.csv", 0, 60, 0, "'column_1', as %Y-%m-%dT%H:%M:%S%z", "column_2"},
    {"mosq_U.csv", 0, 60, 0, "'column_1', as seconds", "column_2"},
    {"msepoch.csv", 0, 60, 0, "'time', as milliseconds", "v"},
    {"name_quoted.csv", 0, 60, 0, "'time', as seconds", "temp, out|v"},
    {"nobom.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"nul_in_time.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"numeric_header.csv", 0, 60, 0, "'time', as seconds", "10|20|30"},
    {"pandas_index.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S%z", "column_1|v"},
    {"percent.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"plus.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"plus_some.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "volt"},
    {"quoted_text.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"restart_clock.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"rrdgraph.csv", 0, 60, 0, "'time', as seconds", "temp"},
    {"rtl433_csvlike.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "button|id|channel|battery_ok|temperature_C"},
    {"sadf.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S %z", "interval|CPU|%user|%nice"},
    {"same_time.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"semicolon.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"semicolon_decimal_comma.csv", 0, 60, 0, "'Date' with 'Time', as %d/%m/%Y %H.%M.%S", "CO"},
    {"sentinel.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"sep_line.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"sigrok_time.csv", 0, 60, 0, "'milliseconds', as milliseconds", "V DC|V DC_2"},
    {"single_quote.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"slash_date.csv", 0, 60, 0, "'time', as %Y/%m/%d %H:%M:%S", "v"},
    {"spaces.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v|w"},
    {"stacked.csv", 0, 120, 0, "'date', as %Y-%m-%d", "price"},
    {"step_even.csv", 0, 1530, 0, "'time', as %Y-%m-%dT%H:%M:%S", "value"},
    {"step_longer.csv", 0, 1530, 0, "'time', as %Y-%m-%dT%H:%M:%S", "value"},
    {"tab.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"tabs_in.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"tbl_alltext_noheader.csv", 1, 0, 0, "", ""},
    {"tbl_alltext_noheader_unique.csv", 1, 0, 0, "", ""},
    {"tbl_blank.csv", 1, 0, 0, "", ""},
    {"tbl_class_numbers.csv", 0, 300, 0, "", "x|y"},
    {"tbl_comma_name.csv", 0, 300, 0, "", "len, cm|width|cls"},
    {"tbl_comment.csv", 0, 2, 0, "", "a|b"},
    {"tbl_dup_header.csv", 0, 2, 0, "", "a|a_2|b"},
    {"tbl_empty.csv", 1, 0, 0, "", ""},
    {"tbl_empty_names.csv", 0, 2, 0, "", "column_1|a|column_3"},
    {"tbl_excel_sep.csv", 0, 2, 0, "", "len|width"},
    {"tbl_header_only.csv", 1, 0, 0, "", ""},
    {"tbl_numeric_header.csv", 0, 300, 0, "", "0|1|2"},
    {"tbl_ragged_short.csv", 0, 3, 0, "", "a|b|c"},
    {"tbl_semicolon.csv", 0, 300, 0, "", "len|width|cls"},
    {"tbl_semicolon_decimal.csv", 0, 300, 0, "", "len|width|cls"},
    {"tbl_space.csv", 0, 2, 0, "", "a|b|c"},
    {"tbl_text_input.csv", 0, 300, 0, "", "len|price"},
    {"tbl_trailing.csv", 0, 2, 0, "", "a|b"},
    {"tbl_trailing_both.csv", 0, 2, 0, "", "a|b"},
    {"tbl_year_header.csv", 0, 300, 0, "", "region|2019|2020|2021"},
    {"thousands.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"time_ampm.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %I:%M:%S %p", "value"},
    {"time_basic.csv", 0, 60, 0, "'timestamp', as %Y%m%dT%H%M%S%z", "value"},
    {"time_double_space.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M:%S", "value"},
    {"time_excel.csv", 0, 60, 0, "'timestamp', as days of a spreadsheet, since 1899-12-30", "value"},
    {"time_german_dots.csv", 0, 60, 0, "'timestamp', as %d.%m.%Y %H:%M:%S", "value"},
    {"time_iso_Z.csv", 0, 60, 0, "'timestamp', as %Y-%m-%dT%H:%M:%S%z", "value"},
    {"time_iso_date.csv", 0, 400, 0, "'date', as %Y-%m-%d", "value"},
    {"time_iso_hour.csv", 0, 60, 0, "'timestamp', as %Y-%m-%dT%H", "value"},
    {"time_iso_minutes_Z.csv", 0, 60, 0, "'timestamp', as %Y-%m-%dT%H:%M%z", "value"},
    {"time_ms.csv", 0, 60, 0, "'timestamp', as milliseconds", "value"},
    {"time_slash_ymd.csv", 0, 60, 0, "'timestamp', as %Y/%m/%d %H:%M", "value"},
    {"time_unpadded.csv", 0, 60, 0, "'timestamp', as %Y-%m-%d %H:%M", "value"},
    {"time_us.csv", 0, 60, 0, "'timestamp', as microseconds", "value"},
    {"time_yyyymmdd.csv", 0, 400, 0, "'date', as %Y%m%d", "value"},
    {"tn_@timestamp.csv", 0, 60, 0, "'@timestamp', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_DateTime.csv", 0, 60, 0, "'DateTime', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_Time-[s].csv", 0, 60, 0, "'Time [s]', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_Timestamp-(UTC).csv", 0, 60, 0, "'Timestamp (UTC)', as %Y-%m-%d %H:%M:%S, of UTC", "v"},
    {"tn___REALTIME_TIMESTAMP.csv", 0, 60, 0, "'__REALTIME_TIMESTAMP', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn__time.csv", 0, 60, 0, "'_time', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_elapsed.csv", 0, 60, 0, "'elapsed', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_epoch.csv", 0, 60, 0, "'epoch', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_tst.csv", 0, 60, 0, "'tst', as %Y-%m-%d %H:%M:%S", "v"},
    {"tn_zeit.csv", 0, 60, 0, "'zeit', as %Y-%m-%d %H:%M:%S", "v"},
    {"trailing_comma.csv", 0, 60, 0, "'time', as seconds", "v|w"},
    {"trailing_comma_data.csv", 0, 60, 0, "'time', as seconds", "v|w"},
    {"trailing_space.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"ts_two_times.csv", 0, 60, 0, "'timestamp', as seconds", "v"},
    {"two_header.csv", 0, 60, 0, "'time', as seconds", "v|w"},
    {"two_tables.csv", 0, 60, 0, "'time', as seconds", "hpa|celsius"},
    {"tz_dst.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S%z", "v"},
    {"u64.csv", 0, 60, 0, "'time', as seconds", "id|v"},
    {"units.csv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"uptime_reset.csv", 0, 60, 0, "'time', as seconds", "v"},
    {"year.csv", 0, 60, 0, "'year', as years", "temp"},
    {"array.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"b_array.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temp"},
    {"bool.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "on|v"},
    {"comma_end.json", 0, 60, 0, "'time', as seconds", "v"},
    {"dupkeys.json", 0, 60, 0, "'time', as seconds", "v"},
    {"empty_array.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v"},
    {"gpsd.json", 0, 60, 0, "'time', as %Y-%m-%dT%H:%M:%S%z", "mode|lat|lon|alt|speed"},
    {"jesc.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temp|a\"b"},
    {"json_newkey.json", 0, 60, 0, "'time', as seconds", "v|w"},
    {"json_time_absent_first.json", 0, 60, 0, "'time', as seconds", "v"},
    {"json_time_missing.json", 0, 60, 0, "'time', as seconds", "v"},
    {"jsontime_s_us.json", 0, 60, 0, "'ts', as microseconds", "v"},
    {"lead_ws.json", 0, 60, 0, "'time', as seconds", "v"},
    {"msepoch.json", 0, 60, 0, "'time', as milliseconds", "v"},
    {"nan.json", 0, 60, 0, "'time', as seconds", "v"},
    {"nested.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temp.value|v"},
    {"numeric_text_time.json", 0, 60, 0, "'time', as seconds", "v"},
    {"pretty.json", 0, 60, 0, "'time', as seconds", "v"},
    {"rtl433.json", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "subtype|id|channel|battery_ok|temperature_C|humidity|button"},
    {"rtl_same_time.json", 0, 60, 0, "'time', as seconds", "id|temperature_C"},
    {"sqlite.json", 0, 60, 0, "'time', as seconds", "v"},
    {"sqlite_inf.json", 0, 60, 0, "'time', as seconds", "v"},
    {"tpv_nofix.json", 0, 60, 0, "'time', as %Y-%m-%dT%H:%M:%S%z", "mode|lat|alt"},
    {"bool.jsonl", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "on|temp"},
    {"late_key.jsonl", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temperature|co2"},
    {"nested.jsonl", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "fields.temp"},
    {"rtl433.jsonl", 0, 40, 0, "'time', as %Y-%m-%d %H:%M:%S", "id|temperature_C|humidity"},
    {"sparse.jsonl", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temperature|humidity"},
    {"string_numbers.jsonl", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "temp"},
    {"tasmota.jsonl", 0, 40, 0, "'Time', as %Y-%m-%dT%H:%M:%S", "SI7021.Temperature|SI7021.Humidity"},
    {"z2m.jsonl", 0, 40, 0, "'time', as %Y-%m-%dT%H:%M:%S", "temperature|humidity"},
    {"lineproto.txt", 1, 0, 0, "", ""},
    {"ping.txt", 1, 0, 0, "", ""},
    {"rrdfetch.txt", 0, 60, 0, "'time', as seconds", "temp"},
    {"space_sep.txt", 0, 60, 0, "'Date' with 'Time', as %Y-%m-%d %H:%M:%S", "v"},
    {"topic_json.txt", 0, 60, 0, "'time', as seconds", "v"},
    {"tsv.tsv", 0, 60, 0, "'time', as %Y-%m-%d %H:%M:%S", "v|w"},
};
// clang-format on

/// The columns of a header line of CSV, with | between them.
std::string columns_of(const std::string& out) {
  const std::size_t last = out.rfind("row,time,");
  std::string columns;
  for (std::size_t at = last; at != std::string::npos && at < out.find('\n', last);) {
    const bool quoted = out[at] == '"';
    std::string name;
    for (at += quoted ? 1 : 0; at < out.size(); ++at) {
      if (quoted && out[at] == '"') {
        if (out[++at] != '"') {
          break;
        }
      } else if (!quoted && (out[at] == ',' || out[at] == '\n')) {
        break;
      }
      name += out[at];
    }
    const std::string end = "_ahead_1";
    if (name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0) {
      columns += (columns.empty() ? "" : "|") + name.substr(0, name.size() - end.size());
    }
    ++at; // the comma
  }
  return columns;
}

} // namespace

TEST_CASE("files of many tools are read as their users mean them", "[cases]") {
  const char* const folder = std::getenv("HANAMI_CASES_DIR");
  if (folder == nullptr) {
    hanami_test::skip("HANAMI_CASES_DIR is not set");
    return;
  }
  for (const expected& want : all) {
    const auto path = std::filesystem::path(folder) / want.file;
    if (!std::filesystem::exists(path)) {
      continue;
    }
    INFO(want.file);
    const auto got =
        hanami_test::run_program(HANAMI_SENSOR, {"--input", path.string(), "--window", "0"});
    INFO(got.err);
    CHECK(got.status == want.status);
    CHECK(got.err.find("sensor: " + std::to_string(want.rows) + " rows learned") !=
          std::string::npos);
    CHECK(got.err.find(' ' + std::to_string(want.missing) + " missing rows") != std::string::npos);
    if (*want.time != '\0') {
      CHECK(got.err.find(std::string("the time is ") + want.time + '\n') != std::string::npos);
    } else {
      CHECK(got.err.find("the time is") == std::string::npos);
    }
    CHECK(columns_of(got.out) == want.columns);
    CHECK(hanami_test::count_of(got.out, "nan") == 0);
    CHECK(hanami_test::count_of(got.err, "\n") <= 8); // one message a kind
    if (want.status != 0) {
      CHECK(got.err.find(path.string() + ": ") != std::string::npos); // and a reason
    }
  }
}
