// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "draw_graph.hpp"
#include "topology.hpp"

/// Reads off a plan what a picture shows: windows, places of inputs and outputs, links.

namespace hanami::detail::drawing {

inline std::size_t input_at(const topology& plan, std::uint32_t offset) {
  const auto next = std::upper_bound(
      plan.inputs.begin(), plan.inputs.end(), offset,
      [](std::uint32_t value, const input_plan& input) { return value < input.offset; });
  return static_cast<std::size_t>(next - plan.inputs.begin()) - 1;
}

/// Neighbouring nodes of input `i` that the hexagon reads, as first node and length.
struct node_run {
  std::uint32_t first = 0;
  std::uint32_t length = 0;
};

inline std::vector<node_run> runs_of(const topology& plan, const hexagon_plan& hexagon,
                                     std::size_t i) {
  std::vector<node_run> parts;
  for (const source_chunk& chunk : hexagon.input_chunks) {
    if (input_at(plan, chunk.offset) == i) {
      parts.push_back({chunk.offset - plan.inputs[i].offset,
                       static_cast<std::uint32_t>(std::popcount(chunk.mask))});
    }
  }
  std::sort(parts.begin(), parts.end(),
            [](const node_run& a, const node_run& b) { return a.first < b.first; });
  std::vector<node_run> runs;
  for (const node_run& part : parts) {
    if (!runs.empty() && runs.back().first + runs.back().length >= part.first) {
      const std::uint32_t end =
          std::max(runs.back().first + runs.back().length, part.first + part.length);
      runs.back().length = end - runs.back().first;
    } else {
      runs.push_back(part);
    }
  }
  return runs;
}

inline bool reads_all(const std::vector<node_run>& runs, std::uint32_t size) {
  return runs.size() == 1 && runs.front().length == size;
}

/// The topology keeps nodes, not windows: rows of a window are equally long and equally far apart.
inline std::optional<window> window_of(const std::vector<node_run>& runs, std::size_t input,
                                       std::uint32_t size) {
  if (runs.empty() || reads_all(runs, size)) {
    return std::nullopt;
  }
  const std::uint32_t width = runs.front().length;
  const std::uint32_t columns = runs.size() == 1 ? size : runs[1].first - runs[0].first;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (runs[r].length != width || (r > 0 && runs[r].first - runs[r - 1].first != columns)) {
      return std::nullopt;
    }
  }
  const std::uint32_t left = runs.front().first % columns;
  if (left + width > columns || size % columns != 0) {
    return std::nullopt;
  }
  return window{static_cast<std::uint32_t>(input),
                size / columns,
                columns,
                runs.front().first / columns,
                left,
                static_cast<std::uint32_t>(runs.size()),
                width};
}

/// Fills a graph from a plan. The plan says which hexagons read an input or an output, but not
/// where that stands: a place is taken only if it is the single one that fits what it touches.
class describer {
 public:
  describer(const topology& plan, bool grown) : plan_(plan), made_() {
    made_.grown = grown;
    made_.lanes = plan.settings.brick_size;
    const auto first = plan.settings.initial_bricks;
    const auto last = plan.settings.max_bricks;
    const auto with_bricks = std::count_if(plan.hexagons.begin(), plan.hexagons.end(),
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
    made_.cells.resize(plan_.hexagons.size());
    inputs_read_.resize(plan_.hexagons.size());
    for (std::size_t h = 0; h < plan_.hexagons.size(); ++h) {
      cell& one = made_.cells[h];
      one.plan = &plan_.hexagons[h];
      places_.emplace(one.plan->position, static_cast<node>(h));
      if (one.plan->holds_bricks) {
        add_inputs_read(one, inputs_read_[h]);
      }
    }
  }

  void add_inputs_read(cell& one, std::vector<std::size_t>& read) const {
    for (const source_chunk& chunk : one.plan->input_chunks) {
      one.nodes += static_cast<std::uint64_t>(std::popcount(chunk.mask));
      const std::size_t i = input_at(plan_, chunk.offset);
      if (read.empty() || read.back() != i) {
        read.push_back(i);
      }
    }
    std::sort(read.begin(), read.end());
    read.erase(std::unique(read.begin(), read.end()), read.end());
    for (std::size_t k = 0; k < read.size() && !one.sees; ++k) {
      one.sees = window_of(runs_of(plan_, *one.plan, read[k]), read[k], plan_.inputs[read[k]].size);
    }
  }

  void add_ports() {
    std::vector<std::uint32_t> columns(plan_.inputs.size(), 0);
    for (const cell& one : made_.cells) {
      if (one.sees && one.sees->rows > 1) {
        columns[one.sees->input] = one.sees->columns;
      }
    }
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
      const auto& input = plan_.inputs[i];
      const std::string size = columns[i] == 0 ? counted(input.size, "value")
                                               : std::to_string(input.size / columns[i]) + " x " +
                                                     std::to_string(columns[i]) + " values";
      made_.inputs.push_back({input.name, size, place_of_input(i)});
    }
    for (const auto& output : plan_.outputs) {
      static constexpr std::string_view kinds[] = {"softmax", "sigmoid", "linear"};
      const std::string kind(kinds[static_cast<std::size_t>(output.kind)]);
      made_.outputs.push_back(
          {output.name, counted(output.size, "value") + ", " + kind, place_of_output(output)});
    }
  }

  template <class Fits>
  std::optional<node> single_place(bool hexagon_plan::*wanted, const Fits& fits) const {
    std::optional<node> found;
    for (std::size_t h = 0; h < plan_.hexagons.size(); ++h) {
      if (plan_.hexagons[h].*wanted && fits(h)) {
        if (found) {
          return std::nullopt;
        }
        found = static_cast<node>(h);
      }
    }
    return found;
  }

  /// Calls `check` for the hexagons of neurons that touch hexagon `h`; false if one says so.
  template <class Check>
  bool all_touching(std::size_t h, const Check& check) const {
    for (const hex_position at : hex_neighbours(plan_.hexagons[h].position)) {
      const auto found = places_.find(at);
      if (found != places_.end() && plan_.hexagons[found->second].holds_bricks &&
          !check(found->second)) {
        return false;
      }
    }
    return true;
  }

  std::optional<node> place_of_input(std::size_t i) const {
    const auto reads = [&](std::size_t h) {
      return std::binary_search(inputs_read_[h].begin(), inputs_read_[h].end(), i) &&
             reads_all(runs_of(plan_, plan_.hexagons[h], i), plan_.inputs[i].size);
    };
    bool anyone = false; // else the input has windows only, and stands nowhere
    for (std::size_t h = 0; h < plan_.hexagons.size() && !anyone; ++h) {
      anyone = reads(h);
    }
    if (!anyone) {
      return std::nullopt;
    }
    return single_place(&hexagon_plan::has_inputs, [&](std::size_t h) {
      return (!plan_.hexagons[h].holds_bricks || reads(h)) && all_touching(h, reads);
    });
  }

  std::optional<node> place_of_output(const output_plan& output) const {
    const auto read = [&](std::size_t h) {
      return std::binary_search(output.reads.begin(), output.reads.end(),
                                hexagon_id{static_cast<std::uint32_t>(h)});
    };
    return single_place(&hexagon_plan::has_outputs, [&](std::size_t h) {
      if (plan_.hexagons[h].holds_bricks) {
        return read(h);
      }
      return all_touching(h, [&](node by) { return plan_.hexagons[by].has_outputs || read(by); });
    });
  }

  void add_links() {
    const auto add = [&](node from, node to, link_kind kind, std::uint32_t distance,
                         std::uint64_t count) {
      made_.links.push_back({from, to, kind, distance, made_.grown ? 0 : count});
    };
    for (std::size_t h = 0; h < plan_.hexagons.size(); ++h) {
      const auto to = static_cast<node>(h);
      if (!plan_.hexagons[h].holds_bricks) {
        continue;
      }
      for (const source_chunk& chunk : plan_.hexagons[h].input_chunks) {
        add(made_.start_of(input_at(plan_, chunk.offset)), to, link_kind::input, chunk.distance,
            static_cast<std::uint64_t>(std::popcount(chunk.mask)));
      }
      for (const hexagon_link& by : plan_.hexagons[h].fed_by) {
        if (plan_[by.from].holds_bricks) {
          add(static_cast<node>(index_of(by.from)), to, link_kind::hexagon, by.distance, 1);
        }
      }
    }
    for (std::size_t o = 0; o < plan_.outputs.size(); ++o) {
      for (const hexagon_id from : plan_.outputs[o].reads) {
        add(static_cast<node>(index_of(from)), made_.end_of(o), link_kind::output, 1, 1);
      }
    }
  }

  const topology& plan_;
  graph made_;
  std::unordered_map<hex_position, node> places_;
  std::vector<std::vector<std::size_t>> inputs_read_; ///< by hexagon, ascending
};

/// The graph points into the plan.
inline graph describe(const topology& plan) {
  graph g = describer(plan, false).run();
  finish(g);
  return g;
}
graph describe(topology&&) = delete;

} // namespace hanami::detail::drawing
