// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "../config.hpp"

/// What the time of a sample goes to, for those who measure it.

namespace hanami::inline HANAMI_ISA {

/// The parts of training and inference, in the order in which they happen. Those of a brick come
/// once a brick.
enum class phase : std::uint8_t {
  inputs,         ///< values to their places, by sign
  growth,         ///< active presynaptic nodes, and what must grow for them (training)
  active,         ///< active presynaptic nodes (inference)
  list,           ///< active steps of a brick
  accumulate,     ///< their weights, added up
  activate,       ///< activations of the neurons
  outputs,        ///< sums, predictions, losses
  gradients,      ///< backward pass to all neurons
  borders,        ///< border rule of a brick
  output_weights, ///< correction of the outputs' weights
  weights,        ///< correction of a brick's weights
};

inline constexpr std::array<std::string_view, 11> phase_names = {
    "inputs",  "growth",    "active",  "list",           "accumulate", "activate",
    "outputs", "gradients", "borders", "output weights", "weights"};

/// Is told whenever a phase has ended. A small value: it is copied. Told from the threads of the
/// executor, so only `serial_executor` goes with one that measures.
template <class Observer>
concept phase_observer = requires(const Observer& observe) {
  observe(phase::inputs);
};

/// Measures nothing and costs nothing.
struct no_observer {
  constexpr void operator()(phase) const noexcept {}
};

static_assert(phase_observer<no_observer>);

} // namespace hanami
