// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/dataset.hpp>

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

/// The least that a dataset has to offer.
struct countdown {
  std::size_t size() const { return 3; }
  std::size_t input_size() const { return 1; }
  std::size_t target_size() const { return 2; }
  void read(std::size_t index, std::span<float> input, std::span<float> target) const {
    input[0] = static_cast<float>(3 - index);
    target[0] = target[1] = static_cast<float>(index);
  }
};
struct without_targets {
  std::size_t size() const { return 3; }
  std::size_t input_size() const { return 1; }
};
static_assert(dataset<countdown>);
static_assert(!dataset<without_targets>);

/// Row r is r, 10 + r, 100 + r.
table_dataset counting_table(std::size_t rows, table_layout layout = {}) {
  std::vector<float> values;
  for (std::size_t r = 0; r < rows; ++r)
    for (const float base : {0.0f, 10.0f, 100.0f})
      values.push_back(base + static_cast<float>(r));
  return table_dataset({{"a"}, {"b"}, {"c"}}, values, std::move(layout));
}

std::vector<float> input_of(const table_dataset& data, std::size_t index) {
  sample_buffer buffer;
  const sample_view sample = buffer.read(data, index);
  return {sample.input.begin(), sample.input.end()};
}

std::vector<float> target_of(const table_dataset& data, std::size_t index) {
  sample_buffer buffer;
  const sample_view sample = buffer.read(data, index);
  return {sample.target.begin(), sample.target.end()};
}

errc code_of(const error& failure) { return static_cast<errc>(failure.code().value()); }

using floats = std::vector<float>;

} // namespace

TEST_CASE("a sample buffer reads any dataset", "[io]") {
  sample_buffer buffer;
  const sample_view sample = buffer.read(countdown{}, 1);
  REQUIRE(sample.input.size() == 1);
  REQUIRE(sample.input[0] == 2.0f);
  REQUIRE(sample.target.size() == 2);
}

TEST_CASE("an image becomes its raw bytes as floats and a one-hot label", "[io]") {
  const image_dataset images(1, 3, 4, {0, 51, 255, 255, 0, 102}, {3, 1});
  REQUIRE(images.size() == 2);
  REQUIRE(images.input_size() == 3);
  REQUIRE(images.target_size() == 4);
  REQUIRE(images.label(0) == 3);
  REQUIRE(images.pixels(1)[2] == 102);
  sample_buffer buffer;
  const sample_view sample = buffer.read(images, 0);
  REQUIRE(floats(sample.input.begin(), sample.input.end()) == floats{0, 51, 255});
  REQUIRE(floats(sample.target.begin(), sample.target.end()) == floats{0, 0, 0, 1});
}

TEST_CASE("an empty image dataset has no samples", "[io]") {
  REQUIRE(image_dataset().size() == 0);
  REQUIRE(image_dataset(28, 28, 10, {}, {}).size() == 0);
}

TEST_CASE("images whose sizes do not fit are refused", "[io]") {
  REQUIRE_THROWS_AS(image_dataset(2, 2, 10, std::vector<std::uint8_t>(7), {1, 2}), error);
  REQUIRE_THROWS_AS(image_dataset(2, 2, 10, std::vector<std::uint8_t>(8), {1}), error);
  REQUIRE_THROWS_AS(image_dataset(0, 2, 10, {}, {}), error);
  REQUIRE_THROWS_AS(image_dataset(2, 2, 257, {}, {}), error);
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  REQUIRE_THROWS_AS(image_dataset(huge, huge, 10, {}, {}), error);
}

TEST_CASE("a label that is no class is invalid data", "[io]") {
  try {
    image_dataset(1, 1, 2, {0, 0}, {1, 2});
    FAIL("no error");
  } catch (const error& failure) {
    REQUIRE(code_of(failure) == errc::invalid_data);
    REQUIRE(std::string(failure.what()).find("image 1 has label 2") != std::string::npos);
  }
}

TEST_CASE("by default the last column is the target of the others", "[io]") {
  const table_dataset data = counting_table(4);
  REQUIRE(data.size() == 4);
  REQUIRE(data.row_count() == 4);
  REQUIRE(input_of(data, 2) == floats{2, 12});
  REQUIRE(target_of(data, 2) == floats{102});
}

TEST_CASE("a table of one column predicts itself", "[io]") {
  const table_dataset data({{"only"}}, {1, 2, 3, 4}, {.window = 2, .horizon = 1});
  REQUIRE(data.size() == 2);
  REQUIRE(input_of(data, 1) == floats{2, 3});
  REQUIRE(target_of(data, 1) == floats{4});
}

TEST_CASE("a window is row-major with the oldest row first", "[io]") {
  const table_dataset data =
      counting_table(5, {.inputs = {"c", "a"}, .targets = {"b"}, .window = 3, .target_rows = 2});
  REQUIRE(data.size() == 3);
  REQUIRE(data.input_size() == 6);
  REQUIRE(data.target_size() == 2);
  REQUIRE(input_of(data, 1) == floats{101, 1, 102, 2, 103, 3});
  REQUIRE(target_of(data, 1) == floats{12, 13});
}

TEST_CASE("a horizon puts the target rows behind the window", "[io]") {
  table_dataset data = counting_table(
      7, {.inputs = {"a"}, .targets = {"a"}, .window = 3, .target_rows = 2, .horizon = 1});
  REQUIRE(data.size() == 3);
  REQUIRE(input_of(data, 2) == floats{2, 3, 4});
  REQUIRE(target_of(data, 2) == floats{5, 6});

  table_layout later = data.layout();
  later.horizon = 2;
  data.set_layout(later);
  REQUIRE(data.size() == 2);
  REQUIRE(target_of(data, 1) == floats{5, 6});
}

TEST_CASE("every sample of every layout stays inside the table", "[io]") {
  for (std::size_t rows = 0; rows < 7; ++rows)
    for (std::size_t window = 1; window < 5; ++window)
      for (std::size_t target_rows = 1; target_rows < 4; ++target_rows)
        for (std::size_t horizon = target_rows > window ? 1 : 0; horizon < 4; ++horizon) {
          const table_dataset data = counting_table(rows, {.inputs = {"a"},
                                                           .targets = {"a"},
                                                           .window = window,
                                                           .target_rows = target_rows,
                                                           .horizon = horizon});
          const std::size_t needed = horizon == 0 ? window : window + horizon - 1 + target_rows;
          REQUIRE(data.size() == (rows < needed ? 0 : rows - needed + 1));
          if (data.size() == 0)
            continue;
          REQUIRE(input_of(data, 0).front() == 0.0f);
          REQUIRE(target_of(data, data.size() - 1).back() == static_cast<float>(rows - 1));
        }
}

TEST_CASE("a huge horizon or window leaves no samples", "[io]") {
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  REQUIRE(counting_table(5, {.horizon = huge}).size() == 0);
  REQUIRE(counting_table(5, {.target_rows = huge, .horizon = 1}).size() == 0);
  REQUIRE(counting_table(5, {.window = huge}).size() == 0);
}

TEST_CASE("categories come as index or as one-hot and stay missing when missing", "[io]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  table_dataset data({{"x"}, {"kind", {"red", "green", "blue"}}}, {5, 2, 6, nan});
  REQUIRE(target_of(data, 0) == floats{2});
  data.set_layout({.one_hot = true});
  REQUIRE(data.target_size() == 3);
  REQUIRE(target_of(data, 0) == floats{0, 0, 1});
  for (const float value : target_of(data, 1))
    REQUIRE(std::isnan(value));
}

TEST_CASE("a layout that does not fit is refused and changes nothing", "[io]") {
  table_dataset data = counting_table(4, {.window = 2});
  REQUIRE_THROWS_AS(data.set_layout({.window = 0}), error);
  REQUIRE_THROWS_AS(data.set_layout({.target_rows = 0}), error);
  REQUIRE_THROWS_AS(data.set_layout({.window = 1, .target_rows = 2}), error);
  REQUIRE_THROWS_AS(data.set_layout({.inputs = {"d"}, .targets = {"a"}}), error);
  REQUIRE_THROWS_AS(table_dataset().set_layout({}), error);
  REQUIRE(data.layout().window == 2);
  REQUIRE(input_of(data, 0) == floats{0, 10, 1, 11});
}

TEST_CASE("an unknown column is answered with the known ones", "[io]") {
  try {
    counting_table(1).column_index("price");
    FAIL("no error");
  } catch (const error& failure) {
    REQUIRE(code_of(failure) == errc::invalid_argument);
    REQUIRE(std::string(failure.what()) == "no column \"price\"; the columns are: a, b, c");
  }
}

TEST_CASE("values that do not fill rows are refused", "[io]") {
  REQUIRE_THROWS_AS(table_dataset({{"a"}, {"b"}}, {1, 2, 3}), error);
  REQUIRE_THROWS_AS(table_dataset({}, {1}), error);
  REQUIRE(table_dataset().size() == 0);
}
