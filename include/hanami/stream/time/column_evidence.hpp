// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../time_format.hpp"
#include "names.hpp"
#include "number.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Whether a cell, without what stands around it, holds nothing or a word for that.
inline bool says_no_time(std::string_view bare) {
  if (bare.empty()) {
    return true;
  }
  const cell_kind kind = is_digit(bare.front()) ? cell_kind::number : parse_cell(bare).kind;
  return kind == cell_kind::missing || kind == cell_kind::vague;
}

/// How the texts of a field can be read as times, and what speaks for it: from the first rows.
class column_evidence {
 public:
  column_evidence() = default;

  column_evidence(std::string_view name, const std::vector<std::string>& texts) {
    name_ = read_time_name(name);
    unnamed_ = name.empty() || name.starts_with("column_") || name.starts_with("Unnamed");
    std::vector<std::string_view> bare;
    for (const std::string& text : texts) {
      const std::string_view cell = bare_time(text);
      if (!says_no_time(cell)) {
        bare.push_back(cell);
      }
    }
    if (!bare.empty()) {
      read(bare);
      compare();
    }
  }

  const time_name& name() const noexcept { return name_; }
  bool unnamed() const noexcept { return unnamed_; }
  bool numeric() const noexcept { return numeric_; }
  bool dated() const noexcept { return dated_; }
  bool clocked() const noexcept { return clocked_; }
  bool ambiguous() const noexcept { return format.ambiguous(); }
  /// More than half of the texts could be read.
  bool readable() const noexcept { return 2 * times_.size() > texts_; }
  const std::vector<double>& values() const noexcept { return values_; }
  /// How many digits all texts have; 0: not as many each, or other signs between them.
  std::size_t digits() const noexcept { return digits_; }
  /// Seconds from row to row, the fewest; 0: not known.
  double shortest_step() const noexcept { return shortest_; }
  bool absolute() const noexcept { return absolute_; }
  /// Whether times mostly become later from text to text, or earlier.
  bool rises() const noexcept { return rises_; }
  bool falls() const noexcept { return falls_; }
  std::int64_t first_seconds() const noexcept {
    return times_.empty() ? 0 : times_.front().seconds;
  }

  /// How much speaks for this field; 0: it is no time.
  int score() const noexcept {
    if (!readable()) {
      return name_.likelihood == time_likelihood::certain ? 1 : 0;
    }
    const bool date = dated_ && (!numeric_ || form_of_digits_);
    const int weight = date && clocked_ ? 700 : absolute_ ? 690 : date ? 500 : !numeric_ ? 300 : 0;
    const bool goes_on = regular_ && rises_ && steps_ >= 2;
    switch (name_.likelihood) {
    case time_likelihood::certain:
      return 1000 + weight + static_cast<int>(name_.rank);
    case time_likelihood::likely:
      return (weight >= 500 && !falls_) || goes_on ? 300 + weight + static_cast<int>(name_.rank)
                                                   : 0;
    case time_likelihood::weak:
      return weight >= 300 || goes_on ? 150 + weight : 0;
    case time_likelihood::none:
      break;
    }
    if (numeric_) {
      return rises_ && ((absolute_ && (unnamed_ || regular_)) || (form_of_digits_ && unnamed_))
                 ? weight
                 : 0;
    }
    return whole_date_ && (rises_ || falls_ || steps_ == 0) ? weight
           : !dated_ && rises_                              ? weight
                                                            : 0;
  }

  time_format format;              ///< of texts, and of numbers that are digits of a date
  const time_unit* unit = nullptr; ///< of numbers
  bool form_of_digits() const noexcept { return form_of_digits_; }

 private:
  void read(const std::vector<std::string_view>& texts) {
    texts_ = texts.size();
    std::vector<decimal> numbers;
    for (const std::string_view text : texts) {
      if (const auto number = read_decimal(text)) {
        numbers.push_back(*number);
        values_.push_back(number->value());
      }
    }
    numeric_ = 2 * numbers.size() > texts.size();
    digits_ = all_digits(texts) ? texts.front().size() : 0;
    form_of_digits_ = numeric_ && digits_of_dates(texts);
    if (!numeric_ || form_of_digits_) {
      read_texts(texts);
      return;
    }
    const unit_finder finder(numbers, name_.hints);
    unit = &finder.find();
    const bool years = unit->seconds == 0;
    absolute_ = finder.absolute() || unit->zero != 0 || (years && name_.hints.unit == unit);
    for (const decimal& number : numbers) {
      if (const auto said = reading_of(number, *unit)) {
        note(*said);
      }
    }
  }

  void read_texts(const std::vector<std::string_view>& texts) {
    if (name_.clock && !name_.hints.dates) { // 18.05.12 is five past six then
      for (const char* const dotted : {"%H.%M.%S", "%H.%M"}) {
        const time_pattern clock(dotted);
        if (std::all_of(texts.begin(), texts.end(),
                        [&](std::string_view text) { return clock.read(text).has_value(); })) {
          format = time_format(dotted);
          break;
        }
      }
    }
    for (int pass = 0; pass < 2; ++pass) { // the last ones tell how the first ones are to be read
      times_.clear();
      format.begin_again();
      for (const std::string_view text : texts) {
        if (const auto said = format.read(text)) {
          note(*said);
        }
      }
    }
    const std::string& pattern = format.pattern();
    whole_date_ = dated_ && (pattern.find("%Y") != std::string::npos ||
                             pattern.find("%G") != std::string::npos ||
                             pattern.find("%b") != std::string::npos || clocked_);
  }

  void note(const time_reading& said) {
    dated_ = said.dated;
    clocked_ = said.clocked;
    times_.push_back(said);
  }

  /// 20160701, 201607011305 and the like: all are dates of about this age, and the name does not
  /// say that they count something.
  bool digits_of_dates(const std::vector<std::string_view>& texts) {
    const std::size_t size = digits_;
    const bool named = name_.likelihood >= time_likelihood::likely || name_.hints.dates || unnamed_;
    const bool counts = name_.hints.unit != nullptr && !name_.hints.dates;
    if (counts || (!named && size < 12) || size < 6 || size == 9 || size == 11) {
      return false;
    }
    if (size < 8 && (texts.size() < 2 || unnamed_)) {
      return name_.hints.dates && dates_of_this_age(texts);
    }
    return dates_of_this_age(texts) && (size != 7 || texts.front() < "2200000");
  }

  static bool all_digits(const std::vector<std::string_view>& texts) {
    return std::all_of(texts.begin(), texts.end(), [&](std::string_view text) {
      return text.size() == texts.front().size() && std::all_of(text.begin(), text.end(), is_digit);
    });
  }

  static bool dates_of_this_age(const std::vector<std::string_view>& texts) {
    time_format form;
    return std::all_of(texts.begin(), texts.end(), [&](std::string_view text) {
      const auto said = form.read(text);
      return said && said->dated && said->seconds >= -2208988800 && said->seconds < 4102444800;
    });
  }

  void compare() {
    std::vector<double> steps;
    std::size_t up = 0;
    std::size_t down = 0;
    for (std::size_t i = 1; i < times_.size(); ++i) {
      const double step = static_cast<double>(times_[i].seconds - times_[i - 1].seconds) +
                          (times_[i].part - times_[i - 1].part);
      up += step > 0 ? 1U : 0U;
      down += step < 0 ? 1U : 0U;
      if (step > 0) {
        steps.push_back(step);
      }
    }
    steps_ = up + down;
    rises_ = up > 0 && down * 4 <= up;
    falls_ = down > 0 && up * 4 <= down;
    if (!steps.empty()) {
      std::sort(steps.begin(), steps.end());
      shortest_ = steps.front();
      const double usual = steps[steps.size() / 2];
      const auto near = std::count_if(steps.begin(), steps.end(), [&](double step) {
        return step > 0.75 * usual && step < 1.25 * usual;
      });
      regular_ = 4 * static_cast<std::size_t>(near) >= 3 * steps.size();
    }
  }

  time_name name_;
  std::size_t texts_ = 0;
  std::size_t digits_ = 0;
  std::vector<double> values_; ///< of the numbers
  std::vector<time_reading> times_;
  std::size_t steps_ = 0;
  double shortest_ = 0;
  bool unnamed_ = false;
  bool numeric_ = false;
  bool form_of_digits_ = false;
  bool dated_ = false;
  bool clocked_ = false;
  bool absolute_ = false;   ///< numbers of this age
  bool whole_date_ = false; ///< with a year that is no mere number of two digits
  bool rises_ = false;
  bool falls_ = false;
  bool regular_ = false;
};

} // namespace hanami::detail
