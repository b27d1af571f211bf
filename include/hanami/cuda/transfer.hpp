// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "image.hpp"

/// Clusters into images and back, without loss: what a device has learned, the cluster has learned.

namespace hanami::inline HANAMI_ISA::detail {

/// The state of a cluster, for those that keep it elsewhere for a while.
struct cluster_access {
  static auto& net(auto& c) noexcept { return c.net_; }
  static auto& learning(auto& c) noexcept { return c.learner_; }
};

} // namespace hanami::detail

namespace hanami::gpu {

/// Throws `errc::invalid_argument`, naming it, for a cluster with something that images have not.
inline void require_supported(const cluster& c) {
  const auto refuse = [](const std::string& what, const char* instead) {
    throw error(errc::invalid_argument, "the GPU trainer has no " + what + "; " + instead);
  };
  const topology& layout = c.state().topology;
  if (layout.spikes()) {
    refuse("spiking neurons", "leave the settings of spiking neurons at their defaults");
  }
  if (c.options().rehearsal > 0) {
    refuse("rehearsal", "set learning_options::rehearsal to 0");
  }
  for (const hexagon_layout& h : layout.hexagons) {
    if (h.holds_bricks && h.max_steps > 1) {
      refuse("sections of more than one step (up to " + std::to_string(h.max_steps) + " here)",
             "set max_steps to 1 in the template");
    }
  }
  for (const output_layout& o : layout.outputs) {
    if (o.kind == output_kind::linear) {
      refuse("linear outputs ('" + o.name + "')", "softmax and sigmoid outputs are trained");
    }
  }
}

/// Where everything of a network stands in its image. Valid until the network changes its shape or
/// grows beyond the image's tiles.
class image_layout {
 public:
  /// With room for the tiles that the network has and `more_tiles`.
  image_layout(const network<float>& net, std::size_t more_tiles) {
    head_.lanes = static_cast<std::uint32_t>(net.lanes());
    head_.tiles_used = static_cast<std::uint32_t>(net.tiles.slot_end());
    head_.tile_capacity = static_cast<std::uint32_t>(net.tiles.slot_end() + more_tiles);
    head_.free_count = static_cast<std::uint32_t>(net.tiles.free_slots().size());
    place_records(net);
    for (std::size_t h = 0; h < hexagons_.size(); ++h) {
      place_hexagon(net.hexagons[h], hexagons_[h]);
    }
    for (std::size_t b = 0; b < bricks_.size(); ++b) {
      place_brick(net, net.bricks[b], bricks_[b]);
    }
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      place_output(net, o);
    }
    place_samples(net);
    head_.bytes = end_;
    head_.front_bytes = head_.tiles;
  }

  std::size_t bytes() const noexcept { return head_.bytes; }
  std::size_t front_bytes() const noexcept { return head_.front_bytes; }

  /// Writes the image of `c`, of which the network must be the one laid out, to `bytes()` bytes at
  /// `to`, which must be aligned to cache lines.
  void pack(const cluster& c, std::byte* to) const {
    const network<float>& net = c.state();
    image_header head = head_;
    head.seed = net.seed;
    head.options = c.options();
    head.progress = c.learning().progress();
    head.brick_loss = c.learning().brick_loss(net);
    head.sections_grown = net.growth.sections_grown;
    head.activation = net.topology.settings.activation;
    head.averaging = net.averaging();
    head.full = net.full;
    head.notes_errors = net.topology.settings.max_bricks > net.topology.settings.initial_bricks ||
                        net.growth.bricks_removed != 0;
    head.grows_bricks = has_room_for_bricks(net);
    put(to, 0, &head, 1);
    put_records(net, to);
    copy_state(net, to, [](const auto& from, void* where) {
      if (!from.empty()) {
        std::memcpy(where, from.data(), from.size() * sizeof(from[0]));
      }
    });
    const image_view image{to, to};
    for (tile_slot slot = 0; slot < net.tiles.slot_end(); ++slot) {
      std::copy_n(net.tiles.tile(slot), net.lanes(), image.tile(slot));
    }
    copy_average(net, image);
  }

  /// Takes what an image has learned back into the cluster that it was packed from (and that has
  /// not changed since).
  void unpack(const std::byte* from, cluster& c) const {
    using access = detail::cluster_access;
    network<float>& net = access::net(c);
    auto* base = const_cast<std::byte*>(from);
    const image_view image{base, base};
    const image_header& head = image.head();
    access::learning(c).resume_at(head.progress);
    for (; net.growth.sections_grown < head.sections_grown; ++net.growth.sections_grown) {
      net.tiles.acquire(); // in the order in which the image has taken them
    }
    HANAMI_ASSERT(net.tiles.slot_end() == head.tiles_used, "the image is of another cluster");
    for (std::size_t h = 0; h < net.hexagons.size(); ++h) {
      net.hexagons[h].error_sum = image.hexagons()[h].error_sum;
    }
    for (std::size_t b = 0; b < net.bricks.size(); ++b) {
      net.bricks[b].most_active = image.bricks()[b].most_active;
      std::copy_n(image.bricks()[b].active_lanes, net.bricks[b].active_lanes.size(),
                  net.bricks[b].active_lanes.begin());
    }
    copy_state(net, from, [](auto& to, const void* where) {
      if (!to.empty()) {
        std::memcpy(to.data(), where, to.size() * sizeof(to[0]));
      }
    });
    for (auto& b : net.bricks) {
      b.sections = 0;
      for (const std::uint16_t bits : b.have) {
        b.sections += static_cast<std::uint32_t>(std::popcount(bits));
      }
    }
    for (tile_slot slot = 0; slot < net.tiles.slot_end(); ++slot) {
      std::copy_n(image.tile(slot), net.lanes(), net.tiles.tile(slot));
      if (net.averaging()) {
        std::copy_n(image.tile(slot, true), net.lanes(), net.tiles.average_tile(slot));
      }
    }
  }

 private:
  static bool has_room_for_bricks(const network<float>& net) {
    return std::any_of(net.hexagons.begin(), net.hexagons.end(), [&](const hexagon& h) {
      const auto living = std::count_if(h.bricks.begin(), h.bricks.end(),
                                        [&](std::uint32_t b) { return !net.bricks[b].retired; });
      return !h.bricks.empty() &&
             living < static_cast<std::ptrdiff_t>(net.topology.settings.max_bricks);
    });
  }

  template <class T>
  place reserve(std::size_t count) {
    const place begin = end_;
    end_ = round_up(end_ + count * sizeof(T), cache_line);
    return begin;
  }

  template <class T>
  static void put(std::byte* to, place where, const T* values, std::size_t count) {
    if (count > 0) {
      std::memcpy(to + where, values, count * sizeof(T));
    }
  }

  void place_records(const network<float>& net) {
    const auto count = [](const auto& of) { return static_cast<std::uint32_t>(of.size()); };
    hexagons_.resize(net.hexagons.size());
    bricks_.resize(net.bricks.size());
    outputs_.resize(net.outputs.size());
    reserve<image_header>(1);
    head_.input_count = count(net.topology.inputs);
    head_.hexagon_count = count(hexagons_);
    head_.brick_count = count(bricks_);
    head_.level_count = count(net.topology.levels);
    head_.output_count = count(outputs_);
    head_.input_size = net.topology.input_size;
    head_.output_size = net.topology.output_size;
    head_.negative_part = net.topology.negative_part;
    head_.neurons_begin = net.topology.neurons_begin;
    head_.inputs = reserve<input_record>(net.topology.inputs.size());
    head_.hexagons = reserve<hexagon_record>(hexagons_.size());
    head_.bricks = reserve<brick_record>(bricks_.size());
    head_.levels = reserve<level_record>(net.topology.levels.size());
    head_.level_hexagons = reserve<std::uint32_t>(hexagons_.size());
    head_.level_bricks = reserve<std::uint32_t>(bricks_.size());
    head_.outputs = reserve<output_record>(outputs_.size());
  }

  void place_hexagon(const hexagon& from, hexagon_record& to) {
    to.error_sum = from.error_sum;
    to.chunk_count = static_cast<std::uint32_t>(from.chunks.size());
    to.brick_count = static_cast<std::uint32_t>(from.bricks.size());
    to.neuron_count = static_cast<std::uint32_t>(
        std::count_if(from.chunks.begin(), from.chunks.end(),
                      [](const presynaptic_chunk& chunk) { return chunk.is_neuron; }));
    to.chunks = reserve<presynaptic_chunk>(from.chunks.size());
    to.active = reserve<std::uint16_t>(from.chunks.size());
    to.neurons = reserve<std::uint32_t>(to.neuron_count);
    to.bricks = reserve<std::uint32_t>(from.bricks.size());
  }

  void place_brick(const network<float>& net, const brick<float>& from, brick_record& to) {
    const std::size_t chunks = from.chunks();
    const std::size_t sources = chunks * chunk_width;
    to.replacements = from.replacements;
    to.hexagon = static_cast<std::uint32_t>(index_of(from.hexagon));
    to.fed_by_neurons = net.topology[from.hexagon].fed_by.empty() ? 0 : 1;
    to.retired = from.retired ? 1 : 0;
    to.most_active = from.most_active;
    std::copy_n(from.active_lanes.begin(), from.active_lanes.size(), to.active_lanes);
    to.have = reserve<std::uint16_t>(chunks);
    to.closed = reserve<std::uint16_t>(chunks);
    to.inverse_width = reserve<float>(sources);
    to.slot = reserve<tile_slot>(sources);
    to.border_states = reserve<border_state>(chunks);
    to.bias = reserve<float>(net.lanes());
    to.average_bias = reserve<float>(from.average_bias.size());
    to.phi = reserve<float>(sources);
    to.listed = reserve<tile_slot>(sources);
    to.presynaptic_gradients =
        reserve<float>(hexagons_[to.hexagon].neuron_count * std::size_t{chunk_width});
  }

  void place_output(const network<float>& net, std::size_t index) {
    const auto& from = net.outputs[index];
    const auto& layout = net.topology.outputs[index];
    auto& to = outputs_[index];
    to.kind = layout.kind;
    to.first = layout.first;
    to.size = layout.size;
    to.brick_count = static_cast<std::uint32_t>(from.bricks.size());
    to.bricks = reserve<std::uint32_t>(from.bricks.size());
    to.block_of = reserve<std::uint32_t>(net.bricks.size());
    to.weights = reserve<float>(from.weights.size());
    to.bias = reserve<float>(from.bias.size());
    to.average_weights = reserve<float>(from.average_weights.size());
    to.average_bias = reserve<float>(from.average_bias.size());
    to.straight = reserve<float>(from.straight.size());
    to.average_straight = reserve<float>(from.average_straight.size());
    to.parts = reserve<float>((from.bricks.size() + 1) * layout.size);
  }

  void place_samples(const network<float>& net) {
    std::size_t most_chunks = 0;
    for (const hexagon_record& h : hexagons_) {
      most_chunks = std::max<std::size_t>(most_chunks, h.chunk_count);
    }
    head_.activations = reserve<float>(net.presynaptic_count());
    head_.hidden_gradients = reserve<float>(bricks_.size() * net.lanes());
    head_.centres = reserve<float>(net.topology.input_size);
    head_.straight_count = static_cast<std::uint32_t>(net.centres.columns());
    head_.straight_places = reserve<std::uint32_t>(net.centres.columns());
    head_.straight_units = reserve<straight_unit<float>>(net.centres.columns());
    if (net.centres.octaves > 0) {
      place_folds(net.centres);
    }
    head_.prediction = reserve<float>(net.topology.output_size);
    head_.output_gradients = reserve<float>(net.topology.output_size);
    head_.free_slots = reserve<tile_slot>(net.tiles.free_slots().size());
    head_.new_presynaptic = reserve<std::uint32_t>(most_chunks * chunk_width);
    head_.tiles = reserve<float>(head_.tile_capacity * net.lanes());
    head_.average_tiles =
        net.averaging() ? reserve<float>(head_.tile_capacity * net.lanes()) : head_.tiles;
  }

  void place_folds(const input_centres<float>& centres) {
    head_.octaves = centres.octaves;
    head_.fold_count = static_cast<std::uint32_t>(centres.folds.size());
    head_.folds = reserve<fold_record>(centres.folds.size());
    head_.waves = reserve<float>(centres.waves());
    for (const column_fold<float>& fold : centres.folds) {
      folds_.push_back({reserve<float>(fold.knots.size()),
                        static_cast<std::uint32_t>(fold.knots.size()), fold.value});
    }
  }

  void put_records(const network<float>& net, std::byte* to) const {
    for (std::size_t i = 0; i < net.topology.inputs.size(); ++i) {
      const input_layout& input = net.topology.inputs[i];
      const input_record record{input.first, input.offset, input.size, net.negative_inputs[i]};
      put(to, head_.inputs + i * sizeof(record), &record, 1);
    }
    put(to, head_.hexagons, hexagons_.data(), hexagons_.size());
    put(to, head_.bricks, bricks_.data(), bricks_.size());
    put(to, head_.outputs, outputs_.data(), outputs_.size());
    put(to, head_.free_slots, net.tiles.free_slots().data(), net.tiles.free_slots().size());
    std::memset(to + head_.activations, 0, net.presynaptic_count() * sizeof(float));
    std::memset(to + head_.centres, 0, net.topology.input_size * sizeof(float));
    put(to, head_.centres, net.centres.at.data(), net.centres.at.size());
    put(to, head_.straight_places, net.centres.places.data(), net.centres.columns());
    put(to, head_.straight_units, net.centres.units.data(), net.centres.columns());
    put(to, head_.folds, folds_.data(), folds_.size());
    for (std::size_t j = 0; j < folds_.size(); ++j) {
      put(to, folds_[j].knots, net.centres.folds[j].knots.data(), folds_[j].count);
    }
    put_hexagons(net, to);
    put_levels(net, to);
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      const auto& bricks = net.outputs[o].bricks;
      std::vector<std::uint32_t> block_of(net.bricks.size(), no_tile);
      for (std::size_t k = 0; k < bricks.size(); ++k) {
        block_of[bricks[k]] = static_cast<std::uint32_t>(k);
      }
      put(to, outputs_[o].bricks, bricks.data(), bricks.size());
      put(to, outputs_[o].block_of, block_of.data(), block_of.size());
    }
  }

  void put_hexagons(const network<float>& net, std::byte* to) const {
    for (std::size_t h = 0; h < hexagons_.size(); ++h) {
      const hexagon& from = net.hexagons[h];
      std::vector<std::uint32_t> neurons;
      for (std::size_t c = 0; c < from.chunks.size(); ++c) {
        if (from.chunks[c].is_neuron) {
          neurons.push_back(static_cast<std::uint32_t>(c));
        }
      }
      put(to, hexagons_[h].chunks, from.chunks.data(), from.chunks.size());
      put(to, hexagons_[h].neurons, neurons.data(), neurons.size());
      put(to, hexagons_[h].bricks, from.bricks.data(), from.bricks.size());
    }
  }

  void put_levels(const network<float>& net, std::byte* to) const {
    std::vector<std::uint32_t> hexagons;
    std::vector<std::uint32_t> bricks;
    for (std::size_t level = 0; level < net.topology.levels.size(); ++level) {
      level_record record{static_cast<std::uint32_t>(hexagons.size()), 0,
                          static_cast<std::uint32_t>(bricks.size()), 0};
      for (const hexagon_id id : net.topology.levels[level]) {
        const auto& here = net.hexagons[index_of(id)].bricks;
        hexagons.push_back(static_cast<std::uint32_t>(index_of(id)));
        bricks.insert(bricks.end(), here.begin(), here.end());
      }
      record.hexagon_count = static_cast<std::uint32_t>(hexagons.size()) - record.first_hexagon;
      record.brick_count = static_cast<std::uint32_t>(bricks.size()) - record.first_brick;
      put(to, head_.levels + level * sizeof(record), &record, 1);
    }
    put(to, head_.level_hexagons, hexagons.data(), hexagons.size());
    put(to, head_.level_bricks, bricks.data(), bricks.size());
  }

  /// Calls `copy(vector, its place)` for all that learning changes, but the tiles.
  template <class Network, class Byte, class Copy>
  void copy_state(Network& net, Byte* image, const Copy& copy) const {
    for (std::size_t b = 0; b < bricks_.size(); ++b) {
      auto& here = net.bricks[b];
      const brick_record& at = bricks_[b];
      copy(here.have, image + at.have);
      copy(here.closed, image + at.closed);
      copy(here.inverse_width, image + at.inverse_width);
      copy(here.slot, image + at.slot);
      copy(here.border_states, image + at.border_states);
      copy(here.bias, image + at.bias);
      copy(here.average_bias, image + at.average_bias);
    }
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      auto& layer = net.outputs[o];
      const output_record& at = outputs_[o];
      copy(layer.weights, image + at.weights);
      copy(layer.bias, image + at.bias);
      copy(layer.average_weights, image + at.average_weights);
      copy(layer.average_bias, image + at.average_bias);
      copy(layer.straight, image + at.straight);
      copy(layer.average_straight, image + at.average_straight);
    }
  }

  static void copy_average(const network<float>& net, image_view to) {
    if (!net.averaging()) {
      return;
    }
    const float* average = net.tiles.average();
    for (tile_slot slot = 0; slot < net.tiles.slot_end(); ++slot) {
      std::copy_n(average + slot * net.lanes(), net.lanes(), to.tile(slot, true));
    }
  }

  image_header head_{};
  std::vector<hexagon_record> hexagons_;
  std::vector<brick_record> bricks_;
  std::vector<output_record> outputs_;
  std::vector<fold_record> folds_;
  place end_ = 0;
};

} // namespace hanami::gpu
