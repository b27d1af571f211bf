// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/data/sample_reader.hpp>

#include <catch2/catch.hpp>

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
                    std::size_t first, std::uint64_t rows) {
  const data_column& found = data->layout().column(column);
  return {data, found, first, static_cast<std::size_t>(found.width() * rows)};
}

} // namespace

TEST_CASE("samples are what their rows say, in any order and across blocks", "[service]") {
  const scratch_folder folder;
  const auto data = make_data(folder.path / "one", 5000);
  const auto other = make_data(folder.path / "two", 4500);
  const auto window = GENERATE(std::uint32_t{1}, std::uint32_t{7}, std::uint32_t{3000});
  const auto horizon = GENERATE(std::uint32_t{0}, std::uint32_t{5}, std::uint32_t{1000});
  sample_reader reader({link_to(data, "a", 0, window), link_to(data, "z", 2 * window, window)},
                       {link_to(data, "b", 3, 1), link_to(other, "c", 0, 1)}, window, horizon);
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
  CHECK(sample_reader({link_to(data, "a", 0, 10)}, {}, 10, 0).size() == 1);
  CHECK(sample_reader({link_to(data, "a", 0, 11)}, {}, 11, 0).size() == 0);
  CHECK(sample_reader({link_to(data, "a", 0, 10)}, {link_to(data, "b", 0, 1)}, 10, 1).size() == 0);
  CHECK(sample_reader({link_to(data, "a", 0, 1)}, {link_to(data, "b", 0, 1)}, 1, 9).size() == 1);
  // Answers alone need no row beyond their inputs.
  CHECK(sample_reader({link_to(data, "a", 0, 1)}, {}, 1, 9).size() == 10);
}
