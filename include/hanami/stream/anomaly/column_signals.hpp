// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../running.hpp"
#include "tail_probability.hpp"
#include "window_shape.hpp"

namespace hanami::inline HANAMI_ISA {

/// Exponential mean of the last values, plain at first.
class recent_mean {
 public:
  explicit recent_mean(double rows) noexcept : rows_(rows) {}

  double add(double value) noexcept {
    seen_ = std::min(seen_ + 1, rows_);
    mean_ += (value - mean_) / seen_;
    return mean_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seen_, mean_);
  }

 private:
  double rows_;
  double seen_ = 0;
  double mean_ = 0;
};

/// Where a stream of numbers usually is, and how far from there: what is far off counts for little,
/// so that a state that is not the usual one is learned slowly.
class slow_reference {
 public:
  /// In usual distances; 0 where there are none but those of rounding.
  double distance(double value) const noexcept {
    const double rounding = 1e-9 * std::abs(mean_);
    return spread_ > rounding ? (value - mean_) / spread_ : 0;
  }

  void add(double value) noexcept {
    seen_ = std::min(seen_ + 1, remembered);
    if (seen_ == 1) {
      mean_ = value;
    }
    double off = value - mean_;
    if (seen_ > 16 && spread_ > 0) {
      off = std::clamp(off, -4 * spread_, 4 * spread_);
    }
    const double share = (seen_ > 200 && std::abs(off) > 3 * spread_ ? 0.25 : 1.0) / seen_;
    mean_ += share * off;
    spread_ += share * (std::abs(off) - spread_);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seen_, mean_, spread_);
  }

 private:
  static constexpr double remembered = 3000; ///< rows

  double seen_ = 0;
  double mean_ = 0;
  double spread_ = 0;
};

/// How large the values are that were not believed. Where all others are the same, for rain or for
/// sales, the usual error shrinks for ever, and they would seem stranger from day to day.
class rejection_sizes {
 public:
  /// Takes a size; the least unit in which such sizes are to be counted: 0 while there are few.
  double least_unit(double size) noexcept {
    if (size > 0) {
      seen_ = std::min(seen_ + 1, remembered);
      mean_ += (std::log(size) - mean_) / seen_; // single wild ones move it little
    }
    return seen_ < few ? 0 : 1e-3 * std::exp(mean_);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seen_, mean_);
  }

 private:
  static constexpr double few = 8;
  static constexpr double remembered = 100;

  double seen_ = 0;
  double mean_ = 0; ///< of the logarithms
};

/// What a row says about one column; NaN for what is not known.
struct column_evidence {
  double innovation = 0; ///< of the error one row ahead, what those of the other columns do not say
  double season = 0;     ///< the same over the longest horizon
  double level = 0;      ///< the same of the distance from the usual level
  double distance = 0;   ///< from the usual level, in usual distances
  double path = 0;       ///< where the column is, and
  double change = 0;     ///< by how much it moved, in units of the path
};

/// Gathers what is strange about one column into one number. Each signal becomes a surprise, -log10
/// of its probability, in its own history: what the other columns and the past do not explain of
/// the newest value, singly and as means over some rows; the level and the error over a season that
/// the others do not explain; changes of volatility; shapes of the last 16 and 64 rows; values
/// outside the range so far. The number is the largest surprise, those of many rows discounted, for
/// they come in clumps, and a share of what slow signals say, which is bounded: they support, but
/// never accuse alone.
class column_signals {
 public:
  double add(const column_evidence& of) {
    const double size = std::abs(of.innovation);
    double most = surprise(innovation, size);
    double beside = support(innovation_4, mean(mean_4_, size)) +
                    support(innovation_16, mean(mean_16_, size)) +
                    support(volatility_24, volatility_24_.add(of.change));
    most = std::max(most, 0.8 * surprise(level, std::abs(mean(level_, of.level))));
    most = std::max(most, 0.8 * surprise(unrest, unrest_.add(of.innovation)));
    most = std::max(most, 0.6 * surprise(volatility_8, volatility_8_.add(of.change)));
    most = std::max(most, 0.8 * surprise(season_8, std::abs(mean(season_8_, of.season))));
    most = std::max(most, 0.8 * surprise(season_40, std::abs(mean(season_40_, of.season))));
    const double place = std::clamp(of.distance, -20.0, 20.0);
    if (!std::isnan(place)) {
      held_[0] = shape_1_.add(place) ? surprise(shape_1, shape_1_.distance()) : held_[0];
      held_[1] = shape_4_.add(place) ? surprise(shape_4, shape_4_.distance()) : held_[1];
    }
    most = std::max({most, 0.8 * held_[0], 0.6 * outside(of.path)});
    beside += std::min(held_[0], bounded) + 1.5 * std::min(held_[1], bounded);
    return most + 0.2 * beside;
  }

  /// A value that was not believed, so many usual innovations off.
  double add_rejected(double innovations) { return surprise(innovation, innovations); }

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + shape_1_.bytes() + shape_4_.bytes();
    for (const tail_probability& t : tails_) {
      sum += t.bytes();
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (tail_probability& t : tails_) {
      archive(t);
    }
    archive(mean_4_, mean_16_, level_, season_8_, season_40_, unrest_, volatility_8_,
            volatility_24_, shape_1_, shape_4_, held_[0], held_[1], spread_, low_, high_, rows_);
  }

 private:
  enum signal : std::uint8_t {
    innovation,
    innovation_4,
    innovation_16,
    level,
    unrest,
    volatility_8,
    volatility_24,
    season_8,
    season_40,
    shape_1,
    shape_4,
    signals
  };

  static constexpr double usual = 0.43429448190325182; ///< mean of surprises
  static constexpr double bounded = 2.5;

  /// How much the size of recent numbers differs from that of earlier ones, either way.
  struct restlessness {
    explicit restlessness(double rows) noexcept : recent(rows) {}

    double add(double value) noexcept {
      if (std::isnan(value)) {
        return value;
      }
      scale.add(value);
      const double low = 1e-3 * scale.value() + 1e-12;
      return std::abs(std::log((recent.add(std::abs(value)) + low) / (scale.value() + low)));
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(recent, scale);
    }

    recent_mean recent;
    running_scale scale{3000};
  };

  /// What cannot be told in this row counts as usual.
  double surprise(signal which, double value) {
    tail_probability& tail = tails_[which];
    const bool told = tail.ready();
    if (std::isnan(value)) {
      return told ? usual : 0;
    }
    const double found = tail.add(value);
    return told ? found : 0;
  }

  double support(signal which, double value) { return std::min(surprise(which, value), bounded); }

  static double mean(recent_mean& of, double value) noexcept {
    return std::isnan(value) ? value : of.add(value);
  }

  /// How far outside the range so far, at most 4.
  double outside(double path) noexcept {
    spread_.add(path);
    if (rows_++ == 0) {
      low_ = high_ = path;
    }
    const double beyond = std::max({0.0, path - high_, low_ - path});
    low_ = std::min(low_, path);
    high_ = std::max(high_, path);
    return spread_.spread() > 0 && rows_ > 100 ? std::min(4.0, 4 * beyond / spread_.spread()) : 0;
  }

  std::array<tail_probability, signals> tails_;
  recent_mean mean_4_{4};
  recent_mean mean_16_{16};
  recent_mean level_{8};
  recent_mean season_8_{8};
  recent_mean season_40_{40};
  restlessness unrest_{24};
  restlessness volatility_8_{8};
  restlessness volatility_24_{24};
  window_shape shape_1_{1};
  window_shape shape_4_{4};
  std::array<double, 2> held_{}; ///< of the shapes, until the next one
  running_mean spread_;
  double low_ = 0;
  double high_ = 0;
  std::uint64_t rows_ = 0;
};

} // namespace hanami
