// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <support/text.hpp>

namespace bench {

/// A peer in the plane of training time and accuracy.
struct frontier_point {
  std::string family;
  std::string name;
  double seconds = 0;
  double accuracy = 0; ///< percent
};

namespace detail {

/// The plane: time on a logarithmic axis, accuracy on a linear one.
class frontier_plane {
 public:
  static constexpr double left = 64, right = 760, top = 24, bottom = 420;

  explicit frontier_plane(const std::vector<frontier_point>& points) {
    for (const frontier_point& p : points) {
      least_ = std::min(least_, std::floor(2 * (p.accuracy - 0.1)) / 2);
      fastest_ = std::min(fastest_, p.seconds / 1.3);
      slowest_ = std::max(slowest_, p.seconds * 2);
    }
    most_ = std::max(least_ + 0.5, 99.0);
  }

  double x(double seconds) const {
    return left + (right - left) * std::log(seconds / fastest_) / std::log(slowest_ / fastest_);
  }
  double y(double accuracy) const {
    return bottom - (bottom - top) * (accuracy - least_) / (most_ - least_);
  }

  std::string axes() const {
    const auto rule = [](double x1, double y1, double x2, double y2) {
      return support::formatted("<line class='grid' x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f'/>\n",
                                x1, y1, x2, y2);
    };
    std::string svg;
    for (double v = least_; v <= most_; v += most_ - least_ > 4 ? 1.0 : 0.5) {
      svg += rule(left, y(v), right, y(v)) +
             support::formatted("<text x='%.1f' y='%.1f' text-anchor='end'>%.1f %%</text>\n",
                                left - 8, y(v) + 4, v);
    }
    for (double power = 1e-3; power < slowest_; power *= 10) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double s = factor * power;
        if (s >= fastest_ && s <= slowest_) {
          svg += rule(x(s), top, x(s), bottom) +
                 support::formatted("<text x='%.1f' y='%.1f' text-anchor='middle'>%g s</text>\n",
                                    x(s), bottom + 18, s);
        }
      }
    }
    return svg;
  }

 private:
  double least_ = 99, most_ = 99, fastest_ = 1e9, slowest_ = 1e-9;
};

/// A rectangle that a name would take.
struct label_box {
  double x, y, width;
  static constexpr double height = 13;

  bool meets(const label_box& other) const {
    return x < other.x + other.width && other.x < x + width && std::abs(y - other.y) < height;
  }
};

/// Beside its point where there is room, above or below it otherwise.
inline label_box place_label(double x, double y, std::size_t letters,
                             const std::vector<label_box>& taken) {
  const double width = 6.6 * static_cast<double>(letters);
  const std::array<label_box, 6> places = {{{x + 9, y, width},
                                            {x - 9 - width, y, width},
                                            {x - width / 2, y - 15, width},
                                            {x - width / 2, y + 15, width},
                                            {x + 6, y - 12, width},
                                            {x + 6, y + 12, width}}};
  for (const label_box& box : places) {
    if (box.x + width <= frontier_plane::right && box.x >= frontier_plane::left &&
        std::none_of(taken.begin(), taken.end(),
                     [&](const label_box& t) { return box.meets(t); })) {
      return box;
    }
  }
  return places.front();
}

} // namespace detail

/// A picture (SVG) of accuracy against training time. Points of one family are joined, the fastest
/// first.
inline std::string frontier_svg(const std::string& title, std::vector<frontier_point> points) {
  constexpr std::array<std::string_view, 8> colours = {"#c2255c", "#1971c2", "#2f9e44", "#e8590c",
                                                       "#7048e8", "#0c8599", "#5c3c00", "#495057"};
  std::sort(points.begin(), points.end(), [](const frontier_point& a, const frontier_point& b) {
    return a.family != b.family ? a.family < b.family : a.seconds < b.seconds;
  });
  const detail::frontier_plane plane(points);
  std::string svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 800 470' "
                    "font-family='sans-serif' font-size='12' fill='#343a40'>\n"
                    "<style>.grid{stroke:#e9ecef}"
                    ".name{paint-order:stroke;stroke:#fff;stroke-width:3}</style>\n"
                    "<rect width='800' height='470' fill='#fff'/>\n" +
                    plane.axes();
  std::vector<detail::label_box> taken;
  for (const frontier_point& p : points) {
    taken.push_back({plane.x(p.seconds) - 6, plane.y(p.accuracy), 12});
  }
  std::string names;
  std::string line;
  std::size_t colour = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = plane.x(points[i].seconds);
    const double y = plane.y(points[i].accuracy);
    const std::string paint(colours[colour % colours.size()]);
    line += support::formatted("%.1f,%.1f ", x, y);
    svg +=
        support::formatted("<circle cx='%.1f' cy='%.1f' r='5' fill='%s'/>\n", x, y, paint.c_str());
    const auto box = detail::place_label(x, y, points[i].name.size(), taken);
    taken.push_back(box);
    names += support::formatted("<text class='name' x='%.1f' y='%.1f' fill='%s'>%s</text>\n", box.x,
                                box.y + 4, paint.c_str(), points[i].name.c_str());
    if (i + 1 == points.size() || points[i + 1].family != points[i].family) {
      svg += "<polyline fill='none' stroke='" + paint + "' points='" + std::exchange(line, {}) +
             "'/>\n";
      ++colour;
    }
  }
  return svg + names + "<text x='64' y='14' font-weight='bold'>" + title + "</text>\n" +
         "<text x='760' y='460' text-anchor='end'>user CPU seconds of training, one pass, one "
         "thread</text>\n</svg>\n";
}

} // namespace bench
