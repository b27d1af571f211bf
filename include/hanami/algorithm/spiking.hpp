// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "../structure/cluster_template.hpp"

namespace hanami {

/// One cycle of spiking neurons: what an input leaves behind decays, and who has taken one rests.
///
///     v <- v / cooldown                                      every cycle
///     v <- v + z, then rest for refractory_time - 1 cycles   where z > 0 and the neuron does not
///     rest
///
/// The activation then sees v in place of z. `refractory_time` 1 never rests, n takes input every
/// n-th cycle at most; every integer is exact. A resting neuron still answers with what is left of
/// its potential. On return `sums` holds v, and `took` tells whose input counted in this cycle: the
/// only ones that the backward pass may correct.
template <class Real>
void spike(const cluster_settings& settings, std::size_t lanes, Real* sums, Real* potentials,
           std::uint32_t* resting, std::uint8_t* took) noexcept {
  const Real keep = static_cast<Real>(1.0 / settings.neuron_cooldown);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const bool rests = resting[lane] > 0;
    const bool takes = !rests && sums[lane] > Real{0};
    const Real v = potentials[lane] * keep + (takes ? sums[lane] : Real{0});
    resting[lane] = rests ? resting[lane] - 1 : (takes ? settings.refractory_time - 1 : 0);
    took[lane] = takes ? 1 : 0;
    potentials[lane] = v;
    sums[lane] = v;
  }
}

} // namespace hanami
