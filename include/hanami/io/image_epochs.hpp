// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"
#include "../foundation/random.hpp"
#include "dataset.hpp"
#include "epoch_order.hpp"

/// Images on their way into a cluster: converted, shuffled, moved, epoch after epoch.

namespace hanami::inline HANAMI_ISA {

/// What pixels become. The defaults leave the bytes 0..255 as they are: a cluster needs no
/// normalisation. The others show that.
struct image_conversion {
  double scale = 1.0;              ///< multiplies every pixel
  std::uint64_t feature_scale = 0; ///< seed of a factor of its own for each pixel, 10^U(-3, 6)
  bool binary = false;             ///< above 127 is 1, the rest 0
};

struct image_epoch_options {
  std::size_t epochs = 1;
  std::size_t limit = 0;         ///< the first images only; 0: all
  std::uint64_t seed = 1;        ///< of the order, the moves and the corrupted images
  std::uint32_t shift = 0;       ///< images move by up to so many pixels each way, new each time
  std::size_t corrupt_every = 0; ///< an image a million times too bright before every n-th; 0: none
  image_conversion conversion = {};
};

namespace detail {

/// What a random number of the images is for. The seed is that of the images: these streams have
/// nothing to do with a cluster's.
enum class image_draw : std::uint64_t { factor = 1, shift, corrupt };

constexpr std::uint64_t stream_of(image_draw what, std::uint64_t index = 0) {
  return (static_cast<std::uint64_t>(what) << 56) + index;
}

} // namespace detail

/// Turns images into inputs. Const use is safe from many threads.
class image_converter {
 public:
  /// For images of `pixels` bytes.
  image_converter(const image_conversion& conversion, std::size_t pixels)
      : binary_(conversion.binary), factors_(pixels, static_cast<float>(conversion.scale)) {
    if (conversion.feature_scale == 0) {
      return;
    }
    for (std::size_t i = 0; i < pixels; ++i) {
      const auto u = static_cast<double>(
          random_unit(conversion.feature_scale, detail::stream_of(detail::image_draw::factor), i));
      factors_[i] = static_cast<float>(conversion.scale * std::pow(10.0, 9.0 * u - 3.0));
    }
  }

  /// One float a pixel.
  void convert(std::span<const std::uint8_t> pixels, std::span<float> input,
               float brightness = 1.0f) const noexcept {
    HANAMI_ASSERT(pixels.size() == factors_.size() && input.size() == pixels.size(),
                  "an image needs one float a pixel");
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const int value = binary_ ? (pixels[i] > 127 ? 1 : 0) : pixels[i];
      input[i] = static_cast<float>(value) * (factors_[i] * brightness);
    }
  }

 private:
  bool binary_;
  std::vector<float> factors_;
};

/// The samples of a training, one after the other: every image once an epoch, in the file's order
/// first, then shuffled. The same for the same options. Not thread-safe.
class image_epochs {
 public:
  /// Keeps a reference to the images. Throws `errc::invalid_argument` for a shift of more than the
  /// images' rows or columns.
  image_epochs(const image_dataset& images, const image_epoch_options& options)
      : images_(images), options_(options),
        count_(options.limit == 0 ? images.size() : std::min(options.limit, images.size())),
        converter_(options.conversion, images.input_size()), moved_(images.input_size()),
        order_(epoch_order(count_, 0, options.seed)) {
    if (options.shift > std::min(images.rows(), images.columns())) {
      raise(errc::invalid_argument, "images of " + std::to_string(images.rows()) + " x " +
                                        std::to_string(images.columns()) +
                                        " pixels cannot move by " + std::to_string(options.shift));
    }
  }

  /// Images of one epoch.
  std::size_t images() const noexcept { return count_; }

  /// Samples in all, corrupted ones included.
  std::uint64_t size() const noexcept {
    const std::size_t every = options_.corrupt_every;
    const std::size_t corrupted = every == 0 ? 0 : (count_ + every - 1) / every;
    return std::uint64_t{options_.epochs} * (count_ + corrupted);
  }

  /// Samples given so far.
  std::uint64_t given() const noexcept { return given_; }

  /// Writes the next sample, `input_size()` and `target_size()` floats of the images; false at the
  /// end.
  bool next(std::span<float> input, std::span<float> target) {
    if (given_ == size()) {
      return false;
    }
    const std::size_t every = options_.corrupt_every;
    corrupted_ = every != 0 && at_ % every == 0 && !corrupted_;
    if (corrupted_) {
      write(any_other(order_[at_]), 1e6f, input, target);
      return true;
    }
    write(order_[at_], 1.0f, input, target);
    if (++at_ == count_) {
      at_ = 0;
      ++epoch_;
      order_ = epoch_order(count_, epoch_, options_.seed);
    }
    return true;
  }

 private:
  void write(std::size_t image, float brightness, std::span<float> input, std::span<float> target) {
    HANAMI_ASSERT(target.size() == images_.target_size(), "a target needs one float a class");
    const auto pixels = options_.shift == 0 ? images_.pixels(image) : move(images_.pixels(image));
    converter_.convert(pixels, input, brightness);
    std::fill(target.begin(), target.end(), 0.0f);
    target[images_.label(image)] = 1.0f;
    ++given_;
  }

  /// What comes in from outside is 0.
  std::span<const std::uint8_t> move(std::span<const std::uint8_t> pixels) {
    const int down = offset(2 * given_);
    const int right = offset(2 * given_ + 1);
    const auto rows = static_cast<int>(images_.rows());
    const auto columns = static_cast<int>(images_.columns());
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        const int from_r = r - down;
        const int from_c = c - right;
        const bool inside = from_r >= 0 && from_r < rows && from_c >= 0 && from_c < columns;
        const std::ptrdiff_t to = std::ptrdiff_t{r} * columns + c;
        const std::ptrdiff_t from = std::ptrdiff_t{from_r} * columns + from_c;
        moved_[static_cast<std::size_t>(to)] = inside ? pixels[static_cast<std::size_t>(from)] : 0;
      }
    }
    return moved_;
  }

  /// In -shift..shift.
  int offset(std::uint64_t counter) const {
    const auto drawn = random_below(2 * options_.shift + 1, options_.seed,
                                    detail::stream_of(detail::image_draw::shift), counter);
    return static_cast<int>(drawn) - static_cast<int>(options_.shift);
  }

  std::uint32_t any_other(std::uint32_t image) const {
    const auto others = static_cast<std::uint32_t>(count_ > 1 ? count_ - 1 : 1);
    const auto drawn = random_below(others, options_.seed,
                                    detail::stream_of(detail::image_draw::corrupt, epoch_), at_);
    return count_ > 1 && drawn >= image ? drawn + 1 : drawn;
  }

  const image_dataset& images_;
  image_epoch_options options_;
  std::size_t count_;
  image_converter converter_;
  std::vector<std::uint8_t> moved_;
  std::vector<std::uint32_t> order_;
  std::size_t epoch_ = 0;
  std::size_t at_ = 0;
  bool corrupted_ = false; ///< the one before image number `at_` has been given
  std::uint64_t given_ = 0;
};

} // namespace hanami
