// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/data/sample_reader.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/scratch_folder.hpp"

using namespace hanami;
using namespace hanami::service::data;

namespace {

float value_at(std::uint64_t row, std::uint64_t column) {
  return static_cast<float>(row * 1000 + column);
}

/// Rows of 40 values: "a" first, "z" last, "b" and "c" side by side.
std::shared_ptr<const data_reader> make_data(const std::filesystem::path& file,
                                             std::uint64_t rows) {
  data_layout layout;
  layout.rows = rows;
  layout.width = 40;
  layout.columns = {{"a", 0, 2}, {"b", 10, 11}, {"c", 11, 14}, {"z", 39, 40}};
  data_writer writer(file, layout, {});
  std::vector<float> row(40);
  for (std::uint64_t r = 0; r < rows; ++r) {
    for (std::uint64_t c = 0; c < 40; ++c) {
      row[c] = value_at(r, c);
    }
    writer.write(std::span<const float>(row));
  }
  writer.finish();
  return std::make_shared<const data_reader>(file, std::nullopt);
}

sample_link link_to(const std::shared_ptr<const data_reader>& data, const char* column,
                    std::size_t first) {
  const data_column& found = data->layout().column(column);
  return {data, found, first, static_cast<std::size_t>(found.width())};
}

} // namespace

TEST_CASE("samples are what their rows say, in any order and across blocks", "[service]") {
  const scratch_folder folder;
  const auto data = make_data(folder.path / "one", 5000);
  const auto other = make_data(folder.path / "two", 4500);
  const auto window = GENERATE(std::uint32_t{1}, std::uint32_t{7}, std::uint32_t{3000});
  const auto horizon = GENERATE(std::uint32_t{0}, std::uint32_t{5}, std::uint32_t{1000});
  sample_reader reader({link_to(data, "a", 0), link_to(data, "z", 2 * window)},
                       {link_to(data, "b", 3), link_to(other, "c", 0)}, window, horizon);
  REQUIRE(reader.size() == 4500 - window - horizon + 1);
  std::vector<float> input(3 * window);
  std::vector<float> target(4);
  const auto check = [&](std::uint64_t i) {
    reader.read(i, input, target);
    for (std::uint32_t k = 0; k < window; ++k) {
      REQUIRE(input[2 * k] == value_at(i + k, 0));
      REQUIRE(input[2 * k + 1] == value_at(i + k, 1));
      REQUIRE(input[2 * window + k] == value_at(i + k, 39));
    }
    const std::uint64_t row = i + window - 1 + horizon;
    REQUIRE(target == std::vector<float>{value_at(row, 11), value_at(row, 12), value_at(row, 13),
                                         value_at(row, 10)});
  };
  for (std::uint64_t i = 0; i < reader.size(); i += 1 + window / 8) {
    check(i);
  }
  check(reader.size() - 1);
  check(0);
}

TEST_CASE("datasets with fewer rows than a sample have none", "[service]") {
  const scratch_folder folder;
  const auto data = make_data(folder.path / "one", 10);
  CHECK(sample_reader({link_to(data, "a", 0)}, {}, 10, 0).size() == 1);
  CHECK(sample_reader({link_to(data, "a", 0)}, {}, 11, 0).size() == 0);
  CHECK(sample_reader({link_to(data, "a", 0)}, {link_to(data, "b", 0)}, 10, 1).size() == 0);
  CHECK(sample_reader({link_to(data, "a", 0)}, {link_to(data, "b", 0)}, 1, 9).size() == 1);
  // Answers alone need no row beyond their inputs.
  CHECK(sample_reader({link_to(data, "a", 0)}, {}, 1, 9).size() == 10);
}

TEST_CASE("columns side by side make one input, row after row", "[service]") {
  const scratch_folder folder;
  const auto data = make_data(folder.path / "one", 6);
  sample_link a = link_to(data, "a", 1);
  sample_link z = link_to(data, "z", 3);
  a.stride = z.stride = 3;
  sample_reader reader({a, z}, {}, 2, 0);
  REQUIRE(reader.size() == 5);
  std::vector<float> input(7);
  reader.read(3, input, {});
  CHECK(input == std::vector<float>{0, value_at(3, 0), value_at(3, 1), value_at(3, 39),
                                    value_at(4, 0), value_at(4, 1), value_at(4, 39)});
}

TEST_CASE("classes come as numbers or as one of several values, missing ones as NaN", "[service]") {
  const scratch_folder folder;
  data_layout layout;
  layout.rows = 5;
  layout.width = 1;
  layout.columns = {{"colour", 0, 1}};
  data_writer writer(folder.path / "one", layout, {});
  const float missing = std::numeric_limits<float>::quiet_NaN();
  writer.write(std::vector<float>{0, 1, 2, missing, 7});
  writer.set_classes(0, {"red", "green", "blue"});
  writer.finish();
  const auto data = std::make_shared<const data_reader>(folder.path / "one", std::nullopt);
  REQUIRE(data->layout().columns[0].classes == std::vector<std::string>{"red", "green", "blue"});

  sample_link number = link_to(data, "colour", 0);
  number.numbers = {2, 0, missing}; // the cluster knows no blue
  sample_link one_hot = number;
  one_hot.one_hot = 4;
  sample_reader reader({number}, {one_hot}, 1, 0);
  std::vector<float> input(1);
  std::vector<float> target(4);
  for (std::uint64_t row = 0; row < 5; ++row) {
    INFO(row);
    reader.read(row, input, target);
    const bool known = row < 2;
    CHECK(std::isnan(input[0]) == !known);
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(std::isnan(target[k]) == !known);
    }
    if (known) {
      CHECK(input[0] == (row == 0 ? 2 : 0));
      CHECK(target[row == 0 ? 2 : 0] == 1);
      CHECK(std::count(target.begin(), target.end(), 0.0F) == 3);
    }
  }
}
