// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// How unusual a value is in the history of its own stream: the probability of a value at least as
/// large. Up to the largest 5 % it is the share of those that were; beyond, a generalised Pareto
/// distribution of the excesses (peaks over threshold: Pickands 1975; on streams: Siffer et al.
/// 2017), its shape and scale by the moments of their logarithms (Dekkers, Einmahl and de Haan
/// 1989), drawn towards a slightly heavy tail where they are few.
///
/// Values must not be negative. They are counted in bins of a sixteenth of an octave, those of the
/// last `rows` or so (exponential forgetting), so that adding one takes constant time and memory
/// stays below 6 KB. In the fit a value counts as at most one that is ten times as rare as one in
/// all so far: single wild ones do not widen the tail.
class tail_probability {
 public:
  explicit tail_probability(double rows = 10000) noexcept : rows_(rows) {}

  /// -log10 of the probability by the values so far; 0 as long as there are too few.
  double surprise(double value) const noexcept {
    if (!ready()) {
      return 0;
    }
    if (value > threshold_) {
      return beyond(value);
    }
    return -std::log10(std::max(share_from(value), share_));
  }

  /// Surprise by the values so far, then the value becomes one of them.
  double add(double value) {
    const double found = surprise(value);
    count(value);
    return found;
  }

  /// Whether there are enough values to tell.
  bool ready() const noexcept { return seen_ >= least; }
  /// Held beside the object itself.
  std::size_t bytes() const noexcept { return (counts_.capacity() + from_.capacity()) * 4; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, counts_, from_, lowest_, zeros_, seen_, until_, threshold_, share_, shape_,
            scale_, most_, top_, top_shape_);
    archive.require(counts_.size() <= most_bins && from_.size() <= counts_.size() &&
                        lowest_ <= top_bin,
                    "a history of other values");
  }

 private:
  static constexpr double least = 40;
  static constexpr std::size_t most_bins = 640; ///< 40 octaves
  static constexpr std::uint32_t top_bin = (0x7F7FFFFFU >> 19) + 1;

  /// Zero has none; else 16 bins an octave: the highest bits of a float.
  static std::uint32_t bin_of(double value) noexcept {
    const auto narrow =
        static_cast<float>(std::min(value, static_cast<double>(std::numeric_limits<float>::max())));
    return narrow > 0 ? (std::bit_cast<std::uint32_t>(narrow) >> 19) + 1 : 0;
  }
  /// The lowest value of a bin.
  static double edge(std::uint32_t bin) noexcept {
    return static_cast<double>(std::bit_cast<float>((bin - 1) << 19));
  }

  void count(double value) {
    if (const std::uint32_t bin = bin_of(value); bin == 0) {
      zeros_ += 1;
    } else {
      make_room(bin);
      counts_[std::max(bin, lowest_) - lowest_] += 1;
    }
    seen_ += 1;
    if (--until_ <= 0) {
      refresh();
    }
  }

  void make_room(std::uint32_t bin) {
    if (counts_.empty()) {
      lowest_ = bin;
      counts_.assign(1, 0.0F);
    } else if (bin < lowest_) {
      grow_down(bin);
    } else if (bin >= lowest_ + counts_.size()) {
      grow_up(bin);
    }
  }

  void grow_down(std::uint32_t bin) {
    const std::size_t room = most_bins - counts_.size();
    const auto more = static_cast<std::uint32_t>(std::min<std::size_t>(lowest_ - bin, room));
    counts_.insert(counts_.begin(), more, 0.0F);
    if (!from_.empty()) {
      from_.insert(from_.begin(), more, from_.front());
    }
    lowest_ -= more;
  }

  void grow_up(std::uint32_t bin) {
    const std::size_t size = bin - lowest_ + 1;
    counts_.resize(size, 0.0F);
    if (size > most_bins) {
      const auto drop = static_cast<std::ptrdiff_t>(size - most_bins);
      float below = 0;
      for (std::ptrdiff_t i = 0; i <= drop; ++i) {
        below += counts_[static_cast<std::size_t>(i)];
      }
      counts_.erase(counts_.begin(), counts_.begin() + drop);
      counts_[0] = below;
      from_.erase(from_.begin(),
                  from_.begin() + std::min(drop, static_cast<std::ptrdiff_t>(from_.size())));
      lowest_ += static_cast<std::uint32_t>(drop);
    }
  }

  /// Share of the values that are at least so large.
  double share_from(double value) const noexcept {
    const std::uint32_t bin = bin_of(value);
    if (bin < lowest_ || from_.empty()) {
      return 1;
    }
    const std::size_t place = bin - lowest_;
    if (place >= from_.size()) {
      return 0;
    }
    const auto here = static_cast<double>(from_[place]);
    const double next = place + 1 < from_.size() ? static_cast<double>(from_[place + 1]) : 0.0;
    const double low = edge(bin);
    const double inside = std::clamp((value - low) / (edge(bin + 1) - low), 0.0, 1.0);
    return here + inside * (next - here);
  }

  double beyond(double value) const noexcept {
    const double fitted =
        std::log(share_) - std::log1p(shape_ * (value - threshold_) / scale_) / shape_;
    const double were = share_from(value) * seen_; // so many of them that one may count them
    const double surely = were - 2 * std::sqrt(were);
    const double counted = surely > 1 ? std::log(surely / seen_) : fitted;
    const double above = value > top_ ? -std::log(seen_) - std::log(value / top_) / top_shape_ : 0;
    return -per_decade * std::min(std::max(fitted, counted), above);
  }

  /// Forgets a little, sums up, and fits the tail.
  void refresh() {
    if (seen_ > rows_) {
      const double keep = rows_ / seen_;
      for (float& c : counts_) {
        c *= static_cast<float>(keep);
      }
      zeros_ *= keep;
      seen_ = rows_;
    }
    until_ = std::clamp(seen_ / 16, 1.0, 64.0);
    from_.resize(counts_.size());
    double sum = 0;
    for (std::size_t i = counts_.size(); i-- > 0;) {
      sum += static_cast<double>(counts_[i]);
      from_[i] = static_cast<float>(sum);
    }
    for (float& f : from_) {
      f /= static_cast<float>(seen_);
    }
    if (ready() && !from_.empty()) {
      fit();
    }
  }

  void fit() noexcept {
    const double wanted = std::max(0.05, 10 / seen_);
    std::size_t first = from_.size() - 1; // bins from here on are the tail
    while (first > 0 && static_cast<double>(from_[first]) < wanted) {
      --first;
    }
    if (static_cast<double>(from_[first]) > 2 * wanted && first + 1 < from_.size()) {
      ++first; // one bin holds most: the tail begins above it
    }
    const std::uint32_t bin = lowest_ + static_cast<std::uint32_t>(first);
    threshold_ = edge(bin);
    share_ = std::max(static_cast<double>(from_[first]), 0.5 / seen_);
    const double most = std::max(most_, 2 * threshold_);
    double m1 = 0;
    double m2 = 0;
    double excess = 0;
    double count = 0;
    for (std::size_t i = first; i < counts_.size(); ++i) {
      const auto c = static_cast<double>(counts_[i]);
      if (c > 0) {
        const std::uint32_t b = lowest_ + static_cast<std::uint32_t>(i);
        const double middle = std::min(0.5 * (edge(b) + edge(b + 1)), most);
        const double way = std::log(middle / threshold_);
        m1 += c * way;
        m2 += c * way * way;
        excess += c * (middle - threshold_);
        count += c;
      }
    }
    m1 /= std::max(count, 1e-9);
    m2 /= std::max(count, 1e-9);
    const double ratio = m2 > 0 ? std::min(m1 * m1 / m2, 0.98) : 0.5;
    const double negative = 1 - 0.5 / (1 - ratio);
    const double found = m1 + negative;
    shape_ = (count * std::clamp(found, -0.5, 3.0) + believed * usual_shape) / (count + believed);
    shape_ = std::max(shape_, 0.0) + 1 / (count + 1);
    // Light tails keep their mean excess, which heavy ones may not have.
    scale_ = found < 0.25 ? excess / std::max(count, 1e-9) * (1 - shape_)
                          : threshold_ * m1 * (1 - std::min(negative, 0.0));
    scale_ = std::max(scale_, 0.01 * threshold_);
    fit_top();
    const double rare = std::pow(share_ * seen_ * 10, shape_);
    most_ = threshold_ + scale_ / shape_ * (rare - 1);
  }

  /// How values go on above the largest: by the logarithms of the eight largest (Hill 1975), for
  /// half, for they may be a kind of their own.
  void fit_top() noexcept {
    constexpr double largest = 8;
    std::size_t last = counts_.size() - 1;
    while (last > 0 && !(counts_[last] > 0.5F)) {
      --last;
    }
    top_ = edge(lowest_ + static_cast<std::uint32_t>(last) + 1);
    double sum = 0;
    double count = 0;
    double low = 0;
    for (std::size_t i = last + 1; i-- > 0 && count < largest;) {
      const double taken = std::min(static_cast<double>(counts_[i]), largest - count);
      low = std::log(edge(lowest_ + static_cast<std::uint32_t>(i)));
      sum += taken * low;
      count += taken;
    }
    top_shape_ = 0.5 * (std::max(0.0, sum / count - low) + std::max(shape_, 0.1));
  }

  static constexpr double believed = 20;
  static constexpr double usual_shape = 0.1;
  static constexpr double per_decade = 0.43429448190325182;

  double rows_;
  std::vector<float> counts_; ///< of the bins from `lowest_` on
  std::vector<float> from_;   ///< share of the values from each bin on, as of the last refresh
  std::uint32_t lowest_ = 0;
  double zeros_ = 0;
  double seen_ = 0;  ///< values, forgotten ones not
  double until_ = 1; ///< values to the next refresh
  double threshold_ = std::numeric_limits<double>::infinity();
  double share_ = 1; ///< of values beyond the threshold
  double shape_ = 0.1;
  double scale_ = 1;
  double most_ = std::numeric_limits<double>::infinity(); ///< that counts in the fit
  double top_ = std::numeric_limits<double>::infinity();  ///< of all that came
  double top_shape_ = 1;
};

} // namespace hanami
