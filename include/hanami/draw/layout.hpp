// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "graph.hpp"

/// Where everything stands in a picture. Floors stand beside each other, the ones nearer to the
/// inputs first; rows keep their height across floors. Boxes of inputs and outputs stand at the
/// side that is nearer to what they are linked with.

namespace hanami::inline HANAMI_ISA::detail::drawing {

struct point {
  double x = 0;
  double y = 0;
};

inline constexpr double pi = std::numbers::pi;
inline constexpr double hex_pitch = 118; ///< from centre to centre
inline constexpr double hex_inner = 46;  ///< from centre to the middle of a side
inline constexpr double row_pitch = 102;
inline constexpr double row_gap = 55; ///< from centre to where links run between two rows
inline constexpr double box_width = 150;
inline constexpr double box_height = 46;
inline constexpr double side_gap = 74; ///< between boxes and floors, and between floors
inline constexpr double floor_margin = 12;

/// From the centre of a hexagon that stands on a corner to its side, towards `angle`.
inline double hex_reach(double angle) {
  const double sector = pi / 3;
  const double turned = angle + pi / 6;
  return hex_inner / std::cos(turned - std::floor(turned / sector) * sector - pi / 6);
}

struct floor_panel {
  std::int32_t z = 0;
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

struct box_place {
  point centre;
  bool on_the_right = false;
};

struct layout {
  std::vector<point> cells;
  std::vector<std::size_t> panel_of;
  std::vector<floor_panel> panels;
  std::vector<box_place> inputs;
  std::vector<box_place> outputs;
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  bool shortened = false; ///< wide empty space is not drawn in full
};

class layout_maker {
 public:
  explicit layout_maker(const graph& of) : g_(of) {}

  layout run() {
    place_cells();
    place_boxes();
    return std::move(made_);
  }

 private:
  using coordinates = std::map<std::int32_t, double>;

  /// Shortens gaps, by even numbers so that shifted rows stay shifted.
  void squeeze(coordinates& axis) {
    std::int64_t before = 0;
    std::int64_t at = 0;
    bool first = true;
    for (auto& [coordinate, drawn] : axis) {
      std::int64_t gap = first ? 0 : coordinate - before;
      if (gap > 4) {
        gap = 3 + (gap + 1) % 2;
        made_.shortened = true;
      }
      at += gap;
      before = coordinate;
      first = false;
      drawn = static_cast<double>(at);
    }
  }

  std::vector<std::int32_t> order_of_floors() const {
    std::map<std::int32_t, std::pair<double, double>> ranks; // sum and count
    for (const cell& one : g_.cells) {
      auto& [sum, count] = ranks[one.hexagon->position.z];
      sum += one.hexagon->rank;
      count += 1;
    }
    std::vector<std::int32_t> order;
    order.reserve(ranks.size());
    for (const auto& [z, rank] : ranks) {
      order.push_back(z);
    }
    const auto mean = [&](std::int32_t z) { return ranks[z].first / ranks[z].second; };
    if (!order.empty() && mean(order.front()) > mean(order.back())) {
      std::reverse(order.begin(), order.end());
    }
    return order;
  }

  void place_cells() {
    coordinates rows;
    std::map<std::int32_t, coordinates> columns; // by floor
    for (const cell& one : g_.cells) {
      rows[one.hexagon->position.y];
      columns[one.hexagon->position.z][one.hexagon->position.x];
    }
    squeeze(rows);
    made_.cells.resize(g_.cells.size());
    made_.panel_of.resize(g_.cells.size());
    std::map<std::int32_t, std::vector<std::size_t>> of_floor;
    for (std::size_t h = 0; h < g_.cells.size(); ++h) {
      of_floor[g_.cells[h].hexagon->position.z].push_back(h);
    }
    double begin = 0;
    for (const std::int32_t z : order_of_floors()) {
      auto& axis = columns[z];
      squeeze(axis);
      for (const std::size_t h : of_floor[z]) {
        const hex_position at = g_.cells[h].hexagon->position;
        const double shift = (at.y & 1) != 0 ? 0.5 : 0.0;
        made_.cells[h] = {(axis[at.x] + shift) * hex_pitch, rows[at.y] * row_pitch};
        made_.panel_of[h] = made_.panels.size();
      }
      add_panel(z, of_floor[z], begin);
      begin = made_.panels.back().right + side_gap;
    }
    made_.right = made_.panels.empty() ? 0 : made_.panels.back().right;
  }

  void add_panel(std::int32_t z, const std::vector<std::size_t>& members, double begin) {
    const auto [left, right] =
        std::minmax_element(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
          return made_.cells[a].x < made_.cells[b].x;
        });
    const auto [top, bottom] =
        std::minmax_element(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
          return made_.cells[a].y < made_.cells[b].y;
        });
    const double across = hex_pitch / 2 + floor_margin;
    const double down = hex_reach(pi / 2) + 1.5 * floor_margin;
    floor_panel panel{z, begin, made_.cells[*top].y - down, 0, made_.cells[*bottom].y + down};
    const double shift = begin + across - made_.cells[*left].x;
    panel.right = made_.cells[*right].x + shift + across;
    for (const std::size_t h : members) {
      made_.cells[h].x += shift;
    }
    made_.top = made_.panels.empty() ? panel.top : std::min(made_.top, panel.top);
    made_.bottom = made_.panels.empty() ? panel.bottom : std::max(made_.bottom, panel.bottom);
    made_.panels.push_back(panel);
  }

  struct wish {
    point middle; ///< of all that a box is linked with
    box_place* box;
  };

  void place_boxes() {
    made_.inputs.resize(g_.inputs.size());
    made_.outputs.resize(g_.outputs.size());
    std::vector<point> sums(g_.inputs.size() + g_.outputs.size());
    std::vector<double> counts(sums.size());
    const auto note = [&](std::size_t box, node h) {
      sums[box].x += made_.cells[h].x;
      sums[box].y += made_.cells[h].y;
      counts[box] += 1;
    };
    for (const link& l : g_.links) {
      if (l.from >= g_.input_node(0) && l.to < g_.cells.size()) {
        note(l.from - g_.input_node(0), l.to);
      } else if (l.to >= g_.output_node(0) && l.from < g_.cells.size()) {
        note(l.to - g_.input_node(0), l.from);
      }
    }
    std::vector<wish> sides[2];
    const double middle = (made_.left + made_.right) / 2;
    const double slack = 0.1 * (made_.right - made_.left);
    for (std::size_t b = 0; b < sums.size(); ++b) {
      const bool is_input = b < g_.inputs.size();
      const std::size_t k = is_input ? b : b - g_.inputs.size();
      const auto& place = is_input ? g_.inputs[k].place : g_.outputs[k].place;
      if (place) {
        sums[b] = made_.cells[*place];
        counts[b] = 1;
      }
      const double many = std::max(counts[b], 1.0);
      const point at{counts[b] == 0 ? middle : sums[b].x / many, sums[b].y / many};
      box_place& box = is_input ? made_.inputs[k] : made_.outputs[k];
      box.on_the_right = is_input ? at.x > middle + slack : at.x > middle - slack;
      sides[box.on_the_right ? 1 : 0].push_back({at, &box});
    }
    const double away = side_gap + box_width / 2;
    line_up(sides[0], made_.left - away);
    line_up(sides[1], made_.right + away);
    made_.left -= sides[0].empty() ? 0 : side_gap + box_width;
    made_.right += sides[1].empty() ? 0 : side_gap + box_width;
  }

  /// Stacks boxes as near to their wishes as they do not cover each other.
  void line_up(std::vector<wish>& side, double x) {
    std::stable_sort(side.begin(), side.end(),
                     [](const wish& a, const wish& b) { return a.middle.y < b.middle.y; });
    double total_shift = 0;
    for (std::size_t k = 0; k < side.size(); ++k) {
      double y = side[k].middle.y;
      if (k > 0) {
        y = std::max(y, side[k - 1].box->centre.y + box_height + 14);
      }
      side[k].box->centre = {x, y};
      total_shift += y - side[k].middle.y;
    }
    for (const wish& w : side) {
      point& centre = w.box->centre;
      centre.y -= total_shift / static_cast<double>(side.size());
      made_.top = std::min(made_.top, centre.y - box_height / 2);
      made_.bottom = std::max(made_.bottom, centre.y + box_height / 2);
    }
  }

  const graph& g_;
  layout made_;
};

} // namespace hanami::detail::drawing
