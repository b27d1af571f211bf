// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "dataset.hpp"
#include "epoch_order.hpp"

namespace hanami::inline HANAMI_ISA {

/// Some samples of a dataset, as a dataset. A view: the whole must outlive it.
template <dataset Data>
class dataset_part {
 public:
  /// `samples`: numbers of samples of `whole`.
  dataset_part(const Data& whole, std::vector<std::uint32_t> samples)
      : whole_(&whole), samples_(std::move(samples)) {}

  std::size_t size() const noexcept { return samples_.size(); }
  std::size_t input_size() const noexcept { return whole_->input_size(); }
  std::size_t target_size() const noexcept { return whole_->target_size(); }
  void read(std::size_t index, std::span<float> input, std::span<float> target) const {
    whole_->read(samples_[index], input, target);
  }
  /// Where the whole has labels.
  decltype(auto) label(std::size_t index) const requires requires(const Data& whole) {
    whole.label(index);
  }
  { return whole_->label(samples_[index]); }

 private:
  const Data* whole_;
  std::vector<std::uint32_t> samples_;
};

static_assert(dataset<dataset_part<table_dataset>>);

/// What to learn from and what to test on.
template <dataset Data>
struct dataset_split {
  dataset_part<Data> train;
  dataset_part<Data> test;
};

namespace detail {

template <dataset Data>
dataset_split<Data> split_in_order(const Data& data, double held_out,
                                   const std::vector<std::uint32_t>& order) {
  if (!(held_out >= 0 && held_out <= 1)) {
    raise(errc::invalid_argument, "the share held out must be from 0 to 1");
  }
  const auto held = static_cast<std::ptrdiff_t>(held_out * static_cast<double>(order.size()));
  const auto cut = order.end() - held;
  return {{data, {order.begin(), cut}}, {data, {cut, order.end()}}};
}

} // namespace detail

/// Holds out a share of the samples (0..1), drawn at random: for rows that stand each for itself.
/// The same for the same seed. The data must outlive both parts.
template <dataset Data>
dataset_split<Data> split_rows(const Data& data, double held_out, std::uint64_t seed = 1) {
  return detail::split_in_order(data, held_out, epoch_order(data.size(), 1, seed));
}

/// Holds out the last samples: for series, whose neighbours know each other's values.
template <dataset Data>
dataset_split<Data> split_series(const Data& data, double held_out) {
  return detail::split_in_order(data, held_out, epoch_order(data.size(), 0, 0));
}

template <dataset Data>
dataset_split<Data> split_rows(const Data&& data, double held_out, std::uint64_t seed = 1) = delete;
template <dataset Data>
dataset_split<Data> split_series(const Data&& data, double held_out) = delete;

} // namespace hanami
