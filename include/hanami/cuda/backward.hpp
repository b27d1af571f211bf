// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../algorithm/average.hpp"
#include "../algorithm/backward.hpp"
#include "../algorithm/borders.hpp"
#include "forward.hpp"

/// The backward pass on an image, by a team: gradients first, then corrections, in the order of the
/// serial executor.

namespace hanami::gpu {

/// Deltas of the neurons of a level: what the outputs and the bricks they feed make of them.
template <class Team>
HANAMI_HOST_DEVICE void find_level_deltas(const Team& team, image_view image,
                                          const own_bricks& own) {
  const image_header& head = image.head();
  const std::size_t lanes = head.lanes;
  team.each(own.size() * lanes, [&](std::size_t i) {
    const std::uint32_t index = own[i / lanes];
    const std::size_t lane = i % lanes;
    float& gradient = image.gradients_of(index)[lane];
    if (image.bricks()[index].retired != 0) {
      return;
    }
    float sum = gradient;
    for (std::uint32_t o = 0; o < head.output_count; ++o) {
      const output_record& output = image.outputs()[o];
      const std::uint32_t block = image.at<std::uint32_t>(output.block_of)[index];
      if (block == no_tile) {
        continue;
      }
      const float* errors = image.at<float>(head.output_gradients) + output.first;
      const float* weight = image.at<float>(output.weights) + block * lanes * output.size +
                            lane / chunk_width * output.size * chunk_width + lane % chunk_width;
      for (std::uint32_t k = 0; k < output.size; ++k, weight += chunk_width) {
        sum = multiply_add(errors[k], *weight, sum);
      }
    }
    const float activation = image.activations_of(index)[lane];
    gradient =
        sum * (head.activation == activation_kind::log2 ? log2_activation::derivative(activation)
                                                        : relu::derivative(activation));
  });
}

/// What the bricks of a level pass back to every neuron that feeds them, each brick for itself.
template <class Team>
HANAMI_HOST_DEVICE void pass_back(const Team& team, image_view image, const own_bricks& own) {
  const std::size_t lanes = image.head().lanes;
  for (std::size_t n = 0; n < own.size(); ++n) {
    const std::uint32_t index = own[n];
    const brick_record& brick = image.bricks()[index];
    if (brick.retired != 0 || brick.list_count == brick.input_count) {
      continue;
    }
    const hexagon_record& here = image.hexagons()[brick.hexagon];
    const std::uint32_t* neurons = image.at<std::uint32_t>(here.neurons);
    const float* deltas = image.gradients_of(index);
    const auto local_of = [=](std::size_t i) {
      return neurons[i / chunk_width] * chunk_width + i % chunk_width;
    };
    const auto sends = [&](std::size_t i) {
      const std::size_t c = neurons[i / chunk_width];
      const std::uint32_t bits = std::uint32_t{image.at<std::uint16_t>(here.active)[c]} &
                                 image.at<std::uint16_t>(brick.have)[c];
      return ((bits >> (i % chunk_width)) & 1U) != 0;
    };
    const auto part = [&](std::size_t i, std::size_t first) {
      float sum = 0;
      if (sends(i)) {
        const float* weight = image.tile(image.at<tile_slot>(brick.slot)[local_of(i)]);
        for (std::size_t lane = first; lane < lanes; lane += Team::sum_lanes) {
          sum = multiply_add(weight[lane], deltas[lane], sum);
        }
      }
      return sum;
    };
    team.sum_each(std::size_t{here.neuron_count} * chunk_width, part,
                  [&](std::size_t i, float sum) {
                    image.at<float>(brick.presynaptic_gradients)[i] =
                        sends(i) ? sum * image.at<float>(brick.inverse_width)[local_of(i)] : 0.0f;
                  });
  }
}

/// Adds what the bricks of a level have passed back, hexagon after hexagon and brick after brick.
template <class Team>
HANAMI_HOST_DEVICE void collect_deltas(const Team& team, image_view image,
                                       const level_record& level) {
  const image_header& head = image.head();
  const std::uint32_t* ids = image.at<std::uint32_t>(head.level_hexagons) + level.first_hexagon;
  if (team.rank() != 0) {
    return;
  }
  for (std::uint32_t h = 0; h < level.hexagon_count; ++h) {
    const hexagon_record& here = image.hexagons()[ids[h]];
    if (here.neuron_count == 0) {
      continue;
    }
    const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
    const std::uint32_t* neurons = image.at<std::uint32_t>(here.neurons);
    const std::uint32_t* bricks = image.at<std::uint32_t>(here.bricks);
    team.each(std::size_t{here.neuron_count} * chunk_width, [&](std::size_t i) {
      const std::uint32_t source =
          chunks[neurons[i / chunk_width]].offset + static_cast<std::uint32_t>(i % chunk_width);
      float& gradient = image.at<float>(head.hidden_gradients)[source - head.neurons_begin];
      for (std::uint32_t b = 0; b < here.brick_count; ++b) {
        const brick_record& brick = image.bricks()[bricks[b]];
        if (brick.retired == 0 && brick.list_count != brick.input_count) {
          gradient += image.at<float>(brick.presynaptic_gradients)[i];
        }
      }
    });
    team.sync();
  }
}

/// First half of the backward pass: the gradients of all neurons for the errors of the sample.
template <class Team>
HANAMI_HOST_DEVICE void find_hidden_gradients(const Team& team, image_view image) {
  const image_header& head = image.head();
  team.each_of_all(std::size_t{head.brick_count} * head.lanes,
                   [&](std::size_t i) { image.at<float>(head.hidden_gradients)[i] = 0; });
  team.sync_all();
  for (std::uint32_t n = head.level_count; n-- > 0;) {
    const level_record& level = image.levels()[n];
    const own_bricks own(team, image, level);
    find_level_deltas(team, image, own);
    if (n > 0) { // the first level hears no neurons
      team.sync();
      pass_back(team, image, own);
      team.sync_all();
      collect_deltas(team, image, level);
      team.sync_all();
    }
  }
  team.sync_all();
}

/// The borders of a brick follow its presynaptic nodes, and it counts them.
template <class Team>
HANAMI_HOST_DEVICE void track_borders(const Team& team, image_view image, brick_record& brick) {
  const hexagon_record& here = image.hexagons()[brick.hexagon];
  const presynaptic_chunk* chunks = image.at<presynaptic_chunk>(here.chunks);
  const auto bits = [&](std::size_t c) {
    return std::uint32_t{image.at<std::uint16_t>(here.active)[c]} &
           image.at<std::uint16_t>(brick.have)[c];
  };
  const std::uint32_t count = team.scan(
      here.chunk_count,
      [&](std::size_t c) { return static_cast<std::uint32_t>(std::popcount(bits(c))); },
      [&](std::size_t c, std::uint32_t) {
        if (bits(c) == 0 || chunks[c].is_neuron) {
          return;
        }
        const float* x = image.activations() + chunks[c].offset;
        float* inverse_width = image.at<float>(brick.inverse_width) + c * chunk_width;
        detail::border_shares shares{0, 0, 0};
        for (std::uint32_t i = 0; i < chunk_width; ++i) {
          const float share = x[i] * inverse_width[i];
          shares.above |= static_cast<std::uint32_t>(share > detail::full_share<float>) << i;
          shares.near |= static_cast<std::uint32_t>(share > detail::near_share<float>) << i;
          shares.far |= static_cast<std::uint32_t>(share > detail::far_share<float>) << i;
        }
        detail::move_borders(image.at<border_state>(brick.border_states)[c], bits(c), shares, x,
                             inverse_width);
      });
  team.once([&] { brick.most_active = std::max(brick.most_active, count); });
}

/// The weights of one brick, its biases, and those of the outputs that read it.
template <class Team>
HANAMI_HOST_DEVICE void correct_brick(const Team& team, image_view image, std::uint32_t index,
                                      const step_rates<float>& rates) {
  const image_header& head = image.head();
  const brick_record& brick = image.bricks()[index];
  const std::size_t lanes = head.lanes;
  const float* deltas = image.gradients_of(index);
  team.each(lanes, [&](std::size_t lane) {
    const float step = rates.weight * image.activations_of(index)[lane];
    for (std::uint32_t o = 0; o < head.output_count; ++o) {
      const output_record& output = image.outputs()[o];
      const std::uint32_t block = image.at<std::uint32_t>(output.block_of)[index];
      if (block == no_tile) {
        continue;
      }
      const float* errors = image.at<float>(head.output_gradients) + output.first;
      float* weight = image.at<float>(output.weights) + block * lanes * output.size +
                      lane / chunk_width * output.size * chunk_width + lane % chunk_width;
      for (std::uint32_t k = 0; k < output.size; ++k, weight += chunk_width) {
        *weight = multiply_add(-errors[k], step, *weight);
      }
    }
    float& bias = image.at<float>(brick.bias)[lane];
    bias = multiply_add(-rates.bias, deltas[lane], bias);
  });
  const float rate =
      rates.weight * fan_in_gain<float>(brick.fed_by_neurons != 0, brick.most_active);
  const float* phi = image.at<float>(brick.phi);
  const tile_slot* slot = image.at<tile_slot>(brick.listed);
  team.each(brick.list_count * lanes, [&](std::size_t i) {
    const std::size_t s = i / lanes;
    const std::size_t lane = i % lanes;
    float& weight = image.tile(slot[s])[lane];
    weight = multiply_add(-(rate * phi[s]), deltas[lane], weight);
  });
}

/// Second half of the backward pass: corrects all weights.
template <class Team>
HANAMI_HOST_DEVICE void correct_weights(const Team& team, image_view image,
                                        const step_rates<float>& rates) {
  const image_header& head = image.head();
  for (std::uint32_t n = 0; n < head.level_count; ++n) {
    const own_bricks own(team, image, image.levels()[n]);
    for (std::size_t b = 0; b < own.size(); ++b) {
      brick_record& brick = image.bricks()[own[b]];
      if (brick.retired == 0) {
        track_borders(team, image, brick);
        team.sync();
        correct_brick(team, image, own[b], rates);
      }
    }
  }
  if (team.rank() != 0) {
    return;
  }
  for (std::uint32_t o = 0; o < head.output_count; ++o) {
    const output_record& output = image.outputs()[o];
    team.each(output.size, [&](std::size_t k) {
      const float error = image.at<float>(head.output_gradients)[output.first + k];
      float& bias = image.at<float>(output.bias)[k];
      bias = multiply_add(-rates.output_bias, error, bias);
      float squares = 0;
      for_each_straight(
          image, [&](std::size_t, float share) { squares = multiply_add(share, share, squares); });
      const float rate = rates.weight * straight_gain(squares);
      for_each_straight(image, [&](std::size_t j, float share) {
        float& weight = image.at<float>(output.straight)[j * output.size + k];
        weight = multiply_add(-error, rate * share, weight);
      });
    });
  }
}

/// Adds up how wrong the neurons of every hexagon were; by the first block. The sums are halved
/// whenever the loss asks for a brick that no hexagon has room for.
template <class Team>
HANAMI_HOST_DEVICE void note_errors(const Team& team, image_view image) {
  image_header& head = image.head();
  const auto part = [&](std::size_t b, std::size_t first) {
    float sum = 0;
    for (std::size_t lane = first; lane < head.lanes; lane += Team::sum_lanes) {
      const float gradient = image.gradients_of(b)[lane];
      sum = multiply_add(gradient, gradient, sum);
    }
    return sum;
  };
  team.sum_each(head.brick_count, part,
                [&](std::size_t b, float sum) { image.bricks()[b].squares = sum; });
  team.sync();
  team.once([&] {
    const bool due = head.progress.brick_due(head.loss, head.brick_loss);
    head.progress.loss_sum += head.loss;
    head.progress.loss_sum -= due ? head.brick_loss : 0;
    for (std::uint32_t h = 0; h < head.hexagon_count; ++h) {
      hexagon_record& here = image.hexagons()[h];
      const std::uint32_t* bricks = image.at<std::uint32_t>(here.bricks);
      double sum = 0;
      for (std::uint32_t b = 0; b < here.brick_count; ++b) {
        sum += static_cast<double>(image.bricks()[bricks[b]].squares);
      }
      const double more =
          here.brick_count == 0 ? 0 : sum / static_cast<double>(here.brick_count * head.lanes);
      if (std::isfinite(here.error_sum + more)) {
        here.error_sum += more;
      }
      here.error_sum /= due ? 2 : 1;
    }
  });
}

/// Notes which neurons are active.
template <class Team>
HANAMI_HOST_DEVICE void note_active(const Team& team, image_view image) {
  const image_header& head = image.head();
  const std::size_t chunks = head.lanes / chunk_width;
  team.each_of_all(head.brick_count * chunks, [&](std::size_t i) {
    const float* activations = image.activations_of(i / chunks) + i % chunks * chunk_width;
    std::uint32_t bits = 0;
    for (std::uint32_t k = 0; k < chunk_width; ++k) {
      bits |= static_cast<std::uint32_t>(activations[k] > 0.0f) << k;
    }
    std::uint16_t& noted = image.bricks()[i / chunks].active_lanes[i % chunks];
    noted = static_cast<std::uint16_t>(noted | bits);
  });
}

/// One update of the running average of all weights, as far as the header says.
template <class Team>
HANAMI_HOST_DEVICE void update_average(const Team& team, image_view image) {
  const image_header& head = image.head();
  const float share = head.average_share;
  const auto approach_at = [&](float* average, const float* weights, std::size_t count) {
    team.each_of_all(count, [&](std::size_t i) {
      average[i] = multiply_add(share, weights[i] - average[i], average[i]);
    });
  };
  const auto approach = [&](place average, place weights, std::size_t count) {
    approach_at(image.at<float>(average), image.at<float>(weights), count);
  };
  approach_at(image.tiles(true), image.tiles(false), std::size_t{head.tiles_used} * head.lanes);
  for (std::uint32_t b = 0; b < head.brick_count; ++b) {
    approach(image.bricks()[b].average_bias, image.bricks()[b].bias, head.lanes);
  }
  for (std::uint32_t o = 0; o < head.output_count; ++o) {
    const output_record& output = image.outputs()[o];
    const std::size_t lanes = std::size_t{output.brick_count} * head.lanes;
    approach(output.average_weights, output.weights, lanes * output.size);
    approach(output.average_bias, output.bias, output.size);
    approach(output.average_straight, output.straight, straight_rows(head) * output.size);
  }
}

} // namespace hanami::gpu
