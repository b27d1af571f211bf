// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "../foundation/ids.hpp"
#include "../foundation/memory.hpp"
#include "../template/cluster_template.hpp"

/// Who feeds whom: the template turned into lists that the algorithms walk.
///
/// Every presynaptic node of a cluster has a place in one array: first the positive parts of all
/// inputs (of dense columns: what is above their centre), then their negative parts, then the
/// neurons of one brick after the other. Signals run from the inputs to the outputs: a hexagon
/// feeds those within reach that stand further from the inputs than itself (its rank), so that the
/// network is free of cycles whatever the order of the text.

namespace hanami::inline HANAMI_ISA {

/// Up to 16 neighbouring presynaptic nodes that a hexagon reads.
struct presynaptic_chunk {
  std::uint32_t offset = 0; ///< of the first one in the array of presynaptic nodes
  std::uint16_t mask = 0;   ///< which of the 16 are read
  bool is_neuron = false;   ///< neurons: border 1, open above; inputs: a learned border
  std::uint16_t distance = 1;
  std::uint16_t centred = 0; ///< which of the 16 are one side of a dense column

  template <class Archive>
  void serialize(Archive& archive) {
    archive(offset, mask, is_neuron, distance, centred);
  }
};

/// Another hexagon that feeds this one, and how many steps away it is.
struct hexagon_link {
  hexagon_id from{};
  std::uint16_t distance = 1;
};

struct hexagon_layout {
  hex_position position;
  std::uint32_t rank = unreached;
  bool has_inputs = false;
  bool has_outputs = false;
  bool holds_bricks = false;                   ///< neurons live here
  std::vector<presynaptic_chunk> input_chunks; ///< of the positive parts
  std::vector<hexagon_link> fed_by;            ///< hexagons of neurons, nearest first
  std::uint32_t max_steps = 1;                 ///< of a section that ends here
  spiking_layout spiking;                      ///< of its neurons

  static constexpr std::uint32_t unreached = std::numeric_limits<std::uint32_t>::max();
};

struct input_layout {
  std::string name;
  std::uint32_t offset = 0; ///< in the array of presynaptic nodes
  std::uint32_t first = 0;  ///< in the flat vector of input values
  std::uint32_t size = 0;   ///< rows x columns
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::optional<hexagon_id> target; ///< none: windows alone read it
};

struct output_layout {
  std::string name;
  output_kind kind = output_kind::sigmoid;
  std::uint32_t first = 0; ///< in the flat vector of output values
  std::uint32_t size = 0;
  hexagon_id target{};
  std::vector<hexagon_id> reads;
  value_loss loss{}; ///< of linear outputs
};

/// Bounds the time and the memory that a template can ask for, whatever it says.
struct topology_limits {
  /// Connections followed between hexagons, input chunks and what outputs read, all together.
  static constexpr std::size_t connections = std::size_t{1} << 25;
};

/// Who stands where and who reads whom in a cluster; never changes after it is made.
struct topology {
  cluster_settings settings;
  std::vector<hexagon_layout> hexagons;
  std::vector<input_layout> inputs;
  std::vector<output_layout> outputs;
  /// Hexagons of neurons by rank: those of one level do not feed each other.
  std::vector<std::vector<hexagon_id>> levels;
  std::uint32_t input_size = 0;  ///< values of one sample
  std::uint32_t output_size = 0; ///< values of one answer
  std::uint32_t negative_part =
      0; ///< where the negative parts begin in the array of presynaptic nodes
  std::uint32_t neurons_begin = 0; ///< where the neurons begin

  /// Whether any neurons remember older samples.
  bool spikes() const noexcept {
    return std::any_of(hexagons.begin(), hexagons.end(), [](const hexagon_layout& h) {
      return h.holds_bricks && h.spiking.spikes();
    });
  }

  std::size_t bytes() const noexcept {
    std::size_t sum = allocated_bytes(hexagons) + allocated_bytes(inputs) +
                      allocated_bytes(outputs) + allocated_bytes(levels);
    for (const auto& h : hexagons) {
      sum += allocated_bytes(h.input_chunks) + allocated_bytes(h.fed_by);
    }
    for (const auto& o : outputs) {
      sum += allocated_bytes(o.reads);
    }
    for (const auto& level : levels) {
      sum += allocated_bytes(level);
    }
    return sum;
  }

  hexagon_layout& operator[](hexagon_id id) noexcept { return hexagons[index_of(id)]; }
  const hexagon_layout& operator[](hexagon_id id) const noexcept { return hexagons[index_of(id)]; }
};

} // namespace hanami
