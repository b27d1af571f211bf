// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/forecaster.hpp>

#include <support/report.hpp>

#include "part.hpp"

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

/// Over many pairs of processes: single ones say little, and the worst is worth knowing.
inline void add_drift(const part_options&, std::vector<support::table>& tables) {
  constexpr std::size_t pairs = 24;
  constexpr std::uint64_t first_seed = 101;
  support::table out("drift",
                     "24 pairs of made processes, A, B, A; 20,000 rows each, the first 10 after a "
                     "change not scored: errors over what they should be",
                     {{"over the pairs", "over_pairs"},
                      {"first 2,000 of B, over fresh", "first", 3},
                      {"rest of B, over fresh", "later", 3},
                      {"first 1,000 of A again, over one that stayed", "returned", 3}});
  std::array<std::vector<double>, 3> ratios;
  for (std::uint64_t seed = first_seed; seed < first_seed + pairs; ++seed) {
    const drift_score s = score_drift(seed);
    ratios[0].push_back(s.first);
    ratios[1].push_back(s.later);
    ratios[2].push_back(s.returned);
  }
  std::array<double, 3> over{};
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    std::sort(ratios[i].begin(), ratios[i].end());
    over[i] = static_cast<double>(
        std::count_if(ratios[i].begin(), ratios[i].end(), [](double r) { return r > 1.1; }));
  }
  const auto add = [&](const char* name, std::size_t rank) {
    out.add({std::string(name), ratios[0][rank], ratios[1][rank], ratios[2][rank]});
  };
  add("median", pairs / 2);
  add("worst", pairs - 1);
  out.add({std::string("pairs above 1.1"), over[0], over[1], over[2]});
  tables.push_back(out);
}

} // namespace bench
