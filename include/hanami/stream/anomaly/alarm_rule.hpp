// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "../../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// When to raise an alarm.
struct anomaly_options {
  double rows_per_day = 24;
  double false_alarms_per_day = 1.0 / 30; ///< expected where nothing happens
  /// Within so many rows a second alarm must be clearly stranger, a hundred times as rare; 0: a
  /// day, but at most 1000 rows and a tenth of the time from one false alarm to the next.
  std::uint32_t rest_rows = 0;

  /// False alarms a row.
  double rate() const noexcept { return false_alarms_per_day / rows_per_day; }
  std::size_t rest() const noexcept {
    const double days = std::clamp(rows_per_day, 8.0, 1000.0);
    return rest_rows > 0 ? rest_rows
                         : static_cast<std::size_t>(std::max(1.0, std::min(days, 0.1 / rate())));
  }
};

/// The highest peaks of a stream, each the highest value for some rows before and after it, and
/// from them the height that peaks exceed so and so often, also where that is more seldom than the
/// stream has rows: excesses over the k-th highest are taken for exponential (Weissman 1978), their
/// mean for as uncertain as k values leave it (the predictive distribution of exponential values is
/// Lomax's: Aitchison and Dunsmore 1975). Where heights are surprises, -log10 of a probability,
/// that mean is 0.43 if the probabilities are right: so much is believed beforehand, like four
/// values.
class highest_peaks {
 public:
  highest_peaks() = default;
  /// Of clumps `apart` rows from each other, in the last `window` rows.
  highest_peaks(std::uint64_t apart, double window) : apart_(apart), window_(window) {}

  /// Changes both numbers; the peaks so far stay.
  void measure_by(std::uint64_t apart, double window) noexcept {
    apart_ = apart;
    window_ = window;
  }

  /// The next row; whether that ends a peak.
  bool add(double height) {
    const std::uint64_t now = rows_++;
    if (height > newest_.height) {
      newest_ = {height, now};
      return false;
    }
    if (now - newest_.row < apart_) {
      return false;
    }
    keep(newest_);
    newest_ = {height, now};
    return true;
  }

  /// Rows that the peaks are of.
  double rows() const noexcept { return std::min(static_cast<double>(rows_), window_); }
  /// How many were at least so high.
  std::size_t above(double height) const noexcept {
    return static_cast<std::size_t>(std::count_if(
        peaks_.begin(), peaks_.end(), [&](const peak& p) { return p.height >= height; }));
  }

  /// The height that a peak exceeds with this probability a row. `ceiling`: what lies higher counts
  /// as so high, because something was really wrong then.
  double exceeded_by(double rate, double ceiling) const noexcept {
    if (peaks_.size() < 2) {
      return -std::log10(rate);
    }
    const double expected = rate * rows();
    const auto wanted = static_cast<std::size_t>(std::clamp(2 * expected, 8.0, 32.0));
    const std::size_t k = std::min(wanted, peaks_.size() / 2);
    const double base = peaks_[k].height;
    double sum = believed * usual_excess / base;
    for (std::size_t i = 0; i < k; ++i) {
      sum += std::log(std::max(1.0, std::min(peaks_[i].height, ceiling) / base));
    }
    const auto count = static_cast<double>(k);
    const double excess = sum * (std::pow((count + 1) / expected, 1 / (count + believed)) - 1);
    return base * std::exp(excess);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(peaks_, newest_, rows_);
    archive.require(peaks_.size() <= most_kept, "more peaks than are kept");
  }

 private:
  struct peak {
    double height = 0;
    std::uint64_t row = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(height, row);
    }
  };

  static constexpr std::size_t most_kept = 128;
  static constexpr double believed = 4;
  static constexpr double usual_excess = 0.43429448190325182;

  void keep(const peak& found) {
    std::erase_if(peaks_,
                  [&](const peak& p) { return static_cast<double>(found.row - p.row) > window_; });
    if (!(found.height > 0)) {
      return;
    }
    const auto higher = [](const peak& a, const peak& b) { return a.height > b.height; };
    peaks_.insert(std::upper_bound(peaks_.begin(), peaks_.end(), found, higher), found);
    if (peaks_.size() > most_kept) {
      peaks_.pop_back();
    }
  }

  std::vector<peak> peaks_; ///< highest first
  peak newest_;             ///< that has not ended
  std::uint64_t rows_ = 0;
  std::uint64_t apart_ = 1;
  double window_ = 0;
};

/// Turns surprises, row by row, into alarms that are as rare as asked for. A row is an alarm if its
/// surprise is one that peaks exceed as seldom as asked (`highest_peaks`) and that has not come
/// more often than that: what recurs is no alarm.
class alarm_rule {
 public:
  /// Throws `errc::invalid_argument` for rates that are not above 0.
  explicit alarm_rule(anomaly_options options = {}) {
    follow(options);
    threshold_ = -std::log10(rate_);
  }

  /// Rows, or alarms, are to come at another rate from now on; what was strange so far counts on.
  /// Throws as the constructor.
  void follow(const anomaly_options& options) {
    if (!(options.rows_per_day > 0) || !(options.false_alarms_per_day > 0)) {
      raise(errc::invalid_argument, "rows and false alarms a day must be numbers above 0");
    }
    options_ = options;
    // No peak comes near a higher one: there are fewer of them than of alarms that nothing holds
    // back.
    const std::size_t apart = std::min(clump, options_.rest());
    rate_ = options_.rate() / (1 + options_.rate() * static_cast<double>(apart));
    peaks_.measure_by(apart, remembered / rate_);
  }

  /// `surprise`: -log10 of the probability of a row at least as strange (`tail_probability`).
  bool judge(double surprise) {
    const double enough =
        rows_ >= quiet_until_ ? threshold_ : std::max(threshold_, alarmed_ + stranger);
    const bool alarm = rows_ >= warm_up && surprise > enough && !is_usual(surprise);
    if (alarm) {
      quiet_until_ = rows_ + options_.rest();
      alarmed_ = surprise;
    }
    if (peaks_.add(surprise)) {
      threshold_ = peaks_.exceeded_by(rate_, 1.5 * threshold_);
    }
    ++rows_;
    return alarm;
  }

  /// The surprise above which there is an alarm.
  double threshold() const noexcept { return threshold_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(peaks_, rows_, quiet_until_, alarmed_, threshold_);
  }

 private:
  static constexpr std::uint64_t warm_up = 300; ///< rows without alarms at first
  static constexpr std::size_t clump = 96;      ///< rows that the scores look back, at most
  static constexpr double remembered = 8;       ///< times between alarms
  static constexpr double stranger = 2;

  /// Whether as much has happened more often than it should.
  bool is_usual(double surprise) const noexcept {
    return static_cast<double>(peaks_.above(surprise)) > std::max(1.0, 2 * rate_ * peaks_.rows());
  }

  anomaly_options options_;
  double rate_ = 0; ///< peaks a row that should be alarms
  highest_peaks peaks_;
  std::uint64_t rows_ = 0;
  std::uint64_t quiet_until_ = 0;
  double alarmed_ = 0; ///< the surprise of the last alarm
  double threshold_ = 0;
};

} // namespace hanami
