// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <hanami/foundation/random.hpp>

/// Streams of rows with classes, made by the rules that the literature on drifting streams has
/// published, and two whose classes come in runs. A seed and a count make the same rows for ever.

namespace bench {

/// Rows and their classes, in order.
struct class_stream {
  std::string name;
  std::size_t inputs = 0;
  std::size_t classes = 0;
  std::vector<float> values; ///< row after row
  std::vector<std::uint32_t> labels;

  std::size_t size() const noexcept { return labels.size(); }
  std::span<const float> row(std::size_t i) const noexcept {
    return {values.data() + i * inputs, inputs};
  }
};

/// Numbers drawn one after another.
class draws {
 public:
  explicit draws(std::uint64_t seed) : seed_(seed) {}

  double unit() { return static_cast<double>(hanami::random_unit(seed_, 1, count_++)); }
  double between(double low, double high) { return low + (high - low) * unit(); }
  std::uint32_t below(std::size_t bound) {
    return hanami::random_below(static_cast<std::uint32_t>(bound), seed_, 2, count_++);
  }
  bool chance(double share) { return unit() < share; }
  /// Normal, by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - unit()));
    return radius * std::cos(2 * std::numbers::pi * unit());
  }

 private:
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
};

namespace detail {

inline void add_row(class_stream& to, std::span<const double> row, std::size_t label) {
  for (const double value : row) {
    to.values.push_back(static_cast<float>(value));
  }
  to.labels.push_back(static_cast<std::uint32_t>(label));
}

} // namespace detail

/// Two of three values count: their sum against 8, 9, 7, 9.5, each for a quarter of the rows; one
/// label in ten is wrong (Street and Kim 2001, SEA).
inline class_stream sea_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::array<double, 4> limits{8, 9, 7, 9.5};
  class_stream out{"SEA", 3, 2, {}, {}};
  draws draw(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::array x{draw.between(0, 10), draw.between(0, 10), draw.between(0, 10)};
    const bool below = x[0] + x[1] <= limits[i * limits.size() / rows];
    detail::add_row(out, x, below != draw.chance(0.1) ? 1 : 0);
  }
  return out;
}

/// Four squares in a row, one a class, that move along it together, back and forth: within 120 rows
/// one reaches where its neighbour was (Losing and others 2016).
inline class_stream squares_stream(std::size_t rows, std::uint64_t seed) {
  constexpr double speed = 1.0 / 120;
  class_stream out{"moving squares", 2, 4, {}, {}};
  draws draw(seed);
  double at = 0;
  double step = speed;
  for (std::size_t i = 0; i < rows; ++i) {
    at += step;
    if (at > 10 || at < 0) {
      step = -step;
    }
    const std::size_t k = draw.below(4);
    detail::add_row(out, std::array{at + 2 * static_cast<double>(k) + draw.unit(), draw.unit()}, k);
  }
  return out;
}

/// A board of 8 x 8 fields with a class each, shown field by field; after every four of them the
/// whole board (Losing and others 2016, transient chessboard).
inline class_stream chessboard_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::size_t fields = 64;
  class_stream out{"chessboard", 2, 8, {}, {}};
  draws draw(seed);
  std::array<std::size_t, fields> colour{};
  std::array<std::size_t, fields> order{};
  for (std::size_t k = 0; k < fields; ++k) {
    colour[k] = draw.below(8);
    order[k] = k;
  }
  for (std::size_t k = fields; k-- > 1;) {
    std::swap(order[k], order[draw.below(k + 1)]);
  }
  const std::size_t shown = std::max<std::size_t>(1, rows / (fields + fields / 4));
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t part = i / shown;
    const std::size_t field =
        part % 5 == 4 ? draw.below(fields) : order[(part - part / 5) % fields];
    const auto column = static_cast<double>(field % 8);
    const auto line = static_cast<double>(field / 8);
    detail::add_row(out, std::array{column + draw.unit(), line + draw.unit()}, colour[field]);
  }
  return out;
}

/// 50 centres in 10 dimensions, each with a class, a weight and a deviation, that move, and turn
/// back at the walls (Bifet and others 2010, MOA's random RBF with drift).
inline class_stream rbf_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::size_t centres = 50;
  constexpr std::size_t inputs = 10;
  constexpr double speed = 0.001;
  using point = std::array<double, inputs>;
  class_stream out{"RBF, moving", inputs, 5, {}, {}};
  draws draw(seed);
  std::array<point, centres> centre{};
  std::array<point, centres> velocity{};
  std::array<double, centres> spread{};
  std::array<double, centres> weight{};
  std::array<std::size_t, centres> label{};
  double total = 0;
  for (std::size_t c = 0; c < centres; ++c) {
    double length = 0;
    for (std::size_t k = 0; k < inputs; ++k) {
      centre[c][k] = draw.unit();
      velocity[c][k] = draw.normal();
      length += velocity[c][k] * velocity[c][k];
    }
    for (double& v : velocity[c]) {
      v *= speed / std::sqrt(length);
    }
    spread[c] = draw.unit();
    total += weight[c] = draw.unit();
    label[c] = draw.below(out.classes);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < centres; ++c) {
      for (std::size_t k = 0; k < inputs; ++k) {
        centre[c][k] += velocity[c][k];
        if (centre[c][k] > 1 || centre[c][k] < 0) {
          velocity[c][k] = -velocity[c][k];
        }
      }
    }
    double left = total * draw.unit();
    std::size_t c = 0;
    while (c + 1 < centres && left >= weight[c]) {
      left -= weight[c++];
    }
    point x{};
    double length = 0;
    for (double& v : x) {
      v = draw.between(-1, 1);
      length += v * v;
    }
    const double reach = draw.normal() * spread[c] / std::sqrt(length);
    for (std::size_t k = 0; k < inputs; ++k) {
      x[k] = centre[c][k] + reach * x[k];
    }
    detail::add_row(out, x, label[c]);
  }
  return out;
}

/// Fifteen bells in the plane, one a class, that exchange their places every twentieth of the rows:
/// two of them at first, one more each time (Losing and others 2016, interchanging RBF).
inline class_stream exchange_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::size_t bells = 15;
  constexpr std::size_t changes = 20;
  class_stream out{"RBF, exchanged", 2, bells, {}, {}};
  draws draw(seed);
  std::array<std::array<double, 5>, bells> bell{}; // centre, then a triangular root of covariance
  for (auto& b : bell) {
    b = {draw.between(0, 20), draw.between(0, 20), draw.between(0.3, 1.5), draw.between(-1, 1),
         draw.between(0.3, 1.5)};
  }
  std::array<std::size_t, bells> place{};
  for (std::size_t k = 0; k < bells; ++k) {
    place[k] = k;
  }
  std::size_t done = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i * changes / rows > done) {
      ++done;
      const std::size_t first = place[0];
      const std::size_t last = std::min(done + 1, bells) - 1;
      std::rotate(place.begin(), place.begin() + 1,
                  place.begin() + static_cast<std::ptrdiff_t>(last) + 1);
      place[last] = first;
    }
    const std::size_t k = draw.below(bells);
    const auto& b = bell[place[k]];
    const double u = draw.normal();
    const double v = draw.normal();
    detail::add_row(out, std::array{b[0] + b[2] * u, b[1] + b[3] * u + b[4] * v}, k);
  }
  return out;
}

namespace detail {

/// Who gets a loan: functions 1, 2, 3, 5 and 7 of Agrawal and others. Values: salary, commission,
/// age, education, car, zip code, value of the house, years owned, loan.
inline bool gets_loan(std::size_t function, std::span<const double> x) {
  const double salary = x[0];
  const double age = x[2];
  const auto within = [](double v, double low, double high) { return v >= low && v <= high; };
  const std::size_t group = age < 40 ? 0 : age < 60 ? 1 : 2;
  switch (function) {
  case 0:
    return group != 1;
  case 1: {
    constexpr std::array<double, 3> low{50000, 75000, 25000};
    return within(salary, low[group], low[group] + 50000);
  }
  case 2:
    return group == 0 ? x[3] <= 1 : group == 1 ? within(x[3], 1, 3) : within(x[3], 2, 4);
  case 3: {
    constexpr std::array<double, 3> low{50000, 75000, 25000};
    const bool inside = within(salary, low[group], low[group] + 50000);
    constexpr std::array<double, 3> loan{100000, 200000, 300000};
    const double least = loan[group] + (inside ? 0 : 100000);
    return within(x[8], least, least + 200000);
  }
  default:
    return 0.67 * (salary + x[1]) - 0.2 * x[8] - 20000 > 0;
  }
}

} // namespace detail

/// Applicants for a loan, nine raw columns; another rule decides after every fifth of the rows, and
/// numbers are off by up to 5 % of their range (Agrawal and others 1993).
inline class_stream loans_stream(std::size_t rows, std::uint64_t seed) {
  class_stream out{"Agrawal", 9, 2, {}, {}};
  draws draw(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    std::array<double, 9> x{};
    x[0] = draw.between(20000, 150000);
    x[1] = x[0] >= 75000 ? 0 : draw.between(10000, 75000);
    x[2] = draw.between(20, 80);
    x[3] = draw.below(5);
    x[4] = draw.below(20) + 1;
    x[5] = draw.below(9);
    x[6] = (9 - x[5]) * 100000 * draw.between(0.6, 1.4);
    x[7] = draw.below(30) + 1;
    x[8] = draw.between(0, 500000);
    const bool label = detail::gets_loan(i * 5 / rows, x);
    const auto blur = [&](std::size_t k, double low, double high) {
      x[k] = std::clamp(x[k] + draw.between(-1, 1) * 0.05 * (high - low), low, high);
    };
    blur(0, 20000, 150000);
    if (x[1] > 0) {
      blur(1, 10000, 75000);
    }
    blur(2, 20, 80);
    blur(6, 0, (9 - x[5]) * 150000);
    blur(7, 1, 30);
    blur(8, 0, 500000);
    detail::add_row(out, x, label ? 1 : 0);
  }
  return out;
}

/// The seven segments of a digit, each wrong once in ten rows, among 17 columns of chance; after
/// every quarter of the rows two segments change places with columns of chance (Breiman and others
/// 1984, LED; drift as in MOA).
inline class_stream segments_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::array<unsigned, 10> lit{0x77, 0x24, 0x5d, 0x6d, 0x2e,
                                         0x6b, 0x7b, 0x25, 0x7f, 0x6f};
  class_stream out{"LED", 24, 10, {}, {}};
  draws draw(seed);
  std::array<std::size_t, 24> place{};
  for (std::size_t k = 0; k < place.size(); ++k) {
    place[k] = k;
  }
  std::size_t done = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i * 4 / rows > done) {
      ++done;
      std::swap(place[2 * done - 2], place[7 + 2 * done]);
      std::swap(place[2 * done - 1], place[8 + 2 * done]);
    }
    const std::size_t digit = draw.below(10);
    std::array<double, 24> x{};
    for (std::size_t k = 0; k < x.size(); ++k) {
      const bool on = k < 7 ? (lit[digit] >> k & 1U) != 0 : draw.chance(0.5);
      x[place[k]] = on != (k < 7 && draw.chance(0.1)) ? 1 : 0;
    }
    detail::add_row(out, x, digit);
  }
  return out;
}

/// Three waves of 21 points, two of them mixed and noisy: nothing drifts, and the best possible
/// answer is right in 86 % (Breiman and others 1984, waveform).
inline class_stream waves_stream(std::size_t rows, std::uint64_t seed) {
  class_stream out{"waveform", 21, 3, {}, {}};
  draws draw(seed);
  const auto wave = [](std::size_t which, std::size_t k) {
    constexpr std::array<double, 3> peak{6, 14, 10};
    return std::max(0.0, 6 - std::abs(static_cast<double>(k) - peak[which]));
  };
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t label = draw.below(3);
    const double share = draw.unit();
    std::array<double, 21> x{};
    for (std::size_t k = 0; k < x.size(); ++k) {
      x[k] = share * wave(label == 2 ? 1 : 0, k) + (1 - share) * wave(label == 0 ? 1 : 2, k) +
             draw.normal();
    }
    detail::add_row(out, x, label);
  }
  return out;
}

/// A market of half hours: is the price above its mean of the last day? Classes come in runs, and
/// the columns (day, half hour, price, demand, a neighbour's, the exchange) vary little about
/// offsets, as those of the electricity stream do (Harries 1999).
inline class_stream prices_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::size_t day = 48;
  class_stream out{"prices", 7, 2, {}, {}};
  draws draw(seed);
  std::vector<double> prices;
  double level = 0;
  double weather = 0;
  double fast = 0;
  for (std::size_t i = 0; i < rows + day; ++i) {
    const auto slot = static_cast<double>(i % day) / day;
    const bool weekend = i / day % 7 >= 5;
    level += 0.002 * draw.normal() - 0.0005 * level;
    weather = 0.99 * weather + 0.05 * draw.normal();
    fast = 0.7 * fast + 0.3 * draw.normal();
    const double demand = 0.45 + 0.15 * std::sin(2 * std::numbers::pi * (slot - 0.3)) +
                          0.06 * std::sin(4 * std::numbers::pi * slot) - (weekend ? 0.08 : 0) +
                          0.05 * weather + 0.01 * draw.normal();
    const double price = 0.06 + 0.05 * std::max(0.0, demand - 0.3) + 0.02 * level + 0.012 * fast +
                         (draw.chance(0.003) ? 0.3 * draw.unit() : 0);
    prices.push_back(price);
    if (i < day) {
      continue;
    }
    double mean = 0;
    for (std::size_t k = 1; k <= day; ++k) {
      mean += prices[i - k] / day;
    }
    detail::add_row(out,
                    std::array{static_cast<double>(i / day % 7) + 1, slot, price, demand,
                               0.003 + 0.3 * prices[i - 1] + 0.002 * draw.normal(),
                               0.42 + 0.5 * (demand - 0.45) + 0.02 * draw.normal(),
                               0.41 - 0.3 * weather * 0.2 + 0.03 * draw.normal()},
                    price > mean ? 1 : 0);
  }
  return out;
}

/// Forty things seen in visits of ten rows, each visit in a light of its own: 21 columns above 0,
/// runs of one class that never come back quite the same.
inline class_stream visits_stream(std::size_t rows, std::uint64_t seed) {
  constexpr std::size_t inputs = 21;
  constexpr std::size_t things = 40;
  class_stream out{"visits", inputs, things, {}, {}};
  draws draw(seed);
  std::array<std::array<double, inputs>, things> look{};
  for (auto& one : look) {
    for (double& v : one) {
      v = 0.3 + 0.4 * draw.unit() * draw.unit();
    }
  }
  std::size_t thing = 0;
  std::array<double, inputs> light{};
  for (std::size_t i = 0; i < rows; ++i) {
    if (i % 10 == 0) {
      thing = draw.below(things);
      const double brightness = draw.between(0.6, 1.4);
      for (double& l : light) {
        l = brightness * draw.between(0.75, 1.25);
      }
    }
    std::array<double, inputs> x{};
    for (std::size_t k = 0; k < inputs; ++k) {
      light[k] *= 1 + 0.02 * draw.normal();
      x[k] = std::max(0.0, look[thing][k] * light[k] + 0.03 * draw.normal());
    }
    detail::add_row(out, x, thing);
  }
  return out;
}

/// All of them, in the order of the table.
inline std::vector<class_stream> make_class_streams(std::size_t rows, std::uint64_t seed) {
  std::vector<class_stream> all;
  for (const auto make :
       {sea_stream, squares_stream, chessboard_stream, rbf_stream, exchange_stream, loans_stream,
        segments_stream, waves_stream, prices_stream, visits_stream}) {
    all.push_back(make(rows, hanami::mix_bits(seed)));
  }
  return all;
}

} // namespace bench
