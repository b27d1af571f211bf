// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "text.hpp"

namespace example {

/// One line over samples, to be drawn with an axis from `floor` to what the values need.
struct plot {
  std::string title;
  std::string unit; ///< behind the numbers of the axis, e.g. " %"
  std::vector<double> x;
  std::vector<double> y;
  std::string colour = "var(--accent)";
  double floor = 0;
  double ceiling = 0; ///< 0: the largest value decides
  std::vector<double> beside =
      {};                         ///< a second line over the same samples, without an area below it
  std::vector<double> marks = {}; ///< samples to be marked by an upright line
};

namespace detail {

/// 1,234,567 as 1.23M, 12,300 as 12.3k.
inline std::string short_number(double value) {
  const char* suffix = "";
  if (std::abs(value) >= 1e6) {
    value /= 1e6;
    suffix = "M";
  } else if (std::abs(value) >= 1e3) {
    value /= 1e3;
    suffix = "k";
  }
  return formatted("%.3g%s", value, suffix);
}

/// About `count` round numbers' distance: 1, 2 or 5 times a power of ten.
inline double round_step(double range, int count) {
  const double rough = std::max(range, 1e-12) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      return factor * power;
    }
  }
  return 10.0 * power;
}

/// The plane of a plot: values to points of the picture.
struct plot_area {
  static constexpr double left = 52, right = 548, top = 12, bottom = 188;
  double x_most = 1, y_least = 0, y_most = 1;

  double x(double value) const { return left + (right - left) * value / x_most; }
  double y(double value) const {
    const double share = (value - y_least) / (y_most - y_least);
    return bottom - (bottom - top) * std::clamp(share, 0.0, 1.0);
  }
};

inline plot_area area_of(const plot& p) {
  plot_area area;
  area.x_most = p.x.empty() ? 1.0 : p.x.back();
  area.y_least = p.floor;
  area.y_most = p.ceiling;
  if (p.ceiling == 0) {
    double most = p.y.empty() ? 1.0 : *std::max_element(p.y.begin(), p.y.end());
    if (!p.beside.empty()) {
      most = std::max(most, *std::max_element(p.beside.begin(), p.beside.end()));
    }
    const double step = round_step(most - p.floor, 4);
    area.y_most = p.floor + step * std::ceil((most - p.floor) / step + 0.05);
  }
  return area;
}

inline void append_axes(std::string& svg, const plot_area& area, const std::string& unit) {
  const double y_step = round_step(area.y_most - area.y_least, 4);
  for (double v = area.y_least; v <= area.y_most + y_step / 100; v += y_step) {
    svg += formatted("<line class='grid' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>", area.left,
                     area.right, area.y(v), area.y(v));
    svg += formatted("<text x='%.1f' y='%.1f' text-anchor='end'>%s%s</text>", area.left - 7,
                     area.y(v) + 4, short_number(v).c_str(), unit.c_str());
  }
  const double x_step = round_step(area.x_most, 6);
  for (double v = 0; v <= area.x_most + x_step / 100; v += x_step) {
    svg += formatted("<text x='%.1f' y='%.1f' text-anchor='middle'>%s</text>", area.x(v),
                     area.bottom + 18, short_number(v).c_str());
  }
}

inline std::string points_of(const std::vector<double>& x, const std::vector<double>& y,
                             const plot_area& area) {
  std::string points;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    points += formatted("%.1f,%.1f ", area.x(x[i]), area.y(y[i]));
  }
  return points;
}

} // namespace detail

/// A figure with the plot as inline SVG; colours and fonts come from the page's style.
inline std::string to_svg(const plot& p) {
  const detail::plot_area area = detail::area_of(p);
  const std::string line = detail::points_of(p.x, p.y, area);
  std::string svg = "<figure><figcaption>" + p.title + "</figcaption>" +
                    "<svg class='plot' viewBox='0 0 560 214' role='img'>";
  detail::append_axes(svg, area, p.unit);
  if (!p.x.empty()) {
    svg += formatted("<polygon style='fill:%s' class='below' points='%.1f,%.1f ", p.colour.c_str(),
                     area.x(p.x.front()), area.bottom);
    svg += line;
    svg += formatted("%.1f,%.1f'/>", area.x(p.x.back()), area.bottom);
    svg += "<polyline class='line' style='stroke:" + p.colour + "' points='" + line + "'/>";
  }
  if (!p.beside.empty()) {
    svg += "<polyline class='line' style='stroke:var(--leaf);stroke-width:1' points='" +
           detail::points_of(p.x, p.beside, area) + "'/>";
  }
  for (const double mark : p.marks) {
    svg += formatted("<line style='stroke:var(--bark)' stroke-dasharray='4 3' x1='%.1f' x2='%.1f' "
                     "y1='%.1f' y2='%.1f'/>",
                     area.x(mark), area.x(mark), area.top, area.bottom);
  }
  return svg + "</svg></figure>\n";
}

} // namespace example
