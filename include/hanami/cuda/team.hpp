// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../config.hpp"
#include "../foundation/simd.hpp"

/// Teams: who runs the work on the image of a cluster. On a device a team is one block of threads
/// or several; here it is a single thread that plays a whole block, one thread of it after the
/// other, so that the very functions a device runs can be run and tested anywhere.
///
/// What the work may use (all threads of a team call everything, in the same order):
///   each(n, body)           body(i) for all i < n, spread over the threads of the block
///   each_of_all(n, body)    the same over all blocks
///   sum_each(n, part, use)  use(i, sum), the sum being that of part(i, lane) over `sum_lanes`
///                           lanes, added by halves: the order of `simd_sum`
///   sum_each_of_all         the same over all blocks
///   scan(n, value, use)     use(i, value(0) + ... + value(i - 1)), by the block; returns the total
///   once(body)              by one thread of the block
///   raise(flag)             flag = 1, whoever else does so at the same time
///   sync(), sync_all()      what was written before is seen after, by the block or by all blocks
///   rank(), size()          which block this is, and of how many
/// `each` and its kin end in no barrier; `scan` begins and ends in one.

namespace hanami::gpu {

/// A block of `threads` threads, played by one: forwards or backwards, which must not matter.
class emulated_team {
 public:
  /// Lanes of a sum: those of the build's vectors, so that sums are the serial executor's to the
  /// bit. (A device has 16, like AVX-512.)
  static constexpr std::size_t sum_lanes = simd_width<float>;

  explicit emulated_team(std::size_t threads, bool backwards = false) noexcept
      : threads_(threads), backwards_(backwards) {}

  std::size_t rank() const noexcept { return 0; }
  std::size_t size() const noexcept { return 1; }
  void sync() const noexcept {}
  void sync_all() const noexcept {}

  void raise(std::uint32_t& flag) const noexcept { flag = 1; }

  template <class Body>
  void once(const Body& body) const {
    body();
  }

  template <class Body>
  void each(std::size_t count, const Body& body) const {
    for (std::size_t played = 0; played < threads_; ++played) {
      for (std::size_t i = thread(played); i < count; i += threads_) {
        body(i);
      }
    }
  }
  template <class Body>
  void each_of_all(std::size_t count, const Body& body) const {
    each(count, body);
  }

  template <class Part, class Use>
  void sum_each(std::size_t count, const Part& part, const Use& use) const {
    each(count, [&](std::size_t i) {
      float lane[sum_lanes];
      for (std::size_t k = 0; k < sum_lanes; ++k) {
        lane[k] = part(i, k);
      }
      for (std::size_t half = sum_lanes / 2; half > 0; half /= 2) {
        for (std::size_t k = 0; k < half; ++k) {
          lane[k] += lane[k + half];
        }
      }
      use(i, lane[0]);
    });
  }
  template <class Part, class Use>
  void sum_each_of_all(std::size_t count, const Part& part, const Use& use) const {
    sum_each(count, part, use);
  }

  template <class Value, class Use>
  std::uint32_t scan(std::size_t count, const Value& value, const Use& use) const {
    std::vector<std::uint32_t> before(count);
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      before[i] = total;
      total += value(i);
    }
    each(count, [&](std::size_t i) { use(i, before[i]); });
    return total;
  }

 private:
  std::size_t thread(std::size_t played) const noexcept {
    return backwards_ ? threads_ - 1 - played : played;
  }

  std::size_t threads_;
  bool backwards_;
};

} // namespace hanami::gpu
