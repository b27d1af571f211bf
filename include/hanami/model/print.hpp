// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>

#include "../cluster.hpp"

/// Clusters in words, for logs and consoles. Classifiers, regressors, scores and probabilities
/// print themselves.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// `12 bytes`, `3.4 KiB`, `5.6 MiB`.
inline std::string bytes_in_words(std::size_t bytes) {
  constexpr const char* units[] = {" bytes", " KiB", " MiB", " GiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    ++unit;
  }
  std::ostringstream text;
  text.precision(unit == 0 ? 4 : 3);
  text << value << units[unit];
  return text.str();
}

} // namespace detail

/// Size and history, in three lines without an end of line.
inline std::string to_string(const cluster_statistics& of) {
  std::ostringstream text;
  text << of.neurons << " neurons in " << of.bricks << " bricks of " << of.hexagons << " hexagons, "
       << of.synapses << " synapses, " << detail::bytes_in_words(of.bytes) << "\nlearned from "
       << of.samples_learned << " of " << of.samples << " samples, " << of.drifts
       << " changes noticed\ngrown: " << of.growth.bricks_grown << " bricks, "
       << of.growth.sections_grown << " sections, " << of.growth.steps_grown
       << " more steps; removed: " << of.growth.steps_removed
       << " steps; refused for memory: " << of.growth.growth_denied;
  return text.str();
}
inline std::ostream& operator<<(std::ostream& stream, const cluster_statistics& of) {
  return stream << to_string(of);
}

/// `loss 0.12, error 0.3, learned`.
inline std::ostream& operator<<(std::ostream& stream, const train_result& of) {
  return stream << "loss " << of.loss << ", error " << of.error
                << (of.learned ? ", learned" : ", known already");
}

} // namespace hanami
