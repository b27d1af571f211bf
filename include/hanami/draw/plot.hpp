// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// A line over samples, drawn with an axis from `floor` to what the values need. `x` ascends from 0
/// or above and is as long as `y`; values are finite.
struct line_plot {
  std::string title; ///< HTML
  std::string unit;  ///< behind the numbers of the axis, e.g. " %"
  std::vector<double> x;
  std::vector<double> y;
  std::string colour = "var(--accent)"; ///< as CSS writes it
  double floor = 0;
  double ceiling = 0;              ///< 0: the largest value decides
  std::vector<double> beside = {}; ///< a second, thin line over the same samples
  std::vector<double> low = {};    ///< a band over the same samples, from here
  std::vector<double> high = {};   ///< to here
  std::vector<double> marks = {};  ///< samples to be marked by an upright line
};

namespace detail {

/// As `printf` writes `%.<decimals>f`, whatever the locale.
inline std::string fixed_text(double value, int decimals) {
  char text[400];
  return {text,
          std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr};
}

/// As `printf` writes `%.<digits>g`, whatever the locale.
inline std::string general_text(double value, int digits) {
  char text[64];
  return {text,
          std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

/// 1,234,567 as 1.23M, 12,300 as 12.3k.
inline std::string short_number(double value) {
  const double size = std::abs(value);
  return size >= 1e6   ? general_text(value / 1e6, 3) + "M"
         : size >= 1e3 ? general_text(value / 1e3, 3) + "k"
                       : general_text(value, 3);
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
class plot_area {
 public:
  static constexpr double left = 52, right = 548, top = 12, bottom = 188;

  explicit plot_area(const line_plot& p)
      : x_most_(p.x.empty() ? 1.0 : p.x.back()), y_least_(p.floor), y_most_(p.ceiling) {
    if (p.ceiling == 0) {
      double most = p.y.empty() ? 1.0 : *std::max_element(p.y.begin(), p.y.end());
      for (const std::vector<double>* other : {&p.beside, &p.high}) {
        for (const double value : *other) {
          most = std::max(most, value);
        }
      }
      const double step = round_step(most - p.floor, 4);
      y_most_ = p.floor + step * std::ceil((most - p.floor) / step + 0.05);
    }
  }

  std::string x(double value) const {
    return fixed_text(left + (right - left) * value / x_most_, 1);
  }
  std::string y(double value, double down = 0) const {
    const double share = (value - y_least_) / (y_most_ - y_least_);
    return fixed_text(bottom - (bottom - top) * std::clamp(share, 0.0, 1.0) + down, 1);
  }

  std::string axes(const std::string& unit) const {
    const std::string from = fixed_text(left, 1);
    const std::string to = fixed_text(right, 1);
    std::string svg;
    const double y_step = round_step(y_most_ - y_least_, 4);
    const double y_lines = (y_most_ - y_least_) / y_step + 0.01;
    for (int i = 0; i <= y_lines; ++i) {
      const double v = y_least_ + i * y_step;
      svg += "<line class='grid' x1='" + from + "' x2='" + to + "' y1='" + y(v) + "' y2='" + y(v) +
             "'/><text x='" + fixed_text(left - 7, 1) + "' y='" + y(v, 4) + "' text-anchor='end'>" +
             short_number(v) + unit + "</text>";
    }
    const double x_step = round_step(x_most_, 6);
    const double x_lines = x_most_ / x_step + 0.01;
    for (int i = 0; i <= x_lines; ++i) {
      const double v = i * x_step;
      svg += "<text x='" + x(v) + "' y='" + fixed_text(bottom + 18, 1) + "' text-anchor='middle'>" +
             short_number(v) + "</text>";
    }
    return svg;
  }

  std::string points(const std::vector<double>& xs, const std::vector<double>& ys) const {
    std::string all;
    for (std::size_t i = 0; i < std::min(xs.size(), ys.size()); ++i) {
      all += x(xs[i]) + ',' + y(ys[i]) + ' ';
    }
    return all;
  }

 private:
  double x_most_, y_least_, y_most_;
};

} // namespace detail

/// A `<figure>` with the plot as inline SVG; fonts and named colours come from the page's style,
/// `html_report` has one.
inline std::string to_svg(const line_plot& p) {
  const detail::plot_area area(p);
  const std::string line = area.points(p.x, p.y);
  const std::string bottom = detail::fixed_text(detail::plot_area::bottom, 1);
  std::string svg = "<figure><figcaption>" + p.title + "</figcaption>" +
                    "<svg class='plot' viewBox='0 0 560 214' role='img'>" + area.axes(p.unit);
  if (!p.x.empty()) {
    svg += "<polygon style='fill:" + p.colour + "' class='below' points='" + area.x(p.x.front()) +
           ',' + bottom + ' ' + line + area.x(p.x.back()) + ',' + bottom + "'/>" +
           "<polyline class='line' style='stroke:" + p.colour + "' points='" + line + "'/>";
  }
  if (!p.low.empty()) {
    std::vector<double> around(p.x);
    std::vector<double> bounds(p.high);
    around.insert(around.end(), p.x.rbegin(), p.x.rend());
    bounds.insert(bounds.end(), p.low.rbegin(), p.low.rend());
    svg += "<polygon style='fill:var(--leaf);fill-opacity:.25' points='" +
           area.points(around, bounds) + "'/>";
  }
  if (!p.beside.empty()) {
    svg += "<polyline class='line' style='stroke:var(--leaf);stroke-width:1' points='" +
           area.points(p.x, p.beside) + "'/>";
  }
  for (const double mark : p.marks) {
    svg += "<line style='stroke:var(--bark)' stroke-dasharray='4 3' x1='" + area.x(mark) +
           "' x2='" + area.x(mark) + "' y1='" + detail::fixed_text(detail::plot_area::top, 1) +
           "' y2='" + bottom + "'/>";
  }
  return svg + "</svg></figure>\n";
}

} // namespace hanami
