// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "date_order.hpp"
#include "pattern.hpp"
#include "tokens.hpp"
#include "words.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Finds the patterns by which a text can be a time. Digits, words and signs are walked through
/// once: words say what they are, a colon makes a time of day, and of the numbers that are left the
/// date is made, in every order that they allow; the likeliest comes first.
class pattern_finder {
 public:
  explicit pattern_finder(std::string_view text) : text_(text), tokens_(split_time(text)) {}

  std::vector<time_pattern> find() {
    std::vector<time_pattern> found;
    if (tokens_.empty() || !walk()) {
      return found;
    }
    for (const std::string& order : orders_of(date())) {
      auto pattern = time_pattern::parse(written(order));
      if (pattern && pattern->read(text_)) {
        found.push_back(std::move(*pattern));
      }
    }
    if (time_pattern clock("%H.%M.%S"); found.empty() && clock.read(text_)) {
      found.push_back(std::move(clock)); // 18.00.00, which is no date
    }
    return found;
  }

 private:
  bool digits(std::size_t i) const noexcept {
    return i < tokens_.size() && tokens_[i].kind == time_token::digits;
  }
  std::size_t size(std::size_t i) const noexcept { return digits(i) ? tokens_[i].text.size() : 0; }
  bool sign(std::size_t i, char c) const noexcept {
    return i < tokens_.size() && tokens_[i].kind == time_token::sign &&
           tokens_[i].text.front() == c;
  }
  bool word(std::size_t i) const noexcept {
    return i < tokens_.size() && tokens_[i].kind == time_token::word;
  }
  std::size_t date_size() const noexcept { return date_.size() + (month_named_ ? 1U : 0U); }
  /// The date is whole already, as far as one can see.
  bool date_done() const noexcept { return fixed_date_ || date_size() >= 3; }

  bool walk() {
    for (std::size_t i = 0; i < tokens_.size();) {
      const std::size_t next = tokens_[i].kind == time_token::digits ? take_digits(i)
                               : tokens_[i].kind == time_token::word ? take_word(i)
                                                                     : take_sign(i);
      if (next == 0) {
        return false;
      }
      i = next;
    }
    const char last = text_.back();
    const bool open = last == '-' || last == '/' || last == ':' || last == '_' || last == ',';
    take_days_passed();
    const bool lone = date_.size() == 1 && !month_named_;
    const bool dated = fixed_date_ || date_size() > 1;
    const auto numbers = std::count_if(tokens_.begin(), tokens_.end(), [](const time_token& t) {
      return t.written.starts_with("%H") || t.written == "%M" || t.written == "%S";
    });
    return !open && !lone && (dated || (clock_ && numbers > 1)); // 20 s is no time of day
  }

  /// 1.02:03:04, 1-02:03:04, 1 02:03:04: the first number is days.
  void take_days_passed() {
    if (clock_ && date_.size() == 1 && date_[0] == 0 && !month_named_ && tokens_.size() > 4 &&
        tokens_[2].written == "%H") {
      tokens_[0].written = "%K";
      date_.clear();
    }
  }

  /// All of these return where to go on, 0 where the text is no time.
  std::size_t take_sign(std::size_t i) {
    const char c = tokens_[i].text.front();
    const bool range =
        (c == '-' && i > 0 && is_blank(tokens_[i - 1].text.front()) && sign(i + 1, ' ')) ||
        c == '/';
    if (range && clock_ && (date_done() || date_size() > 1)) { // up to another time
      return take_rest(i);
    }
    if ((c == '+' || c == '-') && clock_ && !zone_ && digits(i + 1)) {
      return take_zone_from(i);
    }
    if ((c == '(' || c == '[') && i > 0) {
      if (text_.back() == (c == '(' ? ')' : ']')) {
        return take_rest(i); // a pattern lets that follow
      }
    }
    tokens_[i].written = is_blank(c) ? " " : c == '%' ? "%%" : std::string(1, c);
    return i + 1;
  }

  std::size_t offset_of(std::size_t i) const noexcept {
    return static_cast<std::size_t>(tokens_[i].text.data() - text_.data());
  }

  /// Zones go on in several tokens: UTC+02:00.
  std::size_t take_zone_from(std::size_t i) {
    time_text at(text_.substr(offset_of(i)));
    std::int32_t offset = 0;
    if (!take_zone(at, offset)) {
      return 0;
    }
    zone_ = true;
    tokens_[i].written = "%z";
    const std::size_t end = text_.size() - at.rest().size();
    std::size_t k = i + 1;
    for (; k < tokens_.size() && offset_of(k) < end; ++k) {
      tokens_[k].written = "\x01";
    }
    return k;
  }

  std::size_t take_word(std::size_t i) {
    time_token& t = tokens_[i];
    const bool between = i > 0 && digits(i - 1) && digits(i + 1);
    if (same_word(t.text, "t") && digits(i + 1) && (i == 0 || between)) {
      t.written = std::string(t.text);
      after_t_ = true;
      return i + 1;
    }
    if (same_word(t.text, "w") && size(i + 1) >= 2 && date_.size() == 1 && size(date_[0]) == 4) {
      return take_week(i);
    }
    if (clock_ && same_word(t.text, "m") && sign(i + 1, '=')) {
      return take_rest(i);
    }
    if (date_.size() == 1 && date_[0] == 0 &&
        (same_word(t.text, "days") || same_word(t.text, "day"))) {
      tokens_[0].written = "%K";
      t.written = std::string(t.text);
      date_.clear();
      return i + 1;
    }
    if (same_word(t.text, "q") && i == 0 && size(1) == 1 && size(3) == 4 && tokens_.size() == 4) {
      return take_quarter(0, 1, 3); // Q1 2016
    }
    if (same_word(t.text, "q") && size(i + 1) == 1 && date_.size() == 1 && size(date_[0]) == 4) {
      return take_quarter(i, i + 1, date_[0]);
    }
    if (same_word(t.text, "m") && size(0) == 4 && i <= 2 && size(i + 1) > 0 && size(i + 1) <= 2 &&
        i + 2 == tokens_.size()) {
      return take_quarter(i, i + 1, 0, "%m"); // 2016m7 or 2016-M07
    }
    if (clock_ && !half_ && half_of_day(t.text)) {
      return take_half(i);
    }
    if (!month_named_ && !fixed_date_ && month_of(t.text) &&
        (!is_weekday(t.text) || !word_follows(i))) {
      t.written = "%b";
      month_named_ = true;
      return skip_dot(i + 1);
    }
    if (is_weekday(t.text)) {
      t.written = "%a";
      return skip_dot(i + 1);
    }
    if (clock_ && zone_of(t.text)) {
      return zone_ ? take_rest(i) : take_zone_from(i);
    }
    if (std::string role = unit_after(i); !role.empty()) {
      return take_unit(i, role);
    }
    for (const std::string_view plain : {"de", "of", "at", "um", "uhr", "à", "kl", "den", "del"}) {
      if (same_word(t.text, plain)) {
        t.written = std::string(t.text);
        return i + 1;
      }
    }
    return 0;
  }

  std::size_t take_quarter(std::size_t word, std::size_t quarter, std::size_t year,
                           const char* role = "%q") {
    tokens_[word].written = std::string(tokens_[word].text);
    tokens_[quarter].written = role;
    tokens_[year].written = "%Y";
    for (std::size_t k = quarter + 1; k < year; ++k) {
      tokens_[k].written = is_blank(tokens_[k].text.front()) ? " " : std::string(tokens_[k].text);
    }
    fixed_date_ = true;
    date_.clear();
    return std::max(quarter, year) + 1;
  }

  bool word_follows(std::size_t i) const noexcept {
    return std::any_of(tokens_.begin() + static_cast<std::ptrdiff_t>(i) + 1, tokens_.end(),
                       [](const time_token& t) {
                         return t.kind == time_token::word && month_of(t.text).has_value();
                       });
  }

  std::size_t skip_dot(std::size_t i) {
    if (sign(i, '.') && !digits(i + 1)) {
      tokens_[i].written = "\x01";
      return i + 1;
    }
    return i;
  }

  std::size_t take_rest(std::size_t i) {
    for (std::size_t k = i; k < tokens_.size(); ++k) {
      tokens_[k].written = "\x01";
    }
    return tokens_.size();
  }

  std::size_t take_half(std::size_t i) {
    half_ = true;
    tokens_[i].written = "%p";
    std::size_t k = i + 1;
    const std::size_t blank = sign(k + 1, ' ') ? 1 : 0; // p. m.
    if (sign(k, '.') && word(k + 1 + blank) && same_word(tokens_[k + 1 + blank].text, "m")) {
      for (const std::size_t end = k + 2 + blank; k < end; ++k) {
        tokens_[k].written = "\x01";
      }
      if (sign(k, '.')) {
        tokens_[k++].written = "\x01";
      }
    }
    return k;
  }

  /// 2016-W26-5 or 2016W265
  std::size_t take_week(std::size_t i) {
    tokens_[date_[0]].written = "%G";
    date_.clear();
    fixed_date_ = true;
    tokens_[i].written = std::string(tokens_[i].text);
    if (size(i + 1) == 3) {
      tokens_[i + 1].written = "%V%u";
      return i + 2;
    }
    tokens_[i + 1].written = "%V";
    if (sign(i + 2, '-') && size(i + 3) == 1) {
      tokens_[i + 2].written = "-";
      tokens_[i + 3].written = "%u";
      return i + 4;
    }
    return i + 2;
  }

  /// What the number before a word is, where the word says it: 13h05m20s, 2016年7月1日.
  std::string unit_after(std::size_t i) const {
    struct unit {
      std::string_view word;
      const char* role;
    };
    static constexpr std::array units = std::to_array<unit>({{"年", "%Y"},
                                                             {"月", "%m"},
                                                             {"日", "%d"},
                                                             {"时", "%H"},
                                                             {"時", "%H"},
                                                             {"点", "%H"},
                                                             {"分", "%M"},
                                                             {"秒", "%S"},
                                                             {"년", "%Y"},
                                                             {"월", "%m"},
                                                             {"일", "%d"},
                                                             {"시", "%H"},
                                                             {"분", "%M"},
                                                             {"초", "%S"},
                                                             {"h", "%H"},
                                                             {"m", "%M"},
                                                             {"min", "%M"},
                                                             {"s", "%S"}});
    if (i == 0 || !digits(i - 1)) {
      return {};
    }
    const auto found = std::find_if(units.begin(), units.end(), [&](const unit& u) {
      return same_word(u.word, tokens_[i].text);
    });
    return found == units.end() ? std::string() : std::string(found->role);
  }

  std::size_t take_unit(std::size_t i, const std::string& role) {
    const bool of_date = role == "%Y" || role == "%m" || role == "%d";
    const bool fraction = role == "%S" && i >= 3 && tokens_[i - 3].written == "%S";
    if (!fraction) {
      tokens_[i - 1].written = role;
      std::erase(date_, i - 1);
    }
    tokens_[i].written = std::string(tokens_[i].text);
    fixed_date_ = fixed_date_ || of_date;
    clock_ = clock_ || !of_date;
    if (role == "%H" && size(i + 1) == 2 && !word(i + 2)) { // 13h05
      tokens_[i + 1].written = "%M";
      return i + 2;
    }
    return i + 1;
  }

  std::size_t take_digits(std::size_t i) {
    const std::size_t length = size(i);
    const bool colon = sign(i + 1, ':') && digits(i + 2);
    if (word(i + 1) && !unit_after(i + 1).empty()) {
      return i + 1; // the word says what it is
    }
    if (colon && length == 4 && date_size() == 0 && sign(i + 3, ':') && !fixed_date_) {
      date_ = {i, i + 2, i + 4}; // 2016:07:01
      tokens_[i + 1].written = tokens_[i + 3].written = ":";
      return size(i + 2) == 2 && size(i + 4) == 2 ? i + 5 : 0;
    }
    if (colon && length == 8 && date_size() == 0 && !fixed_date_ && !clock_) {
      return take_compact_date(i); // 20160701:1300
    }
    const bool year = length == 4 || (month_named_ && date_size() == 2 && sign(i + 3, ':') &&
                                      sign(i + 5, ':')); // 01JUL16:13:05:20
    if (colon && !clock_ && !(year && !date_done())) {
      return take_clock(i);
    }
    if (after_t_ || (date_done() && !clock_)) {
      return take_compact_clock(i);
    }
    if (length >= 6 && !fixed_date_ && date_.empty() && !month_named_) {
      return take_compact_date(i);
    }
    if (date_.size() == 1 && size(date_[0]) == 4 && length == 3 && !month_named_) {
      tokens_[date_[0]].written = "%Y"; // 2016-183
      tokens_[i].written = "%j";
      date_.clear();
      fixed_date_ = true;
      return i + 1;
    }
    if (date_size() >= 3 || fixed_date_ || (length != 4 && length > 2)) {
      return 0;
    }
    date_.push_back(i);
    return i + 1;
  }

  /// 13:05, 13:05:20.25, 13:05:20:250, 05:20.25
  std::size_t take_clock(std::size_t i) {
    if (size(i) > (date_size() > 0 || fixed_date_ ? 2U : 6U) || size(i + 2) > 2) {
      return 0;
    }
    clock_ = true;
    const std::size_t seconds = i + 4;
    tokens_[i].written = "%H";
    tokens_[i + 1].written = ":";
    tokens_[i + 2].written = "%M";
    if (!sign(i + 3, ':') || !digits(seconds)) {
      if ((sign(i + 3, '.') || sign(i + 3, ',')) && digits(i + 4) && date_size() == 0 &&
          !fixed_date_) { // minutes and seconds of a stop watch
        tokens_[i].written = "%M";
        tokens_[i + 2].written = "%S";
      }
      return take_fraction(i + 3);
    }
    if (size(seconds) > 2) {
      return 0;
    }
    tokens_[i + 3].written = ":";
    tokens_[seconds].written = "%S";
    if (sign(i + 5, ':') && digits(i + 6)) {
      tokens_[i + 5].written = ":";
      tokens_[i + 6].written = "%f";
      return i + 7;
    }
    return take_fraction(i + 5);
  }

  /// The pattern's seconds take it along.
  std::size_t take_fraction(std::size_t i) {
    if ((sign(i, '.') || sign(i, ',')) && digits(i + 1)) {
      tokens_[i].written = tokens_[i + 1].written = "\x01";
      return i + 2;
    }
    return i;
  }

  /// Behind a date: 130520, 1305, 13, 130520250, 13.05.20, 13-05-20
  std::size_t take_compact_clock(std::size_t i) {
    after_t_ = false;
    const bool year_first = date_.empty() || size(date_[0]) == 4;
    const bool joined = i > 0 && (sign(i - 1, '.') || sign(i - 1, '-') || sign(i - 1, '/'));
    if (clock_ || (joined && !year_first)) { // 10.0.0.1
      return 0;
    }
    clock_ = true;
    for (const char c : {'.', '-', '_', ':'}) {
      if (size(i) <= 2 && sign(i + 1, c) && size(i + 2) == 2) {
        tokens_[i].written = "%H";
        tokens_[i + 1].written = std::string(1, c);
        tokens_[i + 2].written = "%M";
        dotted_ = dotted_ || c == '.';
        if (sign(i + 3, c) && size(i + 4) == 2) {
          tokens_[i + 3].written = std::string(1, c);
          tokens_[i + 4].written = "%S";
          return take_fraction(i + 5);
        }
        return i + 3;
      }
    }
    switch (size(i)) {
    case 1:
    case 2:
      tokens_[i].written = "%H";
      return i + 1;
    case 4:
      tokens_[i].written = "%H%M";
      return i + 1;
    case 6:
      tokens_[i].written = "%H%M%S";
      return take_fraction(i + 1);
    default:
      tokens_[i].written = "%H%M%S%f";
      return size(i) > 6 && size(i) <= 15 ? i + 1 : 0;
    }
  }

  std::size_t take_compact_date(std::size_t i) {
    const std::size_t length = size(i);
    const bool alone = tokens_.size() == 1;
    fixed_date_ = true;
    clock_ = length >= 10;
    tokens_[i].written = length == 6 && alone ? "%Y%m"
                         : length == 6        ? "%y%m%d"
                         : length == 7        ? "%Y%j"
                         : length == 8        ? "%Y%m%d"
                         : length == 10       ? "%Y%m%d%H"
                         : length == 12       ? "%Y%m%d%H%M"
                         : length == 14       ? "%Y%m%d%H%M%S"
                                              : "%Y%m%d%H%M%S%f";
    if (length == 9 || length == 11 || length == 13 || length > 23) {
      return 0;
    }
    return length == 14 ? take_fraction(i + 1) : i + 1;
  }

  /// The numbers that are left for the date.
  date_numbers date() const {
    date_numbers found;
    for (const std::size_t i : date_) {
      found.digits.push_back(tokens_[i].text);
    }
    if (!date_.empty()) {
      const auto sign_at = [&](std::size_t i) {
        return i < tokens_.size() && tokens_[i].kind == time_token::sign ? tokens_[i].text.front()
                                                                         : '\0';
      };
      found.sign = sign_at(date_[0] + 1);
      found.sign_before = date_[0] > 0 ? sign_at(date_[0] - 1) : '\0';
    }
    found.month_named = month_named_;
    found.clocked = clock_;
    found.halves = half_;
    found.dotted = dotted_;
    return found;
  }

  std::string written(const std::string& order) const {
    std::string pattern;
    std::size_t place = 0;
    for (const time_token& t : tokens_) {
      if (t.written.empty()) {
        pattern += place < order.size() ? std::string("%") + order[place] : std::string();
        ++place;
      } else if (t.written == "%H" && half_) {
        pattern += "%I";
      } else if (t.written != "\x01") {
        pattern += t.written;
      }
    }
    while (!pattern.empty() && pattern.back() == ' ') {
      pattern.pop_back();
    }
    return pattern;
  }

  std::string_view text_;
  std::vector<time_token> tokens_;
  std::vector<std::size_t> date_; ///< tokens that are numbers of the date
  bool month_named_ = false;
  bool fixed_date_ = false; ///< its numbers have their letters already
  bool clock_ = false;
  bool after_t_ = false;
  bool half_ = false;
  bool zone_ = false;
  bool dotted_ = false; ///< a clock with dots, as in countries where the day goes first
};

/// Patterns by which `text` can be a time, the likeliest first.
inline std::vector<time_pattern> find_patterns(std::string_view text) {
  return pattern_finder(text).find();
}

} // namespace hanami::detail
