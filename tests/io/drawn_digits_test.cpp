// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/drawn_digits.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

/// A linear softmax, the simplest thing that learns.
class softmax {
 public:
  void train(const image_dataset& data) {
    for (std::size_t i = 0; i < data.size(); ++i) {
      answer(data, i);
      for (std::size_t k = 0; k < 10; ++k) {
        const float step = 0.02f * (target_[k] - output_[k]);
        for (std::size_t j = 0; j < input_.size(); ++j)
          weights_[k][j] += step * input_[j];
      }
    }
  }

  double accuracy(const image_dataset& data) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
      right += answer(data, i) == data.label(i) ? 1U : 0U;
    return static_cast<double>(right) / static_cast<double>(data.size());
  }

 private:
  std::size_t answer(const image_dataset& data, std::size_t index) {
    const auto pixels = std::span(input_).first(data.input_size());
    data.read(index, pixels, target_);
    for (float& value : pixels) // this model does need a scale
      value /= 255.0f;
    float total = 0.0f;
    for (std::size_t k = 0; k < 10; ++k) {
      float sum = 0.0f;
      for (std::size_t j = 0; j < input_.size(); ++j)
        sum += weights_[k][j] * input_[j];
      output_[k] = std::exp(std::min(sum, 60.0f));
      total += output_[k];
    }
    for (float& value : output_)
      value /= total;
    return static_cast<std::size_t>(std::max_element(output_.begin(), output_.end()) -
                                    output_.begin());
  }

  std::array<std::array<float, 785>, 10> weights_{};
  std::vector<float> input_ = std::vector<float>(785, 1.0f); // the last one is the bias
  std::array<float, 10> target_{};
  std::array<float, 10> output_{};
};

bool same(const image_dataset& a, std::size_t i, const image_dataset& b, std::size_t j) {
  return a.label(i) == b.label(j) && std::ranges::equal(a.pixels(i), b.pixels(j));
}

} // namespace

TEST_CASE("drawn digits are the same for the same seed", "[io]") {
  const image_dataset few = draw_digits(20, 7);
  const image_dataset many = draw_digits(50, 7);
  const image_dataset others = draw_digits(20, 8);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < few.size(); ++i) {
    REQUIRE(same(few, i, many, i));
    equal += same(few, i, others, i) ? 1U : 0U;
  }
  REQUIRE(equal == 0);
  REQUIRE(draw_digits(0, 7).size() == 0);
}

TEST_CASE("drawn digits look like MNIST from afar", "[io]") {
  const image_dataset data = draw_digits(5000, 1);
  REQUIRE(data.rows() == 28);
  REQUIRE(data.columns() == 28);
  REQUIRE(data.classes() == 10);
  std::array<std::size_t, 10> counts{};
  double ink = 0.0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    ++counts[data.label(i)];
    const auto pixels = data.pixels(i);
    const std::size_t total = std::accumulate(pixels.begin(), pixels.end(), std::size_t{0});
    REQUIRE(total > 20 * 255); // even a thin 1 covers some 20 pixels
    ink += static_cast<double>(total) / (28.0 * 28.0);
  }
  for (const std::size_t count : counts) {
    REQUIRE(count > 400);
    REQUIRE(count < 600);
  }
  REQUIRE(ink / 5000.0 == Approx(33.0).margin(8.0)); // MNIST: 33.3
}

TEST_CASE("drawn digits stay off the edge of the picture", "[io]") {
  const image_dataset data = draw_digits(2000, 3);
  std::size_t touching = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto pixels = data.pixels(i);
    bool touches = false;
    for (std::size_t k = 0; k < 28; ++k)
      touches = touches || pixels[k] > 0 || pixels[27 * 28 + k] > 0 || pixels[28 * k] > 0 ||
                pixels[28 * k + 27] > 0;
    touching += touches ? 1U : 0U;
  }
  REQUIRE(touching < 160);
}

TEST_CASE("a linear softmax learns drawn digits but not all of them", "[io]") {
  softmax model;
  model.train(draw_digits(6000, 1));
  const double accuracy = model.accuracy(draw_digits(1000, 2));
  CAPTURE(accuracy);
  REQUIRE(accuracy > 0.75);
  REQUIRE(accuracy < 0.97);
}
