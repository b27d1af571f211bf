// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "running.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a column guard makes of a value.
enum class validity : std::uint8_t {
  taken,
  missing,   ///< NaN, infinite or beyond 1e30
  rejected,  ///< too far away to be believed; the last value taken still stands
  new_level, ///< taken, but the change to it means nothing: the stream has moved
  restart ///< taken, and what came before it was wild: the column begins with the values around it
};

/// Judges the raw values of one column before anything learns from them. A value is rejected if it
/// is both 30 times the usual change away from the last one and 10 times the usual spread away from
/// the slow mean. The third rejected value in a row that is nearer to the one before it than to the
/// last value taken is believed: a new level. Nothing is rejected among the first 8 values, or in a
/// column that has never changed; the first 8 of a new level may be off by twice the jump to it.
/// Where the same value is rejected in one of 40 rows, it is an ordinary one: it is taken from then
/// on, and its changes are usual.
///
/// What a column begins with is looked at again, by medians, with every value of the first 48 that
/// differs from the one before it: those that turn out to be far from all others (a sensor that
/// reports 65535, 0 or 85 at first) count as never seen, and the column restarts without them.
class column_guard {
 public:
  validity judge(double value) {
    if (!(std::abs(value) <= largest)) {
      return validity::missing;
    }
    if (std::abs(value - last_) > reach() &&
        std::abs(value - level_.mean()) > 10 * level_.spread()) {
      return doubt(value);
    }
    take(value);
    return opens(value) && reconsider() ? validity::restart : validity::taken;
  }

  bool started() const noexcept { return taken_ > 0; }
  /// The last value taken.
  double last() const noexcept { return last_; }
  /// Where the next value is to be expected: at the last one taken or, where the last two were
  /// rejected and agree, at those: most of such go on.
  double standing() const noexcept { return doubts_ < 2 ? last_ : doubted_; }
  /// Usual size of a change from one row to the next, in the column's units.
  double change_scale() const noexcept { return change_.value(); }
  /// Whether so much has been seen that a restart has become unlikely.
  bool settled() const noexcept { return opened_ >= settling; }
  /// From the last value taken to the last one rejected.
  double rejected_by() const noexcept { return std::abs(doubted_ - last_); }
  /// Held beside the object itself.
  std::size_t bytes() const noexcept { return opening_.capacity() * sizeof(stay); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(change_, recent_, level_, moved_, last_, jump_, doubted_, doubts_, recurring_, taken_,
            opening_, opened_);
    archive.require(opening_.size() <= opening_length, "a column that begins for too long");
  }

 private:
  /// A value, and the rows it stayed what it was.
  struct stay {
    double value = 0;
    std::uint64_t rows = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(value, rows);
    }
  };

  /// How far from the last value nothing is doubted.
  double reach() const noexcept {
    const double usual = 30 * change_.value();
    if (taken_ < 8) { // of a level that is hardly known
      return std::max(usual, 2 * jump_);
    }
    return usual > 0 ? usual : std::numeric_limits<double>::infinity();
  }

  validity doubt(double value) {
    const bool again = std::abs(value - doubted_) <= std::abs(value - last_) / 8;
    recurring_ += ((again ? 1 : 0) - recurring_) / recurring_rows;
    if (recurring_ > 1.0 / 40) {
      change_.forget(8);
      take(value);
      return validity::taken;
    }
    const bool consistent = doubts_ > 0 && std::abs(value - doubted_) < std::abs(value - last_) / 2;
    doubts_ = consistent ? doubts_ + 1 : 1;
    const double way = value - doubted_;
    doubted_ = value;
    if (doubts_ < 3) {
      return validity::rejected;
    }
    if (way != 0) {
      change_.forget(0);
      change_.add(way);
    }
    jump_ = std::abs(value - last_);
    recent_.forget(0);
    moved_ = 0;
    level_.restart(value);
    doubts_ = 0;
    last_ = value;
    taken_ = 1;
    opening_.clear();
    opens(value);
    return validity::new_level;
  }

  void take(double value) noexcept {
    if (taken_ > 0) {
      follow(value - last_);
    }
    level_.add(value);
    last_ = value;
    doubts_ = 0;
    recurring_ -= recurring_ / recurring_rows;
    ++taken_;
  }

  /// Keeps a value that may still be among those the column begins with; whether it is a change.
  bool opens(double value) {
    if (opened_ >= opening_length) {
      return false;
    }
    if (!opening_.empty() && opening_.back().value == value) {
      ++opening_.back().rows;
      return false;
    }
    opening_.push_back({value, 1});
    ++opened_;
    return true;
  }

  /// Looks at all values since the beginning as one would from behind; whether it has taken some of
  /// them back.
  bool reconsider() {
    const std::size_t n = opening_.size();
    const bool last_look = opened_ == opening_length;
    const bool found = n >= 4 && drop_wild(n < settling ? 40 : 15, n < settling ? 100 : 40);
    if (found) {
      begin_anew();
    }
    if (last_look) {
      opening_ = std::vector<stay>();
    }
    return found;
  }

  /// Drops the values that lie both `far` usual distances from the median and `leap` usual changes:
  /// fewer than half of all, if the column begins with them; otherwise up to a third.
  bool drop_wild(double far, double leap) {
    std::vector<double> values;
    std::vector<double> changes;
    for (const stay& s : opening_) {
      if (!values.empty()) {
        changes.push_back(std::abs(s.value - values.back()));
      }
      values.push_back(s.value);
    }
    const double middle = median(values);
    for (double& value : values) {
      value = std::abs(value - middle);
    }
    const double reach = std::max(far * median(values), leap * median(changes));
    const auto wild = [&](const stay& s) { return std::abs(s.value - middle) > reach; };
    const auto count =
        static_cast<std::size_t>(std::count_if(opening_.begin(), opening_.end(), wild));
    const auto first = static_cast<std::size_t>(
        std::find_if_not(opening_.begin(), opening_.end(), wild) - opening_.begin());
    const std::size_t allowed = first == count ? (opening_.size() - 1) / 2 : opening_.size() / 3;
    if (count == 0 || count > allowed || wild(opening_.back())) {
      return false;
    }
    std::erase_if(opening_, wild);
    return true;
  }

  static double median(std::vector<double>& of) {
    const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    std::nth_element(of.begin(), middle, of.end());
    return *middle;
  }

  /// As if what is left in `opening_` had been all.
  void begin_anew() noexcept {
    change_ = running_scale();
    recent_.forget(0);
    level_ = running_mean();
    moved_ = 0;
    jump_ = std::numeric_limits<double>::infinity();
    taken_ = 0;
    for (const stay& s : opening_) {
      for (std::uint64_t row = std::min<std::uint64_t>(s.rows, 100); row > 0; --row) {
        take(s.value);
      }
    }
  }

  /// Where 200 rows have changed by less than a sixteenth of the usual size, that is the usual size
  /// from now on: forgetting the old one would take thousands of rows. A sensor that is stuck tells
  /// nothing.
  void follow(double change) noexcept {
    change_.add(change);
    recent_.add(change);
    moved_ += change != 0 ? 1 : 0;
    if (recent_.seen() < recent_rows) {
      return;
    }
    if (moved_ > 100 && recent_.value() * 16 < change_.value()) {
      change_.adopt(recent_);
    }
    recent_.forget(0);
    moved_ = 0;
  }

  static constexpr double largest = 1e30; ///< no measurement; its changes still fit into a float
  static constexpr double recent_rows = 200;
  static constexpr double everything = std::numeric_limits<double>::infinity();
  static constexpr double recurring_rows = 512;
  static constexpr std::uint32_t opening_length = 48; ///< values unlike those before them
  static constexpr std::uint32_t settling = 8;        ///< of them

  running_scale change_;
  running_scale recent_{recent_rows, everything}; ///< of up to 200 rows
  running_mean level_;
  std::uint32_t moved_ = 0; ///< of them, rows with any change
  double last_ = 0;
  double jump_ = std::numeric_limits<double>::infinity(); ///< to the present level
  double doubted_ = 0;                                    ///< the last value rejected
  std::uint32_t doubts_ = 0;
  double recurring_ = 0;      ///< share of the last rows that were rejected like the one before
  std::uint64_t taken_ = 0;   ///< since the last new level
  std::vector<stay> opening_; ///< what the column began with, until that is long ago
  std::uint32_t opened_ = 0;  ///< values that came to it so far
};

} // namespace hanami
