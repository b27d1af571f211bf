// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "../../io/cell.hpp"

/// Words in texts of times: months, days of the week, halves of the day and zones, in the languages
/// that spreadsheets and loggers write.

namespace hanami::inline HANAMI_ISA::detail {

/// Of a word: a letter of ASCII, or a byte of one beyond.
constexpr bool in_word(char c) noexcept {
  return is_letter(c) || static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool same_word(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

struct word_value {
  std::string_view text;
  std::int32_t value;
};

template <std::size_t Count>
constexpr std::optional<std::int32_t> value_of(const std::array<word_value, Count>& words,
                                               std::string_view text) noexcept {
  const auto found = std::find_if(words.begin(), words.end(), [&](const word_value& word) {
    return same_word(word.text, text);
  });
  return found == words.end() ? std::nullopt : std::optional(found->value);
}

/// 1 to 12: English, then German, French, Spanish, Italian, Portuguese, Dutch, the northern and
/// Polish ones that differ.
inline std::optional<std::int32_t> month_of(std::string_view word) noexcept {
  static constexpr std::array words = std::to_array<word_value>(
      {{"jan", 1},           {"feb", 2},        {"mar", 3},        {"apr", 4},
       {"may", 5},           {"jun", 6},        {"jul", 7},        {"aug", 8},
       {"sep", 9},           {"oct", 10},       {"nov", 11},       {"dec", 12},
       {"january", 1},       {"february", 2},   {"march", 3},      {"april", 4},
       {"june", 6},          {"july", 7},       {"august", 8},     {"september", 9},
       {"sept", 9},          {"october", 10},   {"november", 11},  {"december", 12},
       {"januar", 1},        {"jänner", 1},     {"februar", 2},    {"märz", 3},
       {"mär", 3},           {"mrz", 3},        {"mai", 5},        {"juni", 6},
       {"juli", 7},          {"okt", 10},       {"oktober", 10},   {"dez", 12},
       {"dezember", 12},     {"janvier", 1},    {"janv", 1},       {"février", 2},
       {"févr", 2},          {"fév", 2},        {"mars", 3},       {"avril", 4},
       {"avr", 4},           {"juin", 6},       {"juillet", 7},    {"juil", 7},
       {"août", 8},          {"septembre", 9},  {"octobre", 10},   {"novembre", 11},
       {"décembre", 12},     {"déc", 12},       {"enero", 1},      {"ene", 1},
       {"febrero", 2},       {"marzo", 3},      {"abril", 4},      {"abr", 4},
       {"mayo", 5},          {"junio", 6},      {"julio", 7},      {"agosto", 8},
       {"ago", 8},           {"septiembre", 9}, {"octubre", 10},   {"noviembre", 11},
       {"diciembre", 12},    {"dic", 12},       {"gennaio", 1},    {"gen", 1},
       {"febbraio", 2},      {"aprile", 4},     {"maggio", 5},     {"mag", 5},
       {"giugno", 6},        {"giu", 6},        {"luglio", 7},     {"lug", 7},
       {"settembre", 9},     {"set", 9},        {"ottobre", 10},   {"ott", 10},
       {"dicembre", 12},     {"janeiro", 1},    {"fevereiro", 2},  {"fev", 2},
       {"março", 3},         {"maio", 5},       {"junho", 6},      {"julho", 7},
       {"setembro", 9},      {"outubro", 10},   {"out", 10},       {"novembro", 11},
       {"dezembro", 12},     {"januari", 1},    {"februari", 2},   {"maart", 3},
       {"mrt", 3},           {"mei", 5},        {"augustus", 8},   {"maj", 5},
       {"augusti", 8},       {"desember", 12},  {"des", 12},       {"sty", 1},
       {"stycznia", 1},      {"lut", 2},        {"lutego", 2},     {"marca", 3},
       {"kwi", 4},           {"kwietnia", 4},   {"maja", 5},       {"cze", 6},
       {"czerwca", 6},       {"lip", 7},        {"lipca", 7},      {"sie", 8},
       {"sierpnia", 8},      {"wrz", 9},        {"września", 9},   {"paź", 10},
       {"października", 10}, {"lis", 11},       {"listopada", 11}, {"gru", 12},
       {"grudnia", 12}});
  return value_of(words, word);
}

/// A day of the week in the same languages; which one does not matter, the date says it.
inline bool is_weekday(std::string_view word) noexcept {
  static constexpr std::array words = std::to_array<word_value>(
      {{"mon", 0},       {"tue", 0},       {"wed", 0},        {"thu", 0},       {"fri", 0},
       {"sat", 0},       {"sun", 0},       {"monday", 0},     {"tuesday", 0},   {"wednesday", 0},
       {"thursday", 0},  {"friday", 0},    {"saturday", 0},   {"sunday", 0},    {"tues", 0},
       {"thur", 0},      {"thurs", 0},     {"mo", 0},         {"di", 0},        {"mi", 0},
       {"do", 0},        {"fr", 0},        {"sa", 0},         {"so", 0},        {"montag", 0},
       {"dienstag", 0},  {"mittwoch", 0},  {"donnerstag", 0}, {"freitag", 0},   {"samstag", 0},
       {"sonnabend", 0}, {"sonntag", 0},   {"lun", 0},        {"mar", 0},       {"mer", 0},
       {"jeu", 0},       {"ven", 0},       {"sam", 0},        {"dim", 0},       {"lundi", 0},
       {"mardi", 0},     {"mercredi", 0},  {"jeudi", 0},      {"vendredi", 0},  {"samedi", 0},
       {"dimanche", 0},  {"mié", 0},       {"mie", 0},        {"jue", 0},       {"vie", 0},
       {"sáb", 0},       {"sab", 0},       {"dom", 0},        {"lunes", 0},     {"martes", 0},
       {"miércoles", 0}, {"jueves", 0},    {"viernes", 0},    {"sábado", 0},    {"domingo", 0},
       {"gio", 0},       {"lunedì", 0},    {"martedì", 0},    {"mercoledì", 0}, {"giovedì", 0},
       {"venerdì", 0},   {"sabato", 0},    {"domenica", 0},   {"seg", 0},       {"ter", 0},
       {"qua", 0},       {"qui", 0},       {"sex", 0},        {"ma", 0},        {"wo", 0},
       {"vr", 0},        {"za", 0},        {"zo", 0},         {"maandag", 0},   {"dinsdag", 0},
       {"woensdag", 0},  {"donderdag", 0}, {"vrijdag", 0},    {"zaterdag", 0},  {"zondag", 0}});
  return value_of(words, word).has_value();
}

/// Hours to add at noon: 0 before it, 12 after it.
inline std::optional<std::int32_t> half_of_day(std::string_view word) noexcept {
  static constexpr std::array words = std::to_array<word_value>({{"am", 0},
                                                                 {"pm", 12},
                                                                 {"a.m.", 0},
                                                                 {"p.m.", 12},
                                                                 {"a.m", 0},
                                                                 {"p.m", 12},
                                                                 {"a", 0},
                                                                 {"p", 12},
                                                                 {"上午", 0},
                                                                 {"下午", 12},
                                                                 {"午前", 0},
                                                                 {"午後", 12},
                                                                 {"오전", 0},
                                                                 {"오후", 12}});
  return value_of(words, word);
}

/// Seconds ahead of UTC of a zone that goes by a few letters. Of letters with several meanings the
/// most usual one.
inline std::optional<std::int32_t> zone_of(std::string_view word) noexcept {
  constexpr std::int32_t hour = 3600;
  static constexpr std::array words = std::to_array<word_value>({{"z", 0},
                                                                 {"utc", 0},
                                                                 {"gmt", 0},
                                                                 {"ut", 0},
                                                                 {"wet", 0},
                                                                 {"west", hour},
                                                                 {"bst", hour},
                                                                 {"cet", hour},
                                                                 {"mez", hour},
                                                                 {"cest", 2 * hour},
                                                                 {"mesz", 2 * hour},
                                                                 {"eet", 2 * hour},
                                                                 {"sast", 2 * hour},
                                                                 {"eest", 3 * hour},
                                                                 {"msk", 3 * hour},
                                                                 {"ist", 5 * hour + hour / 2},
                                                                 {"jst", 9 * hour},
                                                                 {"kst", 9 * hour},
                                                                 {"awst", 8 * hour},
                                                                 {"acst", 9 * hour + hour / 2},
                                                                 {"aest", 10 * hour},
                                                                 {"aedt", 11 * hour},
                                                                 {"nzst", 12 * hour},
                                                                 {"nzdt", 13 * hour},
                                                                 {"brt", -3 * hour},
                                                                 {"est", -5 * hour},
                                                                 {"edt", -4 * hour},
                                                                 {"cst", -6 * hour},
                                                                 {"cdt", -5 * hour},
                                                                 {"mst", -7 * hour},
                                                                 {"mdt", -6 * hour},
                                                                 {"pst", -8 * hour},
                                                                 {"pdt", -7 * hour},
                                                                 {"akst", -9 * hour},
                                                                 {"akdt", -8 * hour},
                                                                 {"hst", -10 * hour}});
  return value_of(words, word);
}

} // namespace hanami::detail
