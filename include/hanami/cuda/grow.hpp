// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../algorithm/borders.hpp"
#include "../foundation/random.hpp"
#include "../foundation/random_streams.hpp"
#include "../growth/centre.hpp"
#include "forward.hpp"

/// Growth of sections on an image, from the tiles it has room for: by one block, brick after brick,
/// so that every section gets the tile that the serial executor would have given it.

namespace hanami::gpu {

/// Denies sections to the missing presynaptic nodes of a brick that draw no connection.
template <class Team>
HANAMI_HOST_DEVICE void draw_connections(const Team& team, image_view image, std::uint32_t index) {
  const brick_record& brick = image.bricks()[index];
  const hexagon_record& here = image.hexagons()[brick.hexagon];
  const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
  const std::uint64_t key =
      detail::random_key(detail::random_stream::connections, index, brick.replacements);
  team.each(here.chunk_count, [&](std::size_t c) {
    const auto distance = static_cast<float>(chunks[c].distance);
    if (chunks[c].distance == 1 && chunks[c].centred == 0) {
      return;
    }
    std::uint32_t denied = 0;
    for (std::uint32_t rest = missing_of(image, brick, c, image.at<std::uint16_t>(here.active)[c]);
         rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::uint32_t>(std::countr_zero(rest));
      const std::uint64_t source = chunks[c].offset + std::uint64_t{i};
      const std::uint64_t negative_part = image.head().negative_part;
      const bool negative = source >= negative_part;
      if ((((chunks[c].centred >> i) & 1U) != 0 &&
           !detail::hears_side(image.head().seed, index, brick.replacements,
                               negative ? source - negative_part : source, negative)) ||
          !(chunks[c].distance == 1 ||
            random_unit(image.head().seed, key, source) * distance < 1.0f)) {
        denied |= 1U << i;
      }
    }
    std::uint16_t& closed = image.at<std::uint16_t>(brick.closed)[c];
    closed = static_cast<std::uint16_t>(closed | denied);
  });
}

/// The first step of every missing section: tiles given back first, then new ones, in order.
template <class Team>
HANAMI_HOST_DEVICE void place_sections(const Team& team, image_view image,
                                       const brick_record& brick) {
  const image_header& head = image.head();
  const hexagon_record& here = image.hexagons()[brick.hexagon];
  const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
  const auto missing = [&](std::size_t c) {
    return missing_of(image, brick, c, image.at<std::uint16_t>(here.active)[c]);
  };
  team.scan(
      here.chunk_count,
      [&](std::size_t c) { return static_cast<std::uint32_t>(std::popcount(missing(c))); },
      [&](std::size_t c, std::uint32_t number) {
        std::uint16_t& have = image.at<std::uint16_t>(brick.have)[c];
        const std::uint32_t grown = missing(c);
        for (std::uint32_t rest = grown; rest != 0; rest &= rest - 1, ++number) {
          const auto i = static_cast<std::size_t>(std::countr_zero(rest));
          const std::size_t local = c * chunk_width + i;
          const float activation = image.activations()[chunks[c].offset + i];
          image.at<float>(brick.inverse_width)[local] =
              chunks[c].is_neuron ? 1.0f : detail::inverse_of(activation);
          image.at<tile_slot>(brick.slot)[local] =
              number < head.free_count
                  ? image.at<tile_slot>(head.free_slots)[head.free_count - 1 - number]
                  : head.tiles_used + (number - head.free_count);
          detail::start_border(image.at<border_state>(brick.border_states)[c], i);
          image.at<std::uint32_t>(head.new_presynaptic)[number] = static_cast<std::uint32_t>(local);
        }
        have = static_cast<std::uint16_t>(have | grown);
      });
}

/// Small random weights for `count` new sections of a brick.
template <class Team>
HANAMI_HOST_DEVICE void draw_weights(const Team& team, image_view image, std::uint32_t index,
                                     std::uint32_t count) {
  const image_header& head = image.head();
  const brick_record& brick = image.bricks()[index];
  const presynaptic_chunk* chunks =
      image.at<presynaptic_chunk>(image.hexagons()[brick.hexagon].chunks);
  const float scale = first_weight_bound<float>(brick.most_active);
  const std::uint64_t key =
      detail::random_key(detail::random_stream::section_weights, index, brick.replacements);
  const std::size_t lanes = head.lanes;
  team.each(count * lanes, [&](std::size_t i) {
    const std::size_t lane = i % lanes;
    const std::uint32_t local = image.at<std::uint32_t>(head.new_presynaptic)[i / lanes];
    const std::size_t source = chunks[local / chunk_width].offset + local % chunk_width;
    const tile_slot slot = image.at<tile_slot>(brick.slot)[local];
    const float weight = scale * random_signed_unit(head.seed, key, source * lanes + lane);
    image.tile(slot)[lane] = weight;
    if (head.averaging) {
      image.tile(slot, true)[lane] = weight;
    }
  });
}

/// Sections of one brick for presynaptic nodes that are active for the first time. False where
/// there is not room for all of them: then none has grown, and trying again does no harm.
template <class Team>
HANAMI_HOST_DEVICE bool grow_sections(const Team& team, image_view image, std::uint32_t index) {
  image_header& head = image.head();
  brick_record& brick = image.bricks()[index];
  const hexagon_record& here = image.hexagons()[brick.hexagon];
  const std::uint16_t* active = image.at<std::uint16_t>(here.active);
  const auto ignore = [](std::size_t, std::uint32_t) {};
  const auto missing = [&](std::size_t c) {
    return static_cast<std::uint32_t>(std::popcount(missing_of(image, brick, c, active[c])));
  };
  if (team.scan(here.chunk_count, missing, ignore) == 0) {
    return true;
  }
  draw_connections(team, image, index);
  const std::uint16_t* closed = image.at<std::uint16_t>(brick.closed);
  const std::uint32_t connected = team.scan(
      here.chunk_count,
      [&](std::size_t c) {
        return static_cast<std::uint32_t>(
            std::popcount(std::uint32_t{active[c]} & ~std::uint32_t{closed[c]}));
      },
      ignore);
  const std::uint32_t count = team.scan(here.chunk_count, missing, ignore);
  if (count > head.free_count + (head.tile_capacity - head.tiles_used)) {
    return false;
  }
  team.once([&] { brick.most_active = std::max(brick.most_active, connected); });
  place_sections(team, image, brick);
  team.sync();
  draw_weights(team, image, index, count);
  team.sync();
  team.once([&] {
    const std::uint32_t reused = std::min(count, head.free_count);
    head.free_count -= reused;
    head.tiles_used += count - reused;
    head.sections_grown += count;
  });
  team.sync();
  return true;
}

/// Growth of one level for the presynaptic nodes as they are, by the first block. The others wait.
template <class Team>
HANAMI_HOST_DEVICE void grow_level(const Team& team, image_view image, const level_record& level) {
  if (team.rank() != 0) {
    return;
  }
  const std::uint32_t* bricks =
      image.at<std::uint32_t>(image.head().level_bricks) + level.first_brick;
  for (std::uint32_t n = 0; n < level.brick_count; ++n) {
    if (image.bricks()[bricks[n]].retired == 0 && !grow_sections(team, image, bricks[n])) {
      team.once([&] { image.head().found_no_room = 1; });
      return;
    }
  }
}

} // namespace hanami::gpu
