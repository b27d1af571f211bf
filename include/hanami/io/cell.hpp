// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "../config.hpp"
#include "rows/number_text.hpp"
#include "rows/unit_text.hpp"

/// The one parser of cells: numbers, truth values and words for what is missing, in tables, streams
/// and uploads alike.
///
/// - A number is `1`, `+1.5`, `.5`, `1e5`, with blanks around it, with a decimal sign and signs
///   between thousands as told. One that ends in `%` or has a unit (`20 V`, `21.5°C`, `1013hPa`,
///   `$5`) is the number before or after that, and says so. Negative are also `(12.5)`, `12.5-` and
///   those with a minus of typography; `1.2K`, `3.4M`, `5.6B` and `7.8T` are thousands and so on.
///   Whole numbers with one letter behind them, `20C` or `12k`, are words of a column of text.
/// - A limit, `<0.1` or `> 500`, is that number, but as a word of a column of text it stays a word.
/// - `true` and `false` are 1 and 0, in any case; so are `yes`, `no`, `on` and `off`, but as words
///   of a column of text they stay words.
/// - Missing is nothing, `NA`, `N/A`, `nan`, `null`, `NaT`, `?`, `#N/A`, `#VALUE!` and the like,
///   as pandas, R, spreadsheets, databases and C libraries write it. Words that may well name a
///   class (`none`, `unknown`, `bad`, `-`) are missing only in a column of numbers.
/// - `inf` and numbers beyond double are `infinite`. Hexadecimal numbers are text.

namespace hanami::inline HANAMI_ISA {

enum class cell_kind : std::uint8_t {
  absent,   ///< the row has no such cell
  missing,  ///< there is a cell, and no value in it
  vague,    ///< a word that is missing among numbers, and a word like any other among text
  number,   ///< has a value
  truth,    ///< `true` or `false`, has a value
  word,     ///< `yes`, `no`, `<0.1`: has a value among numbers, and is text among text
  infinite, ///< a number without a finite value
  text
};

/// Whether a cell of that kind has a value, for a reader of numbers.
constexpr bool has_value(cell_kind kind) noexcept {
  return kind == cell_kind::number || kind == cell_kind::truth || kind == cell_kind::word;
}

/// The signs in numbers. Thousands are grouped by `thousands`; '\0': they are not.
struct number_signs {
  char decimal = '.';
  char thousands = '\0';
};

/// What is in a cell. `value` is NaN unless `has_value(kind)`; `unit` is what stands beside a
/// number, part of the text.
struct cell {
  cell_kind kind = cell_kind::missing;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string_view unit = {};
};

namespace detail {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

/// A short text in lower case.
template <std::size_t Most>
class lower_text {
 public:
  /// Empty for a text that is too long; lives as long as this object.
  std::string_view of(std::string_view text) noexcept {
    const std::size_t size = text.size() > Most ? 0 : text.size();
    for (std::size_t i = 0; i < size; ++i) {
      letters_[i] = lower(text[i]);
    }
    return {letters_.data(), size};
  }

 private:
  std::array<char, Most> letters_{};
};

/// Without blanks, carriage returns and spaces that do not break at both ends.
inline std::string_view trim_blanks(std::string_view text) noexcept {
  for (;;) {
    if (!text.empty() && (is_blank(text.front()) || text.front() == '\r')) {
      text.remove_prefix(1);
    } else if (text.starts_with("\xC2\xA0")) {
      text.remove_prefix(2);
    } else {
      break;
    }
  }
  for (;;) {
    if (!text.empty() && (is_blank(text.back()) || text.back() == '\r')) {
      text.remove_suffix(1);
    } else if (text.ends_with("\xC2\xA0")) {
      text.remove_suffix(2);
    } else {
      return text;
    }
  }
}

/// Text of a file for a message: cut, and without control characters.
inline std::string quote_for_message(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string shown(text.substr(0, longest));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      c = '?';
    }
  }
  return '"' + shown + (text.size() > longest ? "...\"" : "\"");
}

/// Takes a number that begins with digits in groups of three, the first of one to three: the digits
/// and what follows as a plain number. False where there are no such groups.
inline bool ungroup(std::string_view text, char sign, std::string& plain) {
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const std::size_t first = at;
  while (at < text.size() && is_digit(text[at])) {
    ++at;
  }
  if (at == first || at - first > 3) {
    return false;
  }
  plain.assign(text.substr(0, at));
  const auto sign_size = [&]() -> std::size_t {
    const std::string_view rest = text.substr(at);
    if (sign == ' ' && rest.starts_with("\xC2\xA0")) {
      return 2;
    }
    if ((sign == ' ' && rest.starts_with("\xE2\x80\xAF")) ||
        (sign == '\'' && rest.starts_with("\xE2\x80\x99"))) {
      return 3;
    }
    return !rest.empty() && rest[0] == sign ? 1 : 0;
  };
  bool grouped = false;
  for (std::size_t size = sign_size(); size > 0; size = sign_size()) {
    const std::string_view group = text.substr(at + size, 3);
    if (group.size() < 3 || !std::all_of(group.begin(), group.end(), is_digit) ||
        (at + size + 3 < text.size() && is_digit(text[at + size + 3]))) {
      return false;
    }
    plain += group;
    at += size + 3;
    grouped = true;
  }
  plain += text.substr(at);
  return grouped;
}

/// What may follow a number as its unit: directly `%` and degrees, after a blank any short word.
inline bool is_unit(std::string_view text) noexcept {
  const bool apart = !text.empty() && is_blank(text.front());
  const std::string_view word = trim_blanks(text);
  if (word.empty() || word.size() > 12 || is_digit(word.front())) {
    return false;
  }
  const bool foreign = static_cast<unsigned char>(word.front()) >= 0x80; // degrees, ohm, euro, ...
  const bool degree = word.size() == 2 && (word[0] == '*' || word[0] == '\'') &&
                      (word[1] == 'C' || word[1] == 'F'); // 20*C, 20'C
  const bool direct = word.front() == '%' || foreign || degree;
  const auto part = [](char c) {
    return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("%/^*$\"'-.").find(c) != std::string_view::npos;
  };
  const bool degrees = word.front() == '*' && word.size() > 1; // *C, without the sign for it
  return (direct || (apart && (is_letter(word.front()) || word.front() == '$' || degrees))) &&
         std::all_of(word.begin(), word.end(), part);
}

struct known_word {
  std::string_view text; ///< in lower case
  cell_kind kind;
  double value = std::numeric_limits<double>::quiet_NaN();
};

/// Sorted by text. Words of spreadsheets that begin with # and end in ! or ? are missing as well.
inline constexpr auto known_words = std::to_array<known_word>({
    {"#err", cell_kind::missing},
    {"#error", cell_kind::missing},
    {"#getting_data", cell_kind::missing},
    {"#n/a", cell_kind::missing},
    {"#n/a n/a", cell_kind::missing},
    {"#na", cell_kind::missing},
    {"#nv", cell_kind::missing},
    {"(null)", cell_kind::missing},
    {"*", cell_kind::vague},
    {"**", cell_kind::vague},
    {"***", cell_kind::vague},
    {"+inf", cell_kind::infinite},
    {"+infinity", cell_kind::infinite},
    {"+nan", cell_kind::missing},
    {"-", cell_kind::vague},
    {"--", cell_kind::vague},
    {"---", cell_kind::vague},
    {"-1.#ind", cell_kind::missing},
    {"-1.#inf", cell_kind::infinite},
    {"-1.#qnan", cell_kind::missing},
    {"-inf", cell_kind::infinite},
    {"-infinity", cell_kind::infinite},
    {"-nan", cell_kind::missing},
    {"-nan(ind)", cell_kind::missing},
    {".", cell_kind::vague},
    {"..", cell_kind::vague},
    {"...", cell_kind::vague},
    {"1.#ind", cell_kind::missing},
    {"1.#inf", cell_kind::infinite},
    {"1.#nan", cell_kind::missing},
    {"1.#qnan", cell_kind::missing},
    {"1.#snan", cell_kind::missing},
    {"<na>", cell_kind::missing},
    {"<nat>", cell_kind::missing},
    {"<none>", cell_kind::missing},
    {"<not counted>", cell_kind::missing},
    {"<not supported>", cell_kind::missing},
    {"<null>", cell_kind::missing},
    {"?", cell_kind::missing},
    {"[n/a]", cell_kind::missing},
    {"[not supported]", cell_kind::missing},
    {"\\n", cell_kind::missing},
    {"_", cell_kind::vague},
    {"bad", cell_kind::vague},
    {"bad input", cell_kind::vague},
    {"blank", cell_kind::vague},
    {"empty", cell_kind::vague},
    {"err", cell_kind::vague},
    {"error", cell_kind::vague},
    {"fail", cell_kind::vague},
    {"false", cell_kind::truth, 0},
    {"fault", cell_kind::vague},
    {"inf", cell_kind::infinite},
    {"infinity", cell_kind::infinite},
    {"invalid", cell_kind::vague},
    {"missing", cell_kind::vague},
    {"n.a.", cell_kind::missing},
    {"n.d.", cell_kind::vague},
    {"n/a", cell_kind::missing},
    {"n/d", cell_kind::vague},
    {"na", cell_kind::missing},
    {"nan", cell_kind::missing},
    {"nan(ind)", cell_kind::missing},
    {"nan(snan)", cell_kind::missing},
    {"nanf", cell_kind::missing},
    {"nat", cell_kind::missing},
    {"nd", cell_kind::vague},
    {"nil", cell_kind::vague},
    {"no", cell_kind::word, 0},
    {"no data", cell_kind::vague},
    {"nodata", cell_kind::vague},
    {"none", cell_kind::vague},
    {"not available", cell_kind::vague},
    {"nothing", cell_kind::vague},
    {"null", cell_kind::missing},
    {"off", cell_kind::word, 0},
    {"offline", cell_kind::vague},
    {"on", cell_kind::word, 1},
    {"overflow", cell_kind::vague},
    {"true", cell_kind::truth, 1},
    {"u", cell_kind::vague},
    {"unavailable", cell_kind::vague},
    {"undef", cell_kind::vague},
    {"undefined", cell_kind::vague},
    {"unknown", cell_kind::vague},
    {"yes", cell_kind::word, 1},
    {"\xE2\x80\x93", cell_kind::vague}, // a dash
    {"\xE2\x80\x94", cell_kind::vague}, // a long one
    {"\xE2\x88\x9E", cell_kind::infinite},
});

static_assert(std::is_sorted(known_words.begin(), known_words.end(),
                             [](const known_word& a, const known_word& b) {
                               return a.text < b.text;
                             }));

/// A word of the list above, or nothing. Case does not matter.
inline const known_word* find_word(std::string_view text) noexcept {
  lower_text<16> small;
  const std::string_view wanted = small.of(text);
  const auto* const found =
      std::lower_bound(known_words.begin(), known_words.end(), wanted,
                       [](const known_word& word, std::string_view t) { return word.text < t; });
  return found != known_words.end() && found->text == wanted ? found : nullptr;
}

inline cell number_cell(double value, std::string_view unit = {}) noexcept {
  if (!std::isfinite(value)) {
    return {cell_kind::infinite, std::numeric_limits<double>::quiet_NaN(), {}};
  }
  return {cell_kind::number, value, unit};
}

/// What stands between the numbers of a date or a clock.
constexpr bool is_date_sign(char c) noexcept { return c == '-' || c == '/' || c == ':'; }

/// What a letter behind a number multiplies it by, as markets write volumes; 0: nothing.
constexpr double factor_of(char letter) noexcept {
  return letter == 'K' || letter == 'k'   ? 1e3
         : letter == 'M'                  ? 1e6
         : letter == 'B' || letter == 'G' ? 1e9
         : letter == 'T'                  ? 1e12
                                          : 0;
}

/// A number with one letter behind it. A whole one may as well be a name: 20C, 3V, 12k.
inline cell letter_cell(bool fraction, double value, std::string_view letter) noexcept {
  return {fraction ? cell_kind::number : cell_kind::word, value, letter};
}

/// A number with thousands apart, or with a unit; what is neither is text.
inline cell parse_dressed_number(std::string_view text, number_signs signs) {
  std::string_view unit;
  for (const std::string_view currency : {"$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5"}) {
    if (text.starts_with(currency)) {
      unit = text.substr(0, currency.size());
      text = trim_blanks(text.substr(currency.size()));
    }
  }
  std::string plain;
  std::string_view number = text;
  // Where one sign is known as that of decimals and stands behind the groups, the other groups.
  const char other = signs.decimal == '.' ? ',' : '.';
  const bool grouped =
      (signs.thousands != '\0' && ungroup(text, signs.thousands, plain)) ||
      (signs.thousands == '\0' && text.find(signs.decimal) != std::string_view::npos &&
       ungroup(text, other, plain)) ||
      ungroup(text, '\'', plain);
  if (grouped) {
    number = plain;
  }
  double value = 0;
  const char* const last = number.data() + number.size();
  const char* at = take_number(number.data(), last, signs.decimal, value);
  if (at != last && !grouped && signs.decimal != '.' && signs.thousands != '.') {
    double pointed = 0; // a point is then no other sign
    const char* const end = take_number(number.data(), last, '.', pointed);
    if (end > at) {
      at = end;
      value = pointed;
    }
  }
  const auto left = static_cast<std::size_t>(last - at);
  if (left == 1 && at != number.data()) {
    if (*at == '-' && value >= 0) { // as accountants write it
      return number_cell(-value, unit);
    }
    const bool fraction = number.find(signs.decimal) != std::string_view::npos;
    const double factor = factor_of(*at);
    if (factor > 0 && *at != 'B' && unit.empty()) {
      return letter_cell(fraction, value * factor, text.substr(text.size() - 1));
    }
    if ((factor == 0 || !fraction) && unit.empty() &&
        (prefix_of({at, 1}) > 0 || !scale_of({at, 1}).base.empty())) {
      return letter_cell(fraction, value, text.substr(text.size() - 1));
    }
    if (factor > 0 && fraction) { // of money, or 1.5B
      return number_cell(value * factor, unit);
    }
  }
  if (left > 1 && at != number.data() && unit.empty() && is_letter(*at) &&
      !scale_of({at, left}).base.empty()) {
    return number_cell(value, text.substr(text.size() - left));
  }
  if (at == number.data() || (left > 0 && (!unit.empty() || !is_unit({at, left})))) {
    return {cell_kind::text, std::numeric_limits<double>::quiet_NaN(), {}};
  }
  return number_cell(value, left > 0 ? trim_blanks(text.substr(text.size() - left)) : unit);
}

/// The number in brackets or behind a minus of typography, as a negative one, or behind a sign of
/// comparison, as a word; what is none of these is text.
template <class Parse>
cell parse_marked_number(std::string_view text, Parse parse) {
  constexpr cell none{cell_kind::text, std::numeric_limits<double>::quiet_NaN(), {}};
  constexpr std::string_view minus = "\xE2\x88\x92";
  const auto begins_number = [](std::string_view part) {
    part.remove_prefix(part.starts_with('$') ? 1 : 0);
    return !part.empty() && (is_digit(part.front()) || part.front() == '.');
  };
  const bool bracketed = text.front() == '(' && text.back() == ')' && text.size() > 2;
  if (bracketed || text.starts_with(minus)) {
    const std::string_view inner =
        bracketed ? text.substr(1, text.size() - 2) : text.substr(minus.size());
    const cell found = begins_number(inner) ? parse(inner) : none;
    return found.kind == cell_kind::number ? number_cell(-found.value, found.unit) : none;
  }
  for (const std::string_view sign : {"<=", ">=", "<", ">", "\xE2\x89\xA4", "\xE2\x89\xA5"}) {
    if (text.starts_with(sign)) {
      const std::string_view inner = trim_blanks(text.substr(sign.size()));
      const cell found = begins_number(inner) ? parse(inner) : none;
      return found.kind == cell_kind::number ? cell{cell_kind::word, found.value, {}} : none;
    }
  }
  return none;
}

} // namespace detail

/// What a text holds, without quotes.
inline cell parse_cell(std::string_view text, number_signs signs = {}) {
  text = detail::trim_blanks(text);
  if (text.empty()) {
    return {};
  }
  double value = 0;
  const char* const last = text.data() + text.size();
  const char* const at = detail::take_number(text.data(), last, signs.decimal, value);
  if (at == last) {
    return detail::number_cell(value);
  }
  if (detail::is_date_sign(*at) && at != text.data() && *at != signs.thousands && at + 1 != last &&
      detail::is_digit(at[1])) { // 2016-07-01: no word is like that, nor a unit
    return {cell_kind::text, std::numeric_limits<double>::quiet_NaN(), {}};
  }
  if (const detail::known_word* const word = detail::find_word(text)) {
    return {word->kind, word->value, {}};
  }
  if (text.front() == '#' && text.size() <= 16 && (text.back() == '!' || text.back() == '?')) {
    return {}; // an error of a spreadsheet, in any language
  }
  const char c = text.front();
  if (c == '(' || c == '<' || c == '>' || c == '\xE2') {
    if (const cell marked = detail::parse_marked_number(
            text, [&](std::string_view inner) { return parse_cell(inner, signs); });
        marked.kind != cell_kind::text) {
      return marked;
    }
  }
  if ((c == '+' || c == '-') && text.size() > 2 && detail::is_blank(text[1])) { // of one width
    const cell behind = parse_cell(text.substr(1), signs);
    if (behind.kind == cell_kind::number && behind.value >= 0) {
      return detail::number_cell(c == '-' ? -behind.value : behind.value, behind.unit);
    }
  }
  if (text.back() == '*' && at + 1 == last && text.find(signs.decimal) != std::string_view::npos) {
    return detail::number_cell(value); // marked as an estimate
  }
  if (at == text.data() && (detail::is_letter(c) || c == '(' || c == '[' || c == '{')) {
    return {cell_kind::text, std::numeric_limits<double>::quiet_NaN(), {}};
  }
  return detail::parse_dressed_number(text, signs);
}

} // namespace hanami
