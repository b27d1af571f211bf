// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "../algorithm/activation.hpp"
#include "../algorithm/folds.hpp"
#include "../algorithm/loss.hpp"
#include "../algorithm/sections.hpp"
#include "../algorithm/straight.hpp"
#include "image.hpp"
#include "team.hpp"

/// The forward pass on an image, by a team. All sums are added in the order of the serial executor.

namespace hanami::gpu {

/// Copies one sample to its places, split by sign or at the centres of its columns, folds columns,
/// and notes what asks for the host.
template <class Team>
HANAMI_HOST_DEVICE void place_sample(const Team& team, image_view image, const float* values) {
  image_header& head = image.head();
  const fold_record* folds = image.at<fold_record>(head.folds);
  team.each_of_all(head.fold_count, [&](std::size_t j) {
    fold_column(image.at<float>(folds[j].knots), folds[j].count, values[folds[j].value],
                head.octaves, head.fold_count, image.at<float>(head.waves) + 2 * j);
  });
  const input_record* inputs = image.at<input_record>(head.inputs);
  for (std::uint32_t n = 0; n < head.input_count; ++n) {
    const input_record& input = inputs[n];
    const float* centres = image.at<float>(head.centres) + input.first;
    float* positive = image.activations() + input.offset;
    team.each_of_all(input.size, [&](std::size_t k) {
      const float x = values[input.first + k];
      constexpr float finite = std::numeric_limits<float>::max();
      const float above = x - centres[k];
      positive[k] = above > 0.0f ? std::min(above, finite) : 0.0f;
      if (input.negative != 0) {
        positive[head.negative_part + k] = above < 0.0f ? std::min(-above, finite) : 0.0f;
      } else if (x < 0.0f) {
        team.raise(head.found_negative);
      }
      if (x > finite || x < -finite) {
        team.raise(head.found_infinite);
      }
    });
  }
}

/// Sources of a brick that are active and neither have a section nor are denied one, in a chunk.
HANAMI_HOST_DEVICE inline std::uint32_t missing_of(image_view image, const brick_record& brick,
                                                   std::size_t c, std::uint32_t active) noexcept {
  const std::uint32_t known =
      image.at<std::uint16_t>(brick.have)[c] | image.at<std::uint16_t>(brick.closed)[c];
  return brick.retired != 0 ? 0 : active & ~known;
}

/// Marks which presynaptic nodes of the hexagons of a level send, and with `growing` whether any of
/// them misses a section or a brick.
template <class Team>
HANAMI_HOST_DEVICE void find_active(const Team& team, image_view image, const level_record& level,
                                    bool growing) {
  image_header& head = image.head();
  const std::uint32_t* ids = image.at<std::uint32_t>(head.level_hexagons) + level.first_hexagon;
  for (std::uint32_t h = 0; h < level.hexagon_count; ++h) {
    const hexagon_record& here = image.hexagons()[ids[h]];
    const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
    auto* active = image.at<std::uint16_t>(here.active);
    const std::uint32_t* bricks = image.at<std::uint32_t>(here.bricks);
    team.each_of_all(here.chunk_count, [&](std::size_t c) {
      const float* x = image.activations() + chunks[c].offset;
      std::uint32_t bits = 0;
      for (std::uint32_t i = 0; i < chunk_width; ++i) {
        bits |= static_cast<std::uint32_t>(x[i] > 0.0f) << i;
      }
      bits &= chunks[c].mask;
      active[c] = static_cast<std::uint16_t>(bits);
      if (!growing || bits == 0) {
        return;
      }
      if (here.brick_count == 0) {
        team.raise(head.found_unborn);
      }
      for (std::uint32_t b = 0; b < here.brick_count; ++b) {
        if (missing_of(image, image.bricks()[bricks[b]], c, bits) != 0) {
          team.raise(head.found_missing);
        }
      }
    });
  }
}

/// Lists the active steps of a brick for the presynaptic nodes of one kind, from place `listed` on.
/// Returns where the list ends.
template <class Team>
HANAMI_HOST_DEVICE std::uint32_t list_kind(const Team& team, image_view image,
                                           const brick_record& brick, bool neurons,
                                           std::uint32_t listed) {
  const hexagon_record& here = image.hexagons()[brick.hexagon];
  const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
  const std::uint16_t* active = image.at<std::uint16_t>(here.active);
  const std::uint16_t* have = image.at<std::uint16_t>(brick.have);
  const auto bits = [&](std::size_t c) {
    return chunks[c].is_neuron == neurons ? std::uint32_t{active[c]} & have[c] : std::uint32_t{0};
  };
  const float limit = neurons ? open_above<float> : 1.0f;
  const std::uint32_t count = team.scan(
      here.chunk_count,
      [&](std::size_t c) { return static_cast<std::uint32_t>(std::popcount(bits(c))); },
      [&](std::size_t c, std::uint32_t before) {
        const float* x = image.activations() + chunks[c].offset;
        float* phi = image.at<float>(brick.phi) + listed + before;
        tile_slot* slot = image.at<tile_slot>(brick.listed) + listed + before;
        for (std::uint32_t rest = bits(c); rest != 0; rest &= rest - 1) {
          const auto i = static_cast<std::size_t>(std::countr_zero(rest));
          const std::size_t local = c * chunk_width + i;
          const float share = x[i] * image.at<float>(brick.inverse_width)[local];
          *phi++ = share < limit ? share : limit;
          *slot++ = image.at<tile_slot>(brick.slot)[local];
        }
      });
  return listed + count;
}

/// The bricks of a level that fall to this block: every `size`-th.
struct own_bricks {
  const std::uint32_t* ids;
  std::uint32_t count;
  std::size_t rank;
  std::size_t stride;

  template <class Team>
  HANAMI_HOST_DEVICE own_bricks(const Team& team, image_view image, const level_record& level)
      : ids(image.at<std::uint32_t>(image.head().level_bricks) + level.first_brick),
        count(level.brick_count), rank(team.rank()), stride(team.size()) {}

  HANAMI_HOST_DEVICE std::size_t size() const noexcept {
    return count > rank ? (count - rank + stride - 1) / stride : 0;
  }
  HANAMI_HOST_DEVICE std::uint32_t operator[](std::size_t i) const noexcept {
    return ids[rank + i * stride];
  }
};

/// Potentials of the bricks of a level: their steps are listed, added up in order, one lane a
/// thread, and activated.
template <class Team>
HANAMI_HOST_DEVICE void forward_level(const Team& team, image_view image, const level_record& level,
                                      bool average) {
  const own_bricks own(team, image, level);
  for (std::size_t n = 0; n < own.size(); ++n) {
    brick_record& brick = image.bricks()[own[n]];
    const std::uint32_t inputs = brick.retired != 0 ? 0 : list_kind(team, image, brick, false, 0);
    const std::uint32_t all = brick.retired == 0 && brick.fed_by_neurons != 0
                                  ? list_kind(team, image, brick, true, inputs)
                                  : inputs;
    team.once([&] {
      brick.input_count = inputs;
      brick.list_count = all;
    });
  }
  team.sync();
  const std::size_t lanes = image.head().lanes;
  const bool log2 = image.head().activation == activation_kind::log2;
  team.each(own.size() * lanes, [&](std::size_t i) {
    const std::uint32_t index = own[i / lanes];
    const std::size_t lane = i % lanes;
    const brick_record& brick = image.bricks()[index];
    float sum = 0;
    if (brick.retired == 0) {
      const float* phi = image.at<float>(brick.phi);
      const tile_slot* slot = image.at<tile_slot>(brick.listed);
      sum = image.at<float>(average ? brick.average_bias : brick.bias)[lane];
      for (std::uint32_t s = 0; s < brick.list_count; ++s) {
        sum = multiply_add(phi[s], image.tile(slot[s], average)[lane], sum);
      }
      sum = log2 ? log2_activation::activate(sum) : relu::activate(sum);
    }
    image.activations_of(index)[lane] = sum;
  });
}

/// Weights of a node on the straight way.
HANAMI_HOST_DEVICE inline std::size_t straight_rows(const image_header& head) noexcept {
  return head.straight_count + 2 * std::size_t{head.octaves} * head.fold_count;
}

/// Calls `body(row, share)` for the columns and then the waves that send anything on the straight
/// way, in order.
template <class Body>
HANAMI_HOST_DEVICE void for_each_straight(image_view image, const Body& body) {
  const image_header& head = image.head();
  const std::uint32_t* places = image.at<std::uint32_t>(head.straight_places);
  const straight_unit<float>* units = image.at<straight_unit<float>>(head.straight_units);
  for (std::uint32_t j = 0; j < head.straight_count; ++j) {
    const float share =
        straight_share(image.activations(), places[j], head.negative_part, units[j]);
    if (share != 0.0f) {
      body(std::size_t{j}, share);
    }
  }
  const float* waves = image.at<float>(head.waves);
  for (std::size_t row = head.straight_count; row < straight_rows(head); ++row) {
    const float share = waves[row - head.straight_count];
    if (share != 0.0f) {
      body(row, share);
    }
  }
}

/// Inner sums of all outputs: groups of 16 bricks are added up apart, then their sums in order.
template <class Team>
HANAMI_HOST_DEVICE void read_outputs(const Team& team, image_view image, bool average) {
  constexpr std::size_t group_bricks = 16;
  const image_header& head = image.head();
  const std::size_t lanes = head.lanes;
  for (std::uint32_t o = 0; o < head.output_count; ++o) {
    const output_record& output = image.outputs()[o];
    const std::uint32_t* bricks = image.at<std::uint32_t>(output.bricks);
    const float* weights = image.at<float>(average ? output.average_weights : output.weights);
    const std::size_t groups = (output.brick_count + group_bricks - 1) / group_bricks;
    const std::size_t size = output.size;
    const auto part = [&](std::size_t i, std::size_t lane) {
      const std::size_t first = i / size * group_bricks;
      const std::size_t end = std::min<std::size_t>(first + group_bricks, output.brick_count);
      float sum = 0;
      for (std::size_t k = first; k < end; ++k) {
        const float* a = image.activations_of(bricks[k]);
        const float* row = weights + k * lanes * size + i % size * chunk_width;
        for (std::size_t g = 0; g < lanes / chunk_width; ++g) {
          for (std::size_t at = lane; at < chunk_width; at += Team::sum_lanes) {
            sum = multiply_add(a[g * chunk_width + at], row[g * size * chunk_width + at], sum);
          }
        }
      }
      return sum;
    };
    team.sum_each_of_all(groups * size, part,
                         [&](std::size_t i, float sum) { image.at<float>(output.parts)[i] = sum; });
  }
  team.sync_all();
  if (team.rank() != 0) {
    return;
  }
  for (std::uint32_t o = 0; o < head.output_count; ++o) {
    const output_record& output = image.outputs()[o];
    const std::size_t groups = (output.brick_count + group_bricks - 1) / group_bricks;
    team.each(output.size, [&](std::size_t k) {
      float sum = image.at<float>(average ? output.average_bias : output.bias)[k];
      for (std::size_t group = 0; group < groups; ++group) {
        sum += image.at<float>(output.parts)[group * output.size + k];
      }
      const float* straight = image.at<float>(average ? output.average_straight : output.straight);
      for_each_straight(image, [&](std::size_t j, float share) {
        sum = multiply_add(share, straight[j * output.size + k], sum);
      });
      image.at<float>(head.prediction)[output.first + k] = sum;
    });
  }
  team.sync();
}

/// Inner sums to answers. By one thread.
HANAMI_HOST_DEVICE inline void predict_outputs(image_view image) {
  for (std::uint32_t o = 0; o < image.head().output_count; ++o) {
    const output_record& output = image.outputs()[o];
    float* answer = image.at<float>(image.head().prediction) + output.first;
    if (output.kind == output_kind::softmax) {
      const std::span<float> values(answer, output.size);
      detail::softmax(values, detail::largest<float>(values, values[0]));
      continue;
    }
    for (std::uint32_t k = 0; k < output.size; ++k) {
      answer[k] = detail::sigmoid(answer[k]);
    }
  }
}

} // namespace hanami::gpu
