// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include "graph.hpp"
#include "layout.hpp"

/// The shapes that pictures are made of, as elements of SVG.

namespace hanami::inline HANAMI_ISA::detail::drawing {

/// A number with one decimal, the same whatever the locale.
inline std::string decimal(double value) {
  const long long tenths = std::llround(value * 10);
  const long long size = tenths < 0 ? -tenths : tenths;
  return (tenths < 0 ? "-" : "") + std::to_string(size / 10) +
         (size % 10 == 0 ? "" : "." + std::to_string(size % 10));
}

/// Text as it may stand between tags and in quoted attributes.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += printable(c);
    }
  }
  return out;
}

namespace colours {
inline constexpr std::string_view ground = "#ffffff", panel = "#f3f5f8", ink = "#1d2733",
                                  quiet = "#5c6876", rim = "#c9d1da", input = "#14735c",
                                  input_fill = "#e2f3ed", hexagon = "#3d5a80",
                                  hexagon_fill = "#dfeaf6", output = "#b3541e",
                                  output_fill = "#fcebdd";
} // namespace colours

/// From pale to dark blue; `share` in 0..1.
inline std::string shade(double share) {
  static constexpr std::array<int, 3> pale{238, 244, 250};
  static constexpr std::array<int, 3> dark{22, 66, 120};
  std::string out = "#";
  for (std::size_t k = 0; k < 3; ++k) {
    const auto value = static_cast<unsigned>(std::lround(pale[k] + (dark[k] - pale[k]) * share));
    out += "0123456789abcdef"[value / 16];
    out += "0123456789abcdef"[value % 16];
  }
  return out;
}

/// Within a floor: wide enough to pass beside the hexagons between the two.
inline std::array<point, 4> bow(point from, point to) {
  const double dx = to.x - from.x;
  const double dy = to.y - from.y;
  const double length = std::hypot(dx, dy);
  const double width = length < 1.2 * hex_pitch ? 0 : std::min(0.4 * length, 120.0) / length;
  const point top{from.x + dx / 2 + dy * width, from.y + dy / 2 - dx * width};
  return {from, top, top, to};
}

/// From side to side, level at both ends but for the share `slant`.
inline std::array<point, 4> swing(point from, point to, double slant) {
  const double dx = to.x - from.x;
  const double lean = std::max(std::abs(dx) * 0.45, 30.0) * (dx < 0 ? -1 : 1);
  return {from, {from.x + lean, from.y}, {to.x - lean, to.y - (to.y - from.y) * slant}, to};
}

/// Collects elements, later ones on top of earlier ones.
class svg_canvas {
 public:
  struct pen {
    double size;
    std::string_view colour;
    std::string_view anchor = "middle";
    bool bold = false;

    /// The same, smaller where the words would be wider than `room`.
    pen fitted(std::string_view words, double room) const {
      const double width = (bold ? 0.65 : 0.57) * static_cast<double>(words.size()); // at size 1
      return {std::min(size, room / std::max(width, 1.0)), colour, anchor, bold};
    }
  };

  static std::string title_element(std::string_view words) {
    return "<title>" + escaped(words) + "</title>\n";
  }

  void text(double x, double y, std::string_view words, const pen& with) {
    out_ += "<text x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" font-size=\"" +
            decimal(with.size) + "\" fill=\"" + std::string(with.colour) + "\" text-anchor=\"" +
            std::string(with.anchor) + (with.bold ? R"(" font-weight="600">)" : "\">") +
            escaped(words) + "</text>\n";
  }

  void rect(point corner, point size, std::string_view attributes) {
    out_ += "<rect x=\"" + decimal(corner.x) + "\" y=\"" + decimal(corner.y) + "\" width=\"" +
            decimal(size.x) + "\" height=\"" + decimal(size.y) + "\" " + std::string(attributes) +
            "/>\n";
  }

  /// The beginning of a path: a curve over the first four points, then a straight line.
  static std::string run(const std::array<point, 5>& p) {
    return "M" + xy(p[0]) + " C" + xy(p[1]) + " " + xy(p[2]) + " " + xy(p[3]) + " L" + xy(p[4]);
  }

  /// A curve with its head at the edge of the hexagon in `curve[3]`, or at the point itself. It
  /// goes on where `lead` ends.
  void arrow(std::string_view lead, const std::array<point, 4>& curve, bool into_hexagon,
             double width, bool dashed) {
    const bool straight = std::hypot(curve[2].x - curve[0].x, curve[2].y - curve[0].y) < 0.1;
    const point back = straight ? curve[0] : curve[2];
    const double angle = std::atan2(back.y - curve[3].y, back.x - curve[3].x);
    const point way{std::cos(angle), std::sin(angle)};
    const double gap = into_hexagon ? hex_reach(angle) + 1.5 : 1.5;
    const double head = 5 + 1.6 * width;
    const double half = 2.2 + 0.75 * width;
    const point tip{curve[3].x + way.x * gap, curve[3].y + way.y * gap};
    const point neck{tip.x + way.x * head, tip.y + way.y * head};
    out_ += "<path d=\"" + std::string(lead) + (lead.empty() ? "M" : " L") + xy(curve[0]) + " C" +
            xy(curve[1]) + " " + xy(curve[2]) + " " + xy(neck) + R"(" fill="none" stroke-width=")" +
            decimal(width) + (dashed ? R"(" stroke-dasharray="3 4"/>)" : "\"/>");
    out_ += "<path d=\"M" + xy(tip) + " L" + xy({neck.x - way.y * half, neck.y + way.x * half}) +
            " L" + xy({neck.x + way.y * half, neck.y - way.x * half}) + R"(Z" stroke="none"/>)";
  }

  void hexagon(point centre, double scale, std::string_view attributes) {
    out_ += "<path d=\"";
    for (int corner = 0; corner < 6; ++corner) {
      const double angle = pi / 6 + corner * pi / 3;
      const double radius = hex_reach(angle) * scale;
      out_ += (corner == 0 ? "M" : " L") +
              xy({centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)});
    }
    out_ += "Z\" " + std::string(attributes) + "/>\n";
  }

  void begin_group(std::string_view attributes, std::string_view words) {
    out_ += "<g " + std::string(attributes) + ">" + title_element(words);
  }
  void end_group() { out_ += "</g>\n"; }

  const std::string& elements() const noexcept { return out_; }

 private:
  static std::string xy(point p) { return decimal(p.x) + " " + decimal(p.y); }

  std::string out_;
};

} // namespace hanami::detail::drawing
