// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "../../foundation/simd.hpp"
#include "../running.hpp"
#include "forecast_options.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// A number of each of eight neighbouring columns.
struct eight_numbers {
  using wide = simd<double>;
  using mask = decltype(wide{} > wide{});

  /// Those that are not NaN.
  static mask known(wide values) noexcept {
    const wide same = values;
    return values == same;
  }
  static constexpr std::size_t count = 8;

  alignas(64) std::array<double, count> of{};

  wide from(std::size_t lane) const noexcept { return simd_load(of.data() + lane); }
  void set(std::size_t lane, wide value) noexcept { simd_store(of.data() + lane, value); }
  void set_where(std::size_t lane, mask where, wide value) noexcept {
    set(lane, where ? value : from(lane));
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(of);
  }
};

inline bool any_of(eight_numbers::mask where) noexcept {
  auto found = where[0];
  for (std::size_t lane = 1; lane < simd_width<double>; ++lane) {
    found |= where[lane];
  }
  return found != 0;
}

/// The smaller, the larger; the second where the first is NaN.
inline simd<double> least_of(simd<double> a, simd<double> b) noexcept { return a < b ? a : b; }
inline simd<double> most_of(simd<double> a, simd<double> b) noexcept { return a > b ? a : b; }
inline simd<double> held_within(simd<double> x, simd<double> most) noexcept {
  return most_of(least_of(x, most), -most);
}
inline simd<double> size_of(simd<double> x) noexcept { return x < 0 ? -x : x; }

} // namespace detail

/// Predicts the next changes of columns, each from little: least squares over its last three
/// changes, its level and what a cluster says, mixed with that and with "nothing changes". All
/// changes are in units of the column's usual one. Columns know nothing of each other; eight are
/// computed side by side, each in a lane of the processor's vectors: least squares as in
/// `recursive_least_squares`, with a matrix that is symmetric by its storage, the mix as in
/// `expert_aggregation`, the level as in `running_mean`. Constant work and memory, some 10 ns and
/// 0.4 KB a column.
class last_changes {
 public:
  explicit last_changes(point_forecast point = point_forecast::median) : point_(point) {}

  /// Adds columns behind those that are there.
  void add_columns(std::size_t more) {
    columns_ += more;
    groups_.resize((columns_ + width - 1) / width);
  }
  std::size_t columns() const noexcept { return columns_; }

  /// Forgets all about a column that now is at `value`.
  void begin_anew(std::size_t column, double value) noexcept {
    groups_[column / width].forget(column % width);
    begin_level(column, value);
  }

  /// The column is at a new level: its changes before mean nothing.
  void begin_level(std::size_t column, double value) noexcept {
    groups_[column / width].begin_level(column % width, value);
  }

  /// The columns have come to `values`, with changes of `changes`, NaN for those that have taken
  /// none. What was predicted for them has turned out to be `truths`, NaN where nothing is to be
  /// learned.
  void add(std::span<const double> values, std::span<const double> changes,
           std::span<const double> truths) noexcept {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const detail::eight_numbers value = eight_from(values, g);
      const detail::eight_numbers change = eight_from(changes, g);
      const detail::eight_numbers truth = eight_from(truths, g);
      for (std::size_t lane = 0; lane < width; lane += simd_width<double>) {
        groups_[g].learn(lane, truth.from(lane), point_);
        groups_[g].add(lane, value.from(lane), change.from(lane));
      }
    }
  }

  /// Writes the changes from `values` to the next ones, in the columns' own units: `units` are
  /// their usual changes, 0 where none is known, and `network` what the cluster expects.
  void predict(std::span<const double> values, std::span<const double> units,
               std::span<const double> network, std::span<double> changes) noexcept {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const detail::eight_numbers value = eight_from(values, g);
      const detail::eight_numbers unit = eight_from(units, g);
      const detail::eight_numbers said = eight_from(network, g);
      detail::eight_numbers change;
      for (std::size_t lane = 0; lane < width; lane += simd_width<double>) {
        change.set(lane,
                   groups_[g].predict(lane, value.from(lane), unit.from(lane), said.from(lane)));
      }
      const std::span<double> to = changes.subspan(g * width);
      std::copy_n(change.of.begin(), std::min(width, to.size()), to.begin());
    }
  }

  std::size_t bytes() const noexcept { return groups_.capacity() * sizeof(group); }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t n = groups_.size();
    archive(groups_);
    archive.require(groups_.size() == n, "changes of other columns");
  }

 private:
  using wide = detail::eight_numbers::wide;
  using mask = detail::eight_numbers::mask;
  static constexpr std::size_t width = detail::eight_numbers::count;
  static constexpr std::size_t experts = 3; ///< nothing changes, least squares, the cluster
  static constexpr std::size_t inputs = 5;  ///< the last changes, the newest first, and two more
  static constexpr std::size_t pairs = inputs * (inputs + 1) / 2;

  /// What is known of eight columns.
  class group {
   public:
    group() noexcept {
      for (std::size_t lane = 0; lane < width; ++lane) {
        forget(lane);
      }
    }

    void forget(std::size_t lane) noexcept {
      for (std::size_t i = 0; i < inputs; ++i) {
        weights_[i].of[lane] = inputs_[i].of[lane] = 0;
      }
      for (std::size_t i = 0; i < experts; ++i) {
        regrets_[i].of[lane] = squares_[i].of[lane] = 0;
        shares_[i].of[lane] = 1.0 / experts;
      }
      for (detail::eight_numbers* const number : {&error_, &errors_seen_, &mean_, &means_seen_,
                                                  &spread_, &spreads_seen_, &linear_, &mixed_}) {
        number->of[lane] = 0;
      }
      begin_matrix(lane);
    }

    void begin_level(std::size_t lane, double value) noexcept {
      for (detail::eight_numbers& input : inputs_) {
        input.of[lane] = 0;
      }
      mean_.of[lane] = value;
      means_seen_.of[lane] = 1;
      spreads_seen_.of[lane] = std::min(spreads_seen_.of[lane], 1.0);
    }

    void learn(std::size_t lane, wide truth, point_forecast point) noexcept {
      const mask learns = detail::eight_numbers::known(truth);
      learn_mix(lane, learns, truth, point);
      learn_linear(lane, learns, truth);
    }

    void add(std::size_t lane, wide value, wide change) noexcept {
      const mask taken = detail::eight_numbers::known(change);
      inputs_[2].set_where(lane, taken, inputs_[1].from(lane));
      inputs_[1].set_where(lane, taken, inputs_[0].from(lane));
      inputs_[0].set_where(lane, taken, detail::held_within(change, wide{} + 30));
      add_level(lane, taken, value);
    }

    wide predict(std::size_t lane, wide value, wide unit, wide network) noexcept {
      const mask known = unit > 0;
      const wide expected = known ? network / unit : wide{};
      const wide level = detail::held_within((value - mean_.from(lane)) / (8 * unit), wide{} + 30);
      inputs_[3].set(lane, known ? level : wide{});
      inputs_[4].set(lane, expected);
      const wide linear = linear_sum(lane);
      constexpr double most = std::numeric_limits<double>::max();
      const mask finite = detail::size_of(linear) <= most;
      linear_.set(lane, finite ? detail::held_within(linear, wide{} + 20) : wide{});
      mixed_.set(lane,
                 shares_[1].from(lane) * linear_.from(lane) + shares_[2].from(lane) * expected);
      return known ? unit * mixed_.from(lane) : wide{};
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(weights_, matrix_, error_, errors_seen_, regrets_, squares_, shares_, mean_,
              means_seen_, spread_, spreads_seen_, inputs_, linear_, mixed_);
    }

   private:
    static constexpr double forgetting = 0.9995;     ///< of least squares
    static constexpr double mix_forgetting = 0.998;  ///< of regrets
    static constexpr double largest_variance = 1000; ///< of a weight: what no input excites
    static constexpr double error_rows = 100;
    static constexpr double level_rows = 2000;

    /// Where the entry of two inputs stands, the first not below the second.
    static constexpr std::size_t pair(std::size_t i, std::size_t k) noexcept {
      return i * (i + 1) / 2 + k;
    }

    void begin_matrix(std::size_t lane) noexcept {
      for (std::size_t i = 0; i < inputs; ++i) {
        for (std::size_t k = 0; k <= i; ++k) {
          matrix_[pair(i, k)].of[lane] = i == k ? 1 : 0;
        }
      }
    }

    wide linear_sum(std::size_t lane) const noexcept {
      wide sum{};
      for (std::size_t i = 0; i < inputs; ++i) {
        sum = weights_[i].from(lane) * inputs_[i].from(lane) + sum;
      }
      return sum;
    }

    void learn_mix(std::size_t lane, mask learns, wide truth, point_forecast point) noexcept {
      const wide mixed = mixed_.from(lane);
      const wide wrong = mixed - truth;
      const wide one = wide{} + 1;
      const wide sign = wrong > 0 ? one : (wrong < 0 ? -one : wide{});
      const wide slope =
          point == point_forecast::mean ? detail::held_within(wrong, wide{} + 8) : sign;
      const wide most = 8 * detail::most_of(detail::size_of(slope), one);
      const wide said[experts] = {wide{}, linear_.from(lane), inputs_[4].from(lane)};
      wide gain[experts];
      wide weight[experts];
      for (std::size_t i = 0; i < experts; ++i) {
        const wide gained = detail::held_within(slope * (mixed - said[i]), most);
        const wide regret = mix_forgetting * regrets_[i].from(lane) + gained;
        const wide square = mix_forgetting * squares_[i].from(lane) + gained * gained;
        regrets_[i].set_where(lane, learns, regret);
        squares_[i].set_where(lane, learns, square);
        gain[i] = detail::most_of(regret, wide{});
        weight[i] = 1 + square;
      }
      // Regrets over squares in a common denominator, which the sum takes away: one division.
      const wide share[experts] = {gain[0] * (weight[1] * weight[2]),
                                   gain[1] * (weight[0] * weight[2]),
                                   gain[2] * (weight[0] * weight[1])};
      const wide sum = share[0] + share[1] + share[2];
      const wide scale = 1 / sum;
      for (std::size_t i = 0; i < experts; ++i) {
        shares_[i].set_where(lane, learns, sum > 0 ? share[i] * scale : wide{} + 1.0 / experts);
      }
    }

    void learn_linear(std::size_t lane, mask learns, wide truth) noexcept {
      wide gain[inputs];
      wide power = wide{} + forgetting;
      for (std::size_t i = 0; i < inputs; ++i) {
        wide sum{};
        for (std::size_t k = 0; k < inputs; ++k) {
          sum += matrix_[i < k ? pair(k, i) : pair(i, k)].from(lane) * inputs_[k].from(lane);
        }
        gain[i] = sum;
        power += sum * inputs_[i].from(lane);
      }
      const mask good = learns & (power >= forgetting);
      if (const mask spoilt = learns & ~good; detail::any_of(spoilt)) { // by rounding
        for (std::size_t l = 0; l < simd_width<double>; ++l) {
          if (spoilt[l] != 0) {
            begin_matrix(lane + l);
          }
        }
      }
      const wide wrong = note_error(lane, good, truth - linear_sum(lane));
      const wide inverse_power = 1 / power;
      constexpr double grow = 1 / forgetting;
      mask wide_open{};
      for (std::size_t i = 0; i < inputs; ++i) {
        const wide share = gain[i] * inverse_power;
        weights_[i].set_where(lane, good, weights_[i].from(lane) + share * wrong);
        for (std::size_t k = 0; k <= i; ++k) {
          detail::eight_numbers& entry = matrix_[pair(i, k)];
          entry.set_where(lane, good, (entry.from(lane) - share * gain[k]) * grow);
        }
        wide_open |= matrix_[pair(i, i)].from(lane) > largest_variance;
      }
      if (detail::any_of(wide_open)) {
        for (std::size_t l = lane; l < lane + simd_width<double>; ++l) {
          hold(l);
        }
      }
    }

    /// What least squares were off by, clipped at three times their usual error.
    wide note_error(std::size_t lane, mask good, wide wrong) noexcept {
      const wide before = error_.from(lane);
      wide size = detail::size_of(wrong);
      const mask known = (errors_seen_.from(lane) >= 16) & (before > 0);
      size = known ? detail::least_of(size, 8 * before) : size;
      const wide seen = detail::least_of(errors_seen_.from(lane) + 1, wide{} + error_rows);
      const wide usual = before + (size - before) / seen;
      error_.set_where(lane, good, usual);
      errors_seen_.set_where(lane, good, seen);
      return seen >= 16 ? detail::held_within(wrong, 3 * usual) : wrong;
    }

    void add_level(std::size_t lane, mask taken, wide value) noexcept {
      const wide rows = wide{} + level_rows;
      const wide mean = means_seen_.from(lane) == 0 ? value : mean_.from(lane);
      const wide seen = detail::least_of(means_seen_.from(lane) + 1, rows);
      const wide spread = spread_.from(lane);
      const wide far = 8 * spread;
      const mask known = (spreads_seen_.from(lane) >= 16) & (spread > 0);
      wide off = value - mean;
      off = known ? detail::held_within(off, far) : off;
      const wide size = detail::size_of(off);
      const wide spreads = detail::least_of(spreads_seen_.from(lane) + 1, rows);
      spread_.set_where(lane, taken, spread + (size - spread) / spreads);
      spreads_seen_.set_where(lane, taken, spreads);
      mean_.set_where(lane, taken, mean + off / seen);
      means_seen_.set_where(lane, taken, seen);
    }

    /// What no input excites any more must not grow without end.
    void hold(std::size_t lane) noexcept {
      for (std::size_t i = 0; i < inputs; ++i) {
        double& variance = matrix_[pair(i, i)].of[lane];
        if (variance > largest_variance) {
          const double less = std::sqrt(largest_variance / variance);
          for (std::size_t k = 0; k < inputs; ++k) {
            matrix_[i < k ? pair(k, i) : pair(i, k)].of[lane] *= less;
          }
          variance *= less;
        }
      }
    }

    std::array<detail::eight_numbers, inputs> weights_;
    std::array<detail::eight_numbers, pairs> matrix_; ///< row by row as far as the diagonal
    detail::eight_numbers error_;                     ///< of least squares, usual size
    detail::eight_numbers errors_seen_;
    std::array<detail::eight_numbers, experts> regrets_;
    std::array<detail::eight_numbers, experts> squares_;
    std::array<detail::eight_numbers, experts> shares_;
    detail::eight_numbers mean_; ///< the level
    detail::eight_numbers means_seen_;
    detail::eight_numbers spread_;
    detail::eight_numbers spreads_seen_;
    std::array<detail::eight_numbers, inputs> inputs_;
    detail::eight_numbers linear_; ///< what least squares predicted last,
    detail::eight_numbers mixed_;  ///< and what the mix did
  };

  /// Those of a group of columns; NaN where there are no more.
  static detail::eight_numbers eight_from(std::span<const double> row, std::size_t group) noexcept {
    const std::span<const double> rest = row.subspan(group * width);
    detail::eight_numbers numbers;
    if (rest.size() >= width) {
      std::copy_n(rest.begin(), width, numbers.of.begin());
    } else {
      numbers.of.fill(std::numeric_limits<double>::quiet_NaN());
      std::copy(rest.begin(), rest.end(), numbers.of.begin());
    }
    return numbers;
  }

  point_forecast point_;
  std::size_t columns_ = 0;
  std::vector<group> groups_;
};

} // namespace hanami
