// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// The time of the first row, in seconds since 1970, and how long it is from row to row; a step of
/// 0: rows have times of their own.
struct sampled_rows {
  double first = 0;
  double step = 0;
  std::uint64_t rows = 0; ///< so far

  /// The time of the next row, and its text, to a microsecond.
  double next(std::string& text) {
    const double time = first + static_cast<double>(rows++) * step;
    constexpr std::size_t longest = 400; // any double
    std::array<char, longest> digits{};
    const auto [end, code] = std::to_chars(digits.data(), digits.data() + digits.size(), time,
                                           std::chars_format::fixed, 6);
    text.assign(digits.data(), end);
    return time;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, step, rows);
  }
};

} // namespace hanami::detail
