// SPDX-License-Identifier: Apache-2.0
// Inputs of real tools: the fields, rows and cells that `row_reader` finds in each.
#include <hanami/io/row_reader.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <support/rows.hpp>

using namespace hanami;

namespace {

struct expected {
  const char* file;
  std::size_t rows;
  const char* fields; ///< with | between them
  const char* first;  ///< how the first row is shown, or begins
  const char* last;
};

// A row is shown as its line, then for each field its kind and value: a (absent), m (missing),
// v (vague), # (a number), b (true or false), w (yes or no), i (infinite), t (text).
// clang-format off
constexpr expected all[] = {
    {"R_rownames.csv", 60, "column_1|time|v", "2|#1|t2023-11-14 22:13:20|#20", "61|#60|t2023-11-14 23:12:20|#19.306"},
    {"Year_time.csv", 60, "date|temp", "2|#1900|#20", "61|#1959|#19.306"},
    {"ampm.csv", 60, "time|v", "2|t11/14/2023 10:13:20 PM|#20", "61|t11/14/2023 11:12:20 PM|#19.306"},
    {"array.json", 60, "time|v", "1|t2023-11-14 22:13:20|#20", "60|t2023-11-14 23:12:20|#19.306"},
    {"b_array.json", 60, "time|temp", "1|t2016-07-01 00:00:00|#20.02", "60|t2016-07-03 11:00:00|#20.63"},
    {"b_bom.csv", 60, "timestamp|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"b_missing_words.csv", 80, "timestamp|a|b", "2|t2016-07-01 00:00:00|#20.02|#39.94", "81|t2016-07-04 07:00:00|#17.05|#33.85"},
    {"b_pandas_index.csv", 60, "column_1|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"b_plus.csv", 60, "timestamp|volt|amp", "2|t2016-07-01 00:00:00|#20.01894|#-0.06208987", "61|t2016-07-03 11:00:00|#20.63017|#1.448957"},
    {"b_trailing_comma.csv", 60, "timestamp|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"backwards.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 21:14:20|#19.306"},
    {"basic_iso.csv", 60, "time|v", "2|t20231114T221320Z|#20", "61|t20231114T231220Z|#19.306"},
    {"bom.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"bom_value_first.csv", 60, "value|timestamp", "2|#20.02|t2016-07-01 00:00:00", "61|#20.63|t2016-07-03 11:00:00"},
    {"bool.csv", 60, "time|on|v", "2|t2023-11-14 22:13:20|b0|#20", "61|t2023-11-14 23:12:20|b1|#19.306"},
    {"bool.json", 60, "time|on|v", "1|t2023-11-14 22:13:20|b0|#20", "60|t2023-11-14 23:12:20|b1|#19.306"},
    {"bool.jsonl", 60, "time|on|temp", "1|t2016-07-01 00:00:00|b1|#20.02", "60|t2016-07-03 11:00:00|b0|#20.63"},
    {"bool_R.csv", 60, "time|on|v", "2|t2023-11-14 22:13:20|b0|#20", "61|t2023-11-14 23:12:20|b1|#19.306"},
    {"brain.csv", 600, "i0|i1|i2|i3|i4|i5|i6|i7|i8|i9|i10|i11|i12|i13|i14|i15|i16|i17|i18|i19|i20|i21|i22|i23|i24|i25|i26|o0|o1|o2|o3|o4|o5|o6", "2|#17053.76|#17117.22|#17102.32|#17143.6", "601|#17238.15|#17061.14|#17149.94|#17127"},
    {"clock_only.csv", 60, "time|v", "2|t22:13:20|#20", "61|t23:12:20|#19.306"},
    {"collectd.csv", 60, "epoch|value", "2|#1700000000.79|mnan", "61|#1700000590.79|#19.306475"},
    {"comma_end.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"comment_first.csv", 60, "timestamp|value", "4|t2016-07-01 00:00:00|#20.02", "63|t2016-07-03 11:00:00|#20.63"},
    {"comments_then_header.csv", 60, "A0|A1", "6|#20|#-20", "65|#19.306|#-19.306"},
    {"const_inf.csv", 60, "time|v", "2|#1700000000|iinf", "61|#1700003540|#19.306"},
    {"csv2.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"csv_time_NA.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"date_and_time.csv", 60, "Date|Time|v", "2|t2023-11-14|t22:13:20|#20", "61|t2023-11-14|t23:12:20|#19.306"},
    {"date_and_time_num.csv", 60, "date|hour|v", "2|t2023-11-14|#22|#20", "61|t2023-11-17|#9|#19.306"},
    {"days.csv", 60, "date|v", "2|t2023-11-14|#20", "61|t2024-01-12|#19.306"},
    {"decimal_comma_quoted.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"dup_rows.csv", 4000, "time|value", "2|t2024-03-01T00:00:00|#19.76", "4001|t2024-03-02T09:19:00|#21.53"},
    {"dup_time.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 22:13:49|#19.306"},
    {"dupkeys.json", 60, "time|v", "1|#1700000000|#-20", "60|#1700003540|#-19.306"},
    {"dupnames.csv", 60, "milliseconds|V DC|V DC_2", "2|#1|#20|#-120", "61|#60|#19.306|#-119.31"},
    {"empty.csv", 0, "", "", ""},
    {"empty_array.json", 60, "time|v", "1|t2023-11-14 22:13:20|#20", "60|t2023-11-14 23:12:20|#19.306"},
    {"empty_header_cell.csv", 60, "time|v|column_3|w", "2|#1700000000|#20|m|#20", "61|#1700003540|#19.306|m|#19.31"},
    {"event_driven.csv", 2520, "time|value", "2|t2024-03-01T00:00:00|#267", "2521|t2024-03-04T02:52:17|#5300"},
    {"false_empty.csv", 60, "time|door|v", "2|#1.7e+12|m|#20", "61|#1.70000354e+12|#1|#19.306"},
    {"float_exp.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700003540|#19.31"},
    {"gap_4_days.csv", 1400, "time|value", "2|t2024-03-01T00:00:00|#20.23", "1401|t2024-03-09T20:35:00|#17.84"},
    {"gap_units.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-15 23:12:20|#19.306"},
    {"german_date.csv", 60, "time|v", "2|t14.11.2023 22:13:20|#20", "61|t14.11.2023 23:12:20|#19.306"},
    {"gpsd.json", 61, "class|release|rev|proto_major|proto_minor|device|mode|time|lat|lon|alt|speed", "1|tVERSION|#3.22|#3.22|#3|#14", "61|tTPV|a|a|a|a|t/dev/ttyUSB0|#3|t2023-11-14T22:14:19.000Z|#48.001931|#11.5|#519.306|#19.306"},
    {"hash_header.csv", 60, "time|v|w", "2|#1700000000|#20|#-20", "61|#1700003540|#19.306|#-19.306"},
    {"header_only.csv", 0, "timestamp|value", "", ""},
    {"headless_epoch.csv", 60, "column_1|column_2", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"hexid.csv", 60, "time|id|v", "2|t2023-11-14 22:13:20|t0x1f|#20", "61|t2023-11-14 23:12:20|t0x1f|#19.31"},
    {"influx.csv", 60, "name|time|dev|hum|note|value", "2|ttemp|#1.7e+18|ta|m|m|#20", "61|ttemp|#1.70000059e+18|tb|#44|m|#19.306"},
    {"influx_num.csv", 60, "name|time|value", "2|ttemp|#1.7e+18|#20", "61|ttemp|#1.70000059e+18|#19.306"},
    {"influx_two.csv", 120, "name|tags|time|value", "2|ttemp|tdev=a|#1700000000|#20", "122|ttemp|tdev=b|#1700000590|#24.306"},
    {"inter_num.csv", 60, "time|id|v", "2|#1700000000|#1|#20", "61|#1700001770|#2|#-5.694"},
    {"iso_ampm.csv", 60, "time|v", "2|t2023-11-14 10:13:20 PM|#20", "61|t2023-11-17 09:13:20 AM|#19.306"},
    {"jesc.json", 60, "time|temp|a\"b", "1|t2023-11-14 22:13:20|#20|#20", "60|t2023-11-14 23:12:20|#19.306|#19.306"},
    {"json_newkey.json", 60, "time|v|w", "1|#1700000000|#20", "60|#1700003540|#19.306|#19.31"},
    {"json_time_absent_first.json", 60, "v|time", "1|#20", "60|#19.306|#1700003540"},
    {"json_time_missing.json", 60, "time|v", "1|mnull|#20", "60|#1700003540|#19.306"},
    {"jsontime_s_us.json", 60, "ts|v", "1|#1.7e+15|#20", "60|#1.70000354e+15|#19.306"},
    {"julian.csv", 60, "time|v", "2|#2460263.5|#20", "61|#2460263.54097|#19.306"},
    {"late_key.jsonl", 60, "time|temperature|co2", "1|t2016-07-01 00:00:00|#20.02", "60|t2016-07-03 11:00:00|#20.63|#41.45"},
    {"lead_ws.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"leading_dot.csv", 60, "time|v", "2|#1700000000|#0", "61|#1700003540|#0.059"},
    {"lineproto.txt", 0, "", "", ""},
    {"min_Z.csv", 60, "time|v", "2|t2023-11-14T22:13Z|#20", "61|t2023-11-14T23:12Z|#19.306"},
    {"missing_words.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"mixed_step.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700000300.09|#19.306"},
    {"month3.csv", 60, "date|price", "2|tJan 1 2000|#20", "61|tDec 1 2004|#19.306"},
    {"mosq_I.csv", 60, "column_1|column_2|column_3", "1|t2023-11-14T22:13:20+0530|ts/t|#20", "60|t2023-11-14T23:12:20+0530|ts/t|#19.31"},
    {"mosq_Itp.csv", 60, "column_1|column_2", "1|t2023-11-14T22:13:20+0530|#20", "60|t2023-11-14T23:12:20+0530|#19.31"},
    {"mosq_U.csv", 60, "column_1|column_2", "1|#1700000000.93|#20", "60|#1700003540.93|#19.31"},
    {"msepoch.csv", 60, "time|v", "2|#1.7e+12|#20", "61|#1.70000354e+12|#19.306"},
    {"msepoch.json", 60, "time|v", "1|#1.7e+12|#20", "60|#1.70000354e+12|#19.306"},
    {"name_quoted.csv", 60, "time|temp, out|v", "2|#1700000000|#20|#20", "61|#1700003540|#19.306|#19.31"},
    {"nan.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"nested.json", 60, "time|temp.value|temp.unit|v", "1|t2023-11-14 22:13:20|#20|tC|#20", "60|t2023-11-14 23:12:20|#19.306|tC|#19.306"},
    {"nested.jsonl", 60, "time|fields.temp", "1|t2016-07-01 00:00:00|#20.02", "60|t2016-07-03 11:00:00|#20.63"},
    {"nobom.csv", 60, "timestamp|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"nul_in_time.csv", 60, "time|v", "2|t2023-11-14 22:13:20.0000|#20", "61|t2023-11-14 23:12:20.0000|#19.306"},
    {"numeric_header.csv", 60, "time|10|20|30", "2|#1700000000|#20|#20|#1", "61|#1700003540|#19.306|#19.31|#1"},
    {"numeric_text_time.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"pandas_index.csv", 60, "column_1|time|v", "2|#0|t2023-11-14 22:13:20+01:0|#20", "61|#59|t2023-11-14 23:12:20+01:0|#19.306"},
    {"percent.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.31"},
    {"ping.txt", 0, "", "", ""},
    {"plus.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.31"},
    {"plus_some.csv", 60, "timestamp|volt", "2|t2016-07-01 00:00:00|#0.02", "61|t2016-07-03 11:00:00|#0.63"},
    {"pretty.json", 60, "time|v", "1|#1700000000|#20", "237|#1700003540|#19.306"},
    {"quoted_text.csv", 60, "time|note|v", "2|t2023-11-14 22:13:20|ta, b|#20", "61|t2023-11-14 23:12:20|ta, b|#19.306"},
    {"restart_clock.csv", 60, "time|v", "2|t1970-01-01 00:00:00|#20", "61|t2023-11-14 22:42:20|#19.306"},
    {"rrdfetch.txt", 60, "time|temp", "3|#1700000000|#20", "62|#1700003540|#19.306474915"},
    {"rrdgraph.csv", 60, "time|temp", "2|#1700000000|#20", "61|#1700003540|#19.306474915"},
    {"rtl433.json", 60, "time|model|subtype|id|channel|battery_ok|temperature_C|humidity|button", "1|t2023-11-14 22:13:20|tPrologue-TH|#9|#90|#1|#1|#20|#45|#0", "60|t2023-11-14 22:42:50|tNexus-TH|a|#51|#2|#1|#-5.694|#61|a"},
    {"rtl433.jsonl", 40, "time|model|id|battery|temperature_C|humidity", "1|t2024-01-01 00:00:00|tMade-Up|#5|tOK|#16.238|#22", "40|t2024-01-01 00:39:00|tMade-Up|#5|tOK|#16.217|#22"},
    {"rtl433_csvlike.csv", 60, "time|msg|codes|model|button|id|channel|battery_ok|temperature_C|mic", "2|t2023-11-14 22:13:20|m|m|tPrologue-TH|#0|#90|#1|#1|#20|m", "61|t2023-11-14 23:12:20|m|m|tPrologue-TH|#0|#90|#1|#1|#19.306|m"},
    {"rtl_same_time.json", 60, "time|id|temperature_C", "1|t@0.000000s|#90|#20", "60|t@0.000000s|#90|#19.306"},
    {"sadf.csv", 60, "hostname|interval|timestamp|CPU|%user|%nice", "2|thost1|#60|t2023-11-14 22:13:20 UTC|#-1|#20|#2.22", "61|thost1|#60|t2023-11-14 23:12:20 UTC|#-1|#19.31|#2.15"},
    {"same_time.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700000000|#19.306"},
    {"semicolon.csv", 60, "timestamp|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"semicolon_decimal_comma.csv", 60, "Date|Time|CO", "2|t01/07/2016|t00.00.00|#20", "61|t03/07/2016|t11.00.00|#20.6"},
    {"sentinel.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"sep_line.csv", 60, "time|v", "3|t2023-11-14 22:13:20|#20", "62|t2023-11-14 23:12:20|#19.306"},
    {"sigrok_time.csv", 60, "milliseconds|V DC|V DC_2", "6|#1|#20|#-20", "65|#60|#19.306|#-19.306"},
    {"single_quote.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700003540|#19.306"},
    {"slash_date.csv", 60, "time|v", "2|t2023/11/14 22:13:20|#20", "61|t2023/11/14 23:12:20|#19.306"},
    {"space_sep.txt", 60, "Date|Time|v", "2|t2023-11-14|t22:13:20|#20", "61|t2023-11-14|t23:12:20|#19.306"},
    {"spaces.csv", 60, "time|v|w", "2|t2023-11-14 22:13:20|#20|#-20", "61|t2023-11-14 23:12:20|#19.31|#-19.31"},
    {"sparse.jsonl", 60, "time|temperature|humidity", "1|t2016-07-01 00:00:00|#20.02", "60|t2016-07-03 11:00:00|a|#41.45"},
    {"sqlite.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"sqlite_inf.json", 60, "time|v", "1|#1700000000|#20", "60|#1700003540|#19.306"},
    {"stacked.csv", 120, "symbol|date|price", "2|tAA|t2023-11-14|#20", "121|tBB|t2024-01-12|#69.306"},
    {"step_even.csv", 1530, "time|value", "2|t2024-03-01T00:00:00|#20.24", "1531|t2024-03-11T14:50:00|#18.01"},
    {"step_longer.csv", 1530, "time|value", "2|t2024-03-01T00:00:00|#20.26", "1531|t2024-03-11T09:55:00|#21.74"},
    {"string_numbers.jsonl", 60, "time|temp", "1|t2016-07-01 00:00:00|#20.02", "60|t2016-07-03 11:00:00|#20.63"},
    {"tab.csv", 60, "timestamp|value", "2|t2016-07-01 00:00:00|#20.02", "61|t2016-07-03 11:00:00|#20.63"},
    {"tabs_in.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700003540|#19.306"},
    {"tasmota.jsonl", 40, "Time|SI7021.Temperature|SI7021.Humidity|TempUnit", "1|t2024-01-01T00:00:00|#19|#60.4|tC", "40|t2024-01-01T00:39:00|#18.6|#60.1|tC"},
    {"tbl_alltext_noheader.csv", 300, "column_1|column_2|column_3|column_4", "1|tp|tblue|ty|ts", "300|tp|tred|ty|ts"},
    {"tbl_alltext_noheader_unique.csv", 300, "column_1|column_2|column_3", "1|tp|tblue|ty", "300|tp|tred|ty"},
    {"tbl_blank.csv", 0, "", "", ""},
    {"tbl_class_numbers.csv", 300, "x|y", "2|#6.23|#1", "301|#9.88|#1"},
    {"tbl_comma_name.csv", 300, "len, cm|width|cls", "2|#6.23|#1.79|w1", "301|#9.88|#1.23|w1"},
    {"tbl_comment.csv", 2, "a|b", "3|#1|#2", "4|#3|#4"},
    {"tbl_dup_header.csv", 2, "a|a_2|b", "2|#1|#2|#3", "3|#4|#5|#6"},
    {"tbl_empty.csv", 0, "", "", ""},
    {"tbl_empty_names.csv", 2, "column_1|a|column_3", "2|#1|#2|#3", "3|#4|#5|#6"},
    {"tbl_excel_sep.csv", 2, "len|width", "3|#1|#2", "4|#3|#4"},
    {"tbl_header_only.csv", 0, "a|b", "", ""},
    {"tbl_numeric_header.csv", 300, "0|1|2", "2|#6.23|#1.79|#4.44", "301|#9.88|#1.23|#8.65"},
    {"tbl_ragged_short.csv", 3, "a|b|c", "2|#1|#2|#3", "4|#7|#8|#9"},
    {"tbl_semicolon.csv", 300, "len|width|cls", "2|#6.23|#1.79|w1", "301|#9.88|#1.23|w1"},
    {"tbl_semicolon_decimal.csv", 300, "len|width|cls", "2|#6.23|#1.79|w1", "301|#9.88|#1.23|w1"},
    {"tbl_space.csv", 2, "a|b|c", "2|#1|#2|#3", "3|#4|#5|#6"},
    {"tbl_text_input.csv", 300, "len|colour|price", "2|#6.23|tblue|#1.23", "301|#9.88|tred|#19.88"},
    {"tbl_trailing.csv", 2, "a|b", "2|#1|#2", "3|#4|#5"},
    {"tbl_trailing_both.csv", 2, "a|b", "2|#1|#2", "3|#4|#5"},
    {"tbl_year_header.csv", 300, "region|2019|2020|2021", "2|#0|#6.23|#1.79|#4.44", "301|#299|#9.88|#1.23|#8.65"},
    {"thousands.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20000", "61|t2023-11-14 23:12:20|#19306.47"},
    {"time_ampm.csv", 60, "timestamp|value", "2|t2016-07-01 12:00:00 AM|#20.02", "61|t2016-07-03 11:00:00 AM|#20.63"},
    {"time_basic.csv", 60, "timestamp|value", "2|t20160701T000000Z|#20.02", "61|t20160703T110000Z|#20.63"},
    {"time_double_space.csv", 60, "timestamp|value", "2|t2016-07-01  00:00:00|#20.02", "61|t2016-07-03  11:00:00|#20.63"},
    {"time_excel.csv", 60, "timestamp|value", "2|#42552|#20.02", "61|#42554.4583333|#20.63"},
    {"time_german_dots.csv", 60, "timestamp|value", "2|t01.07.2016 00:00:00|#20.02", "61|t03.07.2016 11:00:00|#20.63"},
    {"time_iso_Z.csv", 60, "timestamp|value", "2|t2016-07-01T00:00:00Z|#20.02", "61|t2016-07-03T11:00:00Z|#20.63"},
    {"time_iso_date.csv", 400, "date|value", "2|t2019-01-01|#20", "401|t2020-02-04|#25.61"},
    {"time_iso_hour.csv", 60, "timestamp|value", "2|t2016-07-01T00|#20.02", "61|t2016-07-03T11|#20.63"},
    {"time_iso_minutes_Z.csv", 60, "timestamp|value", "2|t2016-07-01T00:00Z|#20.02", "61|t2016-07-03T11:00Z|#20.63"},
    {"time_ms.csv", 60, "timestamp|value", "2|#1.4673312e+12|#20.02", "61|#1.4675436e+12|#20.63"},
    {"time_slash_ymd.csv", 60, "timestamp|value", "2|t2016/07/01 00:00|#20.02", "61|t2016/07/03 11:00|#20.63"},
    {"time_unpadded.csv", 60, "timestamp|value", "2|t2016-7-1 0:00|#20.02", "61|t2016-7-3 11:00|#20.63"},
    {"time_us.csv", 60, "timestamp|value", "2|#1.4673312e+15|#20.02", "61|#1.4675436e+15|#20.63"},
    {"time_yyyymmdd.csv", 400, "date|value", "2|#20190101|#20", "401|#20200204|#25.61"},
    {"tn_@timestamp.csv", 60, "@timestamp|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_DateTime.csv", 60, "DateTime|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_Time-[s].csv", 60, "Time [s]|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_Timestamp-(UTC).csv", 60, "Timestamp (UTC)|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn___REALTIME_TIMESTAMP.csv", 60, "__REALTIME_TIMESTAMP|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn__time.csv", 60, "_time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_elapsed.csv", 60, "elapsed|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_epoch.csv", 60, "epoch|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_tst.csv", 60, "tst|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"tn_zeit.csv", 60, "zeit|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.306"},
    {"topic_json.txt", 60, "topic|time|v", "1|ts/t|#1700000000|#20", "60|ts/t|#1700003540|#19.306"},
    {"tpv_nofix.json", 60, "mode|time|lat|alt", "1|#1", "60|#3|t2023-11-14T22:14:19.000Z|#48.001931|#519.306"},
    {"trailing_comma.csv", 60, "time|v|w", "2|#1700000000|#20|#20", "61|#1700003540|#19.306|#19.31"},
    {"trailing_comma_data.csv", 60, "time|v|w", "2|#1700000000|#20|#20", "61|#1700003540|#19.306|#19.31"},
    {"trailing_space.csv", 60, "time|v", "2|#1700000000|#20", "61|#1700003540|#19.306"},
    {"ts_two_times.csv", 60, "timestamp|date|v", "2|#1700000000|t2023-11-14 22:13:20|#20", "61|#1700003540|t2023-11-14 23:12:20|#19.306"},
    {"tsv.tsv", 60, "time|v|w", "2|t2023-11-14 22:13:20|#20|#-20", "61|t2023-11-14 23:12:20|#19.306|#-19.306"},
    {"two_header.csv", 60, "time|v|w", "3|#1700000000|#20|#20", "62|#1700003540|#19.306|#19.31"},
    {"two_tables.csv", 60, "time|hpa|celsius", "2|#1700000000|#1020", "62|#1700003540|a|#19.306"},
    {"tz_dst.csv", 60, "time|v", "2|t2024-03-30 22:00:00+01:0|#20", "61|t2024-03-31 08:50:00+02:0|#19.306"},
    {"u64.csv", 60, "time|id|v", "2|#1700000000|#1.84467440737e+19|#20", "61|#1700003540|#1.84467440737e+19|#19.306"},
    {"units.csv", 60, "time|v", "2|t2023-11-14 22:13:20|#20", "61|t2023-11-14 23:12:20|#19.31"},
    {"uptime_reset.csv", 60, "time|v", "2|#5|#20", "61|#545|#19.306"},
    {"year.csv", 60, "year|temp", "2|#1900|#20", "61|#1959|#19.306"},
    {"z2m.jsonl", 40, "time|temperature|humidity|update.state", "1|t2024-01-01T00:00:00|#18.6|#60.5|tidle", "40|t2024-01-01T00:39:00|#18.2|#60.1|tidle"},
};
// clang-format on

std::string shown(const hanami_test::read_row& row) {
  std::string text = std::to_string(row.line);
  for (std::size_t i = 0; i < row.kinds.size(); ++i) {
    text += '|';
    text += std::string_view("amv#bwit")[static_cast<std::size_t>(row.kinds[i])];
    if (has_value(row.kinds[i])) {
      std::array<char, 32> digits;
      std::snprintf(digits.data(), digits.size(), "%.12g", row.values[i]);
      text += digits.data();
    } else {
      text += row.texts[i].substr(0, 24);
    }
  }
  return text;
}

} // namespace

TEST_CASE("rows of many tools have the fields and cells that are meant", "[cases]") {
  const std::filesystem::path folder = hanami_test::cases_folder();
  for (const expected& want : all) {
    std::ifstream file(folder / want.file, std::ios::binary);
    if (folder.empty() || !file) {
      continue;
    }
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (const bool live : {false, true}) {
      INFO(want.file << (live ? ", line by line" : ""));
      const hanami_test::read_rows got = hanami_test::read(text, {}, live);
      std::string fields;
      for (const std::string& name : got.reader.fields()) {
        fields += (fields.empty() ? "" : "|") + name;
      }
      CHECK(fields == want.fields);
      CHECK(got.rows.size() == want.rows);
      CHECK(got.reader.lost_lines() == 0);
      CHECK(got.reader.refusal().empty() == !fields.empty());
      if (!got.rows.empty()) {
        CHECK_THAT(shown(got.rows.front()), Catch::StartsWith(want.first));
        CHECK_THAT(shown(got.rows.back()), Catch::StartsWith(want.last));
      }
    }
  }
}

TEST_CASE("times of a resolution beyond double stand in the text of their cells", "[cases]") {
  const auto got = hanami_test::read("t,v\n1700000000.934018425,1\n1700000060.934018425,2\n");
  CHECK(got.rows[0].texts[0] == "1700000000.934018425");
}
