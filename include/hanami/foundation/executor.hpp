// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>

#include "../config.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {
/// The least that an executor is asked to run: work on the brick (or block of outputs) of an index.
struct work_archetype {
  void operator()(std::size_t) const noexcept {}
};
} // namespace detail

/// What runs the bricks. `for_each(count, bytes, work)` calls `work(i)` once for every i in
/// [0, count), in any order and on any threads, and returns when all are done; `bytes` is about how
/// much memory they touch in all, for deciding whether threads pay. Calls must not overlap in their
/// writes, so results do not depend on the order.
template <class Executor>
concept executor = requires(const Executor& e, std::size_t count, std::size_t bytes,
                            const detail::work_archetype& work) {
  e.for_each(count, bytes, work);
};

/// How a neuron turns its input sum z into its activation a >= 0. `derivative` is da/dz, taken from
/// a.
template <class Activation, class Real>
concept activation_function = requires(Real z, Real a) {
  { Activation::activate(z) } -> std::same_as<Real>;
  { Activation::derivative(a) } -> std::same_as<Real>;
};

} // namespace hanami
