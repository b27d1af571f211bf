// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "../structure/topology.hpp"

/// What a picture of a cluster shows, apart from how it looks; `draw.hpp` makes pictures of it.

namespace hanami::inline HANAMI_ISA::detail::drawing {

/// Ends of links are numbers: hexagons first, then inputs, then outputs.
using node = std::uint32_t;

enum class link_kind : std::uint8_t {
  input,   ///< nodes of an input are read
  hexagon, ///< neurons are read by neurons
  output   ///< neurons are read by an output
};

struct link {
  node from = 0;
  node to = 0;
  link_kind kind = link_kind::hexagon;
  std::uint32_t distance = 1;
  /// Planned: input nodes read, or 1. Grown: sections, or synapses of an output.
  std::uint64_t count = 0;
};

/// The part of a shaped input that a hexagon sees.
struct window {
  std::uint32_t input = 0;
  std::uint32_t rows = 0; ///< of the input
  std::uint32_t columns = 0;
  std::uint32_t top = 0; ///< of the window
  std::uint32_t left = 0;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
};

struct cell {
  const hexagon_layout* hexagon = nullptr;
  std::optional<window> sees;
  std::uint64_t nodes = 0; ///< of inputs that it reads
  std::uint64_t bricks = 0;
  std::uint64_t sections = 0;
  std::uint64_t steps = 0;
};

/// An input or an output.
struct port {
  std::string name;
  std::string details;       ///< size and kind
  std::optional<node> place; ///< the hexagon it stands in, if that is in the picture
};

struct graph {
  bool grown = false;
  std::uint64_t lanes = 0;
  std::vector<cell> cells;
  std::vector<port> inputs;
  std::vector<port> outputs;
  std::vector<link> links;
  std::array<std::uint64_t, 3> most{}; ///< largest count of a link, by kind
  std::uint64_t most_steps = 0;        ///< of a hexagon
  std::string room;                    ///< for neurons, in words
  std::string title;
  std::string note; ///< what is left out, if anything

  node input_node(std::size_t i) const { return static_cast<node>(cells.size() + i); }
  node output_node(std::size_t o) const {
    return static_cast<node>(cells.size() + inputs.size() + o);
  }
  /// Where links of an input begin: its place, or the box beside the hexagons.
  node start_of(std::size_t i) const { return inputs[i].place.value_or(input_node(i)); }
  node end_of(std::size_t o) const { return outputs[o].place.value_or(output_node(o)); }
};

/// Groups of three digits.
inline std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) {
    text.insert(at - 3, 1, ',');
  }
  return text;
}

inline std::string counted(std::uint64_t number, std::string_view thing) {
  return grouped(number) + " " + std::string(thing) + (number == 1 ? "" : "s");
}

inline std::string place_text(hex_position at) {
  return std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z);
}

/// ASCII that can be seen; names of a checked template are nothing else.
inline char printable(char c) noexcept { return c >= ' ' && c <= '~' ? c : '?'; }

/// 0..1: how much of a link there is, beside the largest one of its kind.
inline double weight_of(const graph& g, const link& l) {
  const std::uint64_t most = g.most[static_cast<std::size_t>(l.kind)];
  return most == 0 ? 0.0 : static_cast<double>(l.count) / static_cast<double>(most);
}

inline std::string node_text(const graph& g, node end) {
  if (end < g.input_node(0)) {
    return "(" + place_text(g.cells[end].hexagon->position) + ")";
  }
  const bool is_input = end < g.output_node(0);
  return is_input ? g.inputs[end - g.input_node(0)].name : g.outputs[end - g.output_node(0)].name;
}

/// What a link is, in words.
inline std::string link_text(const graph& g, const link& l) {
  std::string text = node_text(g, l.from) + " to " + node_text(g, l.to);
  if (l.distance > 1) {
    text += ", " + std::to_string(l.distance) + " steps away";
  }
  if (g.grown) {
    text += ": " + counted(l.count, l.kind == link_kind::output ? "weight" : "section");
  } else if (l.kind == link_kind::input) {
    text += ": " + counted(l.count, "value");
  }
  return text;
}

/// What a hexagon holds, line by line.
inline std::vector<std::string> cell_lines(const graph& g, const cell& one) {
  if (!one.hexagon->holds_bricks) {
    return {one.hexagon->has_inputs ? "inputs" : one.hexagon->has_outputs ? "outputs" : "not used"};
  }
  std::vector<std::string> lines;
  if (g.grown) {
    lines.push_back(counted(one.sections, "section"));
    if (one.steps != one.sections) {
      lines.push_back(counted(one.steps, "step"));
    }
    lines.push_back(counted(one.bricks * g.lanes, "neuron"));
    if (one.bricks > 1) {
      lines.push_back(counted(one.bricks, "brick"));
    }
  } else if (one.nodes > 0) {
    lines.push_back("reads " + counted(one.nodes, "value"));
  }
  return lines;
}

inline std::string summary(const graph& g) {
  std::uint64_t bricks = 0;
  std::uint64_t sections = 0;
  std::uint64_t steps = 0;
  for (const cell& one : g.cells) {
    bricks += one.bricks;
    sections += one.sections;
    steps += one.steps;
  }
  const std::string hexagons = counted(g.cells.size(), "hexagon");
  if (!g.grown) {
    return "Plan: " + hexagons + ", " + g.room;
  }
  return "Grown: " + hexagons + ", " + counted(bricks, "brick") + ", " +
         counted(bricks * g.lanes, "neuron") + ", " + counted(sections, "section") +
         (steps == sections ? "" : ", " + counted(steps, "step"));
}

/// Leaves one link for each pair of ends and sums up. A link from a hexagon to itself (an input's
/// place with neurons) is none.
inline void finish(graph& g) {
  const auto key = [](const link& l) { return std::tuple(l.kind, l.from, l.to); };
  std::erase_if(g.links, [](const link& l) { return l.from == l.to; });
  std::sort(g.links.begin(), g.links.end(), [&](const link& a, const link& b) {
    return std::tuple(key(a), a.distance) < std::tuple(key(b), b.distance);
  });
  std::vector<link> merged;
  for (const link& l : g.links) {
    if (!merged.empty() && key(merged.back()) == key(l)) {
      merged.back().count += l.count;
    } else {
      merged.push_back(l);
    }
  }
  g.links = std::move(merged);
  for (const link& l : g.links) {
    auto& most = g.most[static_cast<std::size_t>(l.kind)];
    most = std::max(most, l.count);
  }
  for (const cell& one : g.cells) {
    g.most_steps = std::max(g.most_steps, one.steps);
  }
  g.title = summary(g);
}

} // namespace hanami::detail::drawing
