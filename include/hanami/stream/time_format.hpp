// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "time/finder.hpp"
#include "time/number.hpp"
#include "time/pattern.hpp"
#include "time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

/// Reads texts of times, by a form that is given or by those that it finds: ISO 8601 and RFC 3339
/// whole, RFC 2822, ctime, syslog, web servers, spreadsheets of many languages, clocks without a
/// date. The form found last is tried first.
///
/// Where the order of day and month (or of a short year) cannot be told from one text, the texts
/// that follow decide: an order in which one of them means no time is out, and of those that are
/// left the one counts whose times lie closer together; the first of each month stays that. Not
/// safe from several threads.
class time_format {
 public:
  time_format() = default;

  /// As `strptime` writes it: `%d.%m.%Y %H:%M`. `%S` takes a fraction along, `%f` one apart from
  /// its second, `%z` offsets and names of zones. Throws `errc::invalid_argument` for what is none.
  explicit time_format(std::string pattern) : given_(true) {
    forms_.push_back({detail::time_pattern(std::move(pattern)), {}, 0});
  }

  /// Nothing where the text is no time, or has another form than the one given.
  std::optional<time_reading> read(std::string_view text) {
    turned_ = false;
    text = detail::bare_time(text);
    if (!forms_.empty()) {
      if (const auto said = forms_.front().pattern.read(text)) {
        return rivals_.empty() ? said : weigh(text, *said);
      }
      return read_otherwise(text);
    }
    return find(text);
  }

  /// The next text does not follow the one before.
  void begin_again() noexcept {
    for (form& known : forms_) {
      known.last = never;
    }
    for (form& rival : rivals_) {
      rival.last = never;
    }
  }
  /// The order counts in which the day goes before the month, where both have read everything so
  /// far and none is likelier by the texts alone.
  void prefer_day_first() {
    const auto day_first = [](const form& f) {
      const std::string& written = f.pattern.written();
      const std::size_t day = written.find("%d");
      return day < written.find("%m") && day != std::string::npos;
    };
    const auto found = std::find_if(rivals_.begin(), rivals_.end(), day_first);
    if (found != rivals_.end() && !day_first(forms_.front()) &&
        (found->longest <= forms_.front().longest || found->monthly())) {
      std::swap(*found, forms_.front());
    }
  }

  /// Whether the newest text has shown that those before it were read in a wrong order.
  bool turned() const noexcept { return turned_; }

  /// The form that read the newest text, as `strptime` writes it; empty if none has been read.
  const std::string& pattern() const noexcept {
    static const std::string none;
    return forms_.empty() ? none : forms_.front().pattern.written();
  }
  /// Whether another order of day and month would have read all texts, too.
  bool ambiguous() const noexcept { return !rivals_.empty(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(given_, forms_, rivals_);
    archive.require(forms_.size() <= most_forms && rivals_.size() <= 2,
                    "more forms of times than are kept");
  }

 private:
  static constexpr std::size_t most_forms = 4;
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

  struct form {
    detail::time_pattern pattern;
    std::int64_t last = never; ///< seconds
    std::int64_t longest = 0;  ///< from text to text, as far as it is of use

    template <class Archive>
    void serialize(Archive& archive) {
      std::string written = pattern.written();
      archive(written, last, longest);
      if constexpr (Archive::reading) {
        auto known = detail::time_pattern::parse(std::move(written));
        archive.require(known.has_value(), "a form of times that is none");
        if (known) {
          pattern = std::move(*known);
        }
      }
    }
    /// Whether texts are a month apart at most and the newest is of the first of one, without a
    /// clock.
    bool monthly() const noexcept {
      using namespace std::chrono;
      const sys_seconds newest{seconds(last)};
      constexpr std::int64_t one_day = 86400;
      return last != never && longest >= 28 * one_day && longest <= 31 * one_day &&
             longest % one_day == 0 && last % one_day == 0 &&
             year_month_day(floor<days>(newest)).day() == std::chrono::day{1};
    }
    void note(std::int64_t seconds) noexcept {
      if (last != never) {
        longest = std::max(longest, seconds > last ? seconds - last : last - seconds);
      }
      last = seconds;
    }
  };

  std::optional<time_reading> find(std::string_view text) {
    if (given_) {
      return std::nullopt;
    }
    std::vector<detail::time_pattern> found = detail::find_patterns(text);
    if (found.empty()) {
      return std::nullopt;
    }
    rivals_.clear();
    for (std::size_t i = 1; i < std::min<std::size_t>(found.size(), 3); ++i) {
      rivals_.push_back({std::move(found[i])});
    }
    forms_.insert(forms_.begin(), form{std::move(found.front())});
    forms_.resize(std::min(forms_.size(), most_forms));
    return weigh(text, *forms_.front().pattern.read(text));
  }

  /// The newest form has not read it.
  std::optional<time_reading> read_otherwise(std::string_view text) {
    for (std::size_t i = 0; i < rivals_.size(); ++i) {
      if (const auto said = rivals_[i].pattern.read(text)) {
        std::swap(rivals_[i], forms_.front());
        rivals_.erase(rivals_.begin() + static_cast<std::ptrdiff_t>(i));
        turned_ = true;
        return rivals_.empty() ? said : weigh(text, *said);
      }
    }
    for (std::size_t i = 1; i < forms_.size(); ++i) {
      if (const auto said = forms_[i].pattern.read(text)) {
        std::rotate(forms_.begin(), forms_.begin() + static_cast<std::ptrdiff_t>(i),
                    forms_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        rivals_.clear();
        return said;
      }
    }
    return find(text);
  }

  /// Of several orders that all have read everything.
  time_reading weigh(std::string_view text, time_reading said) {
    form& first = forms_.front();
    first.note(said.seconds);
    for (auto rival = rivals_.begin(); rival != rivals_.end();) {
      const auto other = rival->pattern.read(text);
      if (!other) {
        rival = rivals_.erase(rival);
        continue;
      }
      rival->note(other->seconds);
      if (2 * rival->longest < first.longest && !first.monthly()) {
        std::swap(*rival, first);
        said = *other;
        turned_ = true;
      }
      ++rival;
    }
    return said;
  }

  bool given_ = false;
  bool turned_ = false;
  std::vector<form> forms_;  ///< newest first
  std::vector<form> rivals_; ///< of the newest
};

namespace detail {

/// What one text says by itself; nothing where it is no time. A number is seconds of UTC.
inline std::optional<time_reading> read_time(std::string_view text) {
  static const std::array usual{time_pattern("%Y-%m-%d %H:%M:%S"),
                                time_pattern("%Y-%m-%dT%H:%M:%S")};
  for (const time_pattern& pattern : usual) { // quickly
    if (const auto said = pattern.read(text)) {
      return said;
    }
  }
  if (const auto number = read_decimal(bare_time(text))) {
    return reading_of(*number, *find_unit("s"));
  }
  return time_format().read(text);
}

} // namespace detail

/// Seconds of a time as `time_format` reads it, by the clocks that wrote it, or of UTC where it
/// says how far it is from that; of a plain number those; NaN for anything else.
inline double parse_time(std::string_view text) {
  const auto said = detail::read_time(text);
  return said ? static_cast<double>(said->seconds) + said->part
              : std::numeric_limits<double>::quiet_NaN();
}

/// Seconds from 1970-01-01 00:00 UTC on of such a text. One that says its offset means what it
/// says; any other is local time of `zone`, of an hour that is there twice the first time later
/// than `after`. A plain number is UTC. NaN for anything else.
inline double parse_time(std::string_view text, const time_zone& zone,
                         double after = -std::numeric_limits<double>::infinity()) {
  const auto said = detail::read_time(text);
  if (!said) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double seconds = static_cast<double>(said->seconds) + said->part;
  return said->utc ? seconds : zone.to_utc(seconds, after);
}

} // namespace hanami
