// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <hanami/foundation/random.hpp>

#include <support/sensor_files.hpp>

/// Made streams for forecasts, each with something that recordings at hand lack: sensors that
/// follow each other, bursts, spreads that follow the hour, a plant with set points, and walks of
/// which nothing can be known. The same seed makes the same stream.

namespace bench {

/// Rows `step` seconds apart; 0: no times.
struct made_stream {
  std::string name;
  double step = 0;
  support::recording rows;
};

namespace detail {

class draws {
 public:
  explicit draws(std::uint64_t seed) : seed_(seed) {}

  double unit() { return static_cast<double>(hanami::random_unit(seed_, 77, count_++)); }
  double normal() {
    const double size = std::sqrt(-2 * std::log(1 - unit()));
    return size * std::cos(2 * std::numbers::pi * unit());
  }
  /// Student's t with 3 degrees of freedom: heavy tails.
  double heavy() {
    const double one = normal();
    const double two = normal();
    const double three = normal();
    return normal() / std::sqrt((one * one + two * two + three * three) / 3 + 1e-9);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
};

inline double day_wave(double hour, double shift) {
  return std::sin(2 * std::numbers::pi * (hour - shift) / 24);
}

inline made_stream begin_stream(const char* name, double step, std::size_t columns) {
  made_stream made{name, step, {}};
  for (std::size_t c = 0; c < columns; ++c) {
    made.rows.names.push_back("column_" + std::to_string(c + 1));
  }
  return made;
}

inline void add_row(made_stream& to, std::vector<double> values) {
  const double row = static_cast<double>(to.rows.rows.size());
  to.rows.times.push_back(to.step > 0 ? row * to.step : std::numeric_limits<double>::quiet_NaN());
  to.rows.rows.push_back(std::move(values));
}

} // namespace detail

/// Six sensors of one weather, an hour a row: each sees two fronts 0 to 4 hours late, on a day of
/// its own, in units of its own.
inline made_stream make_related(std::uint64_t seed, std::size_t rows) {
  detail::draws draw(seed);
  made_stream made = detail::begin_stream("related sensors", 3600, 6);
  std::array<std::vector<double>, 2> fronts;
  std::array<double, 2> speed{};
  for (std::size_t t = 0; t < rows + 8; ++t) {
    for (std::size_t f = 0; f < 2; ++f) {
      speed[f] = 0.8 * speed[f] + 0.3 * draw.normal();
      fronts[f].push_back((t > 0 ? 0.97 * fronts[f].back() : 0) + speed[f]);
    }
  }
  for (std::size_t t = 0; t < rows; ++t) {
    std::vector<double> row;
    for (std::size_t c = 0; c < 6; ++c) {
      const double late = fronts[c % 2][t + 8 - c % 5] + 0.4 * fronts[1 - c % 2][t + 8 - c / 2];
      const double day = detail::day_wave(static_cast<double>(t % 24), static_cast<double>(c));
      const double bent = c == 3 ? std::max(late, -0.5) : late;
      row.push_back(std::pow(10.0, static_cast<double>(c) - 2) *
                    (20 + 2 * bent + 2 * day + 0.3 * draw.normal()));
    }
    detail::add_row(made, std::move(row));
  }
  return made;
}

/// Four gauges, an hour a row: bursts of very different size that decay, more by day; the second
/// and the fourth lie downstream of the first and the third.
inline made_stream make_bursts(std::uint64_t seed, std::size_t rows) {
  detail::draws draw(seed);
  made_stream made = detail::begin_stream("bursts", 3600, 4);
  std::array<double, 2> level{};
  std::array<double, 2> below{};
  std::array<std::array<double, 4>, 2> way{};
  for (std::size_t t = 0; t < rows; ++t) {
    std::vector<double> row(4);
    for (std::size_t f = 0; f < 2; ++f) {
      const double chance = 0.03 * (1 + 0.8 * detail::day_wave(static_cast<double>(t % 24), 8));
      level[f] *= f == 0 ? 0.8 : 0.93;
      if (draw.unit() < chance) {
        level[f] += 2 * std::exp(1.2 * draw.normal());
      }
      std::rotate(way[f].begin(), way[f].begin() + 1, way[f].end());
      way[f].back() = level[f];
      below[f] += 0.4 * (way[f].front() - below[f]);
      row[2 * f] = 5 + level[f] + 0.05 * (1 + level[f]) * draw.normal();
      row[2 * f + 1] = 2 + 3 * below[f] + 0.1 * (1 + below[f]) * draw.normal();
    }
    detail::add_row(made, std::move(row));
  }
  return made;
}

/// Four counts of a town, an hour a row: a shape for working days and one for others, with a
/// spread six times as wide at noon as at night.
inline made_stream make_days(std::uint64_t seed, std::size_t rows) {
  detail::draws draw(seed);
  made_stream made = detail::begin_stream("days", 3600, 4);
  std::array<double, 4> held{};
  for (std::size_t t = 0; t < rows; ++t) {
    const auto hour = static_cast<double>(t % 24);
    const bool works = (t / 24 + 3) % 7 < 5;
    std::vector<double> row;
    for (std::size_t c = 0; c < 4; ++c) {
      const double base = 1.3 + detail::day_wave(hour, 7 + static_cast<double>(c));
      const double rush = works ? std::exp(-0.5 * (hour - 8) * (hour - 8)) +
                                      std::exp(-0.3 * (hour - 17) * (hour - 17))
                                : 0;
      const double mean = 20 + 50 * base + 80 * rush * (c == 1 ? 0.2 : 1);
      held[c] = 0.7 * held[c] + draw.normal();
      const double spread = 0.3 + 0.7 * base;
      const double value = mean + 6 * spread * (held[c] + 0.3 * draw.normal());
      row.push_back(c == 2 ? std::round(value / 5) * 5 : value);
    }
    detail::add_row(made, std::move(row));
  }
  return made;
}

/// A plant, a minute a row: a set point that switches, a flow that follows it, a temperature whose
/// inertia depends on the flow, a pressure that grows with its square.
inline made_stream make_plant(std::uint64_t seed, std::size_t rows) {
  detail::draws draw(seed);
  made_stream made = detail::begin_stream("plant", 60, 4);
  double wanted = 1;
  double flow = 1;
  double heat = 50;
  for (std::size_t t = 0; t < rows; ++t) {
    if (draw.unit() < 0.01) {
      wanted = 0.5 + std::floor(4 * draw.unit()) / 2;
    }
    flow += 0.2 * (wanted - flow) + 0.01 * draw.normal();
    const double air = 15 + 8 * detail::day_wave(static_cast<double>(t % 1440) / 60, 9);
    heat += 0.05 * flow * (40 / (0.5 + flow) + air + 20 - heat) + 0.05 * draw.normal();
    detail::add_row(made,
                    {heat + 0.03 * draw.normal(), flow + 0.01 * draw.normal(),
                     100 + 30 * flow * flow + 0.6 * draw.normal(), air + 0.1 * draw.normal()});
  }
  return made;
}

/// Of which nothing, or hardly anything, can be known: a walk with heavy tails, one in steps, a
/// noisy level, a level that returns. No times.
inline made_stream make_walks(std::uint64_t seed, std::size_t rows) {
  detail::draws draw(seed);
  made_stream made = detail::begin_stream("walks", 0, 4);
  double heavy = 0;
  double walk = 0;
  double returns = 0;
  for (std::size_t t = 0; t < rows; ++t) {
    heavy += draw.heavy();
    walk += draw.normal();
    returns = 0.9 * returns + draw.normal();
    detail::add_row(made, {heavy, std::floor(walk / 2), 7 + 0.1 * draw.heavy(), 1e4 * returns});
  }
  return made;
}

inline std::vector<made_stream> make_streams(std::uint64_t seed) {
  std::vector<made_stream> made;
  made.push_back(make_related(seed, 6000));
  made.push_back(make_bursts(seed + 1, 6000));
  made.push_back(make_days(seed + 2, 6000));
  made.push_back(make_plant(seed + 3, 9000));
  made.push_back(make_walks(seed + 4, 6000));
  return made;
}

} // namespace bench
