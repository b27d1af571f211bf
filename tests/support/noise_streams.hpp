// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

#include <hanami/foundation/random.hpp>

namespace support {

/// Streams in which nothing ever happens, of the kinds that sensors deliver.
enum class noise_kind : std::uint8_t {
  gaussian,
  laplace,
  student,      ///< t with 3 degrees of freedom: heavy tails
  memory,       ///< autoregressive, 0.9 of the value before
  random_walk,  ///< a sum of Gaussian steps
  daily,        ///< a day's wave with Gaussian noise
  quantised,    ///< Gaussian, in steps of its deviation
  intermittent, ///< 0 but for one row in 50, then exponential
};

inline constexpr std::array<const char*, 8> noise_names = {
    "Gaussian",    "Laplace", "Student t 3", "AR(1) 0.9",
    "random walk", "daily",   "quantised",   "intermittent"};

/// One of them, row by row, `step` seconds apart.
class noise_stream {
 public:
  noise_stream(noise_kind kind, double step, std::uint64_t seed)
      : kind_(kind), step_(step), seed_(seed) {}

  double next() {
    const double now = step_ * static_cast<double>(row_);
    const double drawn = gaussian();
    double value = drawn;
    switch (kind_) {
    case noise_kind::gaussian:
      break;
    case noise_kind::laplace:
      value = std::copysign(std::log(uniform()), drawn);
      break;
    case noise_kind::student: {
      double sum = 0;
      for (int i = 0; i < 3; ++i) {
        const double part = gaussian();
        sum += part * part;
      }
      value = drawn / std::sqrt(sum / 3);
      break;
    }
    case noise_kind::memory:
      value = state_ = 0.9 * state_ + drawn;
      break;
    case noise_kind::random_walk:
      value = state_ += drawn;
      break;
    case noise_kind::daily:
      value = drawn + 5 * std::sin(2 * std::numbers::pi * now / 86400);
      break;
    case noise_kind::quantised:
      value = std::round(drawn);
      break;
    case noise_kind::intermittent:
      value = uniform() < 0.02 ? -std::log(uniform()) : 0;
      break;
    }
    ++row_;
    return 20 + value;
  }

 private:
  double uniform() {
    return (static_cast<double>(hanami::random_bits(seed_, 7, draw_++) >> 11) + 0.5) * 0x1p-53;
  }
  double gaussian() { // Box and Muller 1958
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

  noise_kind kind_;
  double step_;
  std::uint64_t seed_;
  std::uint64_t row_ = 0;
  std::uint64_t draw_ = 0;
  double state_ = 0;
};

} // namespace support
