// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
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
                        active <= known && known <= std::numeric_limits<std::int32_t>::max(),
                    "the watch of an input is broken");
  }
};

/// In which unit a dense column counts on the straight way (`algorithm/straight.hpp`): its distance
/// from the centre, bounded, less the middle of such distances, over their typical size.
template <class Real>
struct straight_unit {
  static constexpr Real far = std::numeric_limits<Real>::max() / 4; ///< where distances end
  static constexpr Real most_spreads = 1 << 24;                     ///< that a share can be

  Real lowest = 0;  ///< bounds of the distance, not above 0
  Real highest = 0; ///< and not below 0
  Real middle = 0;
  Real inverse_spread = 0; ///< 0: the column does not count yet

  bool sound() const noexcept {
    return lowest <= Real{0} && highest >= Real{0} && lowest >= -far && highest <= far &&
           std::abs(middle) <= far && inverse_spread >= Real{0} &&
           std::max(highest - lowest, std::abs(middle)) * inverse_spread <= most_spreads;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(lowest, highest, middle, inverse_spread);
  }
};

/// What is noted of a column on the straight way until its unit is known.
template <class Real>
struct straight_watch {
  static constexpr std::uint32_t enough = 63;   ///< values, half of them beside the centre
  static constexpr double far_spreads = 1 << 8; ///< what one value can be, where scales change

  column_watch<Real> beside; ///< distances of the values that are not on the centre
  Real lowest = 0;           ///< the farthest below it
  Real highest = 0;
  std::uint32_t values = 0;
  double mean = 0;    ///< of the bounded distances
  double squares = 0; ///< sum of their squares

  bool decided() const noexcept { return values >= enough && 2 * beside.known + 1 >= enough; }

  /// Notes a distance; `unit` gets the bounds that follow: no value reaches farther than the
  /// farthest so far, and none farther than four of the typical distances.
  void note(Real distance, straight_unit<Real>& unit) noexcept {
    if (distance != Real{0} && beside.known < enough) {
      lowest = std::min(lowest, distance);
      highest = std::max(highest, distance);
      beside.note(std::abs(distance));
      Real most = 4 * std::min(beside.centre(), straight_unit<Real>::far / 4);
      if (squares > 0) {
        const double spread = std::sqrt(squares / values);
        most = static_cast<Real>(std::min(static_cast<double>(most), far_spreads * spread));
      }
      unit.lowest = std::max(lowest, -most);
      unit.highest = std::min(highest, most);
    }
    const auto bounded = static_cast<double>(std::clamp(distance, unit.lowest, unit.highest));
    ++values;
    mean += (bounded - mean) / values;
    squares += bounded * bounded;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(beside, lowest, highest, values, mean, squares);
    constexpr auto most = static_cast<double>(straight_unit<Real>::far);
    archive.require(std::isfinite(lowest) && lowest <= Real{0} && std::isfinite(highest) &&
                        highest >= Real{0} && std::abs(mean) <= most && squares >= 0 &&
                        values >= beside.known &&
                        values <= std::numeric_limits<std::int32_t>::max() &&
                        std::min({beside.first, beside.second, beside.mean}) >= Real{0},
                    "the watch of a column on the straight way is broken");
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
  std::vector<straight_unit<Real>> units;
  std::vector<straight_watch<Real>> unit_watches; ///< empty once all units are known

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
    return !watched.empty() || !unit_watches.empty() || !folds_known();
  }

  /// Where the values of an input begin that stands at `first`, or nullptr where none is centred.
  const Real* from(std::size_t first) const noexcept {
    return at.empty() ? nullptr : at.data() + first;
  }
  std::size_t bytes() const noexcept {
    std::size_t sum = allocated_bytes(at) + allocated_bytes(watched) + allocated_bytes(places) +
                      allocated_bytes(units) + allocated_bytes(unit_watches) +
                      allocated_bytes(folds);
    for (const auto& fold : folds) {
      sum += allocated_bytes(fold.knots);
    }
    return sum;
  }

  /// Whether it fits samples of `size` values, of which `room` have places.
  bool fits(std::size_t size, std::size_t room) const noexcept {
    return (at.empty() || at.size() == size) && (watched.empty() || watched.size() == size) &&
           std::all_of(at.begin(), at.end(), [](Real x) { return std::isfinite(x); }) &&
           units.size() == columns() && columns() <= at.size() &&
           (unit_watches.empty() || unit_watches.size() == columns()) &&
           std::all_of(places.begin(), places.end(), [=](auto place) { return place < room; }) &&
           std::all_of(units.begin(), units.end(), [](const auto& unit) { return unit.sound(); }) &&
           folds.size() <= columns() && octaves <= most_octaves &&
           std::all_of(folds.begin(), folds.end(),
                       [&](const auto& fold) { return fits_fold(fold, size); });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at, watched, seen, places, units, unit_watches, folds, octaves);
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
