// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <support/report.hpp>

namespace bench {

/// What the parts of `streams` are told.
struct part_options {
  std::string data;  ///< folder with the recordings; empty: none at hand
  bool half = false; ///< the first half of ETTh2 only
  std::uint64_t alarm_seeds = 1;
  std::uint64_t alarm_days = 0;
};

/// One part: what `--only` calls it, and what adds its tables to the report.
struct part {
  const char* name;
  bool needs_recordings;
  void (*add)(const part_options& options, std::vector<support::table>& tables);
};

} // namespace bench
