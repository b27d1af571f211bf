// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "../structure/network.hpp"
#include "folds.hpp"

/// Growth of outputs: a class that nobody has announced gets a node when it appears.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// The weights of an output layer, laid out as rows of [node][lane], with room for `to` nodes
/// instead of `from`; the new ones are 0.
template <class Real>
void widen_output_weights(aligned_vector<Real>& weights, std::size_t from, std::size_t to,
                          std::size_t lanes) {
  aligned_vector<Real> wider(weights.size() / from * to);
  const std::size_t rows = weights.size() / (from * lanes);
  for (std::size_t row = 0; row < rows; ++row) {
    std::copy_n(weights.data() + row * from * lanes, from * lanes, wider.data() + row * to * lanes);
  }
  weights = std::move(wider);
}

} // namespace detail

/// Gives output `index` as many nodes as `size`, which is above what it has. What it has learned
/// stays; new nodes weigh nothing. Those of softmax begin with the bias of a class that nobody has
/// seen among `samples`, so that the others' probabilities stay, too, but for about 1 / samples.
/// Linear in the weights of the output.
template <class Real, class Weight>
void grow_output(network<Real, Weight>& net, std::size_t index, std::uint32_t size,
                 std::uint64_t samples) {
  net.shape = shape_identity::fresh();
  auto& layout = net.topology.outputs[index];
  auto& layer = net.outputs[index];
  const std::uint32_t before = layout.size;
  const auto bias_of_new = [&](const aligned_vector<Real>& bias) {
    if (layout.kind != output_kind::softmax) {
      return Real{0};
    }
    const Real mean =
        std::accumulate(bias.begin(), bias.end(), Real{0}) / static_cast<Real>(before);
    return mean - std::log(static_cast<Real>(samples + 1));
  };
  detail::widen_output_weights(layer.weights, before, size, chunk_width);
  detail::widen_output_weights(layer.straight, before, size, 1);
  layer.bias.resize(size, bias_of_new(layer.bias));
  if (net.averaging()) {
    detail::widen_output_weights(layer.average_weights, before, size, chunk_width);
    detail::widen_output_weights(layer.average_straight, before, size, 1);
    layer.average_bias.resize(size, bias_of_new(layer.average_bias));
  }
  if (layout.kind == output_kind::linear) {
    layer.location.resize(size);
    layer.spread.resize(size);
    layer.targets.resize(size);
  }
  layout.size = size;
  for (std::size_t o = index + 1; o < net.topology.outputs.size(); ++o) {
    net.topology.outputs[o].first += size - before;
  }
  net.topology.output_size += size - before;
  open_folds(net); // as more classes need them
}

} // namespace hanami
