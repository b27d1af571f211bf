// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "../column_history.hpp"
#include "../running.hpp"

namespace hanami::inline HANAMI_ISA {

/// Of the other columns those whose last rows say most about what a column's own past gets wrong,
/// chosen online: `most` of them, out of `tested` that are looked at at a time, one after the other
/// in turn. What they know is measured as correlations, over some 1,000 rows, of the column's
/// error with their last changes and level. Work and memory do not grow with the number of columns.
class related_columns {
 public:
  static constexpr std::size_t most = 4;
  static constexpr std::size_t inputs_each = 4; ///< inputs made of a column
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  using inputs = std::array<double, inputs_each>;

  /// The chosen ones, in the order of their places; `none` behind the last.
  std::span<const std::uint32_t> chosen() const noexcept { return chosen_; }

  /// What a column showed `ago` rows ago: its last changes and its level, NaN where not known.
  static inputs show(const column_history& of, std::size_t ago = 0) noexcept {
    const double now = of.path(ago);
    return {now - of.path(ago + 1), of.path(ago + 1) - of.path(ago + 2),
            of.path(ago + 2) - of.path(ago + 3), (now - of.slow_mean()) / 8};
  }

  /// Compares the error of a forecast of column `self` out of `columns` with what others showed
  /// when it was made, `shown(column)`. Returns the place that now belongs to another column than
  /// before, or `most`.
  template <class Shown>
  std::size_t learn(std::size_t self, double error, std::size_t columns, const Shown& shown) {
    fill(self, columns);
    const double unit = error_.value();
    error_.add(error);
    if (!(unit > 0)) {
      return most;
    }
    const double wrong = std::clamp(error / unit, -4.0, 4.0);
    for (candidate& c : candidates_) {
      c.add(wrong, shown(c.column));
    }
    return ++rows_ % period == 0 ? choose(columns) : most;
  }

  /// Held beside the object itself.
  std::size_t bytes() const noexcept { return candidates_.capacity() * sizeof(candidate); }

  /// For a forecaster of so many columns.
  template <class Archive>
  void serialize(Archive& archive, std::size_t columns) {
    archive(chosen_, candidates_, next_, rows_, error_);
    const auto good = [&](std::uint32_t column) { return column < columns; };
    archive.require(
        candidates_.size() <= tested &&
            std::all_of(candidates_.begin(), candidates_.end(),
                        [&](const candidate& c) { return good(c.column); }) &&
            std::all_of(chosen_.begin(), std::find(chosen_.begin(), chosen_.end(), none), good) &&
            std::all_of(std::find(chosen_.begin(), chosen_.end(), none), chosen_.end(),
                        [](std::uint32_t column) { return column == none; }),
        "related columns that are not there");
  }

 private:
  static constexpr std::size_t tested = 12;
  static constexpr std::uint64_t period = 128; ///< rows from one choice to the next
  static constexpr float window = 1000;

  /// A column that is looked at, used or not.
  struct candidate {
    std::uint32_t column = none;
    float seen = 0;
    float size = 0;                         ///< mean square of the error
    std::array<float, inputs_each> power{}; ///< mean squares of what is shown
    std::array<float, inputs_each> with{};  ///< mean products of it with the error

    void add(double wrong, const inputs& shown) noexcept {
      if (std::isnan(shown[0])) {
        return;
      }
      const auto error = static_cast<float>(wrong);
      seen = std::min(seen + 1, window);
      size += (error * error - size) / seen;
      for (std::size_t i = 0; i < inputs_each; ++i) {
        const auto x = static_cast<float>(std::isnan(shown[i]) ? 0 : std::clamp(shown[i], -8., 8.));
        power[i] += (x * x - power[i]) / seen;
        with[i] += (x * error - with[i]) / seen;
      }
    }

    /// Sum of the squared correlations, less several times what chance would make of them.
    float worth() const noexcept {
      float sum = 0;
      for (std::size_t i = 0; i < inputs_each; ++i) {
        const float both = size * power[i];
        sum += both > 0 ? with[i] * with[i] / both : 0;
      }
      return seen < 100 ? 0 : sum - 30 / seen;
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(column, seen, size, power, with);
    }
  };

  bool uses(std::uint32_t column) const noexcept {
    return std::find(chosen_.begin(), chosen_.end(), column) != chosen_.end();
  }

  void fill(std::size_t self, std::size_t columns) {
    while (candidates_.size() < std::min(tested, columns - 1)) {
      next_ = next_ + 1 < columns ? next_ + 1 : 0;
      const bool known = std::any_of(candidates_.begin(), candidates_.end(),
                                     [&](const candidate& c) { return c.column == next_; });
      if (next_ != self && !known) {
        candidates_.emplace_back().column = next_;
      }
    }
  }

  /// Of the column at a place; below 0 for a free one.
  float worth_at(std::size_t place) const noexcept {
    const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                    [&](const candidate& c) { return c.column == chosen_[place]; });
    return found == candidates_.end() ? -1 : std::max(found->worth(), 0.0f);
  }

  /// The best that is not used yet takes a free place, or that of one that is clearly worse. Where
  /// there are many columns, those that are not used make room for others now and then.
  std::size_t choose(std::size_t columns) {
    const candidate* best = nullptr;
    for (const candidate& c : candidates_) {
      if (!uses(c.column) && c.worth() > (best == nullptr ? 0 : best->worth())) {
        best = &c;
      }
    }
    std::size_t given = most;
    if (best != nullptr) {
      std::size_t worst = 0;
      for (std::size_t place = 1; place < most; ++place) {
        worst = worth_at(place) < worth_at(worst) ? place : worst;
      }
      if (worth_at(worst) < 0 || best->worth() > 0.01f + 1.5f * worth_at(worst)) {
        chosen_[worst] = best->column;
        given = worst;
      }
    }
    if (columns - 1 > tested && rows_ % (4 * period) == 0) {
      std::erase_if(candidates_, [&](const candidate& c) { return !uses(c.column); });
    }
    return given;
  }

  std::array<std::uint32_t, most> chosen_{none, none, none, none};
  std::vector<candidate> candidates_;
  std::uint32_t next_ = 0; ///< the one looked at last
  std::uint64_t rows_ = 0;
  running_scale error_;
};

} // namespace hanami
