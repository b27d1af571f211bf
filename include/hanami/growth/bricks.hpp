// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../algorithm/lanes.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../structure/workspace.hpp"

/// Growth by bricks, in the hexagons where the errors are, and by the negative parts of inputs.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Gives every hexagon that `from` feeds the chunks of brick `index` of it.
template <class Real, class Weight>
void announce_brick(network<Real, Weight>& net, hexagon_id from, std::size_t index) {
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    if (!net.topology.hexagons[h].holds_bricks) {
      continue;
    }
    for (const hexagon_link& link : net.topology.hexagons[h].fed_by) {
      if (link.from != from) {
        continue;
      }
      for (std::size_t lane = 0; lane < net.lanes(); lane += chunk_width) {
        net.hexagons[h].chunks.push_back({static_cast<std::uint32_t>(net.neurons_of(index) + lane),
                                          0xffff, true, link.distance});
      }
      for (const std::uint32_t b : net.hexagons[h].bricks) {
        net.bricks[b].resize_chunks(net.hexagons[h].chunks.size());
      }
    }
  }
}

/// Random output weights for brick `index`: uniform within +-sqrt(3 / neurons read).
template <class Real, class Weight>
void connect_outputs(network<Real, Weight>& net, hexagon_id from, std::size_t index, bool silent) {
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    const auto& layout = net.topology.outputs[o];
    if (!std::binary_search(layout.reads.begin(), layout.reads.end(), from)) {
      continue;
    }
    auto& layer = net.outputs[o];
    const auto found =
        std::find(layer.bricks.begin(), layer.bricks.end(), static_cast<std::uint32_t>(index));
    const auto block = static_cast<std::size_t>(found - layer.bricks.begin());
    if (found == layer.bricks.end()) {
      layer.bricks.push_back(static_cast<std::uint32_t>(index));
    }
    const std::size_t size = net.lanes() * layout.size;
    reserve_to_grow(layer.weights, layer.bricks.size() * size);
    layer.weights.resize(layer.bricks.size() * size);
    const std::size_t read = std::max<std::size_t>(
        layer.bricks.size(), layout.reads.size() * net.topology.settings.initial_bricks);
    const Real scale =
        silent ? Real{0} : std::sqrt(Real{3} / static_cast<Real>(read * net.lanes()));
    const std::uint64_t key =
        random_key(random_stream::output_weights, index, net.bricks[index].replacements);
    for (std::size_t k = 0; k < size; ++k) {
      layer.weights[block * size + k] =
          scale *
          static_cast<Real>(random_signed_unit(net.seed, key, (std::uint64_t{o} << 32) + k));
    }
    if (net.averaging()) {
      reserve_to_grow(layer.average_weights, layer.weights.size());
      layer.average_weights.resize(layer.weights.size());
      std::copy_n(layer.weights.begin() + static_cast<std::ptrdiff_t>(block * size), size,
                  layer.average_weights.begin() + static_cast<std::ptrdiff_t>(block * size));
    }
  }
}

} // namespace detail

/// Bytes that one more brick of hexagon `id` takes before it has any section: its own, and what the
/// bricks that it feeds need for its neurons.
template <class Real, class Weight>
std::size_t brick_bytes(const network<Real, Weight>& net, hexagon_id id) noexcept {
  const std::size_t copies = net.averaging() ? 2 : 1;
  std::size_t sum = 2 * sizeof(brick<Real>) + copies * net.lanes() * sizeof(Real) +
                    net.hexagons[index_of(id)].chunks.size() *
                        brick<Real>::chunk_bytes(net.topology[id].max_steps);
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    const std::size_t held = net.outputs[o].weights.capacity();
    const std::size_t needed =
        net.outputs[o].weights.size() + net.lanes() * net.topology.outputs[o].size;
    sum += copies * (grown_capacity(held, needed) - held) * sizeof(Real);
  }
  const std::size_t chunks = net.lanes() / chunk_width;
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    const auto& layout = net.topology.hexagons[h];
    if (std::any_of(layout.fed_by.begin(), layout.fed_by.end(),
                    [&](const hexagon_link& link) { return link.from == id; })) {
      sum += chunks * (2 * sizeof(presynaptic_chunk) +
                       net.hexagons[h].bricks.size() * brick<Real>::chunk_bytes(layout.max_steps));
    }
  }
  return sum;
}

/// Adds a brick to hexagon `id`. `silent` bricks start with output weights 0: the answers stay as
/// they are until the brick learns. False where the memory limit says no.
template <class Real, class Weight>
bool grow_brick(network<Real, Weight>& net, hexagon_id id, bool silent) {
  if (!net.has_room(brick_bytes(net, id))) {
    ++net.growth.growth_denied;
    return false;
  }
  net.shape = shape_identity::fresh();
  auto& here = net.hexagons[index_of(id)];
  const auto retired = std::find_if(here.bricks.begin(), here.bricks.end(),
                                    [&](std::uint32_t b) { return net.bricks[b].retired; });
  const std::size_t index = retired == here.bricks.end() ? net.bricks.size() : *retired;
  if (retired == here.bricks.end()) {
    net.bricks.emplace_back();
    here.bricks.push_back(static_cast<std::uint32_t>(index));
    detail::announce_brick(net, id, index);
  }
  brick<Real> fresh;
  fresh.hexagon = id;
  fresh.max_steps = net.topology.hexagons[index_of(id)].max_steps;
  fresh.replacements = retired == here.bricks.end() ? 0 : net.bricks[index].replacements + 1;
  fresh.bias.resize(net.lanes());
  if (net.averaging()) {
    fresh.average_bias.resize(net.lanes());
  }
  fresh.resize_chunks(here.chunks.size());
  net.bricks[index] = std::move(fresh);
  detail::connect_outputs(net, id, index, silent);
  ++net.growth.bricks_grown;
  return true;
}

/// Adds up how wrong the neurons of every hexagon were, after a backward pass.
template <class Real, class Weight>
void note_errors(network<Real, Weight>& net, const workspace<Real>& ws) noexcept {
  for (auto& here : net.hexagons) {
    double sum = 0;
    for (const std::uint32_t index : here.bricks) {
      const Real* gradient = ws.hidden_gradients.data() + index * net.lanes();
      sum += static_cast<double>(sum_of_squares(gradient, net.lanes()));
    }
    if (!here.bricks.empty()) {
      const double more = sum / static_cast<double>(here.bricks.size() * net.lanes());
      if (std::isfinite(here.error_sum + more)) {
        here.error_sum += more;
      }
    }
  }
}

/// The hexagon with the largest sum of errors gets a brick, if any still may; all sums are halved.
template <class Real, class Weight>
bool grow_where_wrong(network<Real, Weight>& net) {
  std::size_t worst = net.hexagons.size();
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    const auto& here = net.hexagons[h];
    const auto living = std::count_if(here.bricks.begin(), here.bricks.end(),
                                      [&](std::uint32_t b) { return !net.bricks[b].retired; });
    if (here.bricks.empty() ||
        living >= static_cast<std::ptrdiff_t>(net.topology.settings.max_bricks)) {
      continue;
    }
    if (worst == net.hexagons.size() || here.error_sum > net.hexagons[worst].error_sum) {
      worst = h;
    }
  }
  for (auto& here : net.hexagons) {
    here.error_sum /= 2;
  }
  return worst != net.hexagons.size() &&
         grow_brick(net, hexagon_id{static_cast<std::uint32_t>(worst)}, true);
}

/// Gives the hexagons that read input `index` its negative parts, too: it has had a negative value,
/// or one of its columns has a centre.
template <class Real, class Weight>
void open_negative_input(network<Real, Weight>& net, std::size_t index) {
  const input_layout& input = net.topology.inputs[index];
  net.shape = shape_identity::fresh();
  net.negative_inputs[index] = 1;
  for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
    if (!net.topology.hexagons[h].holds_bricks) {
      continue;
    }
    auto& here = net.hexagons[h];
    for (presynaptic_chunk chunk : net.topology.hexagons[h].input_chunks) {
      if (chunk.offset < input.offset || chunk.offset >= input.offset + input.size) {
        continue;
      }
      chunk.offset += net.topology.negative_part;
      here.chunks.push_back(chunk);
    }
    for (const std::uint32_t b : here.bricks) {
      net.bricks[b].resize_chunks(here.chunks.size());
    }
  }
}

/// The same for every input that has its first negative value in this sample.
template <class Real, class Weight>
void open_negative_inputs(network<Real, Weight>& net, std::span<const Real> sample) {
  for (std::size_t i = 0; i < net.topology.inputs.size(); ++i) {
    const auto values = sample.subspan(net.topology.inputs[i].first, net.topology.inputs[i].size);
    if (net.negative_inputs[i] == 0 &&
        std::any_of(values.begin(), values.end(), [](Real x) { return x < Real{0}; })) {
      open_negative_input(net, i);
    }
  }
}

} // namespace hanami
