// SPDX-License-Identifier: Apache-2.0
// Columns take memory for what they have learned, not for being there.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/stream/stream_model.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Row `row` of so many columns, each with a value in `filled` of 100 rows.
std::vector<double> sparse_row(std::size_t columns, std::uint64_t row, float filled) {
  std::vector<double> made(columns, missing);
  for (std::size_t c = 0; c < columns; ++c) {
    if (random_unit(3, c, row) * 100 < filled) {
      made[c] = 20 + static_cast<double>(random_signed_unit(4, c, row));
    }
  }
  return made;
}

stream_model model_of(std::uint32_t window, std::size_t columns, std::uint64_t rows, float filled) {
  stream_options options;
  options.window = window;
  stream_model model(options);
  for (std::uint64_t row = 0; row < rows; ++row) {
    model.observe(sparse_row(columns, row, filled), 60.0 * static_cast<double>(row));
  }
  return model;
}

} // namespace

TEST_CASE("450 mostly empty columns take less than 14 MB, empty ones next to nothing", "[stream]") {
  for (const std::uint32_t window : {12U, 0U}) {
    CHECK(model_of(window, 450, 200, 10).bytes() < 14'000'000);
    CHECK(model_of(window, 450, 200, 0).bytes() < 1'000'000);
  }
}

TEST_CASE("a column grows with what it learns", "[stream]") {
  const std::size_t few = model_of(12, 4, 25, 100).bytes();
  const std::size_t some = model_of(12, 4, 300, 100).bytes();
  CHECK(2 * few < some);
}

TEST_CASE("a column that is silent for long gives its memory back and keeps its level",
          "[stream]") {
  stream_options options;
  options.step = 1;
  stream_model model(2, options);
  const auto feed = [&](std::uint64_t first, std::uint64_t last, bool both) {
    for (std::uint64_t row = first; row < last; ++row) {
      const double there = 20 + static_cast<double>(random_signed_unit(4, 1, row));
      model.observe({both ? 5.0 : missing, both ? there : missing});
    }
  };
  feed(0, 1000, true);
  const std::size_t full = model.bytes();
  const double level = model.predict(1).value;
  feed(1000, 20900, false);
  CHECK(model.bytes() > full / 2);
  feed(20900, 21100, false);
  CHECK(model.bytes() < full / 2);
  CHECK(model.predict(1).value == Approx(level).margin(1.5));
  const stream_model again = from_checkpoint<stream_model>(to_checkpoint(model));
  CHECK(again.predict(1).value == model.predict(1).value);
  feed(21100, 21300, true);
  CHECK(model.predict(1).value == Approx(20).margin(1.5));
}
