// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include "batch.hpp"
#include "image.hpp"

namespace hanami::gpu {

/// Memory of a device and what runs on it. `train` and `infer` may return before they are done,
/// `wait` does not; copies of other memory may go on meanwhile. `lanes`: threads that have work.
template <class Device>
concept image_device = requires(Device& device, typename Device::memory& memory,
                                typename Device::staging& staging, std::size_t bytes,
                                const void* from, void* to, std::span<const placed_image> images,
                                std::span<const batch_view> tasks, std::size_t lanes) {
  { device.allocate(bytes) } -> std::same_as<typename Device::memory>; // errc::out_of_memory
  { device.stage(bytes) } -> std::same_as<typename Device::staging>;   // memory of the host
  { memory.data() } -> std::same_as<std::byte*>;
  { memory.size() } -> std::convertible_to<std::size_t>;
  { staging.data() } -> std::same_as<std::byte*>;
  { staging.size() } -> std::convertible_to<std::size_t>;
  device.upload(memory.data(), from, bytes);
  device.download(to, memory.data(), bytes);
  device.train(images, tasks, lanes); // image k does task k
  device.infer(images[0], tasks[0], lanes);
  device.wait();
};

} // namespace hanami::gpu
