// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/forecaster.hpp>

namespace bench {

/// A made process with a period of 24 rows and a memory of two rows, bent: what a value does next
/// depends on where it is. Another key, another shape of the day, memory, level and unit.
class made_process {
 public:
  explicit made_process(std::uint64_t key) : key_(key) {
    const auto draw = [&](std::uint64_t what) {
      return static_cast<double>(hanami::random_signed_unit(key, 1, what));
    };
    level_ = 1000 * draw(0);
    unit_ = std::pow(10.0, 2 * draw(1));
    phase_ = std::numbers::pi * draw(2);
    second_ = 0.7 * draw(3);
    memory_ = 0.6 + 0.3 * draw(4);
    bend_ = 0.8 + 0.4 * draw(5);
  }

  double next() {
    const double day = 2 * std::numbers::pi * static_cast<double>(row_ % 24) / 24;
    const double noise = static_cast<double>(hanami::random_signed_unit(key_, 2, row_));
    const double now =
        memory_ * last_ - 0.3 * before_ + bend_ * std::tanh(3 * last_ * before_) + 0.5 * noise;
    before_ = last_;
    last_ = now;
    ++row_;
    return level_ + unit_ * (2 * std::sin(day + phase_) + second_ * std::sin(2 * day) + now);
  }

 private:
  std::uint64_t key_;
  double level_, unit_, phase_, second_, memory_, bend_;
  double last_ = 0;
  double before_ = 0;
  std::uint64_t row_ = 0;
};

/// Errors of a forecaster that has learned A, then B, then A again, over what they should be.
struct drift_score {
  double first = 0;    ///< first 2,000 rows of B: over a fresh forecaster's
  double later = 0;    ///< the other rows of B: over a fresh forecaster's
  double returned = 0; ///< first 1,000 rows of A again: over those of one that never left A
};

namespace detail {

/// Mean error one row ahead over the next `rows` rows, each scored before it is learned from, of
/// `learner` over that of `other`. The first `free` rows do not count: a jump that nobody can
/// foresee.
inline double compare(hanami::forecaster& learner, hanami::forecaster& other, made_process& process,
                      std::size_t rows, std::size_t free = 0) {
  double ours = 0;
  double others = 0;
  for (std::size_t t = 0; t < rows; ++t) {
    const double value = process.next();
    if (t >= free) {
      ours += std::abs(learner.predict(0).value - value);
      others += std::abs(other.predict(0).value - value);
    }
    learner.observe({&value, 1});
    other.observe({&value, 1});
  }
  return ours / others;
}

} // namespace detail

inline drift_score score_drift(std::uint64_t seed) {
  hanami::forecast_options options;
  options.history.season = 24;
  hanami::forecaster lasting(1, options);
  hanami::forecaster faithful(1, options);
  hanami::forecaster fresh(1, options);
  made_process a(2 * seed);
  made_process b(2 * seed + 1);
  detail::compare(lasting, faithful, a, 20000);
  drift_score score;
  score.first = detail::compare(lasting, fresh, b, 2000, 10);
  score.later = detail::compare(lasting, fresh, b, 18000);
  score.returned = detail::compare(lasting, faithful, a, 1000, 10);
  return score;
}

} // namespace bench
