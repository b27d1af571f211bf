// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cooperative_groups.h>

#include <cstddef>
#include <cstdint>

/// The teams of a device: one block of threads, or all blocks of a cooperative launch. What they
/// offer is described in `team.hpp`.

namespace hanami::gpu {

/// A block, alone or (`WholeGrid`) as one of all blocks of a cooperative launch. One-dimensional;
/// its size must be a multiple of 32, 1024 at most.
template <bool WholeGrid>
class device_team {
 public:
  /// Lanes of a sum: half a warp, as many as AVX-512 has, whose order of additions this is.
  static constexpr std::size_t sum_lanes = 16;

  __device__ std::size_t rank() const noexcept { return WholeGrid ? blockIdx.x : 0; }
  __device__ std::size_t size() const noexcept { return WholeGrid ? gridDim.x : 1; }

  __device__ void sync() const noexcept { __syncthreads(); }
  __device__ void sync_all() const noexcept {
    if constexpr (WholeGrid) {
      cooperative_groups::this_grid().sync();
    } else {
      __syncthreads();
    }
  }

  __device__ void raise(std::uint32_t& flag) const noexcept {
    *static_cast<volatile std::uint32_t*>(&flag) = 1;
  }

  template <class Body>
  __device__ void once(const Body& body) const {
    if (threadIdx.x == 0) {
      body();
    }
  }

  template <class Body>
  __device__ void each(std::size_t count, const Body& body) const {
    for (std::size_t i = threadIdx.x; i < count; i += blockDim.x) {
      body(i);
    }
  }
  template <class Body>
  __device__ void each_of_all(std::size_t count, const Body& body) const {
    for (std::size_t i = rank() * blockDim.x + threadIdx.x; i < count; i += size() * blockDim.x) {
      body(i);
    }
  }

  template <class Part, class Use>
  __device__ void sum_each(std::size_t count, const Part& part, const Use& use) const {
    sums(0, 1, count, part, use);
  }
  template <class Part, class Use>
  __device__ void sum_each_of_all(std::size_t count, const Part& part, const Use& use) const {
    sums(rank(), size(), count, part, use);
  }

  template <class Value, class Use>
  __device__ std::uint32_t scan(std::size_t count, const Value& value, const Use& use) const {
    __shared__ std::uint32_t of_warp[32];
    __syncthreads();
    std::uint32_t before = 0;
    for (std::size_t first = 0; first < count; first += blockDim.x) {
      const std::size_t i = first + threadIdx.x;
      const std::uint32_t mine = i < count ? value(i) : 0;
      const std::uint32_t through = sum_up_to(mine);
      if (threadIdx.x % warp == warp - 1) {
        of_warp[threadIdx.x / warp] = through;
      }
      __syncthreads();
      std::uint32_t start = before;
      for (std::uint32_t w = 0; w < blockDim.x / warp; ++w) {
        start += w < threadIdx.x / warp ? of_warp[w] : 0;
        before += of_warp[w];
      }
      if (i < count) {
        use(i, start + through - mine);
      }
      __syncthreads();
    }
    return before;
  }

 private:
  static constexpr unsigned warp = 32;
  static constexpr unsigned whole_warp = 0xffffffffU;

  /// Sum of the values of this thread and those before it in its warp.
  __device__ static std::uint32_t sum_up_to(std::uint32_t value) noexcept {
    for (unsigned off = 1; off < warp; off *= 2) {
      const std::uint32_t other = __shfl_up_sync(whole_warp, value, off);
      value += threadIdx.x % warp >= off ? other : 0;
    }
    return value;
  }

  /// Half a warp a sum. Both halves go round together: all threads of a warp take part in shuffles.
  template <class Part, class Use>
  __device__ static void sums(std::size_t block, std::size_t blocks, std::size_t count,
                              const Part& part, const Use& use) {
    const std::size_t halves = blockDim.x / sum_lanes;
    const std::size_t lane = threadIdx.x % sum_lanes;
    const std::size_t half_in_warp = threadIdx.x % warp / sum_lanes;
    for (std::size_t pair = block * halves + threadIdx.x / warp * 2; pair < count;
         pair += blocks * halves) {
      const std::size_t i = pair + half_in_warp;
      float sum = i < count ? part(i, lane) : 0.0f;
      for (unsigned off = sum_lanes / 2; off > 0; off /= 2) {
        sum += __shfl_down_sync(whole_warp, sum, off, sum_lanes);
      }
      if (lane == 0 && i < count) {
        use(i, sum);
      }
    }
  }
};

} // namespace hanami::gpu
