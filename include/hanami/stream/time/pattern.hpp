// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "layout.hpp"
#include "letter_form.hpp"
#include "text.hpp"

namespace hanami::inline HANAMI_ISA::detail {

enum class time_part : std::uint8_t {
  text,
  space, ///< any number of blanks
  year,
  short_year,
  month,
  quarter,
  day,
  month_name,
  weekday_name,
  hour,
  half_hour, ///< by a clock of twelve hours
  minute,
  second,   ///< and a fraction, if one follows
  fraction, ///< apart from its second
  half,     ///< AM or PM
  zone,
  day_of_year,
  week_year,
  week,
  weekday,
  days_passed, ///< before a clock of time that has passed
  epoch
};

/// A form of times as `strptime` writes it, made ready for reading. `%S` takes a fraction, of any
/// length and behind a dot or a comma, along; numbers need no zeros in front; a blank is any number
/// of blanks; names of months may be of several languages.
class time_pattern {
 public:
  time_pattern() = default;

  /// Throws `errc::invalid_argument` for what no pattern knows.
  explicit time_pattern(std::string pattern) : written_(std::move(pattern)) {
    compile();
    if (!refused_.empty()) {
      const std::string meant = letter_form(written_).as_strptime();
      raise(errc::invalid_argument,
            "the time format '" + written_ + "' " + refused_ +
                (meant.empty()
                     ? "; known are %Y %y %m %d %b %H %I %M %S %f %p %z %j %G %V %u %s %F "
                       "%T and the like"
                     : "; strptime writes it '" + meant + "'"));
    }
  }

  /// Nothing for what no pattern knows.
  static std::optional<time_pattern> parse(std::string pattern) {
    time_pattern made;
    made.written_ = std::move(pattern);
    made.compile();
    return made.refused_.empty() ? std::optional(std::move(made)) : std::nullopt;
  }

  const std::string& written() const noexcept { return written_; }
  bool has(time_part part) const noexcept {
    return std::any_of(items_.begin(), items_.end(), [&](const item& i) { return i.part == part; });
  }
  bool dated() const noexcept { return dated_; }

  /// What the whole of `text` says; nothing where it has another form or means no time.
  std::optional<time_reading> read(std::string_view text) const noexcept {
    time_text at(text);
    time_numbers n;
    std::size_t next = 0;
    if (fixed_ > 0 && layout_.take(at, n)) {
      next = fixed_;
      if (items_[next - 1].part == time_part::second && items_[next - 1].text == '\0') {
        at.take_signed_fraction(n.part);
      }
    }
    for (; next < items_.size(); ++next) {
      if (!take(at, items_[next], n)) {
        return std::nullopt;
      }
    }
    return ends_well(at) ? reading_of(n) : std::nullopt;
  }

 private:
  struct item {
    time_part part;
    char text;
    std::uint8_t most; ///< digits
  };

  /// Blanks, the zone once more in words, something in brackets, or the end of a stretch of time
  /// that begins with the time may follow.
  bool ends_well(time_text& at) const noexcept {
    if (at.done()) {
      return true;
    }
    const bool apart = is_blank(at.next());
    at.skip_blanks();
    if (const std::size_t end = at.rest().find(" m="); end < at.rest().size()) { // of Go's clock
      at = time_text(at.rest().substr(0, end));
    }
    const std::string_view rest = at.rest();
    if (rest.empty() || rest.starts_with("m=") || (zoned_ && zone_of(rest))) {
      return true;
    }
    const char first = rest.front();
    return (first == '(' && rest.back() == ')') || (first == '[' && rest.back() == ']') ||
           (first == '/' && rest.size() > 8) || (apart && rest.starts_with("- "));
  }

  bool take(time_text& at, const item& i, time_numbers& n) const noexcept {
    switch (i.part) {
    case time_part::text:
      return at.take(i.text);
    case time_part::space:
      at.skip_blanks();
      return true;
    case time_part::year:
    case time_part::week_year: {
      const std::size_t before = at.rest().size();
      return at.take_number(i.most, n.year) && before - at.rest().size() == i.most;
    }
    case time_part::short_year:
      if (!at.take_number(2, n.year)) {
        return false;
      }
      n.year += n.year < 69 ? 2000 : 1900; // as POSIX has it
      return true;
    case time_part::month:
      return at.take_number(i.most, n.month);
    case time_part::quarter:
      return at.take_number(1, n.month) && n.month >= 1 && (n.month = 3 * n.month - 2) <= 10;
    case time_part::day:
      at.skip_blanks();
      return at.take_number(i.most, n.day);
    case time_part::month_name: {
      const auto month = month_of(at.take_word());
      n.month = month.value_or(0);
      skip_dot(at, i);
      return month.has_value();
    }
    case time_part::weekday_name: {
      const bool known = is_weekday(at.take_word());
      skip_dot(at, i);
      return known;
    }
    case time_part::hour:
    case time_part::half_hour:
      at.skip_blanks();
      return at.take_number(i.most, n.hour);
    case time_part::minute:
      if (!at.take_number(2, n.minute) || n.minute > 59) {
        return false;
      }
      if (!seconds_ && i.text == '\0') {
        at.take_signed_fraction(n.minutes);
      }
      return true;
    case time_part::second:
      if (!at.take_number(2, n.second) || n.second > 60) {
        return false;
      }
      if (i.text == '\0') {
        at.take_signed_fraction(n.part);
      }
      return true;
    case time_part::fraction:
      return at.take_fraction(n.part);
    case time_part::half:
      return take_half(at, n.half);
    case time_part::zone:
      return n.zoned = take_zone(at, n.offset);
    case time_part::day_of_year:
      return at.take_number(3, n.day_of_year) && n.day_of_year > 0;
    case time_part::week:
      return at.take_number(2, n.week) && n.week > 0;
    case time_part::weekday:
      return at.take_number(1, n.weekday);
    case time_part::days_passed:
      return at.take_number(i.most, n.days);
    case time_part::epoch: {
      const bool negative = at.take('-');
      const bool some = at.take_number(17, n.epoch);
      at.take_signed_fraction(n.part);
      if (negative && n.part > 0) {
        n.epoch += 1;
        n.part = 1 - n.part;
      }
      n.epoch = negative ? -n.epoch : n.epoch;
      return some;
    }
    }
    return false;
  }

  /// The dot of a short name, unless the pattern has one of its own there.
  static void skip_dot(time_text& at, const item& i) noexcept {
    if (i.text != '.') {
      at.take('.');
    }
  }

  static bool take_half(time_text& at, std::int32_t& half) noexcept {
    at.skip_blanks();
    time_text ahead = at;
    const std::string_view rest = at.rest();
    if (rest.size() >= 4 && rest[1] == '.' && is_blank(rest[2]) && lower(rest[3]) == 'm') { // p. m.
      const auto spaced = half_of_day(rest.substr(0, 1));
      half = spaced.value_or(-1);
      at.skip(4);
      at.take('.');
      return spaced.has_value();
    }
    const std::size_t size = at.rest().size() >= 4 && at.rest()[1] == '.' && at.rest()[3] == '.'
                                 ? 4
                                 : ahead.take_word().size();
    const auto found = half_of_day(at.rest().substr(0, size));
    half = found.value_or(-1);
    at.skip(size);
    return found.has_value();
  }

  std::optional<time_reading> reading_of(const time_numbers& n) const noexcept {
    time_reading said;
    said.part = n.part;
    if (epoch_) {
      said.seconds = n.epoch;
      said.utc = true;
      return said;
    }
    std::int64_t hour = n.hour + 24 * std::int64_t{n.days};
    if (n.half >= 0 && hour <= 12) {
      hour = hour % 12 + n.half;
    }
    const bool midnight = hour == 24 && n.minute == 0 && n.second == 0 && n.part == 0;
    if (dated_ && hour > 23 && !midnight) {
      return std::nullopt;
    }
    said.seconds = hour * 3600 + std::int64_t{n.minute} * 60 + n.second;
    if (n.minutes > 0) {
      const auto whole = static_cast<std::int64_t>(n.minutes * 60);
      said.seconds += whole;
      said.part = n.minutes * 60 - static_cast<double>(whole);
    }
    said.dated = dated_;
    said.clocked = clocked_;
    if (dated_) {
      time_numbers date = n;
      said.yearless = yearless_;
      if (yearless_) {
        date.year = n.month == 2 && n.day == 29 ? 2004 : 2001;
      }
      const auto days = days_of(date);
      if (!days) {
        return std::nullopt;
      }
      said.seconds += 86400 * *days;
    }
    if (n.zoned) {
      said.seconds -= n.offset;
      said.utc = true;
    }
    return said;
  }

  void compile() {
    for (std::size_t i = 0; i < written_.size(); ++i) {
      const char c = written_[i];
      if (is_blank(c)) {
        add(time_part::space);
      } else if (c != '%') {
        add(time_part::text, c);
      } else if (++i < written_.size()) {
        const std::string_view flags = "0123456789EO-_^#";
        while (i + 1 < written_.size() && flags.find(written_[i]) != std::string_view::npos) {
          ++i; // %3f, %-d
        }
        add_letter(written_[i]);
        while (written_[i] == 'S' && written_[i - 1] == 'O' && i + 1 < written_.size() &&
               is_digit(written_[i + 1])) {
          written_.erase(i + 1, 1); // %OS3, as R has it
        }
      } else {
        refuse("ends in %");
      }
    }
    settle();
  }

  void add(time_part part, char text = '\0', std::uint8_t most = 2) {
    items_.push_back({part, text, most});
  }

  void add_all(std::string_view letters) {
    for (const char c : letters) {
      in_word(c) ? add_letter(c) : is_blank(c) ? add(time_part::space) : add(time_part::text, c);
    }
  }

  void add_letter(char letter) {
    switch (letter) {
    case 'Y':
      return add(time_part::year, '\0', 4);
    case 'y':
      return add(time_part::short_year);
    case 'm':
      return add(time_part::month);
    case 'q':
      return add(time_part::quarter);
    case 'd':
    case 'e':
      return add(time_part::day);
    case 'b':
    case 'B':
    case 'h':
      return add(time_part::month_name);
    case 'a':
    case 'A':
      return add(time_part::weekday_name);
    case 'H':
    case 'k':
      return add(time_part::hour);
    case 'I':
    case 'l':
      return add(time_part::half_hour);
    case 'M':
      return add(time_part::minute);
    case 'S':
      return add(time_part::second);
    case 'f':
    case 'L':
    case 'N':
      return add(time_part::fraction);
    case 'p':
    case 'P':
      return add(time_part::half);
    case 'z':
    case 'Z':
      return add(time_part::zone);
    case 'j':
      return add(time_part::day_of_year);
    case 'G':
      return add(time_part::week_year, '\0', 4);
    case 'V':
      return add(time_part::week);
    case 'u':
      return add(time_part::weekday);
    case 's':
      return add(time_part::epoch);
    case 'K':
      return add(time_part::days_passed, '\0', 6);
    case 'F':
      return add_all("Y-m-d");
    case 'T':
    case 'X':
      return add_all("H:M:S");
    case 'R':
      return add_all("H:M");
    case 'D':
    case 'x':
      return add_all("m/d/y");
    case 'r':
      return add_all("I:M:S p");
    case 'c':
      return add_all("a b d H:M:S Y");
    case 'n':
    case 't':
      return add(time_part::space);
    case '%':
      return add(time_part::text, '%');
    default:
      refuse(std::string("has %") + letter);
    }
  }

  void refuse(std::string why) {
    if (refused_.empty()) {
      refused_ = std::move(why);
    }
  }

  /// A decimal sign and a fraction belong to the seconds before; what a number is followed by says
  /// how long it can be.
  void settle() {
    using enum time_part;
    const auto sign = [](const item& i) {
      return i.part == text && (i.text == '.' || i.text == ',');
    };
    for (std::size_t i = 0; i + 1 < items_.size(); ++i) {
      const bool split = sign(items_[i + 1]);
      if (items_[i].part == second && split && i + 2 < items_.size() &&
          items_[i + 2].part == fraction) {
        items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     items_.begin() + static_cast<std::ptrdiff_t>(i) + 3);
      } else if (split && items_[i].part != text) {
        items_[i].text = items_[i + 1].text; // a sign of the pattern's own
      }
    }
    epoch_ = has(epoch);
    dated_ =
        epoch_ || has(year) || has(short_year) || has(month) || has(month_name) || has(week_year);
    yearless_ = dated_ && !epoch_ && !has(year) && !has(short_year) && !has(week_year);
    clocked_ = has(hour) || has(half_hour) || has(minute);
    seconds_ = has(second);
    zoned_ = has(zone);
    if (!dated_ && !clocked_) {
      refuse("says neither a date nor a time of day");
    }
    const bool apart = items_.size() > 1 && items_.front().part == hour && items_[1].part == text;
    if (!dated_ && apart) {
      items_.front().most = 6; // time that has passed may be longer than a day
    }
    if (has(week_year) != has(week)) {
      refuse("has a week without its year, or the other way round");
    }
    lay_out();
  }

  /// How much of the pattern, from its front, has a fixed layout where zeros are written.
  void lay_out() {
    const auto number = [](time_part part) -> std::int32_t time_numbers::* {
      switch (part) {
      case time_part::month:
        return &time_numbers::month;
      case time_part::day:
        return &time_numbers::day;
      case time_part::hour:
        return &time_numbers::hour;
      case time_part::minute:
        return &time_numbers::minute;
      case time_part::second:
        return &time_numbers::second;
      default:
        return nullptr;
      }
    };
    const auto fits = [&](const item& i) {
      return i.part == time_part::text || i.part == time_part::space || i.part == time_part::year ||
             (number(i.part) != nullptr && i.most == 2 &&
              (i.part != time_part::minute || seconds_));
    };
    while (fixed_ < items_.size() && fits(items_[fixed_]) &&
           (fixed_ == 0 || items_[fixed_ - 1].part != time_part::second)) {
      ++fixed_;
    }
    while (fixed_ > 0 && items_[fixed_ - 1].part == time_part::space) {
      --fixed_;
    }
    for (std::size_t k = 0; k < fixed_; ++k) {
      const item& i = items_[k];
      if (i.part == time_part::text || i.part == time_part::space) {
        layout_.add(i.part == time_part::space ? ' ' : i.text);
      } else if (i.part == time_part::year) {
        layout_.add(&time_numbers::year, 4);
      } else {
        layout_.add(number(i.part), 2);
      }
    }
  }

  std::string written_;
  std::string refused_; ///< why it is none; empty: it is one
  std::vector<item> items_;
  bool dated_ = false;
  bool yearless_ = false;
  bool clocked_ = false;
  bool epoch_ = false;
  bool seconds_ = false;
  bool zoned_ = false;
  fixed_layout layout_;
  std::size_t fixed_ = 0; ///< items that `layout_` reads
};

} // namespace hanami::detail
