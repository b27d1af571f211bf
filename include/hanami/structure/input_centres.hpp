// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../config.hpp"
#include "../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA {

/// What is noted of a column of the inputs until it is known whether it is dense.
template <class Real>
struct column_watch {
  std::uint32_t known = 0;  ///< values that were there
  std::uint32_t active = 0; ///< of them, those that were not 0
  Real first = 0;           ///< of the three values at hand
  Real second = 0;
  Real sum = 0; ///< of the medians of three values each
  bool decided = false;

  /// Notes a value, which must be finite.
  void note(Real x) noexcept {
    switch (known % 3) {
    case 0:
      first = x;
      break;
    case 1:
      second = x;
      break;
    default:
      sum += std::clamp(x, std::min(first, second), std::max(first, second));
    }
    ++known;
    active += x != Real{0} ? 1U : 0U;
  }

  /// The mean of the medians of three: of any scale, and no lone outlier moves it.
  Real centre() const noexcept { return known < 3 ? first : sum / static_cast<Real>(known / 3); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(known, active, first, second, sum, decided);
    archive.require(std::isfinite(first) && std::isfinite(second) && std::isfinite(sum) &&
                        active <= known,
                    "the watch of an input is broken");
  }
};

/// From where the values of dense columns are measured; see `growth/centre.hpp`.
template <class Real>
struct input_centres {
  aligned_vector<Real> at; ///< per value of a sample; empty while no column is dense
  std::vector<column_watch<Real>> watched; ///< per value of a sample; empty once all are decided
  std::uint32_t seen = 0;                  ///< samples watched

  /// Where the values of an input begin that stands at `first`, or nullptr where none is centred.
  const Real* from(std::size_t first) const noexcept {
    return at.empty() ? nullptr : at.data() + first;
  }
  std::size_t bytes() const noexcept { return allocated_bytes(at) + allocated_bytes(watched); }

  /// Whether it fits samples of `size` values.
  bool fits(std::size_t size) const noexcept {
    return (at.empty() || at.size() == size) && (watched.empty() || watched.size() == size) &&
           std::all_of(at.begin(), at.end(), [](Real x) { return std::isfinite(x); });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at, watched, seen);
  }
};

} // namespace hanami
