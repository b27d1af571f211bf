// SPDX-License-Identifier: Apache-2.0
// What a careful programmer writes by hand: a network of one hidden layer on Eigen, one image at a
// time, plain gradient descent at a constant rate, answers from a running average of the weights.
// Only the columns of lit pixels are touched. The variant `eigen-skip` leaves images alone that it
// knows already.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "peer.hpp"

namespace bench {
namespace {

constexpr int pixel_count = 784;

/// The lit pixels of an image: where they are, and how bright, 0..1.
struct lit_pixels {
  std::array<int, pixel_count + 8> at;
  std::array<float, pixel_count + 8> value;
  int count = 0;

  void take(std::span<const std::uint8_t> pixels) noexcept {
    count = 0;
    for (int first = 0; first < pixel_count; first += 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, pixels.data() + first, sizeof eight);
      if (eight == 0) {
        continue; // most of an image is paper
      }
      for (int i = first; i < first + 8; ++i) {
        const std::uint8_t x = pixels[static_cast<std::size_t>(i)];
        at[static_cast<std::size_t>(count)] = i;
        value[static_cast<std::size_t>(count)] = static_cast<float>(x) * (1.0f / 255.0f);
        count += x != 0 ? 1 : 0;
      }
    }
  }
};

template <int Hidden>
class sparse_network {
 public:
  sparse_network(std::uint64_t seed, float known_error) : known_error_(known_error) {
    std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
    const auto fill = [&](auto& matrix, double fan_in) {
      const auto limit = static_cast<float>(std::sqrt(3.0 / fan_in));
      std::uniform_real_distribution<float> draw(-limit, limit);
      std::generate(matrix.data(), matrix.data() + matrix.size(), [&] { return draw(random); });
    };
    fill(now_.first, pixel_count);
    fill(now_.second, Hidden);
    mean_ = now_;
  }

  void train(std::span<const std::uint8_t> pixels, std::size_t label) {
    lit_.take(pixels);
    forward(now_);
    outputs error = sums_;
    softmax(error);
    error[static_cast<Eigen::Index>(label)] -= 1.0f;
    if (-error[static_cast<Eigen::Index>(label)] >= known_error_) {
      learn(error);
    }
    if (++seen_ % 100 == 0) {
      average();
    }
  }

  void finish() { now_ = mean_; }

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    lit_.take(pixels);
    forward(now_);
    Eigen::Index best = 0;
    sums_.maxCoeff(&best);
    return static_cast<std::size_t>(best);
  }

 private:
  using hidden = Eigen::Matrix<float, Hidden, 1>;
  using outputs = Eigen::Matrix<float, 10, 1>;

  /// One column of `first` for each pixel, one of `second` for each digit.
  struct weights {
    Eigen::Matrix<float, Hidden, Eigen::Dynamic> first{Hidden, pixel_count};
    Eigen::Matrix<float, Hidden, Eigen::Dynamic> second{Hidden, 10};
    hidden first_bias = hidden::Zero();
    outputs second_bias = outputs::Zero();
  };

  static constexpr float rate = 0.02f;

  /// Eight columns a turn: sums are loaded and stored once for eight products.
  void forward(const weights& w) {
    potential_ = w.first_bias;
    const auto column = [&](int k) {
      return lit_.value[static_cast<std::size_t>(k)] *
             w.first.col(lit_.at[static_cast<std::size_t>(k)]);
    };
    int k = 0;
    for (; k + 8 <= lit_.count; k += 8) {
      potential_ += column(k) + column(k + 1) + column(k + 2) + column(k + 3) + column(k + 4) +
                    column(k + 5) + column(k + 6) + column(k + 7);
    }
    for (; k < lit_.count; ++k) {
      potential_ += column(k);
    }
    potential_ = potential_.cwiseMax(0.0f);
    sums_ = w.second_bias;
    sums_.noalias() += w.second.transpose() * potential_;
  }

  static void softmax(outputs& values) {
    values = (values.array() - values.maxCoeff()).exp();
    values /= values.sum();
  }

  void learn(const outputs& error) {
    delta_.noalias() = now_.second * error;
    delta_ = (potential_.array() > 0.0f).select(delta_, 0.0f);
    for (Eigen::Index digit = 0; digit < 10; ++digit) {
      now_.second.col(digit) -= rate * error[digit] * potential_;
    }
    now_.second_bias -= rate * error;
    now_.first_bias -= rate * delta_;
    for (int k = 0; k < lit_.count; ++k) {
      now_.first.col(lit_.at[static_cast<std::size_t>(k)]) -=
          rate * lit_.value[static_cast<std::size_t>(k)] * delta_;
    }
  }

  /// A window of about 10,000 images, at first of all there were.
  void average() {
    const float share = std::max(0.01f, 100.0f / static_cast<float>(seen_));
    mean_.first += share * (now_.first - mean_.first);
    mean_.second += share * (now_.second - mean_.second);
    mean_.first_bias += share * (now_.first_bias - mean_.first_bias);
    mean_.second_bias += share * (now_.second_bias - mean_.second_bias);
  }

  weights now_;
  weights mean_;
  hidden potential_;
  hidden delta_;
  outputs sums_;
  lit_pixels lit_;
  std::size_t seen_ = 0;
  float known_error_;
};

template <int Hidden>
void add_network(std::vector<peer>& peers, bool skips) {
  peers.push_back({(skips ? "eigen-skip-" : "eigen-") + std::to_string(Hidden),
                   "sparse network 784-" + std::to_string(Hidden) + "-10 on Eigen" +
                       (skips ? ", skips known images" : ""),
                   false, [skips](const hanami::digit_images& data, std::uint64_t seed) {
                     return take_part(
                         data, [&] { return sparse_network<Hidden>(seed, skips ? 0.05f : 0.0f); });
                   }});
}

} // namespace

void add_eigen(std::vector<peer>& peers) {
  for (const bool skips : {false, true}) {
    add_network<32>(peers, skips);
    add_network<64>(peers, skips);
    add_network<128>(peers, skips);
    add_network<256>(peers, skips);
    add_network<400>(peers, skips);
    add_network<800>(peers, skips);
  }
}

} // namespace bench
