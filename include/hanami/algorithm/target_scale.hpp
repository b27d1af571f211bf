// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "../structure/network.hpp"

/// The units in which linear outputs learn: the location and the spread of each target.
///
/// The first 15 targets give a median and a median distance from it, so that some wild ones at the
/// beginning are nothing. From then on a running location of the bulk carries predictions along
/// with the level. The spread follows in one of two ways:
///
/// - Squared loss promises the mean, also of targets that are nearly always 0 and rarely large. Its
///   spread is a root mean square and stands still while it fits, within a factor of two; where it
///   no longer does, the weights are rescaled with it, so that predictions stay what they are (van
///   Hasselt and others 2016, Pop-Art).
/// - The robust losses promise the bulk: a running mean distance.
///
/// Far targets count as `far_spreads` spreads. A single one moves nothing by much; what comes up
/// more often than once in far_spreads^2 = 576 samples raises the spread until it counts in full.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// So far away, in spreads, a target of an output of squared loss may count.
inline constexpr double far_spreads = 24;
/// The same for the running spread of robust losses.
inline constexpr double far_robust = 8;
/// Windows of the running means, in targets and in errors.
inline constexpr std::uint64_t target_window = 1000;
inline constexpr std::uint64_t error_window = 2000;
/// While so few targets have been seen, units fall at once when the last ones spread this much
/// less.
inline constexpr std::uint64_t young_targets = 64;
inline constexpr double young_fall = 64;
/// Errors count up to this many times the root of their fourth moment over their second: 3.5
/// standard deviations of normal errors, and twice their size for errors that are nearly always 0
/// and rarely large. Those that come up less than once in 144 samples do not raise it.
inline constexpr double error_reach = 2;
/// No error counts for more inner units than this, so that a step stays one.
inline constexpr double most_error = 32;

template <class Real>
struct target_units {
  Real location;
  Real spread; ///< median distance from it; if that is 0, of most values; of all but one
};

/// Median and spread of a few values, of which nearly half may be anything.
template <class Real>
target_units<Real> units_of(std::span<const Real> values) noexcept {
  std::array<Real, target_record<Real>::recent_count> sorted{};
  const std::size_t n = values.size();
  std::copy(values.begin(), values.end(), sorted.begin());
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(n);
  std::sort(sorted.begin(), end);
  const Real location = sorted[(n - 1) / 2];
  constexpr Real most = std::numeric_limits<Real>::max() / 64;
  std::transform(sorted.begin(), end, sorted.begin(),
                 [&](Real v) { return std::min(std::abs(v / 2 - location / 2), most / 2) * 2; });
  std::sort(sorted.begin(), end);
  for (const std::size_t rank : {n / 2, 3 * n / 4, n - std::min<std::size_t>(n, 2)}) {
    if (sorted[rank] > Real{0}) {
      return {location, sorted[rank]};
    }
  }
  return {location, Real{0}};
}

/// How far `target` lies from `from`, at most `far`; sums beyond the largest number are far, too.
template <class Real>
double distance(Real target, double from, double far) noexcept {
  return std::clamp(static_cast<double>(target) - from, -far, far);
}

/// A new spread for node `k`: its weights are rescaled, and its predictions stay, also that of
/// which the inner sum is `sum`.
template <class Real>
void change_spread(output_layer<Real>& layer, std::size_t k, std::size_t lanes, double spread,
                   Real& sum) noexcept {
  spread = std::min(spread, static_cast<double>(std::numeric_limits<Real>::max()) / 64);
  const double factor = static_cast<double>(layer.spread[k]) / spread;
  const std::size_t size = layer.bias.size();
  const auto rescale = [&](aligned_vector<Real>& weights, aligned_vector<Real>& bias,
                           aligned_vector<Real>& straight) {
    for (std::size_t row = 0; row < layer.bricks.size() * lanes / chunk_width; ++row) {
      Real* w = weights.data() + (row * size + k) * chunk_width;
      for (std::size_t i = 0; i < chunk_width; ++i) {
        w[i] *= static_cast<Real>(factor);
      }
    }
    bias[k] *= static_cast<Real>(factor);
    for (std::size_t way = k; way < straight.size(); way += size) {
      straight[way] *= static_cast<Real>(factor);
    }
  };
  sum *= static_cast<Real>(factor);
  rescale(layer.weights, layer.bias, layer.straight);
  if (!layer.average_weights.empty()) {
    rescale(layer.average_weights, layer.average_bias, layer.average_straight);
  }
  layer.spread[k] = static_cast<Real>(spread);
  auto& record = layer.targets[k];
  record.error_square *= factor * factor;
  record.explained *= factor * factor;
  record.error_fourth *= factor * factor * factor * factor;
}

/// The units of the last targets become those of node `k`: at the beginning, or when most of them
/// lie where none has been before.
template <class Real>
void take_recent_units(output_layer<Real>& layer, std::size_t k, std::size_t count) noexcept {
  auto& record = layer.targets[k];
  const auto found = units_of<Real>({record.recent.data(), count});
  layer.location[k] = found.location;
  layer.spread[k] = Real(1.5) * found.spread;
  record.mean = static_cast<double>(found.location);
  record.square = static_cast<double>(layer.spread[k]) * static_cast<double>(layer.spread[k]);
  record.bulk = static_cast<double>(found.spread);
  record.lone = 0;
}

/// One more target that differs where all have been the same: a second one is believed.
template <class Real>
void leave_constant(output_layer<Real>& layer, std::size_t k, double off) noexcept {
  auto& record = layer.targets[k];
  if (!(record.lone > 0)) {
    record.lone = std::abs(off);
    return;
  }
  const auto seen = static_cast<double>(std::min(record.seen, target_window));
  const double spread = std::max(std::min(record.lone, std::abs(off)) / std::sqrt(seen),
                                 static_cast<double>(std::numeric_limits<Real>::min()));
  layer.spread[k] = static_cast<Real>(spread);
  record.square = spread * spread;
  record.lone = 0;
}

/// Whether the last targets tell that node `k` has units of another time: most of them lie where
/// hardly any has been before, or the first ones were far wilder than these.
template <class Real>
bool outlived(const output_layer<Real>& layer, std::size_t k, bool far) noexcept {
  const auto& record = layer.targets[k];
  const bool young = record.seen < young_targets;
  if (!far && !young) {
    return false;
  }
  const auto now = units_of<Real>(record.recent);
  const auto spread = static_cast<double>(layer.spread[k]);
  const auto spread_now = static_cast<double>(now.spread);
  const double off = static_cast<double>(now.location) - static_cast<double>(layer.location[k]);
  return spread_now > 0 && ((far && std::abs(off) > far_spreads * spread) ||
                            (young && spread_now < spread / young_fall));
}

/// Units for the mean: the location of the bulk and the root mean square.
template <class Real>
void follow_mean(output_layer<Real>& layer, std::size_t k, std::size_t lanes, Real target,
                 Real& sum) noexcept {
  auto& record = layer.targets[k];
  const auto spread = static_cast<double>(layer.spread[k]);
  const auto location = static_cast<double>(layer.location[k]);
  const double off = static_cast<double>(target) - location;
  const double far = far_spreads * spread;
  if (outlived(layer, k, std::abs(off) > far)) {
    take_recent_units(layer, k, record.recent.size());
    return;
  }
  if (!(spread > 0)) {
    if (std::abs(off) > 0) {
      leave_constant(layer, k, off);
    }
    return;
  }
  const double share = 1.0 / static_cast<double>(std::min(record.seen, target_window));
  const double from_mean = distance(target, record.mean, far);
  record.mean += share * from_mean;
  record.square += share * (from_mean * from_mean - record.square);
  record.bulk = std::max(record.bulk, spread / 1000);
  const double step = std::clamp(off, -2 * record.bulk, 2 * record.bulk);
  layer.location[k] = static_cast<Real>(location + share * step);
  record.bulk += share * (std::abs(step) - record.bulk);
  const double wanted = std::sqrt(record.square);
  if (!(wanted < 2 * spread && wanted > spread / 2) &&
      wanted > static_cast<double>(std::numeric_limits<Real>::min())) {
    change_spread(layer, k, lanes, wanted, sum);
  }
}

/// Units for the bulk: running means of the targets and of their distances.
template <class Real>
void follow_bulk(output_layer<Real>& layer, std::size_t k, Real target) noexcept {
  const Real share = Real{1} / static_cast<Real>(std::min(layer.targets[k].seen, target_window));
  const auto far = layer.spread[k] > Real{0}
                       ? far_robust * static_cast<double>(layer.spread[k])
                       : static_cast<double>(std::numeric_limits<Real>::max()) / 64;
  const auto off = static_cast<Real>(distance(target, static_cast<double>(layer.location[k]), far));
  layer.location[k] += share * off;
  layer.spread[k] += share * (std::abs(off) - layer.spread[k]);
}

} // namespace detail

/// Units follow the targets of an output that is linear; NaN is passed over. `sums`: its inner sums
/// for this sample, in the units that it has then.
template <class Real>
void follow_targets(output_layer<Real>& layer, loss_kind loss, std::size_t lanes,
                    std::span<const Real> target, Real* sums) noexcept {
  for (std::size_t k = 0; k < target.size(); ++k) {
    if (std::isnan(target[k])) {
      continue;
    }
    auto& record = layer.targets[k];
    record.recent[to_size(record.seen % record.recent.size())] = target[k];
    ++record.seen;
    if (record.seen <= record.recent.size()) {
      detail::take_recent_units(layer, k, static_cast<std::size_t>(record.seen));
    } else if (loss == loss_kind::squared) {
      detail::follow_mean(layer, k, lanes, target[k], sums[k]);
    } else {
      detail::follow_bulk(layer, k, target[k]);
    }
  }
}

/// The largest error that counts in full for a node of squared loss, in inner units.
template <class Real>
Real error_limit(const target_record<Real>& record) noexcept {
  return static_cast<Real>(
      std::min(detail::most_error,
               detail::error_reach * std::sqrt(record.error_fourth / record.error_square)));
}

/// Notes an error that counts as `error`, of a target `off` inner units from the mean.
template <class Real>
void note_error(target_record<Real>& record, double off, Real error) noexcept {
  const double share = 1.0 / static_cast<double>(std::min(++record.errors, detail::error_window));
  constexpr double least = 1e-3;
  const double square = static_cast<double>(error) * static_cast<double>(error);
  record.error_square += share * (square - record.error_square);
  record.error_fourth += share * (square * square - record.error_fourth);
  record.explained += share * (off * off - square - record.explained);
  record.error_square = std::max(record.error_square, least);
  record.error_fourth = std::max(record.error_fourth, least * least);
}

} // namespace hanami
