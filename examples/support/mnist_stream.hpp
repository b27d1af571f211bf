// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hanami/hanami.hpp>

namespace example {

/// What is done to the images on their way into the cluster. The defaults leave the bytes 0..255 as
/// they are: the core wants no normalisation.
struct image_treatment {
  double scale = 1.0;
  std::uint64_t feature_scale = 0; ///< seed of a factor of its own for each pixel, 10^U(-3, 6)
  bool binary = false;             ///< above 127 is 1, the rest 0
  std::uint32_t shift = 0;         ///< training images move by up to so many pixels each way
  std::size_t corrupt_every = 0;   ///< an image a million times too bright before every n-th
};

namespace detail {
/// What a random number is for: streams of the counter-based generator.
enum class draw : std::uint64_t { factor = 1, shift, corrupt };

constexpr std::uint64_t stream_of(draw what, std::uint64_t counter) {
  return (static_cast<std::uint64_t>(what) << 56) + counter;
}
} // namespace detail

/// Turns images into inputs, one at a time, in one buffer.
class image_converter {
 public:
  image_converter(const image_treatment& treatment, std::size_t rows, std::size_t columns,
                  std::uint64_t seed)
      : treatment_(treatment), rows_(rows), columns_(columns), seed_(seed),
        factors_(rows * columns, static_cast<float>(treatment.scale)), input_(rows * columns),
        moved_(rows * columns) {
    if (treatment.feature_scale != 0) {
      for (std::size_t i = 0; i < factors_.size(); ++i) {
        const std::uint64_t stream = detail::stream_of(detail::draw::factor, 0);
        const auto u = static_cast<double>(hanami::random_unit(treatment.feature_scale, stream, i));
        factors_[i] = static_cast<float>(treatment.scale * std::pow(10.0, 9.0 * u - 3.0));
      }
    }
  }

  /// Valid until the next call.
  std::span<const float> convert(std::span<const std::uint8_t> pixels, float brightness = 1.0f) {
    for (std::size_t i = 0; i < input_.size(); ++i) {
      const int value = treatment_.binary ? (pixels[i] > 127 ? 1 : 0) : pixels[i];
      input_[i] = static_cast<float>(value) * (factors_[i] * brightness);
    }
    return input_;
  }

  /// The same, moved at random; `number` counts the samples, so that each is moved its own way.
  std::span<const float> convert_moved(std::span<const std::uint8_t> pixels, std::uint64_t number,
                                       float brightness) {
    if (treatment_.shift == 0) {
      return convert(pixels, brightness);
    }
    const int down = offset(2 * number);
    const int right = offset(2 * number + 1);
    const int rows = static_cast<int>(rows_);
    const int columns = static_cast<int>(columns_);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        const int from_r = r - down;
        const int from_c = c - right;
        const bool inside = from_r >= 0 && from_r < rows && from_c >= 0 && from_c < columns;
        moved_[static_cast<std::size_t>(r * columns + c)] =
            inside ? pixels[static_cast<std::size_t>(from_r * columns + from_c)] : 0;
      }
    }
    return convert(moved_, brightness);
  }

 private:
  /// In -shift..shift.
  int offset(std::uint64_t counter) const {
    const std::uint64_t stream = detail::stream_of(detail::draw::shift, 0);
    const auto drawn = hanami::random_below(2 * treatment_.shift + 1, seed_, stream, counter);
    return static_cast<int>(drawn) - static_cast<int>(treatment_.shift);
  }

  image_treatment treatment_;
  std::size_t rows_;
  std::size_t columns_;
  std::uint64_t seed_;
  std::vector<float> factors_;
  std::vector<float> input_;
  std::vector<std::uint8_t> moved_;
};

/// The corrupted images among the first `n`.
inline std::size_t corrupted_among(std::size_t n, std::size_t corrupt_every) {
  return corrupt_every == 0 ? 0 : (n + corrupt_every - 1) / corrupt_every;
}

/// The image that is shown corrupted before image number `at` of an epoch: any other one.
inline std::uint32_t corrupted_image(std::size_t n, std::uint32_t instead_of, std::size_t epoch,
                                     std::size_t at, std::uint64_t seed) {
  const std::uint64_t stream = detail::stream_of(detail::draw::corrupt, epoch);
  const auto others = static_cast<std::uint32_t>(n > 1 ? n - 1 : 1);
  const auto drawn = hanami::random_below(others, seed, stream, at);
  return n > 1 && drawn >= instead_of ? drawn + 1 : drawn;
}

} // namespace example
