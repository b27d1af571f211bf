// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "builder.hpp"

namespace hanami::inline HANAMI_ISA {

/// The smallest template that learns anything: the input "input", one hexagon of neurons, the
/// output "output", in a row.
///
///     const hanami::cluster_template t = hanami::one_hexagon(4, 3, hanami::output_kind::softmax);
///
/// Throws `errc::invalid_template` for settings, sizes or a loss that no template may have.
inline cluster_template one_hexagon(std::uint32_t inputs, std::uint32_t outputs, output_kind kind,
                                    const cluster_settings& settings = {},
                                    const value_loss& loss = {}) {
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {3, 1, 1}})
      .input("input", {1, 1, 1}, inputs)
      .output("output", {3, 1, 1}, outputs, kind, loss)
      .build();
}

} // namespace hanami
