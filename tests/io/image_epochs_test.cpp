// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/epoch_order.hpp>
#include <hanami/io/image_epochs.hpp>

using namespace hanami;

namespace {

/// Image i is 5 x 5 pixels with `100 + i` in the middle, and of class i % 10.
image_dataset dots(std::size_t count) {
  std::vector<std::uint8_t> pixels(25 * count);
  std::vector<std::uint8_t> labels(count);
  for (std::size_t i = 0; i < count; ++i) {
    pixels[25 * i + 12] = static_cast<std::uint8_t>(100 + i);
    labels[i] = static_cast<std::uint8_t>(i % 10);
  }
  return {5, 5, 10, std::move(pixels), std::move(labels)};
}

struct sample {
  std::array<float, 25> input{};
  std::array<float, 10> target{};

  float ink() const { return *std::max_element(input.begin(), input.end()); }
  bool operator==(const sample&) const = default;
};

std::vector<sample> all_of(const image_dataset& images, const image_epoch_options& options) {
  image_epochs epochs(images, options);
  std::vector<sample> all;
  for (sample s; epochs.next(s.input, s.target);) {
    all.push_back(s);
    CHECK(epochs.given() == all.size());
  }
  CHECK(all.size() == epochs.size());
  return all;
}

} // namespace

TEST_CASE("the first epoch is in order, later ones are shuffled, each its own way", "[io]") {
  const auto first = epoch_order(100, 0, 7);
  CHECK(std::is_sorted(first.begin(), first.end()));
  std::set<std::vector<std::uint32_t>> orders{first};
  for (std::size_t epoch = 1; epoch < 5; ++epoch) {
    auto order = epoch_order(100, epoch, 7);
    CHECK(order == epoch_order(100, epoch, 7));
    orders.insert(order);
    std::sort(order.begin(), order.end());
    CHECK(order == first);
  }
  orders.insert(epoch_order(100, 1, 8));
  CHECK(orders.size() == 6);
  CHECK(epoch_order(0, 3, 1).empty());
}

TEST_CASE("every image comes once an epoch, with its label", "[io]") {
  const image_dataset images = dots(20);
  const auto all = all_of(images, {.epochs = 3, .seed = 5});
  REQUIRE(all.size() == 60);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t image = epoch_order(20, i / 20, 5)[i % 20];
    sample expected;
    images.read(image, expected.input, expected.target);
    CHECK(all[i] == expected);
  }
  CHECK(all_of(images, {.epochs = 0}).empty());
}

TEST_CASE("a limit leaves the first images", "[io]") {
  const image_dataset images = dots(20);
  const auto all = all_of(images, {.epochs = 2, .limit = 5});
  CHECK(all.size() == 10);
  CHECK(std::all_of(all.begin(), all.end(), [](const sample& s) { return s.ink() < 105; }));
  CHECK(all_of(images, {.limit = 50}).size() == 20);
  CHECK(image_epochs(images, {.limit = 5}).images() == 5);
}

TEST_CASE("images move both ways by up to the shift, each time anew", "[io]") {
  const image_dataset images = dots(30);
  std::set<std::size_t> places;
  for (const sample& s : all_of(images, {.epochs = 10, .shift = 1})) {
    const auto at = std::max_element(s.input.begin(), s.input.end()) - s.input.begin();
    places.insert(static_cast<std::size_t>(at));
    CHECK(std::count(s.input.begin(), s.input.end(), 0.0f) == 24);
  }
  CHECK(places == std::set<std::size_t>{6, 7, 8, 11, 12, 13, 16, 17, 18});

  // Further than the edge, the dot is gone.
  const auto far = all_of(images, {.epochs = 10, .shift = 5});
  CHECK(std::any_of(far.begin(), far.end(), [](const sample& s) { return s.ink() == 0; }));
  CHECK_THROWS_WITH(image_epochs(images, {.shift = 6}),
                    Catch::Contains("5 x 5 pixels cannot move by 6"));
}

TEST_CASE("another image, far too bright, comes before the first and every n-th", "[io]") {
  const image_dataset images = dots(20);
  const auto all = all_of(images, {.epochs = 2, .corrupt_every = 8});
  REQUIRE(all.size() == 46); // before images 0, 8 and 16 of both epochs
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t place = i % 23;
    const bool corrupted = place == 0 || place == 9 || place == 18;
    INFO(i);
    CHECK((all[i].ink() > 1e6f) == corrupted);
    if (corrupted) {
      CHECK(all[i].ink() != 1e6f * all[i + 1].ink());
    }
  }
  CHECK(all_of(dots(1), {.corrupt_every = 1}).size() == 2);
}

TEST_CASE("pixels are scaled, each by a factor of its own where asked, or black and white",
          "[io]") {
  const std::array<std::uint8_t, 3> pixels{0, 127, 255};
  const auto converted = [&](const image_conversion& conversion) {
    std::array<float, 3> input{};
    image_converter(conversion, 3).convert(pixels, input);
    return input;
  };
  CHECK(converted({}) == std::array{0.0f, 127.0f, 255.0f});
  CHECK(converted({.scale = 1000}) == std::array{0.0f, 127e3f, 255e3f});
  CHECK(converted({.binary = true}) == std::array{0.0f, 0.0f, 1.0f});
  const auto own = converted({.feature_scale = 3});
  CHECK(own == converted({.feature_scale = 3}));
  CHECK(own != converted({.feature_scale = 4}));
  for (const float factor : {own[1] / 127, own[2] / 255}) {
    CHECK(factor >= 1e-3f);
    CHECK(factor <= 1e6f);
  }
  CHECK(own[1] / 127 != own[2] / 255);
}
