// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../algorithm/forward.hpp"
#include "../algorithm/lanes.hpp"
#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "kernels.hpp"

/// Bricks and outputs with 8-bit weights. Both are readers: lanes that sum what presynaptic nodes
/// send.

namespace hanami::inline HANAMI_ISA {

/// A step as a quantized reader takes it over; its weight for lane k is `weight[k * stride]` with
/// the stride of the reader.
template <class Weight>
struct step_source {
  bool is_neuron = false;
  std::uint32_t step = 0;     ///< of its section
  std::uint32_t position = 0; ///< of the presynaptic node in the array of presynaptic nodes
  float lower = 0;
  float inverse_width = 1;
  const Weight* weight = nullptr;
};

/// The presynaptic nodes of one kind, inputs or neurons, that a reader has steps for. Chunks of 16
/// begin wherever the next presynaptic node is, whatever its alignment: few chunks, few quads.
struct quantized_sources {
  std::vector<std::uint32_t>
      offset; ///< per chunk: of its first presynaptic node in the array of presynaptic nodes
  aligned_vector<float>
      inverse_width;           ///< per presynaptic node of a chunk; 0: no step. Inputs: times 127
  aligned_vector<float> lower; ///< the same; empty where all of them are 0
  std::vector<std::uint32_t> tile; ///< per quad; `no_tile` where no presynaptic node has a step

  std::size_t bytes() const noexcept {
    return allocated_bytes(offset) + allocated_bytes(inverse_width) + allocated_bytes(lower) +
           allocated_bytes(tile);
  }

  /// Whether the lists fit each other, `tiles` tiles and an array of `sources` presynaptic nodes.
  bool fits(std::size_t tiles, std::size_t sources) const noexcept {
    const auto range = [](float x) { return x >= 0 && x <= std::numeric_limits<float>::max(); };
    if (tile.size() % quad_block != 0 || offset.size() != tile.size() / quads_per_chunk ||
        inverse_width.size() != tile.size() * quad_width ||
        (!lower.empty() && lower.size() != inverse_width.size()) || (!tile.empty() && tiles == 0)) {
      return false;
    }
    for (std::size_t q = 0; q < tile.size(); ++q) {
      const float* widths = inverse_width.data() + q * quad_width;
      const bool silent = std::all_of(widths, widths + quad_width, [](float x) { return x == 0; });
      if (tile[q] >= tiles && !(tile[q] == no_tile && silent)) {
        return false;
      }
    }
    return std::all_of(inverse_width.begin(), inverse_width.end(), range) &&
           std::all_of(lower.begin(), lower.end(), range) &&
           std::all_of(offset.begin(), offset.end(), [&](std::uint32_t at) {
             return std::uint64_t{at} + chunk_width <= sources;
           });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(offset, inverse_width, lower, tile);
  }
};

/// A brick or an output. Lanes stand in blocks of `block_lanes`: one block in a brick, as many as
/// it takes in an output. Block b has its tiles at `b * tile_count`.
struct quantized_reader {
  std::size_t block_lanes = 0;
  std::size_t tile_count = 0; ///< of a block
  quantized_sources inputs;
  quantized_sources neurons;
  aligned_vector<std::int8_t> tiles;
  aligned_vector<float> scale; ///< per lane: of the sum of codes of shares up to 1
  aligned_vector<float> bias;  ///< per lane

  std::size_t lanes() const noexcept { return bias.size(); }
  std::size_t bytes() const noexcept {
    return inputs.bytes() + neurons.bytes() + allocated_bytes(tiles) + allocated_bytes(scale) +
           allocated_bytes(bias);
  }

  /// Whether its lists fit each other and an array of `sources` presynaptic nodes.
  bool fits(std::size_t sources) const noexcept {
    const bool known = block_lanes == 16 || block_lanes == 32 || block_lanes == 64 ||
                       block_lanes == 128 || block_lanes == 256;
    return known && !bias.empty() && lanes() % block_lanes == 0 && scale.size() == lanes() &&
           tile_count < no_tile && tiles.size() / quad_width / lanes() == tile_count &&
           tiles.size() % (quad_width * lanes()) == 0 && inputs.fits(tile_count, sources) &&
           neurons.fits(tile_count, sources);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t block = block_lanes;
    std::uint64_t count = tile_count;
    archive(block, count, inputs, neurons, tiles, scale, bias);
    block_lanes = to_size(block);
    tile_count = to_size(count);
  }
};

/// What a reader writes while it sums; fits every reader it was made for.
struct quantized_scratch {
  aligned_vector<std::uint32_t> codes; ///< per active quad
  aligned_vector<std::uint32_t> tiles;
  aligned_vector<std::int32_t> sums; ///< of one block
  aligned_vector<float> activations; ///< per lane

  void fit(const quantized_reader& reader) {
    const std::size_t quads = std::max(reader.inputs.tile.size(), reader.neurons.tile.size());
    const auto grow = [](auto& values, std::size_t size) {
      values.resize(std::max(values.size(), size));
    };
    grow(codes, quads + quad_block);
    grow(tiles, quads + quad_block);
    grow(sums, reader.block_lanes);
    grow(activations, reader.lanes());
  }
};

namespace detail {

/// Turns the steps of a reader, in any order, into quads of codes.
template <class Weight>
class reader_maker {
 public:
  reader_maker(std::size_t lanes, std::size_t stride, std::vector<step_source<Weight>> steps)
      : lanes_(lanes), stride_(stride), steps_(std::move(steps)) {}

  quantized_reader run(const float* bias) {
    reader_.block_lanes = block_lanes(lanes_);
    reader_.bias.resize(round_up(lanes_, reader_.block_lanes));
    std::copy_n(bias, lanes_, reader_.bias.data());
    find_scales();
    std::sort(steps_.begin(), steps_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.is_neuron, a.step, a.position) < std::tie(b.is_neuron, b.step, b.position);
    });
    place_steps();
    const std::size_t blocks = reader_.lanes() / reader_.block_lanes;
    reader_.tiles.resize(blocks * reader_.tile_count * reader_.block_lanes * quad_width);
    for (std::size_t k = 0; k < steps_.size(); ++k) {
      write_weights(steps_[k], place_[k]);
    }
    return std::move(reader_);
  }

 private:
  /// Bricks come in these sizes; an output takes the smallest, or several of 64.
  static std::size_t block_lanes(std::size_t lanes) noexcept {
    for (const std::size_t size : {16U, 32U, 64U}) {
      if (lanes <= size) {
        return size;
      }
    }
    return lanes == 128 || lanes == 256 ? lanes : 64;
  }

  void find_scales() {
    reader_.scale.resize(reader_.lanes());
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      float most = 0;
      for (const step_source<Weight>& step : steps_) {
        const float weight = std::abs(float{step.weight[lane * stride_]});
        if (!(weight <= std::numeric_limits<float>::max())) {
          raise(errc::invalid_argument,
                "a weight of the cluster is not finite; an 8-bit copy needs finite ones");
        }
        most = std::max(most, weight);
      }
      reader_.scale[lane] = most / static_cast<float>(largest_code * largest_code);
    }
  }

  /// Finds the tile and the place in its quad of every step.
  void place_steps() {
    const step_source<Weight>* first = nullptr; // of the chunk
    for (const step_source<Weight>& step : steps_) {
      auto& to = step.is_neuron ? reader_.neurons : reader_.inputs;
      if (first == nullptr || step.is_neuron != first->is_neuron || step.step != first->step ||
          step.position >= first->position + chunk_width) {
        first = &step;
        open_chunk(to, step.position);
      }
      const std::size_t at = step.position - first->position;
      const std::size_t source = to.inverse_width.size() - chunk_width + at;
      to.inverse_width[source] = step.is_neuron ? step.inverse_width : times_code(step);
      to.lower[source] = step.lower;
      std::uint32_t& tile = to.tile[source / quad_width];
      if (tile == no_tile) {
        tile = static_cast<std::uint32_t>(reader_.tile_count++);
      }
      place_.push_back(tile * quad_width + at % quad_width);
    }
    finish(reader_.inputs);
    finish(reader_.neurons);
  }

  static float times_code(const step_source<Weight>& step) noexcept {
    return std::min(step.inverse_width * static_cast<float>(largest_code),
                    std::numeric_limits<float>::max());
  }

  static void open_chunk(quantized_sources& to, std::uint32_t position) {
    to.offset.push_back(position);
    to.inverse_width.resize(to.inverse_width.size() + chunk_width);
    to.lower.resize(to.inverse_width.size());
    to.tile.resize(to.tile.size() + quads_per_chunk, no_tile);
  }

  static void finish(quantized_sources& to) {
    to.tile.resize(round_up(to.tile.size(), quad_block), no_tile);
    to.offset.resize(to.tile.size() / quads_per_chunk);
    to.inverse_width.resize(to.tile.size() * quad_width);
    to.lower.resize(to.inverse_width.size());
    if (std::all_of(to.lower.begin(), to.lower.end(), [](float x) { return x == 0.0f; })) {
      to.lower.clear();
    }
    to.offset.shrink_to_fit();
    to.inverse_width.shrink_to_fit();
    to.lower.shrink_to_fit();
    to.tile.shrink_to_fit();
  }

  void write_weights(const step_source<Weight>& step, std::size_t place) {
    const std::size_t lanes = reader_.block_lanes;
    const std::size_t tile = place / quad_width;
    for (std::size_t lane = 0; lane < lanes_; ++lane) {
      const float unit = reader_.scale[lane] * static_cast<float>(largest_code);
      const float code =
          unit > 0 ? std::nearbyint(float{step.weight[lane * stride_]} / unit) : 0.0f;
      const std::size_t block_tile = lane / lanes * reader_.tile_count + tile;
      reader_.tiles[(block_tile * lanes + lane % lanes) * quad_width + place % quad_width] =
          static_cast<std::int8_t>(std::clamp(code, -127.0f, 127.0f));
    }
  }

  std::size_t lanes_;
  std::size_t stride_;
  std::vector<step_source<Weight>> steps_;
  std::vector<std::size_t> place_; ///< per step: 4 x tile + place in the quad
  quantized_reader reader_;
};

/// How the shares of some presynaptic nodes are found: those of inputs without chains cannot be
/// negative.
enum class share_kind : std::uint8_t { plain_inputs, neurons, chains };

/// Shares of the presynaptic nodes of `from`, before any limit, as vectors.
template <share_kind Kind>
struct share_reader {
  const std::uint32_t* offset;
  const float* inverse_width;
  const float* lower;
  const float* sources;

  share_reader(const quantized_sources& from, const float* all) noexcept
      : offset(from.offset.data()), inverse_width(from.inverse_width.data()),
        lower(from.lower.data()), sources(all) {}

  /// Those from presynaptic node `k` of chunk `chunk` on.
  HANAMI_INLINE simd<float> operator()(std::size_t chunk, std::size_t k) const noexcept {
    const std::size_t at = chunk * chunk_width + k;
    simd<float> x = simd_load(sources + offset[chunk] + k);
    if constexpr (Kind == share_kind::chains) {
      x -= simd_load(lower + at);
    }
    const simd<float> share = x * simd_load(inverse_width + at);
    if constexpr (Kind == share_kind::plain_inputs) {
      return share;
    }
    const simd<float> zero{};
    return share > zero ? share : zero; // of NaN too
  }
};

/// Lists the active quads. Inputs: `factor` 1, else 127 / the largest share.
template <share_kind Kind>
std::size_t list_sources(const quantized_sources& from, const float* sources, float factor,
                         quantized_scratch& scratch) noexcept {
  const share_reader<Kind> shares(from, sources);
  const simd<float> factors = simd_fill(factor);
  return list_quads(
      [&](std::size_t chunk, std::size_t k) {
        const simd<float> share = shares(chunk, k);
        return Kind == share_kind::plain_inputs ? share : share * factors;
      },
      from.tile.data(), from.tile.size(), scratch.codes.data(), scratch.tiles.data());
}

/// The largest share that a presynaptic node sends.
template <share_kind Kind>
float largest_share(const quantized_sources& from, const float* sources) noexcept {
  const share_reader<Kind> shares(from, sources);
  simd<float> most{};
  for (std::size_t chunk = 0; chunk < from.offset.size(); ++chunk) {
    for (std::size_t k = 0; k < chunk_width; k += simd_width<float>) {
      const simd<float> share = shares(chunk, k);
      most = share > most ? share : most;
    }
  }
  return std::min(simd_max(most), open_above<float>);
}

/// Adds what some presynaptic nodes send to the activations in `scratch`, in exact sums as far as
/// 32 bits go.
template <std::size_t Lanes>
void add_listed(const quantized_reader& reader, std::size_t listed, float unit,
                quantized_scratch& scratch) noexcept {
  const std::size_t blocks = reader.lanes() / Lanes;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::int8_t* tiles = reader.tiles.data() + block * reader.tile_count * Lanes * quad_width;
    for (std::size_t first = 0; first < listed; first += most_quads_per_sum) {
      sum_quads<Lanes>(tiles, scratch.codes.data() + first, scratch.tiles.data() + first,
                       std::min(listed - first, most_quads_per_sum), scratch.sums.data());
      add_scaled<Lanes>(scratch.sums.data(), reader.scale.data() + block * Lanes, unit,
                        scratch.activations.data() + block * Lanes);
    }
  }
}

template <share_kind Kind>
void add_sources(const quantized_reader& reader, const quantized_sources& from, bool neurons,
                 const float* sources, quantized_scratch& scratch) noexcept {
  constexpr float least_unit = 1e-30f; // 1 / unit must be finite
  const float unit = neurons ? largest_share<Kind>(from, sources) : 1.0f;
  if (!(unit > least_unit)) {
    return;
  }
  const float factor = neurons ? static_cast<float>(largest_code) / unit : 1.0f;
  const std::size_t listed = list_sources<Kind>(from, sources, factor, scratch);
  const auto add = [&](auto lanes) { add_listed<lanes()>(reader, listed, unit, scratch); };
  if (reader.block_lanes == 16) {
    add(std::integral_constant<std::size_t, 16>{});
  } else {
    with_lanes(reader.block_lanes, add);
  }
}

} // namespace detail

/// Inner sums of all lanes of a reader, bias included, into `scratch.activations`. `presynaptic
/// nodes` is padded by a chunk. Shares of inputs end at 1; those of neurons are open above, so that
/// their codes are relative to the largest one of the sample.
inline void read_sources(const quantized_reader& reader, const float* sources,
                         quantized_scratch& scratch) noexcept {
  std::copy(reader.bias.begin(), reader.bias.end(), scratch.activations.begin());
  for (const bool neurons : {false, true}) {
    const quantized_sources& from = neurons ? reader.neurons : reader.inputs;
    if (from.offset.empty()) {
      continue;
    }
    if (!from.lower.empty()) {
      detail::add_sources<detail::share_kind::chains>(reader, from, neurons, sources, scratch);
    } else if (neurons) {
      detail::add_sources<detail::share_kind::neurons>(reader, from, true, sources, scratch);
    } else {
      detail::add_sources<detail::share_kind::plain_inputs>(reader, from, false, sources, scratch);
    }
  }
}

/// The 8-bit copy of brick `index`.
template <class Weight>
quantized_reader quantize_brick(const network<float, Weight>& net, std::size_t index,
                                weight_set weights) {
  const auto& b = net.bricks[index];
  const bool average = weights == weight_set::average && net.averaging();
  const Weight* tiles = average ? net.tiles.average() : net.tiles.weights();
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  std::vector<step_source<Weight>> steps;
  for (std::size_t local = 0; local < b.chunks() * chunk_width; ++local) {
    const presynaptic_chunk& chunk = chunks[local / chunk_width];
    const auto position = static_cast<std::uint32_t>(chunk.offset + local % chunk_width);
    const std::uint32_t count = b.step_count(local);
    for (std::uint32_t k = 0; k < count; ++k) {
      const std::size_t step = local * b.max_steps + k;
      steps.push_back({chunk.is_neuron, k, position, b.max_steps == 1 ? 0.0f : b.lower[step],
                       b.inverse_width[step], tiles + b.slot[step] * net.lanes()});
    }
  }
  return detail::reader_maker<Weight>(net.lanes(), 1, std::move(steps))
      .run(average ? b.average_bias.data() : b.bias.data());
}

/// The 8-bit copy of output `index`: a reader of neurons with one step each.
template <class Weight>
quantized_reader quantize_output(const network<float, Weight>& net, std::size_t index,
                                 weight_set weights) {
  const auto& layer = net.outputs[index];
  const std::size_t size = net.topology.outputs[index].size;
  const bool average = weights == weight_set::average && net.averaging();
  const float* weight = average ? layer.average_weights.data() : layer.weights.data();
  std::vector<step_source<float>> steps;
  for (const std::uint32_t brick : layer.bricks) {
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      const auto position = static_cast<std::uint32_t>(net.neurons_of(brick) + lane);
      steps.push_back({true, 0, position, 0.0f, 1.0f,
                       weight + lane / chunk_width * size * chunk_width + lane % chunk_width});
    }
    weight += net.lanes() * size;
  }
  return detail::reader_maker<float>(size, chunk_width, std::move(steps))
      .run(average ? layer.average_bias.data() : layer.bias.data());
}

} // namespace hanami
