// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../foundation/memory.hpp"

/// Running statistics of a stream, each from the values so far only: plain means at first,
/// exponential windows later. Values far out count for less (winsorised), so that a single wild one
/// moves nothing by much. Only finite values may be added.

namespace hanami::inline HANAMI_ISA {

/// Mean absolute value of a stream of numbers around zero.
class running_scale {
 public:
  /// Remembers about `window` values; from the 16th on a value counts as at most `far` scales.
  explicit running_scale(double window = 1000, double far = 8) noexcept
      : window_(window), far_(far) {}

  HANAMI_INLINE void add(double value) noexcept {
    double size = std::abs(value);
    if (seen_ >= 16 && value_ > 0) {
      size = std::min(size, far_ * value_);
    }
    seen_ = std::min(seen_ + 1, window_);
    value_ += (size - value_) / seen_;
  }

  /// Treats what it has seen as at most `values` values: the next ones weigh more.
  void forget(double values) noexcept { seen_ = std::min(seen_, values); }

  /// Continues from what `other` has found, with a window of its own.
  void adopt(const running_scale& other) noexcept {
    seen_ = std::min(other.seen_, window_);
    value_ = other.value_;
  }

  /// 0 until the first value that is not 0.
  double value() const noexcept { return value_; }
  double seen() const noexcept { return seen_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(window_, far_, seen_, value_);
  }

 private:
  double window_;
  double far_;
  double seen_ = 0;
  double value_ = 0;
};

/// Mean of a stream and the mean distance from it.
class running_mean {
 public:
  explicit running_mean(double window = 1000) noexcept : window_(window), spread_(window) {}

  HANAMI_INLINE void add(double value) noexcept {
    if (seen_ == 0) {
      mean_ = value;
    }
    seen_ = std::min(seen_ + 1, window_);
    double off = value - mean_;
    if (spread_.seen() >= 16 && spread_.value() > 0) {
      off = std::clamp(off, -8 * spread_.value(), 8 * spread_.value());
    }
    spread_.add(off);
    mean_ += off / seen_;
  }

  /// Starts over at `value`; the spread stays until new values replace it.
  void restart(double value) noexcept {
    mean_ = value;
    seen_ = 1;
    spread_.forget(1);
  }

  double mean() const noexcept { return mean_; }
  double spread() const noexcept { return spread_.value(); }
  double seen() const noexcept { return seen_; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(window_, seen_, mean_, spread_);
  }

 private:
  double window_;
  double seen_ = 0;
  double mean_ = 0;
  running_scale spread_;
};

/// Follows two quantiles of a stream: for each a step up where the value lies above, a step down
/// where below, in the ratio that keeps it still at its level (Robbins and Monro 1951; as a
/// forecast interval: Angelopoulos, Candes and Tibshirani 2023). The share of values below
/// approaches that level whatever the stream does.
class running_quantiles {
 public:
  /// Levels in (0, 1).
  running_quantiles(double low, double high) noexcept : levels_{low, high} {}

  HANAMI_INLINE void add(double value) {
    scale_.add(value);
    if (++seen_ <= known_first) {
      begin(value);
      return;
    }
    const double rate = seen_ < slowest ? 1 / std::sqrt(static_cast<double>(seen_)) : least_rate;
    const double step = rate * scale_.value();
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      values_[i] += step * (value > values_[i] ? levels_[i] : levels_[i] - 1);
    }
  }

  double low() const noexcept { return values_[0]; }
  double high() const noexcept { return values_[1]; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(levels_, seen_, values_, scale_, first_);
    archive.require(first_.size() <= known_first, "quantiles of too many first values");
  }

 private:
  static constexpr std::uint64_t known_first = 40;
  static constexpr double least_rate = 0.02;
  static constexpr std::uint64_t slowest = 2500; ///< values until then

  /// The quantiles of the first values are theirs, whatever some of them are: steps that suit wild
  /// ones would lead far away.
  void begin(double value) {
    first_.insert(std::upper_bound(first_.begin(), first_.end(), value), value);
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const double place = levels_[i] * static_cast<double>(first_.size() - 1);
      const auto below = static_cast<std::size_t>(place);
      const std::size_t above = std::min(below + 1, first_.size() - 1);
      values_[i] = first_[below] + (place - std::floor(place)) * (first_[above] - first_[below]);
    }
    if (seen_ == known_first) {
      first_ = std::vector<double>();
    }
  }

  std::array<double, 2> levels_;
  std::uint64_t seen_ = 0;
  std::array<double, 2> values_{};
  running_scale scale_;
  std::vector<double> first_; ///< ascending
};

/// The last `capacity` entries of a stream; older ones are overwritten. Takes the memory of the
/// entries that came, not of those that may come.
template <class T>
class last_values {
 public:
  last_values() = default;
  /// `capacity` at least 1.
  explicit last_values(std::size_t capacity) : capacity_(capacity) {}

  void push(T entry) {
    if (full()) {
      newest_ = newest_ + 1 == capacity_ ? 0 : newest_ + 1;
      entries_[newest_] = std::move(entry);
      return;
    }
    if (entries_.size() == entries_.capacity()) {
      entries_.reserve(std::min(capacity_, std::max<std::size_t>(16, 2 * entries_.size())));
    }
    newest_ = entries_.size();
    entries_.push_back(std::move(entry));
  }

  /// The entry pushed `ago` pushes before the newest; `ago` is below `size`.
  const T& operator[](std::size_t ago) const noexcept { return entries_[place(ago)]; }
  T& operator[](std::size_t ago) noexcept { return entries_[place(ago)]; }

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }
  bool full() const noexcept { return entries_.size() == capacity_; }
  /// Forgets all and gives their memory back.
  void clear() noexcept {
    entries_ = std::vector<T>();
    newest_ = 0;
  }
  std::size_t bytes() const noexcept { return entries_.capacity() * sizeof(T); }

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t newest = newest_;
    archive(entries_, newest);
    archive.require(entries_.size() <= capacity_ &&
                        (full() ? newest < std::max<std::size_t>(capacity_, 1)
                                : newest + 1 == std::max<std::size_t>(entries_.size(), 1)),
                    "a window of another length");
    newest_ = to_size(newest);
  }

 private:
  std::size_t place(std::size_t ago) const noexcept {
    return newest_ >= ago ? newest_ - ago : newest_ + entries_.size() - ago;
  }

  std::vector<T> entries_;
  std::size_t newest_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace hanami
