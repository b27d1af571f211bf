// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../../config.hpp"
#include "forecast_interval.hpp"

namespace hanami::inline HANAMI_ISA {

/// A forecast as it was made, with what its experts said.
template <std::size_t Experts>
struct made_forecast {
  std::uint64_t row = 0; ///< it was made at
  double path = 0;       ///< of the column, then
  double mixed = 0;
  forecast_interval::bounds interval;
  std::array<float, Experts> experts{};
  bool turned = false; ///< clocks are turned between its row and the truth's

  template <class Archive>
  void serialize(Archive& archive) {
    archive(row, path, mixed, interval, experts, turned);
  }
};

/// Forecasts whose truth is not known yet, oldest first, each with the inputs it was made from.
/// Takes the memory of those that are open, not of all that may be.
template <std::size_t Experts>
class open_forecasts {
 public:
  using forecast_type = made_forecast<Experts>;

  open_forecasts() = default;
  /// At most `most` at a time, of so many inputs; the oldest goes where another would be too many.
  open_forecasts(std::size_t most, std::size_t inputs) : most_(most), inputs_(inputs) {}

  bool empty() const noexcept { return count_ == 0; }
  const forecast_type& front() const noexcept { return made_[first_]; }
  std::span<const float> front_inputs() const noexcept {
    return std::span(values_).subspan(first_ * inputs_, inputs_);
  }

  void pop() noexcept {
    first_ = first_ + 1 == made_.size() ? 0 : first_ + 1;
    --count_;
  }

  void push(const forecast_type& made, std::span<const double> inputs) {
    if (count_ == most_) {
      pop();
    }
    if (count_ == made_.size()) {
      grow();
    }
    const std::size_t at = (first_ + count_) % made_.size();
    made_[at] = made;
    std::transform(inputs.begin(), inputs.end(), values_.data() + at * inputs_,
                   [](double value) { return static_cast<float>(value); });
    ++count_;
  }

  /// Closes all and gives their memory back.
  void clear() noexcept {
    made_ = std::vector<forecast_type>();
    values_ = std::vector<float>();
    first_ = count_ = 0;
  }

  std::size_t bytes() const noexcept {
    return made_.capacity() * sizeof(forecast_type) + values_.capacity() * sizeof(float);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    if constexpr (!Archive::reading) {
      straighten(made_.size());
      made_.resize(count_);
      values_.resize(count_ * inputs_);
    }
    archive(made_, values_);
    archive.require(made_.size() <= most_ && values_.size() == made_.size() * inputs_,
                    "open forecasts of another kind");
    first_ = 0;
    count_ = made_.size();
  }

 private:
  void grow() {
    straighten(std::min(most_, std::max<std::size_t>(4, made_.size() + made_.size() / 2)));
  }

  /// Room for `room` of them, the oldest in front.
  void straighten(std::size_t room) {
    std::rotate(made_.begin(), made_.begin() + static_cast<std::ptrdiff_t>(first_), made_.end());
    std::rotate(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(first_ * inputs_),
                values_.end());
    first_ = 0;
    made_.reserve(room);
    made_.resize(room);
    values_.reserve(room * inputs_);
    values_.resize(room * inputs_);
  }

  std::vector<forecast_type> made_; ///< a ring
  std::vector<float> values_;       ///< their inputs
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t most_ = 0;
  std::size_t inputs_ = 0;
};

} // namespace hanami
