// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../config.hpp"
#include "../learner.hpp"
#include "../structure/brick.hpp"
#include "../structure/topology.hpp"
#include "../template/cluster_template.hpp"

/// The image of a cluster: everything that training and inference touch, in one block of memory
/// without pointers. It can be copied anywhere, whole, and works there: in the memory of a device,
/// or in the fast memory that a block of threads shares. Places are bytes from its beginning.
///
/// The arrays are those of the core, in their layout: tiles, slots, inverse widths, output blocks.

namespace hanami::gpu {

/// Where in an image an array begins.
using place = std::uint64_t;

/// Why a team has stopped before the end of its task.
enum class pause : std::uint32_t {
  none,    ///< it has not
  reshape, ///< the next sample changes more than weights and sections: bricks, negative inputs, or
           ///< a stream has turned out to be another one
  no_room, ///< the next sample needs more tiles than the image has
  refused  ///< the next sample has infinite values, or targets that are no
           ///< probabilities
};

struct input_record {
  std::uint32_t first;  ///< in the values of a sample
  std::uint32_t offset; ///< in the array of presynaptic nodes
  std::uint32_t size;
  std::uint32_t negative; ///< whether values below 0, or below their centre, have places
};

/// A folded column.
struct fold_record {
  place knots;         ///< float
  std::uint32_t count; ///< of knots
  std::uint32_t value; ///< its place in the values of a sample
};

struct hexagon_record {
  double error_sum;
  place chunks;  ///< presynaptic_chunk
  place active;  ///< std::uint16_t per chunk
  place neurons; ///< std::uint32_t: the chunks that are of neurons
  place bricks;  ///< std::uint32_t
  std::uint32_t chunk_count;
  std::uint32_t neuron_count; ///< chunks of neurons
  std::uint32_t brick_count;
};

struct brick_record {
  std::uint64_t replacements;
  place have, closed;  ///< std::uint16_t per chunk
  place inverse_width; ///< float per presynaptic node
  place slot;          ///< tile_slot per presynaptic node
  place border_states; ///< border_state per chunk
  place bias, average_bias;
  place phi, listed;           ///< the active steps: float, tile_slot
  place presynaptic_gradients; ///< float per presynaptic node of a chunk of neurons
  std::uint32_t hexagon;
  std::uint32_t fed_by_neurons;
  std::uint32_t retired;
  std::uint32_t most_active;
  std::uint32_t list_count;
  std::uint32_t input_count; ///< the first so many of the list belong to inputs
  float squares;             ///< of its gradients, summed
  std::uint16_t active_lanes[most_lanes / chunk_width];
};

struct level_record {
  std::uint32_t first_hexagon, hexagon_count; ///< in `level_hexagons`
  std::uint32_t first_brick, brick_count;     ///< in `level_bricks`
};

struct output_record {
  place bricks;   ///< std::uint32_t: those it reads
  place block_of; ///< std::uint32_t per brick of the network: its place among them, or `no_tile`
  place weights, bias, average_weights, average_bias;
  place straight, average_straight;
  place parts; ///< float: sums of groups of bricks
  output_kind kind;
  std::uint32_t first; ///< in the values of an answer
  std::uint32_t size;
  std::uint32_t brick_count;
};

struct image_header {
  std::uint64_t bytes;       ///< of the whole image
  std::uint64_t front_bytes; ///< of all but the tiles, which come last
  std::uint64_t seed;
  learning_options options;
  learning_progress progress;
  double brick_loss; ///< that asks for a brick
  std::uint64_t sections_grown;
  activation_kind activation;
  bool averaging;
  bool full;         ///< no more growth
  bool notes_errors; ///< errors of hexagons are summed, for growth by bricks
  bool grows_bricks; ///< some hexagon has room for one more
  std::uint32_t lanes;
  std::uint32_t input_count, hexagon_count, brick_count, level_count, output_count;
  std::uint32_t input_size, output_size, negative_part, neurons_begin;
  std::uint32_t tiles_used, tile_capacity;
  std::uint32_t free_count;
  place inputs, hexagons, bricks, levels, level_hexagons, level_bricks, outputs; ///< records
  place activations, hidden_gradients, prediction, output_gradients;             ///< float
  place centres; ///< float: of the values of a sample
  std::uint32_t straight_count;
  place straight_places;             ///< std::uint32_t: columns on the straight way
  place straight_units;              ///< straight_unit<float>: of those
  std::uint32_t fold_count, octaves; ///< of folded columns
  place folds;                       ///< fold_record
  place waves;                       ///< float: of the sample, see `algorithm/folds.hpp`
  place free_slots;                  ///< tile_slot: given back, the next one to be used last
  place new_presynaptic; ///< std::uint32_t: presynaptic nodes whose sections are being grown
  place tiles, average_tiles;

  // Of the sample at work, or the task.
  std::uint32_t found_infinite, found_negative, found_missing, found_unborn,
      found_no_room; ///< 0 or 1
  std::uint32_t learns;
  std::uint32_t compared; ///< samples for which the average is compared on this one
  float average_share;    ///< how far the average goes towards the weights
  upkeep due;             ///< after the last sample
  pause paused;
  double loss;
  std::uint64_t done;        ///< samples of the task
  std::uint64_t steps_heard; ///< active steps of all bricks and samples of the task
  std::uint64_t steps_learned;
};

static_assert(std::is_trivially_copyable_v<image_header> &&
              std::is_trivially_copyable_v<brick_record> &&
              std::is_trivially_copyable_v<presynaptic_chunk> &&
              std::is_trivially_copyable_v<border_state>);

/// An image somewhere in memory, of which the front may stand apart from the tiles. Does not own
/// it.
struct image_view {
  std::byte* base = nullptr;
  std::byte* tile_base = nullptr; ///< where the image would begin for its tiles to be in place

  template <class T>
  HANAMI_HOST_DEVICE T* at(place where) const noexcept {
    return reinterpret_cast<T*>(base + where);
  }
  HANAMI_HOST_DEVICE image_header& head() const noexcept { return *at<image_header>(0); }
  HANAMI_HOST_DEVICE brick_record* bricks() const noexcept {
    return at<brick_record>(head().bricks);
  }
  HANAMI_HOST_DEVICE hexagon_record* hexagons() const noexcept {
    return at<hexagon_record>(head().hexagons);
  }
  HANAMI_HOST_DEVICE level_record* levels() const noexcept {
    return at<level_record>(head().levels);
  }
  HANAMI_HOST_DEVICE output_record* outputs() const noexcept {
    return at<output_record>(head().outputs);
  }
  HANAMI_HOST_DEVICE float* activations() const noexcept { return at<float>(head().activations); }
  /// Potentials and gradients of the neurons of a brick.
  HANAMI_HOST_DEVICE float* activations_of(std::size_t brick) const noexcept {
    return activations() + head().neurons_begin + brick * head().lanes;
  }
  HANAMI_HOST_DEVICE float* gradients_of(std::size_t brick) const noexcept {
    return at<float>(head().hidden_gradients) + brick * head().lanes;
  }
  HANAMI_HOST_DEVICE float* tiles(bool average) const noexcept {
    return reinterpret_cast<float*>(tile_base + (average ? head().average_tiles : head().tiles));
  }
  HANAMI_HOST_DEVICE float* tile(tile_slot slot, bool average = false) const noexcept {
    return tiles(average) + std::size_t{slot} * head().lanes;
  }
};

/// A whole image, and how much of it a block may want to take to faster memory.
struct placed_image {
  std::byte* base = nullptr;
  std::size_t bytes = 0;
  std::size_t front_bytes = 0;

  HANAMI_HOST_DEVICE image_view view() const noexcept { return {base, base}; }
};

} // namespace hanami::gpu
