// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../algorithm/loss.hpp"
#include "../structure/network.hpp"

/// Which columns are folded (`algorithm/folds.hpp`), and where.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Of clusters whose dense columns are folded: few columns, which many classes must share.
struct fold_rule {
  static constexpr std::uint32_t most_columns = 4; ///< values of a sample
  static constexpr std::size_t least_values = 64;
  static constexpr std::size_t least_knots = 4; ///< a column of fewer levels needs no folding

  /// Octaves for the largest output: the shortest wave rises or falls over half a class.
  static std::uint32_t octaves(const topology& layout) noexcept {
    std::uint32_t classes = 0;
    for (const output_layout& output : layout.outputs) {
      classes = std::max(classes, output.size);
    }
    return classes < many_classes
               ? 0U
               : std::min(static_cast<std::uint32_t>(33 - std::countl_zero(classes)),
                          input_centres<float>::most_octaves);
  }
};

/// Whether columns of the cluster may be folded one day: its outputs can still grow.
template <class Real, class Weight>
bool may_fold(const network<Real, Weight>& net) noexcept {
  return net.topology.input_size <= fold_rule::most_columns &&
         std::all_of(net.topology.outputs.begin(), net.topology.outputs.end(),
                     [](const output_layout& o) { return o.kind == output_kind::softmax; });
}

/// Finds the knots of a column among the values met: quantiles. Not the extremes, which may be
/// outliers. False where it has too few levels.
template <class Real>
bool find_knots(column_fold<Real>& fold) {
  std::vector<Real> values = std::move(fold.knots);
  std::vector<Real> knots;
  std::sort(values.begin(), values.end());
  constexpr std::size_t count = input_centres<Real>::fold_knots;
  knots.reserve(count);
  for (std::size_t k = 0; k < count && !values.empty(); ++k) {
    const Real knot = values[(2 * k + 1) * values.size() / (2 * count)];
    if (knots.empty() || knots.back() < knot) {
      knots.push_back(knot);
    }
  }
  fold.known = values.size() >= fold_rule::least_values && knots.size() >= fold_rule::least_knots;
  fold.knots = std::move(knots);
  return fold.known;
}

/// Notes the values of a sample, finite or NaN, until the knots of all columns are known. With
/// `last`, what has been met must do.
template <class Real, class Weight>
void watch_folds(network<Real, Weight>& net, std::span<const Real> values, bool last) {
  std::erase_if(net.centres.folds, [&](column_fold<Real>& fold) {
    const Real value = values[fold.value];
    if (fold.known) {
      return false;
    }
    if (!std::isnan(value)) {
      fold.knots.push_back(value);
    }
    const bool enough = last || fold.knots.size() >= input_centres<Real>::fold_values;
    return enough && !find_knots(fold);
  });
}

} // namespace detail

/// Folds columns once their knots are known, as finely as the classes ask for, as far as the memory
/// limit lets it. The answers stay as they are. True where the samples get more waves.
template <class Real, class Weight>
bool open_folds(network<Real, Weight>& net) {
  auto& centres = net.centres;
  const std::uint32_t octaves = detail::fold_rule::octaves(net.topology);
  if (octaves <= centres.octaves || centres.folds.empty() || !centres.folds_known() ||
      !centres.watched.empty()) { // another column would come between
    return false;
  }
  const std::size_t rows = 2 * (octaves - centres.octaves) * centres.folds.size();
  const std::size_t copies = net.averaging() ? 2 : 1;
  if (net.bytes_learning() + copies * rows * net.topology.output_size * sizeof(Real) >
      net.memory_limit()) {
    ++net.growth.growth_denied;
    if (centres.octaves == 0) {
      centres.folds.clear();
    }
    return false;
  }
  net.shape = shape_identity::fresh();
  centres.octaves = octaves;
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    auto& layer = net.outputs[o];
    layer.straight.resize(centres.straight_rows() * net.topology.outputs[o].size);
    layer.average_straight.resize(net.averaging() ? layer.straight.size() : 0);
  }
  return true;
}

} // namespace hanami
