// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "image_device.hpp"

/// A CUDA device as `trainer` wants it: memory, copies, launches. Declared here for any compiler;
/// what nvcc has to see stands in `cuda/cuda.cuh`.

namespace hanami::gpu {

/// What a device is and has.
struct device_properties {
  std::string name;
  int major = 0; ///< compute capability
  int minor = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes = 0; ///< most that one block may have
  unsigned multiprocessors = 0;
};

/// Devices of compute capability 8.0 or newer; 0 where there is none, or no driver.
int device_count() noexcept;

/// One CUDA device. To be used by one thread at a time, always the same, which it makes its current
/// device. Every call of the CUDA runtime is checked.
class cuda_device {
 public:
  /// Memory of the device, or of the host for copies. Owns it.
  class memory {
   public:
    memory() = default;
    memory(void* data, std::size_t bytes, void (*release)(std::byte*)) noexcept
        : data_(static_cast<std::byte*>(data), release), bytes_(bytes) {}

    std::byte* data() noexcept { return data_.get(); }
    std::size_t size() const noexcept { return bytes_; }

   private:
    std::unique_ptr<std::byte, void (*)(std::byte*)> data_{nullptr, nullptr};
    std::size_t bytes_ = 0;
  };
  using staging = memory;

  /// Throws `errc::no_device`, `errc::unsupported_machine` for one older than compute capability
  /// 8.0 or other than the program was compiled for, or `errc::device_failure`.
  explicit cuda_device(int index = 0);
  cuda_device(cuda_device&&) noexcept;
  cuda_device& operator=(cuda_device&&) noexcept;
  ~cuda_device();

  const device_properties& properties() const noexcept;

  /// Samples that the latest launch has trained of its first task. May be read by any thread while
  /// it runs.
  std::uint64_t progress() const noexcept;

  /// Throws `errc::out_of_memory`.
  memory allocate(std::size_t bytes);
  /// Memory of the host that the device copies from and to by itself.
  staging stage(std::size_t bytes);

  /// Return when the copy is done; kernels go on meanwhile.
  void upload(std::byte* to, const void* from, std::size_t bytes);
  void download(void* to, const std::byte* from, std::size_t bytes);

  /// Begin to train or to answer. All that they are given must stay until `wait` returns.
  void train(std::span<const placed_image> images, std::span<const batch_view> tasks,
             std::size_t lanes);
  void infer(const placed_image& image, const batch_view& task, std::size_t lanes);

  /// Returns when all that was begun is done. Throws what went wrong meanwhile.
  void wait();

  /// Bytes a second that the device copies from its memory to its memory, read and written bytes
  /// both counted: the best of a few rounds over `bytes`.
  double copy_bandwidth(std::size_t bytes);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

static_assert(image_device<cuda_device>);

} // namespace hanami::gpu
