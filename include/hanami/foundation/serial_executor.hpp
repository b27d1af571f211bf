// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "executor.hpp"

namespace hanami::inline HANAMI_ISA {

/// Runs everything in the calling thread, in order.
struct serial_executor {
  template <class Work>
  void for_each(std::size_t count, std::size_t /*bytes*/, const Work& work) const {
    for (std::size_t i = 0; i < count; ++i) {
      work(i);
    }
  }
};

static_assert(executor<serial_executor>);

} // namespace hanami
