// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "../foundation/growing_array.hpp"
#include "../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA {

/// Place of a tile in its pool.
using tile_slot = std::uint32_t;
inline constexpr tile_slot no_tile = std::numeric_limits<tile_slot>::max();

/// The synapse weights of a cluster: tiles of `lanes` weights each, one tile a step, contiguous and
/// aligned to cache lines. Slots given back are used again, last one first. With averaging on, a
/// second copy of every tile holds the running average of its weights.
template <class Weight>
class tile_pool {
 public:
  explicit tile_pool(std::size_t lanes = 64) : lanes_(lanes) {}

  std::size_t lanes() const noexcept { return lanes_; }
  /// Tiles in use.
  std::size_t size() const noexcept { return used_ - free_.size(); }
  /// Every slot is below this.
  std::size_t slot_end() const noexcept { return used_; }
  std::size_t capacity() const noexcept { return weights_.capacity() / lanes_; }
  std::size_t bytes() const noexcept {
    return weights_.bytes() + average_.bytes() + allocated_bytes(free_);
  }
  bool averaging() const noexcept { return averaging_; }
  /// Slots given back, the next one to be used last.
  const std::vector<tile_slot>& free_slots() const noexcept { return free_; }

  Weight* weights() noexcept { return weights_.data(); }
  const Weight* weights() const noexcept { return weights_.data(); }
  /// The averaged copy; the weights themselves while averaging is off.
  const Weight* average() const noexcept { return averaging_ ? average_.data() : weights_.data(); }

  Weight* tile(tile_slot slot) noexcept { return weights_.data() + slot * lanes_; }
  const Weight* tile(tile_slot slot) const noexcept { return weights_.data() + slot * lanes_; }
  Weight* average_tile(tile_slot slot) noexcept { return average_.data() + slot * lanes_; }

  /// Tiles for which the next `acquire` would take room from the system; 0 while it is reserved.
  std::size_t growth_tiles() const noexcept {
    return !free_.empty() || used_ < capacity() ? 0 : next_capacity() - capacity();
  }
  /// Bytes that a tile takes here.
  std::size_t tile_bytes() const noexcept { return lanes_ * sizeof(Weight) * (averaging_ ? 2 : 1); }

  /// A tile of zeros.
  tile_slot acquire() {
    if (!free_.empty()) {
      const tile_slot slot = free_.back();
      free_.pop_back();
      clear(slot);
      return slot;
    }
    if (used_ == capacity()) {
      const std::size_t tiles = next_capacity();
      weights_.reserve(tiles * lanes_);
      if (averaging_) {
        average_.reserve(tiles * lanes_);
      }
    }
    weights_.resize((used_ + 1) * lanes_);
    if (averaging_) {
      average_.resize((used_ + 1) * lanes_);
    }
    return static_cast<tile_slot>(used_++);
  }

  void release(tile_slot slot) { free_.push_back(slot); }

  void reserve(std::size_t tiles) {
    weights_.reserve(tiles * lanes_);
    if (averaging_) {
      average_.reserve(tiles * lanes_);
    }
    free_.reserve(tiles);
  }

  void shrink_to_fit() {
    weights_.shrink_to_fit();
    average_.shrink_to_fit();
    free_.shrink_to_fit();
  }

  /// Starts averaging from the weights as they are, or drops the average.
  void set_averaging(bool on) {
    averaging_ = on;
    if (on) {
      average_.reserve(weights_.capacity());
      average_.assign(weights_);
    } else {
      average_ = {};
    }
  }

  /// Everything the pool holds, for checkpoints.
  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t lanes = lanes_;
    std::uint64_t used = used_;
    archive(lanes, used, averaging_, weights_, average_, free_);
    archive.require(lanes == lanes_ && weights_.size() == used * lanes_ &&
                        average_.size() == (averaging_ ? weights_.size() : 0) &&
                        free_.size() <= used && used < no_tile,
                    "the tiles do not fit the cluster");
    used_ = to_size(used);
    archive.require(std::all_of(free_.begin(), free_.end(), [&](tile_slot s) { return s < used_; }),
                    "a free tile lies outside the pool");
  }

 private:
  /// A sixteenth more in small pools, of which a host may hold thousands; an eighth in large ones.
  std::size_t next_capacity() const noexcept {
    return used_ + std::max<std::size_t>(4, used_ / (used_ < 1024 ? 16 : 8));
  }

  void clear(tile_slot slot) {
    std::fill_n(tile(slot), lanes_, Weight{});
    if (averaging_) {
      std::fill_n(average_tile(slot), lanes_, Weight{});
    }
  }

  std::size_t lanes_;
  std::size_t used_ = 0;
  bool averaging_ = false;
  growing_array<Weight> weights_;
  growing_array<Weight> average_;
  std::vector<tile_slot> free_;
};

} // namespace hanami
