// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "../structure/workspace.hpp"

/// The answer function of each kind of output and the loss that belongs to it. For all three the
/// gradient of the loss by the inner sum is (answer - target) in inner units.

namespace hanami::inline HANAMI_ISA {

namespace detail {

template <class Real>
HANAMI_HOST_DEVICE void softmax(std::span<Real> values) noexcept {
  Real most = values[0];
  for (const Real v : values) {
    most = std::max(most, v);
  }
  Real sum = 0;
  for (Real& v : values) {
    v = std::exp(v - most);
    sum += v;
  }
  for (Real& v : values) {
    v /= sum;
  }
}

template <class Real>
HANAMI_HOST_DEVICE Real sigmoid(Real v) noexcept {
  return Real{1} / (Real{1} + std::exp(-v));
}

template <class Real>
Real spread_or_one(Real spread) noexcept {
  return spread > Real{0} ? spread : Real{1};
}

} // namespace detail

/// Turns the inner sums of an output into answers, in place. `location` and `spread` are those of
/// its targets; only linear outputs have them.
template <class Real>
void predict_values(output_kind kind, std::span<const Real> location, std::span<const Real> spread,
                    std::span<Real> values) noexcept {
  switch (kind) {
  case output_kind::softmax:
    detail::softmax(values);
    break;
  case output_kind::sigmoid:
    for (Real& v : values) {
      v = detail::sigmoid(v);
    }
    break;
  case output_kind::linear:
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = location[k] + values[k] * detail::spread_or_one(spread[k]);
    }
    break;
  }
}

/// The same for output `index` of a network, whose inner sums stand in `ws.prediction`.
template <class Real, class Weight>
void predict_output(const network<Real, Weight>& net, std::size_t index,
                    workspace<Real>& ws) noexcept {
  const auto& layout = net.topology.outputs[index];
  const auto& layer = net.outputs[index];
  predict_values<Real>(layout.kind, layer.location, layer.spread,
                       {ws.prediction.data() + layout.first, layout.size});
}

/// What one output makes of its target.
template <class Real>
struct output_loss {
  Real nats = 0;  ///< loss, summed over the nodes
  Real worst = 0; ///< largest error of a node, in inner units
};

/// Follows location and spread of each target: plain means over the first thousand, then an
/// exponential window of a thousand; values further than 8 spreads away count as 8.
template <class Real>
void follow_targets(output_layer<Real>& layer, std::span<const Real> target) noexcept {
  for (std::size_t k = 0; k < target.size(); ++k) {
    if (std::isnan(target[k])) {
      continue;
    }
    const std::uint64_t seen = std::min<std::uint64_t>(layer.targets_seen[k], 999) + 1;
    layer.targets_seen[k] = seen;
    const Real share = Real{1} / static_cast<Real>(seen);
    if (seen == 1) {
      layer.location[k] = target[k];
    }
    Real off = target[k] - layer.location[k];
    if (seen > 16 && layer.spread[k] > Real{0}) {
      const Real far = 8 * layer.spread[k];
      off = std::clamp(off, -far, far);
    }
    layer.location[k] += share * off;
    layer.spread[k] += share * (std::abs(off) - layer.spread[k]);
  }
}

/// Loss and error of one node: answer `y`, target `t`, `spread` of linear outputs (else unused),
/// adding to what the nodes before it lost. A target of NaN is unknown: that node has no error.
template <class Real>
HANAMI_HOST_DEVICE Real measure_node(output_kind kind, Real y, Real t, Real spread, Real clip,
                                     output_loss<Real>& loss) noexcept {
  constexpr Real least = Real(1e-30);
  if (std::isnan(t)) {
    return 0;
  }
  Real wrong = y - t;
  if (kind == output_kind::linear) {
    wrong /= spread;
  }
  const Real error = std::clamp(wrong, -clip, clip);
  loss.worst = std::max(loss.worst, std::abs(wrong));
  switch (kind) {
  case output_kind::softmax:
    if (t > Real{0}) {
      loss.nats -= t * std::log(std::max(y, least));
    }
    break;
  case output_kind::sigmoid:
    if (t > Real{0}) {
      loss.nats -= t * std::log(std::max(y, least));
    }
    if (t < Real{1}) {
      loss.nats -= (1 - t) * std::log(std::max(1 - y, least));
    }
    break;
  case output_kind::linear:
    loss.nats += std::abs(error) * (std::abs(wrong) - std::abs(error) / 2);
    break;
  }
  return error;
}

/// Loss and gradient (into `ws.output_gradients`) of output `index`, whose answers stand in
/// `ws.prediction`. Errors are clipped to +-`clip` (Huber's loss).
template <class Real, class Weight>
output_loss<Real> measure_output(const network<Real, Weight>& net, std::size_t index,
                                 std::span<const Real> target, Real clip,
                                 workspace<Real>& ws) noexcept {
  const auto& layout = net.topology.outputs[index];
  const auto& layer = net.outputs[index];
  output_loss<Real> loss;
  for (std::size_t k = 0; k < layout.size; ++k) {
    const Real spread =
        layout.kind == output_kind::linear ? detail::spread_or_one(layer.spread[k]) : Real{1};
    ws.output_gradients[layout.first + k] =
        measure_node(layout.kind, ws.prediction[layout.first + k], target[k], spread, clip, loss);
  }
  return loss;
}

} // namespace hanami
