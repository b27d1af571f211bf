// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../structure/network.hpp"
#include "../structure/topology.hpp"
#include "graph.hpp"
#include "svg.hpp"
#include "topology_graph.hpp"

/// Pictures of a cluster, as planned and as grown:
///
///     std::ofstream("cluster.svg") << draw_svg(make_topology(parse_template(text)));
///     std::ofstream("grown.svg") << draw_svg(cluster.state());
///
/// The same topology and network give the same text, byte by byte.

namespace hanami::inline HANAMI_ISA {

/// Beyond these numbers a picture names what it leaves out instead of growing for ever.
struct drawing_limits {
  static constexpr std::size_t hexagons = 2000;
  static constexpr std::size_t links = 2000;
  static constexpr std::size_t ports = 100; ///< inputs, and outputs
};

namespace detail::drawing {

/// Keeps the first hexagons and ports and the heaviest links between them.
inline void leave_out(graph& g) {
  const std::size_t cells = std::min(g.cells.size(), drawing_limits::hexagons);
  const std::size_t inputs = std::min(g.inputs.size(), drawing_limits::ports);
  const std::size_t outputs = std::min(g.outputs.size(), drawing_limits::ports);
  const auto new_node = [&](node old) -> std::optional<node> {
    if (old < g.input_node(0)) {
      return old < cells ? std::optional(old) : std::nullopt;
    }
    if (old < g.output_node(0)) {
      const std::size_t i = old - g.input_node(0);
      return i < inputs ? std::optional(static_cast<node>(cells + i)) : std::nullopt;
    }
    const std::size_t o = old - g.output_node(0);
    return o < outputs ? std::optional(static_cast<node>(cells + inputs + o)) : std::nullopt;
  };
  const std::size_t links = g.links.size();
  std::vector<link> kept;
  for (link l : g.links) {
    const auto from = new_node(l.from);
    const auto to = new_node(l.to);
    if (from && to) {
      l.from = *from;
      l.to = *to;
      kept.push_back(l);
    }
  }
  std::stable_sort(kept.begin(), kept.end(), [&](const link& a, const link& b) {
    return g.grown ? weight_of(g, a) > weight_of(g, b) : a.distance < b.distance;
  });
  kept.resize(std::min(kept.size(), drawing_limits::links));
  for (const auto& [count, thing] :
       {std::pair(g.cells.size() - cells, "hexagon"),
        std::pair(g.inputs.size() - inputs + g.outputs.size() - outputs, "box of inputs or output"),
        std::pair(links - kept.size(), "link")}) {
    if (count > 0) {
      g.note += (g.note.empty() ? "Left out: " : ", ") + counted(count, thing);
    }
  }
  g.links = std::move(kept);
  g.cells.resize(cells);
  g.inputs.resize(inputs);
  g.outputs.resize(outputs);
  for (auto* ports : {&g.inputs, &g.outputs}) {
    for (port& p : *ports) {
      if (p.place && *p.place >= cells) {
        p.place.reset();
      }
    }
  }
}

/// Counts what has grown on top of the topology.
template <class Real, class Weight>
graph describe(const network<Real, Weight>& net) {
  graph g = describer(net.topology, true).run();
  const auto add = [&](node from, node to, link_kind kind, std::uint32_t distance,
                       std::uint64_t count) {
    if (count > 0) {
      g.links.push_back({from, to, kind, distance, count});
    }
  };
  for (const auto& b : net.bricks) {
    if (b.retired) {
      continue;
    }
    const auto to = static_cast<node>(index_of(b.hexagon));
    const auto& chunks = net.hexagons[to].chunks;
    ++g.cells[to].bricks;
    for (std::size_t c = 0; c < b.chunks(); ++c) {
      const auto sections = static_cast<std::uint64_t>(std::popcount(b.have[c]));
      g.cells[to].sections += sections;
      for (std::size_t k = 0; k < chunk_width; ++k) {
        g.cells[to].steps += b.step_count(c * chunk_width + k);
      }
      const presynaptic_chunk& chunk = chunks[c];
      if (chunk.is_neuron) {
        const std::size_t from = (chunk.offset - net.topology.neurons_begin) / net.lanes();
        add(static_cast<node>(index_of(net.bricks[from].hexagon)), to, link_kind::hexagon,
            chunk.distance, sections);
        continue;
      }
      const bool negative = chunk.offset >= net.topology.negative_part;
      const std::size_t i =
          input_at(net.topology, chunk.offset - (negative ? net.topology.negative_part : 0));
      add(g.start_of(i), to, link_kind::input, chunk.distance, sections);
    }
  }
  for (std::size_t o = 0; o < net.outputs.size(); ++o) {
    for (const std::uint32_t from : net.outputs[o].bricks) {
      if (!net.bricks[from].retired) {
        add(static_cast<node>(index_of(net.bricks[from].hexagon)), g.end_of(o), link_kind::output,
            1, std::uint64_t{net.topology.outputs[o].size} * net.lanes());
      }
    }
  }
  finish(g);
  return g;
}

inline std::string dot_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += printable(c);
  }
  return out + "\"";
}

class graphviz_writer {
 public:
  explicit graphviz_writer(const graph& of) : g_(of) {}

  std::string run() {
    out_ =
        "digraph hanami {\n"
        "  rankdir=LR;\n"
        "  node [shape=hexagon, style=filled, fontname=\"sans-serif\", fillcolor=\"#dce8f6\"];\n";
    out_ += "  label=" + dot_string(g_.title + (g_.note.empty() ? "" : "\n" + g_.note)) + ";\n";
    add_floors();
    add_ports(g_.inputs, g_.input_node(0), true);
    add_ports(g_.outputs, g_.output_node(0), false);
    for (const link& l : g_.links) {
      add_link(l);
    }
    return out_ + "}\n";
  }

 private:
  void add_floors() {
    std::vector<node> order;
    for (std::size_t h = 0; h < g_.cells.size(); ++h) {
      order.push_back(static_cast<node>(h));
    }
    const auto floor = [&](node h) { return g_.cells[h].hexagon->position.z; };
    std::stable_sort(order.begin(), order.end(),
                     [&](node a, node b) { return floor(a) < floor(b); });
    for (std::size_t k = 0; k < order.size(); ++k) {
      const bool first = k == 0 || floor(order[k - 1]) != floor(order[k]);
      if (first) {
        const std::int64_t z = floor(order[k]); // names of subgraphs have no minus
        out_ += k == 0 ? "" : "  }\n";
        out_ += "  subgraph cluster_" + std::string(z < 0 ? "below_" : "floor_") +
                std::to_string(z < 0 ? -z : z) + " {\n    label=\"floor " + std::to_string(z) +
                "\";\n";
      }
      add_cell(order[k]);
    }
    out_ += order.empty() ? "" : "  }\n";
  }

  void add_cell(node h) {
    const cell& one = g_.cells[h];
    std::string label = place_text(one.hexagon->position);
    for (const std::string& line : cell_lines(g_, one)) {
      label += "\n" + line;
    }
    out_ += "    n" + std::to_string(h) + " [label=" + dot_string(label);
    out_ += one.hexagon->holds_bricks ? "];\n" : ", style=dashed];\n";
  }

  void add_ports(const std::vector<port>& ports, node first, bool is_input) {
    for (const port& p : ports) {
      const std::string name = "n" + std::to_string(first++);
      out_ += "  " + name + " [shape=box, fillcolor=" + (is_input ? "\"#d8f0e8\"" : "\"#fbe6d4\"") +
              ", label=" + dot_string(p.name + "\n" + p.details) + "];\n";
      if (p.place) {
        const std::string place = "n" + std::to_string(*p.place);
        out_ += "  " + (is_input ? name + " -> " + place : place + " -> " + name) + ";\n";
      }
    }
  }

  void add_link(const link& l) {
    out_ += "  n" + std::to_string(l.from) + " -> n" + std::to_string(l.to);
    const double share = weight_of(g_, l);
    const auto tenths = static_cast<int>(std::lround(5 + 45 * share));
    out_ += " [penwidth=" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
    out_ += ", tooltip=" + dot_string(link_text(g_, l));
    out_ += g_.grown && l.count == 0 ? ", style=dotted];\n" : "];\n";
  }

  const graph& g_;
  std::string out_;
};

} // namespace detail::drawing

/// A picture of a topology: hexagons by floor, who feeds whom, inputs and outputs by name, and the
/// part of an input that each window sees. One `<svg>` element without scripts, styles, ids or
/// outside references, so that many fit inline into one page of HTML.
inline std::string draw_svg(const topology& topology) {
  auto g = detail::drawing::describe(topology);
  detail::drawing::leave_out(g);
  return detail::drawing::svg_writer(g).run();
}

/// The same of a network as it has grown: bricks, neurons and sections of each hexagon; links as
/// wide as the number of sections that come from there.
template <class Real, class Weight>
std::string draw_svg(const network<Real, Weight>& net) {
  auto g = detail::drawing::describe(net);
  detail::drawing::leave_out(g);
  return detail::drawing::svg_writer(g).run();
}

/// The topology in the language of the dot program.
inline std::string to_graphviz(const topology& topology) {
  auto g = detail::drawing::describe(topology);
  detail::drawing::leave_out(g);
  return detail::drawing::graphviz_writer(g).run();
}

/// The grown network in the language of the dot program.
template <class Real, class Weight>
std::string to_graphviz(const network<Real, Weight>& net) {
  auto g = detail::drawing::describe(net);
  detail::drawing::leave_out(g);
  return detail::drawing::graphviz_writer(g).run();
}

} // namespace hanami
