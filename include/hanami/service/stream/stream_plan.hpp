// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../base/json.hpp"

/// What a stream is made with.

namespace hanami::service::streams {

/// How rows are read and learned. Never changes once the stream is made.
struct stream_plan {
  std::vector<std::string> columns; ///< to learn; empty: every field of numbers but time and `by`
  std::string time_field;           ///< empty: found; "none": rows have no time
  std::string time_format;          ///< as strptime has it; empty: found
  std::string time_unit;            ///< of numbers; empty: found
  std::string zone;                 ///< whose hours and weekdays matter; empty: times as they stand
  std::string by;                   ///< field that tells devices apart: a model for each
  std::uint64_t max_devices = 1000; ///< kept at once; the longest silent one is dropped
  std::uint32_t window = 12;        ///< last changes of a column that forecasts see
  std::vector<std::uint32_t> horizons; ///< rows ahead; empty: one, and a day where that is known
  double step = 0;                     ///< seconds from row to row; 0: found
  double alarms_per_day = 1.0 / 30;    ///< false ones, to be expected
  bool mean = false;                   ///< forecasts are means instead of medians
  std::uint64_t seed = 1;
  std::uint64_t history = 500;     ///< last answers that are kept
  std::uint64_t max_tracks = 4096; ///< forecasts of one row that all devices together may have

  template <class Archive>
  void serialize(Archive& archive) {
    archive(columns, time_field, time_format, time_unit, zone, by, max_devices, window, horizons,
            step, alarms_per_day, mean, seed, history, max_tracks);
  }
};

/// Columns of a device, at most, if its memory allows it; further fields are left out.
inline constexpr std::size_t most_fields = 256;

/// From what `to_json` gives; members that are left out have their defaults.
stream_plan plan_from(const json::object& values);
json::object to_json(const stream_plan& plan);

/// Forecasts that fit into so many bytes, about.
std::uint64_t tracks_in(std::size_t bytes, std::uint32_t window) noexcept;

} // namespace hanami::service::streams
