// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "../../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// How rows follow each other: so many at once in every period. Without a period they come when
/// something happens.
struct row_rhythm {
  double period = 0; ///< seconds; 0: none
  double pause = 0;  ///< seconds from row to row, up to which they belong to one period
  double size = 1;   ///< rows of a period

  double step() const noexcept { return period / size; }
  bool operator==(const row_rhythm&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(period, pause, size);
    archive.require(period >= 0 && pause >= 0 && size >= 1,
                    "rows that follow each other in no way");
  }
};

inline double median_of(std::vector<double> values) noexcept {
  if (values.empty()) {
    return 0;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Share of the values that are nearer to `to` than by `part` of it.
inline double share_near(std::span<const double> values, double to, double part) noexcept {
  const auto near = std::count_if(values.begin(), values.end(),
                                  [&](double value) { return std::abs(value - to) <= part * to; });
  return values.empty() ? 0 : static_cast<double>(near) / static_cast<double>(values.size());
}

/// The step of rows some of which, less than half, are missing: of the seconds between rows `share`
/// are about whole steps; 0 where there is none.
inline double step_between_losses(std::span<const double> gaps, double share) {
  std::vector<double> all(gaps.begin(), gaps.end());
  std::sort(all.begin(), all.end());
  const double step = all.empty() ? 0 : all[all.size() / 4];
  const auto whole = std::count_if(all.begin(), all.end(), [&](double gap) {
    const double steps = std::round(gap / step);
    return steps >= 1 && std::abs(gap / step - steps) <= 0.1;
  });
  const bool fits = static_cast<double>(whole) >= share * static_cast<double>(all.size());
  return step > 0 && fits && share_near(all, step, 0.1) >= 0.5 ? step : 0;
}

/// The rhythm of rows that come several at once, in equal numbers and equally often.
inline row_rhythm find_bursts(std::span<const double> gaps, double share) {
  const double sum = std::accumulate(gaps.begin(), gaps.end(), 0.0);
  const double mean = sum / static_cast<double>(gaps.size());
  std::vector<double> pauses;
  std::vector<double> periods; // from the first row of one to the first row of the next
  std::vector<double> sizes;
  double time = 0;
  double size = 0;
  for (const double gap : gaps) {
    time += gap;
    size += 1;
    if (gap > mean) {
      if (!pauses.empty()) {
        periods.push_back(time);
        sizes.push_back(size);
      }
      pauses.push_back(gap);
      time = size = 0;
    }
  }
  const double period = median_of(periods);
  const double rows = median_of(sizes);
  const bool regular = periods.size() >= 4 && rows >= 2 &&
                       share_near(periods, period, 0.2) >= share &&
                       share_near(sizes, rows, 0) >= share;
  return regular ? row_rhythm{period, median_of(pauses) / 2, rows} : row_rhythm();
}

/// The rhythm of rows by the seconds between them, in their order. `share` of them must fit.
inline row_rhythm find_rhythm(std::span<const double> gaps, double share) {
  if (const double usual = median_of({gaps.begin(), gaps.end()});
      usual > 0 && share_near(gaps, usual, 0.5) >= share) {
    return {usual, 0, 1};
  }
  if (const double step = step_between_losses(gaps, std::max(share, 0.875)); step > 0) {
    return {step, 0, 1};
  }
  return find_bursts(gaps, share);
}

} // namespace detail

/// Measures time in rows: how far apart they usually are, and how many are missing between two.
///
/// - Rows are regular where most are equally far apart, or come several at once, as from two
///   sensors or from a gateway that gathers them, in equal numbers and equally often. The first
///   nine steps tell. Rows that come when something happens have no step, and none is missing.
/// - A lasting change of the step is followed: after nine rows at the new one, or when of the last
///   64 rows too many do not fit. Rows that seemed missing meanwhile are taken back.
/// - A gap out of all proportion to the rows so far is a clock that was set; gaps that take up more
///   than four fifths of the time, but for a single one, are pauses: nothing is missing in them,
///   nor where time stands still or runs backwards.
///
/// A value of some 700 bytes; a row costs a few comparisons.
class row_clock {
 public:
  row_clock() = default;
  /// Rows are `step` seconds apart, whatever their times say; 0: that is found.
  explicit row_clock(double step) noexcept : given_(step > 0), settled_(given_) {
    rhythm_.period = step;
  }

  /// Takes the time of the next row in seconds, NaN if it is not known. Returns how many rows are
  /// missing before it, `most` at most; 0 while the step is not known.
  std::uint32_t missing_before(double time, std::uint32_t most = 10000) {
    changed_ = false;
    taken_back_ = 0;
    ++rows_;
    if (!std::isfinite(time)) {
      ++untimed_;
      return 0;
    }
    const double rows = 1 + static_cast<double>(std::exchange(untimed_, 0));
    const double gap = time - std::exchange(last_, time);
    if (!(gap >= 0)) { // the first one, or a clock that was set back
      group_ = time;
      odd_ = {};
      return 0;
    }
    if (!settled_) {
      group_ = time;
      note(gap / rows);
      positive_ += gap > 0 ? 1U : 0U;
      if (positive_ == first_steps || noted_ == gaps_.size()) {
        settle();
      }
      return 0;
    }
    const std::uint64_t long_before = long_gap_;
    const std::uint32_t missing = missing_in(gap, rows, time, most);
    const bool long_now = long_gap_ > long_before;
    if (!given_) {
      follow(gap / rows);
    }
    if (changed_) {
      return 0;
    }
    if (odd_.rows > 0) {
      odd_.claimed += missing;
      odd_.long_gap += long_now ? missing : 0;
    }
    return missing;
  }

  /// Seconds from row to row on an average where rows are regular, else 0.
  double step() const { return (settled_ ? rhythm_ : first_rhythm()).step(); }

  /// Seconds from row to row on an average, regular or not; 0 if not known.
  double mean_step() const {
    if (const double regular = step(); regular > 0) {
      return regular;
    }
    const double sum = std::accumulate(gaps_.begin(), gaps_.begin() + noted(), 0.0);
    return sum > 0 ? sum / static_cast<double>(noted_) : 0;
  }

  /// Whether the first rows have told what there is to tell.
  bool settled() const noexcept { return settled_; }
  /// No more rows are waited for.
  void settle() {
    if (!settled_) {
      settled_ = true;
      rhythm_ = first_rhythm();
      since_check_ = 0;
    }
  }

  /// Whether with the newest row the step has changed for good, or has become known or unknown.
  bool changed() const noexcept { return changed_; }
  /// Rows that were said to be missing before earlier rows and, as the newest one shows, were not.
  std::uint64_t taken_back() const noexcept { return taken_back_; }
  /// Whether the newest row does not fit the step, so that this may be about to change.
  bool doubtful() const noexcept { return odd_.rows > 0; }

  /// The next row's time does not follow the last one; the step stays what it is.
  void begin_again() noexcept {
    last_ = group_ = std::numeric_limits<double>::quiet_NaN();
    untimed_ = 0;
    odd_ = {};
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(given_, settled_, rhythm_, last_, group_, untimed_, rows_, claimed_, long_gap_,
            positive_, gaps_, noted_, place_, since_check_, check_after_, odd_, refined_);
    archive.require(noted_ <= gaps_.size() && place_ < gaps_.size() && odd_.rows < first_steps &&
                        check_after_ <= most_check_after,
                    "a clock of rows that cannot be");
  }

 private:
  static constexpr std::uint32_t first_steps = 9;
  static constexpr std::uint32_t least_check_after = 16; ///< rows, from one look to the next
  static constexpr std::uint32_t most_check_after = 256;

  /// Rows in a row that do not fit the step.
  struct odd_rows {
    std::uint32_t rows = 0;
    std::uint64_t claimed = 0;  ///< rows that were said to be missing between them
    std::uint64_t long_gap = 0; ///< of these in one gap for which there was no room

    template <class Archive>
    void serialize(Archive& archive) {
      archive(rows, claimed, long_gap);
    }
  };

  std::ptrdiff_t noted() const noexcept { return static_cast<std::ptrdiff_t>(noted_); }

  void note(double gap) noexcept {
    gaps_[to_size(place_)] = gap;
    place_ = (place_ + 1) % gaps_.size();
    noted_ = std::min<std::uint64_t>(noted_ + 1, gaps_.size());
  }

  /// The newest steps, oldest first.
  std::vector<double> newest(std::size_t count) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < std::min<std::uint64_t>(count, noted_); ++i) {
      all.push_back(gaps_[to_size((place_ + gaps_.size() - 1 - i) % gaps_.size())]);
    }
    std::reverse(all.begin(), all.end());
    return all;
  }

  detail::row_rhythm first_rhythm() const {
    return noted_ == 0 ? detail::row_rhythm() : detail::find_rhythm(newest(to_size(noted_)), 0.75);
  }

  std::uint32_t missing_in(double gap, double rows, double time, std::uint32_t most) noexcept {
    if (gap <= rhythm_.pause) {
      return 0;
    }
    const double since = time - std::exchange(group_, time);
    if (rhythm_.period == 0) {
      return 0;
    }
    const double missing =
        (std::round(since / rhythm_.period) - 1) * rhythm_.size - (rhythm_.size > 1 ? 0 : rows - 1);
    if (!(missing >= 1)) {
      return 0;
    }
    const auto counted = static_cast<std::uint32_t>(std::min(missing, static_cast<double>(most)));
    const double room = 20 + 4 * static_cast<double>(rows_);
    if (given_ || claimed_ + missing <= room) {
      claimed_ += missing;
      return counted;
    }
    if (long_gap_ == 0 && claimed_ < room && missing <= 100 * static_cast<double>(rows_)) {
      long_gap_ = counted; // one outage is believed, a second one makes both pauses
      return counted;
    }
    taken_back_ += std::exchange(long_gap_, 0);
    odd_.claimed -= std::exchange(odd_.long_gap, 0);
    claimed_ = std::min(claimed_ + missing, 2 * room);
    return 0;
  }

  bool fits(double gap) const noexcept {
    if (rhythm_.size > 1 && gap <= rhythm_.pause) {
      return true;
    }
    const double periods = gap / (rhythm_.size > 1 ? 2 * rhythm_.pause : rhythm_.period);
    return periods >= 0.5 && periods <= 1.5;
  }

  /// Looks out for a new step.
  void follow(double gap) {
    if (rhythm_.period > 0 && gap > 10000 * rhythm_.period &&
        gap > 10000 * detail::median_of(newest(first_steps))) {
      odd_ = {}; // a clock that was set
      return;
    }
    note(gap);
    ++since_check_;
    if (!refined_ && noted_ == gaps_.size()) {
      refine();
    }
    if (rhythm_.period > 0 && fits(gap)) {
      odd_ = {};
      return;
    }
    if (rhythm_.period > 0 && ++odd_.rows == first_steps) {
      turn(detail::find_rhythm(newest(first_steps), 1));
    } else if (since_check_ >= check_after_ && noted_ >= 32) {
      since_check_ = 0;
      check_after_ = std::min(2 * check_after_, most_check_after); // in vain, it seems
      if (rhythm_.period == 0 || too_many_odd()) {
        turn(detail::find_rhythm(newest(gaps_.size()), rhythm_.period == 0 ? 0.875 : 0.75));
      }
    }
  }

  /// Steps that vary tell theirs better by their mean, and one that is nearly a round number of
  /// seconds, minutes or hours is meant to be that.
  void refine() {
    refined_ = true;
    if (rhythm_.period == 0 || rhythm_.size > 1) {
      return;
    }
    std::vector<double> single = newest(gaps_.size());
    if (const auto bursts = detail::find_bursts(single, 0.75); bursts.pause > 50 * rhythm_.period) {
      turn(bursts);
      return;
    }
    std::erase_if(single, [&](double gap) { return !fits(gap); });
    const double mean = std::accumulate(single.begin(), single.end(), 0.0) /
                        std::max(1.0, static_cast<double>(single.size()));
    static constexpr std::array<double, 21> round{1,    2,    5,     10,    15,    20,    30,
                                                  60,   120,  300,   600,   900,   1200,  1800,
                                                  3600, 7200, 10800, 14400, 21600, 43200, 86400};
    const auto* const near = std::find_if(round.begin(), round.end(), [&](double seconds) {
      return std::abs(mean - seconds) < 0.04 * seconds;
    });
    const double better = near == round.end() ? mean : *near;
    if (std::abs(better - rhythm_.period) > 0.02 * rhythm_.period) {
      rhythm_.period = better;
      changed_ = true;
    }
  }

  /// Whether of the last 64 steps more than half are neither one step nor several whole ones.
  bool too_many_odd() const noexcept {
    const double unit = rhythm_.size > 1 ? 2 * rhythm_.pause : rhythm_.period;
    const auto odd = std::count_if(gaps_.begin(), gaps_.begin() + noted(), [&](double gap) {
      const double steps = gap / unit;
      return !fits(gap) && (steps < 0.5 || std::abs(steps - std::round(steps)) > 0.15);
    });
    return 2 * odd > noted();
  }

  void turn(const detail::row_rhythm& to) {
    const bool same =
        to == rhythm_ || (to.period > 0 && to.size == rhythm_.size &&
                          std::abs(to.period - rhythm_.period) < 0.25 * rhythm_.period);
    const bool lost = to.period == 0 && odd_.rows == first_steps; // nothing regular among nine
    if (!same && !lost) {
      rhythm_ = to;
      changed_ = true;
      check_after_ = least_check_after;
      taken_back_ += odd_.claimed;
      long_gap_ = odd_.long_gap > 0 ? 0 : long_gap_;
      claimed_ = 0;
    }
    odd_ = {};
  }

  bool given_ = false;
  bool settled_ = false;
  bool changed_ = false;
  bool refined_ = false;
  detail::row_rhythm rhythm_;
  double last_ = std::numeric_limits<double>::quiet_NaN();
  double group_ = std::numeric_limits<double>::quiet_NaN(); ///< first time of the newest period
  std::uint64_t untimed_ = 0;                               ///< rows since `last_`
  std::uint64_t rows_ = 0;
  double claimed_ = 0;         ///< rows that seemed missing so far
  std::uint64_t long_gap_ = 0; ///< and those of one gap for which there was no room
  std::uint32_t positive_ = 0;
  std::array<double, 64> gaps_{};
  std::uint64_t noted_ = 0;
  std::uint64_t place_ = 0;
  std::uint32_t since_check_ = 0;
  std::uint32_t check_after_ = least_check_after;
  odd_rows odd_;
  std::uint64_t taken_back_ = 0;
};

/// Seconds from row to row by the times of the first rows, ten of them or more; 0 if not known.
inline double step_of(std::span<const double> times) {
  row_clock clock;
  for (const double time : times) {
    clock.missing_before(time);
  }
  return clock.step();
}

} // namespace hanami
