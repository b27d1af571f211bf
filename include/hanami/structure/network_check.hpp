// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "network.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Checks one part of a network after the other; every member says what is wrong, or nullptr.
template <class Real, class Weight>
class network_checker {
 public:
  explicit network_checker(const network<Real, Weight>& net)
      : net_(net), tile_used_(net.tiles.slot_end()) {}

  const char* run() {
    if (net_.hexagons.size() != net_.topology.hexagons.size()) {
      return "wrong number of hexagons";
    }
    if (net_.negative_inputs.size() != net_.topology.inputs.size()) {
      return "wrong number of inputs";
    }
    if (!net_.centres.fits(net_.topology.input_size, net_.topology.negative_part)) {
      return "centres of inputs that do not fit";
    }
    if (net_.outputs.size() != net_.topology.outputs.size()) {
      return "wrong number of outputs";
    }
    brick_seen_.resize(net_.bricks.size());
    for (std::size_t h = 0; h < net_.hexagons.size(); ++h) {
      if (const char* why = hexagon_of(h)) {
        return why;
      }
    }
    for (std::size_t b = 0; b < net_.bricks.size(); ++b) {
      if (!brick_seen_[b]) {
        return "a brick stands in no hexagon";
      }
      if (const char* why = sizes_of(net_.bricks[b])) {
        return why;
      }
      if (const char* why = sections_of(net_.bricks[b])) {
        return why;
      }
    }
    if (const char* why = free_tiles()) {
      return why;
    }
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      if (const char* why = output_of(o)) {
        return why;
      }
    }
    return nullptr;
  }

 private:
  const char* hexagon_of(std::size_t h) {
    const auto& here = net_.hexagons[h];
    const auto& layout = net_.topology.hexagons[h];
    if (!layout.holds_bricks && !(here.bricks.empty() && here.chunks.empty())) {
      return "neurons in a hexagon that holds none";
    }
    if (here.bricks.size() > net_.topology.settings.max_bricks) {
      return "too many bricks in a hexagon";
    }
    if (!std::isfinite(here.error_sum)) {
      return "an error sum is not finite";
    }
    for (const std::uint32_t b : here.bricks) {
      if (b >= net_.bricks.size() || brick_seen_[b] || index_of(net_.bricks[b].hexagon) != h) {
        return "a hexagon names a brick that is not its own";
      }
      brick_seen_[b] = true;
    }
    return std::all_of(here.chunks.begin(), here.chunks.end(),
                       [&](const presynaptic_chunk& chunk) { return good_chunk(layout, chunk); })
               ? nullptr
               : "a hexagon reads sources that do not reach it";
  }

  bool good_chunk(const hexagon_layout& layout, const presynaptic_chunk& chunk) const {
    if (chunk.distance == 0 || (chunk.centred & ~chunk.mask) != 0 ||
        (chunk.is_neuron && chunk.centred != 0)) {
      return false;
    }
    if (!chunk.is_neuron) {
      return std::uint64_t{chunk.offset} + chunk_width <= net_.topology.neurons_begin;
    }
    if (chunk.offset < net_.topology.neurons_begin) {
      return false;
    }
    const std::size_t neuron = chunk.offset - net_.topology.neurons_begin;
    const std::size_t brick = neuron / net_.lanes();
    return neuron % chunk_width == 0 && brick < net_.bricks.size() &&
           std::any_of(layout.fed_by.begin(), layout.fed_by.end(), [&](const hexagon_link& link) {
             return link.from == net_.bricks[brick].hexagon;
           });
  }

  const char* sizes_of(const brick<Real>& b) const {
    const auto& here = net_.hexagons[index_of(b.hexagon)];
    const std::size_t locals = here.chunks.size() * chunk_width;
    const std::uint32_t steps = net_.topology.hexagons[index_of(b.hexagon)].max_steps;
    const std::size_t average = net_.averaging() ? net_.lanes() : 0;
    const std::size_t chain = steps > 1 ? locals : 0;
    const std::size_t watched = net_.compacted ? 0 : here.chunks.size();
    const std::size_t chain_states = net_.compacted ? 0 : chain;
    const bool good = b.max_steps == steps && b.have.size() == here.chunks.size() &&
                      b.closed.size() == here.chunks.size() &&
                      b.inverse_width.size() == locals * steps && b.slot.size() == locals * steps &&
                      b.border_states.size() == watched && b.chain_states.size() == chain_states &&
                      b.lower.size() == chain * steps && b.steps.size() == chain &&
                      b.bias.size() == net_.lanes() && b.average_bias.size() == average;
    if (!good) {
      return "a brick has lists of the wrong size";
    }
    const auto activation = [](Real p) { return p >= Real{0} && std::isfinite(p); };
    return std::all_of(b.chain_states.begin(), b.chain_states.end(),
                       [&](const auto& w) {
                         return activation(w.lowest) && activation(w.highest) &&
                                activation(w.most) && activation(w.reach);
                       })
               ? nullptr
               : "the memory of a border is no activation";
  }

  const char* sections_of(const brick<Real>& b) {
    const auto& chunks = net_.hexagons[index_of(b.hexagon)].chunks;
    std::uint32_t sections = 0;
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      sections += static_cast<std::uint32_t>(std::popcount(b.have[c]));
      if ((b.have[c] & ~chunks[c].mask) != 0) {
        return "a section without a source";
      }
      for (std::uint32_t rest = b.have[c]; rest != 0; rest &= rest - 1) {
        const auto local = c * chunk_width + static_cast<std::size_t>(std::countr_zero(rest));
        const std::uint32_t steps = b.step_count(local);
        if (steps == 0 || steps > b.max_steps) {
          return "a section with a wrong number of steps";
        }
        for (std::size_t k = 0; k < steps; ++k) {
          if (const char* why = step_of(b, local * b.max_steps, k)) {
            return why;
          }
        }
      }
    }
    return b.sections == sections ? nullptr : "a brick with a wrong number of sections";
  }

  const char* step_of(const brick<Real>& b, std::size_t begin, std::size_t k) {
    const tile_slot slot = b.slot[begin + k];
    if (slot >= tile_used_.size() || tile_used_[slot]) {
      return "two steps share a tile";
    }
    tile_used_[slot] = true;
    ++used_tiles_;
    const Real inverse = b.inverse_width[begin + k];
    if (!(inverse > Real{0}) || !std::isfinite(inverse)) {
      return "a step without a width";
    }
    if (b.max_steps == 1) {
      return nullptr;
    }
    const Real lower = b.lower[begin + k];
    const bool ascending = k == 0 ? lower == Real{0} : lower > b.lower[begin + k - 1];
    const bool wide = lower + Real{1} / inverse > lower;
    return ascending && wide && std::isfinite(lower) ? nullptr
                                                     : "the steps of a chain do not ascend";
  }

  /// Every tile is free, once, or belongs to a step.
  const char* free_tiles() {
    for (const tile_slot slot : net_.tiles.free_slots()) {
      if (slot >= tile_used_.size() || tile_used_[slot]) {
        return "a free tile is in use";
      }
      tile_used_[slot] = true;
    }
    return used_tiles_ == net_.tiles.size() ? nullptr : "a tile belongs to no step";
  }

  const char* output_of(std::size_t o) const {
    const auto& layer = net_.outputs[o];
    const auto& layout = net_.topology.outputs[o];
    const std::size_t size = layer.bricks.size() * net_.lanes() * layout.size;
    const std::size_t linear = layout.kind == output_kind::linear ? layout.size : 0;
    const bool average = net_.averaging();
    const std::size_t straight = net_.centres.straight_rows() * layout.size;
    const bool good = layer.straight.size() == straight &&
                      layer.average_straight.size() == (average ? straight : 0) &&
                      layer.weights.size() == size && layer.bias.size() == layout.size &&
                      layer.average_weights.size() == (average ? size : 0) &&
                      layer.average_bias.size() == (average ? layout.size : 0) &&
                      layer.location.size() == linear && layer.spread.size() == linear &&
                      layer.targets.size() == linear;
    if (!good) {
      return "an output has lists of the wrong size";
    }
    std::vector<bool> read(net_.bricks.size());
    for (const std::uint32_t b : layer.bricks) {
      if (b >= net_.bricks.size() || read[b] ||
          !std::binary_search(layout.reads.begin(), layout.reads.end(), net_.bricks[b].hexagon)) {
        return "an output reads a brick that does not reach it";
      }
      read[b] = true;
    }
    return nullptr;
  }

  const network<Real, Weight>& net_;
  std::vector<bool> tile_used_;
  std::vector<bool> brick_seen_;
  std::size_t used_tiles_ = 0;
};

} // namespace detail

/// Checks every invariant of a network: that its lists fit its plan and each other, and that no
/// tile serves two steps. Returns what is wrong, or nullptr. Linear in the steps.
template <class Real, class Weight>
const char* find_fault(const network<Real, Weight>& net) {
  return detail::network_checker<Real, Weight>(net).run();
}

} // namespace hanami
