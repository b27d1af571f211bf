// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../structure/topology.hpp"
#include "graph.hpp"

/// Reads off a topology what a picture shows: windows, places of inputs and outputs, links.

namespace hanami::inline HANAMI_ISA::detail::drawing {

inline std::size_t input_at(const topology& topology, std::uint32_t offset) {
  const auto next = std::upper_bound(
      topology.inputs.begin(), topology.inputs.end(), offset,
      [](std::uint32_t value, const input_layout& input) { return value < input.offset; });
  return static_cast<std::size_t>(next - topology.inputs.begin()) - 1;
}

/// The smallest window around the nodes of a chunk.
inline window window_around(const topology& topology, const presynaptic_chunk& chunk) {
  const std::size_t i = input_at(topology, chunk.offset);
  const input_layout& input = topology.inputs[i];
  const std::uint32_t first = chunk.offset - input.offset;
  const std::uint32_t last = first + static_cast<std::uint32_t>(std::popcount(chunk.mask)) - 1;
  const std::uint32_t top = first / input.columns;
  const std::uint32_t bottom = last / input.columns;
  const std::uint32_t left = top == bottom ? first % input.columns : 0;
  const std::uint32_t right = top == bottom ? last % input.columns : input.columns - 1;
  return {static_cast<std::uint32_t>(i),
          input.rows,
          input.columns,
          top,
          left,
          bottom - top + 1,
          right - left + 1};
}

inline void widen(window& w, const window& by) {
  const std::uint32_t bottom = std::max(w.top + w.height, by.top + by.height);
  const std::uint32_t right = std::max(w.left + w.width, by.left + by.width);
  w.top = std::min(w.top, by.top);
  w.left = std::min(w.left, by.left);
  w.height = bottom - w.top;
  w.width = right - w.left;
}

/// What the hexagon sees of the first input that it does not see as a whole.
inline std::optional<window> window_of(const topology& topology, const hexagon_layout& hexagon) {
  std::map<std::uint32_t, window> seen; // by input
  for (const presynaptic_chunk& chunk : hexagon.input_chunks) {
    const window part = window_around(topology, chunk);
    widen(seen.emplace(part.input, part).first->second, part);
  }
  for (const auto& [input, w] : seen) {
    if (w.height < w.rows || w.width < w.columns) {
      return w;
    }
  }
  return std::nullopt;
}

/// Fills a graph from a topology.
class describer {
 public:
  describer(const topology& topology, bool grown) : topology_(topology) {
    made_.grown = grown;
    made_.lanes = topology.settings.brick_size;
    const auto first = topology.settings.initial_bricks;
    const auto last = topology.settings.max_bricks;
    const auto with_bricks = std::count_if(topology.hexagons.begin(), topology.hexagons.end(),
                                           [](const auto& h) { return h.holds_bricks; });
    made_.room = std::to_string(with_bricks) + " with " +
                 (first < last ? std::to_string(first) + " to " : "") + counted(last, "brick") +
                 " of " + std::to_string(made_.lanes) + " neurons";
  }

  graph run() {
    add_cells();
    add_ports();
    add_links();
    return std::move(made_);
  }

 private:
  void add_cells() {
    for (const hexagon_layout& hexagon : topology_.hexagons) {
      cell& one = made_.cells.emplace_back();
      one.hexagon = &hexagon;
      if (hexagon.holds_bricks) {
        one.sees = window_of(topology_, hexagon);
        for (const presynaptic_chunk& chunk : hexagon.input_chunks) {
          one.nodes += static_cast<std::uint64_t>(std::popcount(chunk.mask));
        }
      }
    }
  }

  void add_ports() {
    for (const auto& input : topology_.inputs) {
      const std::string size = input.rows > 1 ? std::to_string(input.rows) + " x " +
                                                    std::to_string(input.columns) + " values"
                                              : counted(input.size, "value");
      made_.inputs.push_back({input.name, size, {}});
      if (input.target) {
        made_.inputs.back().place = static_cast<node>(index_of(*input.target));
      }
    }
    for (const auto& output : topology_.outputs) {
      static constexpr std::string_view kinds[] = {"softmax", "sigmoid", "linear"};
      const std::string kind(kinds[static_cast<std::size_t>(output.kind)]);
      made_.outputs.push_back({output.name, counted(output.size, "value") + ", " + kind,
                               static_cast<node>(index_of(output.target))});
    }
  }

  void add_links() {
    const auto add = [&](node from, node to, link_kind kind, std::uint32_t distance,
                         std::uint64_t count) {
      const std::uint64_t shown = made_.grown ? 0 : count;
      auto& links = made_.links;
      if (!links.empty() && links.back().kind == kind && links.back().from == from &&
          links.back().to == to) {
        links.back().count += shown; // an input can have a million chunks
      } else {
        links.push_back({from, to, kind, distance, shown});
      }
    };
    for (std::size_t h = 0; h < topology_.hexagons.size(); ++h) {
      const auto to = static_cast<node>(h);
      if (!topology_.hexagons[h].holds_bricks) {
        continue;
      }
      for (const presynaptic_chunk& chunk : topology_.hexagons[h].input_chunks) {
        add(made_.start_of(input_at(topology_, chunk.offset)), to, link_kind::input, chunk.distance,
            static_cast<std::uint64_t>(std::popcount(chunk.mask)));
      }
      for (const hexagon_link& by : topology_.hexagons[h].fed_by) {
        if (topology_[by.from].holds_bricks) {
          add(static_cast<node>(index_of(by.from)), to, link_kind::hexagon, by.distance, 1);
        }
      }
    }
    for (std::size_t o = 0; o < topology_.outputs.size(); ++o) {
      for (const hexagon_id from : topology_.outputs[o].reads) {
        add(static_cast<node>(index_of(from)), made_.end_of(o), link_kind::output, 1, 1);
      }
    }
  }

  const topology& topology_;
  graph made_;
};

/// The graph points into the topology.
inline graph describe(const topology& topology) {
  graph g = describer(topology, false).run();
  finish(g);
  return g;
}
graph describe(topology&&) = delete;

} // namespace hanami::detail::drawing
