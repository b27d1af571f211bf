// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "number.hpp"
#include "words.hpp"

/// What the name of a field says about time.

namespace hanami::inline HANAMI_ISA::detail {

/// How sure a name makes that its field is the time of its row.
enum class time_likelihood : std::uint8_t {
  none,
  weak,    ///< `t`, `ms`, `elapsed`: numbers that rise regularly are the time
  likely,  ///< `response_time`: one if its values are of this age, or dates
  certain, ///< `Timestamp (UTC)`
};

/// What a field of several that make a time together holds.
enum class time_role : std::uint8_t {
  whole,
  date,
  clock,
  year,
  month,
  day,
  hour,
  minute,
  second,
  day_of_year
};

struct time_name {
  time_likelihood likelihood = time_likelihood::none;
  std::uint32_t rank = 0; ///< among the certain ones, the highest goes first
  number_hints hints;
  bool utc = false;
  bool clock = false;                ///< it may mean a time of day
  bool day_first = false;            ///< in its language the day goes before the month
  time_role role = time_role::whole; ///< that the name alone says
};

/// The words of a name in lower case: `createdAt`, `Time [s]` and `@timestamp` have two, two and
/// one.
inline std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool after_small = i > 0 && name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if (!in_word(c) && !is_digit(c)) {
      inside = false;
      continue;
    }
    if (!inside || (upper && after_small)) {
      words.emplace_back();
    }
    inside = true;
    words.back() += lower(c);
  }
  return words;
}

inline bool word_is_one_of(std::string_view word, std::span<const std::string_view> list) noexcept {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// A word that means a time by itself, the likeliest first; `likely` where it stands in a name of
/// others.
inline std::uint32_t rank_of_word(std::string_view word) noexcept {
  static constexpr auto words = std::to_array<std::string_view>(
      {"timestamp", "timestamps", "tstamp",   "datetime", "dattime",   "zeitstempel", "horodatage",
       "dateheure", "fechahora",  "datahora", "dataora",  "tijdstip",  "tidspunkt",   "tidsstempel",
       "日時",      "время",      "epoch",    "unixtime", "utctime",   "gmtime",      "localtime",
       "tst",       "ts",         "time",     "zeit",     "zeitpunkt", "uhrzeit",     "heure",
       "hora",      "tiempo",     "tijd",     "czas",     "čas",       "aika",        "zaman",
       "时间",      "時間",       "時刻",     "시간",     "when",      "date",        "datum",
       "fecha",     "日期",       "日付",     "дата",     "날짜",      "tarih",       "dates",
       "yyyymmdd",  "yyyymmddhh", "clock"});
  const auto* const found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? 0 : static_cast<std::uint32_t>(words.end() - found);
}

/// Messzeit, rosbagtimestamp, unixtimestamp
inline bool is_time_compound(std::string_view word) noexcept {
  static constexpr auto ends = std::to_array<std::string_view>(
      {"time", "times", "zeit", "stamp", "zeitpunkt", "datum", "dátum", "tid", "leima", "tag"});
  return word.starts_with("time") || word.starts_with("zeit") ||
         std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
           return word.size() > end.size() && word.ends_with(end);
         });
}

inline bool is_date_word(std::string_view word) noexcept {
  static constexpr auto words = std::to_array<std::string_view>(
      {"date", "dates", "yyyymmdd", "yyyymmddhh", "dteday", "yyyymmddhh", "datum", "fecha", "data",
       "dato", "日期",  "日付",     "дата",       "날짜",   "tarih",      "day",   "month", "jour",
       "dia",  "tag",   "yyyymmdd", "yyyymmddhh", "dteday", "julian",     "jd"});
  return word_is_one_of(word, words);
}

inline bool is_clock_word(std::string_view word) noexcept {
  static constexpr auto words = std::to_array<std::string_view>(
      {"time", "zeit",  "uhrzeit", "heure",  "hora",  "ora",  "tijd", "tid",  "czas",   "čas",
       "hour", "hours", "stunde",  "heures", "clock", "hr",   "hrs",  "hh",   "anfang", "beginn",
       "von",  "start", "hhmm",    "hhmmss", "时间",  "時間", "時刻", "시간", "время"});
  return word_is_one_of(word, words);
}

inline bool is_day_first_word(std::string_view word) noexcept {
  static constexpr std::array<std::string_view, 23> words{
      "datum",    "uhrzeit",   "zeit",   "zeitpunkt", "zeitstempel", "fecha",
      "hora",     "heure",     "heures", "ora",       "dato",        "tijd",
      "tijdstip", "tidspunkt", "czas",   "čas",       "horodatage",  "fechahora",
      "datahora", "dataora",   "jour",   "дата",      "время"};
  return word_is_one_of(word, words);
}

inline time_role part_of_word(std::string_view word) noexcept {
  static constexpr std::array words = std::to_array<word_value>(
      {{"year", 3},  {"yr", 3},       {"yyyy", 3},    {"yy", 3},      {"jahr", 3},   {"annee", 3},
       {"année", 3}, {"año", 3},      {"ano", 3},     {"anno", 3},    {"jaar", 3},   {"month", 4},
       {"mon", 4},   {"mo", 4},       {"mnth", 4},    {"monat", 4},   {"mois", 4},   {"mes", 4},
       {"maand", 4}, {"day", 5},      {"dy", 5},      {"dd", 5},      {"tag", 5},    {"jour", 5},
       {"dia", 5},   {"día", 5},      {"dag", 5},     {"dom", 5},     {"hour", 6},   {"hr", 6},
       {"hh", 6},    {"stunde", 6},   {"heure", 6},   {"hora", 6},    {"uur", 6},    {"minute", 7},
       {"min", 7},   {"mn", 7},       {"mm", 7},      {"minuto", 7},  {"second", 8}, {"sec", 8},
       {"ss", 8},    {"sekunde", 8},  {"seconde", 8}, {"segundo", 8}, {"doy", 9},    {"yday", 9},
       {"jday", 9},  {"dayofyear", 9}});
  return static_cast<time_role>(value_of(words, word).value_or(0));
}

inline time_name read_plain_name(std::string_view name) {
  static constexpr std::array<std::string_view, 30> beside{
      "created", "updated", "recorded", "measured", "observed",    "received",
      "sampled", "sample",  "event",    "log",      "logged",      "start",
      "local",   "utc",     "gmt",      "gps",      "system",      "device",
      "sensor",  "server",  "unix",     "epoch",    "date",        "realtime",
      "frame",   "row",     "iso",      "inserted", "measurement", "reading"};
  static constexpr std::array<std::string_view, 19> weak{
      "t",    "elapsed", "uptime", "runtime", "at",    "dt",  "moment", "now", "monotonic", "begin",
      "data", "dato",    "temps",  "times",   "tempo", "tid", "ora",    "utc", "xvalue"};
  std::vector<std::string> words = words_of(name);
  std::string joined;
  time_name said;
  for (const std::string& word : words) {
    said.utc = said.utc || word == "utc" || word == "gmt" || word == "zulu";
    said.hints.dates = said.hints.dates || is_date_word(word);
    said.clock = said.clock || is_clock_word(word);
    said.day_first = said.day_first || is_day_first_word(word);
  }
  const std::size_t sign = name.find_first_of("+-");
  if (sign != std::string_view::npos && sign > 0 && sign + 1 < name.size() &&
      is_letter(name[sign - 1]) && is_digit(name[sign + 1])) {
    said.utc = false; // of GMT+02:00
  }
  std::string whole;
  for (const std::string& word : words) {
    whole += word;
  }
  const bool rate = name.find('/') != std::string_view::npos; // wakeups/s
  if (words.size() > 1) { // a unit behind the word that it is of
    const time_unit* const unit = unit_of_word(words.back());
    if (unit != nullptr) {
      said.hints.unit = unit;
      words.pop_back();
    }
  }
  for (const std::string& word : words) {
    joined += word;
  }
  if (words.empty()) {
    return said;
  }
  if (whole == "dayofyear") {
    said.role = time_role::day_of_year;
  } else if (words.size() == 1) {
    said.role = name.find("MM") != std::string_view::npos ? time_role::month // mm are minutes
                                                          : part_of_word(words.front());
    if (said.hints.unit == nullptr) {
      said.hints.unit = unit_of_word(words.front());
    }
  }
  const auto likely = [](const std::string& word) { return rank_of_word(word) > 0; };
  if (const std::uint32_t rank = rank_of_word(joined); rank > 0) {
    said.likelihood = time_likelihood::certain;
    said.rank = rank;
  } else if (words.size() > 1 &&
             (std::any_of(words.begin(), words.end(), likely) || words.back() == "at")) {
    const bool known = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
      return likely(word) || word == "at" || word == "on" || word == "of" || word == "stamp" ||
             word_is_one_of(word, beside) || unit_of_word(word) != nullptr;
    });
    said.likelihood = known ? time_likelihood::certain : time_likelihood::likely;
    for (const std::string& word : words) {
      said.rank = std::max(said.rank, rank_of_word(word));
    }
    said.rank = said.rank > 0 ? said.rank - 1 : 1;
  } else if (!word_is_one_of(joined, weak) && is_time_compound(joined)) {
    said.likelihood = time_likelihood::likely;
    said.rank = 1;
  } else if (word_is_one_of(joined, weak) || (said.hints.unit != nullptr && !rate) ||
             said.role == time_role::year) {
    said.likelihood = time_likelihood::weak;
  }
  return said;
}

/// Reads a name; of a path, `payload.time`, also its last part alone.
inline time_name read_time_name(std::string_view name) {
  time_name whole = read_plain_name(name);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string_view::npos && dot + 1 < name.size()) {
    time_name last = read_plain_name(name.substr(dot + 1));
    if (last.likelihood > whole.likelihood) {
      last.rank -= last.rank > 0 ? 1U : 0U;
      return last;
    }
  }
  return whole;
}

} // namespace hanami::detail
