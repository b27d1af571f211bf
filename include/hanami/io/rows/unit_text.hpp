// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "../../config.hpp"

/// Units behind numbers: those that are known where no blank stands before them, and what their
/// prefixes multiply a number by.

namespace hanami::inline HANAMI_ISA::detail {

/// What a unit measures, by its unit without a prefix, and how many of those it is.
struct unit_scale {
  std::string_view base; ///< empty: the unit is not known
  double factor = 1;
};

/// Units without prefixes, or with others than those of ten.
inline constexpr auto whole_units = std::to_array<std::string_view>(
    {"%",     "C",     "F",   "degC",  "degF",  "deg",   "rad",  "rpm",   "RPM",   "ppm",  "ppb",
     "dB",    "dBm",   "dBA", "lx",    "lux",   "lm",    "psi",  "mph",   "kph",   "km/h", "kmh",
     "m/s",   "kn",    "kt",  "kts",   "ft",    "in",    "mi",   "lb",    "lbs",   "oz",   "gal",
     "l/min", "L/min", "l/h", "m3/h",  "m3",    "mg/l",  "mg/L", "ug/m3", "mg/m3", "g/m3", "W/m2",
     "W/m^2", "kg/m3", "cpm", "uSv/h", "mSv/h", "kgCO2", "cd",   "K",     "inHg",  "mmHg", "px",
     "fps",   "bpm",   "VAC", "VDC",   "VA",    "kVA",   "var",  "kvar",  "mAh",   "Ah"});

struct known_unit {
  std::string_view name;
  std::string_view base;
  double factor;
};

/// Units of time and others that are no prefix and a unit.
inline constexpr auto other_units = std::to_array<known_unit>(
    {{"sec", "s", 1},          {"secs", "s", 1},       {"msec", "s", 1e-3},
     {"usec", "s", 1e-6},      {"min", "s", 60},       {"mins", "s", 60},
     {"h", "s", 3600},         {"hr", "s", 3600},      {"hrs", "s", 3600},
     {"d", "s", 86400},        {"bytes", "B", 1},      {"Bytes", "B", 1},
     {"byte", "B", 1},         {"KBytes", "B", 1024},  {"MBytes", "B", 1 << 20},
     {"GBytes", "B", 1 << 30}, {"bits", "bit", 1},     {"Kbit", "bit", 1e3},
     {"bps", "bit/s", 1},      {"kbps", "bit/s", 1e3}, {"Kbps", "bit/s", 1e3},
     {"Mbps", "bit/s", 1e6},   {"Gbps", "bit/s", 1e9}, {"hPa", "Pa", 100},
     {"cm", "m", 1e-2},        {"dm", "m", 1e-1},      {"ml", "l", 1e-3},
     {"mL", "l", 1e-3},        {"L", "l", 1},          {"kohm", "ohm", 1e3},
     {"kOhm", "ohm", 1e3},     {"Ohm", "ohm", 1}});

/// Units that prefixes of ten stand before.
inline constexpr auto prefixed_units = std::to_array<std::string_view>(
    {"s", "m",   "g", "V",   "A",   "W",     "Wh",       "J",     "Hz",        "Pa",  "bar",
     "l", "ohm", "B", "bit", "B/s", "bit/s", "Bps",      "Ws",    "VAh",       "N",   "Nm",
     "T", "F",   "S", "H",   "b",   "b/s",   "bits/sec", "B/sec", "Bytes/sec", "iB/s"});

/// What a prefix multiplies by; 0: it is none.
constexpr double prefix_of(std::string_view text) noexcept {
  if (text == "\xC2\xB5" || text == "\xCE\xBC") { // both signs for micro
    return 1e-6;
  }
  if (text.size() == 2 && text[1] == 'i') {
    constexpr std::string_view letters = "KMGTPE";
    const std::size_t place = letters.find(text[0] == 'k' ? 'K' : text[0]);
    double factor = place == std::string_view::npos ? 0 : 1;
    for (std::size_t i = 0; factor > 0 && i <= place; ++i) {
      factor *= 1024;
    }
    return factor;
  }
  if (text.size() != 1) {
    return 0;
  }
  switch (text[0]) {
  case 'p':
    return 1e-12;
  case 'n':
    return 1e-9;
  case 'u':
    return 1e-6;
  case 'm':
    return 1e-3;
  case 'k':
  case 'K':
    return 1e3;
  case 'M':
    return 1e6;
  case 'G':
    return 1e9;
  case 'T':
    return 1e12;
  case 'P':
    return 1e15;
  default:
    return 0;
  }
}

/// What a unit is a multiple of, as `mV` of `V` and `GiB` of `B`.
inline unit_scale scale_of(std::string_view unit) noexcept {
  const auto other = std::find_if(other_units.begin(), other_units.end(),
                                  [&](const known_unit& known) { return known.name == unit; });
  if (other != other_units.end()) {
    return {other->base, other->factor};
  }
  if (std::find(whole_units.begin(), whole_units.end(), unit) != whole_units.end()) {
    return {unit, 1};
  }
  for (const std::string_view base : prefixed_units) {
    if (unit == base) {
      return {base, 1};
    }
    if (unit.size() > base.size() && unit.ends_with(base)) {
      const std::string_view prefix = unit.substr(0, unit.size() - base.size());
      const bool of_two = prefix.size() == 2 && prefix[1] == 'i';
      const double factor =
          !of_two || base.starts_with('B') || base.starts_with('b') ? prefix_of(prefix) : 0;
      if (factor > 0) {
        return {base, factor};
      }
    }
  }
  if (unit.size() == 2 && unit[1] == 'i' && prefix_of(unit) > 0) { // 45Mi, of bytes
    return {"B", prefix_of(unit)};
  }
  return {};
}

/// Whether a unit is the letter of a prefix alone, whose numbers are multiplied: 1.2k, 3.4M.
constexpr bool is_factor(std::string_view unit) noexcept {
  return unit.size() == 1 && std::string_view("kKMGT").find(unit[0]) != std::string_view::npos;
}

} // namespace hanami::detail
