// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "column_evidence.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// A field of which the time of a row is made, alone or with others, and how it is read.
struct time_source {
  std::uint32_t field = 0;
  time_role role = time_role::whole;
  bool numeric = false;
  std::uint32_t unit = 0; ///< of numbers, in `time_units`; of a clock in digits: its 1 is so much
  time_format format;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(field, role, numeric, unit, format);
    archive.require(role <= time_role::day_of_year &&
                        (role == time_role::clock || unit < time_units.size()),
                    "a time that is read in no known way");
  }
};

/// Chooses the fields that are the time by what is known about all of them.
class time_choice {
 public:
  time_choice(const std::vector<column_evidence>& seen, std::string_view format,
              std::string_view unit, bool day_first)
      : seen_(seen), format_(format), unit_(unit), day_first_(day_first) {}

  /// The field that is the time, with one that completes it; none where no field is.
  std::vector<time_source> find() {
    std::size_t best = seen_.size();
    int most = 0;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (const int score = seen_[i].score(); score > most) {
        most = score;
        best = i;
      }
    }
    if (most < 1700 && make_of_parts()) { // better than a date alone
      return std::move(sources_);
    }
    for (std::size_t i = 0; best == seen_.size() && i + 1 < seen_.size(); ++i) {
      if (is_unnamed_pair(seen_[i], seen_[i + 1])) {
        best = i; // 20240102,130520,... without a header
      }
    }
    if (best < seen_.size()) {
      take(best);
      complete(best);
    }
    return std::move(sources_);
  }

  /// These fields, which are given.
  std::vector<time_source> take_given(std::span<const std::size_t> fields) {
    for (const std::size_t field : fields) {
      take(field);
    }
    if (fields.size() == 1) {
      return std::move(sources_);
    }
    for (time_source& source : sources_) {
      const column_evidence& seen = seen_[source.field];
      const time_role named = seen.name().role;
      if (source.numeric && named > time_role::clock) {
        source.role = named;
      } else if (!seen.clocked() && !clock_in_digits(seen)) {
        source.role = time_role::date;
      } else {
        make_clock(source, seen);
      }
    }
    return std::move(sources_);
  }

 private:
  void take(std::size_t field, time_role role = time_role::whole) {
    const column_evidence& seen = seen_[field];
    time_source made;
    made.field = static_cast<std::uint32_t>(field);
    made.role = role;
    made.format = format_.empty() ? seen.format : time_format(std::string(format_));
    if (day_first_ || std::any_of(seen_.begin(), seen_.end(), [](const column_evidence& other) {
          return other.name().day_first;
        })) {
      made.format.prefer_day_first();
    }
    made.numeric = seen.numeric() && !seen.form_of_digits();
    const time_unit* unit = seen.unit;
    if (!unit_.empty()) {
      unit = unit_of_word(unit_);
      made.numeric = true;
    }
    made.numeric = made.numeric && format_.empty();
    made.unit = unit == nullptr ? 0 : static_cast<std::uint32_t>(unit - time_units.data());
    sources_.push_back(std::move(made));
  }

  /// A date alone takes the clock that stands in another field, and the other way round.
  void complete(std::size_t best) {
    const column_evidence& seen = seen_[best];
    if (!format_.empty() || !unit_.empty() || (seen.dated() && seen.clocked())) {
      return;
    }
    const bool date = seen.dated() && (!seen.numeric() || seen.form_of_digits());
    const bool clock = !seen.dated() && !seen.numeric();
    if (!date && !clock) {
      return;
    }
    std::size_t partner = seen_.size();
    int most = 0;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const bool beside = i + 1 == best || best + 1 == i;
      const int fit = i == best ? 0 : date ? fit_as_clock(seen_[i], beside) : fit_as_date(seen_[i]);
      if (fit > most) {
        most = fit;
        partner = i;
      }
    }
    if (partner == seen_.size()) {
      return;
    }
    take(partner);
    if (seen_[date ? partner : best].format.pattern().find("%H.") != std::string::npos) {
      sources_[date ? 0 : 1].format.prefer_day_first(); // where clocks have dots the day goes first
    }
    sources_[date ? 0 : 1].role = time_role::date;
    make_clock(sources_[date ? 1 : 0], seen_[date ? partner : best]);
    if (clock) {
      std::swap(sources_[0], sources_[1]);
    }
  }

  static int fit_as_clock(const column_evidence& seen, bool beside) {
    const bool named = seen.name().clock;
    if (!seen.readable()) {
      return 0;
    }
    if (!seen.numeric()) {
      return seen.dated() ? 0 : named ? 3 : 2;
    }
    return (named || (seen.unnamed() && beside && is_clock(seen))) && clock_in_digits(seen) > 0
               ? (beside ? 2 : 1)
               : 0;
  }

  /// Whether numbers without a name are HHMMSS, as far as one can see.
  static bool is_clock(const column_evidence& seen) {
    const auto fits = [](double value) {
      return std::fmod(value, 1e2) < 60 && std::fmod(value, 1e4) < 6000;
    };
    return clock_in_digits(seen) == 1 && seen.rises() &&
           std::all_of(seen.values().begin(), seen.values().end(), fits);
  }

  static bool is_unnamed_pair(const column_evidence& date, const column_evidence& clock) {
    return date.unnamed() && date.form_of_digits() && date.dated() && !date.clocked() &&
           clock.unnamed() && clock.numeric() && is_clock(clock);
  }

  static int fit_as_date(const column_evidence& seen) {
    const bool date = seen.readable() && seen.dated() && !seen.clocked() &&
                      (!seen.numeric() || seen.form_of_digits());
    return !date ? 0 : seen.name().hints.dates ? 2 : 1;
  }

  /// What a number of 1 is in a column of hours, HHMM or HHMMSS: 10000, 100 or 1; 0: it is none.
  static std::uint32_t clock_in_digits(const column_evidence& seen) {
    if (!seen.numeric() || seen.values().empty()) {
      return 0;
    }
    const auto [least, most] = std::minmax_element(seen.values().begin(), seen.values().end());
    if (seen.digits() == 6 || seen.digits() == 4) { // 000100 is a minute past midnight
      return *most > 240000 ? 0 : seen.digits() == 6 ? 1 : *most <= 2400 ? 100 : 0;
    }
    return *least < 0 ? 0 : *most <= 24 ? 10000 : *most <= 2400 ? 100 : *most <= 240000 ? 1 : 0;
  }

  static void make_clock(time_source& source, const column_evidence& seen) {
    source.role = time_role::clock;
    source.numeric = seen.numeric();
    source.unit = clock_in_digits(seen);
  }

  /// Year, month and day, and what there is of hour, minute and second.
  bool make_of_parts() {
    std::array<std::size_t, 10> places{};
    places.fill(seen_.size());
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const auto role = static_cast<std::size_t>(seen_[i].name().role);
      const bool fits = seen_[i].numeric() && seen_[i].readable();
      if (role > static_cast<std::size_t>(time_role::clock) && fits &&
          places[role] == seen_.size()) {
        places[role] = i;
      }
    }
    // yyyy and mm: a minute without an hour is a month
    constexpr auto month = static_cast<std::size_t>(time_role::month);
    constexpr auto minute = static_cast<std::size_t>(time_role::minute);
    if (places[month] == seen_.size() && places[minute] < seen_.size() &&
        places[static_cast<std::size_t>(time_role::hour)] == seen_.size()) {
      std::swap(places[month], places[minute]);
    }
    const auto place = [&](time_role role) { return places[static_cast<std::size_t>(role)]; };
    const auto inside = [&](time_role role, double from, double to) {
      const std::size_t at = place(role);
      return at < seen_.size() && std::all_of(seen_[at].values().begin(), seen_[at].values().end(),
                                              [&](double v) { return v >= from && v <= to; });
    };
    if (!format_.empty() || !unit_.empty() || !inside(time_role::year, 0, 2300) ||
        !(inside(time_role::month, 1, 12) || inside(time_role::day_of_year, 1, 366)) ||
        (place(time_role::day) < seen_.size() && !inside(time_role::day, 1, 31))) {
      return false;
    }
    static constexpr std::array<double, 9> most{0, 0, 0, 2300, 12, 31, 24, 59, 61};
    const bool of_month = inside(time_role::month, 1, 12);
    constexpr auto last = static_cast<std::size_t>(time_role::second);
    for (auto r = static_cast<std::size_t>(time_role::year); r <= last; ++r) {
      const auto role = static_cast<time_role>(r);
      if (!of_month && role == time_role::month) {
        take(place(time_role::day_of_year), time_role::day_of_year);
        sources_.back().numeric = true;
        sources_.back().unit = 0;
        continue;
      }
      if (!of_month && role == time_role::day) {
        continue;
      }
      if (!inside(static_cast<time_role>(r), 0, most[r])) {
        break; // a minute without its hour is something else
      }
      take(places[r], static_cast<time_role>(r));
      sources_.back().numeric = true;
      sources_.back().unit = 0;
    }
    return true;
  }

  const std::vector<column_evidence>& seen_;
  std::string_view format_;
  std::string_view unit_;
  bool day_first_;
  std::vector<time_source> sources_;
};

} // namespace hanami::detail
