// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include "../structure/workspace.hpp"
#include "sample_check.hpp"
#include "target_scale.hpp"

/// The answer function of each kind of output and the loss that belongs to it. For all three the
/// gradient of the loss by the inner sum is (answer - target) in inner units, but for the robust
/// losses of linear outputs.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Beginning with `most`; NaN is passed over.
template <class Real>
HANAMI_HOST_DEVICE Real largest(std::span<const Real> values, Real most) noexcept {
  for (const Real v : values) {
    most = std::max(most, v);
  }
  return most;
}

/// The same, vector by vector.
template <class Real>
Real largest(std::span<const Real> values) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  if (values.size() < 4 * width) {
    return largest(values, values[0]);
  }
  simd<Real> most = simd_fill(values[0]);
  std::size_t k = 0;
  for (; k + width <= values.size(); k += width) {
    const simd<Real> v = simd_load(values.data() + k);
    most = most < v ? v : most;
  }
  alignas(simd_bytes) Real lanes[width];
  simd_store(lanes, most);
  return largest(values.subspan(k), largest(std::span<const Real>(lanes), values[0]));
}

/// `most` is the largest of the values.
template <class Real>
HANAMI_HOST_DEVICE void softmax(std::span<Real> values, Real most) noexcept {
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

} // namespace detail

/// Turns the inner sums of an output into answers, in place. `location` and `spread` are those of
/// its targets; only linear outputs have them.
template <class Real>
void predict_values(output_kind kind, std::span<const Real> location, std::span<const Real> spread,
                    std::span<Real> values) noexcept {
  switch (kind) {
  case output_kind::softmax:
    detail::softmax(values, detail::largest<Real>(values));
    break;
  case output_kind::sigmoid:
    for (Real& v : values) {
      v = detail::sigmoid(v);
    }
    break;
  case output_kind::linear:
    for (std::size_t k = 0; k < values.size(); ++k) {
      constexpr Real most = std::numeric_limits<Real>::max();
      values[k] = std::clamp(location[k] + values[k] * spread[k], -most, most);
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

/// Softmax outputs of so many nodes have many classes: what each sample says of most of them is
/// next to nothing.
inline constexpr std::size_t many_classes = 100;

/// What one output makes of its target.
template <class Real>
struct output_loss {
  Real nats = 0;  ///< loss, summed over the nodes
  Real worst = 0; ///< largest error of a node, in inner units
};

/// How the errors of linear outputs count.
template <class Real>
struct error_shape {
  loss_kind kind = loss_kind::squared;
  Real limit = std::numeric_limits<Real>::max(); ///< larger errors have no larger gradient
  Real quantile = Real(0.5);
};

/// Loss and gradient of one node of a linear output that is `wrong` inner units above its target.
template <class Real>
Real measure_value(Real wrong, const error_shape<Real>& shape, output_loss<Real>& loss) noexcept {
  constexpr Real far = Real(1e6); // sums of losses stay finite
  if (shape.kind == loss_kind::quantile) {
    const Real slope = wrong > Real{0}   ? 1 - shape.quantile
                       : wrong < Real{0} ? -shape.quantile
                                         : Real{0};
    loss.worst = std::max(loss.worst, std::abs(slope));
    loss.nats += slope * std::clamp(wrong, -far, far);
    return slope;
  }
  const Real error = std::clamp(wrong, -shape.limit, shape.limit);
  loss.worst = std::max(loss.worst, std::abs(wrong));
  loss.nats += std::abs(error) * (std::min(std::abs(wrong), far) - std::abs(error) / 2);
  return error;
}

/// How the nodes of an output of classes or probabilities are measured.
template <class Real>
struct node_measure {
  output_kind kind;
  Real mass;  ///< what the targets of the output add up to
  Real limit; ///< of gradients
  Real least; ///< errors below count for nothing

  /// Among many classes, most errors are next to nothing: together they are below a hundredth, and
  /// the weights of their nodes are left alone.
  HANAMI_HOST_DEVICE node_measure(output_kind of_kind, Real of_mass, Real clip,
                                  std::size_t nodes) noexcept
      : kind(of_kind), mass(of_mass), limit(clip),
        least(of_kind == output_kind::softmax && nodes >= many_classes
                  ? Real(0.01) / static_cast<Real>(nodes)
                  : Real{0}) {}
};

/// Loss and gradient of one node of an output of classes or probabilities: answer `y`, target `t`,
/// adding to what the nodes before it lost. A target of NaN is unknown: that node has no error.
template <class Real>
HANAMI_HOST_DEVICE Real measure_node(const node_measure<Real>& by, Real y, Real t,
                                     output_loss<Real>& loss) noexcept {
  constexpr Real least = Real(1e-30);
  if (std::isnan(t)) {
    return 0;
  }
  const Real wrong = y * by.mass - t;
  loss.worst = std::max(loss.worst, std::abs(wrong));
  if (t > Real{0}) {
    loss.nats -= t * std::log(std::max(y, least));
  }
  if (by.kind == output_kind::sigmoid && t < Real{1}) {
    loss.nats -= (1 - t) * std::log(std::max(1 - y, least));
  }
  return std::abs(wrong) < by.least ? Real{0} : std::clamp(wrong, -by.limit, by.limit);
}

/// The same for the first nodes of a softmax output, as many as whole vectors take, whose targets
/// are known. Their number.
template <class Real>
std::size_t measure_classes(const node_measure<Real>& by, const Real* y, std::span<const Real> t,
                            Real* gradient, output_loss<Real>& loss) noexcept {
  constexpr std::size_t width = simd_width<Real>;
  const simd<Real> zero{};
  const simd<Real> limit = simd_fill(by.limit);
  const simd<Real> least = simd_fill(by.least);
  simd<Real> worst{};
  std::size_t k = 0;
  for (; k + width <= t.size(); k += width) {
    const simd<Real> wrong = simd_load(y + k) * simd_fill(by.mass) - simd_load(t.data() + k);
    const simd<Real> size = wrong > zero ? wrong : zero - wrong;
    worst = size > worst ? size : worst;
    const simd<Real> clipped = wrong > limit ? limit : wrong < -limit ? -limit : wrong;
    simd_store(gradient + k, size < least ? zero : clipped);
  }
  alignas(simd_bytes) Real lanes[width];
  simd_store(lanes, worst);
  for (const Real one : lanes) {
    loss.worst = std::max(loss.worst, one);
  }
  output_loss<Real> nats;
  detail::for_each_target(t.data(), k,
                          [&](std::size_t node) { measure_node(by, y[node], t[node], nats); });
  loss.nats = nats.nats;
  return k;
}

/// What the targets of an output add up to, where it is a softmax and all are known; else 1.
template <class Real>
HANAMI_HOST_DEVICE Real mass_of(output_kind kind, const detail::target_mass<Real>& found) noexcept {
  return kind == output_kind::softmax && found.whole ? found.sum : Real{1};
}

/// Loss and gradient (into `ws.output_gradients`) of output `index`, whose answers stand in
/// `ws.prediction`. Errors of classes, of probabilities and of Huber's loss are clipped to
/// +-`clip`.
template <class Real, class Weight>
output_loss<Real> measure_output(const network<Real, Weight>& net, std::size_t index,
                                 std::span<const Real> target, Real clip,
                                 workspace<Real>& ws) noexcept {
  const auto& layout = net.topology.outputs[index];
  const auto& layer = net.outputs[index];
  const Real* predicted = ws.prediction.data() + layout.first;
  Real* gradient = ws.output_gradients.data() + layout.first;
  output_loss<Real> loss;
  if (layout.kind != output_kind::linear) {
    const detail::target_mass<Real> mass(target.data(), target.size());
    const bool classes = layout.kind == output_kind::softmax;
    const node_measure<Real> by(layout.kind, mass_of(layout.kind, mass), clip, layout.size);
    std::size_t k =
        classes && mass.whole ? measure_classes(by, predicted, target, gradient, loss) : 0;
    for (; k < layout.size; ++k) {
      gradient[k] = measure_node(by, predicted[k], target[k], loss);
    }
    return loss;
  }
  error_shape<Real> shape{layout.loss.kind, clip, static_cast<Real>(layout.loss.quantile)};
  for (std::size_t k = 0; k < layout.size; ++k) {
    gradient[k] = 0;
    if (std::isnan(target[k]) || !(layer.spread[k] > Real{0})) {
      continue; // unknown, or so far the only one of its value
    }
    if (shape.kind == loss_kind::squared) {
      shape.limit = error_limit(layer.targets[k]);
    }
    gradient[k] = measure_value((predicted[k] - target[k]) / layer.spread[k], shape, loss);
  }
  return loss;
}

/// The errors of an output of squared loss, as `measure_output` has found them, are noted. Returns
/// half the sum of their squares, as far as they count: a loss without the line beyond the limit.
template <class Real, class Weight>
double note_errors_of(network<Real, Weight>& net, std::size_t index, std::span<const Real> target,
                      const workspace<Real>& ws) noexcept {
  const auto& layout = net.topology.outputs[index];
  auto& layer = net.outputs[index];
  double sum = 0;
  for (std::size_t k = 0; k < layout.size; ++k) {
    if (!std::isnan(target[k]) && layer.spread[k] > Real{0}) {
      auto& record = layer.targets[k];
      const auto limit = static_cast<double>(error_limit(record));
      const double off =
          (static_cast<double>(target[k]) - record.mean) / static_cast<double>(layer.spread[k]);
      const Real error = ws.output_gradients[layout.first + k];
      note_error(record, std::clamp(off, -limit, limit), error);
      sum += static_cast<double>(error) * static_cast<double>(error) / 2;
    }
  }
  return sum;
}

} // namespace hanami
