// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "time/choice.hpp"
#include "time/column_evidence.hpp"
#include "time_format.hpp"
#include "time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

template <class Cell>
concept has_text = requires(const Cell& cell) {
  { cell.text } -> std::convertible_to<std::string_view>;
};

template <class Row>
using cell_of = std::remove_cvref_t<decltype(std::declval<const Row&>()[0])>;

} // namespace detail

/// The cells of a row: texts, or what has a text.
template <class Row>
concept row_of_cells = requires(const Row& row) {
  { row.size() } -> std::convertible_to<std::size_t>;
  row[0];
}
&&(std::convertible_to<detail::cell_of<Row>, std::string_view> ||
   detail::has_text<detail::cell_of<Row>>);

/// What is given about the times of rows; the rest is found.
struct time_options {
  /// Name of the field, or names with a plus between them (`Date+Time`); `none`: rows have no time;
  /// empty: found by its name or its values.
  std::string field = {};
  std::string format = {}; ///< as `strptime` writes it; empty: found
  std::string unit = {};   ///< of numbers: s, ms, us, ns, min, h, d, year, excel, julian, ...
  std::optional<time_zone> zone = {}; ///< local times become UTC by it; without: they stay
  /// Where the texts do not tell the order of day and month: 01/07 is in July, as where fields are
  /// apart by semicolons.
  bool day_first = false;
};

/// The time of a row.
struct row_time {
  enum class state : std::uint8_t {
    known,
    absent,    ///< its fields are empty or not there, or no field is the time
    unreadable ///< something stands there that is no time in any form that is known
  };
  double seconds = std::numeric_limits<double>::quiet_NaN(); ///< NaN unless known
  state what = state::absent;
  /// The time does not go on from those before: they were read with day and month in a wrong order.
  bool corrected = false;
};

/// Which fields of a row are its time, and how they are read.
///
///     hanami::time_column time;                  // or with options
///     for (first rows) time.look(reader.fields(), reader.cells());
///     time.choose(reader.fields());
///     ... time.is_time(field) ... time.description(reader.fields()) ...
///     for (all rows) model.observe(values, time.read(reader.cells()).seconds);
///
/// A row is a list of cells: of a `row_reader`, or texts as they stand; an empty one has none.
///
/// A time is found by its name (`Timestamp (UTC)`, `_time`, `Zeit`, `Time [s]`, ...) or by its
/// values; a date and a time of day in two fields belong together, and so do a year, a month and a
/// day. Numbers are seconds, milliseconds, days of a spreadsheet and so on, as their size and
/// regularity say. Clocks without a date go on at midnight, dates without a year at its end.
///
/// Times are seconds since 1970-01-01 00:00: of UTC where an offset or a zone is known, else of the
/// clocks that wrote them. Where rows are closer together than ten microseconds, whole weeks are
/// left out, so that neighbours stay apart. Not safe from several threads.
class time_column {
 public:
  static constexpr std::size_t most_looks = 32;

  time_column() = default;

  /// Throws `errc::invalid_argument` for a format or a unit that is none.
  explicit time_column(time_options options) : options_(std::move(options)) { check(); }

  /// Shows one of the first rows; of those after the 32nd nothing is learned.
  template <row_of_cells Row>
  void look(std::span<const std::string> names, const Row& row) {
    if (looks_ == most_looks || options_.field == "none") {
      return;
    }
    ++looks_;
    first_.resize(std::max(first_.size(), std::min(names.size(), most_fields)));
    for (std::size_t i = 0; i < first_.size(); ++i) {
      if (const std::string_view text = cell(row, i); !text.empty()) {
        first_[i].emplace_back(detail::with_plain_blanks(text.substr(0, 100), spaced_));
      }
    }
  }

  /// Whether more rows would not change the choice: what is the time has been said, or its name and
  /// a whole date have been seen.
  bool sure(std::span<const std::string> names) const {
    if (options_.field == "none" || (!options_.field.empty() && !options_.format.empty())) {
      return true;
    }
    for (std::size_t i = 0; i < std::min(names.size(), first_.size()); ++i) {
      const detail::column_evidence seen(names[i], first_[i]);
      const bool meant = options_.field.empty()
                             ? seen.name().likelihood == detail::time_likelihood::certain
                             : names[i] == options_.field;
      if (meant && !seen.numeric() && seen.dated() && seen.clocked() && !seen.ambiguous()) {
        return true;
      }
    }
    return false;
  }

  /// As `time_options::day_first` does, before `choose`.
  void prefer_day_first() noexcept { options_.day_first = true; }

  /// Decides by the rows that were shown. Throws `errc::invalid_data` where a field that is given
  /// has not come.
  void choose(std::span<const std::string> names) {
    sources_.clear();
    if (options_.field != "none") {
      const std::vector<detail::column_evidence> seen = evidence(names);
      detail::time_choice choice(seen, options_.format, options_.unit, options_.day_first);
      sources_ = options_.field.empty() ? choice.find() : choice.take_given(places_of(names));
      settle(names, seen);
    }
    first_ = {};
    looks_ = most_looks;
    known_fields_ = names.size();
  }

  /// Where no field has been the time so far: fields have come since, and one whose name says so is
  /// the time from now on. Returns whether there is one.
  bool add_fields(std::span<const std::string> names) {
    for (; !timed() && known_fields_ < names.size() && options_.field != "none"; ++known_fields_) {
      const std::string& name = names[known_fields_];
      const bool meant = options_.field.empty() ? detail::read_time_name(name).likelihood ==
                                                      detail::time_likelihood::certain
                                                : name == options_.field;
      if (meant) {
        std::vector<detail::column_evidence> seen;
        for (std::size_t i = 0; i <= known_fields_; ++i) {
          seen.emplace_back(names[i], std::vector<std::string>());
        }
        const std::array place{known_fields_};
        sources_ = detail::time_choice(seen, options_.format, options_.unit, options_.day_first)
                       .take_given(place);
        settle(names, seen);
        return true;
      }
    }
    return false;
  }

  bool timed() const noexcept { return !sources_.empty(); }
  /// Whether in the rows that were shown the newest came first.
  bool backwards() const noexcept { return backwards_; }
  bool is_time(std::size_t field) const noexcept {
    return std::any_of(sources_.begin(), sources_.end(),
                       [&](const detail::time_source& s) { return s.field == field; });
  }

  /// One sentence for the user: which fields are the time, and how they are read.
  std::string description(std::span<const std::string> names) const {
    if (sources_.empty()) {
      return options_.field == "none" ? "rows have no time, as told"
                                      : "no field is the time of rows";
    }
    std::string said = "the time is ";
    std::string forms;
    for (const detail::time_source& s : sources_) {
      const std::size_t field = s.field;
      said += (&s == sources_.data() ? "'" : " with '") +
              (field < names.size() ? names[field] : std::string()) + "'";
      forms += (forms.empty() ? "" : " ") + form_of(s);
    }
    return said + ", as " + forms + (utc_ ? ", of UTC" : "");
  }

  /// For the user who has times that cannot be read.
  static constexpr std::string_view readable =
      "times are read as numbers (seconds to nanoseconds, days), as ISO 8601 and RFC 3339, and as "
      "dates and clocks like 31.12.2024 23:59, 12/31/2024 11:59 PM or 31-Dec-2024; another form is "
      "said by --time-format";

  /// The time of a row. Constant in the number of its cells.
  template <row_of_cells Row>
  row_time read(const Row& row) {
    if (sources_.empty()) {
      return {};
    }
    const auto said = sources_.size() == 1 && sources_.front().role == detail::time_role::whole
                          ? read_source(cell(row, sources_.front().field), sources_.front())
                          : read_parts(row);
    if (!said) {
      return {std::numeric_limits<double>::quiet_NaN(), unread_};
    }
    const bool corrected = std::any_of(sources_.begin(), sources_.end(),
                                       [](const auto& s) { return s.format.turned(); });
    return {place(*said), row_time::state::known, corrected};
  }

  /// The texts of a row's time, as they stand; valid as long as those and until the next call.
  template <row_of_cells Row>
  std::string_view text(const Row& row) {
    if (sources_.size() == 1) {
      return cell(row, sources_.front().field);
    }
    joined_.clear();
    for (const detail::time_source& s : sources_) {
      const std::string_view part = cell(row, s.field);
      joined_ += joined_.empty() || part.empty() ? "" : " ";
      joined_ += part;
    }
    return joined_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    bool zoned = options_.zone.has_value();
    time_zone zone = options_.zone.value_or(time_zone());
    archive(options_.field, options_.format, options_.unit, options_.day_first, zoned, zone,
            sources_, known_fields_, origin_, last_, ahead_, utc_, long_hours_);
    if constexpr (Archive::reading) {
      options_.zone = zoned ? std::optional(std::move(zone)) : std::nullopt;
      first_.clear();
      looks_ = most_looks;
    }
    archive.require(sources_.size() <= 6, "a time of more fields than there are parts");
  }

 private:
  static constexpr std::size_t most_fields = 2000; ///< that are looked at
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t day = 86400;

  void check() const {
    if (!options_.format.empty()) {
      time_format{options_.format};
    }
    if (!options_.unit.empty() && detail::unit_of_word(options_.unit) == nullptr) {
      std::string known;
      for (const detail::time_unit& unit : detail::time_units) {
        known += (known.empty() ? "" : ", ") + std::string(unit.name);
      }
      raise(errc::invalid_argument,
            "no unit of time is called '" + options_.unit + "'; there are " + known);
    }
  }

  template <class Row>
  static std::string_view cell(const Row& row, std::size_t field) noexcept {
    if (field >= row.size()) {
      return {};
    }
    const auto& found = row[field];
    if constexpr (requires { found.text; }) {
      return found.text;
    } else {
      return found;
    }
  }

  std::vector<detail::column_evidence> evidence(std::span<const std::string> names) const {
    static const std::vector<std::string> nothing;
    std::vector<detail::column_evidence> seen;
    for (std::size_t i = 0; i < names.size(); ++i) {
      seen.emplace_back(names[i], i < first_.size() ? first_[i] : nothing);
    }
    return seen;
  }

  /// Of the fields that are given: exactly their names, or else in any case.
  std::vector<std::size_t> places_of(std::span<const std::string> names) const {
    const auto find = [&](std::string_view wanted, auto same) {
      const auto found = std::find_if(names.begin(), names.end(),
                                      [&](const std::string& name) { return same(name, wanted); });
      return static_cast<std::size_t>(found - names.begin());
    };
    const auto exactly = [](std::string_view a, std::string_view b) { return a == b; };
    if (const std::size_t at = find(options_.field, exactly); at < names.size()) {
      return {at};
    }
    std::vector<std::size_t> places;
    std::string_view rest = options_.field;
    while (!rest.empty()) {
      const std::size_t plus = std::min(rest.find('+'), rest.size());
      const std::string_view wanted = rest.substr(0, plus);
      rest.remove_prefix(std::min(plus + 1, rest.size()));
      std::size_t at = find(wanted, exactly);
      at = at < names.size() ? at : find(wanted, detail::same_word);
      if (at == names.size()) {
        std::string known;
        for (const std::string& name : names) {
          known += (known.empty() ? "" : ", ") + name;
        }
        raise(errc::invalid_data,
              "there is no field '" + std::string(wanted) + "' for the time; there are " + known);
      }
      places.push_back(at);
    }
    return places;
  }

  /// What else the first rows tell about the fields that have been chosen.
  void settle(std::span<const std::string> names,
              const std::vector<detail::column_evidence>& seen) {
    const auto any_of = [&](auto is) {
      return std::any_of(sources_.begin(), sources_.end(),
                         [&](const detail::time_source& s) { return (seen[s.field].*is)(); });
    };
    backwards_ =
        any_of(&detail::column_evidence::falls) && !any_of(&detail::column_evidence::rises);
    for (detail::time_source& s : sources_) {
      s.format.begin_again();
      const std::size_t field = s.field;
      utc_ = utc_ || detail::read_time_name(names[field]).utc;
      const double step = seen[field].shortest_step();
      if (step > 0 && step < 1e-5 && sources_.size() == 1) {
        constexpr std::int64_t week = 7 * day;
        origin_ = seen[field].first_seconds() / week * week;
      }
    }
  }

  static std::string form_of(const detail::time_source& s) {
    if (!s.numeric) {
      return s.format.pattern().empty() ? "text" : s.format.pattern();
    }
    static constexpr std::array<std::string_view, 10> roles{
        "",    "date", "clock in digits", "year",   "month",
        "day", "hour", "minute",          "second", "day of the year"};
    return std::string(s.role == detail::time_role::whole
                           ? detail::time_units[s.unit].words
                           : roles[static_cast<std::size_t>(s.role)]);
  }

  /// A text of one field; nothing, and why, where it is no time.
  std::optional<time_reading> read_source(std::string_view text, detail::time_source& s) {
    std::optional<time_reading> said;
    if (!s.numeric) {
      said = s.format.read(text);
      if (!said) {
        const std::string_view spaced = detail::with_plain_blanks(text, spaced_);
        said = spaced.data() == text.data() ? said : s.format.read(spaced);
      }
      if (!said && options_.format.empty()) {
        said = number_by_size(text);
      }
    } else if (const auto number = detail::read_decimal(detail::bare_time(text))) {
      said = detail::reading_of(*number, detail::time_units[s.unit]);
    } else if (options_.unit.empty()) {
      said = s.format.read(text);
    }
    if (!said) {
      unread_ = detail::says_no_time(detail::bare_time(text)) ? row_time::state::absent
                                                              : row_time::state::unreadable;
    }
    return said;
  }

  /// A number where texts have stood so far: if its size says when.
  static std::optional<time_reading> number_by_size(std::string_view text) {
    const auto number = detail::read_decimal(detail::bare_time(text));
    const detail::time_unit* const unit =
        number ? detail::unit_finder::by_size(number->value()) : nullptr;
    return unit == nullptr ? std::nullopt : detail::reading_of(*number, *unit);
  }

  /// A date and a clock, or the numbers of them.
  template <class Row>
  std::optional<time_reading> read_parts(const Row& row) {
    using detail::time_role;
    detail::time_numbers numbers;
    time_reading whole;
    bool of_numbers = false;
    for (detail::time_source& s : sources_) {
      const std::string_view text = cell(row, s.field);
      if (s.role == time_role::date || (s.role == time_role::clock && !s.numeric)) {
        const auto part = read_source(text, s);
        if (!part) {
          return std::nullopt;
        }
        whole.seconds += part->seconds;
        whole.part += part->part;
        whole.utc = whole.utc || part->utc;
        continue;
      }
      const auto number = detail::read_decimal(detail::bare_time(text));
      if (!number || std::abs(number->value()) > 1e7) {
        unread_ = detail::says_no_time(detail::bare_time(text)) ? row_time::state::absent
                                                                : row_time::state::unreadable;
        return std::nullopt;
      }
      of_numbers = of_numbers || s.role == time_role::year;
      add_number(s, number->value(), numbers, whole);
    }
    if (of_numbers) {
      const auto days = detail::days_of(numbers);
      if (!days) {
        unread_ = row_time::state::unreadable;
        return std::nullopt;
      }
      whole.seconds += day * *days;
    }
    const auto carry = static_cast<std::int64_t>(std::floor(whole.part));
    whole.seconds += carry;
    whole.part -= static_cast<double>(carry);
    return whole;
  }

  static void add_number(const detail::time_source& s, double value, detail::time_numbers& numbers,
                         time_reading& whole) {
    using detail::time_role;
    const auto number = static_cast<std::int32_t>(value);
    switch (s.role) {
    case time_role::year:
      numbers.year = number + (number >= 100 ? 0 : number < 69 ? 2000 : 1900);
      return;
    case time_role::month:
      numbers.month = number;
      return;
    case time_role::day:
      numbers.day = number;
      return;
    case time_role::day_of_year:
      numbers.day_of_year = number;
      return;
    case time_role::clock: // HHMMSS, HHMM or HH
      value *= s.unit;
      whole.part += 3600 * std::floor(value / 10000) +
                    60 * std::floor(std::fmod(value, 10000) / 100) + std::fmod(value, 100);
      return;
    default:
      whole.part += value * (s.role == time_role::hour     ? 3600
                             : s.role == time_role::minute ? 60
                                                           : 1);
    }
  }

  /// Sets a time among those before it: gives clocks without a date their day, and local times
  /// their place in UTC.
  double place(const time_reading& said) {
    std::int64_t seconds = said.seconds;
    if (!said.dated || said.yearless) {
      long_hours_ = long_hours_ || (!said.dated && seconds > day);
      seconds += ahead_;
      const std::int64_t round = said.dated ? 365 * day : day;
      if (last_ != never && seconds < last_ - round / 2 && !long_hours_) {
        ahead_ += round;
        seconds += round;
      }
    }
    double time = static_cast<double>(seconds - origin_) + said.part;
    if (options_.zone && !said.utc && !utc_ && said.dated) {
      const double local = static_cast<double>(seconds) + said.part;
      const double after =
          last_ == never ? -std::numeric_limits<double>::infinity() : static_cast<double>(last_);
      time = options_.zone->to_utc(local, after) - static_cast<double>(origin_);
      seconds = static_cast<std::int64_t>(std::floor(time)) + origin_;
    }
    last_ = seconds;
    return time;
  }

  time_options options_;
  std::vector<detail::time_source> sources_; ///< of which the time is made; none: no time
  std::uint64_t known_fields_ = 0;
  std::int64_t origin_ = 0; ///< weeks that are left out, in seconds
  std::int64_t last_ = never;
  std::int64_t ahead_ = 0;  ///< that clocks without a day or a year have gone round, in seconds
  bool utc_ = false;        ///< the name says that times are of UTC
  bool long_hours_ = false; ///< hours beyond a day: time that has passed, it does not go round
  bool backwards_ = false;
  row_time::state unread_ = row_time::state::absent; ///< why the newest row has no time

  std::vector<std::vector<std::string>> first_; ///< texts of each field in the first rows
  std::size_t looks_ = 0;
  std::string joined_;
  std::string spaced_; ///< a text with other blanks
};

} // namespace hanami
