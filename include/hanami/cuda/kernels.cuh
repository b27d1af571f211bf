// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "batch.hpp"
#include "device_team.cuh"
#include "image.hpp"

/// What is launched. A block may take an image, or all of it but the tiles, to its shared memory
/// while it works on it.

namespace hanami::gpu {

/// Threads of the largest block.
inline constexpr unsigned most_threads = 512;

/// All threads of a block copy. Both ends stand on, and `bytes` is, a multiple of 16.
__device__ inline void copy_by_block(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t i = threadIdx.x; i < bytes / sizeof(uint4); i += blockDim.x) {
    reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(from)[i];
  }
}

/// How much of an image goes into `fast_bytes` of memory: all, all but the tiles, or nothing.
HANAMI_HOST_DEVICE inline std::size_t fast_part(const placed_image& image,
                                                std::size_t fast_bytes) noexcept {
  if (image.bytes <= fast_bytes) {
    return image.bytes;
  }
  return image.front_bytes <= fast_bytes ? image.front_bytes : 0;
}

/// The image with as much of it in `fast` as goes in.
__device__ inline image_view bring_in(const placed_image& image, std::byte* fast,
                                      std::size_t part) {
  if (part == 0) {
    return image.view();
  }
  copy_by_block(fast, image.base, part);
  __syncthreads();
  return {fast, part == image.bytes ? fast : image.base};
}

/// Block k trains image k on task k.
__global__ void __launch_bounds__(most_threads)
    train_fleet(const placed_image* images, const batch_view* tasks, std::size_t fast_bytes) {
  extern __shared__ uint4 shared_memory[];
  auto* fast = reinterpret_cast<std::byte*>(shared_memory);
  const placed_image image = images[blockIdx.x];
  const std::size_t part = fast_part(image, fast_bytes);
  const image_view view = bring_in(image, fast, part);
  train_batch(device_team<false>{}, view, tasks[blockIdx.x]);
  __syncthreads();
  copy_by_block(image.base, fast, part);
}

/// All blocks train one image. A cooperative launch.
__global__ void __launch_bounds__(most_threads) train_large(placed_image image, batch_view task) {
  train_batch(device_team<true>{}, image.view(), task);
}

/// Every block answers its share of the rows, on a copy of the image's front: in shared memory, or
/// where it does not go in, in `fronts` (one for each block).
__global__ void __launch_bounds__(most_threads)
    infer_rows(placed_image image, batch_view task, std::size_t fast_bytes, std::byte* fronts) {
  extern __shared__ uint4 shared_memory[];
  std::size_t part = fast_part(image, fast_bytes);
  auto* fast = reinterpret_cast<std::byte*>(shared_memory);
  if (part == 0) {
    part = image.front_bytes;
    fast = fronts + blockIdx.x * part;
  }
  const image_view view = bring_in(image, fast, part);
  const std::uint64_t share = (task.count + gridDim.x - 1) / gridDim.x;
  const std::uint64_t before = min(task.count, blockIdx.x * share);
  task.first += before;
  task.count = min(share, task.count - before);
  infer_batch(device_team<false>{}, view, task);
  __syncthreads();
  if (threadIdx.x == 0 && view.head().found_infinite != 0) {
    *static_cast<volatile std::uint32_t*>(&image.view().head().found_infinite) = 1;
  }
}

} // namespace hanami::gpu
