// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA {

/// A ring of the last samples that were answered badly, to be trained again now and then. It helps
/// where errors can be learned away and hurts where they cannot (noise).
template <class Real>
class rehearsal_ring {
 public:
  rehearsal_ring() = default;
  rehearsal_ring(std::size_t capacity, std::size_t input_size, std::size_t target_size)
      : capacity_(capacity), input_size_(input_size), target_size_(target_size) {}

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t bytes() const noexcept { return allocated_bytes(values_); }

  /// Keeps a copy; the oldest one goes when the ring is full. Only the first call allocates. Needs
  /// a capacity above 0.
  void add(std::span<const Real> input, std::span<const Real> target) {
    values_.resize(capacity_ * (input_size_ + target_size_));
    Real* to = values_.data() + next_ * (input_size_ + target_size_);
    std::copy(input.begin(), input.end(), to);
    std::copy(target.begin(), target.end(), to + input_size_);
    next_ = (next_ + 1) % capacity_;
    size_ = std::min(size_ + 1, capacity_);
  }
  /// Every target gets `more` values at place `at`, all of them `fill`: an output has grown.
  void widen_targets(std::size_t at, std::size_t more, Real fill) {
    const std::size_t before = input_size_ + target_size_;
    std::vector<Real> wider(values_.empty() ? 0 : capacity_ * (before + more));
    for (std::size_t i = 0; i < size_; ++i) {
      const Real* from = values_.data() + i * before;
      Real* to = std::copy_n(from, input_size_ + at, wider.data() + i * (before + more));
      std::copy(from + input_size_ + at, from + before, std::fill_n(to, more, fill));
    }
    values_ = std::move(wider);
    target_size_ += more;
  }
  std::span<const Real> input(std::size_t index) const noexcept {
    return {values_.data() + index * (input_size_ + target_size_), input_size_};
  }
  std::span<const Real> target(std::size_t index) const noexcept {
    return {values_.data() + index * (input_size_ + target_size_) + input_size_, target_size_};
  }

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t size = size_;
    std::uint64_t next = next_;
    archive(size, next, values_);
    const bool good =
        size <= capacity_ && (size < capacity_ ? next == size : next < capacity_ || next == 0) &&
        values_.size() ==
            (values_.empty() && size == 0 ? 0 : capacity_ * (input_size_ + target_size_)) &&
        std::none_of(values_.begin(), values_.end(), [](Real v) { return std::isinf(v); });
    archive.require(good, "the rehearsal ring does not fit the cluster");
    size_ = to_size(size);
    next_ = to_size(next);
  }

 private:
  std::size_t capacity_ = 0;
  std::size_t input_size_ = 0;
  std::size_t target_size_ = 0;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  std::vector<Real> values_;
};

} // namespace hanami
