// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// What an output notes of the targets of one of its nodes: enough to tell a value that a broken
/// sensor has sent from a level that has changed and from a tail that is part of the data. See
/// `algorithm/target_scale.hpp`.
template <class Real>
struct target_record {
  static constexpr std::size_t recent_count = 15;

  std::uint64_t seen = 0;                  ///< known targets
  std::array<Real, recent_count> recent{}; ///< the last ones
  double mean = 0;                         ///< of the targets, far ones counted as less
  double square = 0;                       ///< of their distances from it
  double bulk = 0;                         ///< mean distance of most of them from the location
  double lone = 0;         ///< the only distance so far, where all targets were equal but one
  double error_square = 1; ///< mean square of the errors, in inner units, far ones counted as less
  double error_fourth = 3; ///< and of their fourth powers
  double explained = 0;    ///< mean square of the distances from `mean`, less that of the errors
  std::uint64_t errors = 16; ///< that these stand for, at least

  bool finite() const noexcept {
    return std::isfinite(mean) && std::isfinite(square) && std::isfinite(bulk) &&
           std::isfinite(lone) && std::isfinite(error_square) && std::isfinite(explained) &&
           std::isfinite(error_fourth);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seen);
    for (Real& value : recent) {
      archive(value);
    }
    archive(mean, square, bulk, lone, error_square, error_fourth, explained, errors);
    archive.require(finite(), "the record of a target is not finite");
  }
};

} // namespace hanami
