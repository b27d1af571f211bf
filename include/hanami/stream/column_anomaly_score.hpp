// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "running.hpp"
#include "tail_probability.hpp"

namespace hanami::inline HANAMI_ISA {

/// Mean of the last values of a stream.
class recent_mean {
 public:
  explicit recent_mean(std::size_t window) : values_(window) {}

  double add(double value) {
    values_.push(value);
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      sum += values_[i];
    }
    return sum / static_cast<double>(values_.size());
  }

  std::size_t bytes() const noexcept { return values_.bytes(); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(values_);
  }

 private:
  last_values<double> values_;
};

/// Gathers what is strange about one column into one number: errors of its forecasts, each as a
/// surprise in its own history, singly and as means over several rows; changes of its volatility;
/// values outside the range so far. What cannot be told yet, or not in this row, counts as its
/// mean, so that the number is of the same kind whatever it is made of.
class column_anomaly_score {
 public:
  /// `error`, `season_error`: of the forecasts over the shortest and the longest horizon whose
  /// truth came with this row, NaN for none. `path`, `change`: where the column is and by how much
  /// it moved, in the units of the path.
  double add(double error, double season_error, double path, double change) {
    double sum = 0;
    for (signal& s : errors_) {
      sum += 0.25 * s.add(std::abs(error));
    }
    for (signal& s : season_errors_) {
      sum += 0.5 * s.add(season_error);
    }
    for (volatility& r : volatility_) {
      sum += 0.25 * r.add(std::abs(change));
    }
    sum += outside(path);
    return sum;
  }

  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this);
    for (const auto* signals : {&errors_, &season_errors_}) {
      for (const signal& s : *signals) {
        sum += s.mean.bytes() + s.history.bytes();
      }
    }
    for (const volatility& r : volatility_) {
      sum += r.mean.bytes() + r.history.bytes();
    }
    return sum;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    for (signal& s : errors_) {
      archive(s);
    }
    for (signal& s : season_errors_) {
      archive(s);
    }
    for (volatility& r : volatility_) {
      archive(r);
    }
    archive(spread_, low_, high_, rows_);
  }

 private:
  static constexpr double most = 8;
  static constexpr double usual = 0.43429448190325182; ///< mean of surprises

  static double surprise_of(tail_probability& history, double value) {
    const bool told = history.ready();
    const double found = history.add(value);
    return told ? std::min(found, most) : usual;
  }

  /// Surprise of the mean over some rows.
  struct signal {
    explicit signal(std::size_t rows) : mean(rows) {}
    double add(double value) {
      return std::isnan(value) ? usual : surprise_of(history, std::abs(mean.add(value)));
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(mean, history);
    }

    recent_mean mean;
    tail_probability history;
  };

  /// Surprise at how much recent changes differ in size from earlier ones, either way.
  struct volatility {
    explicit volatility(std::size_t rows) : mean(rows) {}
    double add(double size) {
      scale.add(size);
      const double now = mean.add(size);
      const double low = 1e-3 * scale.value() + 1e-12;
      return surprise_of(history, std::abs(std::log((now + low) / (scale.value() + low))));
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(mean, scale, history);
    }

    recent_mean mean;
    running_scale scale;
    tail_probability history;
  };

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

  std::array<signal, 3> errors_{signal(5), signal(20), signal(40)};
  std::array<signal, 3> season_errors_{signal(1), signal(10), signal(40)};
  std::array<volatility, 2> volatility_{volatility(24), volatility(72)};
  running_mean spread_;
  double low_ = 0;
  double high_ = 0;
  std::uint64_t rows_ = 0;
};

} // namespace hanami
