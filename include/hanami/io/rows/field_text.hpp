// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../cell.hpp"
#include "../row_format.hpp"
#include "placed_fields.hpp"

/// Fields of lines of text, for `row_reader`.

namespace hanami::inline HANAMI_ISA::detail {

/// A field as it stands in a line, without the quotes around it.
struct field_text {
  std::string_view text;
  bool quoted = false;
  bool open = false; ///< its quote is not closed on this line
  bool key = false;  ///< a colon stood behind it
};

/// What parts fields where the separator is a blank.
enum class blank_use : std::uint8_t {
  words,  ///< any run of blanks
  clocks, ///< the same, but a date and the time of day behind it are one field
  wide,   ///< two blanks and more, or a tab: CPU %   MEM USAGE / LIMIT
  placed  ///< the places in the line, as cells may be empty
};

/// The signs of a table. `comment`: `no_sign` where there are no lines of comment.
struct dialect {
  char separator = ',';
  char quote = '"';
  char decimal = '.';
  char thousands = '\0';
  char comment = '#';
  bool escapes = false; ///< a quote within quotes stands behind a backslash: \"
  blank_use blanks = blank_use::words;

  std::vector<std::uint8_t> factored = {}; ///< columns of numbers like 1.2k
  std::vector<std::uint32_t> places = {};  ///< where columns begin, in characters, if placed

  number_signs signs() const noexcept { return {decimal, thousands}; }
  /// Whether a field ends at `at`, which may be `last`.
  bool ends_field(const char* at, const char* last) const noexcept {
    return at == last || (*at == separator && (blanks != blank_use::wide || separator != ' ' ||
                                               (at + 1 != last && is_blank(at[1]))));
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(separator, quote, decimal, thousands, comment, escapes, blanks, factored, places);
  }
};

/// Takes the field at `at`: where it ends, at a separator or `last`. With a blank as separator `at`
/// stands behind blanks. Text with doubled quotes goes to `plain`, which must have room for it, so
/// that views into it stay good.
inline const char* take_field(const char* at, const char* const last, const dialect& how,
                              std::string& plain, field_text& field) {
  const char separator = how.separator;
  const char quote = how.quote;
  const bool by_blanks = separator == ' ';
  const auto end_from = [&](const char* from) {
    if (by_blanks) {
      const char* end = std::find_if(from, last, is_blank);
      while (end != last && *end != '\t' && !how.ends_field(end, last)) { // a blank of the text
        end = std::find_if(end + 1, last, is_blank);
      }
      return end;
    }
    const void* const found =
        from == last ? nullptr
                     : std::memchr(from, separator, static_cast<std::size_t>(last - from));
    return found == nullptr ? last : static_cast<const char*>(found);
  };
  const char* first = at;
  while (first != last && is_blank(*first) && *first != separator) {
    ++first;
  }
  field = {};
  if (first == last || *first != quote) {
    const char* const end = end_from(at);
    field.text = {at, static_cast<std::size_t>(end - at)};
    return end;
  }
  field.quoted = true;
  const char* const begin = first + 1;
  const std::size_t kept = plain.size();
  for (const char* part = begin;;) {
    const char* const end = std::find(part, last, quote);
    if (end == last) {
      field.open = true;
      field.text = {begin, static_cast<std::size_t>(last - begin)};
      return last;
    }
    if (how.escapes && end != begin && end[-1] == '\\') {
      plain.append(part, end - 1).push_back(quote);
      part = end + 1;
      continue;
    }
    if (end + 1 != last && end[1] == quote) { // a doubled quote
      plain.append(part, end + 1);
      part = end + 2;
      continue;
    }
    const char* next = end + 1;
    while (next != last && (is_blank(*next) || *next == '\r') && *next != separator) {
      ++next;
    }
    if (next != last && *next != separator && !(by_blanks && next != end + 1)) {
      const char* const stop = end_from(end); // text behind the quote: no quotes were meant
      field = {{at, static_cast<std::size_t>(stop - at)}, false, false};
      plain.resize(kept);
      return stop;
    }
    if (part == begin) {
      field.text = {begin, static_cast<std::size_t>(end - begin)};
    } else {
      plain.append(part, end);
      field.text = std::string_view(plain).substr(kept);
    }
    return by_blanks ? end + 1 : next;
  }
}

/// Whether words stand for parts of a time: am, T, UTC, Nov, Tuesday, ...
inline bool is_time_word(std::string_view word, bool clock) noexcept {
  static constexpr std::array<std::string_view, 8> whole = {"t", "z", "am",  "pm",
                                                            "a", "p", "utc", "gmt"};
  static constexpr std::array<std::string_view, 25> begins = {
      "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",  "dec", "mon",
      "tue", "wed", "thu", "fri", "sat", "sun", "mai", "okt", "dez", "avr", "juin", "juil"};
  lower_text<10> small;
  const std::string_view text = small.of(word);
  if (text.empty()) {
    return false;
  }
  const auto is = [&](std::string_view known) { return text == known; };
  const auto begin = [&](std::string_view known) { return text.starts_with(known); };
  return std::any_of(whole.begin(), whole.end(), is) ||
         std::any_of(begins.begin(), begins.end(), begin) ||
         (clock && text.size() >= 3 && text.size() <= 5); // a zone
}

/// Whether a text has the shape of a date, a time of day or both. Whether it is one, calendars
/// know.
inline bool is_time_shaped(std::string_view text) noexcept {
  std::size_t digits = 0;
  std::size_t signs = 0;
  std::size_t points = 0;
  bool month = false;
  const bool clock = text.find(':') != std::string_view::npos;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (is_letter(c)) {
      const std::size_t first = i;
      while (i < text.size() && is_letter(text[i])) {
        ++i;
      }
      const std::string_view word = text.substr(first, i - first);
      if (!is_time_word(word, clock && digits > 0)) { // a zone stands behind
        return false;
      }
      month = month || word.size() >= 3;
      signs += word.size() == 1 ? 1U : 0U;
      continue;
    }
    if (!is_digit(c) &&
        std::string_view("-/:. +,\xC2\xA0\xE2\x80\xAF").find(c) == std::string_view::npos) {
      return false;
    }
    const bool between = i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) &&
                         (is_digit(text[i + 1]) || is_blank(text[i + 1]));
    digits += is_digit(c) ? 1U : 0U;
    points += c == '.' ? 1 : 0;
    signs += between && std::string_view("-/:.").find(c) != std::string_view::npos ? 1U : 0U;
    ++i;
  }
  return digits >= 3 && text.size() <= 48 && !text.ends_with(',') &&
         (month || (signs >= 2 && points <= 2) || (clock && signs == 1 && digits <= 4));
}

/// The word behind the one that ends at `at`, in lines whose fields are apart by blanks.
inline std::string_view next_word(const char* at, const char* const last) noexcept {
  const char* const first = std::find_if_not(at, last, is_blank);
  return {first, static_cast<std::size_t>(std::find_if(first, last, is_blank) - first)};
}

/// Where blanks are between fields and within times: makes one field of the parts of a time of
/// which the first one ends at `at`, a date and a clock, a clock and AM or PM, or Nov 1 12:00:00.
/// Gives where it ends.
inline const char* join_clock(const char* at, const char* const last, field_text& field) {
  if (field.quoted || at == last || field.text.empty()) {
    return at;
  }
  const auto is_clock = [](std::string_view word) {
    return !word.empty() && is_digit(word.front()) && word.find(':') != std::string_view::npos &&
           is_time_shaped(word);
  };
  const auto end_of = [](std::string_view word) { return word.data() + word.size(); };
  const std::string_view word = next_word(at, last);
  const char* end = at;
  if (is_letter(field.text.front())) {
    const std::string_view clock = next_word(end_of(word), last);
    const bool day =
        !word.empty() && word.size() <= 2 && std::all_of(word.begin(), word.end(), is_digit);
    if (field.text.size() >= 3 && day && is_time_word(field.text, false) && is_clock(clock)) {
      end = end_of(clock);
    }
  } else if (is_clock(word) && is_time_shaped(field.text) &&
             field.text.find(':') == std::string_view::npos) {
    end = end_of(word);
  } else if (!is_clock(field.text)) {
    return at;
  }
  lower_text<4> small;
  const std::string_view half = next_word(end, last);
  if (const std::string_view text = small.of(half); text == "am" || text == "pm") {
    end = end_of(half);
  }
  field.text = {field.text.data(), static_cast<std::size_t>(end - field.text.data())};
  return end;
}

/// A field that ends in a colon is the key of a line whose fields are apart by blanks.
inline bool drop_colon(std::string_view& text) noexcept {
  const bool key = text.size() > 1 && text.back() == ':';
  text.remove_suffix(key ? 1 : 0);
  return key;
}

/// Takes what stands in brackets in front of a line, as loggers write times: [1700000000.5] 20.1.
/// Gives where it ends, or `first` where there is none.
inline const char* take_bracketed(const char* first, const char* const last, field_text& field) {
  const char* const end = first != last && *first == '[' ? std::find(first, last, ']') : last;
  if (end == last || (end + 1 != last && !is_blank(end[1]))) {
    return first;
  }
  field.text = trim_blanks({first + 1, static_cast<std::size_t>(end - first - 1)});
  return end + 1;
}

/// Calls `see(field)` for each field of a line. True where the last one's quote is open.
template <class See>
bool for_fields(std::string_view line, const dialect& how, std::string& plain, See see) {
  if (how.blanks == blank_use::placed) {
    for_placed_fields(line, how.places, [&](std::string_view text) {
      see(field_text{trim_blanks(text), false, false, false});
    });
    return false;
  }
  plain.clear();
  plain.reserve(line.size());
  const char* at = line.data();
  const char* const last = at + line.size();
  const bool by_blanks = how.separator == ' ';
  if (by_blanks) {
    at = std::find_if_not(at, last, is_blank);
  }
  for (bool first = true;; first = false) {
    field_text field;
    const char* const begin = at;
    at = by_blanks && first ? take_bracketed(begin, last, field) : begin;
    if (at == begin) {
      at = take_field(begin, last, how, plain, field);
    }
    if (by_blanks && how.blanks == blank_use::clocks) {
      at = join_clock(at, last, field);
    }
    if (by_blanks && first) {
      field.key = drop_colon(field.text);
    }
    see(static_cast<const field_text&>(field));
    if (at == last) {
      return field.open;
    }
    ++at;
    if (by_blanks) {
      at = std::find_if_not(at, last, is_blank);
      if (at == last) {
        return field.open;
      }
    }
  }
}

/// Whether a cell is no text: a number, a truth value or a time.
inline bool is_typed(std::string_view text, number_signs signs) {
  const cell_kind kind = parse_cell(text, signs).kind;
  return kind == cell_kind::number || kind == cell_kind::truth || kind == cell_kind::infinite ||
         (kind == cell_kind::text && is_time_shaped(trim_blanks(text)));
}

/// Whether a word is a path of names, as of a topic: home/kitchen/temperature. Units like km/h are
/// shaped so, too.
inline bool is_topic(std::string_view word) noexcept {
  return word.size() > 1 && word.find('/') != std::string_view::npos &&
         word.find_first_of(" \t()[]\"=") == std::string_view::npos;
}

/// Whether a line holds no row but is a line drawn below a header: ----+---- or |---|---|, or
/// stands for rows that are not printed, with an ellipsis or a dot in the middle in each column.
inline bool is_drawn_line(std::string_view line) noexcept {
  std::size_t strokes = 0;
  for (const char c : line) {
    const bool left_out =
        std::string_view("\xE2\x80\xA6\xC2\xB7").find(c) != std::string_view::npos;
    strokes += c == '-' || c == '=' || left_out ? 1 : 0;
    if (!left_out && std::string_view("-=+|: \t").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return strokes >= 3;
}

/// What clients of databases say below a table: (40 rows), 40 rows in set (0.01 sec), only showing
/// top 20 rows, [40 rows x 2 columns].
inline bool is_row_count(std::string_view line) noexcept {
  line = trim_blanks(line);
  if (line.starts_with("only showing top ")) {
    return true;
  }
  line.remove_prefix(std::min(line.find_first_not_of("(|[ "), line.size()));
  const std::size_t end = std::min(line.find_first_not_of("0123456789,"), line.size());
  const std::string_view rest = trim_blanks(line.substr(end));
  return end > 0 && end < line.size() && is_digit(line[end - 1]) && is_blank(line[end]) &&
         (rest.starts_with("row") || rest.starts_with("record"));
}

/// Whether a word stands before sums and means of the rows above: Total, Summe, Average:.
inline bool is_total_word(std::string_view word) noexcept {
  static constexpr auto words =
      std::to_array<std::string_view>({"total",
                                       "totals",
                                       "grand total",
                                       "subtotal",
                                       "sub total",
                                       "sub-total",
                                       "sum",
                                       "summe",
                                       "gesamt",
                                       "gesamtsumme",
                                       "zwischensumme",
                                       "somme",
                                       "suma",
                                       "soma",
                                       "somma",
                                       "totale",
                                       "totaal",
                                       "total general",
                                       "average",
                                       "avg",
                                       "mean",
                                       "mittelwert",
                                       "durchschnitt",
                                       "moyenne",
                                       "promedio",
                                       "media",
                                       "gemiddelde",
                                       "totalt",
                                       "\xD0\xB8\xD1\x82\xD0\xBE\xD0\xB3\xD0\xBE"});
  word = trim_blanks(word);
  word.remove_suffix(word.ends_with(':') ? 1 : 0);
  lower_text<16> small;
  const std::string_view text = small.of(word);
  return !text.empty() && std::find(words.begin(), words.end(), text) != words.end();
}

/// Whether a line is part of a box that is drawn with signs of Unicode, as sqlite3, DuckDB, polars
/// and ClickHouse do.
inline bool is_boxed(std::string_view line) noexcept {
  line = trim_blanks(line);
  return line.size() > 2 && line[0] == '\xE2' && (line[1] == '\x94' || line[1] == '\x95');
}

/// The same line with | between cells, and with - and + where it is drawn. Names that stand in the
/// frame are cells, too.
inline void unbox(std::string_view line, std::string& plain) {
  constexpr std::string_view upright = "\x82\x83\x86\x87\x8A\x8B"; // behind U+2500
  constexpr std::string_view level = "\x80\x81\x84\x85\x88\x89";   // behind U+2500
  plain.clear();
  bool words = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const std::string_view sign = line.substr(i, 3);
    const bool thin = sign.size() == 3 && sign.starts_with("\xE2\x94");
    if (!thin && !(sign.size() == 3 && sign.starts_with("\xE2\x95"))) {
      words = words || !is_blank(line[i]);
      plain += line[i];
      continue;
    }
    const bool bar = thin ? upright.find(sign[2]) != std::string_view::npos : sign[2] == '\x91';
    const bool dash = thin ? level.find(sign[2]) != std::string_view::npos
                           : sign[2] == '\x90' || sign[2] == '\x8C' || sign[2] == '\x8D';
    plain += bar ? '|' : dash ? '\x01' : '\x02';
    i += 2;
  }
  for (char& c : plain) {
    c = c == '\x01' ? (words ? ' ' : '-') : c == '\x02' ? (words ? '|' : '+') : c;
  }
}

inline constexpr std::string_view time_arrow = " -> ";

/// Whether a line begins with a time and an arrow, as monitors of serial ports write it.
inline bool has_arrow(std::string_view line) noexcept {
  const std::size_t at = line.find(time_arrow);
  return at != std::string_view::npos && is_time_shaped(line.substr(0, at));
}

/// The same line with the sign for the arrow that stands between the fields behind it, else a
/// blank.
inline void replace_arrow(std::string_view line, std::string& plain) {
  plain = line;
  const std::size_t at = plain.find(time_arrow);
  if (at == std::string::npos) {
    return;
  }
  const bool named = plain.find_first_of("=:", at) != std::string::npos; // temp:20.5,hum:50
  const std::size_t sign = named ? std::string::npos : plain.find_first_of(",;\t|", at);
  plain.replace(at, time_arrow.size(), 1, sign == std::string::npos ? ' ' : plain[sign]);
}

/// A line whose whole is one field in quotes, without them; other lines stay.
inline std::string_view unquoted_line(std::string_view line, std::string& plain) {
  const std::string_view text = trim_blanks(line);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return line;
  }
  plain.clear();
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    plain += text[i];
    i += text[i] == '"' && text[i + 1] == '"' ? 1U : 0U;
  }
  return plain;
}

/// Without what tells a terminal to clear lines before and behind them, as docker stats does.
inline std::string_view without_escapes(std::string_view line) noexcept {
  while (line.starts_with("\x1b[")) {
    const auto end = std::find_if(line.begin() + 2, line.end(), is_letter);
    line.remove_prefix(static_cast<std::size_t>(end - line.begin()) + (end == line.end() ? 0 : 1));
  }
  for (const std::string_view clear : {"\x1b[J", "\x1b[K"}) {
    line.remove_suffix(line.ends_with(clear) ? clear.size() : 0);
  }
  return line;
}

/// A row that is printed as a tuple of Python or as one of an array of NumPy, without the brackets
/// around it: (1, 2.5) or [[1. 2.5]; other lines stay.
inline std::string_view without_brackets(std::string_view line) noexcept {
  const std::string_view text = trim_blanks(line);
  if (text.size() < 5 || (text.front() != '(' && text.front() != '[')) {
    return line;
  }
  const bool tuple = text.front() == '(';
  const std::size_t first = text.find_first_not_of(tuple ? "(" : "[");
  const std::size_t last = text.find_last_not_of(tuple ? ")," : "]");
  if (first == std::string_view::npos || last == std::string_view::npos || last <= first ||
      last + 1 == text.size() || (tuple && (first > 1 || text[last + 1] != ')'))) {
    return line;
  }
  const std::string_view inner = trim_blanks(text.substr(first, last + 1 - first));
  const bool row =
      tuple ? inner.find(", ") != std::string_view::npos &&
                  inner.find_first_of("()") == std::string_view::npos
            : inner.find(' ') != std::string_view::npos &&
                  inner.find_first_not_of("0123456789+-.einaf ") == std::string_view::npos;
  return row ? inner : line;
}

inline bool is_blank_line(std::string_view line) noexcept {
  return std::all_of(line.begin(), line.end(), [](char c) { return is_blank(c) || c == '\r'; });
}

} // namespace hanami::detail
