// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <hanami/cuda/emulated_device.hpp>
#include <hanami/cuda/trainer.hpp>

/// A device whose blocks are made of threads of this machine. Slower than one thread that plays a
/// block, but what one thread of a device writes and another reads without a barrier between them
/// is a race here, too, which the thread sanitizer finds.

namespace hanami_test {

/// What the threads of some blocks share.
struct thread_grid {
  thread_grid(std::size_t block_count, std::size_t threads_per_block)
      : blocks(block_count), threads(threads_per_block),
        all(static_cast<std::ptrdiff_t>(block_count * threads_per_block)), counts(block_count) {
    for (std::size_t b = 0; b < block_count; ++b) {
      of_block.push_back(
          std::make_unique<std::barrier<>>(static_cast<std::ptrdiff_t>(threads_per_block)));
      counts[b].resize(threads_per_block);
    }
  }

  std::size_t blocks;
  std::size_t threads;
  std::barrier<> all;
  std::vector<std::unique_ptr<std::barrier<>>> of_block;
  std::vector<std::vector<std::uint32_t>> counts; ///< of scans: per block and thread
};

/// One thread of one block, as it sees its team; see `cuda/team.hpp`.
class threaded_team {
 public:
  static constexpr std::size_t sum_lanes = hanami::gpu::emulated_team::sum_lanes;

  threaded_team(thread_grid& grid, std::size_t block, std::size_t thread)
      : grid_(grid), block_(block), thread_(thread) {}

  std::size_t rank() const { return block_; }
  std::size_t size() const { return grid_.blocks; }
  void sync() const { grid_.of_block[block_]->arrive_and_wait(); }
  void sync_all() const { grid_.all.arrive_and_wait(); }
  void raise(std::uint32_t& flag) const {
    std::atomic_ref<std::uint32_t>(flag).store(1, std::memory_order_relaxed);
  }

  template <class Body>
  void once(const Body& body) const {
    if (thread_ == 0) {
      body();
    }
  }
  template <class Body>
  void each(std::size_t count, const Body& body) const {
    for (std::size_t i = thread_; i < count; i += grid_.threads) {
      body(i);
    }
  }
  template <class Body>
  void each_of_all(std::size_t count, const Body& body) const {
    for (std::size_t i = block_ * grid_.threads + thread_; i < count;
         i += grid_.blocks * grid_.threads) {
      body(i);
    }
  }
  template <class Part, class Use>
  void sum_each(std::size_t count, const Part& part, const Use& use) const {
    each(count, [&](std::size_t i) { use(i, sum_of(part, i)); });
  }
  template <class Part, class Use>
  void sum_each_of_all(std::size_t count, const Part& part, const Use& use) const {
    each_of_all(count, [&](std::size_t i) { use(i, sum_of(part, i)); });
  }

  template <class Value, class Use>
  std::uint32_t scan(std::size_t count, const Value& value, const Use& use) const {
    sync();
    auto& counts = grid_.counts[block_];
    std::uint32_t before = 0;
    for (std::size_t first = 0; first < count; first += grid_.threads) {
      const std::size_t i = first + thread_;
      counts[thread_] = i < count ? value(i) : 0;
      sync();
      std::uint32_t mine = before;
      for (std::size_t t = 0; t < grid_.threads; ++t) {
        mine += t < thread_ ? counts[t] : 0;
        before += counts[t];
      }
      if (i < count) {
        use(i, mine);
      }
      sync();
    }
    return before;
  }

 private:
  template <class Part>
  static float sum_of(const Part& part, std::size_t i) {
    float sum = 0;
    const hanami::gpu::emulated_team one(1);
    one.sum_each(
        1, [&](std::size_t, std::size_t lane) { return part(i, lane); },
        [&](std::size_t, float all) { sum = all; });
    return sum;
  }

  thread_grid& grid_;
  std::size_t block_;
  std::size_t thread_;
};

/// Every task by `blocks` blocks of `threads` threads.
class threaded_device : public hanami::gpu::emulated_device {
 public:
  threaded_device(std::size_t blocks, std::size_t threads) : blocks_(blocks), threads_(threads) {}

  void train(std::span<const hanami::gpu::placed_image> images,
             std::span<const hanami::gpu::batch_view> tasks, std::size_t /*lanes*/) const {
    for (std::size_t k = 0; k < images.size(); ++k) {
      run([&](const threaded_team& team) {
        hanami::gpu::train_batch(team, images[k].view(), tasks[k]);
      });
    }
  }
  void infer(const hanami::gpu::placed_image& image, const hanami::gpu::batch_view& task,
             std::size_t /*lanes*/) const {
    run([&](const threaded_team& team) { hanami::gpu::infer_batch(team, image.view(), task); });
  }

 private:
  template <class Work>
  void run(const Work& work) const {
    thread_grid grid(blocks_, threads_);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < blocks_ * threads_; ++t) {
      threads.emplace_back([&, t] { work(threaded_team(grid, t / threads_, t % threads_)); });
    }
  }

  std::size_t blocks_;
  std::size_t threads_;
};

static_assert(hanami::gpu::image_device<threaded_device>);

} // namespace hanami_test
