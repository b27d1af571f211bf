// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "canvas.hpp"
#include "graph.hpp"
#include "layout.hpp"

/// Writes a graph as one `<svg>` element: no scripts, styles, ids or outside references.

namespace hanami::inline HANAMI_ISA::detail::drawing {

class svg_writer {
 public:
  explicit svg_writer(const graph& of) : g_(of), at_(layout_maker(of).run()) {}

  std::string run() {
    const double margin = 24;
    const double left = at_.left - margin;
    const double width = std::max(at_.right - at_.left + 2 * margin, 620.0);
    const double top = at_.top - 76;
    add_floors();
    add_links();
    for (std::size_t h = 0; h < g_.cells.size(); ++h) {
      add_cell(h);
    }
    add_boxes();
    draw_.text(left + margin, top + 30, g_.title, {16, colours::ink, "start", true});
    const double bottom = add_legend(left + margin, at_.bottom + 44, left + width - margin) + 24;
    const std::string size = "width=\"" + decimal(width) + "\" height=\"" + decimal(bottom - top);
    const std::string frame = "x=\"" + decimal(left) + "\" y=\"" + decimal(top) + "\" " + size;
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + "\" viewBox=\"" + decimal(left) +
           " " + decimal(top) + " " + decimal(width) + " " + decimal(bottom - top) +
           "\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\" role=\"img\">\n" +
           svg_canvas::title_element(g_.title) + "<rect " + frame + R"(" rx="10" fill=")" +
           std::string(colours::ground) + "\"/>\n" + draw_.elements() + "</svg>\n";
  }

 private:
  void add_floors() {
    for (const floor_panel& p : at_.panels) {
      draw_.rect({p.left, p.top}, {p.right - p.left, p.bottom - p.top},
                 R"(rx="12" fill=")" + std::string(colours::panel) + "\"");
      draw_.text(p.left + 2, p.top - 7, "floor " + std::to_string(p.z),
                 {12, colours::quiet, "start", false});
    }
  }

  // Links -----------------------------------------------------------------------------------------

  static std::string_view colour_of(link_kind kind) {
    static constexpr std::array all{colours::input, colours::hexagon, colours::output};
    return all[static_cast<std::size_t>(kind)];
  }

  void add_links() {
    // Many links are faint, so that where they run together shows.
    const auto count = static_cast<double>(std::max<std::size_t>(g_.links.size(), 1));
    const double opacity = std::clamp(1.25 - 0.15 * std::log2(count), 0.25, 0.85);
    for (const link& l : g_.links) {
      const bool empty = g_.grown && l.count == 0;
      const double width = g_.grown ? 0.9 + 3.6 * std::sqrt(weight_of(g_, l)) : 1.6;
      begin_link(colour_of(l.kind), empty ? 0.35 : opacity, link_text(g_, l));
      connect(l, width, empty);
      draw_.end_group();
    }
    for (const bool is_input : {true, false}) {
      const auto& ports = is_input ? g_.inputs : g_.outputs;
      for (std::size_t k = 0; k < ports.size(); ++k) {
        if (ports[k].place) {
          const link_kind kind = is_input ? link_kind::input : link_kind::output;
          const node box = is_input ? g_.input_node(k) : g_.output_node(k);
          begin_link(colour_of(kind), 0.85, ports[k].name);
          connect(is_input ? link{box, *ports[k].place} : link{*ports[k].place, box}, 2.4, false);
          draw_.end_group();
        }
      }
    }
  }

  void begin_link(std::string_view colour, double opacity, std::string_view words) {
    const auto percent = static_cast<int>(std::lround(opacity * 100));
    draw_.begin_group("stroke=\"" + std::string(colour) + "\" fill=\"" + std::string(colour) +
                          "\" opacity=\"0." + (percent < 10 ? "0" : "") + std::to_string(percent) +
                          "\"",
                      words);
  }

  const box_place* box_of(node end) const {
    if (end < g_.input_node(0)) {
      return nullptr;
    }
    return end < g_.output_node(0) ? &at_.inputs[end - g_.input_node(0)]
                                   : &at_.outputs[end - g_.output_node(0)];
  }

  /// The side of a box that looks at the hexagons.
  static point door(const box_place& box) {
    return {box.centre.x + (box.on_the_right ? -0.5 : 0.5) * box_width, box.centre.y};
  }

  void connect(const link& l, double width, bool dashed) {
    const box_place* start = box_of(l.from);
    const box_place* end = box_of(l.to);
    const point from = start != nullptr ? door(*start) : at_.cells[l.from];
    const point to = end != nullptr ? door(*end) : at_.cells[l.to];
    if (start == nullptr && end == nullptr && at_.panel_of[l.from] == at_.panel_of[l.to]) {
      draw_.arrow("", bow(from, to), true, width, dashed);
      return;
    }
    // Between the rows above and below it a hexagon is reached even if others stand in its row.
    const double way = to.x < from.x ? -1 : 1;
    std::string lead;
    point leave = from;
    if (start == nullptr && others_stand_beside(l.from, way)) {
      const floor_panel& panel = at_.panels[at_.panel_of[l.from]];
      leave = {way > 0 ? panel.right : panel.left, from.y + row_gap};
      lead = svg_canvas::run({from,
                              {from.x + way * 36, leave.y},
                              {from.x + way * 44, leave.y},
                              {from.x + way * hex_pitch / 2, leave.y},
                              leave});
    }
    if (end != nullptr || !others_stand_beside(l.to, -way)) {
      draw_.arrow(lead, swing(leave, to, end == nullptr ? 0.18 : 0), end == nullptr, width, dashed);
      return;
    }
    const floor_panel& panel = at_.panels[at_.panel_of[l.to]];
    const point arrive{way > 0 ? panel.left : panel.right, to.y - row_gap};
    const point turn{to.x - way * hex_pitch / 2, arrive.y};
    const auto over = swing(leave, arrive, 0);
    lead += svg_canvas::run({leave, over[1], over[2], arrive, turn});
    draw_.arrow(lead, {turn, {to.x - way * 46, turn.y}, {to.x - way * 40, turn.y}, to}, true, width,
                dashed);
  }

  bool others_stand_beside(node h, double way) const {
    for (std::size_t other = 0; other < g_.cells.size(); ++other) {
      if (at_.panel_of[other] == at_.panel_of[h] && at_.cells[other].y == at_.cells[h].y &&
          (at_.cells[other].x - at_.cells[h].x) * way > 0) {
        return true;
      }
    }
    return false;
  }

  // Hexagons and boxes ----------------------------------------------------------------------------

  std::string look_of(const cell& one) const {
    if (one.hexagon->holds_bricks) {
      const double share =
          g_.most_steps == 0 ? 0.0
                             : static_cast<double>(one.steps) / static_cast<double>(g_.most_steps);
      return "fill=\"" + (g_.grown ? shade(share) : std::string(colours::hexagon_fill)) +
             "\" stroke=\"" + std::string(colours::hexagon) + R"(" stroke-width="1.5")";
    }
    return empty_look(one.hexagon->has_inputs    ? colours::input
                      : one.hexagon->has_outputs ? colours::output
                                                 : colours::quiet);
  }

  static std::string empty_look(std::string_view colour) {
    return "fill=\"" + std::string(colours::ground) + "\" stroke=\"" + std::string(colour) +
           R"(" stroke-width="1.5" stroke-dasharray="5 4")";
  }

  void add_cell(std::size_t h) {
    const cell& one = g_.cells[h];
    const point c = at_.cells[h];
    const auto lines = cell_lines(g_, one);
    std::string words = "hexagon (" + place_text(one.hexagon->position) + ")";
    for (const std::string& line : lines) {
      words += ", " + line;
    }
    draw_.begin_group("", words);
    draw_.hexagon(c, 1, look_of(one));
    const bool dark = g_.grown && one.hexagon->holds_bricks && one.steps * 5 > g_.most_steps * 3;
    const auto line_colour = dark                                    ? colours::ground
                             : g_.grown && one.hexagon->holds_bricks ? colours::ink
                                                                     : colours::quiet;
    const double step = lines.size() > 3 ? 11.5 : 12.5;
    double y = c.y + 4 - step / 2 * static_cast<double>(lines.size());
    if (one.sees) {
      y = c.y - 12 + add_window(*one.sees, {c.x, c.y - 25}, dark) / 2;
    }
    const auto write = [&](std::string_view line, svg_canvas::pen with) {
      draw_.text(c.x, y, line, with.fitted(line, 1.8 * hex_inner));
      y += step;
    };
    write(place_text(one.hexagon->position),
          {g_.grown ? 10.5 : 12, dark ? colours::ground : colours::ink, "middle", true});
    for (const std::string& line : lines) {
      write(line, {10, line_colour});
    }
    draw_.end_group();
  }

  /// A small picture of the input with the window in it; returns its height.
  double add_window(const window& w, point centre, bool dark) {
    const double unit = std::min(40.0 / w.columns, 26.0 / w.rows);
    const point size{w.columns * unit, std::max(w.rows * unit, 5.0)};
    const point corner{centre.x - size.x / 2, centre.y - size.y / 2};
    draw_.rect(corner, size,
               "fill=\"" + std::string(colours::ground) + "\" stroke=\"" +
                   std::string(dark ? colours::rim : colours::quiet) + R"(" stroke-width="0.8")");
    const double stretch = size.y / w.rows;
    draw_.rect({corner.x + w.left * unit, corner.y + w.top * stretch},
               {std::max(w.width * unit, 1.0), std::max(w.height * stretch, 1.0)},
               "fill=\"" + std::string(colours::input) + R"(" fill-opacity="0.75")");
    return size.y;
  }

  void add_boxes() {
    for (std::size_t i = 0; i < g_.inputs.size(); ++i) {
      add_box(g_.inputs[i], at_.inputs[i].centre, colours::input, colours::input_fill);
    }
    for (std::size_t o = 0; o < g_.outputs.size(); ++o) {
      add_box(g_.outputs[o], at_.outputs[o].centre, colours::output, colours::output_fill);
    }
  }

  void add_box(const port& p, point c, std::string_view colour, std::string_view fill) {
    static constexpr std::size_t longest = 18;
    draw_.begin_group("", p.name + ", " + p.details);
    draw_.rect({c.x - box_width / 2, c.y - box_height / 2}, {box_width, box_height},
               R"(rx="8" fill=")" + std::string(fill) + "\" stroke=\"" + std::string(colour) +
                   R"(" stroke-width="1.5")");
    const bool cut = p.name.size() > longest;
    const std::string name = cut ? p.name.substr(0, longest - 2) + "..." : p.name;
    const double room = box_width - 12;
    draw_.text(c.x, c.y - 3, name,
               svg_canvas::pen{13, colours::ink, "middle", true}.fitted(name, room));
    draw_.text(c.x, c.y + 13, p.details,
               svg_canvas::pen{10.5, colours::quiet}.fitted(p.details, room));
    draw_.end_group();
  }

  // Legend ----------------------------------------------------------------------------------------

  /// Explains what occurs in the picture, line by line between two margins; returns its bottom.
  double add_legend(double left, double y, double right) {
    point at{left, y};
    const auto entry = [&](std::string_view words, double width, const auto& sign) {
      const double whole = width + 8 + 6.1 * static_cast<double>(words.size()) + 22;
      if (at.x + whole > right && at.x > left) {
        at = {left, at.y + 26};
      }
      sign(point{at.x + width / 2, at.y});
      draw_.text(at.x + width + (width > 0 ? 8 : 0), at.y + 4, words,
                 {11, colours::quiet, "start", false});
      at.x += whole;
    };
    const auto any = [&](auto wanted) {
      return std::any_of(g_.cells.begin(), g_.cells.end(), wanted);
    };
    add_legend_of_cells(entry, any);
    add_legend_of_links(entry);
    if (at_.shortened) {
      entry("empty space is shortened", 0, [](point) {});
    }
    if (!g_.note.empty()) {
      at = {left, at.y + 26};
      draw_.text(at.x, at.y + 4, g_.note, {12, colours::output, "start", true});
    }
    return at.y;
  }

  template <class Entry, class Any>
  void add_legend_of_cells(const Entry& entry, const Any& any) {
    const double small = 0.26;
    const auto empty = [&](std::string_view words, std::string_view colour) {
      entry(words, 24, [&](point c) { draw_.hexagon(c, small, empty_look(colour)); });
    };
    if (g_.grown) {
      const bool chains = any([](const cell& one) { return one.steps != one.sections; });
      entry("0 to " + counted(g_.most_steps, chains ? "step" : "section"), 120, [&](point c) {
        for (int k = 0; k < 5; ++k) {
          draw_.hexagon({c.x - 48 + 24 * k, c.y}, small,
                        "fill=\"" + shade(k / 4.0) + "\" stroke=\"" +
                            std::string(colours::hexagon) + "\"");
        }
      });
    } else if (any([](const cell& one) { return one.hexagon->holds_bricks; })) {
      entry("neurons", 24, [&](point c) {
        draw_.hexagon(c, small,
                      "fill=\"" + std::string(colours::hexagon_fill) + "\" stroke=\"" +
                          std::string(colours::hexagon) + "\"");
      });
    }
    const auto bare = [](const cell& one) { return !one.hexagon->holds_bricks; };
    if (any([&](const cell& one) { return bare(one) && one.hexagon->has_inputs; })) {
      empty("place of inputs", colours::input);
    }
    if (any([&](const cell& one) {
          return bare(one) && one.hexagon->has_outputs && !one.hexagon->has_inputs;
        })) {
      empty("place of outputs", colours::output);
    }
    if (any([&](const cell& one) {
          return bare(one) && !one.hexagon->has_outputs && !one.hexagon->has_inputs;
        })) {
      empty("not used: leads to no output", colours::quiet);
    }
    if (any([](const cell& one) { return one.sees.has_value(); })) {
      entry("part of the input that it sees", 24, [&](point c) {
        add_window({0, 9, 9, 2, 3, 4, 4}, c, false);
      });
    }
  }

  template <class Entry>
  void add_legend_of_links(const Entry& entry) {
    static constexpr std::array<std::string_view, 3> words{"inputs", "neurons feed neurons",
                                                           "outputs read neurons"};
    for (const link_kind kind : {link_kind::input, link_kind::hexagon, link_kind::output}) {
      if (std::any_of(g_.links.begin(), g_.links.end(),
                      [&](const link& l) { return l.kind == kind; })) {
        entry(words[static_cast<std::size_t>(kind)], 30, [&](point c) {
          begin_link(colour_of(kind), 0.85, words[static_cast<std::size_t>(kind)]);
          const point from{c.x - 15, c.y};
          draw_.arrow("", {from, from, from, {c.x + 15, c.y}}, false, 2, false);
          draw_.end_group();
        });
      }
    }
    if (g_.grown) {
      entry("wider: more sections, or weights", 0, [](point) {});
    }
  }

  const graph& g_;
  layout at_;
  svg_canvas draw_;
};

} // namespace hanami::detail::drawing
