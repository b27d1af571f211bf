// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../config.hpp"
#include "../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA {

/// What is noted of a column of the inputs until it is known whether it is dense.
template <class Real>
struct column_watch {
  std::uint32_t known = 0;  ///< values that were there
  std::uint32_t active = 0; ///< of them, those that were not 0
  Real first = 0;           ///< of the three values at hand
  Real second = 0;
  Real mean = 0; ///< of the medians of three values each
  bool decided = false;

  /// Notes a value, which must be finite.
  void note(Real x) noexcept {
    switch (known % 3) {
    case 0:
      first = x;
      break;
    case 1:
      second = x;
      break;
    default: {
      const std::uint32_t count = known / 3 + 1;
      const auto medians = static_cast<Real>(count);
      const Real median = std::clamp(x, std::min(first, second), std::max(first, second));
      mean += median / medians - mean / medians; // no sum of them is beyond all numbers
    }
    }
    ++known;
    active += x != Real{0} ? 1U : 0U;
  }

  /// The mean of the medians of three: of any scale, and no lone outlier moves it.
  Real centre() const noexcept { return known < 3 ? first : mean; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(known, active, first, second, mean, decided);
    archive.require(std::isfinite(first) && std::isfinite(second) && std::isfinite(mean) &&
                        active <= known,
                    "the watch of an input is broken");
  }
};

/// A dense column that is folded, or may come to be (`growth/folds.hpp`).
template <class Real>
struct column_fold {
  std::uint32_t value = 0; ///< its place among the values of a sample
  bool known = false;      ///< whether `knots` are all there
  /// Values that cut the column into parts of about equal frequency, ascending; until they are
  /// known, the values met.
  std::vector<Real> knots;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, known, knots);
  }
};

/// From where the values of dense columns are measured (`growth/centre.hpp`), in which units on
/// their straight way to the outputs (`algorithm/straight.hpp`), and how they are folded there.
template <class Real>
struct input_centres {
  static constexpr std::uint32_t most_octaves = 14;
  static constexpr std::size_t fold_values = 256; ///< by which the knots of a column are found
  static constexpr std::size_t fold_knots = 16;   ///< of a column, at most

  aligned_vector<Real> at; ///< per value of a sample; empty while no column is dense
  std::vector<column_watch<Real>> watched; ///< per value of a sample; empty once all are decided
  std::uint32_t seen = 0;                  ///< samples watched
  /// Of the columns on the straight way, in the order in which they were found dense: their places
  /// among the presynaptic nodes,
  std::vector<std::uint32_t> places;
  aligned_vector<Real> inverse_spread; ///< one over their typical distance from the centre, or 0,
  aligned_vector<Real> lowest;  ///< the farthest below it by which that was found, not above 0,
  aligned_vector<Real> highest; ///< and above it, not below 0
  std::vector<column_watch<Real>> distances; ///< from it; empty once all spreads are known

  std::vector<column_fold<Real>> folds; ///< of columns of clusters that have few
  std::uint32_t octaves = 0;            ///< of their waves; 0 while they are not folded

  std::size_t columns() const noexcept { return places.size(); }
  /// Waves of a sample.
  std::size_t waves() const noexcept { return 2 * std::size_t{octaves} * folds.size(); }
  /// Weights of a node on the straight way: of the columns, then of the waves.
  std::size_t straight_rows() const noexcept { return columns() + waves(); }
  /// Whether the knots of all folds are known; true where there are none.
  bool folds_known() const noexcept {
    return std::all_of(folds.begin(), folds.end(), [](const auto& fold) { return fold.known; });
  }
  /// Whether there is anything to be noted of the next sample.
  bool watching() const noexcept {
    return !watched.empty() || !distances.empty() || !folds_known();
  }

  /// Where the values of an input begin that stands at `first`, or nullptr where none is centred.
  const Real* from(std::size_t first) const noexcept {
    return at.empty() ? nullptr : at.data() + first;
  }
  std::size_t bytes() const noexcept {
    std::size_t sum = allocated_bytes(at) + allocated_bytes(watched) + allocated_bytes(places) +
                      allocated_bytes(inverse_spread) + allocated_bytes(lowest) +
                      allocated_bytes(highest) + allocated_bytes(distances) +
                      allocated_bytes(folds);
    for (const auto& fold : folds) {
      sum += allocated_bytes(fold.knots);
    }
    return sum;
  }

  /// Whether it fits samples of `size` values, of which `room` have places.
  bool fits(std::size_t size, std::size_t room) const noexcept {
    const auto is_size = [](Real x) { return x >= Real{0} && std::isfinite(x); };
    return (at.empty() || at.size() == size) && (watched.empty() || watched.size() == size) &&
           std::all_of(at.begin(), at.end(), [](Real x) { return std::isfinite(x); }) &&
           inverse_spread.size() == columns() && lowest.size() == columns() &&
           highest.size() == columns() && columns() <= at.size() &&
           (distances.empty() || distances.size() == columns()) &&
           std::all_of(places.begin(), places.end(), [=](auto place) { return place < room; }) &&
           std::all_of(inverse_spread.begin(), inverse_spread.end(), is_size) &&
           std::all_of(highest.begin(), highest.end(), is_size) &&
           std::all_of(lowest.begin(), lowest.end(), [=](Real x) { return is_size(-x); }) &&
           folds.size() <= columns() && octaves <= most_octaves &&
           std::all_of(folds.begin(), folds.end(),
                       [&](const auto& fold) { return fits_fold(fold, size); });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at, watched, seen, places, inverse_spread, lowest, highest, distances, folds, octaves);
  }

 private:
  bool fits_fold(const column_fold<Real>& fold, std::size_t size) const noexcept {
    const auto& knots = fold.knots;
    const auto finite = [](Real x) { return std::isfinite(x); };
    const auto not_above = [](Real x, Real next) { return !(x < next); };
    const bool ascending = knots.size() >= 2 && knots.size() <= fold_knots &&
                           std::adjacent_find(knots.begin(), knots.end(), not_above) == knots.end();
    return fold.value < size && std::all_of(knots.begin(), knots.end(), finite) &&
           (fold.known ? ascending : octaves == 0 && knots.size() < fold_values);
  }
};

} // namespace hanami
