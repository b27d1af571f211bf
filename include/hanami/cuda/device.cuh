// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../foundation/error.hpp"
#include "device.hpp"
#include "kernels.cuh"

/// The definitions that belong to `device.hpp`. Not inline: one source file of a program
/// includes them.

namespace hanami::gpu {

/// Which error a code of the CUDA runtime is.
inline errc meaning_of(cudaError_t code) noexcept {
  switch (code) {
  case cudaErrorNoDevice:
  case cudaErrorInsufficientDriver:
  case cudaErrorInitializationError:
  case cudaErrorStubLibrary:
    return errc::no_device;
  case cudaErrorMemoryAllocation:
    return errc::out_of_memory;
  case cudaErrorNoKernelImageForDevice:
  case cudaErrorInvalidDeviceFunction:
  case cudaErrorUnsupportedPtxVersion:
    return errc::unsupported_machine;
  default:
    return errc::device_failure;
  }
}

/// Throws for anything but success. `doing` completes "... failed".
inline void check_cuda(cudaError_t code, const std::string& doing) {
  if (code != cudaSuccess) {
    cudaGetLastError(); // it would be reported again by a later call that has done well
    throw error(meaning_of(code), doing + " failed: " + cudaGetErrorString(code) + " (" +
                                      cudaGetErrorName(code) + ")");
  }
}

namespace {

void release_device_memory(std::byte* data) {
  cudaFree(data); // what a lost device says here, the next call says again
}

void release_host_memory(std::byte* data) { cudaFreeHost(data); }

/// Takes a device into use. Throws where it cannot be.
device_properties look_at(int index) {
  int count = 0;
  check_cuda(cudaGetDeviceCount(&count), "looking for CUDA devices");
  if (index < 0 || index >= count) {
    throw error(errc::no_device, std::string("there is no CUDA device ") + std::to_string(index) +
                                     "; there are " + std::to_string(count) + ", counted from 0");
  }
  cudaDeviceProp found;
  check_cuda(cudaGetDeviceProperties(&found, index), "asking what the CUDA device is");
  if (found.major < 8) {
    throw error(errc::unsupported_machine,
                std::string(found.name) + " has compute capability " + std::to_string(found.major) +
                    "." + std::to_string(found.minor) + "; 8.0 and newer are supported");
  }
  check_cuda(cudaSetDevice(index), std::string("choosing ") + found.name);
  cudaFuncAttributes attributes;
  check_cuda(cudaFuncGetAttributes(&attributes, train_fleet),
             std::string("looking for code for compute capability ") + std::to_string(found.major) +
                 "." + std::to_string(found.minor) + " in the program");
  return {found.name,
          found.major,
          found.minor,
          found.totalGlobalMem,
          found.sharedMemPerBlockOptin,
          static_cast<unsigned>(found.multiProcessorCount)};
}

} // namespace

struct cuda_device::state {
  device_properties properties;
  memory progress;          ///< mapped: the device writes it, the host reads it meanwhile
  cudaStream_t copies = {}; ///< beside the kernels
  cudaStream_t work = {};
  memory records; ///< of a launch: images and tasks
  memory fronts;  ///< of inference
  std::vector<batch_view> tasks;

  explicit state(int index) : properties(look_at(index)) {
    void* mapped = nullptr;
    check_cuda(cudaHostAlloc(&mapped, sizeof(std::uint64_t), cudaHostAllocMapped),
               "mapping memory of the host");
    progress = memory(mapped, sizeof(std::uint64_t), release_host_memory);
    *progress_word() = 0;
    check_cuda(cudaStreamCreateWithFlags(&copies, cudaStreamNonBlocking), "making a CUDA stream");
    if (const auto code = cudaStreamCreateWithFlags(&work, cudaStreamNonBlocking);
        code != cudaSuccess) {
      cudaStreamDestroy(copies);
      check_cuda(code, "making a CUDA stream");
    }
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() {
    cudaStreamSynchronize(work); // kernels use the memory
    cudaStreamDestroy(work);
    cudaStreamDestroy(copies);
  }

  volatile std::uint64_t* progress_word() noexcept {
    return reinterpret_cast<volatile std::uint64_t*>(progress.data());
  }

  /// Tiles beyond this are trained by all blocks of the device together.
  static constexpr std::size_t large_bytes = std::size_t{8} << 20;

  static unsigned threads_for(std::size_t lanes) noexcept {
    return static_cast<unsigned>(std::clamp<std::size_t>(lanes, 64, most_threads));
  }

  /// Shared memory of a block: what holds most of the largest image.
  std::size_t fast_bytes_for(std::span<const placed_image> images) const noexcept {
    std::size_t all = 0;
    std::size_t front = 0;
    for (const placed_image& image : images) {
      all = std::max(all, image.bytes);
      front = std::max(front, image.front_bytes);
    }
    // Scans use some shared memory of their own.
    const std::size_t most =
        properties.shared_bytes - std::min<std::size_t>(properties.shared_bytes, 1024);
    if (all <= most / 2) {
      return all; // two blocks a multiprocessor, at least
    }
    return front <= most ? front : 0;
  }

  template <class Kernel>
  static void allow_shared(Kernel* kernel, std::size_t bytes) {
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(bytes)),
               "asking for " + std::to_string(bytes) + " bytes of shared memory");
  }

  /// Blocks that the whole device runs at once.
  template <class Kernel>
  unsigned resident_blocks(Kernel* kernel, unsigned threads, std::size_t shared) const {
    int each = 0;
    check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel,
                                                             static_cast<int>(threads), shared),
               "asking how many blocks fit");
    return std::max(1U, static_cast<unsigned>(each) * properties.multiprocessors);
  }

  void train_by_all(placed_image image, batch_view task) {
    const unsigned threads = most_threads / 2;
    void* arguments[] = {&image, &task};
    check_cuda(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(train_large),
                                           dim3(resident_blocks(train_large, threads, 0)),
                                           dim3(threads), arguments, 0, work),
               "launching training on all blocks");
  }

  void train_by_blocks(std::span<const placed_image> images, std::size_t lanes) {
    const std::size_t bytes = images.size() * (sizeof(placed_image) + sizeof(batch_view));
    keep(records, bytes);
    std::byte* tasks_there = records.data() + images.size_bytes();
    copy(records.data(), images.data(), images.size_bytes(), cudaMemcpyHostToDevice);
    copy(tasks_there, tasks.data(), tasks.size() * sizeof(batch_view), cudaMemcpyHostToDevice);
    const std::size_t fast = fast_bytes_for(images);
    allow_shared(train_fleet, fast);
    train_fleet<<<static_cast<unsigned>(images.size()), threads_for(lanes), fast, work>>>(
        reinterpret_cast<const placed_image*>(records.data()),
        reinterpret_cast<const batch_view*>(tasks_there), fast);
    check_cuda(cudaGetLastError(), "launching training");
  }

  memory allocate(std::size_t bytes) const {
    void* data = nullptr;
    check_cuda(cudaMalloc(&data, std::max<std::size_t>(bytes, 1)),
               "taking " + std::to_string(bytes) + " bytes on " + properties.name);
    return {data, bytes, release_device_memory};
  }

  /// Room for `bytes` in `held`, whatever was there.
  void keep(memory& held, std::size_t bytes) const {
    if (held.size() < bytes) {
      held = memory{}; // first the old one goes
      held = allocate(bytes);
    }
  }

  void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) const {
    check_cuda(cudaMemcpyAsync(to, from, bytes, kind, copies),
               "copying " + std::to_string(bytes) + " bytes to or from " + properties.name);
    check_cuda(cudaStreamSynchronize(copies), "copying to or from " + properties.name);
  }
};

int device_count() noexcept {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  int usable = 0;
  for (int index = 0; index < count; ++index) {
    int major = 0;
    const auto code = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
    usable += code == cudaSuccess && major >= 8 ? 1 : 0;
  }
  return usable;
}

cuda_device::cuda_device(int index) : state_(std::make_unique<state>(index)) {}
cuda_device::cuda_device(cuda_device&&) noexcept = default;
cuda_device& cuda_device::operator=(cuda_device&&) noexcept = default;
cuda_device::~cuda_device() = default;

const device_properties& cuda_device::properties() const noexcept { return state_->properties; }

std::uint64_t cuda_device::progress() const noexcept { return *state_->progress_word(); }

cuda_device::memory cuda_device::allocate(std::size_t bytes) { return state_->allocate(bytes); }

cuda_device::staging cuda_device::stage(std::size_t bytes) {
  void* data = nullptr;
  check_cuda(cudaMallocHost(&data, std::max<std::size_t>(bytes, 1)),
             "pinning " + std::to_string(bytes) + " bytes of the host's memory");
  return {data, bytes, release_host_memory};
}

void cuda_device::upload(std::byte* to, const void* from, std::size_t bytes) {
  state_->copy(to, from, bytes, cudaMemcpyHostToDevice);
}

void cuda_device::download(void* to, const std::byte* from, std::size_t bytes) {
  state_->copy(to, from, bytes, cudaMemcpyDeviceToHost);
}

void cuda_device::train(std::span<const placed_image> images, std::span<const batch_view> tasks,
                        std::size_t lanes) {
  *state_->progress_word() = 0;
  state_->tasks.assign(tasks.begin(), tasks.end());
  state_->tasks.front().progress = state_->progress_word();
  if (images.size() == 1 && images[0].bytes - images[0].front_bytes >= state::large_bytes) {
    state_->train_by_all(images[0], state_->tasks[0]);
  } else {
    state_->train_by_blocks(images, lanes);
  }
}

void cuda_device::infer(const placed_image& image, const batch_view& task, std::size_t lanes) {
  const std::size_t fast = state_->fast_bytes_for(std::span(&image, 1));
  const unsigned threads = state::threads_for(lanes);
  state::allow_shared(infer_rows, fast);
  const unsigned resident = state_->resident_blocks(infer_rows, threads, fast);
  const auto blocks = static_cast<unsigned>(std::min<std::uint64_t>(resident, task.count));
  if (blocks == 0) {
    return;
  }
  if (fast_part(image, fast) == 0) {
    state_->keep(state_->fronts, blocks * image.front_bytes);
  }
  infer_rows<<<blocks, threads, fast, state_->work>>>(image, task, fast, state_->fronts.data());
  check_cuda(cudaGetLastError(), "launching inference");
}

void cuda_device::wait() {
  check_cuda(cudaStreamSynchronize(state_->work), "running on " + state_->properties.name);
}

double cuda_device::copy_bandwidth(std::size_t bytes) {
  memory from = allocate(bytes);
  memory to = allocate(bytes);
  cudaEvent_t begin = {};
  cudaEvent_t end = {};
  check_cuda(cudaEventCreate(&begin), "making a CUDA event");
  check_cuda(cudaEventCreate(&end), "making a CUDA event");
  float best_ms = 1e30f;
  for (int round = 0; round < 8; ++round) {
    check_cuda(cudaEventRecord(begin, state_->work), "noting a time");
    check_cuda(
        cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, state_->work),
        "copying on the device");
    check_cuda(cudaEventRecord(end, state_->work), "noting a time");
    wait();
    float ms = 0;
    check_cuda(cudaEventElapsedTime(&ms, begin, end), "taking a time");
    best_ms = std::min(best_ms, ms);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return 2.0 * static_cast<double>(bytes) / (1e-3 * static_cast<double>(best_ms));
}

} // namespace hanami::gpu
