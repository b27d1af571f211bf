// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "../foundation/memory.hpp"
#include "batch.hpp"
#include "image.hpp"
#include "image_device.hpp"
#include "team.hpp"

/// The device that is always there.

namespace hanami::gpu {

/// This machine, a block being played by one thread.
class emulated_device {
 public:
  class memory {
   public:
    memory() = default;
    explicit memory(std::size_t bytes) : bytes_(bytes) {}
    std::byte* data() noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return bytes_.size(); }

   private:
    aligned_vector<std::byte> bytes_;
  };
  using staging = memory;

  explicit emulated_device(std::size_t threads = 64, bool backwards = false) noexcept
      : team_(threads, backwards) {}

  memory allocate(std::size_t bytes) const { return memory(bytes); }
  staging stage(std::size_t bytes) const { return memory(bytes); }
  void upload(std::byte* to, const void* from, std::size_t bytes) const {
    if (bytes > 0) {
      std::memcpy(to, from, bytes);
    }
  }
  void download(void* to, const std::byte* from, std::size_t bytes) const {
    if (bytes > 0) {
      std::memcpy(to, from, bytes);
    }
  }
  void train(std::span<const placed_image> images, std::span<const batch_view> tasks,
             std::size_t /*lanes*/) const {
    for (std::size_t i = 0; i < images.size(); ++i) {
      train_batch(team_, images[i].view(), tasks[i]);
    }
  }
  void infer(const placed_image& image, const batch_view& task, std::size_t /*lanes*/) const {
    infer_batch(team_, image.view(), task);
  }
  void wait() const noexcept {}

 private:
  emulated_team team_;
};

static_assert(image_device<emulated_device>);

} // namespace hanami::gpu
